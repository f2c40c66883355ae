"""Suggestions that two customers are one: an agent's answer, in one click."""

from contextlib import suppress
from uuid import UUID

from django.http import HttpResponse, HttpResponseRedirect
from django.shortcuts import render
from django.urls import reverse
from django.views.decorators.http import require_POST, require_safe

from wasl.accounts.actor import NotFound
from wasl.customers import queries, suggestions
from wasl.workspace.shapes import likeness
from wasl.workspace.web import Request


@require_safe
def alike(request: Request, customer_id: UUID) -> HttpResponse:
    """Who this customer may be as well, as it stands on their page."""
    root = queries.root(request.actor, customer_id)
    shown = likeness.shown(request.actor, queries.family([root.id]))
    return render(request, "customers/alike.html", {"alike": shown, "customer_id": root.id})


@require_POST
def accept(request: Request, customer_id: UUID, suggestion_id: UUID) -> HttpResponse:
    """They are one."""
    made = None
    with suppress(NotFound):  # somebody else answered a moment ago, and the page shows it
        made = suggestions.accept(request.actor, suggestion_id)
    return _back(request, customer_id, f"?joined={made}" if made else "")


@require_POST
def refuse(request: Request, customer_id: UUID, suggestion_id: UUID) -> HttpResponse:
    """They are two."""
    with suppress(NotFound):
        suggestions.refuse(request.actor, suggestion_id)
    return _back(request, customer_id)


def _back(request: Request, customer_id: UUID, query: str = "") -> HttpResponse:
    root = queries.root(request.actor, customer_id)
    return HttpResponseRedirect(reverse("customer", args=[root.id]) + query)
