"""Taking deliveries to work on: batches that no other worker holds, under a lease and a fence.

The lease is the row's own `due_at`: a delivery that is being sent is due again when the lease ends, so a worker
that died needs nobody to notice. The fence grows with every claim, so a worker that only seemed dead can do no harm
when it comes back. As the queue role, across workspaces.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, LiteralString, NamedTuple
from uuid import UUID

from wasl.channels.base import BounceKind
from wasl.delivery.rows import COLUMNS, Row
from wasl.kit.db import Connection
from wasl.kit.ids import uuid7

SLICE = 500
"""Rows changed in one transaction at most, where no call is made for them."""


class Key(NamedTuple):
    """An inbox."""

    workspace_id: UUID
    inbox_id: UUID


@dataclass(frozen=True, slots=True)
class Job:
    """A call to make: its delivery (with the fence of the claim), its attempt, and what is to be sent."""

    row: Row
    attempt_id: UUID
    started_at: datetime
    payload: dict[str, Any]
    stopped: bool = False
    """Whether they want nothing more: then no call is made."""

    @property
    def key(self) -> Key:
        """The inbox it leaves by."""
        return Key(self.row.workspace_id, self.row.inbox_id)


class Known(NamedTuple):
    """A receipt that is already stored."""

    delivery_id: UUID
    at: datetime
    kind: BounceKind
    reason: str


# A loose index scan: one step of the index for each inbox that has something waiting, however much that is.
_HEADS: LiteralString = """
WITH RECURSIVE head AS (
  (SELECT workspace_id, inbox_id, due_at FROM delivery_delivery WHERE state IN ('queued', 'retry')
   ORDER BY workspace_id, inbox_id, due_at, id LIMIT 1)
  UNION ALL
  SELECT next.* FROM head CROSS JOIN LATERAL (
    SELECT workspace_id, inbox_id, due_at FROM delivery_delivery
    WHERE state IN ('queued', 'retry') AND (workspace_id, inbox_id) > (head.workspace_id, head.inbox_id)
    ORDER BY workspace_id, inbox_id, due_at, id LIMIT 1) next
)
SELECT workspace_id, inbox_id, due_at FROM head
"""


def heads(conn: Connection) -> dict[Key, datetime]:
    """When each inbox has its next delivery due."""
    return {Key(row[0], row[1]): row[2] for row in conn.execute(_HEADS)}


_TAKE: LiteralString = f"""
WITH picked AS (
  SELECT p.workspace_id, p.id
  FROM unnest(%(workspaces)b::uuid[], %(inboxes)b::uuid[], %(quotas)b::int4[]) AS q (workspace_id, inbox_id, quota)
  CROSS JOIN LATERAL (
    SELECT workspace_id, id FROM delivery_delivery
    WHERE workspace_id = q.workspace_id AND inbox_id = q.inbox_id AND state IN ('queued', 'retry')
      AND due_at <= %(now)b
    ORDER BY due_at, id LIMIT q.quota FOR UPDATE SKIP LOCKED) p
), taken AS (
  UPDATE delivery_delivery d
  SET state = 'sending', attempts = d.attempts + 1, fence = d.fence + 1, due_at = %(lease)b
  FROM picked WHERE d.workspace_id = picked.workspace_id AND d.id = picked.id
  RETURNING d.*
), d AS (
  SELECT *, (%(ids)b::uuid[])[row_number() OVER ()] AS attempt_id FROM taken
), written AS (
  INSERT INTO delivery_attempt (workspace_id, id, delivery_id, number, started_at, outcome, reason, code, detail)
  SELECT d.workspace_id, d.attempt_id, d.id,
         (SELECT coalesce(max(a.number), 0) + 1 FROM delivery_attempt a
          WHERE a.workspace_id = d.workspace_id AND a.delivery_id = d.id),
         %(now)b, '', '', '', ''
  FROM d
)
SELECT {COLUMNS}, d.attempt_id, d.payload, NOT d.payload ? 'despite_stop' AND EXISTS (
  SELECT FROM delivery_suppression s
  WHERE s.workspace_id = d.workspace_id AND s.channel = d.channel AND s.address = d.address)
FROM d
"""


def take(conn: Connection, quotas: Mapping[Key, int], now: datetime, lease_until: datetime) -> list[Job]:
    """Claim up to `quotas` due deliveries of each inbox, and write down the attempts before they are made."""
    if not quotas:
        return []
    values = {
        "workspaces": [key.workspace_id for key in quotas],
        "inboxes": [key.inbox_id for key in quotas],
        "quotas": list(quotas.values()),
        "ids": [uuid7() for _ in range(sum(quotas.values()))],
        "now": now,
        "lease": lease_until,
    }
    return [Job(Row.of(row), row[16], now, row[17], row[18]) for row in conn.execute(_TAKE, values)]


_WAITING: LiteralString = f"""
SELECT {COLUMNS} FROM delivery_delivery d
WHERE d.workspace_id = %s AND d.inbox_id = %s AND d.state IN ('queued', 'retry') AND d.due_at <= %s
ORDER BY d.due_at, d.id LIMIT %s FOR UPDATE SKIP LOCKED
"""


def waiting(conn: Connection, key: Key, now: datetime, limit: int = SLICE) -> list[Row]:
    """Lock due deliveries of one inbox, to put them off."""
    return [Row.of(row) for row in conn.execute(_WAITING, [*key, now, limit])]


_LOST: LiteralString = f"""
SELECT {COLUMNS}, a.id, a.started_at
FROM delivery_delivery d
CROSS JOIN LATERAL (
  SELECT id, started_at FROM delivery_attempt a
  WHERE a.workspace_id = d.workspace_id AND a.delivery_id = d.id ORDER BY a.number DESC LIMIT 1) a
