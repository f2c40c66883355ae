"""The workspace: places, lists, the open conversation."""

from typing import Any
from urllib.parse import urlsplit
from uuid import UUID

from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import render
from django.urls import reverse
from django.views.decorators.http import require_POST, require_safe

from wasl.accounts.actor import Actor
from wasl.conversations import queries
from wasl.customers.models import Identity
from wasl.workspace import paging, seat
from wasl.workspace.shapes import card, desk, events, people
from wasl.workspace.shapes.rail import rail
from wasl.workspace.shapes.thread import thread
from wasl.workspace.web import Request

MOST_MESSAGES = 160


@require_safe
def home(_request: HttpRequest) -> HttpResponse:
    """The start: the reader's own conversations."""
    return HttpResponseRedirect(reverse("desk", args=["mine"]))


@require_POST
def workspace(request: Request) -> HttpResponse:
    """Move to another of the reader's workspaces."""
    wanted = request.POST.get("workspace", "")
    if any(str(place.workspace_id) == wanted for place in request.seat.places):
        request.session[seat.SESSION_KEY] = wanted
    return HttpResponseRedirect(reverse("home"))


@require_safe
def places(request: Request) -> HttpResponse:
    """The places of the rail with their counts, for pages without a list."""
    return render(request, "parts/places.html", {"rail": rail(request.actor, request.GET.get("at", ""))})


@require_safe
def board(request: Request, at: str) -> HttpResponse:
    """A place with its list; for the page itself only what has changed: the list, older rows, or no conversation."""
    target = request.headers.get("HX-Target", "")
    found = rail(request.actor, at, alone=False)
    where = desk.place(at, request, found)
    if target == "thread":
        return render(request, "desk/thread_swap.html", {"open": None, "rail": found, "title": where.title})
    listing = desk.listing(request.actor, where, request, found)
    context: dict[str, Any] = {"list": listing, "rail": found, "open": None}
    if target == "older":
        return render(request, "desk/rows.html", context)
    if target == "list":
        return render(request, "desk/list.html", {**context, "fragment": "list"})
    return render(request, "desk/desk.html", context)


@require_safe
def conversation(request: Request, at: str, conversation_id: UUID) -> HttpResponse:
    """A place with one of its conversations open."""
    actor = request.actor
    found = rail(actor, at, alone=False)
    where = desk.place(at, request, found)
    back = reverse("desk", args=[at]) + ("" if where.status == "open" else f"?status={where.status}")
    context = opened(actor, conversation_id, back) | {"rail": found}
    if request.headers.get("HX-Target") == "thread":
        return render(request, "desk/thread_swap.html", {**context, "fragment": "thread"})
    return render(request, "desk/desk.html", {**context, "list": desk.listing(actor, where, request, found)})


@require_safe
def anywhere(_request: HttpRequest, conversation_id: UUID) -> HttpResponse:
    """A conversation's own address, without a place."""
    return HttpResponseRedirect(reverse("conversation_at", args=["all", conversation_id]))


@require_safe
def messages(request: Request, conversation_id: UUID) -> HttpResponse:
    """The messages of a conversation: read again as far as they are shown, or an earlier page."""
    before = paging.asked(request)
    if before:
        row = queries.conversation(request.actor, conversation_id)
        page = queries.thread(request.actor, conversation_id, before)
        name = people.names([row.customer])[row.customer.id]
        return render(
            request,
            "desk/messages.html",
            {
                "thread": thread(
                    page, conversation_id, name, events.between(request.actor, conversation_id, before[0])
                ),
                "fragment": "older",
            },
        )
    return refreshed(request, conversation_id)


@require_safe
def card_of(request: Request, conversation_id: UUID) -> HttpResponse:
    """The customer card of a conversation."""
    row = queries.conversation(request.actor, conversation_id)
    context = {"open": row, "card": _card(request.actor, row, people.identities(row.customer.id))}
    return render(request, "desk/card.html", {**context, "fragment": "card"})


def refreshed(request: Request, conversation_id: UUID, **more: Any) -> HttpResponse:
    """The messages and the line above them, after something changed."""
    count = paging.counted(request, queries.PAGE, MOST_MESSAGES)
    back = request.headers.get("HX-Current-URL", "")
    context = opened(request.actor, conversation_id, _list_of(back), count, whole=False)
    return render(request, "desk/messages.html", {**context, **more, "fragment": "refresh"})


def _list_of(address: str) -> str:
    """The list behind the address of an open conversation, as the browser gave it."""
    parts = urlsplit(address)
    path = parts.path.rpartition("/")[0]
    known = path.startswith(("/mine", "/unassigned", "/all", "/inbox/"))
    return (path + (f"?{parts.query}" if parts.query else "")) if known else reverse("home")


def opened(
    actor: Actor, conversation_id: UUID, back: str, count: int = queries.PAGE, *, whole: bool = True
) -> dict[str, Any]:
    """An open conversation, its messages and who could have it. Raises NotFound."""
    row = queries.conversation(actor, conversation_id)
    page = queries.thread(actor, conversation_id, limit=count)
    identities = people.identities(row.customer.id)
    open_ = desk.opened(row, back, _answered(page, identities, row.inbox.channel))
    return {
        "open": open_,
        "thread": thread(page, conversation_id, open_.name, events.between(actor, conversation_id)),
        "agents": queries.agents(actor) if actor.writes else [],
        "card": _card(actor, row, identities) if whole else None,
    }


def _card(actor: Actor, row: Any, identities: list[Identity]) -> card.Card:
    name = people.names([row.customer])[row.customer.id]
    return card.card(actor, row.customer, name, identities, row.id)


def _answered(page: queries.Page[queries.Shown], identities: list[Identity], channel: str) -> str:
    """The address a reply goes to: the one they last wrote from, else any of theirs on the channel."""
    by_id = {identity.id: identity for identity in identities}
    last = next(
        (s.message.identity_id for s in page.rows if s.message.way == "in" and s.message.identity_id), None
    )
    chosen = by_id.get(last) if last else None
    chosen = chosen or next((i for i in reversed(identities) if i.channel == channel), None)
    return chosen.display if chosen else ""
