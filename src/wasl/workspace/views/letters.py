"""Letters: how one will look, and the postal address that it goes to."""

from typing import TypeVar
from uuid import UUID

from django.core.exceptions import BadRequest
from django.db.models import Model, QuerySet
from django.http import HttpResponse, HttpResponseRedirect
from django.shortcuts import render
from django.urls import reverse
from django.views.decorators.http import require_http_methods, require_POST

from wasl.accounts.actor import NotFound
from wasl.channels.models import Inbox
from wasl.channels.post.address import BadAddress, countries, read
from wasl.channels.post.parse import CHANNEL
from wasl.conversations import queries
from wasl.customers import queries as customers
from wasl.customers.entered import Taken
from wasl.customers.models import Identity
from wasl.visits import postal
from wasl.visits.models import Branch
from wasl.workspace.files import FILE_POLICY
from wasl.workspace.format import language
from wasl.workspace.shapes import letters, people
from wasl.workspace.shapes.rail import rail
from wasl.workspace.web import Request

Row = TypeVar("Row", bound=Model)
PLAIN = "text/plain; charset=utf-8"


@require_POST
def preview(request: Request, conversation_id: UUID) -> HttpResponse:
    """The letter that `text` would make, as a PDF; 422 with a sentence when it would be none.

    `inbox` and `to` (an identity) may say by which inbox and to which address.
    """
    row = queries.conversation(request.actor, conversation_id)
    inbox = _one(request, "inbox", Inbox.objects.filter(channel=CHANNEL, id__in=request.actor.inboxes))
    family = customers.family([row.customer.id])
    to = _one(request, "to", Identity.objects.filter(channel=CHANNEL, customer_id__in=family))
    try:
        pdf = letters.letter(row, request.POST.get("text", "")[:100_000], inbox, to)
    except letters.NoLetter as error:
        return HttpResponse(str(error), status=422, content_type=PLAIN)
    headers = {
        "Content-Disposition": 'inline; filename="letter.pdf"',
        "Content-Security-Policy": FILE_POLICY,
        "Cache-Control": "no-store",
        "X-Content-Type-Options": "nosniff",
    }
    return HttpResponse(pdf, content_type="application/pdf", headers=headers)


def _one(request: Request, name: str, among: "QuerySet[Row]") -> "Row | None":
    """The row that a field names; None when it names none. Raises NotFound for one that is not among them."""
    try:
        own = UUID(request.POST[name]) if request.POST.get(name) else None
    except ValueError as error:
        raise BadRequest(name) from error
    if own is None:
        return None
    found = among.filter(id=own).first()
    if found is None:
        raise NotFound
    return found


@require_http_methods(["GET", "HEAD", "POST"])
def address(request: Request, customer_id: UUID) -> HttpResponse:
    """A customer's postal address; the one that is entered last is written to."""
    known = customers.customer(request.actor, customer_id)
    reason = ""
    if request.method == "POST":
        try:
            postal.keep(
                request.actor,
                customer_id,
                request.POST.get("lines", "")[:2000],
                request.POST.get("country", ""),
            )
            return HttpResponseRedirect(reverse("customer", args=[known.customer.id]))
        except BadAddress as error:
            reason = error.reason
        except Taken:
            reason = "taken"
    name = people.names([known.customer])[known.customer.id]
    latest = next(iter(postal.addresses(known.members)), None)
    lines, country = _kept(latest) if latest else (name, _home())
    context = {
        "rail": rail(request.actor, "customers"),
        "customer": known.customer,
        "name": name,
        "lines": request.POST.get("lines", lines),
        "country": request.POST.get("country", country),
        "countries": countries(language()),
        "refused": letters.bad_address(reason) if reason else "",
    }
    return render(request, "visits/address.html", context, status=422 if reason else 200)


def _kept(latest: Identity) -> tuple[str, str]:
    try:
        found = read(latest.address)
    except BadAddress:
        return latest.name, ""
    return "\n".join(found.lines), found.country


def _home() -> str:
    """The country that is likeliest: a branch's, else that of the inbox for letters."""
    branch = Branch.objects.exclude(country="").values_list("country", flat=True).first()
    inbox = Inbox.objects.filter(channel=CHANNEL).first()
    return str(branch or (inbox.config.get("country") if inbox else "") or "").upper()
