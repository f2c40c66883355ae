"""Deliveries as the worker and the actions hold them, and the one place where a change of state is written.

A change is the row, what its timeline says and the signal to open pages, in one transaction. It counts only while
the row still has the fence it was read with: whoever comes late changes nothing.
"""

import logging
from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, LiteralString
from uuid import UUID

from wasl.channels.base import Reason
from wasl.delivery import course, parts, suppression
from wasl.delivery.course import Ending, Outcome, Standing
from wasl.delivery.models import State
from wasl.kit.db import Connection, as_tenant
from wasl.kit.signal import Signal
from wasl.kit.signal import send as signal
from wasl.timeline.actions import Touch, append
from wasl.timeline.keys import Unreadable

log = logging.getLogger(__name__)

OURS = "suppressed"
"""The code of a call that was not made because they want none."""

COLUMNS: LiteralString = (
    "d.workspace_id, d.id, d.fence, d.inbox_id, d.customer_id, d.conversation_id, d.channel, d.address,"
    " d.state, d.due_at, d.deadline_at, d.attempts, d.doubts, d.doubt_until, d.reason, d.ended_at"
)


@dataclass(frozen=True, slots=True)
class Row:
    """A delivery as it was read, with the fence it had then."""

    workspace_id: UUID
    id: UUID
    fence: int
    inbox_id: UUID
    customer_id: UUID
    conversation_id: UUID | None
    channel: str
    address: str
    standing: Standing

    @classmethod
    def of(cls, values: Sequence[Any]) -> "Row":
        """From `COLUMNS`."""
        state, due_at, deadline_at, attempts, doubts, doubt_until, reason, ended_at = values[8:16]
        standing = Standing(
            state=State(state),
            due_at=due_at,
            deadline_at=deadline_at,
            attempts=attempts,
            doubts=doubts,
            doubt_until=doubt_until,
            reason=reason,
            ended_at=ended_at,
        )
        workspace_id, own_id, fence, inbox_id, customer_id, conversation_id, channel, to = values[:8]
        return cls(workspace_id, own_id, fence, inbox_id, customer_id, conversation_id, channel, to, standing)


@dataclass(frozen=True, slots=True)
class Change:
    """From one standing to the next; `kind` names the touchpoint it leaves, '' for none.

    With `attempt_id` the outcome is that attempt's, and is written with it.
    """

    row: Row
    now: Standing
    kind: str
    outcome: Outcome | None = None
    attempt_id: UUID | None = None
    by: str = "system"

    @classmethod
    def of(
        cls, row: Row, now: Standing, outcome: Outcome | None = None, attempt_id: UUID | None = None
    ) -> "Change":
        """A change that leaves what a person would be told of it."""
        return cls(row, now, course.touchpoint(row.standing, now, outcome), outcome, attempt_id)

    @property
    def over(self) -> bool:
        """Whether what comes after it may go from now on, and could not before. (Mail goes whole.)"""
        was = self.row.standing
        took = self.now.state in course.TAKEN_ENDS and was.state not in course.TAKEN_ENDS
        return (took or (self.now.ended and not was.ended)) and self.row.channel != "email"


_WRITE: LiteralString = """
WITH u AS (
  SELECT * FROM unnest(
    %b::uuid[], %b::uuid[], %b::int8[], %b::text[], %b::timestamptz[], %b::timestamptz[], %b::int4[], %b::int4[],
    %b::timestamptz[], %b::text[], %b::timestamptz[], %b::uuid[], %b::text[], %b::text[], %b::text[], %b::text[],
    %b::text[])
    AS u (workspace_id, id, fence, state, due_at, deadline_at, attempts, doubts, doubt_until, reason, ended_at,
          attempt_id, outcome, said_reason, code, detail, ref)
), written AS (
  UPDATE delivery_delivery d
  SET state = u.state, due_at = u.due_at, deadline_at = u.deadline_at, attempts = u.attempts, doubts = u.doubts,
      doubt_until = u.doubt_until, reason = u.reason, ended_at = u.ended_at, fence = d.fence + 1,
      ref = CASE WHEN u.ref = '' THEN d.ref ELSE u.ref END
  FROM u WHERE d.workspace_id = u.workspace_id AND d.id = u.id AND d.fence = u.fence
  RETURNING d.id
), finished AS (
  UPDATE delivery_attempt a
  SET finished_at = %b, outcome = u.outcome, reason = u.said_reason, code = u.code, detail = u.detail
  FROM u JOIN written ON written.id = u.id
  WHERE a.workspace_id = u.workspace_id AND a.id = u.attempt_id AND a.finished_at IS NULL
)
SELECT id FROM written
"""
_NOTHING = Outcome(Ending.UNMADE)


