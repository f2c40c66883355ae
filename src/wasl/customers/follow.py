"""What follows from a customer's timeline: who else they may be, and what it comes to (messages received and sent,
deliveries that failed).

Of the latter there is one row for each customer that was ever written to or heard from, under their own id and not
their root's: a merge changes nothing here, and a page adds up the rows of a family.
"""

from collections.abc import Iterable, Iterator
from datetime import datetime
from itertools import groupby
from operator import attrgetter
from typing import Any, LiteralString, NamedTuple
from uuid import UUID

from wasl.customers.linking import consider
from wasl.kit.db import Connection, as_tenant
from wasl.timeline.follow import Follower
from wasl.timeline.rebuild import Projection


class Row(NamedTuple):
    """What the summary needs of a touchpoint."""

    workspace_id: UUID
    customer_id: UUID
    occurred_at: datetime
    kind: str
    channel: str


COUNTED = {
    "message.received": (0, 1),
    "message.sent": (1, 1),
    "message.withdrawn": (1, -1),
    "delivery.failed": (2, 1),
}
"""Which of the counts a kind changes, and by how much."""

_ADD: LiteralString = """
INSERT INTO customers_customersummary AS s
  (workspace_id, id, first_at, last_at, last_channel, received, sent, failed)
SELECT %b, * FROM unnest(%b::uuid[], %b::timestamptz[], %b::timestamptz[], %b::text[], %b::int4[], %b::int4[],
                         %b::int4[])
ON CONFLICT (workspace_id, id) DO UPDATE SET
  first_at = least(s.first_at, EXCLUDED.first_at),
  last_at = greatest(s.last_at, EXCLUDED.last_at),
  last_channel = CASE WHEN EXCLUDED.last_at >= s.last_at THEN EXCLUDED.last_channel ELSE s.last_channel END,
  received = s.received + EXCLUDED.received, sent = s.sent + EXCLUDED.sent, failed = s.failed + EXCLUDED.failed
"""


def handle(conn: Connection, rows: list[Row]) -> None:
    """Add a batch, one statement for each workspace."""
    counted = sorted((row for row in rows if row.kind in COUNTED), key=attrgetter("workspace_id"))
    for workspace_id, group in groupby(counted, key=attrgetter("workspace_id")):
        columns = [list(column) for column in zip(*_sums(group), strict=True)]
        with as_tenant(conn, workspace_id):
            conn.execute(_ADD, [workspace_id, *columns])


def _sums(rows: Iterable[Row]) -> Iterator[list[Any]]:
    """For each customer: id, first and last moment, the channel of the last, counts. Of equal moments the later in
    the readers' order is the last."""
    sums: dict[UUID, list[Any]] = {}
    for row in rows:
        at = row.occurred_at
        one = sums.setdefault(row.customer_id, [row.customer_id, at, at, row.channel, 0, 0, 0])
        one[1] = min(one[1], at)
        if at >= one[2]:
            one[2], one[3] = at, row.channel
        which, by = COUNTED[row.kind]
        one[4 + which] += by
    yield from sums.values()


SUMMARY = Follower(name="customers.summary", handle=handle, row=Row)

_EMPTY: LiteralString = "DELETE FROM customers_customersummary WHERE workspace_id = %s"
_FILL: LiteralString = """
INSERT INTO customers_customersummary (workspace_id, id, first_at, last_at, last_channel, received, sent, failed)
SELECT t.workspace_id, t.customer_id, min(t.occurred_at), max(t.occurred_at),
       (array_agg(t.channel ORDER BY t.occurred_at DESC, t.epoch DESC, t.tx DESC, t.id DESC))[1],
       count(*) FILTER (WHERE t.kind = 'message.received'),
       count(*) FILTER (WHERE t.kind = 'message.sent') - count(*) FILTER (WHERE t.kind = 'message.withdrawn'),
       count(*) FILTER (WHERE t.kind = 'delivery.failed')
FROM timeline_touchpoint t
WHERE t.workspace_id = %(workspace)s AND t.kind = ANY(%(kinds)s)
  AND (t.epoch, t.tx, t.id) <= (SELECT epoch, tx, last_id FROM timeline_follower WHERE name = %(cursor)s)
  AND NOT EXISTS (SELECT FROM timeline_parked p WHERE p.workspace_id = t.workspace_id AND p.touchpoint_id = t.id
                  AND p.follower = %(cursor)s AND p.settled_at IS NULL)
GROUP BY t.workspace_id, t.customer_id
"""


def rebuild(conn: Connection, workspace_id: UUID) -> None:
    """Make a workspace's summaries anew, from the touchpoints that the follower has read and digested."""
    conn.execute(_EMPTY, [workspace_id])
    conn.execute(_FILL, {"workspace": workspace_id, "kinds": list(COUNTED), "cursor": SUMMARY.cursor})


class New(NamedTuple):
    """What the comparing needs of a touchpoint."""

    workspace_id: UUID
    customer_id: UUID
    kind: str
    about_id: UUID | None
    facts: dict[str, Any]


LEARNT = frozenset({"identity.added", "order.placed", "customer.unmerged"})
"""Kinds after which a customer is compared with others, besides messages of somebody new or that told something new."""


def compare(conn: Connection, rows: list[New]) -> None:
    """Link and suggest. Of a message from somebody who is known it reads nothing but that it came."""
    news = sorted(filter(_is_news, rows), key=attrgetter("workspace_id"))
    for workspace_id, group in groupby(news, key=attrgetter("workspace_id")):
        told = list(group)
        undone = [
            row.about_id
            for row in told
            if row.about_id and row.kind == "customer.unmerged" and row.facts.get("by") != "system"
        ]
        with as_tenant(conn, workspace_id):
            consider(conn, workspace_id, {row.customer_id for row in told}, undone)


def _is_news(row: New) -> bool:
    if row.kind == "message.received":
        return bool(row.facts.get("new_customer") or row.facts.get("learnt"))
    return row.kind in LEARNT


LINKING = Follower(
    name="customers.linking",
    handle=compare,
    row=New,
    only="t.kind <> 'message.received' OR t.facts->>'new_customer' <> '0' OR t.facts ? 'learnt'",
)

PROJECTION = Projection("customers.summary", ("customers_customersummary",), rebuild, (SUMMARY.cursor,))
