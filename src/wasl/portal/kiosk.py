"""The tablet at a branch's door, and the screen in the room. Their token is all that opens them, and neither shows
anything of any customer: a number is given out, whoever comes."""

import hashlib
import math
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any
from uuid import UUID, uuid4

from django.db import connection
from django.http import HttpRequest, HttpResponse, HttpResponseNotModified, HttpResponseRedirect
from django.shortcuts import render
from django.urls import reverse
from django.utils import translation
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_safe
from markupsafe import Markup

from wasl.accounts.actor import NotFound
from wasl.kit.db import tenant
from wasl.kit.languages import CODES
from wasl.kit.memory import Pace
from wasl.portal.gate import Opened
from wasl.portal.guard import customers_page
from wasl.visits import actions, codes, queries
from wasl.visits.actions import Arrival, CannotVisit
from wasl.visits.models import Branch, Purpose
from wasl.visits.purposes import purposes
from wasl.workspace.shapes import visits as shapes

# People take turns at a tablet; a screen asks every three seconds, and there may be several of them.
_arrivals: Pace[UUID] = Pace(1 / 2, 20)
_looks: Pace[UUID] = Pace(5, 100)
_strangers: Pace[str] = Pace(1 / 2, 40)
CAMERA = "camera=(self), geolocation=(), microphone=(), payment=(), usb=()"


class _TooFast(Exception):
    """Come again in so many seconds."""


@customers_page
@require_http_methods(["GET", "HEAD", "POST"])
def kiosk(request: HttpRequest, token: str) -> HttpResponse:
    """Take a number; `?visit=` is one that was taken."""
    try:
        with _opened(request, token, writing=request.method == "POST") as place:
            if place is None:
                return _closed(request)
            with _spoken(request, place) as code:
                response = _take(request, token, place, code) if request.method == "POST" else None
                return response or _page(request, token, place, code)
    except _TooFast as error:
        return _too_fast(request, error)


def _take(request: HttpRequest, token: str, place: queries.Place, code: str) -> HttpResponse:
    said = request.POST
    try:
        key = UUID(said.get("key", ""))
    except ValueError:
        key = uuid4()
    arrival = Arrival(
        key=key,
        purpose=said.get("purpose", ""),
        said=said.get("who", "")[:320],
        name=said.get("name", ""),
        language=code,
    )
    try:
        visit = actions.check_in(place.branch.workspace_id, place.branch.id, arrival)
    except CannotVisit as error:
        return _page(request, token, place, code, shapes.refused(error.reason))
    return HttpResponseRedirect(f"{reverse('kiosk', args=[token])}?lang={code}&visit={visit.id}", status=303)


def _page(
    request: HttpRequest, token: str, place: queries.Place, code: str, refused: str = ""
) -> HttpResponse:
    try:
        visit = UUID(request.GET.get("visit", ""))
    except ValueError:
        visit = None
    named = purposes()
    context: dict[str, Any] = {
        "place": place,
        "here": reverse("kiosk", args=[token]),
        "ticket": queries.ticket(place.branch.id, visit) if visit and not refused else None,
        "purposes": [(each, named[each]) for each in place.branch.purposes or Purpose.values],
        "typed": {name: request.POST.get(name, "") for name in ("who", "name", "purpose")},
        "refused": refused,
        "key": uuid4(),
        "spoken": code,
    }
    response = render(request, "portal/kiosk.html", context, status=422 if refused else 200)
    response.headers["Permissions-Policy"] = CAMERA
    response.headers["Content-Language"] = code
    return response


@customers_page
@require_safe
def screen(request: HttpRequest, token: str) -> HttpResponse:
    """The numbers being served; it asks again by itself, and is told 304 while nothing changed."""
    try:
        with _opened(request, token) as place:
            if place is None:
                return _closed(request)
            with _spoken(request, place) as code:
                context = {"place": place, "numbers": queries.screen(place), "spoken": code}
                response = render(request, "portal/screen.html", context)
    except _TooFast as error:
        return _too_fast(request, error)
    response.headers["Content-Language"] = code
    tag = f'"{hashlib.sha256(response.content).hexdigest()[:24]}"'
    if request.headers.get("If-None-Match") == tag:
        return HttpResponseNotModified(headers={"ETag": tag})
    response.headers["ETag"] = tag
    return response


@contextmanager
def _opened(request: HttpRequest, token: str, *, writing: bool = False) -> Iterator[queries.Place | None]:
    """The branch of a kiosk, in a transaction of its workspace that can change nothing unless `writing`."""
    claim = codes.read_kiosk(token)
    if claim is None:
        _slow(_strangers, str(request.META.get("REMOTE_ADDR", "")))
        yield None
        return
    _slow(_arrivals if writing else _looks, claim.branch_id)
    with tenant(claim.workspace_id):
        with connection.cursor() as cursor:
            cursor.execute(
                "SELECT set_config('transaction_read_only', %s, true)", ["off" if writing else "on"]
            )
        try:
            place = queries.kiosk(claim)
        except NotFound:
            place = None
        yield place


def _slow(pace: "Pace[UUID] | Pace[str]", key: "UUID | str") -> None:
    if wait := pace.take(key):  # type: ignore[arg-type]
        raise _TooFast(max(1, math.ceil(wait)))


@contextmanager
def _spoken(request: HttpRequest, place: queries.Place) -> Iterator[str]:
    """The language that was touched, else the branch's."""
    asked = request.POST.get("lang", "") or request.GET.get("lang", "")
    code = asked if asked in CODES else place.inbox.language
    with translation.override(code):
        yield code


def _closed(request: HttpRequest) -> HttpResponse:
    return render(request, "portal/kiosk_closed.html", {"slow": False}, status=404)


def _too_fast(request: HttpRequest, error: _TooFast) -> HttpResponse:
    response = render(request, "portal/kiosk_closed.html", {"slow": True}, status=429)
    response.headers["Retry-After"] = str(error.args[0])
    return response


def code(opened: Opened) -> Markup | None:
    """The customer's code for a visit, on the page of their conversation; None where there is no branch."""
    if not Branch.objects.exists():
        return None
    text = codes.code(opened.claim.workspace_id, opened.identity.id, conversation_id=opened.conversation.id)
    return codes.picture(text, _("Your code for a visit"))
