"""Writing a batch of understood messages: a handful of statements, however many messages."""

import json
from dataclasses import asdict, dataclass, field
from datetime import datetime
from io import BytesIO
from typing import Any, LiteralString
from uuid import UUID

from wasl.channels.base import ParsedMessage
from wasl.channels.email.trim.split import written
from wasl.conversations import fetching
from wasl.conversations.auto import quiet
from wasl.conversations.threading import Arrived, Thread
from wasl.kit import blobs, scenes
from wasl.kit.db import Connection
from wasl.kit.ids import uuid7
from wasl.kit.signal import wake

PREVIEW = 160
LOOKED_THROUGH = 4_000
"""Letters of a text among which the first words that somebody wrote are looked for."""

_CONVERSATIONS: LiteralString = """
INSERT INTO conversations_conversation
  (workspace_id, id, customer_id, inbox_id, subject, created_at, status, last_at, last_in_at, last_way, preview,
   messages, language, trouble)
SELECT %b, u.id, u.customer, u.inbox, u.subject, u.created, 'open', u.at, u.at, 'in', u.preview, u.messages,
  u.language, ''
FROM unnest(%b::uuid[], %b::uuid[], %b::uuid[], %b::text[], %b::timestamptz[], %b::timestamptz[], %b::text[],
            %b::int4[], %b::text[]) AS u(id, customer, inbox, subject, created, at, preview, messages, language)
"""

_JOINED: LiteralString = """
UPDATE conversations_conversation c SET
  status = CASE WHEN u.wakes THEN 'open' ELSE c.status END,
  snoozed_until = CASE WHEN u.wakes THEN NULL ELSE c.snoozed_until END,
  preview = CASE WHEN u.wakes AND u.at >= c.last_at THEN u.preview ELSE c.preview END,
  language = CASE WHEN u.wakes AND u.language <> '' AND u.at >= coalesce(c.last_in_at, u.at)
             THEN u.language ELSE c.language END,
  last_way = CASE WHEN u.wakes AND u.at >= c.last_at THEN 'in' ELSE c.last_way END,
  last_at = CASE WHEN u.wakes THEN greatest(c.last_at, u.at) ELSE c.last_at END,
  last_in_at = CASE WHEN u.wakes THEN greatest(c.last_in_at, u.at) ELSE c.last_in_at END,
  messages = c.messages + u.messages
FROM unnest(%(ids)b::uuid[], %(at)b::timestamptz[], %(preview)b::text[], %(messages)b::int4[], %(language)b::text[],
            %(wakes)b::bool[]) AS u(id, at, preview, messages, language, wakes)
WHERE c.workspace_id = %(workspace)b AND c.id = ANY(%(ids)b::uuid[]) AND c.id = u.id
"""

_NAMES = ("ids", "at", "preview", "messages", "language", "wakes")

_MESSAGES: LiteralString = """
INSERT INTO conversations_message
  (workspace_id, id, conversation_id, customer_id, way, channel, identity_id, at, sent_at, subject, text, html,
   has_remote, language, rfc_id, auto, meta)
SELECT %b, u.id, u.conversation, u.customer, u.way, u.channel, u.identity, u.at, u.sent, u.subject, u.body, u.html,
  u.remote, u.language, u.rfc_id, u.auto, u.meta::jsonb
FROM unnest(%b::uuid[], %b::uuid[], %b::uuid[], %b::text[], %b::text[], %b::uuid[], %b::timestamptz[],
            %b::timestamptz[], %b::text[], %b::text[], %b::text[], %b::bool[], %b::text[], %b::text[], %b::text[],
            %b::text[])
  AS u(id, conversation, customer, way, channel, identity, at, sent, subject, body, html, remote, language, rfc_id,
       auto, meta)
"""

_FILES: LiteralString = """
INSERT INTO conversations_attachment
  (workspace_id, id, message_id, position, filename, content_type, size, digest, content_id, inline)
SELECT %b, u.* FROM unnest(%b::uuid[], %b::uuid[], %b::int2[], %b::text[], %b::text[], %b::int8[], %b::bytea[],
                           %b::text[], %b::bool[]) AS u
"""


@dataclass(slots=True)
class _Line:
    """What one conversation gains from the batch; `wakes` unless none of it is news."""

    at: datetime
    preview: str
    messages: int
    language: str
    wakes: bool
    opening: tuple[Any, ...] | None


