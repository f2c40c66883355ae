"""Entering a customer's address on a channel on which they cannot write first."""

from uuid import UUID

from django.http import HttpResponse, HttpResponseRedirect
from django.shortcuts import render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods

from wasl.accounts.actor import NotFound
from wasl.channels.models import Inbox
from wasl.channels.registry import channels
from wasl.customers import entered
from wasl.customers import queries as customers
from wasl.workspace import words
from wasl.workspace.shapes import people
from wasl.workspace.shapes.rail import rail
from wasl.workspace.web import Request


@require_http_methods(["GET", "HEAD", "POST"])
def enter(request: Request, customer_id: UUID) -> HttpResponse:
    """The address that an agent types, for one of the channels of which there is an inbox."""
    request.actor.require_write()
    known = customers.customer(request.actor, customer_id)
    offered = _offered(request)
    if not offered:
        raise NotFound
    refused = _keep(request, customer_id, offered) if request.method == "POST" else None
    if refused == "":
        return HttpResponseRedirect(reverse("customer", args=[known.customer.id]))
    context = {
        "rail": rail(request.actor, "customers"),
        "customer": known.customer,
        "name": people.names([known.customer])[known.customer.id],
        "offered": [(each, words.channel(each)) for each in offered],
        "chosen": request.POST.get("channel", offered[0]),
        "typed": request.POST.get("address", ""),
        "refused": refused or "",
    }
    return render(request, "customers/address.html", context, status=422 if refused else 200)


def _offered(request: Request) -> list[str]:
    used = Inbox.objects.filter(id__in=request.actor.inboxes, is_active=True).values_list(
        "channel", flat=True
    )
    return sorted({each for each in used if words.typed(each)})


def _keep(request: Request, customer_id: UUID, offered: list[str]) -> str:
    """'' when it is kept, else why not."""
    channel = request.POST.get("channel", "")
    typed = channels()[channel].typed if channel in offered else None
    if typed is None:
        return _("Choose a channel.")
    try:
        entered.keep(request.actor, customer_id, channel, typed(request.POST.get("address", "")))
    except ValueError:
        return _("This is no address of this channel.")
    except entered.Taken:
        return _("This address is another customer’s. If both are one person, merge them.")
    return ""
