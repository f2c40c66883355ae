"""What may be done with deliveries, each inside the caller's transaction and workspace (the application's role)."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Any, LiteralString, NamedTuple
from uuid import UUID

from django.conf import settings

from wasl.channels.base import BounceReport, Reason
from wasl.channels.email.reasons import of_status
from wasl.delivery import course, parts
from wasl.delivery.models import State
from wasl.delivery.rows import COLUMNS, Change, Row, tell, write
from wasl.kit.clock import now as clock_now
from wasl.kit.db import Connection
from wasl.kit.ids import uuid7
from wasl.kit.signal import Signal, wake
from wasl.kit.signal import send as signal
from wasl.timeline.actions import Touch, append

_INSERT: LiteralString = """
INSERT INTO delivery_delivery (workspace_id, id, inbox_id, customer_id, conversation_id, message_id, channel, address,
                               payload, parts, state, created_at, due_at, deadline_at, attempts, doubts, reason, fence)
SELECT %b, id, inbox_id, customer_id, conversation_id, message_id, channel, address, payload::jsonb, parts, 'queued',
       %b, %b, %b, 0, 0, '', 0
FROM unnest(%b::uuid[], %b::uuid[], %b::uuid[], %b::uuid[], %b::uuid[], %b::text[], %b::text[], %b::text[],
            %s::smallint[])
     AS t (id, inbox_id, customer_id, conversation_id, message_id, channel, address, payload, parts)
"""


class Sending(NamedTuple):
    """A message to deliver. `payload` is what `payload.pack` made, or `parts.chained` of several; give `delivery_id`
    when the payload speaks of it (a bounce address does)."""

    inbox_id: UUID
    customer_id: UUID
    conversation_id: UUID | None
    message_id: UUID
    channel: str
    address: str
    payload: dict[str, Any]
    delivery_id: UUID | None = None


def send(
    conn: Connection, workspace_id: UUID, sendings: Sequence[Sending], *, hold: float = 0.0
) -> list[UUID]:
    """Have messages delivered: when the caller commits, they will be worked on until each reaches an end.

    For `hold` seconds nothing is done, and they can be withdrawn. The deliveries' ids, in order.
    """
    if not sendings:
        return []
    ids, at = [each.delivery_id or uuid7() for each in sendings], clock_now()
    due = at + timedelta(seconds=hold)
    columns = (
        [each.inbox_id for each in sendings],
        [each.customer_id for each in sendings],
        [each.conversation_id for each in sendings],
        [each.message_id for each in sendings],
        [each.channel for each in sendings],
        [each.address for each in sendings],
        [json.dumps(each.payload) for each in sendings],
        [1 + len(each.payload.get("rest", ())) for each in sendings],
    )
    deadline = due + timedelta(seconds=settings.ENV.delivery_deadline)
    conn.execute(_INSERT, [workspace_id, at, due, deadline, ids, *columns])
    wake(conn, "delivery")
    return ids


_LOCK: LiteralString = (
    f"SELECT {COLUMNS} FROM delivery_delivery d WHERE d.workspace_id = %s AND d.id = %s FOR UPDATE"
)


def _lock(conn: Connection, workspace_id: UUID, delivery_id: UUID) -> Row | None:
    found = conn.execute(_LOCK, [workspace_id, delivery_id]).fetchone()
    return Row.of(found) if found else None


_LOCK_ALL: LiteralString = f"""
SELECT {COLUMNS} FROM delivery_delivery o
JOIN delivery_delivery d ON d.workspace_id = o.workspace_id AND d.message_id = o.message_id
  AND (d.id = o.id OR (d.parts > 1 AND o.parts > 1))