WHERE d.state IN ('sending', 'in_doubt') AND d.state = 'sending' AND d.due_at <= %s
ORDER BY d.due_at, d.id LIMIT %s FOR UPDATE OF d SKIP LOCKED
"""


def lost(conn: Connection, now: datetime, limit: int = SLICE) -> list[Job]:
    """Lock deliveries whose worker let the lease run out during the call, with the attempt it was making."""
    return [Job(Row.of(row), row[16], row[17], {}) for row in conn.execute(_LOST, [now, limit])]


_DOUBTFUL: LiteralString = f"""
WITH picked AS (
  SELECT workspace_id, id FROM delivery_delivery
  WHERE state IN ('sending', 'in_doubt') AND state = 'in_doubt' AND due_at <= %(now)b
  ORDER BY due_at, id LIMIT %(limit)b FOR UPDATE SKIP LOCKED
)
UPDATE delivery_delivery d SET fence = d.fence + 1, due_at = %(lease)b
FROM picked WHERE d.workspace_id = picked.workspace_id AND d.id = picked.id
RETURNING {COLUMNS}, d.payload ->> 'message_id'
"""


def doubtful(conn: Connection, now: datetime, lease_until: datetime, limit: int) -> list[tuple[Row, str]]:
    """Claim deliveries in doubt that are to be looked at again; with their Message-IDs."""
    values = {"now": now, "lease": lease_until, "limit": limit}
    return [(Row.of(row), row[16]) for row in conn.execute(_DOUBTFUL, values)]


_NEXT: LiteralString = "SELECT min(due_at) FROM delivery_delivery WHERE state IN ('sending', 'in_doubt')"


def next_watched(conn: Connection) -> datetime | None:
    """When the next lease ends or the next doubt is looked at."""
    row = conn.execute(_NEXT).fetchone()
    return row[0] if row else None


_HELD: LiteralString = f"""
SELECT {COLUMNS} FROM delivery_delivery d
JOIN unnest(%b::uuid[], %b::uuid[], %b::int8[]) AS u (workspace_id, id, fence) USING (workspace_id, id)
WHERE d.fence = u.fence ORDER BY d.workspace_id, d.id FOR UPDATE OF d
"""


def still_held(conn: Connection, rows: Sequence[Row]) -> dict[UUID, Row]:
    """Lock those of the claimed deliveries that nobody has claimed or changed since."""
    values = [[r.workspace_id for r in rows], [r.id for r in rows], [r.fence for r in rows]]
    return {row[1]: Row.of(row) for row in conn.execute(_HELD, values)}


_RENEW: LiteralString = """
UPDATE delivery_delivery d SET due_at = %b
FROM unnest(%b::uuid[], %b::uuid[], %b::int8[]) AS u (workspace_id, id, fence)
WHERE d.workspace_id = u.workspace_id AND d.id = u.id AND d.fence = u.fence AND d.state = 'sending'
"""


def renew(conn: Connection, rows: Iterable[Row], lease_until: datetime) -> None:
    """Keep deliveries whose calls are still under way."""
    rows = sorted(rows, key=lambda r: (r.workspace_id, r.id))
    if rows:
        values = [[r.workspace_id for r in rows], [r.id for r in rows], [r.fence for r in rows]]
        conn.execute(_RENEW, [lease_until, *values])


def erase(conn: Connection, attempts: Sequence[tuple[UUID, UUID]]) -> None:
    """Take back attempts that were written and never begun: (workspace, attempt)."""
    if attempts:
        conn.execute(
            "DELETE FROM delivery_attempt a USING unnest(%b::uuid[], %b::uuid[]) AS u (workspace_id, id)"
            " WHERE a.workspace_id = u.workspace_id AND a.id = u.id",
            [[a[0] for a in attempts], [a[1] for a in attempts]],
        )


_RECEIPTS: LiteralString = """
SELECT r.delivery_id, r.at, r.kind, coalesce(r.detail ->> 'reason', '')
FROM unnest(%b::uuid[], %b::uuid[]) AS u (workspace_id, id)
JOIN delivery_receipt r ON r.workspace_id = u.workspace_id AND r.delivery_id = u.id
ORDER BY r.at, r.id
"""


def receipts(conn: Connection, rows: Sequence[Row]) -> dict[UUID, list[Known]]:
    """The receipts of deliveries, oldest first.

    A statement of its own, after the deliveries are locked: one that waited for a lock would not see the receipt
    that was written under it.
    """
    if not rows:
        return {}
    found: dict[UUID, list[Known]] = {}
    for row in conn.execute(_RECEIPTS, [[r.workspace_id for r in rows], [r.id for r in rows]]):
        found.setdefault(row[0], []).append(Known(*row))
    return found
