"""What is kept of a list: as a view of the rail, or as a file."""

from collections.abc import Iterator
from datetime import datetime
from uuid import UUID

from django.http import HttpResponse, HttpResponseRedirect, StreamingHttpResponse
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST, require_safe

from wasl.conversations import export as files
from wasl.conversations import views
from wasl.kit.clock import now
from wasl.workspace import paging
from wasl.workspace.shapes.places import Place, place
from wasl.workspace.shapes.rail import rail
from wasl.workspace.views import turns
from wasl.workspace.views.bulk import wanted
from wasl.workspace.web import Request


@require_POST
def save(request: Request) -> HttpResponse:
    """Keep the list as a view."""
    post = request.POST
    try:
        made = views.save(
            request.actor, post.get("name", ""), wanted(request), shared=bool(post.get("shared"))
        )
    except views.CannotSave as error:
        return turns.refused(why_not(error.reason))
    return HttpResponseRedirect(reverse("desk", args=[f"view/{made}"]))


@require_POST
def rename(request: Request, view_id: UUID) -> HttpResponse:
    """Call a view otherwise."""
    try:
        views.rename(request.actor, view_id, request.POST.get("name", ""))
    except views.CannotSave as error:
        return turns.refused(why_not(error.reason))
    return HttpResponseRedirect(reverse("desk", args=[f"view/{view_id}"]))


@require_POST
def forget(request: Request, view_id: UUID) -> HttpResponse:
    """Throw a view away."""
    views.forget(request.actor, view_id)
    return HttpResponseRedirect(reverse("desk", args=["all"]))


@require_safe
def export(request: Request) -> HttpResponse | StreamingHttpResponse:
    """All that a list finds, as a file. It is read slice by slice after this request's own transaction has ended.

    With `?part=` one part of it, of 2,000 lines; where the next begins is said in the header `Wasl-Next`.
    """
    at = request.GET.get("at") or "all"
    here = place(at, request.GET, rail(request.actor, at))
    if "part" in request.GET:
        return _part(request, here)
    pieces = files.rows(request.actor, here.where, request.seat.timezone, titles())
    name = f"{at.partition('/')[0]}-{_day(now())}.csv"
    return StreamingHttpResponse(
        _encoded(pieces),
        content_type="text/csv; charset=utf-8",
        headers={
            "Content-Disposition": f'attachment; filename="{name}"',
            "Cache-Control": "no-store",
            "X-Content-Type-Options": "nosniff",
        },
    )


def _part(request: Request, here: Place) -> HttpResponse:
    before = paging.asked(request)
    text, following = files.part(request.actor, here.where, request.seat.timezone, before, files.PART)
    response = HttpResponse(
        (text if before else files.head(titles()) + text).encode("utf-8", "replace"),
        content_type="text/csv; charset=utf-8",
    )
    if following:
        response.headers["Wasl-Next"] = paging.write(following)
    return response


def _encoded(pieces: Iterator[str]) -> Iterator[bytes]:
    return (piece.encode("utf-8", "replace") for piece in pieces)


def _day(at: datetime) -> str:
    return timezone.localtime(at).date().isoformat()


def titles() -> list[str]:
    """The first line of an export."""
    return [
        _("Number"),
        _("Subject"),
        _("Customer"),
        _("Address"),
        _("Inbox"),
        _("State"),
        _("Assigned to"),
        _("Team"),
        _("Tags"),
        _("Last message"),
        _("Beginning"),
    ]


def why_not(reason: str) -> str:
    """Why a view cannot be kept."""
    reasons = {
        "empty": _("Give the view a name."),
        "too_long": _("The name of a view has at most 80 letters."),
        "too_many": _("There are twenty views already. Remove one first."),
    }
    return reasons[reason]
