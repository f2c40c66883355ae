"""Opening hours: calendars with their weeks and holidays, for administrators."""

import re
from collections.abc import Sequence
from datetime import date
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

from django.core.exceptions import BadRequest
from django.http import HttpResponse, HttpResponseRedirect
from django.shortcuts import render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from wasl.accounts import calendars
from wasl.accounts.calendars import HOLIDAYS, OFFICE, BadCalendar, Wanted
from wasl.accounts.hours import DAY, SHIFTS, Closed, Hours
from wasl.accounts.models import Calendar, Team
from wasl.channels.models import Inbox
from wasl.workspace.shapes import hours as shapes
from wasl.workspace.shapes.rail import rail
from wasl.workspace.web import Request


@require_safe
def index(request: Request) -> HttpResponse:
    """Every calendar; straight to a new one while there is none."""
    found = calendars.calendars(request.actor)
    rows = [(row, shapes.summary(calendars.hours_of(row)), _users(row)) for row in found]
    context = {"rail": rail(request.actor, "settings"), "rows": rows, "kept": request.GET.get("kept") == "1"}
    return render(request, "hours/hours.html", context)


@require_http_methods(["GET", "HEAD", "POST"])
def new(request: Request) -> HttpResponse:
    """A new calendar, which begins with office hours."""
    request.actor.require_admin()
    if request.method == "POST":
        return _keep(request, None)
    zone = calendars.workspace_zone(request.actor.workspace_id)
    first = not calendars.calendars(request.actor)
    name = request.seat.workspace if first else ""
    return _page(request, None, Wanted(name, zone, OFFICE, (), first))


@require_http_methods(["GET", "HEAD", "POST"])
def edit(request: Request, calendar_id: UUID) -> HttpResponse:
    """One calendar."""
    row = calendars.calendar(request.actor, calendar_id)
    if request.method == "POST":
        return _keep(request, row)
    week = [[(start, end) for start, end in day] for day in row.week]
    wanted = Wanted(row.name, row.timezone, week, calendars.closed_days(row), row.is_default)
    return _page(request, row, wanted)


@require_POST
def remove(request: Request, calendar_id: UUID) -> HttpResponse:
    """Take a calendar away."""
    row = calendars.calendar(request.actor, calendar_id)
    try:
        calendars.remove(request.actor, calendar_id)
    except BadCalendar as error:
        week = [[(start, end) for start, end in day] for day in row.week]
        wanted = Wanted(row.name, row.timezone, week, calendars.closed_days(row), row.is_default)
        return _page(request, row, wanted, shapes.why_not(error.reason))
    return HttpResponseRedirect(reverse("hours"))


def _keep(request: Request, row: Calendar | None) -> HttpResponse:
    wanted = _wanted(request)
    try:
        kept = calendars.keep(request.actor, row.id if row else None, wanted)
    except BadCalendar as error:
        return _page(request, row, wanted, shapes.why_not(error.reason))
    _use(request, kept)
    return HttpResponseRedirect(f"{reverse('hours')}?kept=1")


def _use(request: Request, row: Calendar) -> None:
    """Let the chosen inboxes and teams go by this calendar, and those let go by the workspace's own."""
    for model, field in ((Inbox, "inboxes"), (Team, "teams")):
        chosen = _ids(request.POST.getlist(field))
        rows: Any = model._default_manager.filter(workspace_id=request.actor.workspace_id)
        rows.filter(calendar=row).exclude(id__in=chosen).update(calendar=None)
        rows.filter(id__in=chosen).update(calendar=row)


def _ids(values: Sequence[str]) -> list[UUID]:
    try:
        return [UUID(value) for value in values[:500]]
    except ValueError as error:
        raise BadRequest("ids") from error


def _wanted(request: Request) -> Wanted:
    form = request.POST
    week = [_shifts(form.getlist(f"from-{day}"), form.getlist(f"to-{day}")) for day in range(7)]
    return Wanted(
        form.get("name", ""), form.get("timezone", ""), week, _holidays(request), form.get("default") == "1"
    )


def _shifts(begins: Sequence[str], ends: Sequence[str]) -> list[tuple[int, int]]:
    """The shifts of a day as its fields say; an end that is not after the beginning is the next day's."""
    shifts = []
    for begin, end in zip(begins[: SHIFTS + 1], ends[: SHIFTS + 1], strict=False):
        if not begin and not end:
            continue
        start, stop = _minute(begin), _minute(end)
        overnight = 0 <= stop <= start
        shifts.append((start, stop + DAY if overnight else stop))
    return shifts


_TIME = re.compile(r"(\d{1,2})(?:\D+(\d{1,2})|(\d{2}))?\D*")


def _minute(text: str) -> int:
    """`9`, `930`, `9:30`, `9h30` and `٩:٣٠` → minutes; -1 for what is no time, which no shift may begin or end with."""
    found = _TIME.fullmatch(text.strip())
    if not found:
        return -1
    hour, minute = int(found[1]), int(found[2] or found[3] or 0)
    return hour * 60 + minute if hour < 24 and minute < 60 else DAY if (hour, minute) == (24, 0) else -1


def _holidays(request: Request) -> list[Closed]:
    form = request.POST
    rows = zip(
        form.getlist("holiday"),
        form.getlist("first"),
        form.getlist("last"),
        form.getlist("yearly"),
        strict=False,
    )
    found = []
    for name, first, last, yearly in list(rows)[: HOLIDAYS + 1]:
        try:
            begin = date.fromisoformat(first) if first else None
            end = date.fromisoformat(last) if last else begin
        except ValueError as error:
            raise BadRequest("date") from error
        if begin and end:
            found.append(Closed(begin, end, yearly == "1", name))
    return sorted(found, key=lambda each: each.first)


def _users(row: Calendar) -> list[str]:
    inboxes = Inbox.objects.filter(calendar=row).order_by("name").values_list("name", flat=True)
    teams = Team.objects.filter(calendar=row).order_by("name").values_list("name", flat=True)
    return [*inboxes[:50], *teams[:50]]


def _page(request: Request, row: Calendar | None, wanted: Wanted, refused: str = "") -> HttpResponse:
    try:
        hours = Hours(ZoneInfo(wanted.timezone), tuple(map(tuple, wanted.week)), tuple(wanted.holidays))
    except (KeyError, ValueError):
        hours = None
    workspace = request.actor.workspace_id
    context = {
        "rail": rail(request.actor, "settings"),
        "row": row,
        "wanted": wanted,
        "days": shapes.days(wanted.week),
        "now": shapes.summary(hours) if hours else None,
        "zones": calendars.zones(),
        "inboxes": list(Inbox.objects.filter(workspace_id=workspace).order_by("name")[:200]),
        "teams": list(Team.objects.filter(workspace_id=workspace).order_by("name")[:200]),
        "refused": refused,
        "title": wanted.name or _("New calendar"),
    }
    return render(request, "hours/edit.html", context, status=422 if refused else 200)
