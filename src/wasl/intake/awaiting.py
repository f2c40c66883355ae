"""What speaks of a message that is not there yet: a receipt that overtook the answer to the call, an edit that overtook
the message. It waits for the provider's id of that message to be known, and is looked at again, soon at first and then
ever more seldom, in case that was said while it was being put aside. What is too much at once waits here for its turn.
"""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import LiteralString
from uuid import UUID

from wasl.intake.claim import Waiting
from wasl.kit.clock import now
from wasl.kit.db import Connection, pool
from wasl.kit.signal import wake

PATIENCE = timedelta(days=3)
"""After so long nobody will ever know of it: it speaks of a message that somebody else sent."""
FIRST = timedelta(seconds=1)
SLICE = 500
LOOK = 15.0
"""Seconds between two looks for what is due, when nothing is known to be due earlier."""

_AWAIT: LiteralString = """
INSERT INTO intake_awaiting (workspace_id, id, ref, due_at) VALUES (%b, %b, %b, %b)
ON CONFLICT (workspace_id, id) DO NOTHING
"""
_CAME: LiteralString = """
WITH came AS (
  DELETE FROM intake_awaiting WHERE workspace_id = %(workspace)b AND ref = ANY(%(refs)b::text[]) RETURNING id
)
INSERT INTO intake_inboundqueue (workspace_id, id) SELECT %(workspace)b, id FROM came ON CONFLICT DO NOTHING
"""
_DUE: LiteralString = """
WITH due AS (
  SELECT workspace_id, id FROM intake_awaiting WHERE due_at <= %s ORDER BY due_at LIMIT %s FOR UPDATE SKIP LOCKED
), gone AS (
  DELETE FROM intake_awaiting a USING due WHERE a.workspace_id = due.workspace_id AND a.id = due.id
)
INSERT INTO intake_inboundqueue (workspace_id, id) SELECT workspace_id, id FROM due ON CONFLICT DO NOTHING
"""
_NEXT: LiteralString = "SELECT due_at FROM intake_awaiting ORDER BY due_at LIMIT 1"


def wait_for(conn: Connection, item: Waiting, ref: str) -> None:
    """Keep a payload until the message of that id is known, inside the transaction that takes it off the queue."""
    at = now()
    age = at - item.received_at
    if age < PATIENCE:
        _keep(conn, item, ref, max(FIRST, age), at)


def put_off(conn: Connection, item: Waiting, until: datetime) -> None:
    """Let a payload wait its turn, inside the transaction that takes it off the queue."""
    at = now()
    _keep(conn, item, "", until - at, at)


def _keep(conn: Connection, item: Waiting, ref: str, wait: timedelta, at: datetime) -> None:
    conn.execute(_AWAIT, [item.workspace_id, item.id, ref, at + wait])
    if wait.total_seconds() < LOOK:
        wake(conn, "awaiting")


def came(conn: Connection, workspace_id: UUID, refs: Sequence[str]) -> None:
    """Messages of these ids are known now: what waited for them is looked at again."""
    known = [ref for ref in refs if ref]
    if known and conn.execute(_CAME, {"workspace": workspace_id, "refs": known}).rowcount:
        wake(conn, "intake")


def step() -> float:
    """Put what is due back on the queue; the seconds until the next look."""
    with pool("queue", "worker", 6).connection() as conn, conn.transaction():
        moved = conn.execute(_DUE, [now(), SLICE]).rowcount
        if moved:
            wake(conn, "intake")
        if moved == SLICE:
            return 0.0
        following = conn.execute(_NEXT).fetchone()
    return min(LOOK, max(0.0, (following[0] - now()).total_seconds())) if following else LOOK