WHERE o.workspace_id = %s AND o.id = %s ORDER BY d.part, d.id FOR UPDATE OF d
"""


def retry(conn: Connection, workspace_id: UUID, delivery_id: UUID, *, by: str = "agent") -> bool:
    """Try again now, by hand, with all tries and time before it; False when there is nothing to try again.

    Of a message in parts, whichever of them did not arrive, one after the other: what has left does not leave again.
    """
    rows, at = conn.execute(_LOCK_ALL, [workspace_id, delivery_id]).fetchall(), clock_now()
    changes, open_before = [], False
    for row in map(Row.of, rows):
        standing = course.by_hand(row.standing, at, timedelta(seconds=settings.ENV.delivery_deadline))
        if standing is not None:
            standing = course.behind(standing) if open_before else standing
            changes.append(Change(row, standing, "delivery.retried", by=by))
        open_before |= not (standing or row.standing).ended
    if not changes:
        return False
    write(conn, changes, at)
    tell(conn, workspace_id, changes, at)
    wake(conn, "delivery")
    return True


_WITHDRAW: LiteralString = """
DELETE FROM delivery_delivery d
WHERE d.workspace_id = %(workspace)s AND d.id = %(id)s AND d.state = 'queued'
  AND NOT EXISTS (SELECT FROM delivery_attempt a WHERE a.workspace_id = d.workspace_id AND a.delivery_id = d.id)
