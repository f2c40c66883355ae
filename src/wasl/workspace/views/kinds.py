"""Tags as administrators see them: how much each is used, and one name for what is one thing."""

from uuid import UUID

from django.core.exceptions import BadRequest
from django.http import HttpResponse, HttpResponseRedirect
from django.shortcuts import render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST, require_safe

from wasl.conversations import tags as words
from wasl.workspace.shapes.rail import rail
from wasl.workspace.toast import Toast
from wasl.workspace.views import turns
from wasl.workspace.web import Request


@require_safe
def tags(request: Request) -> HttpResponse:
    """The list, by name."""
    context = {"rail": rail(request.actor, "tags"), "tags": words.used(request.actor)}
    return render(request, "tags/tags.html", context)


@require_POST
def rename(request: Request, tag_id: UUID) -> HttpResponse:
    """Call one otherwise."""
    try:
        words.rename(request.actor, tag_id, request.POST.get("name", ""))
    except words.CannotTag as error:
        return turns.refused(turns.tag_problem(error.reason))
    return _after(request, Toast(_("Renamed everywhere.")))


@require_POST
def merge(request: Request, tag_id: UUID) -> HttpResponse:
    """Let one become another (`into`)."""
    try:
        into = UUID(request.POST.get("into", ""))
    except ValueError as error:
        raise BadRequest("into") from error
    words.merge(request.actor, tag_id, into)
    return _after(request, Toast(_("Merged everywhere.")))


@require_POST
def delete(request: Request, tag_id: UUID) -> HttpResponse:
    """Take one off everything."""
    words.delete(request.actor, tag_id)
    return _after(request, Toast(_("Removed everywhere.")))


def _after(request: Request, toast: Toast) -> HttpResponse:
    if "HX-Request" in request.headers:
        return render(request, "tags/rows.html", {"tags": words.used(request.actor), "toast": toast})
    return HttpResponseRedirect(reverse("tags"))
