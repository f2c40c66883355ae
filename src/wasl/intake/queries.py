"""What waits in quarantine, and how the connections stand that channels keep by themselves."""

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from django.db.models import Q

from wasl.accounts.actor import Actor, NotFound
from wasl.channels.models import Inbox
from wasl.intake.listening import FOR_PEOPLE
from wasl.intake.models import Inbound, Listening, Quarantine

COUNT_LIMIT = 1000


@dataclass(frozen=True, slots=True)
class QuarantineRow:
    """One payload that could not be understood."""

    id: UUID
    inbox_id: UUID
    reason: str
    detail: str
    at: datetime
    attempts: int
    outcome: str
    size: int
    channel: str
    envelope_from: str


def quarantined(actor: Actor, before: UUID | None = None, limit: int = 50) -> list[QuarantineRow]:
    """Open quarantine, newest first; `before` is the id of the last row already shown."""
    actor.require_admin()
    rows = Quarantine.objects.filter(settled_at=None, inbox_id__in=actor.inboxes)
    if before:
        rows = rows.filter(id__lt=before)
    page = list(rows.order_by("-id")[:limit])
    inbound = {
        row["id"]: row
        for row in Inbound.objects.filter(id__in=[r.id for r in page]).values(
            "id", "size", "channel", "envelope"
        )
    }
    return [
        QuarantineRow(
            r.id, r.inbox_id, r.reason, r.detail, r.at, r.attempts, r.outcome, inbound[r.id]["size"],
            inbound[r.id]["channel"], str(inbound[r.id]["envelope"].get("from", "")),
        )
        for r in page
    ]  # fmt: skip


def quarantine_count(actor: Actor) -> int:
    """How many wait, up to 1,000."""
    return Quarantine.objects.filter(settled_at=None, inbox_id__in=actor.inboxes)[:COUNT_LIMIT].count()


@dataclass(frozen=True, slots=True)
class Standing:
    """Where something that a door accepted stands before it is a message: accepted, quarantined or discarded."""

    id: UUID
    status: str
    channel: str
    received_at: datetime
    reason: str


def standing(actor: Actor, inbound_id: UUID) -> Standing:
    """Whether an accepted payload still waits or is in quarantine, and why. Raises NotFound."""
    row = (
        Inbound.objects.filter(id=inbound_id, inbox_id__in=actor.inboxes)
        .values("channel", "received_at")
        .first()
    )
    if row is None:
        raise NotFound
    held = Quarantine.objects.filter(id=inbound_id, outcome__in=("", "discarded")).first()
    status = ("discarded" if held.outcome else "quarantined") if held else "accepted"
    return Standing(inbound_id, status, row["channel"], row["received_at"], held.reason if held else "")


PATIENCE = 4
"""Failures after which a connection counts as in trouble, though a person need not mend it."""


def connections(actor: Actor) -> dict[UUID, Listening]:
    """How the connections stand that channels keep by themselves, by inbox. Raises Forbidden."""
    actor.require_admin()
    return {row.id: row for row in Listening.objects.all()}


def unheard(actor: Actor) -> int:
    """How many of them do not stand, and not only for a moment; 0 for whom it is none of their business."""
    if not actor.administers:
        return 0
    lasting = Q(failures__gt=PATIENCE) | Q(problem__in=sorted(FOR_PEOPLE))
    used = Inbox.objects.filter(is_active=True).values("id")
    return Listening.objects.filter(lasting, id__in=used).exclude(problem="").count()
