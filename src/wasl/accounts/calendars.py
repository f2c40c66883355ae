"""Business calendars: which one holds where, and what administrators do with them. Inside `tenant(…)`."""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import LiteralString
from uuid import UUID
from zoneinfo import ZoneInfo, available_timezones

from django.db import IntegrityError, transaction

from wasl.accounts.actor import Actor, NotFound
from wasl.accounts.hours import Closed, Hours, always, checked
from wasl.accounts.models import Calendar, Holiday, Team, Workspace
from wasl.kit.db import Connection, raw

HOLIDAYS = 200
"""Holidays of one calendar, at most."""

OFFICE: list[list[tuple[int, int]]] = [[(540, 1020)] for _ in range(5)] + [[], []]
"""What a new calendar begins with: Monday to Friday, 9 to 17."""


class BadCalendar(Exception):
    """It cannot be kept like this: `reason` is name, taken, timezone, shape, overlap, holidays or last."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


@dataclass(frozen=True, slots=True)
class Wanted:
    """A calendar as an administrator wants it; `week` as in `models.Calendar`."""

    name: str
    timezone: str
    week: Sequence[Sequence[tuple[int, int]]]
    holidays: Sequence[Closed]
    is_default: bool = False


_OF_INBOX: LiteralString = """
SELECT c.id, c.timezone, c.week::text, w.timezone
FROM accounts_workspace w
LEFT JOIN LATERAL (
  SELECT * FROM accounts_calendar x WHERE x.workspace_id = w.id AND (x.is_default OR x.id = coalesce(
    (SELECT t.calendar_id FROM accounts_team t WHERE t.workspace_id = w.id AND t.id = %(team)s),
    (SELECT i.calendar_id FROM channels_inbox i WHERE i.workspace_id = w.id AND i.id = %(inbox)s)))
  ORDER BY x.is_default LIMIT 1) c ON true
WHERE w.id = %(workspace)s
"""
_HOLIDAYS: LiteralString = """
SELECT day, last_day, yearly, name FROM accounts_holiday WHERE workspace_id = %s AND calendar_id = %s ORDER BY day
"""


def hours_for(
    conn: Connection, workspace_id: UUID, inbox_id: UUID | None = None, team_id: UUID | None = None
) -> Hours:
    """The hours that hold: the team's, else the inbox's, else the workspace's own; without any it never closes."""
    values = {"workspace": workspace_id, "inbox": inbox_id, "team": team_id}
    row = conn.execute(_OF_INBOX, values).fetchone()
    if row is None:
        raise NotFound
    calendar_id, zone, week, own_zone = row
    if calendar_id is None:
        return always(ZoneInfo(own_zone))
    closed = conn.execute(_HOLIDAYS, [workspace_id, calendar_id]).fetchall()
    return Hours(ZoneInfo(zone), json.loads(week), tuple(Closed(*each) for each in closed))


def hours_of(calendar: Calendar) -> Hours:
    """What a calendar comes to."""
    return Hours(ZoneInfo(calendar.timezone), calendar.week, tuple(closed_days(calendar)))


def closed_days(calendar: Calendar) -> list[Closed]:
    """The holidays of a calendar, by date."""
    rows = Holiday.objects.filter(calendar=calendar).order_by("day", "id")[:HOLIDAYS]
    return [Closed(row.day, row.last_day, row.yearly, row.name) for row in rows]


def calendars(actor: Actor) -> list[Calendar]:
    """All calendars, the workspace's own first; at most 100. Raises Forbidden."""
    actor.require_admin()
    return list(
        Calendar.objects.filter(workspace_id=actor.workspace_id).order_by("-is_default", "name")[:100]
    )


def calendar(actor: Actor, calendar_id: UUID) -> Calendar:
    """One of them. Raises Forbidden, NotFound."""
    actor.require_admin()
    found = Calendar.objects.filter(workspace_id=actor.workspace_id, id=calendar_id).first()
    if found is None:
        raise NotFound
    return found


def keep(actor: Actor, calendar_id: UUID | None, wanted: Wanted) -> Calendar:
    """Make a calendar or change one; the first is the workspace's own. Raises Forbidden, NotFound, BadCalendar."""
    actor.require_admin()
    row = calendar(actor, calendar_id) if calendar_id else Calendar(workspace_id=actor.workspace_id)
    row.name, row.timezone = _name(wanted.name), _zone(wanted.timezone)
    try:
        row.week = [[list(shift) for shift in day] for day in checked(wanted.week)]
    except ValueError as error:
        raise BadCalendar(str(error)) from error
    if len(wanted.holidays) > HOLIDAYS or any(each.last < each.first for each in wanted.holidays):
        raise BadCalendar("holidays")
    others = Calendar.objects.select_for_update().filter(workspace_id=actor.workspace_id, is_default=True)
    own = others.exclude(id=row.id).first()
    row.is_default = wanted.is_default or own is None
    if row.is_default and own is not None:
        own.is_default = False
        own.save(update_fields=["is_default"])
    try:
        with transaction.atomic():
            row.save()
    except IntegrityError as error:
        raise BadCalendar("taken") from error
    _keep_holidays(row, wanted.holidays)
    return row


def _keep_holidays(row: Calendar, holidays: Sequence[Closed]) -> None:
    Holiday.objects.filter(calendar=row).delete()
    Holiday.objects.bulk_create(
        Holiday(
            workspace_id=row.workspace_id,
            calendar=row,
            name=" ".join(each.name.split())[:80],
            day=each.first,
            last_day=each.last,
            yearly=each.yearly,
        )
        for each in holidays
    )


def remove(actor: Actor, calendar_id: UUID) -> None:
    """Take a calendar away; who used it goes by the workspace's own. Raises Forbidden, NotFound, BadCalendar."""
    row = calendar(actor, calendar_id)
    if row.is_default and Calendar.objects.filter(workspace_id=actor.workspace_id).count() > 1:
        raise BadCalendar("last")
    raw().execute(
        "UPDATE channels_inbox SET calendar_id = NULL WHERE workspace_id = %s AND calendar_id = %s",
        [actor.workspace_id, row.id],
    )
    Team.objects.filter(calendar=row).update(calendar=None)
    Holiday.objects.filter(calendar=row).delete()
    row.delete()


def _name(name: str) -> str:
    name = " ".join(name.split())[:80]
    if not name:
        raise BadCalendar("name")
    return name


def _zone(name: str) -> str:
    if name not in available_timezones():
        raise BadCalendar("timezone")
    return name


def zones() -> list[str]:
    """The time zones a calendar may have, by name; those named after a place, and UTC."""
    named = (name for name in available_timezones() if name.partition("/")[0] in _CONTINENTS)
    return [*sorted(named), "UTC"]


_CONTINENTS = frozenset(
    ["Africa", "America", "Antarctica", "Asia", "Atlantic", "Australia", "Europe", "Indian", "Pacific"]
)


def workspace_zone(workspace_id: UUID) -> str:
    """The time zone of the workspace."""
    return str(Workspace.objects.values_list("timezone", flat=True).get(id=workspace_id))
