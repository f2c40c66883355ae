"""What conversations make of the timeline: whether an answer is in trouble; and how their projection is rebuilt."""

from itertools import groupby
from typing import Any, LiteralString, NamedTuple
from uuid import UUID

from wasl.conversations.writing import preview_of_text
from wasl.kit.db import Connection, as_tenant
from wasl.kit.signal import Signal, send
from wasl.timeline.follow import Follower


class Row(NamedTuple):
    """What the follower needs of a touchpoint."""

    workspace_id: UUID
    kind: str
    conversation_id: UUID | None


# The newest answer decides: an earlier one that failed was answered again since.
_TROUBLE: LiteralString = """
SELECT c.id, c.inbox_id, coalesce(d.state, '') AS trouble
FROM unnest(%(ids)s::uuid[]) AS u(id)
JOIN conversations_conversation c ON c.workspace_id = %(workspace)s AND c.id = u.id
LEFT JOIN LATERAL (
  SELECT m.id FROM conversations_message m
  WHERE m.workspace_id = c.workspace_id AND m.conversation_id = c.id AND m.delivery_id IS NOT NULL
  ORDER BY m.at DESC, m.id DESC LIMIT 1) m ON true
LEFT JOIN LATERAL (
  SELECT d.state FROM delivery_delivery d
  WHERE d.workspace_id = c.workspace_id AND d.message_id = m.id AND d.state IN ('failed', 'in_doubt')
  ORDER BY d.created_at DESC LIMIT 1) d ON true
"""

_MARK: LiteralString = f"""
UPDATE conversations_conversation c SET trouble = t.trouble FROM ({_TROUBLE}) t
WHERE c.workspace_id = %(workspace)s AND c.id = t.id AND c.trouble <> t.trouble
RETURNING c.id, c.inbox_id
"""


def handle(conn: Connection, rows: list[Row]) -> None:
    """Mark the conversations whose newest answer did not arrive, or clear the mark."""
    concerned = sorted(
        {
            (r.workspace_id, r.conversation_id)
            for r in rows
            if r.conversation_id and r.kind.startswith("delivery.")
        }
    )
    for workspace_id, group in groupby(concerned, key=lambda pair: pair[0]):
        with as_tenant(conn, workspace_id):
            ids = [pair[1] for pair in group]
            changed = conn.execute(_MARK, {"workspace": workspace_id, "ids": ids}).fetchall()
            send(conn, [Signal("conversation", workspace_id, inbox, (id_,)) for id_, inbox in changed])


FOLLOWER = Follower(name="conversations.trouble", handle=handle, row=Row)

_NEWEST: LiteralString = """
SELECT c.id, m.at, m.way, left(m.text, 640), i.at, n.total
FROM conversations_conversation c
JOIN LATERAL (SELECT at, way, text FROM conversations_message m WHERE m.workspace_id = c.workspace_id
              AND m.conversation_id = c.id AND m.way <> 'note' ORDER BY m.at DESC, m.id DESC LIMIT 1) m ON true
JOIN LATERAL (SELECT max(at) AS at FROM conversations_message m WHERE m.workspace_id = c.workspace_id
              AND m.conversation_id = c.id AND m.way = 'in') i ON true
JOIN LATERAL (SELECT count(*)::int AS total FROM conversations_message m WHERE m.workspace_id = c.workspace_id
              AND m.conversation_id = c.id AND m.way <> 'note') n ON true
WHERE c.workspace_id = %s AND c.id > %s ORDER BY c.id LIMIT 1000
"""

_PUT: LiteralString = """
UPDATE conversations_conversation c
SET last_at = u.at, last_way = u.way, preview = u.preview, last_in_at = u.last_in, messages = u.total
FROM unnest(%s::uuid[], %s::timestamptz[], %s::text[], %s::text[], %s::timestamptz[], %s::int4[])
  AS u(id, at, way, preview, last_in, total)
WHERE c.workspace_id = %s AND c.id = u.id
"""


def rebuild(conn: Connection, workspace_id: UUID) -> None:
    """Work out afresh what conversations say about their messages, inside the workspace's transaction."""
    after = UUID(int=0)
    while rows := conn.execute(_NEWEST, [workspace_id, after]).fetchall():
        fresh: list[tuple[Any, ...]] = [
            (id_, at, way, preview_of_text(text), last_in, total)
            for id_, at, way, text, last_in, total in rows
        ]
        conn.execute(_PUT, [*(list(column) for column in zip(*fresh, strict=True)), workspace_id])
        ids = [row[0] for row in rows]
        conn.execute(_MARK, {"workspace": workspace_id, "ids": ids})
        after = ids[-1]
