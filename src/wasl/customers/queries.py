"""What an actor may read of customers. Call inside `tenant(…)`.

Customers belong to the workspace: whoever works in it may see who they are. What was said to them belongs to an
inbox: the timeline leaves out the touchpoints of conversations in inboxes that the actor may not see.
"""

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import LiteralString
from uuid import UUID

from django.db.models import QuerySet

from wasl.accounts.actor import Actor, NotFound
from wasl.customers.models import Customer, CustomerSummary, Identity, Merge
from wasl.kit.db import raw
from wasl.kit.folding import fold
from wasl.timeline.queries import Cursor, Entry, Only, of_customers

PAGE = 50
IDENTITIES = 200
FEW = 1000
MOST_WORDS = 8

_WORD = re.compile(r"[^\W_]+")

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
    """Customers by name. `search`: beginnings of words of a name or an address, of the customer or of
    one merged into it; all of them."""
    # Not `root = id`, which says the same and which the planner takes for one row in two hundred.
    found = Customer.objects.filter(workspace_id=actor.workspace_id, merged_into_id=None)
    words = search.replace("\0", "").strip()
    if words:
        found = _called(actor, found, words)
    if after:
        # Written as a row, which PostgreSQL turns into a place in the index; an OR it would have to filter by.
        found = found.extra(
            where=["(customers_customer.name, customers_customer.id) > (%s, %s)"], params=after
        )
    rows = list(found.order_by("name", "id")[: limit + 1])
    more = len(rows) > limit
    return CustomerPage(rows[:limit], (rows[limit - 1].name, rows[limit - 1].id) if more else None)


_OF_LATE: LiteralString = "SELECT id FROM wasl_people_of_late(%s, %s::tsquery, %s)"


def of_late(actor: Actor, typed: str, limit: int) -> list[Customer]:
    """A few of the customers who are called so, as `customers` understands it: whoever wrote of late comes first."""
    asked = _beginnings(typed)
    if not asked:
        return []
    ids = [row[0] for row in raw().execute(_OF_LATE, [actor.workspace_id, asked, limit])]
    found = Customer.objects.in_bulk(ids) if ids else {}
    return [found[id_] for id_ in ids if id_ in found and found[id_].merged_into_id is None]


_CALLED: LiteralString = "SELECT * FROM wasl_people(%s, %s::tsquery, %s)"
# Of the customers in the order of the list, those who are called so, themselves or somebody merged into them.
_IS_CALLED: LiteralString = """
EXISTS (SELECT FROM customers_customer k WHERE k.workspace_id = customers_customer.workspace_id
  AND k.root_id = customers_customer.id AND (k.words @@ %s::tsquery OR EXISTS (
    SELECT FROM customers_identity i
    WHERE i.workspace_id = k.workspace_id AND i.customer_id = k.id AND i.words @@ %s::tsquery)))
"""


def _called(actor: Actor, found: QuerySet[Customer], typed: str) -> QuerySet[Customer]:
    """Of these customers, those with words in their names or addresses that begin so; by the way that is quick.

    Few are looked for everywhere at once and then named; of many, which would have to be sorted all, each is asked
    in the order of the list, and a page is soon full.
    """
    asked = _beginnings(typed)
    if not asked:
        return found.none()
    few = [row[0] for row in raw().execute(_CALLED, [actor.workspace_id, asked, FEW + 1])]
    if len(few) <= FEW:
        return found.filter(id__in=few)
    return found.extra(where=[_IS_CALLED], params=[asked, asked])  # noqa: S610 - written here


def _beginnings(typed: str) -> str:
    """The text of a tsquery: words that begin as each of those typed; '' when none was."""
    words = _WORD.findall(fold(typed.replace("\0", "")))
    return " & ".join(f"'{word}':*" for word in words[:MOST_WORDS])


def timeline(
    actor: Actor,
    customer_id: UUID,
    before: Cursor | None = None,
    limit: int = PAGE,
    kinds: Iterable[str] = (),
) -> TimelinePage:
    """What happened with a customer and everybody merged into it, as far as the actor may see it; of some kinds only
    where they are named. Raises NotFound."""
    return timeline_of(actor, family([root(actor, customer_id).id]), before, limit, kinds)


def timeline_of(
    actor: Actor,
    members: Sequence[UUID],
    before: Cursor | None = None,
    limit: int = PAGE,
    kinds: Iterable[str] = (),
    channel: str = "",
    files: bool = False,
) -> TimelinePage:
    """The same of a family that is known already; of one channel, or only what came with files, where that is asked."""
    asked = {"kinds": list(kinds), "channel": channel}
    condition: LiteralString = f"({_VISIBLE})"
    if asked["kinds"]:
        condition += " AND t.kind = ANY(%(kinds)s)"
    if channel:
        condition += " AND t.channel = %(channel)s"
    if files:
        condition += " AND (t.facts->>'files')::int > 0"
    only = Only(condition, {"inboxes": list(actor.inboxes), **asked})
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
