"""What was set aside because it could not be read: for administrators."""

from uuid import UUID

from django.core.exceptions import BadRequest
from django.http import HttpResponse, HttpResponseRedirect
from django.shortcuts import render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST, require_safe

from wasl.intake import actions
from wasl.intake.queries import quarantined
from wasl.workspace import words
from wasl.workspace.shapes.rail import rail
from wasl.workspace.toast import Toast
from wasl.workspace.web import Request

PAGE = 50


@require_safe
def quarantine(request: Request) -> HttpResponse:
    """The list, newest first; `?before=` an id shows older ones."""
    request.actor.require_admin()
    return render(request, "quarantine/quarantine.html", _context(request))


@require_safe
def original(request: Request, inbound_id: UUID) -> HttpResponse:
    """The bytes as they came, to keep; never shown by the browser."""
    return HttpResponse(
        actions.original(request.actor, inbound_id),
        content_type="application/octet-stream",
        headers={
            "Content-Disposition": f'attachment; filename="{inbound_id}.eml"',
            "Content-Security-Policy": "default-src 'none'; sandbox",
            "Cache-Control": "no-store",
        },
    )


@require_POST
def replay(request: Request, inbound_id: UUID) -> HttpResponse:
    """Read it once more."""
    actions.replay(request.actor, inbound_id)
    return _after(request, Toast(_("It is being read again. If it can be, it leaves this list.")))


@require_POST
def discard(request: Request, inbound_id: UUID) -> HttpResponse:
    """Take it off the list; the original is kept."""
    actions.discard(request.actor, inbound_id)
    return _after(request, Toast(_("Discarded. The original is kept.")))


def _after(request: Request, toast: Toast) -> HttpResponse:
    if "HX-Request" in request.headers:
        return render(request, "quarantine/rows.html", {**_context(request), "toast": toast})
    return HttpResponseRedirect(reverse("quarantine"))


def _context(request: Request) -> dict[str, object]:
    found = rail(request.actor, "quarantine")
    inboxes = {inbox.id: inbox.name for inbox in found.inboxes}
    rows = quarantined(request.actor, _before(request), PAGE + 1)
    items = [
        {"row": row, "inbox": inboxes.get(row.inbox_id, ""), "why": words.unread(row.reason)} for row in rows
    ]
    older = f"{reverse('quarantine')}?before={rows[PAGE - 1].id}" if len(rows) > PAGE else ""
    return {"rail": found, "items": items[:PAGE], "older": older}


def _before(request: Request) -> UUID | None:
    text = request.GET.get("before", "")
    try:
        return UUID(text) if text else None
    except ValueError as error:
        raise BadRequest("before") from error
