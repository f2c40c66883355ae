"""What administrators may read of endpoints and calls. Call inside `tenant(…)`."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from django.db.models import Count, Q

from wasl.accounts.actor import Actor, NotFound
from wasl.kit.clock import now
from wasl.webhooks.models import Call, Endpoint, State, Try

PAGE = 50
LATELY = timedelta(days=1)
Place = tuple[datetime, UUID]


@dataclass(frozen=True, slots=True)
class Standing:
    """An endpoint, and how its calls of the last day went."""

    endpoint: Endpoint
    done: int = 0
    failed: int = 0
    waiting: int = 0


def endpoints(actor: Actor) -> list[Standing]:
    """Every endpoint, in the order in which they were made. Raises Forbidden."""
    actor.require_admin()
    rows = (
        Call.objects.filter(Q(created_at__gte=now() - LATELY) | Q(state=State.WAITING))
        .values("endpoint_id")
        .annotate(
            done=Count("id", filter=Q(state=State.DONE)),
            failed=Count("id", filter=Q(state__in=(State.FAILED, State.STOPPED))),
            waiting=Count("id", filter=Q(state__in=(State.WAITING, State.CALLING))),
        )
    )
    counts = {row["endpoint_id"]: (row["done"], row["failed"], row["waiting"]) for row in rows}
    found = Endpoint.objects.order_by("created_at", "id")
    return [Standing(each, *counts.get(each.id, ())) for each in found]


def endpoint(actor: Actor, endpoint_id: UUID) -> Endpoint:
    """One endpoint. Raises Forbidden, NotFound."""
    actor.require_admin()
    found = Endpoint.objects.filter(id=endpoint_id).first()
    if found is None:
        raise NotFound
    return found


def calls(
    actor: Actor,
    endpoint_id: UUID,
    *,
    failed: bool = False,
    before: Place | None = None,
    limit: int = PAGE,
) -> tuple[list[Call], Place | None]:
    """A page of an endpoint's log, newest first, and where the next begins. Raises Forbidden, NotFound."""
    endpoint(actor, endpoint_id)
    found = Call.objects.filter(endpoint_id=endpoint_id)
    if failed:
        found = found.filter(Q(state__in=(State.FAILED, State.STOPPED)) | ~Q(why=""))
    if before:
        found = found.filter(Q(created_at__lt=before[0]) | Q(created_at=before[0], id__lt=before[1]))
    rows = list(found.order_by("-created_at", "-id")[: limit + 1])
    more = len(rows) > limit
    return rows[:limit], ((rows[limit - 1].created_at, rows[limit - 1].id) if more else None)


def call(actor: Actor, call_id: UUID) -> Call:
    """One call. Raises Forbidden, NotFound."""
    actor.require_admin()
    found = Call.objects.filter(id=call_id).first()
    if found is None:
        raise NotFound
    return found


def tries(actor: Actor, calls: Sequence[Call]) -> dict[UUID, list[Try]]:
    """The tries of some calls, each call's newest first. Raises Forbidden."""
    actor.require_admin()
    found: dict[UUID, list[Try]] = {}
    for each in Try.objects.filter(call_id__in=[row.id for row in calls]).order_by("-at", "-id"):
        found.setdefault(each.call_id, []).append(each)
    return found
