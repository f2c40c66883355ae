"""Append to the timeline."""

import os
from collections.abc import Mapping, Sequence
from datetime import datetime
from types import MappingProxyType
from typing import Any, LiteralString, NamedTuple
from uuid import UUID

import msgspec

from wasl.kit.clock import micros, now
from wasl.kit.db import Connection
from wasl.kit.ids import uuid7
from wasl.kit.signal import WAKE
from wasl.timeline import keys, kinds
from wasl.timeline.leaf import leaf

_NOTHING: Mapping[str, Any] = MappingProxyType({})


class Touch(NamedTuple):
    """One thing that happened with a customer, as the code that saw it says so.

    `facts` stay readable for ever and are checked against `kinds`; `detail` (anything JSON can hold) is
    sealed under the customer's key. `about_id` is the message, delivery, merge or identity it speaks of.
    """

    customer_id: UUID
    kind: str
    occurred_at: datetime
    channel: str = ""
    conversation_id: UUID | None = None
    about_id: UUID | None = None
    facts: Mapping[str, kinds.Fact] = _NOTHING
    detail: Mapping[str, Any] | None = None
    id: UUID | None = None


# One round trip: rows in, followers woken when the transaction commits. Arrays go in binary form: quoting
# them as text is half of the work otherwise.
_APPEND: LiteralString = f"""
WITH appended AS (
  INSERT INTO timeline_touchpoint (workspace_id, recorded_at, epoch, id, customer_id, occurred_at, kind,
                                   channel, conversation_id, about_id, facts, detail, leaf)
  SELECT %b, %b, (SELECT number FROM timeline_epoch), id, customer_id, occurred_at, kind, channel,
         conversation_id, about_id, facts::jsonb, detail, leaf
  FROM unnest(%b::uuid[], %b::uuid[], %b::timestamptz[], %b::text[], %b::text[], %b::uuid[], %b::uuid[],
              %b::text[], %b::bytea[], %b::bytea[])
       AS t (id, customer_id, occurred_at, kind, channel, conversation_id, about_id, facts, detail, leaf)
)
SELECT pg_notify('{WAKE}', 'timeline')
"""


def append(conn: Connection, workspace_id: UUID, touches: Sequence[Touch]) -> list[UUID]:
    """Put touchpoints on the timeline, in the transaction that makes them true; returns their ids, in order.

    `conn` is inside a transaction of the workspace (application's role). The detail of a customer who was
    erased is not kept. Raises ValueError for a kind or a fact that `kinds` does not know, before anything
    is written.
    """
    if not touches:
        return []
    recorded_at = now()
    ids = [touch.id or uuid7() for touch in touches]
    facts = [kinds.clear(touch.kind, touch.facts) for touch in touches]
    details = _sealed(conn, workspace_id, touches, ids)
    recorded = micros(recorded_at)
    leaves = [
        leaf(
            workspace_id,
            own,
            touch.customer_id,
            micros(touch.occurred_at),
            recorded,
            touch.conversation_id,
            touch.about_id,
            touch.kind.encode(),
            touch.channel.encode(),
            fact.encode(),
            detail or b"",
        )
        for touch, own, fact, detail in zip(touches, ids, facts, details, strict=True)
    ]
    columns = (
        [t.customer_id for t in touches],
        [t.occurred_at for t in touches],
        [t.kind for t in touches],
        [t.channel for t in touches],
        [t.conversation_id for t in touches],
        [t.about_id for t in touches],
    )
    conn.execute(_APPEND, [workspace_id, recorded_at, ids, *columns, facts, details, leaves])
    return ids


def _sealed(
    conn: Connection, workspace_id: UUID, touches: Sequence[Touch], ids: list[UUID]
) -> list[bytes | None]:
    """The details, each under its customer's key."""
    customers = {touch.customer_id for touch in touches if touch.detail is not None}
    if not customers:
        return [None] * len(touches)
    sealing = keys.for_writing(conn, workspace_id, customers)
    nonces = os.urandom(keys.NONCE * len(touches))
    encode = msgspec.json.Encoder().encode
    details: list[bytes | None] = []
    for position, (touch, own) in enumerate(zip(touches, ids, strict=True)):
        key = sealing.get(touch.customer_id) if touch.detail is not None else None
        nonce = nonces[position * keys.NONCE : (position + 1) * keys.NONCE]
        details.append(keys.seal(key, nonce, own, encode(touch.detail)) if key else None)
    return details
