"""What every door does: store what came, as it came, and only then say thank you.

One statement stores the payload and queues it, in a workspace set by that same statement, and refuses a second copy.
"""

import hashlib
import json
import re
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import IO, Any, LiteralString
from uuid import UUID

from wasl.kit import blobs
from wasl.kit.clock import now
from wasl.kit.db import SET_WORKSPACE, AsyncConnection, Connection
from wasl.kit.ids import uuid7

INLINE = 64 * 1024
"""Payloads up to this many bytes lie in the row; larger ones in the blob store."""


@dataclass(frozen=True, slots=True)
class Raw:
    """One payload on its way in. `dedupe` says what makes another one the same.

    Its bytes are `content`, or already lie in the blob store under `blob`; then `size` says how many there are.
    """

    inbox_id: UUID
    channel: str
    content: bytes
    dedupe: bytes
    envelope: dict[str, Any] = field(default_factory=dict)
    body_digest: bytes = b""
    id: UUID = field(default_factory=uuid7)
    received_at: datetime = field(default_factory=now)
    blob: bytes | None = None
    size: int = -1

    def __post_init__(self) -> None:
        if self.size < 0:
            object.__setattr__(self, "size", len(self.content))


@dataclass(frozen=True, slots=True)
class Stored:
    """`id` is the message's; `new` is False when the same thing was stored before; `same_body` compares the two."""

    id: UUID
    new: bool
    same_body: bool


STORE: LiteralString = """
WITH w AS MATERIALIZED (SELECT set_config('wasl.workspace', %(workspace_text)s, true)),
stored AS (
  INSERT INTO intake_inbound (workspace_id, id, inbox_id, channel, received_at, envelope, raw, raw_digest, size,
                              body_digest, dedupe_key)
  SELECT %(workspace)b, u.* FROM w, unnest(
    %(id)b::uuid[], %(inbox)b::uuid[], %(channel)b::text[], %(at)b::timestamptz[], %(envelope)s::jsonb[],
    %(raw)b::bytea[], %(blob)b::bytea[], %(size)b::int4[], %(body)b::bytea[], %(dedupe)b::bytea[]) AS u
  ON CONFLICT (workspace_id, inbox_id, dedupe_key) DO NOTHING
  RETURNING id
), queued AS (
  INSERT INTO intake_inboundqueue (workspace_id, id) SELECT %(workspace)b, id FROM stored
)
SELECT id FROM stored
"""

_EARLIER: LiteralString = """
SELECT i.inbox_id, i.dedupe_key, i.id, i.body_digest
FROM unnest(%(inbox)b::uuid[], %(dedupe)b::bytea[]) AS u(inbox_id, dedupe_key)
JOIN intake_inbound i ON i.workspace_id = %(workspace)b AND i.inbox_id = u.inbox_id AND i.dedupe_key = u.dedupe_key
"""


async def store(conn: AsyncConnection, workspace: UUID, payloads: Sequence[Raw]) -> list[Stored]:
    """Store payloads of one workspace, durable when this returns; answers in the order given.

    `conn` is in autocommit, so that each statement is a transaction of its own.
    """
    values = _parameters(workspace, payloads)
    cursor = await conn.execute(STORE, values, prepare=True)
    fresh = {row[0] for row in await cursor.fetchall()}
    if len(fresh) == len(payloads):
        return [Stored(p.id, True, True) for p in payloads]
    async with conn.transaction():
        await conn.execute(SET_WORKSPACE, [str(workspace)])
        cursor = await conn.execute(_EARLIER, values, prepare=True)
    known = {(row[0], bytes(row[1])): row[2:] for row in await cursor.fetchall()}
    return [_answer(p, fresh, known) for p in payloads]


def store_in(conn: Connection, workspace: UUID, payloads: Sequence[Raw]) -> int:
    """The same inside a transaction of the application's role, durable when that commits; how many were new."""
    return len(conn.execute(STORE, _parameters(workspace, payloads), prepare=True).fetchall())


def _answer(payload: Raw, fresh: set[UUID], known: dict[tuple[UUID, bytes], Any]) -> Stored:
    if payload.id in fresh:
        return Stored(payload.id, True, True)
    earlier_id, digest = known[payload.inbox_id, payload.dedupe]
    return Stored(earlier_id, False, bytes(digest) == digest_of(payload))


def digest_of(payload: Raw) -> bytes:
    """SHA-256 of what was sent."""
    return payload.body_digest or payload.blob or hashlib.sha256(payload.content).digest()


def _parameters(workspace: UUID, payloads: Sequence[Raw]) -> dict[str, Any]:
    return {
        "workspace": workspace,
        "workspace_text": str(workspace),
        "id": [p.id for p in payloads],
        "inbox": [p.inbox_id for p in payloads],
        "channel": [p.channel for p in payloads],
        "at": [p.received_at for p in payloads],
        "envelope": [json.dumps(p.envelope, separators=(",", ":")) for p in payloads],
        "raw": [None if p.blob else p.content for p in payloads],
        "blob": [p.blob for p in payloads],
        "size": [p.size for p in payloads],
        "body": [digest_of(p) for p in payloads],
        "dedupe": [p.dedupe for p in payloads],
    }


def put_aside(workspace: UUID, payload: Raw) -> Raw:
    """The payload with its bytes in the blob store, when it is too large for a row. Blocking: call it in a thread."""
    if payload.blob or payload.size <= INLINE:
        return payload
    return replace(payload, blob=blobs.put(workspace, payload.content), content=b"")


_SPOKEN = re.compile(
    rb"^(message-id|date|from|subject)[ \t]*:((?:.*\n[ \t])*.*)$", re.IGNORECASE | re.MULTILINE
)
_HEAD_LIMIT = 64 * 1024


def mail_dedupe_key(source: IO[bytes], received_at: datetime) -> bytes:
    """What makes two mails to one inbox the same: Message-ID, the sender's own headers and the body.

    Trace headers (RFC 5321 §4.4) differ between two deliveries of one mail and are left out. Without a Message-ID
    and a Date two equal mails of different days are taken for two. `source` is read from where it stands to its end.
    """
    start = source.read(_HEAD_LIMIT)
    head, separator, body = start.partition(b"\r\n\r\n")
    if not separator:
        head, separator, body = start.partition(b"\n\n")
    if not separator:  # no mail at all, or nothing but a header: the whole of it counts
        body = start
    spoken = sorted((name.lower(), value.strip()) for name, value in _SPOKEN.findall(head))
    key = hashlib.sha256(body)
    while piece := source.read(_HEAD_LIMIT):
        key.update(piece)
    for name, value in spoken:
        key.update(b"\0" + name + b"\0" + value)
    if not any(name in (b"message-id", b"date") and value for name, value in spoken):
        key.update(received_at.date().isoformat().encode())
    return key.digest()
