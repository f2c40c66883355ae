"""What a visitor is shown: their own messages, and what was sent to them. Nobody's notes, nothing that has not left.

Written for one visitor's keys and nothing else: what is not in a message of one of these identities is not read.
"""

import hashlib
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, LiteralString
from uuid import UUID

import msgspec

from wasl.kit.db import AsyncConnection
from wasl.widget.files import PICTURES, link
from wasl.widget.place import Place
from wasl.widget.visitors import Who

MOST = 60
"""Messages that are shown, the newest."""
OVERLAP = 60.0
"""Seconds before the last event that a stream begins again at: no write transaction is open so long, so whatever
committed late is within them. What comes twice is the same twice."""

_MINE: LiteralString = """
SELECT i.id, r.root_id FROM customers_identity i
JOIN customers_customer r ON r.workspace_id = i.workspace_id AND r.id = i.customer_id
WHERE i.workspace_id = %(workspace)b AND i.channel = 'webchat' AND i.address = ANY(%(keys)b::text[])
"""
TALKS: LiteralString = """
SELECT t.id, t.inbox_id FROM (
  SELECT DISTINCT coalesce(x.merged_into_id, x.id) AS id, x.inbox_id, x.last_at FROM customers_customer c
  CROSS JOIN LATERAL (
    SELECT * FROM conversations_conversation y WHERE y.workspace_id = %(workspace)b AND y.customer_id = c.id
    ORDER BY y.last_at DESC LIMIT 20) x
  WHERE c.workspace_id = %(workspace)b AND c.root_id = ANY(%(roots)b::uuid[])) t
ORDER BY t.last_at DESC LIMIT 20
"""
_MESSAGES: LiteralString = """
SELECT m.id, m.way, m.at, m.text, m.rfc_id, m.meta, d.id, d.state, d.payload->'chat'->'choices',
  greatest(m.at, d.ended_at), a.name
FROM unnest(%(talks)b::uuid[]) AS t (id)
CROSS JOIN LATERAL (
  SELECT * FROM conversations_message x
  WHERE x.workspace_id = %(workspace)b AND x.conversation_id = t.id AND x.identity_id = ANY(%(mine)b::uuid[])
    AND x.way IN ('in', 'out')
  ORDER BY x.at DESC, x.id DESC LIMIT %(most)b::int8) m
LEFT JOIN delivery_delivery d ON d.workspace_id = %(workspace)b AND d.id = m.delivery_id
LEFT JOIN accounts_agent a ON a.workspace_id = %(workspace)b AND a.id = m.author_id
WHERE m.way = 'in' OR d.state IN ('sent', 'delivered', 'read')
ORDER BY m.at DESC, m.id DESC LIMIT %(most)b::int8
"""
_FILES: LiteralString = """
SELECT message_id, id, filename, content_type, size FROM conversations_attachment
WHERE workspace_id = %b AND message_id = ANY(%b::uuid[]) ORDER BY message_id, position
"""


class File(msgspec.Struct, omit_defaults=True):
    """A file of a message; `picture`: a browser can show it."""

    name: str
    type: str
    size: int
    link: str
    picture: bool = False


class Item(msgspec.Struct, omit_defaults=True):
    """A message as the widget gets it. `own` is the browser's id of what it sent itself; `by` who wrote an answer;
    `ref` what its receipts name; `choices` are [key, title] each."""

    id: UUID
    way: str
    at: datetime
    text: str
    own: str = ""
    by: str = ""
    ref: str = ""
    state: str = ""
    kind: str = ""
    choices: Sequence[Sequence[str]] = ()
    files: Sequence[File] = ()


@dataclass(frozen=True, slots=True)
class Feed:
    """What there is to show now, oldest first; and by what signals it can change: conversations and customers."""

    items: Sequence[Item]
    changed: Mapping[UUID, float]
    talks: Sequence[tuple[UUID, UUID]]
    roots: frozenset[UUID]

    def since(self, last: float) -> list[Item]:
        """What came or changed after a moment (seconds since 1970), and a little before it."""
        return [each for each in self.items if self.changed[each.id] > last - OVERLAP]

    @property
    def newest(self) -> float:
        """When something last changed."""
        return max(self.changed.values(), default=0.0)


