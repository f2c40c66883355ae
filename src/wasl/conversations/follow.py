"""What conversations make of the timeline: whether an answer is in trouble; and how their projection is rebuilt."""

from itertools import groupby
from typing import Any, LiteralString, NamedTuple
from uuid import UUID

from wasl.conversations.writing import LOOKED_THROUGH, preview_of
from wasl.intake.awaiting import came
from wasl.kit.db import Connection, as_tenant
from wasl.kit.signal import Signal, send
from wasl.timeline.follow import Follower


class Row(NamedTuple):
    """What the follower needs of a touchpoint."""

    workspace_id: UUID
    kind: str
    conversation_id: UUID | None
    about_id: UUID | None


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
            (r.workspace_id, r.conversation_id, r.about_id)
            for r in rows
            if r.conversation_id and r.about_id and r.kind.startswith("delivery.")
        }
    )
    for workspace_id, group in groupby(concerned, key=lambda one: one[0]):
        with as_tenant(conn, workspace_id):
            ids = _now(conn, workspace_id, [one[1:] for one in group])
            changed = conn.execute(_MARK, {"workspace": workspace_id, "ids": ids}).fetchall()
            send(conn, [Signal("conversation", workspace_id, inbox, (id_,)) for id_, inbox in changed])
    _known_now(conn, rows)


def _known_now(conn: Connection, rows: list[Row]) -> None:
    """A provider took messages and gave them ids: receipts that were quicker than that are looked at again."""
    taken = sorted((r.workspace_id, r.about_id) for r in rows if r.about_id and r.kind == "delivery.sent")
    for workspace_id, group in groupby(taken, key=lambda one: one[0]):
        with as_tenant(conn, workspace_id):
            found = conn.execute(_REFS, [workspace_id, [about for _, about in group]]).fetchall()
            came(conn, workspace_id, [row[0] for row in found])


_REFS: LiteralString = """
SELECT ref FROM delivery_delivery WHERE workspace_id = %s AND id = ANY(%s::uuid[]) AND ref <> ''
"""


def _now(conn: Connection, workspace_id: UUID, said: list[tuple[UUID, UUID]]) -> list[UUID]:
    """The conversations that were said, and those that the deliveries' messages went to since."""
    where = conn.execute(_WHERE, [workspace_id, [delivery for _, delivery in said]]).fetchall()
    return sorted({conversation for conversation, _ in said} | {row[0] for row in where})


_WHERE: LiteralString = """
SELECT m.conversation_id FROM delivery_delivery d
JOIN conversations_message m ON m.workspace_id = d.workspace_id AND m.id = d.message_id
WHERE d.workspace_id = %s AND d.id = ANY(%s::uuid[]) AND m.delivery_id IS NOT NULL
"""


def mark(conn: Connection, workspace_id: UUID, ids: list[UUID]) -> None:
    """The same for some conversations at once, inside the workspace's transaction."""
    conn.execute(_MARK, {"workspace": workspace_id, "ids": ids})


FOLLOWER = Follower(
    name="conversations.trouble", handle=handle, row=Row, only="starts_with(t.kind, 'delivery.')"
)

LIVED: LiteralString = "(m.meta->>'quiet') IS DISTINCT FROM 'imported'"
"""Of a message `m` from outside: that it came in here, and is no old mail that was brought in (`Quiet.IMPORTED`)."""

# A program's answer, theirs or ours, is no news: it counts only where it opened the conversation. What was brought in
# is shown as what was said last, but it has not come in: nobody has it unread.
_SAID: LiteralString = f"""
SELECT c.id, m.at, m.way, left(m.text, {LOOKED_THROUGH}), i.at, n.total, coalesce(l.language, '')
FROM conversations_conversation c
JOIN LATERAL (SELECT m.id FROM conversations_message m WHERE m.workspace_id = c.workspace_id
              AND m.conversation_id = c.id AND m.way <> 'note' ORDER BY m.at, m.id LIMIT 1) f ON true
JOIN LATERAL (SELECT at, way, text FROM conversations_message m WHERE m.workspace_id = c.workspace_id
              AND m.conversation_id = c.id AND m.way <> 'note'
              AND (m.id = f.id OR m.auto <> 'auto-replied')
              ORDER BY m.at DESC, m.id DESC LIMIT 1) m ON true
JOIN LATERAL (SELECT max(at) AS at FROM conversations_message m WHERE m.workspace_id = c.workspace_id
              AND m.conversation_id = c.id AND m.way = 'in' AND (m.id = f.id OR m.auto <> 'auto-replied')
              AND {LIVED}) i ON true
JOIN LATERAL (SELECT count(*)::int AS total FROM conversations_message m WHERE m.workspace_id = c.workspace_id
              AND m.conversation_id = c.id AND m.way <> 'note') n ON true
LEFT JOIN LATERAL (SELECT m.language FROM conversations_message m WHERE m.workspace_id = c.workspace_id
                   AND m.conversation_id = c.id AND m.way = 'in' AND m.language <> ''
                   AND (m.id = f.id OR m.auto <> 'auto-replied') ORDER BY m.at DESC, m.id DESC LIMIT 1) l ON true
WHERE c.workspace_id = %s
"""
_NEXT: LiteralString = f"{_SAID} AND c.id > %s ORDER BY c.id LIMIT 1000"
_THESE: LiteralString = f"{_SAID} AND c.id = ANY(%s::uuid[])"

_PUT: LiteralString = """
UPDATE conversations_conversation c
SET last_at = u.at, last_way = u.way, preview = u.preview, last_in_at = u.last_in, messages = u.total,
    language = u.language
FROM unnest(%s::uuid[], %s::timestamptz[], %s::text[], %s::text[], %s::timestamptz[], %s::int4[],
            %s::text[]) AS u(id, at, way, preview, last_in, total, language)
WHERE c.workspace_id = %s AND c.id = u.id
"""


def rebuild(conn: Connection, workspace_id: UUID) -> None:
    """Work out afresh what conversations say about their messages, inside the workspace's transaction."""
    after = UUID(int=0)
    while rows := conn.execute(_NEXT, [workspace_id, after]).fetchall():
        after = _write(conn, workspace_id, rows)


def refresh(conn: Connection, workspace_id: UUID, ids: list[UUID]) -> None:
    """The same for a few of them, whose messages went elsewhere or came; one without messages stays as it is."""
    rows = conn.execute(_THESE, [workspace_id, ids]).fetchall()
    if rows:
        _write(conn, workspace_id, rows)


def _write(conn: Connection, workspace_id: UUID, rows: list[tuple[Any, ...]]) -> UUID:
    fresh = [(*row[:3], preview_of(row[2], row[3]), *row[4:]) for row in rows]
    conn.execute(_PUT, [*(list(column) for column in zip(*fresh, strict=True)), workspace_id])
    ids = [row[0] for row in rows]
    mark(conn, workspace_id, ids)
    last: UUID = ids[-1]
    return last
