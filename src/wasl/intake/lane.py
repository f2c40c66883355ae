"""The doors' fast way into the raw store: the statement of `store`, on a lane, with parameters already in binary."""

from collections.abc import Sequence
from struct import Struct
from uuid import UUID

import msgspec

from wasl.intake.store import STORE, Raw, digest_of
from wasl.kit import pglane
from wasl.kit.clock import micros
from wasl.kit.pglane import Lane, Statement, array

_STORE = Statement(
    "store",
    STORE,
    {
        "workspace": pglane.UUID,
        "workspace_text": pglane.TEXT,
        "id": pglane.ARRAY_OF[pglane.UUID],
        "inbox": pglane.ARRAY_OF[pglane.UUID],
        "channel": pglane.ARRAY_OF[pglane.TEXT],
        "at": pglane.ARRAY_OF[pglane.TIMESTAMPTZ],
        "envelope": pglane.ARRAY_OF[pglane.JSONB],
        "raw": pglane.ARRAY_OF[pglane.BYTEA],
        "blob": pglane.ARRAY_OF[pglane.BYTEA],
        "size": pglane.ARRAY_OF[pglane.INT4],
        "body": pglane.ARRAY_OF[pglane.BYTEA],
        "dedupe": pglane.ARRAY_OF[pglane.BYTEA],
    },
)
_int4, _int8 = Struct("!i").pack, Struct("!q").pack
_POSTGRES_EPOCH = 946_684_800_000_000
"""2000-01-01 in microseconds since 1970: where timestamps of PostgreSQL begin."""
_json = msgspec.json.Encoder().encode


async def insert(lane: Lane, workspace: UUID, payloads: Sequence[Raw]) -> set[bytes]:
    """Store payloads of one workspace, durable when this returns; the ids (16 bytes) of those that are new."""
    rows = await lane.run(_STORE, _values(workspace, payloads))
    return {row[0] for row in rows if row[0]}


def _values(workspace: UUID, payloads: Sequence[Raw]) -> dict[str, bytes]:
    return {
        "workspace": workspace.bytes,
        "workspace_text": str(workspace).encode(),
        "id": array(pglane.UUID, [p.id.bytes for p in payloads]),
        "inbox": array(pglane.UUID, [p.inbox_id.bytes for p in payloads]),
        "channel": array(pglane.TEXT, [p.channel.encode() for p in payloads]),
        "at": array(pglane.TIMESTAMPTZ, [_int8(micros(p.received_at) - _POSTGRES_EPOCH) for p in payloads]),
        "envelope": array(pglane.JSONB, [b"\1" + _json(p.envelope) for p in payloads]),
        "raw": array(pglane.BYTEA, [None if p.blob else p.content for p in payloads]),
        "blob": array(pglane.BYTEA, [p.blob for p in payloads]),
        "size": array(pglane.INT4, [_int4(p.size) for p in payloads]),
        "body": array(pglane.BYTEA, [digest_of(p) for p in payloads]),
        "dedupe": array(pglane.BYTEA, [p.dedupe for p in payloads]),
    }
