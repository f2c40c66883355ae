"""A customer's postal address, as an agent enters it: one of their identities, on the channel "post"."""

from uuid import UUID

from wasl.accounts.actor import Actor
from wasl.channels.post.address import postal
from wasl.channels.post.parse import CHANNEL
from wasl.customers import entered
from wasl.customers.models import Identity
from wasl.kit.clock import now


def keep(actor: Actor, customer_id: UUID, text: str, country: str) -> Identity:
    """Enter a postal address; the one that was entered last is written to. Inside `tenant(…)`.

    Raises Forbidden, NotFound, address.BadAddress, entered.Taken.
    """
    found = postal(text, country)
    identity = entered.keep(actor, customer_id, CHANNEL, found.key)
    identity.display, identity.name, identity.created_at = found.shown, found.lines[0], now()
    identity.save(update_fields=["display", "name", "created_at"])
    return identity


def addresses(customer_ids: list[UUID]) -> list[Identity]:
    """The postal addresses of a family, the one that is written to first."""
    found = Identity.objects.filter(channel=CHANNEL, customer_id__in=customer_ids)
    return list(found.order_by("-created_at", "-id")[:20])
