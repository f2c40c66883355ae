"""How deliveries stand, in the terms people are told. Inside `tenant(…)`; the caller knows who may see the messages."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from wasl.delivery import course
from wasl.delivery.models import Attempt, Delivery, Receipt, State


@dataclass(frozen=True, slots=True)
class DeliveryView:
    """One message's delivery.

    state: queued, sending, retry, in_doubt, sent, delivered or failed. reason: '' or one of `course.REASONS`.
    next_at: when it is tried again (queued, retry) or until when evidence is looked for (in_doubt).
    attempts: calls made since it was last queued.
    """

    delivery_id: UUID
    message_id: UUID
    channel: str
    address: str
    state: State
    reason: str
    next_at: datetime | None
    attempts: int
    ended_at: datetime | None
    can_retry: bool


@dataclass(frozen=True, slots=True)
class AttemptView:
    """One call, as the detail view shows it: with the provider's own code and words."""

    number: int
    started_at: datetime
    finished_at: datetime | None
    outcome: str
    reason: str
    code: str
    detail: str


@dataclass(frozen=True, slots=True)
class ReceiptView:
    """What was said about a delivery afterwards: failed, delayed, delivered, relayed, expanded, complaint, unknown."""

    kind: str
    at: datetime
    reason: str
    status: str
    diagnostic: str


def states(workspace_id: UUID, message_ids: Iterable[UUID]) -> dict[UUID, DeliveryView]:
    """How the messages' deliveries stand: the newest of each. Messages without one are left out."""
    rows = Delivery.objects.filter(workspace_id=workspace_id, message_id__in=list(message_ids))
    return {row.message_id: _view(row) for row in rows.defer("payload").order_by("created_at", "id")}


def one(workspace_id: UUID, delivery_id: UUID) -> DeliveryView | None:
    """How one delivery stands."""
    row = Delivery.objects.filter(workspace_id=workspace_id, id=delivery_id).defer("payload").first()
    return _view(row) if row else None


def attempts(workspace_id: UUID, delivery_id: UUID) -> list[AttemptView]:
    """The calls made for a delivery, oldest first."""
    rows = Attempt.objects.filter(workspace_id=workspace_id, delivery_id=delivery_id).order_by("number")
    return [
        AttemptView(
            row.number, row.started_at, row.finished_at, row.outcome, row.reason, row.code, row.detail
        )
        for row in rows
    ]


def receipts(workspace_id: UUID, delivery_id: UUID) -> list[ReceiptView]:
    """What was said about a delivery, oldest first."""
    rows = Receipt.objects.filter(workspace_id=workspace_id, delivery_id=delivery_id).order_by("at", "id")
    return [
        ReceiptView(
            row.kind,
            row.at,
            row.detail.get("reason", ""),
            row.detail.get("status", ""),
            row.detail.get("diagnostic", ""),
        )
        for row in rows
    ]


def _view(row: Delivery) -> DeliveryView:
    state = State(row.state)
    return DeliveryView(
        delivery_id=row.id,
        message_id=row.message_id,
        channel=row.channel,
        address=row.address,
        state=state,
        reason=row.reason,
        next_at=_next_at(row, state),
        attempts=row.attempts,
        ended_at=row.ended_at,
        can_retry=state in course.RETRIABLE,
    )


def _next_at(row: Delivery, state: State) -> datetime | None:
    if state == State.IN_DOUBT:
        return row.doubt_until
    return row.due_at if state in (State.QUEUED, State.RETRY) else None
