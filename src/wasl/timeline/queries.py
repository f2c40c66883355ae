"""Read the timeline, details opened.

Rooms above add who may see what: a touchpoint of a conversation is shown to whoever may see the conversation.
`only` is how they do it, a condition on `t` with its parameters, so that pages stay whole: what may not be seen is
left out before the limit is counted.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, LiteralString, NamedTuple
from uuid import UUID

import msgspec
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from wasl.kit.db import Connection
from wasl.timeline import keys


class Cursor(NamedTuple):
    """The last entry of a page; the next page goes on after it, towards the past."""

    occurred_at: datetime
    id: UUID


class Only(NamedTuple):
    """A condition in SQL on the touchpoint `t`, and its parameters by name."""

    condition: LiteralString
    parameters: Mapping[str, Any]


EVERYTHING = Only("true", {})


@dataclass(frozen=True, slots=True)
class Entry:
    """A touchpoint as a page shows it.

    `erased`: the customer's key was destroyed, and with it every detail; the entry stays as a tombstone.
    `damaged`: the detail does not open although the key is there; somebody changed it.
    """

    id: UUID
    customer_id: UUID
    kind: str
    occurred_at: datetime
    recorded_at: datetime
    channel: str = ""
    conversation_id: UUID | None = None
    about_id: UUID | None = None
    facts: Mapping[str, Any] = field(default_factory=dict)
    detail: Mapping[str, Any] = field(default_factory=dict)
    erased: bool = False
    damaged: bool = False

    @property
    def cursor(self) -> Cursor:
        """Where the page after this entry begins."""
        return Cursor(self.occurred_at, self.id)


_COLUMNS: LiteralString = """
t.id, t.customer_id, t.kind, t.occurred_at, t.recorded_at, t.channel, t.conversation_id, t.about_id,
t.facts::text, t.detail, k.wrapped, k.destroyed_at IS NOT NULL
"""
_KEY: LiteralString = """
LEFT JOIN timeline_subjectkey k ON k.workspace_id = t.workspace_id AND k.customer_id = t.customer_id
"""


def of_customers(
    conn: Connection,
    workspace_id: UUID,
    customer_ids: Sequence[UUID],
    *,
    before: Cursor | None = None,
    limit: int = 50,
    only: Only = EVERYTHING,
) -> list[Entry]:
    """What happened with these customers (one family), newest first. `conn` is inside a transaction of the
    workspace.

    One walk along the index for each customer, merged: the cost is that of the page, however long the timeline.
    """
    query: LiteralString = f"""
      SELECT {_COLUMNS} FROM (
        SELECT t.* FROM unnest(%(customers)s::uuid[]) AS c (id) CROSS JOIN LATERAL (
          SELECT * FROM timeline_touchpoint t
          WHERE t.workspace_id = %(workspace)s AND t.customer_id = c.id
            AND (t.occurred_at, t.id) < (COALESCE(%(at)s::timestamptz, 'infinity'), %(last)s::uuid)
            AND ({only.condition})
          ORDER BY t.occurred_at DESC, t.id DESC LIMIT %(limit)s
        ) t ORDER BY t.occurred_at DESC, t.id DESC LIMIT %(limit)s
      ) t {_KEY} ORDER BY t.occurred_at DESC, t.id DESC"""
    values = {
        "customers": list(customer_ids),
        "workspace": workspace_id,
        "at": before.occurred_at if before else None,
        "last": before.id if before else UUID(int=2**128 - 1),
        "limit": limit,
    }
    return _entries(workspace_id, conn.execute(query, {**only.parameters, **values}).fetchall())


def of_conversation(
    conn: Connection,
    workspace_id: UUID,
    conversation_id: UUID,
    *,
    before: UUID | None = None,
    limit: int = 50,
) -> list[Entry]:
    """What happened in a conversation that the caller has made sure may be seen, newest first.

    In the order in which it was recorded; `before` is the id of the last entry of the page before.
    """
    query: LiteralString = f"""
      SELECT {_COLUMNS} FROM (
        SELECT * FROM timeline_touchpoint t
        WHERE t.workspace_id = %s AND t.conversation_id = %s AND t.id < %s ORDER BY t.id DESC LIMIT %s
      ) t {_KEY} ORDER BY t.id DESC"""
    values = [workspace_id, conversation_id, before or UUID(int=2**128 - 1), limit]
    return _entries(workspace_id, conn.execute(query, values).fetchall())


def _entries(workspace_id: UUID, rows: list[tuple[Any, ...]]) -> list[Entry]:
    """Rows with their details opened; each key is unwrapped once a page, and from the row that says it still lives."""
    opened: dict[UUID, AESGCM | None] = {}
    return [_entry(workspace_id, row, opened) for row in rows]


def _entry(workspace_id: UUID, row: tuple[Any, ...], opened: dict[UUID, AESGCM | None]) -> Entry:
    *plain, facts, sealed, wrapped, erased = row
    detail: dict[str, Any] = {}
    damaged = False
    if sealed is not None and not erased:
        try:
            detail = msgspec.json.decode(
                keys.unseal(_key(workspace_id, plain[1], wrapped, opened), plain[0], sealed)
            )
        except keys.Unreadable:
            damaged = True
    values = (*plain, msgspec.json.decode(facts), detail, erased, damaged)
    return Entry(*values)


def _key(
    workspace_id: UUID, customer_id: UUID, wrapped: bytes | None, opened: dict[UUID, AESGCM | None]
) -> AESGCM:
    if customer_id not in opened:
        try:
            opened[customer_id] = keys.unwrap(workspace_id, customer_id, wrapped or b"")
        except keys.Unreadable:
            opened[customer_id] = None
    key = opened[customer_id]
    if key is None:
        raise keys.Unreadable(f"the key of customer {customer_id} does not open")
    return key
