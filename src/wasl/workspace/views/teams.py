"""Teams: for administrators."""

from uuid import UUID

from django.core.exceptions import BadRequest
from django.http import HttpResponse, HttpResponseRedirect
from django.shortcuts import render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_POST

from wasl.accounts import teams
from wasl.conversations import queries
from wasl.workspace.shapes.rail import rail
from wasl.workspace.web import Request


@require_http_methods(["GET", "HEAD", "POST"])
def index(request: Request) -> HttpResponse:
    """Every team; a POST makes one."""
    request.actor.require_admin()
    if request.method == "POST":
        try:
            teams.create(request.actor, request.POST.get("name", ""), _chosen(request))
        except teams.Refused as error:
            return _page(request, refused=error.reason)
        return HttpResponseRedirect(reverse("teams"))
    return _page(request)


@require_POST
def team(request: Request, team_id: UUID) -> HttpResponse:
    """Name a team and say who is in it."""
    try:
        teams.change(request.actor, team_id, request.POST.get("name", ""), _chosen(request))
    except teams.Refused as error:
        return _page(request, team_id, error.reason)
    return HttpResponseRedirect(f"{reverse('teams')}#team-{team_id}")


@require_POST
def remove(request: Request, team_id: UUID) -> HttpResponse:
    """Take a team away."""
    try:
        teams.remove(request.actor, team_id)
    except teams.Refused as error:
        return _page(request, team_id, error.reason)
    return HttpResponseRedirect(reverse("teams"))


def _chosen(request: Request) -> list[UUID]:
    try:
        return [UUID(value) for value in request.POST.getlist("agents")[:500]]
    except ValueError as error:
        raise BadRequest("agents") from error


def _page(request: Request, at: UUID | None = None, refused: str = "") -> HttpResponse:
    context = {
        "rail": rail(request.actor, "settings"),
        "groups": teams.teams(request.actor),
        "agents": queries.agents(request.actor),
        "at": at,
        "refused": _why(refused) if refused else "",
        "typed": request.POST.get("name", ""),
    }
    return render(request, "people/teams.html", context, status=422 if refused else 200)


def _why(reason: str) -> str:
    return {
        "no_name": _("Give the team a name."),
        "taken": _("There is a team of this name already."),
        "in_use": _(
            "Inboxes, conversations or saved replies are this team’s. Give them to another team first."
        ),
        "too_many": _("There are as many teams as there can be."),
    }[reason]
