"""Call-backs: the list, one of them, and asking for one beside a conversation."""

from datetime import datetime
from urllib.parse import urlencode
from uuid import UUID

from django.core.exceptions import BadRequest
from django.http import HttpResponse, HttpResponseRedirect
from django.shortcuts import render
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_POST

from wasl.calls import actions, offers, queries, ringing, telephones
from wasl.calls.actions import CannotCall, Wanted
from wasl.calls.models import Outcome, Stand
from wasl.conversations import queries as conversations
from wasl.workspace import paging
from wasl.workspace.format import isolated, later
from wasl.workspace.shapes import calls as shapes
from wasl.workspace.shapes import people
from wasl.workspace.shapes.rail import rail
from wasl.workspace.toast import Toast
from wasl.workspace.views.turns import after, refused, there
from wasl.workspace.web import Request


@require_http_methods(["GET", "HEAD"])
def index(request: Request) -> HttpResponse:
    """The call-backs of a view: due, later, mine, ended."""
    wanted = request.GET.get("view", "due")
    view: queries.View = next((known for known in queries.VIEWS if known == wanted), "due")
    page = queries.callbacks(request.actor, view, paging.asked(request))
    names = people.names([row.customer.root for row in page.rows])
    older = urlencode({"view": view, "before": paging.write(page.after)}) if page.after else ""
    context = {
        "rail": rail(request.actor, "callbacks"),
        "view": view,
        "counts": queries.counts(request.actor),
        "rows": shapes.rows(page.rows, names, request.actor.agent_id),
        "older": f"{reverse('callbacks')}?{older}" if older else "",
        "zone": timezone.get_current_timezone_name(),
    }
    return render(request, "calls/callbacks.html", context)


@require_http_methods(["GET", "HEAD"])
def callback(request: Request, callback_id: UUID) -> HttpResponse:
    """One call-back: what was asked, what was tried, and what came of it."""
    return _page(request, callback_id)


def _page(request: Request, callback_id: UUID, wrong: str = "") -> HttpResponse:
    row = queries.callback(request.actor, callback_id)
    name = people.names([row.customer.root])[row.customer.root_id]
    waits = row.state == Stand.WAITING
    free = actions.offered(request.actor, row.conversation, row.number) if waits else []
    code = request.GET.get("done", "")
    code = code if waits or code != "ringing" else ""  # it has rung by now
    context = {
        "rail": rail(request.actor, "callbacks"),
        "row": shapes.row(row, name, request.actor.agent_id),
        "waits": waits,
        "customer_id": row.customer.root_id,
        "subject": row.conversation.subject,
        "asked_at": row.asked_at,
        "asked_by": row.asked_by,
        "lines": shapes.lines(queries.calls_of(request.actor, row.id)),
        "outcomes": shapes.outcomes(),
        "choices": shapes.choices(free, row.zone),
        "wrong": shapes.refused(wrong) if wrong else "",
        "done": code in _DONE,
        "said": shapes.done(code),
        "bridge": telephones.bridges(request.actor),
        "left": row.most - row.tries,
    }
    return render(request, "calls/callback.html", context, status=422 if wrong else 200)


@require_POST
def outcome(request: Request, callback_id: UUID) -> HttpResponse:
    """Say what became of a call made by telephone."""
    try:
        said = Outcome(request.POST.get("outcome", ""))
    except ValueError as error:
        queries.callback(request.actor, callback_id)
        request.actor.require_write()
        raise BadRequest("outcome") from error
    typed = request.POST.get("minutes", "").strip()
    minutes = int(typed) if typed.isdecimal() and len(typed) < 5 else 0
    try:
        actions.record(request.actor, callback_id, said, notes=request.POST.get("notes", ""), minutes=minutes)
    except CannotCall as error:
        return _page(request, callback_id, error.reason)
    return _to(callback_id, "outcome")


@require_POST
def ring(request: Request, callback_id: UUID) -> HttpResponse:
    """Ring the reader's telephone, and connect it with the customer's."""
    try:
        ringing.ring(request.actor, callback_id)
    except CannotCall as error:
        return _page(request, callback_id, error.reason)
    return _to(callback_id, "ringing")


@require_POST
def move(request: Request, callback_id: UUID) -> HttpResponse:
    """Another time."""
    queries.callback(request.actor, callback_id)
    request.actor.require_write()
    try:
        actions.reschedule(request.actor, callback_id, _start(request))
    except CannotCall as error:
        return _page(request, callback_id, error.reason)
    return _to(callback_id, "moved")


@require_POST
def claim(request: Request, callback_id: UUID) -> HttpResponse:
    """Take it on, or give it back."""
    try:
        actions.claim(
            request.actor, callback_id, None if request.POST.get("back") else request.actor.agent_id
        )
    except CannotCall as error:
        return _page(request, callback_id, error.reason)
    back = request.POST.get("list", "")
    if back in queries.VIEWS:
        return HttpResponseRedirect(f"{reverse('callbacks')}?view={back}")
    return _to(callback_id, "")


