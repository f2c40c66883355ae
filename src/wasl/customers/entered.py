"""An address that an agent enters by hand, for a channel on which customers cannot write first."""

from uuid import UUID

from wasl.accounts.actor import Actor
from wasl.customers.models import Identity
from wasl.customers.queries import family, root
from wasl.customers.resolve import lock_identities
from wasl.kit.clock import now
from wasl.kit.db import raw
from wasl.kit.ids import uuid7
from wasl.kit.signal import Signal, send
from wasl.timeline.actions import Touch, append


class Taken(Exception):
    """The address is that of another customer already."""

    def __init__(self, customer_id: UUID) -> None:
        super().__init__(customer_id)
        self.customer_id = customer_id


def keep(actor: Actor, customer_id: UUID, channel: str, address: str) -> Identity:
    """Keep an address, as its channel writes it; the same again changes nothing. Inside `tenant(…)`.

    Raises Forbidden, NotFound, Taken.
    """
    actor.require_write()
    customer = root(actor, customer_id)
    lock_identities(raw(), actor.workspace_id, [(channel, address)])
    known = Identity.objects.filter(channel=channel, address=address).first()
    if known is not None:
        if known.customer_id not in family([customer.id]):
            raise Taken(known.customer_id)
        return known
    identity = Identity(
        id=uuid7(), workspace_id=actor.workspace_id, customer=customer, channel=channel, address=address,
        display=address, created_at=now(),
    )  # fmt: skip
    identity.save(force_insert=True)
    detail = {"agent": str(actor.agent_id)} if actor.agent_id else None
    facts = {"by": actor.kind}
    touch = Touch(
        customer.id, "identity.added", now(), channel, about_id=identity.id, facts=facts, detail=detail
    )
    append(raw(), actor.workspace_id, [touch])
    send(raw(), [Signal("customer", actor.workspace_id, customers=(customer.id,))])
    return identity
