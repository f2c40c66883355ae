"""One message: its files, its pictures from elsewhere, and the way it went."""

from dataclasses import replace
from uuid import UUID

from django.http import Http404, HttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import render
from django.views.decorators.http import require_safe

from wasl.conversations import queries
from wasl.delivery import queries as delivery
from wasl.workspace import bodies, files
from wasl.workspace.shapes import people
from wasl.workspace.shapes.delivery import standing, steps
from wasl.workspace.shapes.scenes import SHOWN_TYPES
from wasl.workspace.shapes.thread import bubble, content
from wasl.workspace.web import Request

# A stranger's document: our stylesheet, pictures from anywhere, and nothing that runs or asks.
MAIL_POLICY = "; ".join(
    (
        "default-src 'none'",
        "style-src 'self'",
        "img-src 'self' data: https: http:",
        "base-uri 'none'",
        "form-action 'none'",
        "frame-ancestors 'self'",
        "sandbox allow-same-origin allow-popups allow-popups-to-escape-sandbox",
    )
)


@require_safe
def message(request: Request, message_id: UUID) -> HttpResponse:
    """A message read again, with `?pictures=1` in a frame that may load images from elsewhere."""
    shown = queries.message(request.actor, message_id)
    row = queries.conversation(request.actor, shown.message.conversation_id)
    msg = bubble(
        shown, people.names([row.customer])[row.customer.id], pictures=request.GET.get("pictures") == "1"
    )
    return render(request, "desk/message.html", {"msg": msg})


@require_safe
def pictures(request: Request, message_id: UUID) -> HttpResponse:
    """The document inside that frame."""
    shown = queries.message(request.actor, message_id)
    if not shown.message.html:
        raise Http404
    body = bodies.of_html(shown.message.html, content(shown.files), pictures=True)
    response = render(request, "desk/mail.html", {"body": body, "language": shown.message.language})
    response.headers["Content-Security-Policy"] = MAIL_POLICY
    response.headers["X-Frame-Options"] = "SAMEORIGIN"
    response.headers["Referrer-Policy"] = "no-referrer"
    return response


@require_safe
def attempts(request: Request, message_id: UUID) -> HttpResponse:
    """Every call made for a message and what was said about it, with the other side's own words."""
    view = queries.message(request.actor, message_id).delivery
    if view is None:
        raise Http404
    workspace_id = request.actor.workspace_id
    whole = delivery.parts(workspace_id, message_id) if view.parts > 1 else [view]
    parts = [
        {
            "state": standing(replace(each, parts=1)),
            "steps": steps(
                delivery.attempts(workspace_id, each.delivery_id),
                delivery.receipts(workspace_id, each.delivery_id),
                each.channel,
            ),
        }
        for each in whole
    ]
    context = {"address": view.address, "parts": parts, "all": view.parts}
    return render(request, "desk/attempts.html", context)


@require_safe
def file(request: Request, file_id: UUID) -> HttpResponseBase:
    """A file, to keep; a photo also to look at (`?show=1`). Never a page of ours."""
    row = queries.attachment(request.actor, file_id)
    show = request.GET.get("show") == "1" and row.content_type in SHOWN_TYPES
    return files.again(request, request.actor.workspace_id, row, show=show)
