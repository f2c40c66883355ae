"""What the reader is told of, and how they want to be told."""

import json
from typing import Any

from django.conf import settings
from django.core.exceptions import BadRequest
from django.http import HttpResponse, HttpResponseRedirect
from django.shortcuts import render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from wasl.customers.models import Customer
from wasl.desk import notices, push
from wasl.desk.notices import ANSWERED, ASSIGNED, FAILED, MAIL, MENTIONED, NEW, PAGE, PUSH, WOKEN
from wasl.kit import webpush
from wasl.workspace import paging
from wasl.workspace.shapes import people
from wasl.workspace.shapes.rail import rail
from wasl.workspace.web import Request

ICONS = {
    MENTIONED: "at",
    ASSIGNED: "user",
    ANSWERED: "reply",
    FAILED: "alert",
    WOKEN: "snooze",
    NEW: "tray",
}


@require_safe
def index(request: Request) -> HttpResponse:
    """The notices, newest first, and the choices."""
    rows, after = notices.latest(request.actor, paging.asked(request))
    customers: list[Customer] = [row.conversation.customer.root for row in rows]
    names = people.names(customers)
    chosen = notices.choices(request.actor)
    context = {
        "rail": rail(request.actor, "notices"),
        "items": [
            (row, ICONS[row.kind], names[customer.id]) for row, customer in zip(rows, customers, strict=True)
        ],
        "unseen": any(row.seen_at is None for row in rows),
        "older": f"{reverse('notices')}?before={paging.write(after)}" if after else "",
        "kinds": [(kind, name, chosen[kind]) for kind, name in _kinds()],
        "ways": [
            (PAGE, "inbox", _("On the page")),
            (PUSH, "bell", _("On my devices")),
            (MAIL, "mail", _("By mail, if I have not looked")),
        ],
        "key": webpush.public_key(),
        "kept": request.GET.get("kept") == "1",
    }
    return render(request, "notices/notices.html", context)


@require_POST
def seen(request: Request) -> HttpResponse:
    """Everything was seen."""
    notices.see(request.actor)
    return HttpResponseRedirect(reverse("notices"))


@require_POST
def choices(request: Request) -> HttpResponse:
    """Remember how the reader wants to be told."""
    notices.choose(request.actor, {kind: request.POST.getlist(kind) for kind in notices.KINDS})
    return HttpResponseRedirect(reverse("notices") + "?kept=1")


@require_http_methods(["POST"])
def device(request: Request) -> HttpResponse:
    """A browser wants to ring, or no longer. JSON: endpoint, and keys where it wants to (Push API, §8)."""
    said = _json(request)
    endpoint, keys = said.get("endpoint"), said.get("keys")
    if not isinstance(endpoint, str):
        raise BadRequest("endpoint")
    if keys is None:
        push.unsubscribe(request.actor, endpoint)
        return HttpResponse(status=204)
    if not isinstance(keys, dict):
        raise BadRequest("keys")
    label = request.headers.get("User-Agent", "")[:80]
    try:
        push.subscribe(
            request.actor, endpoint, str(keys.get("p256dh", "")), str(keys.get("auth", "")), label,
            private=settings.ENV.webhook_private,
        )  # fmt: skip
    except push.BadDevice as error:
        raise BadRequest("device") from error
    return HttpResponse(status=204)


def _json(request: Request) -> dict[str, Any]:
    try:
        said = json.loads(request.body[:10_000])
    except ValueError as error:
        raise BadRequest("json") from error
    if not isinstance(said, dict):
        raise BadRequest("json")
    return said


def _kinds() -> list[tuple[str, str]]:
    return [
        (MENTIONED, _("Somebody names me in a note")),
        (ASSIGNED, _("Somebody gives me a conversation")),
        (ANSWERED, _("A customer writes in one of mine")),
        (FAILED, _("An answer in one of mine does not arrive")),
        (WOKEN, _("One that I put off is due")),
        (NEW, _("Somebody writes whom nobody has yet")),
    ]
