"""The workspace: places, lists, the open conversation."""

from typing import Any
from urllib.parse import urlencode, urlsplit
from uuid import UUID

from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import render
from django.urls import reverse
from django.views.decorators.http import require_POST, require_safe

from wasl.accounts.actor import Actor, NotFound
from wasl.conversations import doubt, queries, regroup
from wasl.conversations.ways import ways as found_ways
from wasl.customers.models import Identity
from wasl.workspace import paging, seat
from wasl.workspace.shapes import card, compose, desk, events, people, soon, ways
from wasl.workspace.shapes.crossings import bands
from wasl.workspace.shapes.places import below, pairs, place
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
    try:
        where = place(at, request.GET, found)
    except NotFound:
        if target == "list" and at.startswith("view/"):  # somebody removed it while it was looked at
            return HttpResponse(headers={"HX-Redirect": reverse("desk", args=["all"])})
        raise
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
def narrow(request: Request, at: str) -> HttpResponse:
    """What the list of a place can be narrowed by."""
    found = rail(request.actor, at, alone=False)
    asked = place(at, request.GET, found)
    here = below(asked)
    context = {
        "here": here,
        "kinds": desk.narrowings(request.actor, here, found),
        "export": f"{reverse('export')}?{urlencode(list(pairs(asked)))}",
        "carried": list(pairs(asked)),
        "view": next((v for v in found.views if at == f"view/{v.id}"), None),
    }
    return render(request, "desk/filter.html", context)


@require_safe
def conversation(request: Request, at: str, conversation_id: UUID) -> HttpResponse:
    """A place with one of its conversations open."""
    actor = request.actor
    found = rail(actor, at, alone=False)
    where = place(at, request.GET, found)
    context = opened(actor, conversation_id, where.address()) | {"rail": found}
    if context["open"].id != conversation_id:  # it was merged into another, which its address leads to
        return HttpResponseRedirect(
            reverse("conversation_at", args=[at, context["open"].id]) + where.query(),
        )
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
    row = queries.opened(request.actor, conversation_id)
    name = people.names([row.customer])[row.customer.id]
    shown = card.card(request.actor, row, name, people.identities(row.customer.id))
    return render(request, "desk/card.html", {"open": row, "card": shown, "fragment": "card"})


def refreshed(request: Request, conversation_id: UUID, **more: Any) -> HttpResponse:
    """The messages and the line above them, after something changed."""
    count = paging.counted(request, queries.PAGE, MOST_MESSAGES)
    back = request.headers.get("HX-Current-URL", "")
    context = opened(request.actor, conversation_id, _list_of(back), count, whole=False)
    response = render(request, "desk/messages.html", {**context, **more, "fragment": "refresh"})
    if request.method == "POST":  # a toast's button may ask, too, which has no other place to name
        response["HX-Retarget"], response["HX-Reswap"] = "#messages", "morph-inner"
    return response


def _list_of(address: str) -> str:
    """The list behind the address of an open conversation, as the browser gave it."""
    parts = urlsplit(address)
    path = parts.path.rpartition("/")[0]
    known = path.startswith(_PLACES)
    return (path + (f"?{parts.query}" if parts.query else "")) if known else reverse("home")


_PLACES = ("/mine", "/unassigned", "/mentioned", "/snoozed", "/all", "/inbox/", "/team/", "/view/", "/search")


def opened(
    actor: Actor, conversation_id: UUID, back: str, count: int = queries.PAGE, *, whole: bool = True
) -> dict[str, Any]:
    """An open conversation, its messages and who could have it. Raises NotFound."""
    row = queries.opened(actor, conversation_id)
    identities = people.identities(row.customer.id)
    page = queries.messages_of(actor, row, limit=count, theirs={each.id for each in identities})
    name = people.names([row.customer])[row.customer.id]
    known = doubt.token(row, (shown.message for shown in page.rows))
    return {
        "open": desk.opened(row, name, back, _answered(page, identities, row.inbox.channel)),
        "thread": thread(page, row.id, name, events.between(actor, row.id)),
        "agents": queries.colleagues(actor, row.inbox_id) if actor.writes else [],
        "teams": queries.teams(actor) if actor.writes else [],
        "later": soon.choices() if actor.writes else [],
        "merges": regroup.merged_into(actor, row.id) if actor.writes and row.has_merged else [],
        "card": card.card(actor, row, name, identities, page.rows) if whole else None,
        "composer": compose.composer(actor, row, known) if whole else None,
        "bands": bands(actor, row) if whole else None,
        "known": known,
        "ways": ways.shown(found_ways(actor, row)) if actor.writes and actor.agent_id else None,
    }


def _answered(page: queries.Page[queries.Shown], identities: list[Identity], channel: str) -> str:
    """The address a reply goes to: the one they last wrote from, else any of theirs on the channel."""
    by_id = {identity.id: identity for identity in identities}
    last = next(
        (s.message.identity_id for s in page.rows if s.message.way == "in" and s.message.identity_id), None
    )
    chosen = by_id.get(last) if last else None
    chosen = chosen or next((i for i in reversed(identities) if i.channel == channel), None)
    return chosen.display if chosen else ""