@dataclass(slots=True)
class Batch:
    """Messages gathered for one workspace, written together."""

    workspace_id: UUID
    _lines: dict[UUID, _Line] = field(default_factory=dict)
    _messages: list[tuple[Any, ...]] = field(default_factory=list)
    _files: list[tuple[Any, ...]] = field(default_factory=list)
    _media: list[tuple[UUID, int, datetime]] = field(default_factory=list)

    def add(self, one: Arrived, thread: Thread, *, opened: bool) -> None:
        """Add a message to the conversation it was given."""
        at, preview = one.item.received_at, preview_of("in", one.message.text)
        language, wakes = one.message.language, one.message.is_news
        line = self._lines.get(thread.id)
        if line is None:
            opening = (one.sender.customer_id, thread.inbox_id, one.message.subject, at) if opened else None
            self._lines[thread.id] = _Line(at, preview, 1, language, wakes, opening)
        else:
            line.messages += 1
            if wakes and (at >= line.at or not line.wakes):
                line.at, line.preview, line.wakes = at, preview, True
                line.language = language or line.language
        self._messages.append(_message(one, thread))
        self._files.extend(_files(self.workspace_id, one))
        self._media.extend((one.item.id, position, at) for position in range(len(one.message.media)))

    def write(self, conn: Connection) -> None:
        """Insert and update, inside the workspace's transaction."""
        opened = [(id_, *line.opening, line.at, line.preview, line.messages, line.language)
                  for id_, line in self._lines.items() if line.opening]  # fmt: skip
        joined = [
            (id_, line.at, line.preview, line.messages, line.language, line.wakes)
            for id_, line in self._lines.items()
            if not line.opening
        ]
        if opened:
            conn.execute(_CONVERSATIONS, [self.workspace_id, *_columns(opened)], prepare=True)
        if joined:
            named = dict(zip(_NAMES, _columns(joined), strict=True))
            conn.execute(_JOINED, named | {"workspace": self.workspace_id}, prepare=True)
        conn.execute(_MESSAGES, [self.workspace_id, *_columns(self._messages)], prepare=True)
        if self._files:
            conn.execute(_FILES, [self.workspace_id, *_columns(self._files)], prepare=True)
        if self._media:
            fetching.queue(conn, self.workspace_id, self._media)
            wake(conn, "media")


def _columns(rows: list[tuple[Any, ...]]) -> list[list[Any]]:
    return [list(column) for column in zip(*rows, strict=True)]


def preview_of(way: str, text: str) -> str:
    """The first words, on one line; of what customers send, the first that they wrote themselves."""
    text = text[:LOOKED_THROUGH]
    if way == "in":
        text = written(text) or text
    return " ".join(text[: 4 * PREVIEW].split())[:PREVIEW]


def _message(one: Arrived, thread: Thread) -> tuple[Any, ...]:
    item, message = one.item, one.message
    return (
        item.id, thread.id, one.sender.customer_id, one.way, item.channel, one.sender.identity_id, item.received_at,
        message.sent_at, message.subject, message.text, message.html, message.has_remote, message.language,
        message.message_id, message.auto, json.dumps(_meta(one)),
    )  # fmt: skip


def _meta(one: Arrived) -> dict[str, Any]:
    """Who else was written to, what it answers, and what was odd about it; only what there is."""
    message = one.message
    meta: dict[str, Any] = {}
    if message.to:
        meta["to"] = [a.address for a in message.to]
    if message.cc:
        meta["cc"] = [a.address for a in message.cc]
    if names := {a.address: a.name for a in (*message.to, *message.cc) if a.name}:
        meta["names"] = names
    if message.references or message.in_reply_to:
        meta["references"] = [
            *message.references,
            *(r for r in message.in_reply_to if r not in message.references),
        ]
    if message.reply_to:
        meta["reply_to"] = [a.address for a in message.reply_to]
    if reason := quiet(one):
        meta["quiet"] = reason
    if message.invitation:
        meta["invitation"] = {name: value for name, value in asdict(message.invitation).items() if value}
    return meta | _of_chat(message)


def _of_chat(message: ParsedMessage) -> dict[str, Any]:
    meta: dict[str, Any] = {}
    if message.media:
        meta["media"] = [
            {
                "ref": dict(each.ref),
                "type": each.content_type,
                "name": each.filename,
                "sha256": each.sha256.hex(),
            }
            for each in message.media
        ]
    for name in ("kind", "content", "defects"):
        if value := getattr(message, name):
            meta[name] = list(value) if name == "defects" else value
    return meta


def _files(workspace_id: UUID, one: Arrived) -> list[tuple[Any, ...]]:
    """Rows of a message's files, whose bytes are stored first."""
    return [
        (uuid7(), one.item.id, position, part.filename,
         scenes.kind(BytesIO(part.content), part.filename, part.content_type), len(part.content),
         blobs.put(workspace_id, part.content), part.content_id, part.inline)
        for position, part in enumerate(one.message.parts)
    ]  # fmt: skip
