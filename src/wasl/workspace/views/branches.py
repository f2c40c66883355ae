"""Branches: where customers come in person. For administrators."""

from uuid import UUID

from django.conf import settings
from django.core.exceptions import BadRequest
from django.http import HttpResponse, HttpResponseRedirect
from django.shortcuts import render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from wasl.accounts.models import Calendar, Team
from wasl.channels.models import InboxTeam
from wasl.visits import branches, codes, queries
from wasl.visits.branches import BadBranch, Wanted
from wasl.visits.models import Purpose
from wasl.visits.purposes import purposes
from wasl.workspace.shapes import visits as shapes
from wasl.workspace.shapes.rail import rail
from wasl.workspace.web import Request


@require_safe
def index(request: Request) -> HttpResponse:
    """Every branch."""
    request.actor.require_admin()
    context = {
        "rail": rail(request.actor, "settings"),
        "places": queries.branches(request.actor, every=True),
        "kept": request.GET.get("kept") == "1",
    }
    return render(request, "visits/branches.html", context)


@require_http_methods(["GET", "HEAD", "POST"])
def new(request: Request) -> HttpResponse:
    """A new branch."""
    request.actor.require_admin()
    if request.method == "POST":
        try:
            made = branches.open_branch(request.actor, _wanted(request))
        except BadBranch as error:
            return _page(request, None, _wanted(request), shapes.refused(error.reason))
        return HttpResponseRedirect(f"{reverse('branch', args=[made.id])}?kept=1")
    return _page(request, None, Wanted(name="", purposes=Purpose.values, language=settings.LANGUAGE_CODE))


@require_http_methods(["GET", "HEAD", "POST"])
def branch(request: Request, branch_id: UUID) -> HttpResponse:
    """One branch, and its kiosk."""
    request.actor.require_admin()
    place = queries.place(request.actor, branch_id)
    if request.method == "POST":
        try:
            branches.change_branch(request.actor, branch_id, _wanted(request))
        except BadBranch as error:
            return _page(request, place, _wanted(request), shapes.refused(error.reason))
        return HttpResponseRedirect(f"{reverse('branch', args=[branch_id])}?kept=1")
    teams = InboxTeam.objects.filter(inbox_id=branch_id).values_list("team_id", flat=True)
    wanted = Wanted(
        name=place.inbox.name,
        address=place.branch.address,
        country=place.branch.country,
        language=place.inbox.language,
        purposes=place.branch.purposes or Purpose.values,
        calendar_id=place.inbox.calendar_id,
        teams=list(teams),
    )
    return _page(request, place, wanted)


@require_POST
def kiosk(request: Request, branch_id: UUID) -> HttpResponse:
    """Make a kiosk, or close it (`open=0`): what was its address opens no more either way."""
    if request.POST.get("open") == "1":
        branches.make_kiosk(request.actor, branch_id)
    else:
        branches.close_kiosk(request.actor, branch_id)
    return HttpResponseRedirect(f"{reverse('branch', args=[branch_id])}#kiosk")


def _wanted(request: Request) -> Wanted:
    said = request.POST
    language = said.get("language", "")
    try:
        return Wanted(
            name=said.get("name", ""),
            address=said.get("address", ""),
            country=said.get("country", ""),
            language=language if language in dict(settings.LANGUAGES) else "en",
            purposes=said.getlist("purposes")[:20],
            calendar_id=UUID(said["calendar"]) if said.get("calendar") else None,
            teams=[UUID(each) for each in said.getlist("teams")[:200]],
        )
    except ValueError as error:
        raise BadRequest("id") from error


def _page(request: Request, place: queries.Place | None, wanted: Wanted, refused: str = "") -> HttpResponse:
    token = branches.kiosk_token(place.branch) if place else ""
    base = settings.ENV.public_url.rstrip("/")
    address = f"{base}{reverse('kiosk', args=[token])}" if token else ""
    context = {
        "rail": rail(request.actor, "settings"),
        "place": place,
        "wanted": wanted,
        "purposes": purposes(),
        "calendars": Calendar.objects.order_by("name"),
        "teams": Team.objects.order_by("name"),
        "kiosk": address,
        "screen": f"{base}{reverse('kiosk_screen', args=[token])}" if token else "",
        "picture": codes.picture(address, _("Address of the kiosk")) if address else "",
        "kept": request.GET.get("kept") == "1" and not refused,
        "refused": refused,
    }
    return render(request, "visits/branch.html", context, status=422 if refused else 200)
