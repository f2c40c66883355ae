"""What may be done with deliveries, each inside the caller's transaction and workspace (the application's role)."""

from datetime import datetime, timedelta
from typing import Any, LiteralString
from uuid import UUID

from django.conf import settings
from psycopg.types.json import Jsonb

from wasl.channels.base import BounceReport, Reason
from wasl.channels.email.reasons import of_status
from wasl.delivery import course
from wasl.delivery.models import State
from wasl.delivery.rows import COLUMNS, Change, Row, tell, write
from wasl.kit.clock import now as clock_now
from wasl.kit.db import Connection
from wasl.kit.ids import uuid7
from wasl.kit.signal import wake

_INSERT: LiteralString = """
INSERT INTO delivery_delivery (workspace_id, id, inbox_id, customer_id, conversation_id, message_id, channel, address,
                               payload, state, created_at, due_at, deadline_at, attempts, doubts, reason, fence)
VALUES (%s, %s, %s, %s, %s, %s, %s, %s, %s, 'queued', %s, %s, %s, 0, 0, '', 0)
"""


def send(
    conn: Connection,
    workspace_id: UUID,
    *,
    inbox_id: UUID,
    customer_id: UUID,
    conversation_id: UUID | None,
    message_id: UUID,
    channel: str,
    address: str,
    payload: dict[str, Any],
    delivery_id: UUID | None = None,
) -> UUID:
    """Have a message delivered: when the caller commits, it will be worked on until it reaches an end.

    `payload` is what `payload.pack` made. Give `delivery_id` when the payload speaks of it (a bounce address does).
    """
    delivery_id, at = delivery_id or uuid7(), clock_now()
    deadline = at + timedelta(seconds=settings.ENV.delivery_deadline)
    conn.execute(
        _INSERT,
        [
            *(
                workspace_id,
                delivery_id,
                inbox_id,
                customer_id,
                conversation_id,
                message_id,
                channel,
                address,
            ),
            *(Jsonb(payload), at, at, deadline),
        ],
    )
    wake(conn, "delivery")
    return delivery_id


_LOCK: LiteralString = (
    f"SELECT {COLUMNS} FROM delivery_delivery d WHERE d.workspace_id = %s AND d.id = %s FOR UPDATE"
)


def _lock(conn: Connection, workspace_id: UUID, delivery_id: UUID) -> Row | None:
    found = conn.execute(_LOCK, [workspace_id, delivery_id]).fetchone()
    return Row.of(found) if found else None


def retry(conn: Connection, workspace_id: UUID, delivery_id: UUID, *, by: str = "agent") -> bool:
    """Try again now, by hand, with all tries and time before it; False when there is nothing to try again."""
    row, at = _lock(conn, workspace_id, delivery_id), clock_now()
    if row is None:
        return False
    standing = course.by_hand(row.standing, at, timedelta(seconds=settings.ENV.delivery_deadline))
    if standing is None:
        return False
    _change(conn, Change(row, standing, "delivery.retried", by=by), at)
    wake(conn, "delivery")
    return True


_RECEIPT: LiteralString = """
INSERT INTO delivery_receipt (workspace_id, id, delivery_id, inbound_id, kind, at, detail)
VALUES (%s, %s, %s, %s, %s, %s, %s)
"""


def receipt(
    conn: Connection, workspace_id: UUID, delivery_id: UUID, inbound_id: UUID | None, bounce: BounceReport
) -> State | None:
    """Store what was said about a delivery, in whatever order it comes, and draw the conclusion.

    The state afterwards; None when there is no such delivery (then nothing is stored).
    """
    row, at = _lock(conn, workspace_id, delivery_id), clock_now()
    if row is None:
        return None
    reason = reason_of(bounce)
    detail = {
        "reason": str(reason),
        "recipient": bounce.recipient,
        "status": bounce.status,
        "diagnostic": bounce.diagnostic,
    }
    values = [workspace_id, uuid7(), delivery_id, inbound_id, bounce.kind, at, Jsonb(detail)]
    conn.execute(_RECEIPT, values)
    standing = course.after_receipt(row.standing, bounce.kind, reason, at)
    if standing != row.standing:
        said = course.Outcome(course.Ending.SENT, detail=bounce.diagnostic)
        _change(conn, Change.of(row, standing, said), at)
    return standing.state


def reason_of(bounce: BounceReport) -> Reason:
    """Why it did not arrive, from the status of a report (RFC 3463)."""
    return of_status(bounce.status) or Reason.OTHER


def _change(conn: Connection, change: Change, at: datetime) -> None:
    write(conn, [change], at)
    tell(conn, change.row.workspace_id, [change], at)
