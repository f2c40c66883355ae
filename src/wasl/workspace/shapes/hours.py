"""Opening hours as pages show them: the week's days with their bars, and what holds just now."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from django.utils.translation import gettext as _

from wasl.accounts.hours import DAY, Hours, clock
from wasl.desk import sentences
from wasl.kit.clock import now
from wasl.workspace.format import digits, language, weekday


@dataclass(frozen=True, slots=True)
class Shift:
    """One shift: what its fields hold, and its bar in minutes of the day."""

    begin: str
    end: str
    start: int
    length: int


@dataclass(frozen=True, slots=True)
class Day:
    """A day of the week, from Monday."""

    number: int
    name: str
    short: str
    shifts: Sequence[Shift]


@dataclass(frozen=True, slots=True)
class Summary:
    """Whether somebody is there, in words, and the week in bars."""

    is_open: bool
    text: str
    days: Sequence[Day]


def days(week: Sequence[Sequence[Sequence[int]]]) -> list[Day]:
    """The days of a week, whatever was typed for them."""
    return [
        Day(number, weekday(number), weekday(number, short=True), [_shift(*shift) for shift in shifts])
        for number, shifts in enumerate(week)
    ]


def _shift(start: int, end: int) -> Shift:
    first = max(start, 0)
    return Shift(clock(start) if start >= 0 else "", _end(end), first, max(0, min(end, DAY) - first))


def _end(minute: int) -> str:
    return clock(minute) if minute > 0 else ""


def summary(hours: Hours) -> Summary:
    """What holds just now."""
    present = now()
    is_open = hours.open_at(present)
    return Summary(is_open, _words(hours, present, is_open=is_open), days(hours.week))


def _words(hours: Hours, present: datetime, *, is_open: bool) -> str:
    if is_open:
        closing = hours.next_closing(present)
        if closing is None:
            return _("Open all the time")
        until = closing.astimezone(hours.zone).strftime("%H:%M")
        return _("Open now, until %(time)s") % {"time": digits(until)}
    opens = hours.next_opening(present)
    if opens is None:
        return _("Closed, and never opens")
    when = sentences.opening(language(), opens, present, hours.zone)
    return _("Closed now, opens %(when)s") % {"when": when}


def why_not(reason: str) -> str:
    """What is wrong with a calendar, and what helps."""
    return {
        "name": _("Give the calendar a name."),
        "taken": _("Another calendar has this name already."),
        "timezone": _("Choose a time zone from the list."),
        "overlap": _("Two shifts of a day overlap. Let one end before the next begins."),
        "shape": _("A shift needs both a beginning and an end, and a day has six shifts at most."),
        "holidays": _("A holiday ends before it begins, or there are too many."),
        "last": _("This is the workspace’s own calendar. Make another one the workspace’s own first."),
    }.get(reason, _("That cannot be kept."))
