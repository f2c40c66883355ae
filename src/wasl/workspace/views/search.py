"""Searching: results in the place of the list, a conversation opened from them, suggestions while typing."""

from typing import Any
from urllib.parse import urlencode
from uuid import UUID

from django.http import HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_safe

from wasl.conversations import asking, searching
from wasl.workspace import paging
from wasl.workspace.shapes import search as shapes
from wasl.workspace.shapes.rail import rail
from wasl.workspace.views.desk import opened
from wasl.workspace.web import Request


@require_safe
def search(request: Request) -> HttpResponse:
    """What `?q=` finds; for the page itself only older results, or no conversation."""
    target = request.headers.get("HX-Target", "")
    if target == "thread":
        nothing = {"open": None, "rail": rail(request.actor), "title": _("Search")}
        return render(request, "desk/thread_swap.html", nothing)
    context: dict[str, Any] = {"open": None, "list": _results(request)}
    if target == "older":
        return render(request, "search/rows.html", context)
    return _page(request, context)


@require_safe
def conversation(request: Request, conversation_id: UUID) -> HttpResponse:
    """One of the results, open."""
    query = request.GET.get("q", "")[: asking.LONGEST]
    back = reverse("search") + (f"?{urlencode({'q': query})}" if query else "")
    context = opened(request.actor, conversation_id, back)
    if request.headers.get("HX-Target") == "thread":
        return render(
            request, "desk/thread_swap.html", {**context, "rail": rail(request.actor), "fragment": "thread"}
        )
    return _page(request, {**context, "list": _results(request)})


@require_safe
def suggestions(request: Request) -> HttpResponse:
    """What may be meant by what is typed so far (`?q=`)."""
    text = request.GET.get("q", "")
    found = shapes.options(request.actor, text) if len(text) <= asking.LONGEST else []
    return render(request, "search/options.html", {"options": found})


def _page(request: Request, context: dict[str, Any]) -> HttpResponse:
    more = {
        "rail": rail(request.actor),
        "helps": shapes.helps(),
        "list_template": "search/list.html",
        "view": reverse("search"),
        "title": _("Search"),
    }
    return render(request, "desk/desk.html", {**context, **more})


def _results(request: Request) -> shapes.Results | None:
    """None when more was asked than can be searched for at once."""
    before = paging.asked(request)
    try:
        asked = asking.read(request.GET.get("q", ""), request.seat.timezone)
    except asking.TooLong:
        return None
    found = searching.search(request.actor, asked, before)
    return shapes.results(request.actor, asked, found, first=before is None)