def write(conn: Connection, changes: Sequence[Change], at: datetime) -> set[UUID]:
    """Write changes, and the ends of their attempts; the ids of the deliveries that still counted."""
    if not changes:
        return set()
    after = [change.now for change in changes]
    said = [change.outcome or _NOTHING for change in changes]
    columns = (
        [change.row.workspace_id for change in changes],
        [change.row.id for change in changes],
        [change.row.fence for change in changes],
        [str(s.state) for s in after],
        [s.due_at for s in after],
        [s.deadline_at for s in after],
        [s.attempts for s in after],
        [s.doubts for s in after],
        [s.doubt_until for s in after],
        [str(s.reason) for s in after],
        [s.ended_at for s in after],
        [change.attempt_id for change in changes],
        [str(o.ending) for o in said],
        [str(o.reason) for o in said],
        [o.code for o in said],
        [o.detail for o in said],
        [o.ref for o in said],
    )
    return {row[0] for row in conn.execute(_WRITE, [*columns, at])}


def tell(conn: Connection, workspace_id: UUID, changes: Iterable[Change], at: datetime) -> None:
    """Put changes of one workspace on the timeline, and tell open pages; as the application's role."""
    changes = list(changes)
    stopped = [change for change in changes if _stops(conn, workspace_id, change, at)]
    try:
        told = [_touch(change, at, _detail(change)) for change in changes if change.kind]
        append(conn, workspace_id, [*told, *(_withdrawn(change, at, _detail(change)) for change in stopped)])
    except Unreadable:
        log.exception("a customer's key does not open; deliveries go on the timeline without their details")
        told = [_touch(change, at, None) for change in changes if change.kind]
        append(conn, workspace_id, [*told, *(_withdrawn(change, at, None) for change in stopped)])
    shown: dict[UUID, list[UUID]] = defaultdict(list)
    for change in changes:
        if change.row.conversation_id:
            shown[change.row.inbox_id].append(change.row.conversation_id)
    signal(conn, [_signal(workspace_id, inbox, ids) for inbox, ids in shown.items()])


def _stops(conn: Connection, workspace_id: UUID, change: Change, at: datetime) -> bool:
    """Whether the provider has just said, and nobody before it, that the customer wants nothing more there."""
    if change.now.state != State.FAILED or change.now.reason != Reason.STOPPED or not change.kind:
        return False
    if change.outcome is not None and change.outcome.code == OURS:
        return False
    point = change.row.channel, change.row.address
    return suppression.stop(conn, workspace_id, point, suppression.Why.PROVIDER, at)


def _withdrawn(change: Change, at: datetime, detail: dict[str, str] | None) -> Touch:
    row, facts = change.row, {"by": "customer", "why": str(suppression.Why.PROVIDER)}
    return Touch(
        row.customer_id, "consent.withdrawn", at, row.channel, row.conversation_id, row.id, facts, detail
    )


def _touch(change: Change, at: datetime, detail: dict[str, str] | None) -> Touch:
    row = change.row
    return Touch(
        row.customer_id,
        change.kind,
        at,
        channel=row.channel,
        conversation_id=row.conversation_id,
        about_id=row.id,
        facts=_facts(change, at),
        detail=detail,
    )


def _signal(workspace_id: UUID, inbox_id: UUID, conversations: list[UUID]) -> Signal:
    return Signal("delivery", workspace_id, inbox=inbox_id, conversations=tuple(dict.fromkeys(conversations)))


def _facts(change: Change, at: datetime) -> dict[str, int | str]:
    now, outcome = change.now, change.outcome
    facts: dict[str, int | str] = {"attempt": now.attempts, "by": change.by}
    if now.reason:
        facts["reason"] = str(now.reason)
    if outcome is not None and outcome.code.isdigit():
        facts["code"] = int(outcome.code)
    if now.state == State.RETRY:
        facts["wait"] = max(0, round((now.due_at - at).total_seconds()))
    return facts


def _detail(change: Change) -> dict[str, str]:
    detail = {"to": change.row.address}
    if change.outcome is not None and change.outcome.detail:
        detail["said"] = change.outcome.detail
    return detail


def carry_out(conn: Connection, changes: Sequence[Change], at: datetime) -> set[UUID]:
    """Write and tell changes of any workspaces, as the queue role; the ids that still counted."""
    counted = write(conn, changes, at)
    groups: dict[UUID, list[Change]] = defaultdict(list)
    for change in changes:
        if change.row.id in counted and (change.kind or change.row.standing.state != change.now.state):
            groups[change.row.workspace_id].append(change)
    for workspace_id, group in groups.items():
        with as_tenant(conn, workspace_id):
            tell(conn, workspace_id, group, at)
            parts.go_on(conn, workspace_id, [change.row.id for change in group if change.over], at)
    return counted


def put_off(conn: Connection, row: Row, until: datetime) -> None:
    """Leave a delivery alone for a while: its change could not be written, and others must not wait for it."""
    conn.execute(
        "UPDATE delivery_delivery SET due_at = %s, fence = fence + 1 WHERE workspace_id = %s AND id = %s",
        [until, row.workspace_id, row.id],
    )
