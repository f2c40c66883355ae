"""Keeping messages searchable: a follower reads each new message and note once and writes its vector.

Not in the transaction that writes the message: whoever writes to a business waits for the acknowledgement, nobody for
the index. It is a second behind at most, unless the followers are (`wasl check` says so).
"""

from collections.abc import Iterable, Sequence
from itertools import groupby
from typing import Any, LiteralString, NamedTuple
from uuid import UUID

from wasl.conversations.lexemes import MOST_LETTERS, Document, vector
from wasl.kit.db import Connection, as_tenant
from wasl.timeline.follow import Follower
from wasl.timeline.rebuild import Projection

SLICE = 500


class Row(NamedTuple):
    """What the follower needs of a touchpoint."""

    workspace_id: UUID
    kind: str
    about_id: UUID | None


# An answer's language is the customer's, when it has none of its own.
_READ: LiteralString = """
SELECT m.id, m.at, m.way, coalesce(nullif(m.language, ''), k.language), m.subject, left(m.text, %(letters)s), m.meta,
       k.name, r.name, i.name, i.display, a.name,
       CASE WHEN f.names IS NULL THEN '{}'::text[] ELSE f.names END
FROM unnest(%(ids)b::uuid[]) AS u (id)
JOIN conversations_message m ON m.workspace_id = %(workspace)s AND m.id = u.id
JOIN customers_customer k ON k.workspace_id = %(workspace)s AND k.id = m.customer_id
JOIN customers_customer r ON r.workspace_id = %(workspace)s AND r.id = k.root_id
LEFT JOIN customers_identity i ON i.workspace_id = %(workspace)s AND i.id = m.identity_id
LEFT JOIN accounts_agent a ON a.workspace_id = %(workspace)s AND a.id = m.author_id
LEFT JOIN LATERAL (SELECT array_agg(filename ORDER BY position) AS names FROM conversations_attachment f
                   WHERE f.workspace_id = %(workspace)s AND f.message_id = m.id AND NOT f.inline) f ON true
"""

_WRITE: LiteralString = """
INSERT INTO conversations_searchable (workspace_id, id, at, words)
SELECT %b, u.id, u.at, u.words::tsvector FROM unnest(%b::uuid[], %b::timestamptz[], %b::text[]) AS u (id, at, words)
ON CONFLICT (workspace_id, id) DO UPDATE SET at = EXCLUDED.at, words = EXCLUDED.words
"""


def handle(conn: Connection, rows: list[Row]) -> None:
    """Make the messages of a batch searchable."""
    written = sorted((r.workspace_id, r.about_id) for r in rows if r.about_id and _about_a_message(r.kind))
    for workspace_id, group in groupby(written, key=lambda pair: pair[0]):
        with as_tenant(conn, workspace_id):
            write(conn, workspace_id, [pair[1] for pair in group])


def _about_a_message(kind: str) -> bool:
    return kind.startswith(("message.", "note."))


def write(conn: Connection, workspace_id: UUID, message_ids: Sequence[UUID]) -> None:
    """Write the vectors of these messages, those of them that are there, inside the workspace's transaction."""
    values = {"workspace": workspace_id, "ids": list(dict.fromkeys(message_ids)), "letters": MOST_LETTERS}
    made = [_vector(workspace_id, row) for row in conn.execute(_READ, values)]
    if made:
        conn.execute(_WRITE, [workspace_id, *(list(column) for column in zip(*made, strict=True))])


def _vector(workspace_id: UUID, row: tuple[Any, ...]) -> tuple[Any, ...]:
    id_, at, way, language, subject, text, meta, name, root, known_as, address, author, files = row
    return id_, at, vector(
        Document(
            workspace_id, at, way, language, subject, text, _given(name, root, known_as, address), author or "",
            _given(*meta.get("to", ()), *meta.get("cc", ())), tuple(files),
        )
    )  # fmt: skip


def _given(*names: str | None) -> tuple[str, ...]:
    return tuple(dict.fromkeys(name for name in names if name))


FOLLOWER = Follower(name="conversations.search", handle=handle, row=Row)

_EMPTY: LiteralString = "DELETE FROM conversations_searchable WHERE workspace_id = %s"
_WRITTEN: LiteralString = """
SELECT t.epoch, t.tx::text, t.id, t.about_id FROM timeline_touchpoint t
WHERE t.workspace_id = %(workspace)s AND (t.kind LIKE 'message.%%' OR t.kind LIKE 'note.%%')
  AND t.about_id IS NOT NULL AND (t.epoch, t.tx, t.id) > (%(epoch)s, %(tx)s::xid8, %(after)s)
  AND (t.epoch, t.tx, t.id) <= (SELECT epoch, tx, last_id FROM timeline_follower WHERE name = %(cursor)s)
ORDER BY t.epoch, t.tx, t.id LIMIT %(slice)s
"""


def rebuild(conn: Connection, workspace_id: UUID) -> None:
    """Make a workspace's vectors anew, of the messages that the follower has read."""
    conn.execute(_EMPTY, [workspace_id])
    for ids in _passed(conn, workspace_id):
        write(conn, workspace_id, ids)


def _passed(conn: Connection, workspace_id: UUID) -> Iterable[list[UUID]]:
    at: tuple[Any, ...] = (0, "0", UUID(int=0))
    while True:
        named = dict(zip(("epoch", "tx", "after"), at, strict=True))
        values = named | {"workspace": workspace_id, "cursor": FOLLOWER.cursor, "slice": SLICE}
        rows = conn.execute(_WRITTEN, values).fetchall()
        if not rows:
            return
        yield [row[3] for row in rows]
        at = rows[-1][:3]


PROJECTION = Projection("conversations.search", ("conversations_searchable",), rebuild, (FOLLOWER.cursor,))
