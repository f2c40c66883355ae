"""One change of many conversations, in slices, which can be taken back for a while.

What is to change is written down first, a row for each conversation; then each call changes one slice of them, in a
transaction of its own, and says how far it came. Taking back works on the same rows, and leaves alone what was
changed since. Call inside `tenant(…)`.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, LiteralString
from uuid import UUID

from psycopg.types.json import Jsonb

from wasl.accounts.actor import Actor, Forbidden, NotFound
from wasl.conversations import listing
from wasl.conversations.changes import State, put
from wasl.conversations.filters import Filter
from wasl.conversations.models import Bulk, BulkRow
from wasl.kit.clock import now
from wasl.kit.db import raw
from wasl.kit.ids import uuid7

SLICE = 250
"""Conversations in one transaction: a quarter of a second on a busy laptop."""
MOST = 5000
"""Conversations in one bulk."""
UNDO = timedelta(minutes=10)
KEPT = timedelta(days=1)


class TooLate(Exception):
    """It can no longer be taken back."""


@dataclass(frozen=True, slots=True)
class Progress:
    """How far a bulk is. `same`: were so already, or may not be; `kept`: changed since, so not taken back."""

    id: UUID
    change: State
    undoing: bool
    waiting: int
    done: int
    same: int
    restored: int
    kept: int

    @property
    def total(self) -> int:
        """All of its conversations."""
        return self.waiting + self.done + self.same + self.restored + self.kept


def start(actor: Actor, change: State, conversation_ids: Sequence[UUID]) -> Progress:
    """Write down what is to change, and change the first slice. Raises Forbidden."""
    actor.require_write()
    if actor.agent_id is None:
        raise Forbidden("read_only")
    conn, at = raw(), now()
    conn.execute(_FORGET, {"workspace": actor.workspace_id, "before": at - KEPT})
    bulk = Bulk.objects.create(
        workspace_id=actor.workspace_id, agent_id=actor.agent_id, at=at, change=dict(change)
    )
    ids = list(dict.fromkeys(conversation_ids))[:MOST]
    conn.execute(_LINES, [bulk.id, ids, [uuid7() for _ in ids], actor.workspace_id])
    return go_on(actor, bulk.id)


def start_all(actor: Actor, change: State, where: Filter) -> Progress:
    """The same for everything that a filter finds now: the latest 5,000."""
    return start(actor, change, listing.ids(actor, where, MOST))


def go_on(actor: Actor, bulk_id: UUID) -> Progress:
    """Change the next slice, or take it back when that was begun. Raises NotFound, Forbidden."""
    bulk = _mine(actor, bulk_id)
    if bulk.undone_at:
        _take_back(actor, bulk)
    else:
        _change(actor, bulk)
    return progress(actor, bulk_id)


def undo(actor: Actor, bulk_id: UUID) -> Progress:
    """Bring the first slice back to what it was. Raises NotFound, Forbidden, TooLate."""
    bulk = _mine(actor, bulk_id)
    if bulk.at < now() - UNDO:
        raise TooLate
    if bulk.undone_at is None:
        bulk.undone_at = now()
        bulk.save(update_fields=["undone_at"])
        raw().execute(_STOP, [actor.workspace_id, bulk_id])
    return go_on(actor, bulk_id)


def progress(actor: Actor, bulk_id: UUID) -> Progress:
    """How far it is. Raises NotFound, Forbidden."""
    bulk = _mine(actor, bulk_id)
    counts: dict[str, int] = dict(raw().execute(_COUNT, [actor.workspace_id, bulk_id]).fetchall())
    undoing = bulk.undone_at is not None
    done = counts.get("done", 0)
    waiting = done if undoing else counts.get("waiting", 0)
    return Progress(
        bulk_id,
        bulk.change,
        undoing,
        waiting,
        0 if undoing else done,
        counts.get("same", 0),
        counts.get("restored", 0),
        counts.get("kept", 0),
    )


def _mine(actor: Actor, bulk_id: UUID) -> Bulk:
    actor.require_write()
    found = Bulk.objects.select_for_update().filter(id=bulk_id, agent=actor.agent_id).first()
    if found is None:
        raise NotFound
    return found


def _change(actor: Actor, bulk: Bulk) -> None:
    taken = _slice(bulk, "waiting")
    found = put(actor, dict.fromkeys(taken, bulk.change))
    written = []
    for key in taken:
        changed = found.get(key)
        before, after = (changed.before, changed.after) if changed else ({}, {})
        written.append((key, "done" if changed else "same", before, after))
    _write(actor, bulk, written)


def _take_back(actor: Actor, bulk: Bulk) -> None:
    taken = _slice(bulk, "done")
    expected = {key: after for key, (_, after) in taken.items()}
    found = put(actor, {key: before for key, (before, _) in taken.items()}, expected)
    written = [
        (key, "restored" if key in found else "kept", before, after) for key, (before, after) in taken.items()
    ]
    _write(actor, bulk, written)


def _slice(bulk: Bulk, state: str) -> dict[UUID, tuple[Any, Any]]:
    rows = BulkRow.objects.filter(bulk=bulk, state=state).order_by("conversation_id")
    return {
        key: (before, after)
        for key, before, after in rows.values_list("conversation_id", "before", "after")[:SLICE]
    }


def _write(
    actor: Actor, bulk: Bulk, written: Sequence[tuple[UUID, str, Mapping[str, Any], Mapping[str, Any]]]
) -> None:
    if written:
        keys, states, before, after = zip(*written, strict=True)
        columns = [list(keys), list(states), [Jsonb(b) for b in before], [Jsonb(a) for a in after]]
        raw().execute(_MARK, [*columns, actor.workspace_id, bulk.id])


_LINES: LiteralString = """
INSERT INTO conversations_bulkrow (workspace_id, id, bulk_id, conversation_id, state, before, after)
SELECT c.workspace_id, u.id, %s, c.id, 'waiting', '{}', '{}'
FROM unnest(%s::uuid[], %s::uuid[]) AS u(conversation, id)
JOIN conversations_conversation c ON c.workspace_id = %s AND c.id = u.conversation
"""
_MARK: LiteralString = """
UPDATE conversations_bulkrow r SET state = u.state, before = u.before, after = u.after
FROM unnest(%s::uuid[], %s::text[], %s::jsonb[], %s::jsonb[]) AS u(conversation, state, before, after)
WHERE r.workspace_id = %s AND r.bulk_id = %s AND r.conversation_id = u.conversation
"""
_STOP: LiteralString = """
UPDATE conversations_bulkrow SET state = 'same' WHERE workspace_id = %s AND bulk_id = %s AND state = 'waiting'
"""
_COUNT: LiteralString = """
SELECT state, count(*)::int FROM conversations_bulkrow WHERE workspace_id = %s AND bulk_id = %s GROUP BY state
"""
_FORGET: LiteralString = """
WITH old AS (
  SELECT id FROM conversations_bulk WHERE workspace_id = %(workspace)s AND at < %(before)s ORDER BY at LIMIT 2
), rows AS (
  DELETE FROM conversations_bulkrow WHERE workspace_id = %(workspace)s AND bulk_id IN (SELECT id FROM old)
)
DELETE FROM conversations_bulk WHERE workspace_id = %(workspace)s AND id IN (SELECT id FROM old)
"""
