"""How deliveries stand, in the terms people are told. Inside `tenant(…)`; the caller knows who may see the messages."""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from uuid import UUID

from wasl.delivery import course
from wasl.delivery.models import Attempt, Delivery, Receipt, State

WORST_FIRST = (
    State.FAILED,
    State.IN_DOUBT,
    State.RETRY,
    State.SENDING,
    State.QUEUED,
    State.SENT,
    State.DELIVERED,
    State.READ,
)
LISTED = "app"
"""The channel whose messages stand in a list, which is opened before any of them is."""


@dataclass(frozen=True, slots=True)
class DeliveryView:
    """One message's delivery.

    state: queued, sending, retry, in_doubt, sent, delivered or failed. reason: '' or one of `course.REASONS`.
    next_at: when it is tried again (queued, retry) or until when evidence is looked for (in_doubt).
    attempts: calls made since it was last queued. seen_at: when the list was opened that it stands in; chosen: the
    button that was pressed, and when (in-app inbox). A message in `parts` stands where the worst of them does, the
    `part`-th; `left` is how many of them have left.
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
    seen_at: datetime | None = None
    chosen: str = ""
    chosen_at: datetime | None = None
    part: int = 1
    parts: int = 1
    left: int = 0


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
    """How the messages' deliveries stand: the newest of each, the worst of one in parts. Messages without one are left
    out."""
    rows = Delivery.objects.filter(workspace_id=workspace_id, message_id__in=list(message_ids))
    of = defaultdict[UUID, list[DeliveryView]](list)
    for row in rows.defer("payload").order_by("created_at", "id"):
        of[row.message_id].append(_view(row))
    found = {message_id: _whole(views) for message_id, views in of.items()}
    listed = {view.delivery_id: view.message_id for view in found.values() if view.channel == LISTED}
    # Only where there are such: they are few, and their receipts say more than their states.
    for said in Receipt.objects.filter(delivery_id__in=listed, kind__in=["seen", "acted"]) if listed else ():
        message_id = listed[said.delivery_id]
        if said.kind == "seen":
            found[message_id] = replace(found[message_id], seen_at=said.at)
        else:
            chosen = str(said.detail.get("diagnostic", ""))
            found[message_id] = replace(found[message_id], chosen=chosen, chosen_at=said.at)
    return found


def one(workspace_id: UUID, delivery_id: UUID) -> DeliveryView | None:
    """How one delivery stands."""
    row = Delivery.objects.filter(workspace_id=workspace_id, id=delivery_id).defer("payload").first()
    return _view(row) if row else None


def _whole(views: Sequence[DeliveryView]) -> DeliveryView:
    """How a message stands whose deliveries these are, the newest last."""
    newest = views[-1]
    if newest.parts == 1:
        return newest
    worst = min((view for view in views if view.parts > 1), key=lambda view: WORST_FIRST.index(view.state))
    return replace(worst, left=sum(view.left for view in views))


def parts(workspace_id: UUID, message_id: UUID) -> list[DeliveryView]:
    """The parts of a message that have a delivery by now, in order; one that goes whole is one part."""
    rows = Delivery.objects.filter(workspace_id=workspace_id, message_id=message_id).defer("payload")
    views = [_view(row) for row in rows.order_by("created_at", "id")]
    if not views or views[-1].parts == 1:
        return views[-1:]
    return sorted((view for view in views if view.parts > 1), key=lambda view: view.part)


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
        part=row.part,
        parts=row.parts,
        left=int(state in course.TAKEN_ENDS),
    )


def _next_at(row: Delivery, state: State) -> datetime | None:
    if state == State.IN_DOUBT:
        return row.doubt_until
    return row.due_at if state in (State.QUEUED, State.RETRY) else None