"""


def withdraw(conn: Connection, workspace_id: UUID, delivery_id: UUID) -> bool:
    """Take back a delivery that was never begun, as if nobody had asked for it; False when it is too late.

    Whoever holds the row decides: a worker that has claimed it is about to make the call.
    """
    row = _lock(conn, workspace_id, delivery_id)
    if row is None or row.standing.state != State.QUEUED:
        return False
    return conn.execute(_WITHDRAW, {"workspace": workspace_id, "id": delivery_id}).rowcount == 1


def regroup(conn: Connection, workspace_id: UUID, message_ids: Sequence[UUID], conversation_id: UUID) -> None:
    """Let the deliveries of these messages belong to the conversation that the messages went to."""
    conn.execute(_REGROUP, [conversation_id, workspace_id, list(message_ids)])


_REGROUP: LiteralString = """
UPDATE delivery_delivery SET conversation_id = %s WHERE workspace_id = %s AND message_id = ANY(%s::uuid[])
"""
_RECEIPTS: LiteralString = """
INSERT INTO delivery_receipt (workspace_id, id, delivery_id, inbound_id, kind, at, detail)
SELECT %b, u.id, u.delivery_id, u.inbound_id, u.kind, %b, u.detail::jsonb
FROM unnest(%b::uuid[], %b::uuid[], %b::uuid[], %b::text[], %b::text[]) AS u (id, delivery_id, inbound_id, kind, detail)
"""
_LOCK_THESE: LiteralString = f"""
SELECT {COLUMNS}, d.payload->'cc' FROM delivery_delivery d WHERE d.workspace_id = %b AND d.id = ANY(%b::uuid[])
ORDER BY d.id FOR UPDATE
"""


class Heard(NamedTuple):
    """What was said of a delivery, and by which payload (None: by nobody from outside)."""

    delivery_id: UUID
    inbound_id: UUID | None
    said: BounceReport


@dataclass(slots=True)
class _Judged:
    """What follows from what was heard, to be written in one go."""

    lines: list[tuple[UUID, UUID, UUID | None, str, str]] = field(default_factory=list)
    changes: list[Change] = field(default_factory=list)
    touches: list[Touch] = field(default_factory=list)
    shown: list[Row] = field(default_factory=list)


def receipt(
    conn: Connection, workspace_id: UUID, delivery_id: UUID, inbound_id: UUID | None, bounce: BounceReport
) -> State | None:
    """Store what was said about a delivery, in whatever order it comes, and draw the conclusion.

    What is said of somebody in copy is kept and concludes nothing: the one it was written to may well have it.
    The state afterwards; None when there is no such delivery (then nothing is stored).
    """
    return receipts(conn, workspace_id, [Heard(delivery_id, inbound_id, bounce)]).get(delivery_id)


def receipts(conn: Connection, workspace_id: UUID, heard: Sequence[Heard]) -> dict[UUID, State]:
    """The same of many at once, in the order given; the states afterwards of those deliveries that there are."""
    if not heard:
        return {}
    ids = sorted({each.delivery_id for each in heard})
    found = conn.execute(_LOCK_THESE, [workspace_id, ids], prepare=True).fetchall()
    rows, copies = {row[1]: Row.of(row) for row in found}, {row[1]: row[-1] or () for row in found}
    judged, at = _Judged(), clock_now()
    for each in heard:
        if row := rows.get(each.delivery_id):
            rows[row.id] = _judge(judged, row, each, copies[row.id], at)
    if judged.lines:
        columns = [list(column) for column in zip(*judged.lines, strict=True)]
        conn.execute(_RECEIPTS, [workspace_id, at, *columns], prepare=True)
    if judged.changes:
        write(conn, list({change.row.id: change for change in judged.changes}.values()), at)
        tell(conn, workspace_id, judged.changes, at)
        parts.go_on(conn, workspace_id, [change.row.id for change in judged.changes if change.over], at)
    append(conn, workspace_id, judged.touches)
    signal(
        conn,
        [
            Signal("delivery", workspace_id, row.inbox_id, _conversations(row), (row.customer_id,))
            for row in judged.shown
        ],
    )
    return {id_: row.standing.state for id_, row in rows.items()}


def _judge(judged: _Judged, row: Row, heard: Heard, copies: Sequence[Any], at: datetime) -> Row:
    """What follows from one thing that was said; the delivery as it then stands."""
    said, reason = heard.said, reason_of(heard.said)
    detail = {
        "reason": str(reason),
        "recipient": said.recipient,
        "status": said.status,
        "diagnostic": said.diagnostic,
        "permanence": said.permanence,
    }
    in_copy = _is_of_copy(row, copies, said.recipient)
    if in_copy:
        detail["in_copy"] = "yes"
    judged.lines.append((uuid7(), row.id, heard.inbound_id, said.kind, json.dumps(detail)))
    standing = row.standing if in_copy else course.after_receipt(row.standing, said.kind, reason, at)
    if said.kind == "complaint":
        judged.touches.append(_told(row, "delivery.complained", at, row.address))
    if in_copy and said.kind == "failed":
        facts = {"reason": str(reason), "by": "system"}
        judged.touches.append(_told(row, "delivery.copy_failed", at, said.recipient, facts))
    if said.kind in ("seen", "acted"):
        judged.touches.append(_told(row, f"delivery.{said.kind}", at, row.address))
    if in_copy or said.kind in ("complaint", "seen", "acted"):
        judged.shown.append(row)
    if standing == row.standing:
        return row
    outcome = course.Outcome(course.Ending.SENT, detail=said.diagnostic)
    judged.changes.append(Change.of(row, standing, outcome))
    return replace(row, standing=standing)


def _is_of_copy(row: Row, copies: Sequence[Any], recipient: str) -> bool:
    if not recipient or recipient.lower() == row.address.lower():
        return False
    return any(address.lower() == recipient.lower() for _, address in copies)


def _told(row: Row, kind: str, at: datetime, to: str, facts: Mapping[str, int | str] | None = None) -> Touch:
    """Something that was said of a delivery and does not change where it stands."""
    return Touch(
        row.customer_id,
        kind,
        at,
        channel=row.channel,
        conversation_id=row.conversation_id,
        about_id=row.id,
        facts=dict(facts or {}),
        detail={"to": to},
    )


def _conversations(row: Row) -> tuple[UUID, ...]:
    return (row.conversation_id,) if row.conversation_id else ()


def reason_of(bounce: BounceReport) -> Reason:
    """Why it did not arrive: what the report came to, else what its status says (RFC 3463)."""
    return bounce.reason if bounce.reason is not Reason.OTHER else of_status(bounce.status) or Reason.OTHER
