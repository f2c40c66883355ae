"""The in-app inbox: the notices of one account, newest first, with what became of each.

Written for one account's key and nothing else. Anonymous visitors have none.
"""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, LiteralString
from uuid import UUID

import msgspec

from wasl.channels.port import Settings
from wasl.channels.webchat.channel import origins
from wasl.kit.db import AsyncConnection
from wasl.kit.memory import Recent
from wasl.widget import feed
from wasl.widget.feed import File
from wasl.widget.place import REMEMBERED, Place

MOST = 50
"""Notices that are shown, the newest."""


@dataclass(frozen=True, slots=True)
class App:
    """The in-app inbox that a web chat shows beside it."""

    inbox_id: UUID
    title: str


class Notice(msgspec.Struct, omit_defaults=True):
    """A notice as the widget gets it. `ref` is what its receipts name; `state` is new, seen (the list was opened), read
    or acted, and then `chosen` says which button; `choices` are [key, title] each."""

    ref: UUID
    at: datetime
    text: str
    state: str
    title: str = ""
    by: str = ""
    chosen: str = ""
    choices: Sequence[Sequence[str]] = ()
    files: Sequence[File] = ()


@dataclass(frozen=True, slots=True)
class Bell:
    """What there is; and by what signals it can change. `known`: whether the account is a customer's already."""

    notices: Sequence[Notice] = ()
    known: bool = False
    talks: frozenset[UUID] = frozenset()
    roots: frozenset[UUID] = frozenset()

    @property
    def fingerprint(self) -> bytes:
        """Two that differ in nothing one sees have the same."""
        return hashlib.blake2b(msgspec.json.encode(self.notices), digest_size=12).digest()


_apps: Recent[UUID, tuple[App | None]] = Recent(REMEMBERED, 2000)
_APPS: LiteralString = """
SELECT id, address, config FROM channels_inbox
WHERE workspace_id = %b AND channel = 'app' AND is_active ORDER BY id LIMIT 50
"""


async def app_of(conn: AsyncConnection, place: Place) -> App | None:
    """The in-app inbox of the same website; None when there is none. Inside the workspace."""
    known = _apps.get(place.inbox_id)
    if known is None:
        rows = await (await conn.execute(_APPS, [place.workspace_id], prepare=True)).fetchall()
        fit = [
            App(id_, str(config.get("title") or "") or place.title)
            for id_, address, config in rows
            if origins(Settings(address, {})) & place.origins
        ]
        known = (fit[0] if fit else None,)
        _apps.put(place.inbox_id, known)
    return known[0]


def forget_apps() -> None:
    """What this process was told lately is not believed any more."""
    _apps.clear()


_MINE: LiteralString = """
SELECT i.id, r.root_id FROM customers_identity i
JOIN customers_customer r ON r.workspace_id = i.workspace_id AND r.id = i.customer_id
WHERE i.workspace_id = %(workspace)b AND i.channel = 'app' AND i.address = %(key)b
"""
_NOTICES: LiteralString = """
SELECT m.id, d.id, m.at, m.text, m.meta ? 'deleted_at', t.subject, a.name, d.payload->'chat'->'choices', d.state,
  s.seen, s.chosen
FROM unnest(%(talks)b::uuid[]) AS k (id)
JOIN conversations_conversation t ON t.workspace_id = %(workspace)b AND t.id = k.id
CROSS JOIN LATERAL (
  SELECT * FROM conversations_message x
  WHERE x.workspace_id = %(workspace)b AND x.conversation_id = t.id AND x.identity_id = %(mine)b AND x.way = 'out'
  ORDER BY x.at DESC, x.id DESC LIMIT %(most)b::int8) m
JOIN delivery_delivery d ON d.workspace_id = %(workspace)b AND d.id = m.delivery_id
LEFT JOIN accounts_agent a ON a.workspace_id = %(workspace)b AND a.id = m.author_id
LEFT JOIN LATERAL (
  SELECT bool_or(r.kind = 'seen') AS seen, min(r.detail->>'diagnostic') FILTER (WHERE r.kind = 'acted') AS chosen
  FROM delivery_receipt r WHERE r.workspace_id = %(workspace)b AND r.delivery_id = d.id) s ON true
WHERE d.channel = 'app' AND d.state IN ('sent', 'delivered', 'read')
ORDER BY m.at DESC, m.id DESC LIMIT %(most)b::int8
"""


async def read(conn: AsyncConnection, place: Place, key: UUID) -> Bell:
    """The notices of an account; inside the workspace."""
    values: dict[str, Any] = {"workspace": place.workspace_id, "key": str(key), "most": MOST}
    mine = await feed.select(conn, _MINE, values)
    if not mine:
        return Bell()
    values |= {"mine": mine[0][0], "roots": [mine[0][1]]}
    values["talks"] = [row[0] for row in await feed.select(conn, feed.TALKS, values)]
    found = await feed.select(conn, _NOTICES, values)
    files = await feed.files_of(conn, place, [row[0] for row in found])
    notices = [_notice(row, files.get(row[0], ())) for row in found]
    return Bell(notices, True, frozenset(values["talks"]), frozenset(values["roots"]))


def _notice(row: tuple[Any, ...], files: Sequence[File]) -> Notice:
    _, ref, at, text, deleted, title, by, choices, state, seen, chosen = row
    done = "acted" if chosen is not None else "read" if state == "read" else "seen" if seen else "new"
    return Notice(
        ref,
        at,
        "" if deleted else text,
        done,
        title=title,
        by=by or "",
        chosen=chosen or "",
        choices=[each[:2] for each in choices or ()],
        files=() if deleted else files,
    )


_THEIRS: LiteralString = """
SELECT d.id, d.payload->'chat'->'choices' FROM delivery_delivery d
WHERE d.workspace_id = %(workspace)b AND d.id = ANY(%(refs)b::uuid[]) AND d.channel = 'app'
  AND d.payload->'chat'->>'to' = %(key)b
"""


async def theirs(
    conn: AsyncConnection, place: Place, key: UUID, refs: Sequence[UUID]
) -> dict[UUID, dict[str, str]]:
    """Those deliveries that went to this account, with the titles of their buttons by key."""
    values = {"workspace": place.workspace_id, "key": str(key), "refs": list(refs)}
    found = await feed.select(conn, _THEIRS, values)
    return {ref: {key: title for key, title, *_ in choices or ()} for ref, choices in found}
