"""What a touchpoint's leaf in the Merkle log is a hash of, byte for byte.

    leaf = SHA-256(0x00 ‖ input)    the leaf hash of RFC 6962, 2.1

`input` is, without gaps, numbers big-endian:

    bytes  content
        1  0x01, the version of this layout
       16  workspace id
       16  touchpoint id
       16  customer id
        8  occurred_at, microseconds since 1970-01-01T00:00:00Z, signed
        8  recorded_at, the same way
       16  conversation id, zeros when there is none
       16  about id, zeros when there is none
    1 + n  length and UTF-8 of kind
    1 + n  length and UTF-8 of channel
    4 + n  length and UTF-8 of facts as canonical JSON (RFC 8785)
    4 + n  length and bytes of detail as it is stored (nonce ‖ ciphertext ‖ tag); n = 0 when there is none

The plaintext is no part of it: after the key is destroyed the leaf can still be recomputed from the row.
Neither are epoch and tx, which a dump and restore gives anew; the tree itself holds the order.
"""

import json
from collections.abc import Mapping
from datetime import datetime
from hashlib import sha256
from struct import Struct
from typing import Any, NamedTuple
from uuid import UUID

from wasl.kit.clock import micros

_FIXED = Struct(">2s16s16s16sqq16s16sB")
_LENGTH = Struct(">I")
_PREFIX = b"\x00\x01"
_NONE = bytes(16)


def leaf(
    workspace_id: UUID,
    touchpoint_id: UUID,
    customer_id: UUID,
    occurred_at: int,
    recorded_at: int,
    conversation_id: UUID | None,
    about_id: UUID | None,
    kind: bytes,
    channel: bytes,
    facts: bytes,
    detail: bytes,
) -> bytes:
    """A touchpoint's leaf hash, 32 bytes. Moments are microseconds, texts UTF-8, facts canonical JSON."""
    fixed = _FIXED.pack(
        _PREFIX,
        workspace_id.bytes,
        touchpoint_id.bytes,
        customer_id.bytes,
        occurred_at,
        recorded_at,
        conversation_id.bytes if conversation_id else _NONE,
        about_id.bytes if about_id else _NONE,
        len(kind),
    )
    length = _LENGTH.pack
    rest = (kind, bytes((len(channel),)), channel, length(len(facts)), facts, length(len(detail)), detail)
    return sha256(fixed + b"".join(rest)).digest()


class Row(NamedTuple):
    """The columns of a stored touchpoint that its leaf covers, as psycopg reads them (see COLUMNS)."""

    workspace_id: UUID
    id: UUID
    customer_id: UUID
    occurred_at: datetime
    recorded_at: datetime
    conversation_id: UUID | None
    about_id: UUID | None
    kind: str
    channel: str
    facts: Mapping[str, Any]
    detail: bytes | None


COLUMNS = ", ".join(Row._fields)


def of_row(row: Row) -> bytes:
    """The leaf recomputed from what is stored: equal to the stored one as long as nobody touched the row."""
    facts = json.dumps(row.facts, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
    return leaf(
        *row[:3],
        micros(row.occurred_at),
        micros(row.recorded_at),
        row.conversation_id,
        row.about_id,
        row.kind.encode(),
        row.channel.encode(),
        facts.encode(),
        row.detail or b"",
    )