def fingerprint(item: Item) -> bytes:
    """Two that differ in nothing one sees have the same."""
    return hashlib.blake2b(msgspec.json.encode(item), digest_size=12).digest()


async def read(conn: AsyncConnection, place: Place, who: Who) -> Feed:
    """What this visitor is shown; inside the workspace."""
    values: dict[str, Any] = {
        "workspace": place.workspace_id,
        "keys": [str(key) for key in who.keys],
        "most": MOST,
    }
    mine = await select(conn, _MINE, values)
    if not mine:
        return Feed((), {}, (), frozenset())
    values |= {"mine": [row[0] for row in mine], "roots": list({row[1] for row in mine})}
    talks = await select(conn, TALKS, values)
    values["talks"] = list({row[0] for row in talks})
    rows = (await select(conn, _MESSAGES, values))[::-1]
    files = await files_of(conn, place, [row[0] for row in rows])
    items = [_item(row, files.get(row[0], ())) for row in rows]
    changed = {row[0]: row[9].timestamp() for row in rows}
    return Feed(items, changed, [(row[0], row[1]) for row in talks], frozenset(values["roots"]))


async def talk(conn: AsyncConnection, place: Place, who: Who) -> tuple[UUID, UUID] | None:
    """The conversation they were last in, and its inbox."""
    values: dict[str, Any] = {"workspace": place.workspace_id, "keys": [str(key) for key in who.keys]}
    roots = [row[1] for row in await select(conn, _MINE, values)]
    rows = await select(conn, TALKS, {"workspace": place.workspace_id, "roots": roots}) if roots else []
    return (rows[0][0], rows[0][1]) if rows else None


async def select(conn: AsyncConnection, question: LiteralString, values: Any) -> list[tuple[Any, ...]]:
    """The rows of a question."""
    return await (await conn.execute(question, values, prepare=True)).fetchall()


async def files_of(conn: AsyncConnection, place: Place, ids: Sequence[UUID]) -> dict[UUID, list[File]]:
    """The files of messages, with links that end."""
    found: dict[UUID, list[File]] = {}
    rows = await select(conn, _FILES, [place.workspace_id, list(ids)]) if ids else []
    for message_id, file_id, name, kind, size in rows:
        address = link(place.inbox_id, file_id, time.time())
        found.setdefault(message_id, []).append(File(name, kind, size, address, kind in PICTURES))
    return found


def _item(row: tuple[Any, ...], files: Sequence[File]) -> Item:
    id_, way, at, text, own, meta, delivery_id, state, choices, _, by = row
    return Item(
        id_,
        way,
        at,
        "" if meta.get("deleted_at") else text,
        own=own.rpartition(":")[2] if way == "in" else "",
        by=(by or "") if way == "out" else "",
        ref=str(delivery_id or "") if way == "out" else "",
        state=state or "",
        kind=str(meta.get("kind") or ""),
        choices=[each[:2] for each in choices or ()],
        files=files,
    )


_HEARD: LiteralString = """
SELECT m.delivery_id FROM conversations_message m
JOIN customers_identity i ON i.workspace_id = m.workspace_id AND i.id = m.identity_id
WHERE m.workspace_id = %(workspace)b AND m.delivery_id = ANY(%(refs)b::uuid[]) AND m.way = 'out'
  AND i.channel = 'webchat' AND i.address = ANY(%(keys)b::text[])
"""


async def theirs(conn: AsyncConnection, place: Place, who: Who, refs: Sequence[UUID]) -> list[UUID]:
    """Those deliveries that went to this visitor: nobody says of another's answer that it was read."""
    values = {"workspace": place.workspace_id, "keys": [str(key) for key in who.keys], "refs": list(refs)}
    return [row[0] for row in await select(conn, _HEARD, values)]


_FILE: LiteralString = """
SELECT filename, content_type, size, digest FROM conversations_attachment WHERE workspace_id = %b AND id = %b
"""


async def file(conn: AsyncConnection, place: Place, file_id: UUID) -> tuple[str, str, int, bytes] | None:
    """Name, type, size and digest of a file whose link was genuine."""
    row = await (await conn.execute(_FILE, [place.workspace_id, file_id], prepare=True)).fetchone()
    return (row[0], row[1], row[2], bytes(row[3])) if row else None
