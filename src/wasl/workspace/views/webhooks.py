"""Webhooks: for administrators."""

from datetime import timedelta
from urllib.parse import urlencode
from uuid import UUID

from django.http import HttpResponse, HttpResponseRedirect
from django.shortcuts import render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import ngettext
from django.views.decorators.http import require_http_methods, require_POST

from wasl.accounts.actor import Forbidden
from wasl.kit.clock import now
from wasl.webhooks import actions, queries
from wasl.webhooks.events import CREATED
from wasl.webhooks.models import Endpoint, State
from wasl.workspace import paging
from wasl.workspace.format import number
from wasl.workspace.shapes import webhooks as shapes
from wasl.workspace.shapes.rail import rail
from wasl.workspace.web import Request

SOON = timedelta(minutes=1)


@require_http_methods(["GET", "HEAD", "POST"])
def index(request: Request) -> HttpResponse:
    """Every webhook; a POST makes one."""
    request.actor.require_admin()
    refused = ""
    if request.method == "POST":
        try:
            made, _secret = actions.create(request.actor, *_typed(request))
        except actions.Refused as error:
            refused = error.reason
        else:
            return _to(made.id, "made")
    context = {
        "rail": rail(request.actor, "settings"),
        "rows": [(each, shapes.standing(each.endpoint)) for each in queries.endpoints(request.actor)],
        "refused": shapes.refused(refused) if refused else "",
        "wrong": refused,
        "typed": _form(
            request.POST.get("url", ""), request.POST.get("description", ""), _chosen(request) or [CREATED]
        ),
        "groups": shapes.groups(),
    }
    return render(request, "webhooks/webhooks.html", context, status=422 if refused else 200)


@require_http_methods(["GET", "HEAD", "POST"])
def webhook(request: Request, endpoint_id: UUID) -> HttpResponse:
    """One webhook with its log; a POST changes it."""
    endpoint = queries.endpoint(request.actor, endpoint_id)
    if request.method == "POST":
        try:
            active = request.POST.get("active") == "on"
            actions.change(request.actor, endpoint_id, *_typed(request), active=active)
        except actions.Refused as error:
            return _page(request, endpoint, refused=error.reason)
        return _to(endpoint_id, "kept")
    return _page(request, endpoint)


@require_POST
def secret(request: Request, endpoint_id: UUID) -> HttpResponse:
    """Show the secret, this once."""
    shown = actions.secret(request.actor, endpoint_id)
    return _page(request, queries.endpoint(request.actor, endpoint_id), secret=shown)


@require_POST
def rotate(request: Request, endpoint_id: UUID) -> HttpResponse:
    """Make a new secret."""
    actions.rotate(request.actor, endpoint_id)
    return _to(endpoint_id, "rotated")


@require_POST
def test(request: Request, endpoint_id: UUID) -> HttpResponse:
    """Send a test event."""
    actions.test(request.actor, endpoint_id)
    return _to(endpoint_id, "tested")


@require_POST
def remove(request: Request, endpoint_id: UUID) -> HttpResponse:
    """Take it away; the name of the host has to be typed."""
    endpoint = queries.endpoint(request.actor, endpoint_id)
    if request.POST.get("name", "").strip() != host(endpoint):
        return _page(request, endpoint, refused="name")
    actions.remove(request.actor, endpoint_id)
    return HttpResponseRedirect(reverse("webhooks"))


@require_POST
def replay(request: Request, endpoint_id: UUID) -> HttpResponse:
    """Tell everything again that failed."""
    try:
        done = actions.replay_failed(request.actor, endpoint_id)
    except actions.Refused as error:
        return _page(request, queries.endpoint(request.actor, endpoint_id), refused=error.reason)
    return _to(endpoint_id, "replayed", calls=str(done))


@require_POST
def call_replay(request: Request, call_id: UUID) -> HttpResponse:
    """Tell one event again."""
    endpoint_id = queries.call(request.actor, call_id).endpoint_id
    try:
        actions.replay(request.actor, call_id)
    except actions.Refused as error:
        return _page(request, queries.endpoint(request.actor, endpoint_id), refused=error.reason)
    return _to(endpoint_id, "again")


def host(endpoint: Endpoint) -> str:
    """What a webhook is called for short: the host of its address."""
    return endpoint.url.split("/")[2]


def _to(endpoint_id: UUID, done: str, **more: str) -> HttpResponse:
    return HttpResponseRedirect(
        f"{reverse('webhook', args=[endpoint_id])}?{urlencode({'done': done, **more})}"
    )


def _typed(request: Request) -> tuple[str, str, list[str]]:
    fields = request.POST
    return fields.get("url", "").strip(), fields.get("description", "").strip(), _chosen(request)


def _chosen(request: Request) -> list[str]:
    return request.POST.getlist("kinds")[:200]


def _form(url: str, description: str, kinds: list[str]) -> dict[str, object]:
    return {"url": url, "description": description, "kinds": kinds}


def _page(request: Request, endpoint: Endpoint, *, refused: str = "", secret: str = "") -> HttpResponse:
    if not request.actor.administers:
        raise Forbidden("admins_only")
    failed = request.GET.get("show") == "failed"
    calls, after = queries.calls(request.actor, endpoint.id, failed=failed, before=paging.asked(request))
    tries = queries.tries(request.actor, calls)
    again = bool(refused) and refused not in ("name", "is_off") and request.method == "POST"
    soon = now() + SOON
    query = {"show": "failed"} if failed else {}
    older = f"?{urlencode(query | {'before': paging.write(after)})}" if after else ""
    context = {
        "rail": rail(request.actor, "settings"),
        "endpoint": endpoint,
        "host": host(endpoint),
        "standing": shapes.standing(endpoint),
        "rows": [shapes.row(call, tries.get(call.id, [])) for call in calls],
        "moving": any(c.state in (State.WAITING, State.CALLING) and c.due_at < soon for c in calls),
        "unsent": any(c.state in (State.FAILED, State.STOPPED) for c in calls),
        "failed": failed,
        "older": older,
        "secret": secret,
        "both": endpoint.old_until if endpoint.old_until and endpoint.old_until > now() else None,
        "said": _said(request),
        "refused": _why(refused),
        "wrong": refused,
        "typed": _form(*_typed(request))
        if again
        else _form(endpoint.url, endpoint.description, endpoint.kinds),
        "groups": shapes.groups(),
    }
    return render(request, "webhooks/webhook.html", context, status=422 if refused else 200)


def _why(refused: str) -> str:
    if refused == "name":
        return _("To remove it, type the name as it stands there.")
    return shapes.refused(refused) if refused else ""


def _said(request: Request) -> str:
    """What was just done."""
    calls = request.GET.get("calls", "0")
    count = int(calls) if calls.isascii() and calls.isdigit() and len(calls) < 6 else 0
    replayed = ngettext("%(n)s event is told again.", "%(n)s events are told again.", count) % {
        "n": number(count)
    }
    return {
        "made": _("Made. Give the other program the secret, then send a test."),
        "kept": _("Kept."),
        "rotated": _("There is a new secret. For a day, calls are signed with both."),
        "tested": _("The test is on its way. It stands at the top of the log."),
        "replayed": replayed,
        "again": _("It is told again, under the same id."),
    }.get(request.GET.get("done", ""), "")
