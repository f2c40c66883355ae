"""Writing a batch of understood messages: a handful of statements, however many messages."""

import json
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, LiteralString
from uuid import UUID

from wasl.conversations.threading import Arrived, Thread
from wasl.kit import blobs
from wasl.kit.db import Connection
from wasl.kit.ids import uuid7

PREVIEW = 160

_CONVERSATIONS: LiteralString = """
INSERT INTO conversations_conversation
  (workspace_id, id, customer_id, inbox_id, subject, created_at, status, last_at, last_in_at, last_way, preview,
   messages, trouble)
SELECT %b, u.id, u.customer, u.inbox, u.subject, u.created, 'open', u.at, u.at, 'in', u.preview, u.messages, ''
FROM unnest(%b::uuid[], %b::uuid[], %b::uuid[], %b::text[], %b::timestamptz[], %b::timestamptz[], %b::text[],
            %b::int4[]) AS u(id, customer, inbox, subject, created, at, preview, messages)
"""

_JOINED: LiteralString = """
UPDATE conversations_conversation c SET
  status = 'open',
  preview = CASE WHEN u.at >= c.last_at THEN u.preview ELSE c.preview END,
  last_way = CASE WHEN u.at >= c.last_at THEN 'in' ELSE c.last_way END,
  last_at = greatest(c.last_at, u.at),
  last_in_at = greatest(c.last_in_at, u.at),
  messages = c.messages + u.messages
FROM unnest(%(ids)b::uuid[], %(at)b::timestamptz[], %(preview)b::text[], %(messages)b::int4[])
  AS u(id, at, preview, messages)
WHERE c.workspace_id = %(workspace)b AND c.id = ANY(%(ids)b::uuid[]) AND c.id = u.id
"""

_MESSAGES: LiteralString = """
INSERT INTO conversations_message
  (workspace_id, id, conversation_id, customer_id, way, channel, identity_id, at, sent_at, subject, text, html,
   has_remote, language, rfc_id, auto, meta)
SELECT %b, u.id, u.conversation, u.customer, 'in', u.channel, u.identity, u.at, u.sent, u.subject, u.body, u.html,
  u.remote, u.language, u.rfc_id, u.auto, u.meta::jsonb
FROM unnest(%b::uuid[], %b::uuid[], %b::uuid[], %b::text[], %b::uuid[], %b::timestamptz[], %b::timestamptz[],
            %b::text[], %b::text[], %b::text[], %b::bool[], %b::text[], %b::text[], %b::text[], %b::text[])
  AS u(id, conversation, customer, channel, identity, at, sent, subject, body, html, remote, language, rfc_id, auto,
       meta)
"""

_FILES: LiteralString = """
INSERT INTO conversations_attachment
  (workspace_id, id, message_id, position, filename, content_type, size, digest, content_id, inline)
SELECT %b, u.* FROM unnest(%b::uuid[], %b::uuid[], %b::int2[], %b::text[], %b::text[], %b::int8[], %b::bytea[],
                           %b::text[], %b::bool[]) AS u
"""


@dataclass(slots=True)
class _Line:
    """What one conversation gains from the batch."""

    at: datetime
    preview: str
    messages: int
    opening: tuple[Any, ...] | None


@dataclass(slots=True)
class Batch:
    """Messages gathered for one workspace, written together."""

    workspace_id: UUID
    _lines: dict[UUID, _Line] = field(default_factory=dict)
    _messages: list[tuple[Any, ...]] = field(default_factory=list)
    _files: list[tuple[Any, ...]] = field(default_factory=list)

    def add(self, one: Arrived, thread: Thread, *, opened: bool) -> None:
        """Add a message to the conversation it was given."""
        at, preview = one.item.received_at, preview_of_text(one.message.text)
        line = self._lines.get(thread.id)
        if line is None:
            opening = (one.sender.customer_id, thread.inbox_id, one.message.subject, at) if opened else None
            self._lines[thread.id] = _Line(at, preview, 1, opening)
        else:
            line.messages += 1
            if at >= line.at:
                line.at, line.preview = at, preview
        self._messages.append(_message(one, thread))
        self._files.extend(_files(self.workspace_id, one))

    def write(self, conn: Connection) -> None:
        """Insert and update, inside the workspace's transaction."""
        opened = [(id_, *line.opening, line.at, line.preview, line.messages)
                  for id_, line in self._lines.items() if line.opening]  # fmt: skip
        joined = [
            (id_, line.at, line.preview, line.messages)
            for id_, line in self._lines.items()
            if not line.opening
        ]
        if opened:
            conn.execute(_CONVERSATIONS, [self.workspace_id, *_columns(opened)], prepare=True)
        if joined:
            named = dict(zip(("ids", "at", "preview", "messages"), _columns(joined), strict=True))
            conn.execute(_JOINED, named | {"workspace": self.workspace_id}, prepare=True)
        conn.execute(_MESSAGES, [self.workspace_id, *_columns(self._messages)], prepare=True)
        if self._files:
            conn.execute(_FILES, [self.workspace_id, *_columns(self._files)], prepare=True)


def _columns(rows: list[tuple[Any, ...]]) -> list[list[Any]]:
    return [list(column) for column in zip(*rows, strict=True)]


def preview_of_text(text: str) -> str:
    """The first words, on one line."""
    return " ".join(text[: 4 * PREVIEW].split())[:PREVIEW]


def _message(one: Arrived, thread: Thread) -> tuple[Any, ...]:
    item, message = one.item, one.message
    return (
        item.id, thread.id, one.sender.customer_id, item.channel, one.sender.identity_id, item.received_at,
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
    if message.references or message.in_reply_to:
        meta["references"] = [
            *message.references,
            *(r for r in message.in_reply_to if r not in message.references),
        ]
    if message.reply_to:
        meta["reply_to"] = [a.address for a in message.reply_to]
    if message.defects:
        meta["defects"] = list(message.defects)
    return meta


def _files(workspace_id: UUID, one: Arrived) -> list[tuple[Any, ...]]:
    """Rows of a message's files, whose bytes are stored first."""
    return [
        (uuid7(), one.item.id, position, part.filename, part.content_type, len(part.content),
         blobs.put(workspace_id, part.content), part.content_id, part.inline)
        for position, part in enumerate(one.message.parts)
    ]  # fmt: skip
