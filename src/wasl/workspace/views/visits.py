"""The queue of a branch: check in, call, serve. And a customer's code, to be shown at the door."""

from datetime import timedelta
from typing import Any
from uuid import UUID, uuid4

from django.core.exceptions import BadRequest
from django.http import HttpResponse, HttpResponseRedirect
from django.shortcuts import render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST, require_safe

from wasl.accounts.actor import NotFound
from wasl.customers import queries as customers
from wasl.kit.clock import now
from wasl.visits import actions, codes, queries
from wasl.visits.actions import Arrival, CannotVisit
from wasl.visits.models import Purpose
from wasl.visits.purposes import purposes
from wasl.workspace.shapes import people
from wasl.workspace.shapes import visits as shapes
from wasl.workspace.shapes.rail import rail
from wasl.workspace.web import Request

COUNTER = "wasl-counter"
"""The session's key for the counter at which somebody works."""


@require_safe
def index(request: Request) -> HttpResponse:
    """The branches one sees; straight to the queue where there is but one."""
    places = queries.branches(request.actor)
    if len(places) == 1:
        return HttpResponseRedirect(reverse("branch_queue", args=[places[0].branch.id]))
    return render(request, "visits/visits.html", {"rail": rail(request.actor, "visits"), "places": places})


@require_safe
def queue(request: Request, branch_id: UUID) -> HttpResponse:
    """Who waits, who is being served, who was."""
    return _page(request, branch_id)


@require_POST
def come(request: Request, branch_id: UUID) -> HttpResponse:
    """Check somebody in at the counter."""
    queries.place(request.actor, branch_id)
    said = request.POST
    try:
        arrival = Arrival(
            key=UUID(said.get("key", "")),
            purpose=said.get("purpose", "") or Purpose.OTHER,
            said=said.get("who", "")[:320],
            name=said.get("name", ""),
            customer_id=UUID(said["customer"]) if said.get("customer") else None,
        )
    except ValueError as error:
        raise BadRequest("id") from error
    try:
        visit = actions.check_in(request.actor.workspace_id, branch_id, arrival, request.actor)
    except CannotVisit as error:
        return _page(request, branch_id, shapes.refused(error.reason))
    return HttpResponseRedirect(f"{reverse('branch_queue', args=[branch_id])}?took={visit.number}")


@require_POST
def call(request: Request, branch_id: UUID) -> HttpResponse:
    """Call whoever waits longest."""
    counter = request.POST.get("counter", "")[: actions.COUNTER]
    request.session[COUNTER] = counter
    actions.call(request.actor, branch_id, counter)
    return HttpResponseRedirect(reverse("branch_queue", args=[branch_id]))


@require_POST
def do(request: Request, visit_id: UUID, verb: str) -> HttpResponse:
    """`call`, `back`, `serve` or `left`."""
    said = request.POST
    try:
        if verb == "call":
            visit = actions.call_this(request.actor, visit_id, request.session.get(COUNTER, ""))
        elif verb == "back":
            visit = actions.put_back(request.actor, visit_id)
        elif verb == "serve":
            visit = actions.serve(request.actor, visit_id, said.get("outcome", ""), said.get("note", ""))
        elif verb == "left":
            visit = actions.left(request.actor, visit_id)
        else:
            raise NotFound
    except ValueError as error:
        raise BadRequest("outcome") from error
    except CannotVisit as error:
        return _page(request, queries.branch_of(request.actor, visit_id), shapes.refused(error.reason))
    return HttpResponseRedirect(reverse("branch_queue", args=[visit.branch_id]))


def _page(request: Request, branch_id: UUID, refused: str = "") -> HttpResponse:
    found = queries.queue(request.actor, branch_id)
    known = people.names(
        {entry.customer.id: entry.customer for part in _parts(found) for entry in part}.values()
    )
    at = now()
    context: dict[str, Any] = {
        "rail": rail(request.actor, "visits"),
        "queue": found,
        "places": queries.branches(request.actor),
        "names": known,
        "purposes": purposes(),
        "offered": found.place.branch.purposes or Purpose.values,
        "outcomes": shapes.outcomes(),
        "known_by": shapes.known_by,
        "waited": {
            entry.visit.id: shapes.waited(int((at - entry.visit.came_at).total_seconds()))
            for entry in found.waiting
        },
        "counter": request.session.get(COUNTER, ""),
        "key": uuid4(),
        "refused": refused,
        "typed": {name: request.POST.get(name, "") for name in ("who", "name", "purpose")},
        "took": request.GET.get("took", "") if request.GET.get("took", "").isdecimal() else "",
    }
    return render(request, "visits/queue.html", context, status=422 if refused else 200)


def _parts(found: queries.Queue) -> tuple[Any, ...]:
    return found.waiting, found.serving, found.ended


@require_safe
def code(request: Request, customer_id: UUID) -> HttpResponse:
    """A customer's code, to print or to send; `?as=png` is the picture alone."""
    known = customers.customer(request.actor, customer_id)
    if not known.identities or not queries.branches(request.actor):
        raise NotFound
    text = codes.code(request.actor.workspace_id, known.identities[0].id, codes.SENT)
    if request.GET.get("as") == "png":
        headers = {"Content-Disposition": 'attachment; filename="code.png"', "Cache-Control": "no-store"}
        return HttpResponse(codes.png(text), content_type="image/png", headers=headers)
    name = people.names([known.customer])[known.customer.id]
    context = {
        "rail": rail(request.actor, "customers"),
        "customer": known.customer,
        "name": name,
        "picture": codes.picture(text, _("Code of %(name)s") % {"name": name}),
        "until": now() + codes.SENT - timedelta(minutes=1),
    }
    return render(request, "visits/code.html", context)
