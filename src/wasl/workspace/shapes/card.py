"""The customer beside a conversation: who they are, how to reach them, what happened lately."""

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from django.utils.translation import gettext as _

from wasl.accounts.actor import Actor
from wasl.conversations import queries
from wasl.conversations.models import Status
from wasl.conversations.queries import Shown
from wasl.customers.models import Customer, Identity
from wasl.customers.queries import timeline_of
from wasl.timeline.queries import Entry
from wasl.workspace import words
from wasl.workspace.format import moment, year
from wasl.workspace.shapes import orders
from wasl.workspace.shapes.timeline import Item, items
from wasl.workspace.shapes.told import Vow, vows

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


@dataclass(frozen=True, slots=True)
class Card:
    """Everything on the card."""

    id: UUID
    name: str
    where: str
    since: str
    promises: list[Vow]
    links: bool
    reach_title: str
    ways: list[Way]
    orders: list[orders.Shown]
    others: list[Other]
    lately: list[Item]


def card(
    actor: Actor, row: Any, name: str, identities: list[Identity], latest: Sequence[Shown] | None = None
) -> Card:
    """The card of the customer of an open conversation; `latest` are its newest messages where they were read already,
    at least as many as orders are looked for in."""
    customer, family = row.customer, row.family
    recent = timeline_of(actor, family, limit=RECENT)
    told = timeline_of(actor, family, limit=RECENT, kinds=TELLING) if recent.after else recent
    spoken = None if latest is None else [shown.message for shown in latest]
    return Card(
        id=customer.id,
        name=name,
        where=customer.place,
        since=since(customer),
        promises=vows(actor, family, row.id),
        links=row.inbox.links,
        reach_title=_("How to reach them"),
        ways=ways(identities, told.rows),
        orders=orders.beside(row.id, family, spoken),
        others=others(actor, family, row.id),
        lately=items(actor, recent.rows, name, LATELY, latest or ()),
    )


def since(customer: Customer) -> str:
    """`Customer since 2022 · French`."""
    first = _("Customer since %(year)s") % {"year": year(customer.created_at)}
    return " · ".join(filter(None, (first, words.language_name(customer.language))))


def ways(identities: Iterable[Identity], entries: Iterable[Entry]) -> list[Way]:
    """A customer's addresses with what the latest of these entries (newest first) says of each.

    Whoever once called our mail unwanted is not forgotten over the next one that was sent.
    """
    told: dict[str, Entry] = {}
    for entry in entries:
        if entry.kind in TELLING:
            address = str(entry.detail.get("to", ""))
            if entry.kind == "delivery.complained" or address not in told:
                told[address] = entry
    return [_way(identity, told.get(identity.display)) for identity in identities]


TELLING = frozenset(
    {
        "delivery.sent",
        "delivery.delivered",
        "delivery.read",
        "delivery.failed",
        "delivery.in_doubt",
        "delivery.complained",
    }
)
_BAD = frozenset({"delivery.failed", "delivery.complained"})


def _way(identity: Identity, last: Entry | None) -> Way:
    works, under = _told(last) if last else ("", "")
    return Way(
        identity.id,
        words.channel_icon(identity.channel),
        words.channel(identity.channel),
        words.address(identity.channel, identity.display),
        works,
        last is not None and last.kind in _BAD,
        under,
    )


def _told(last: Entry) -> tuple[str, str]:
    at = {"time": moment(last.occurred_at)}
    if last.kind == "delivery.failed":
        said = words.reason(str(last.facts.get("reason", "")), last.channel)
        return _("Fails"), said[:1].upper() + said[1:]
    if last.kind == "delivery.complained":
        return _("Unwanted"), _("They reported our mail as unwanted, %(time)s") % at
    if last.kind == "delivery.in_doubt":
        return _("Not sure"), _("The last message may not have left, %(time)s") % at
    if last.kind == "delivery.read":
        return _("Works"), _("Last read %(time)s") % at
    if last.kind == "delivery.delivered":
        return _("Works"), _("Last arrived %(time)s") % at
    return _("Works"), _("Last sent %(time)s") % at


def others(
    actor: Actor,
    customer_ids: Collection[UUID],
    except_id: UUID | None = None,
    limit: int = 5,
    resolved: bool | None = None,
) -> list[Other]:
    """The customer's other conversations that the reader may see, latest first; those that are resolved, or not."""
    rows = queries.visible(actor).filter(customer_id__in=customer_ids).order_by("-last_at", "-id")
    if resolved is not None:
        rows = rows.filter(status=Status.RESOLVED) if resolved else rows.exclude(status=Status.RESOLVED)
    asked = rows.values_list("id", "subject", "last_at", "status", "inbox__channel")
    return [
        Other(id_, words.about(subject, channel), last_at, status == Status.RESOLVED)
        for id_, subject, last_at, status, channel in asked[: limit + 1]
        if id_ != except_id
    ][:limit]
