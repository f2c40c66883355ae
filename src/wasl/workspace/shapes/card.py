"""The customer beside a conversation: who they are, how to reach them, what happened lately."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from django.utils.translation import gettext as _

from wasl.accounts.actor import Actor
from wasl.conversations import queries
from wasl.customers.models import Customer, Identity
from wasl.customers.queries import timeline
from wasl.timeline.queries import Entry
from wasl.workspace import words
from wasl.workspace.format import moment, year
from wasl.workspace.shapes.timeline import Item, items

LATELY = 5
RECENT = 30


@dataclass(frozen=True, slots=True)
class Way:
    """One address of a customer and whether it works."""

    id: UUID
    icon: str
    channel: str
    address: str
    works: str
    trouble: bool
    under: str


@dataclass(frozen=True, slots=True)
class Other:
    """Another conversation of the same customer."""

    id: UUID
    subject: str
    at: datetime
    resolved: bool
    owner: str = ""


@dataclass(frozen=True, slots=True)
class Card:
    """Everything on the card."""

    id: UUID
    name: str
    where: str
    since: str
    reach_title: str
    ways: list[Way]
    others: list[Other]
    lately: list[Item]


def card(
    actor: Actor, customer: Customer, name: str, identities: list[Identity], conversation_id: UUID
) -> Card:
    """The card of the customer of an open conversation."""
    recent = timeline(actor, customer.id, limit=RECENT)
    return Card(
        id=customer.id,
        name=name,
        where=customer.place,
        since=since(customer),
        reach_title=_("How to reach them"),
        ways=ways(identities, recent.rows),
        others=others(
            actor, {customer.id, *(identity.customer_id for identity in identities)}, conversation_id
        ),
        lately=items(actor, recent.rows, name)[:LATELY],
    )


def since(customer: Customer) -> str:
    """`Customer since 2022 · French`."""
    first = _("Customer since %(year)s") % {"year": year(customer.created_at)}
    return " · ".join(filter(None, (first, words.language_name(customer.language))))


def ways(identities: Iterable[Identity], entries: Iterable[Entry]) -> list[Way]:
    """A customer's addresses with what the latest of these entries (newest first) says of each."""
    told: dict[str, Entry] = {}
    for entry in entries:
        if entry.kind in _TELLING:
            told.setdefault(str(entry.detail.get("to", "")), entry)
    return [_way(identity, told.get(identity.display)) for identity in identities]


_TELLING = frozenset({"delivery.sent", "delivery.delivered", "delivery.failed", "delivery.in_doubt"})


def _way(identity: Identity, last: Entry | None) -> Way:
    works, under = _told(last) if last else ("", "")
    return Way(
        identity.id,
        words.channel_icon(identity.channel),
        words.channel(identity.channel),
        identity.display,
        works,
        last is not None and last.kind == "delivery.failed",
        under,
    )


def _told(last: Entry) -> tuple[str, str]:
    at = {"time": moment(last.occurred_at)}
    if last.kind == "delivery.failed":
        said = words.reason(str(last.facts.get("reason", "")))
        return _("Fails"), said[:1].upper() + said[1:]
    if last.kind == "delivery.in_doubt":
        return _("Not sure"), _("The last message may not have left, %(time)s") % at
    if last.kind == "delivery.delivered":
        return _("Works"), _("Last arrived %(time)s") % at
    return _("Works"), _("Last sent %(time)s") % at


def others(
    actor: Actor, customer_ids: set[UUID], except_id: UUID | None = None, limit: int = 5
) -> list[Other]:
    """The customer's other conversations that the reader may see, latest first."""
    page = queries.conversations(actor, status="", customer_ids=list(customer_ids), limit=limit + 1)
    rows = [row for row in page.rows if row.id != except_id][:limit]
    return [
        Other(
            row.id,
            row.subject,
            row.last_at,
            row.status == "resolved",
            row.assignee.name if row.assignee else "",
        )
        for row in rows
    ]
