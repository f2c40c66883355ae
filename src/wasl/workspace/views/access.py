"""The access log: for administrators and for those who audit."""

from collections.abc import Iterator
from datetime import date, datetime, time, timedelta
from urllib.parse import urlencode
from uuid import UUID

from django.core.exceptions import BadRequest
from django.http import HttpResponse, StreamingHttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import render
from django.urls import reverse
from django.views.decorators.http import require_safe

from wasl.accounts import access_log
from wasl.accounts.access_log import Filter
from wasl.conversations import queries
from wasl.kit import sheet
from wasl.kit.db import tenant
from wasl.workspace import deeds, paging
from wasl.workspace.shapes.rail import rail
from wasl.workspace.web import Request

KEPT = ("who", "what", "thing", "since", "until")


@require_safe
def index(request: Request) -> HttpResponse:
    """The log, newest first."""
    wanted = _wanted(request)
    rows, after = access_log.lines(request.actor, wanted, paging.asked(request))
    asked = {name: request.GET[name] for name in KEPT if request.GET.get(name)}
    older = f"{reverse('access')}?{urlencode(asked | {'before': paging.write(after)})}" if after else ""
    context = {
        "rail": rail(request.actor, "settings"),
        "lines": [(row, deeds.sentence(row), deeds.address(row)) for row in rows],
        "agents": queries.agents(request.actor),
        "asked": asked,
        "older": older,
        "export": f"{reverse('access_export')}?{urlencode(asked)}",
    }
    return render(request, "people/access.html", context)


@require_safe
def export(request: Request) -> HttpResponseBase:
    """The same as CSV, whole."""
    request.actor.require_admin()
    response = StreamingHttpResponse(
        _slices(request, _wanted(request)), content_type="text/csv; charset=utf-8"
    )
    response.headers["Content-Disposition"] = 'attachment; filename="access.csv"'
    return response


def _slices(request: Request, wanted: Filter) -> Iterator[bytes]:
    """A byte order mark, by which spreadsheets know UTF-8, and the log; read after the page's transaction ended."""
    yield sheet.BOM.encode()
    with tenant(request.actor.workspace_id):
        for part in access_log.export(request.actor, wanted):
            yield part.encode()


def _wanted(request: Request) -> Filter:
    asked = request.GET
    try:
        return Filter(
            agent_id=UUID(asked["who"]) if asked.get("who") else None,
            thing_id=UUID(asked["thing"]) if asked.get("thing") else None,
            changed={"changes": True, "looks": False}.get(asked.get("what", "")),
            since=_morning(request, asked["since"]) if asked.get("since") else None,
            until=_morning(request, asked["until"]) + timedelta(days=1) if asked.get("until") else None,
        )
    except ValueError as error:
        raise BadRequest("filter") from error


def _morning(request: Request, day: str) -> datetime:
    return datetime.combine(date.fromisoformat(day), time(), request.seat.timezone)
