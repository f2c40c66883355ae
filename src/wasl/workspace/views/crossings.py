"""What gets in the way of an open conversation, read again; and what is done about it."""

from uuid import UUID

from django.core.exceptions import BadRequest
from django.http import HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_POST, require_safe

from wasl.calls import promises
from wasl.conversations import queries
from wasl.desk import takeover
from wasl.workspace.shapes.crossings import bands
from wasl.workspace.views.compose import identifier
from wasl.workspace.views.turns import after
from wasl.workspace.web import Request


@require_safe
def index(request: Request, conversation_id: UUID) -> HttpResponse:
    """The bands of a conversation."""
    row = queries.opened(request.actor, conversation_id)
    return render(
        request,
        "desk/crossings.html",
        {"open": row, "bands": bands(request.actor, row), "customer_id": row.customer.id},
    )


@require_POST
def take_over(request: Request, conversation_id: UUID) -> HttpResponse:
    """Take it over from programs."""
    takeover.take(request.actor, conversation_id)
    return after(request, conversation_id)


@require_POST
def hand_back(request: Request, conversation_id: UUID) -> HttpResponse:
    """Let programs write in it again."""
    takeover.hand_back(request.actor, conversation_id)
    return after(request, conversation_id)


@require_POST
def settle(request: Request, conversation_id: UUID) -> HttpResponse:
    """Say which of two promised times counts."""
    row = queries.opened(request.actor, conversation_id)
    first, second = identifier(request, "first"), identifier(request, "second")
    if first is None or second is None:
        raise BadRequest("first")
    promises.settle(request.actor, row.family, request.POST.get("kind", ""), first, second)
    return after(request, conversation_id)
