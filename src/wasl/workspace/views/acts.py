"""What an agent does with a conversation: each a POST that answers with the thread as it is now."""

from collections.abc import Callable
from pathlib import Path
from uuid import UUID

from django.core.exceptions import BadRequest
from django.core.files.uploadedfile import TemporaryUploadedFile, UploadedFile
from django.http import HttpResponse, HttpResponseRedirect
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST

from wasl.conversations import actions, queries
from wasl.conversations.reply import CannotReply, Upload, reply
from wasl.workspace.format import isolated
from wasl.workspace.shapes import people
from wasl.workspace.toast import Toast
from wasl.workspace.views.desk import refreshed
from wasl.workspace.web import Request


@require_POST
def answer(request: Request, conversation_id: UUID) -> HttpResponse:
    """Send what was written in the composer."""
    try:
        reply(request.actor, conversation_id, request.POST.get("text", ""), _uploads(request))
    except CannotReply as error:
        return HttpResponse(_why_not(error.reason), status=422, content_type="text/plain; charset=utf-8")
    response = _after(request, conversation_id)
    response.headers["HX-Trigger"] = "wasl:sent"
    return response


@require_POST
def assign(request: Request, conversation_id: UUID) -> HttpResponse:
    """Give the conversation to someone, or to nobody."""
    chosen = request.POST.get("agent", "")
    try:
        agent_id = UUID(chosen) if chosen else None
    except ValueError as error:
        raise BadRequest("agent") from error
    actions.assign(request.actor, conversation_id, agent_id)
    return _after(request, conversation_id)


@require_POST
def resolve(request: Request, conversation_id: UUID) -> HttpResponse:
    """Settle the conversation; the toast offers to take it back."""
    actions.resolve(request.actor, conversation_id)
    row = queries.conversation(request.actor, conversation_id)
    name = people.names([row.customer])[row.customer.id]
    undo = Toast(
        _("%(name)s: resolved") % {"name": isolated(name)}, reverse("reopen", args=[conversation_id])
    )
    return _after(request, conversation_id, undo)


@require_POST
def reopen(request: Request, conversation_id: UUID) -> HttpResponse:
    """Open the conversation again."""
    actions.reopen(request.actor, conversation_id)
    return _after(request, conversation_id)


@require_POST
def seen(request: Request, conversation_id: UUID) -> HttpResponse:
    """Remember that this agent has read it."""
    actions.mark_seen(request.actor, conversation_id)
    return HttpResponse(status=204)


@require_POST
def retry(request: Request, message_id: UUID) -> HttpResponse:
    """Try again to send a message that did not arrive."""
    conversation_id = queries.message(request.actor, message_id).message.conversation_id
    actions.retry_delivery(request.actor, message_id)
    return _after(request, conversation_id)


def _after(request: Request, conversation_id: UUID, toast: Toast | None = None) -> HttpResponse:
    if "HX-Request" in request.headers:
        return refreshed(request, conversation_id, toast=toast)
    return HttpResponseRedirect(reverse("conversation_at", args=["all", conversation_id]))


def _uploads(request: Request) -> list[Upload]:
    return [_upload(file) for file in request.FILES.getlist("files")]


def _upload(file: "UploadedFile[bytes]") -> Upload:
    name, kind = file.name or "", file.content_type or ""
    if isinstance(file, TemporaryUploadedFile):
        return Upload(name, kind, path=Path(file.temporary_file_path()))
    return Upload(name, kind, content=file.read())


def _why_not(reason: str) -> str:
    reasons: dict[str, Callable[[], str]] = {
        "empty": lambda: _("Write something first, or attach a file."),
        "too_long": lambda: _("This is longer than 100,000 letters. Send part of it as a file."),
        "too_many_files": lambda: _("These are more than 20 files. Send some of them in a second reply."),
        "no_address": lambda: _("No e-mail address of this customer is known."),
        "inbox_off": lambda: _("This inbox is switched off. An administrator can switch it on again."),
    }
    return reasons.get(reason, lambda: _("It could not be sent. Your text is still here."))()
