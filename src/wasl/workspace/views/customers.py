"""Customers: finding them, their page with the timeline, merging and taking a merge back."""

from contextlib import suppress
from typing import Any
from urllib.parse import urlencode
from uuid import UUID

from django.core.exceptions import BadRequest
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST, require_safe

from wasl.accounts.actor import NotFound
from wasl.customers import actions, queries
from wasl.timeline.queries import Cursor
from wasl.workspace import paging
from wasl.workspace.shapes import card as cards
from wasl.workspace.shapes import customers as shapes
from wasl.workspace.shapes import dossier, likeness, orders, people, reach, timeline, told
from wasl.workspace.shapes.rail import rail
from wasl.workspace.web import Request

FOUND = 8
PAGE = 30


@require_safe
def customers(request: Request) -> HttpResponse:
    """Everybody, by name; `?q=` part of a name or address."""
    search = request.GET.get("q", "")[:80]
    page = queries.customers(request.actor, search, _after(request), PAGE)
    older = ""
    if page.after:
        query = {"q": search, "name": page.after[0], "after": str(page.after[1])}
        older = f"{reverse('customers')}?{urlencode(query)}"
    context: dict[str, Any] = {"rows": shapes.rows(page.rows), "older": older, "search": search}
    if request.headers.get("HX-Target") == "older":
        return render(request, "customers/rows.html", context)
    return render(request, "customers/customers.html", {**context, "rail": rail(request.actor, "customers")})


def _after(request: HttpRequest) -> tuple[str, UUID] | None:
    text = request.GET.get("after", "")
    try:
        return (request.GET.get("name", ""), UUID(text)) if text else None
    except ValueError as error:
        raise BadRequest("after") from error


@require_safe
def found(request: Request) -> HttpResponse:
    """A few customers for the search, or for `?into=` a customer to merge with."""
    search = request.GET.get("q", "")[:80].strip()
    into = _id(request.GET.get("into", ""))
    rows = queries.customers(request.actor, search, limit=FOUND + 1).rows if search else []
    context = {
        "rows": shapes.rows([row for row in rows if row.id != into][:FOUND]),
        "search": search,
        "into": into,
    }
    return render(request, "customers/found.html", context)


def _id(text: str) -> UUID | None:
    try:
        return UUID(text) if text else None
    except ValueError as error:
        raise BadRequest("id") from error


@require_safe
def customer(request: Request, customer_id: UUID) -> HttpResponse:
    """A customer's page, or the next part of the timeline. One that was merged leads to who it is now."""
    before = paging.asked(request)
    part = dossier.asked(request.GET.get("kind", ""), request.GET.get("channel", ""))
    known = queries.customer(request.actor, customer_id)
    if known.customer.id != customer_id:
        return HttpResponseRedirect(reverse("customer", args=[known.customer.id]))
    cursor = Cursor(*before) if before else None
    page = queries.timeline_of(
        request.actor, known.members, cursor, PAGE, part.kinds, part.channel, files=part.files
    )
    name = people.names([known.customer])[customer_id]
    found_items = timeline.items(request.actor, page.rows, name)
    here = reverse("customer", args=[customer_id])
    older = f"{here}{part.query(before=paging.write(page.after))}" if page.after else ""
    context: dict[str, Any] = {"days": timeline.days(found_items), "older": older}
    if request.headers.get("HX-Target") == "older":
        return render(request, "customers/timeline.html", context)
    context |= {
        "rail": rail(request.actor, "customers"),
        "card": known,
        "name": name,
        "since": cards.since(known.customer),
        "alike": likeness.shown(request.actor, known.members),
        "joined": _id(request.GET.get("joined", "")),
        "customer_id": customer_id,
        "part": part.query(),
        "parts": dossier.parts(customer_id, part),
        "channels": dossier.channels(customer_id, part, known.identities),
        **_beside(request, known),
    }
    return render(request, "customers/customer.html", context)


def _beside(request: Request, known: queries.Card) -> dict[str, Any]:
    """What stands beside the timeline."""
    actor, members = request.actor, known.members
    ways, best = reach.lines(actor, members, known.identities)
    return {
        "promises": told.vows(actor, members),
        "ways": ways,
        "preferences": reach.preferences(known.customer, known.summary, best),
        "also": reach.names(known.customer.name, known.identities),
        "matters": cards.others(actor, members, limit=8, resolved=False),
        "earlier": cards.others(actor, members, limit=5, resolved=True),
        "orders": orders.of_customer(actor, known.customer.id),
        "documents": dossier.documents(actor, members),
        "merges": shapes.merges(known.merges),
    }


@require_POST
def merge(request: Request, customer_id: UUID) -> HttpResponse:
    """Say that another customer (`other`) is this one."""
    other = _id(request.POST.get("other", ""))
    if other is None:
        raise BadRequest("other")
    with suppress(actions.CannotMerge):  # somebody else said so a moment ago, and the page shows it
        actions.merge(request.actor, customer_id, other)
    return HttpResponseRedirect(reverse("customer", args=[customer_id]))


@require_POST
def unmerge(request: Request, merge_id: UUID) -> HttpResponse:
    """Take a merge back and say what became of what came later."""
    try:
        report = actions.unmerge(request.actor, merge_id)
    except actions.CannotMerge as error:
        raise NotFound from error
    two = {person.id: person for person in shapes.pair(request.actor, report.kept_id, report.merged_id)}
    names = people.names(two.values())
    context = {
        "rail": rail(request.actor, "customers"),
        "report": report,
        "names": names,
        "shared": shapes.shared(request.actor, report.shared),
        "title": _("Two customers again"),
    }
    return render(request, "customers/unmerged.html", context)
