"""What an agent does with a conversation: each a POST that answers with the thread as it is now."""

from uuid import UUID

from django.core.exceptions import BadRequest
from django.http import HttpResponse
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST

from wasl.conversations import actions, queries
from wasl.desk import notices
from wasl.workspace.format import isolated
from wasl.workspace.shapes import people
from wasl.workspace.toast import Toast
from wasl.workspace.views.turns import after
from wasl.workspace.web import Request


@require_POST
def assign(request: Request, conversation_id: UUID) -> HttpResponse:
    """Give the conversation to someone, or to nobody."""
    chosen = request.POST.get("agent", "")
    try:
        agent_id = UUID(chosen) if chosen else None
    except ValueError as error:
        raise BadRequest("agent") from error
    actions.assign(request.actor, conversation_id, agent_id)
    return after(request, conversation_id)


@require_POST
def resolve(request: Request, conversation_id: UUID) -> HttpResponse:
    """Settle the conversation; the toast offers to take it back."""
    actions.resolve(request.actor, conversation_id)
    row = queries.conversation(request.actor, conversation_id)
    name = people.names([row.customer])[row.customer.id]
    undo = Toast(
        _("%(name)s: resolved") % {"name": isolated(name)}, reverse("reopen", args=[conversation_id])
    )
    return after(request, conversation_id, undo)


@require_POST
def reopen(request: Request, conversation_id: UUID) -> HttpResponse:
    """Open the conversation again."""
    actions.reopen(request.actor, conversation_id)
    return after(request, conversation_id)


@require_POST
def seen(request: Request, conversation_id: UUID) -> HttpResponse:
    """Remember that this agent has read it."""
    actions.mark_seen(request.actor, conversation_id)
    notices.see(request.actor, conversation_id)
    return HttpResponse(status=204)


@require_POST
def retry(request: Request, message_id: UUID) -> HttpResponse:
    """Try again to send a message that did not arrive."""
    conversation_id = queries.message(request.actor, message_id).message.conversation_id
    actions.retry_delivery(request.actor, message_id)
    return after(request, conversation_id)
