"""The worker's end of the IN road: take a batch that nobody else holds, and finish it.

Rows are locked for one transaction and need no lease: understanding calls nothing outside, and a worker that dies
lets go of them by dying.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, LiteralString
from uuid import UUID

from wasl.channels.base import Unparseable, Unread
from wasl.channels.port import Parsed
from wasl.channels.registry import channels
from wasl.kit import blobs
from wasl.kit.clock import now
from wasl.kit.db import Connection

BATCH = 500
BATCH_BYTES = 4 * 1024 * 1024


@dataclass(frozen=True, slots=True)
class Waiting:
    """A stored payload that is to be understood."""

    workspace_id: UUID
    id: UUID
    inbox_id: UUID
    channel: str
    received_at: datetime
    envelope: dict[str, Any]
    raw: bytes | None
    blob: bytes | None
    size: int


_CLAIM: LiteralString = """
SELECT i.workspace_id, i.id, i.inbox_id, i.channel, i.received_at, i.envelope, i.raw, i.raw_digest, i.size
FROM (SELECT workspace_id, id FROM intake_inboundqueue ORDER BY id LIMIT %s FOR UPDATE SKIP LOCKED) q
CROSS JOIN LATERAL (
  SELECT * FROM intake_inbound x WHERE x.workspace_id = q.workspace_id AND x.id = q.id LIMIT 1) i
"""

_CLAIM_THESE: LiteralString = """
SELECT i.workspace_id, i.id, i.inbox_id, i.channel, i.received_at, i.envelope, i.raw, i.raw_digest, i.size
FROM (SELECT workspace_id, id FROM intake_inboundqueue WHERE id = ANY(%s) FOR UPDATE SKIP LOCKED) q
CROSS JOIN LATERAL (
  SELECT * FROM intake_inbound x WHERE x.workspace_id = q.workspace_id AND x.id = q.id LIMIT 1) i
"""


def claim(conn: Connection, limit: int = BATCH, only: Sequence[UUID] | None = None) -> list[Waiting]:
    """Lock up to `limit` waiting payloads (and about 4 MB of them), oldest first, as the queue role.

    With `only`, those payloads, as far as they still wait and nobody else holds them.
    """
    query, values = (_CLAIM, [limit]) if only is None else (_CLAIM_THESE, [list(only)])
    rows = conn.execute(query, values, prepare=True, binary=True).fetchall()
    waiting = sorted((Waiting(*row) for row in rows), key=lambda w: w.id)
    return _within(waiting, BATCH_BYTES)


def _within(waiting: list[Waiting], budget: int) -> list[Waiting]:
    """The first payloads of at most `budget` bytes together, and at least one."""
    spent = 0
    for count, item in enumerate(waiting):
        spent += item.size
        if spent > budget and count:
            return waiting[:count]
    return waiting


def content(item: Waiting) -> bytes:
    """The bytes as they came. Raises blobs.MissingBlob."""
    if item.raw is not None:
        return item.raw
    return blobs.read(item.workspace_id, item.blob or b"")


def parse(item: Waiting) -> Parsed:
    """What the payload says. Raises Unparseable, also for what a door could not get the whole of and says so."""
    if held := item.envelope.get("held"):
        raise Unparseable(Unread(held["reason"]), str(held.get("detail", "")))
    return channels()[item.channel].parse(content(item))


def finish(conn: Connection, workspace_id: UUID, ids: Sequence[UUID]) -> None:
    """Take payloads off the queue, in the transaction that put them on the timeline."""
    conn.execute(
        "DELETE FROM intake_inboundqueue WHERE workspace_id = %b AND id = ANY(%b)", [workspace_id, list(ids)]
    )


def quarantine(conn: Connection, item: Waiting, error: Unparseable) -> None:
    """Set a payload aside with its reason, to be looked at and replayed; inside its workspace."""
    conn.execute(
        "INSERT INTO intake_quarantine (workspace_id, id, inbox_id, reason, detail, at, attempts, outcome)"
        " VALUES (%s, %s, %s, %s, %s, %s, 1, '')"
        " ON CONFLICT (workspace_id, id) DO UPDATE SET reason = excluded.reason, detail = excluded.detail,"
        " at = excluded.at, attempts = intake_quarantine.attempts + 1, settled_at = NULL, outcome = ''",
        [item.workspace_id, item.id, item.inbox_id, str(error.reason), error.detail[:500], now()],
    )
    finish(conn, item.workspace_id, [item.id])


def settle(conn: Connection, workspace_id: UUID, ids: Sequence[UUID]) -> None:
    """Payloads that were in quarantine and have now been understood are no longer in it."""
    conn.execute(
        "UPDATE intake_quarantine SET settled_at = %b, outcome = 'replayed'"
        " WHERE workspace_id = %b AND id = ANY(%b) AND outcome = 'replaying'",
        [now(), workspace_id, list(ids)],
    )
