"""What an actor may read of calls: those of conversations in the inboxes they may see. Inside `tenant(…)`."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Literal
from uuid import UUID

from django.db.models import Q, QuerySet

from wasl.accounts.actor import Actor, NotFound
from wasl.calls.models import Call, Callback, Stand, State, Telephone
from wasl.kit.clock import now

PAGE = 40
COUNTED = 1000
RINGS = timedelta(minutes=2)
"""After so long a call either has somebody or is with the answering machine."""

View = Literal["due", "later", "mine", "ended"]
VIEWS: Sequence[View] = ("due", "later", "mine", "ended")


@dataclass(frozen=True, slots=True)
class Page:
    """Call-backs, and where the next ones begin (None at the end)."""

    rows: list[Callback]
    after: tuple[datetime, UUID] | None


def visible(actor: Actor) -> QuerySet[Callback]:
    """Every call-back the actor may see."""
    return Callback.objects.filter(conversation__inbox_id__in=actor.inboxes)


def callbacks(
    actor: Actor, view: View, before: tuple[datetime, UUID] | None = None, limit: int = PAGE
) -> Page:
    """A page of a view: what is due (the longest overdue first), what comes later, the actor's own of both, and what
    has ended (the latest first). Rows carry `customer`, `assignee` and `conversation`."""
    found, by = _of(actor, view), "ended_at" if view == "ended" else "due_at"
    if before:
        step = "lt" if view == "ended" else "gt"
        found = found.filter(
            Q(**{f"{by}__{step}": before[0]}) | Q(**{by: before[0], f"id__{step}": before[1]})
        )
    order = ("-ended_at", "-id") if view == "ended" else ("due_at", "id")
    rows = list(
        found.select_related("customer__root", "assignee", "conversation").order_by(*order)[: limit + 1]
    )
    last = rows[limit - 1] if len(rows) > limit else None
    return Page(rows[:limit], (getattr(last, by), last.id) if last else None)


def _of(actor: Actor, view: View) -> QuerySet[Callback]:
    found = visible(actor)
    if view == "ended":
        return found.exclude(state=Stand.WAITING)
    found = found.filter(state=Stand.WAITING)
    if view == "due":
        return found.filter(due_at__lte=now())
    if view == "later":
        return found.filter(due_at__gt=now())
    return found.filter(assignee_id=actor.agent_id)


def counts(actor: Actor) -> dict[View, int]:
    """How many there are in each view but the ended, counted up to 1,000."""
    views: Sequence[View] = ("due", "later", "mine")
    return {view: _of(actor, view)[:COUNTED].count() for view in views}


def due(actor: Actor) -> int:
    """How many are due, counted up to 1,000."""
    return _of(actor, "due")[:COUNTED].count()


def callback(actor: Actor, callback_id: UUID) -> Callback:
    """One with its customer, agent and conversation. Raises NotFound."""
    found = visible(actor).select_related("customer__root", "assignee", "conversation__inbox")
    row = found.filter(id=callback_id).first()
    if row is None:
        raise NotFound
    return row


def waiting(actor: Actor, conversation_id: UUID) -> Callback | None:
    """The call-back that waits in a conversation."""
    here = Q(conversation_id=conversation_id) | Q(conversation__merged_into_id=conversation_id)
    return visible(actor).filter(here, state=Stand.WAITING).first()


def calls_of(actor: Actor, callback_id: UUID) -> list[Call]:
    """The calls of a call-back that the actor may see, the latest first; at most 50."""
    row = callback(actor, callback_id)
    found = Call.objects.filter(callback=row).select_related("agent")
    return list(found.order_by("-started_at", "-id")[:50])


def telephone(actor: Actor) -> Telephone:
    """Where the actor is rung up; empty where they have not said."""
    found = Telephone.objects.filter(id=actor.agent_id).first() if actor.agent_id else None
    return found or Telephone(id=actor.agent_id, workspace_id=actor.workspace_id)


def on_duty(actor: Actor) -> list[UUID]:
    """The agents whose telephones are on; at most 500."""
    found = Telephone.objects.filter(workspace_id=actor.workspace_id, on_duty=True)
    return list(found.values_list("id", flat=True)[:500])


def ringing(actor: Actor) -> list[Call]:
    """Calls that come in just now, for an agent on duty: those that nobody has taken, and the agent's own."""
    if not telephone(actor).on_duty:
        return []
    found = Call.objects.filter(way="in", state=State.UNDER_WAY, ended_at=None, started_at__gt=now() - RINGS)
    found = found.filter(Q(agent=None) | Q(agent_id=actor.agent_id), inbox_id__in=actor.inboxes)
    return list(found.select_related("customer__root").order_by("-started_at", "-id")[:5])
