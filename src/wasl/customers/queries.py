"""What an actor may read of customers. Call inside `tenant(…)`.

Customers belong to the workspace: whoever works in it may see who they are. What was said to them belongs to an
inbox: the timeline leaves out the touchpoints of conversations in inboxes that the actor may not see.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import LiteralString
from uuid import UUID

from django.db.models import Exists, OuterRef, Q

from wasl.accounts.actor import Actor, NotFound
from wasl.customers.models import Customer, CustomerSummary, Identity, Merge
from wasl.kit.db import raw
from wasl.timeline.queries import Cursor, Entry, Only, of_customers

PAGE = 50
IDENTITIES = 200
FEW = 1000

# The join names a table of an upper room, whose foreign key this database has anyway. The alternative, a condition
# handed in by whoever asks, is one that somebody forgets, and then private conversations leak; here nobody can.
_VISIBLE = """
t.conversation_id IS NULL OR EXISTS (
  SELECT FROM conversations_conversation c
  WHERE c.workspace_id = t.workspace_id AND c.id = t.conversation_id AND c.inbox_id = ANY(%(inboxes)s::uuid[])
)
"""


@dataclass(frozen=True, slots=True)
class CustomerPage:
    """Customers by name, and where the next page begins (None at the end)."""

    rows: list[Customer]
    after: tuple[str, UUID] | None


@dataclass(frozen=True, slots=True)
class TimelinePage:
    """Touchpoints, newest first, and where the next page begins (None at the end)."""

    rows: list[Entry]
    after: Cursor | None


@dataclass(frozen=True, slots=True)
class Summary:
    """What the timelines of a family come to, in all inboxes."""

    received: int = 0
    sent: int = 0
    failed: int = 0
    first_at: datetime | None = None
    last_at: datetime | None = None
    last_channel: str = ""


@dataclass(frozen=True, slots=True)
class Card:
    """A customer: the root of the family, everybody merged into it, their addresses, and the merges that could be
    undone, newest first."""

    customer: Customer
    members: list[UUID]
    identities: list[Identity]
    merges: list[Merge]
    summary: Summary


def family(customer_ids: Iterable[UUID]) -> list[UUID]:
    """Everybody who is one with any of these customers, themselves included."""
    roots = Customer.objects.filter(id__in=list(customer_ids)).values("root_id")
    return list(Customer.objects.filter(root_id__in=roots).order_by("id").values_list("id", flat=True))


def root(actor: Actor, customer_id: UUID) -> Customer:
    """The customer that this one is now; itself, for nearly everyone. Raises NotFound."""
    found = (
        Customer.objects.select_related("root")
        .filter(workspace_id=actor.workspace_id, id=customer_id)
        .first()
    )
    if found is None:
        raise NotFound
    return found.root  # type: ignore[no-any-return]


def customer(actor: Actor, customer_id: UUID) -> Card:
    """A customer with everything that is known of them; of one that was merged, the one it is now. Raises NotFound."""
    found = root(actor, customer_id)
    members = family([found.id])
    identities = Identity.objects.filter(customer_id__in=members).order_by("created_at", "id")[:IDENTITIES]
    merges = Merge.objects.filter(merged_id__in=members, undone_at=None).order_by("-at", "-id")
    return Card(found, members, list(identities), list(merges), _summary(members))


def _summary(members: list[UUID]) -> Summary:
    rows = list(CustomerSummary.objects.filter(id__in=members))
    if not rows:
        return Summary()
    last = max(rows, key=lambda row: row.last_at)
    return Summary(
        received=sum(row.received for row in rows),
        sent=sum(row.sent for row in rows),
        failed=sum(row.failed for row in rows),
        first_at=min(row.first_at for row in rows),
        last_at=last.last_at,
        last_channel=last.last_channel,
    )


def customers(
    actor: Actor, search: str = "", after: tuple[str, UUID] | None = None, limit: int = PAGE
) -> CustomerPage:
    """Customers by name. `search` is part of a name or of an address, of the customer or of one merged into it."""
    # Not `root = id`, which says the same and which the planner takes for one row in two hundred.
    found = Customer.objects.filter(workspace_id=actor.workspace_id, merged_into_id=None)
    words = search.replace("\0", "").strip()
    if words:
        found = found.filter(_matching(words))
    if after:
        # Written as a row, which PostgreSQL turns into a place in the index; an OR it would have to filter by.
        found = found.extra(
            where=["(customers_customer.name, customers_customer.id) > (%s, %s)"], params=after
        )
    rows = list(found.order_by("name", "id")[: limit + 1])
    more = len(rows) > limit
    return CustomerPage(rows[:limit], (rows[limit - 1].name, rows[limit - 1].id) if more else None)


def _matching(words: str) -> Q:
    """Which customers a search means, by the way that is quick for it.

    Few are looked for everywhere at once and then named; of many, which would have to be sorted all, each is asked
    in the order of the list, and a page is soon full.
    """
    named = Q(name__icontains=words)
    # By their customer's id alone: joined to customers, each identity would be looked up by itself.
    addressed = Identity.objects.filter(address__contains=words.lower())
    everywhere = Customer.objects.filter(named | Q(id__in=addressed.values("customer_id")))
    few = list(everywhere.values_list("root_id", flat=True)[: FEW + 1])
    if len(few) <= FEW:
        return Q(id__in=few)
    of_member = addressed.filter(customer_id=OuterRef("id"))
    return Q(Exists(Customer.objects.filter(named | Exists(of_member), root_id=OuterRef("id"))))


def timeline(
    actor: Actor, customer_id: UUID, before: Cursor | None = None, limit: int = PAGE
) -> TimelinePage:
    """What happened with a customer and everybody merged into it, as far as the actor may see it. Raises NotFound."""
    members = family([root(actor, customer_id).id])
    only = Only(_VISIBLE, {"inboxes": list(actor.inboxes)})
    rows = of_customers(raw(), actor.workspace_id, members, before=before, limit=limit + 1, only=only)
    return TimelinePage(rows[:limit], rows[limit - 1].cursor if len(rows) > limit else None)


def may_see(actor: Actor, touchpoint_id: UUID) -> None:
    """Raise NotFound unless this is a touchpoint that the actor would be shown on a timeline."""
    query: LiteralString = (
        "SELECT 1 FROM timeline_touchpoint t"
        f" WHERE t.workspace_id = %(workspace)s AND t.id = %(id)s AND ({_VISIBLE})"
    )
    values = {"workspace": actor.workspace_id, "id": touchpoint_id, "inboxes": list(actor.inboxes)}
    if raw().execute(query, values).fetchone() is None:
        raise NotFound