@require_POST
def cancel(request: Request, callback_id: UUID) -> HttpResponse:
    """Call it off."""
    try:
        actions.cancel(request.actor, callback_id)
    except CannotCall as error:
        return _page(request, callback_id, error.reason)
    return _to(callback_id, "cancelled")


@require_http_methods(["GET", "HEAD", "POST"])
def ask(request: Request, conversation_id: UUID) -> HttpResponse:
    """Choose a time for a call-back beside a conversation, and promise it."""
    there(request, conversation_id)
    row = conversations.conversation(request.actor, conversation_id)
    typed = request.POST.get("number", "")
    if request.method != "POST":
        number = actions.number_of(row)
        waiting = queries.waiting(request.actor, row.id)
        zone = str(actions.zone_for(request.actor, row, number))
        context = {
            "open": row,
            "name": people.names([row.customer])[row.customer.id],
            "number": waiting.number if waiting else number,
            "about": waiting.about if waiting else "",
            "waiting": shapes.row(waiting, "", None) if waiting else None,
            "choices": shapes.choices(actions.offered(request.actor, row, number), zone),
            "writes": offers.way(request.actor, row)[0],
        }
        return render(request, "calls/ask.html", context)
    try:
        made = actions.request(
            request.actor, row.id, Wanted(_start(request), typed, request.POST.get("about", ""))
        )
    except CannotCall as error:
        return refused(shapes.refused(error.reason))
    actions.learn(request.actor.workspace_id, row.customer.id, made.number, made.asked_at)
    said = _("%(name)s is called back: %(time)s") % {
        "name": isolated(people.names([row.customer])[row.customer.id]),
        "time": later(made.due_at),
    }
    return after(request, row.id, Toast(said))


@require_POST
def offer(request: Request, conversation_id: UUID) -> HttpResponse:
    """Send the customer times to choose from."""
    there(request, conversation_id)
    try:
        offers.offer(request.actor, conversation_id, _typed_number(request))
    except CannotCall as error:
        return refused(shapes.refused(error.reason))
    return after(
        request, conversation_id, Toast(_("The times are on their way. Their answer makes the call-back."))
    )


def _typed_number(request: Request) -> str:
    typed = request.POST.get("number", "")
    return actions.checked_number(typed) if typed.strip() else ""


def _start(request: Request) -> datetime:
    """The time that was chosen: one of those offered, or `at` as the reader's clock shows it. Raises CannotCall."""
    text = request.POST.get("start", "")
    if text in ("", "at"):
        text = request.POST.get("at", "")
    try:
        chosen = datetime.fromisoformat(text)
    except ValueError as error:
        raise CannotCall("past") from error
    return chosen if chosen.tzinfo else chosen.replace(tzinfo=timezone.get_current_timezone())


@require_http_methods(["GET", "HEAD"])
def calling(request: Request) -> HttpResponse:
    """Who rings us up just now, for a reader whose telephone rings."""
    rows = queries.ringing(request.actor)
    names = people.names([row.customer.root for row in rows])
    found = [
        (
            row,
            isolated(names[row.customer.root_id]),
            row.number if row.number != names[row.customer.root_id] else "",
            reverse("conversation", args=[row.conversation_id])
            if row.conversation_id
            else reverse("customer", args=[row.customer.root_id]),
        )
        for row in rows
    ]
    return render(request, "calls/ringing.html", {"ringing": found})


_DONE = frozenset({"outcome", "moved", "cancelled", "ringing"})


@require_http_methods(["GET", "HEAD", "POST"])
def telephone(request: Request) -> HttpResponse:
    """Where the reader is rung up, and whether they are on duty."""
    row, wrong = queries.telephone(request.actor), ""
    typed, on_duty = row.address, row.on_duty
    if request.method == "POST":
        typed, on_duty = request.POST.get("address", ""), request.POST.get("on_duty") == "on"
        try:
            telephones.keep(request.actor, typed, on_duty=on_duty)
        except CannotCall as error:
            wrong = shapes.refused(error.reason)
        else:
            return HttpResponseRedirect(f"{reverse('telephone')}?kept=1")
    context = {
        "rail": rail(request.actor, "callbacks"),
        "address": typed,
        "on_duty": on_duty,
        "wrong": wrong,
        "kept": "kept" in request.GET,
        "lines": telephones.has_line(),
    }
    return render(request, "calls/telephone.html", context, status=422 if wrong else 200)


def _to(callback_id: UUID, done: str) -> HttpResponse:
    address = reverse("callback", args=[callback_id])
    return HttpResponseRedirect(f"{address}?done={done}" if done else address)
