"""Conversations that were put off until a time open again: a loop of the worker."""

from collections.abc import Sequence
from datetime import datetime
from itertools import groupby
from typing import Any, LiteralString
from uuid import UUID

from wasl.kit.clock import now
from wasl.kit.db import Connection, as_tenant, pool
from wasl.kit.signal import Signal, send
from wasl.timeline.actions import Touch, append

BATCH = 200
REST = 60.0
"""Most seconds between two looks; a new snooze wakes the loop, which then knows how long to rest."""

_DUE: LiteralString = """
SELECT workspace_id, id, due_at FROM conversations_waking WHERE due_at <= %s
ORDER BY due_at LIMIT %s FOR UPDATE SKIP LOCKED
"""
_HOLD: LiteralString = """
SELECT c.id, c.snoozed_until = u.due AND c.status = 'snoozed'
FROM unnest(%s::uuid[], %s::timestamptz[]) AS u(id, due)
JOIN conversations_conversation c ON c.workspace_id = %s AND c.id = u.id
ORDER BY c.id FOR UPDATE OF c
"""
_OPEN: LiteralString = """
UPDATE conversations_conversation SET status = 'open', snoozed_until = NULL
WHERE workspace_id = %s AND id = ANY(%s::uuid[]) RETURNING id, inbox_id, customer_id
"""
_DONE: LiteralString = """
DELETE FROM conversations_waking w USING unnest(%s::uuid[], %s::uuid[]) AS u(workspace, id)
WHERE w.workspace_id = u.workspace AND w.id = u.id
"""
_NEXT: LiteralString = "SELECT min(due_at) FROM conversations_waking"


def step() -> float:
    """Open what is due; the seconds until the next is."""
    with pool("queue", "worker", 6).connection() as conn:
        return wake_up(conn)


def wake_up(conn: Connection, limit: int = BATCH) -> float:
    """One batch, as the queue role. Rows of conversations that were opened or put off anew meanwhile only go."""
    with conn.transaction():
        at = now()
        due = conn.execute(_DUE, [at, limit]).fetchall()
        for workspace_id, group in groupby(sorted(due), key=lambda row: row[0]):
            with as_tenant(conn, workspace_id):
                _open(conn, workspace_id, list(group), at)
        if due:
            conn.execute(_DONE, [[row[0] for row in due], [row[1] for row in due]])
        first = conn.execute(_NEXT).fetchone()
    if len(due) == limit:
        return 0.0
    if first is None or first[0] is None:
        return REST
    wait: float = (first[0] - at).total_seconds()
    return min(REST, max(0.2, wait))


def _open(conn: Connection, workspace_id: UUID, due: Sequence[tuple[Any, ...]], at: datetime) -> None:
    values = [[row[1] for row in due], [row[2] for row in due], workspace_id]
    held: dict[UUID, bool] = dict(conn.execute(_HOLD, values).fetchall())
    ready = [key for key, asleep in held.items() if asleep]
    opened = conn.execute(_OPEN, [workspace_id, ready]).fetchall() if ready else []
    append(
        conn,
        workspace_id,
        [
            Touch(customer, "conversation.woken", at, conversation_id=key, facts={"by": "system"})
            for key, _, customer in opened
        ],
    )
    send(conn, [Signal("conversation", workspace_id, inbox, (key,), (c,)) for key, inbox, c in opened])
