"""Webhooks: other programs that are told what happens. For administrators' tokens."""

from datetime import datetime
from typing import Annotated, Any
from uuid import UUID

from django.http import HttpResponse
from ninja import Query, Router, Status

from wasl.api import paging
from wasl.api.gate import Request
from wasl.api.hooks import (
    Created,
    Hook,
    HookCall,
    HookCallInFull,
    HookCalls,
    HookChange,
    Hooks,
    NewHook,
    Replay,
    Replayed,
    Secret,
)
from wasl.kit.clock import now
from wasl.kit.problem import Fault, Problem
from wasl.webhooks import actions, queries
from wasl.webhooks.events import OFFERED
from wasl.webhooks.models import Call, Endpoint, State

router = Router(tags=["Webhooks"])

Limit = Annotated[int, Query(ge=1, le=paging.MOST, description="Rows on a page.")]
Place = Annotated[str | None, Query(max_length=1000, description="Where the page begins: from 'next'.")]


@router.get("/webhooks", response=Hooks, operation_id="list_webhooks", summary="List webhooks")
def webhooks(request: Request) -> dict[str, Any]:
    """Every one, oldest first, and the kinds of event there are to choose from."""
    found = queries.endpoints(request.actor)
    return {"items": [_shape(each.endpoint) for each in found], "kinds": list(OFFERED)}


@router.post(
    "/webhooks",
    response={201: Created},
    operation_id="create_webhook",
    summary="Create a webhook",
)
def create(request: Request, response: HttpResponse, hook: NewHook) -> Status[Any]:
    """It is told of what happens from now on. The answer holds the secret that signs its calls."""
    made, secret = actions.create(request.actor, hook.url, hook.description, hook.kinds)
    response.headers["Location"] = f"/api/v1/webhooks/{made.id}"
    return Status(201, {**_shape(made), "secret": secret})


@router.get("/webhooks/{uuid:webhook_id}", response=Hook, operation_id="get_webhook", summary="Get a webhook")
def webhook(request: Request, webhook_id: UUID) -> dict[str, Any]:
    """With its standing: since when it has been failing, and why it is off."""
    return _shape(queries.endpoint(request.actor, webhook_id))


@router.patch(
    "/webhooks/{uuid:webhook_id}", response=Hook, operation_id="change_webhook", summary="Change a webhook"
)
def change(request: Request, webhook_id: UUID, hook: HookChange) -> dict[str, Any]:
    """What is left out stays. Switching it off stops what was still to be told."""
    found = queries.endpoint(request.actor, webhook_id)
    changed = actions.change(
        request.actor,
        webhook_id,
        found.url if hook.url is None else hook.url,
        found.description if hook.description is None else hook.description,
        found.kinds if hook.kinds is None else hook.kinds,
        active=found.is_active if hook.is_active is None else hook.is_active,
    )
    return _shape(changed)


@router.delete(
    "/webhooks/{uuid:webhook_id}",
    response={204: None},
    operation_id="remove_webhook",
    summary="Remove a webhook",
)
def remove(request: Request, webhook_id: UUID) -> Status[Any]:
    """With its log."""
    actions.remove(request.actor, webhook_id)
    return Status(204, None)


@router.post(
    "/webhooks/{uuid:webhook_id}/secret",
    response=Secret,
    operation_id="rotate_webhook_secret",
    summary="Replace the secret",
)
def rotate(request: Request, webhook_id: UUID) -> dict[str, Any]:
    """The answer holds the new secret. For a day calls are signed with both."""
    secret = actions.rotate(request.actor, webhook_id)
    return {"secret": secret, "old_until": queries.endpoint(request.actor, webhook_id).old_until}


@router.post(
    "/webhooks/{uuid:webhook_id}/test",
    response={202: HookCall},
    operation_id="test_webhook",
    summary="Send a test event",
)
def test(request: Request, webhook_id: UUID) -> Status[Any]:
    """An event of type `webhook.test`, at once; also to a webhook that is off."""
    return Status(202, _call(actions.test(request.actor, webhook_id)))


@router.get(
    "/webhooks/{uuid:webhook_id}/deliveries",
    response=HookCalls,
    operation_id="list_webhook_deliveries",
    summary="List deliveries",
)
def deliveries(
    request: Request,
    response: HttpResponse,
    webhook_id: UUID,
    limit: Limit = paging.LIMIT,
    cursor: Place = None,
    failed: Annotated[bool, Query(description="Only those that failed, or are failing.")] = False,
) -> dict[str, Any]:
    """What was told, newest first; kept for 30 days."""
    before = paging.at_time(cursor)
    rows, after = queries.calls(request.actor, webhook_id, failed=failed, before=before, limit=limit)
    return paging.answer(request, response, [_call(row) for row in rows], after)


@router.get(
    "/webhook-deliveries/{uuid:delivery_id}",
    response=HookCallInFull,
    operation_id="get_webhook_delivery",
    summary="Get a delivery",
)
def delivery(request: Request, delivery_id: UUID) -> dict[str, Any]:
    """With every try and the beginning of each answer."""
    found = queries.call(request.actor, delivery_id)
    tries = queries.tries(request.actor, [found]).get(found.id, [])
    return {**_call(found), "attempts": tries}


@router.post(
    "/webhook-deliveries/{uuid:delivery_id}/replay",
    response={202: HookCall},
    operation_id="replay_webhook_delivery",
    summary="Deliver again",
)
def replay(request: Request, delivery_id: UUID) -> Status[Any]:
    """The same event under the same id, so that a receiver that has it knows it."""
    actions.replay(request.actor, delivery_id)
    return Status(202, _call(queries.call(request.actor, delivery_id)))


@router.post(
    "/webhooks/{uuid:webhook_id}/replay",
    response={202: Replayed},
    operation_id="replay_webhook",
    summary="Deliver again what failed",
)
def replay_failed(request: Request, webhook_id: UUID, what: Replay) -> Status[Any]:
    """Everything that failed or was stopped since a moment; up to 10,000 at once, the oldest first."""
    since: datetime | None = what.since
    if since is not None and since > now():
        words = "This moment has not come yet."
        raise Problem("invalid", words, [Fault(words, "#/since")])
    return Status(202, {"deliveries": actions.replay_failed(request.actor, webhook_id, since)})


def _shape(row: Endpoint) -> dict[str, Any]:
    return {
        "id": row.id,
        "url": row.url,
        "description": row.description,
        "kinds": row.kinds,
        "is_active": row.is_active,
        "off_at": row.off_at,
        "off_why": row.off_why,
        "failing_since": row.failing_since,
        "succeeded_at": row.succeeded_at,
        "created_at": row.created_at,
    }


def _call(row: Call) -> dict[str, Any]:
    return {
        "id": row.id,
        "webhook_id": row.endpoint_id,
        "kind": row.kind,
        "occurred_at": row.occurred_at,
        "created_at": row.created_at,
        "state": str(row.state),
        "next_at": row.due_at if row.state == State.WAITING else None,
        "tries": row.tries,
        "ended_at": row.ended_at,
        "status": row.status,
        "why": row.why,
    }
