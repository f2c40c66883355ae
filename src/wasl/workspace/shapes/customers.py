"""Customers in lists, their merges, and what a merge taken back leaves to look at."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from wasl.accounts.actor import Actor
from wasl.channels.queries import recipients
from wasl.conversations import queries
from wasl.customers.actions import Shared
from wasl.customers.models import Customer, CustomerSummary, Identity, Merge
from wasl.customers.queries import root
from wasl.workspace import words
from wasl.workspace.format import first_name
from wasl.workspace.shapes import people


@dataclass(frozen=True, slots=True)
class Row:
    """A customer in a list."""

    id: UUID
    name: str
    address: str
    icon: str
    place: str
    language: str
    last_at: datetime | None


def rows(found: Sequence[Customer]) -> list[Row]:
    """A page of customers, each with an address and when we last heard of them."""
    ids = [customer.id for customer in found]
    names = people.names(found)
    addresses = {
        identity.customer_id: identity
        for identity in Identity.objects.filter(customer_id__in=ids).order_by("-created_at", "-id")
    }
    last = dict(CustomerSummary.objects.filter(id__in=ids).values_list("id", "last_at"))
    return [_row(customer, names[customer.id], addresses.get(customer.id), last) for customer in found]


def _row(customer: Customer, name: str, identity: Identity | None, last: dict[UUID, datetime]) -> Row:
    return Row(
        customer.id,
        name,
        words.address(identity.channel, identity.display) if identity else "",
        words.channel_icon(identity.channel) if identity else "user",
        customer.place,
        words.language_name(customer.language),
        last.get(customer.id),
    )


@dataclass(frozen=True, slots=True)
class MergeRow:
    """Somebody who was said to be this customer, and by whom."""

    id: UUID
    name: str
    at: datetime
    by: str


def merges(found: Sequence[Merge]) -> list[MergeRow]:
    """The merges that can be taken back."""
    merged = Customer.objects.in_bulk([merge.merged_id for merge in found])
    names = people.own_names(merged.values())
    agents = recipients([merge.by_agent_id for merge in found if merge.by_agent_id])
    return [
        MergeRow(
            merge.id,
            names[merge.merged_id],
            merge.at,
            first_name(agents.get(merge.by_agent_id, "")) if merge.by_agent_id else "",
        )
        for merge in found
    ]


def pair(actor: Actor, kept_id: UUID, merged_id: UUID) -> list[Customer]:
    """The two customers of a merge that was taken back."""
    return [root(actor, kept_id), root(actor, merged_id)]


@dataclass(frozen=True, slots=True)
class SharedRow:
    """A conversation in which both wrote."""

    id: UUID
    subject: str
    messages: int


def shared(actor: Actor, found: Iterable[Shared]) -> list[SharedRow]:
    """Those of them that the reader may see."""
    counts = {each.conversation_id: len(each.received) + len(each.sent) for each in found}
    visible = queries.visible(actor).filter(id__in=counts)
    return [SharedRow(row.id, row.subject, counts[row.id]) for row in visible.order_by("-last_at")[:50]]
