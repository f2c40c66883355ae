"""Calendar invitations (RFC 5545, iTIP RFC 5546): what of them is read in the thread.

The library reads values; before it sees anything, the file is reduced to the first event's lines that are asked for and
the time zone rules that it needs, each bounded, because the library keeps every zone it has met and would follow any
rule to its end. What cannot be read stays the file that it was.
"""

from __future__ import annotations

import re
import threading
import warnings
from collections import Counter
from collections.abc import Iterable
from datetime import date, datetime, time, timedelta
from typing import Any

from wasl.channels.base import Answer, Invitation, Method, Part

MAX_SIZE = 500_000
MAX_LINE = 2_000
MAX_TEXT = 300

_TYPES = frozenset(("text/calendar", "application/ics"))
_FOLD = re.compile(r"\r?\n[ \t]")
_NAME = re.compile(r"[A-Za-z-]{1,40}(?=[;:])")
_OF_RULE = frozenset(("DTSTART", "TZOFFSETFROM", "TZOFFSETTO", "TZNAME", "RRULE", "RDATE"))
# What is kept of each component, and which components may lie within it.
_KEPT = {
    "": frozenset[str](),
    "VCALENDAR": frozenset(("METHOD", "VERSION")),
    "VEVENT": frozenset(
        (
            "SUMMARY",
            "DTSTART",
            "DTEND",
            "DURATION",
            "LOCATION",
            "ORGANIZER",
            "ATTENDEE",
            "RRULE",
            "SEQUENCE",
            "STATUS",
        )
    ),
    "VTIMEZONE": frozenset(("TZID",)),
    "STANDARD": _OF_RULE,
    "DAYLIGHT": _OF_RULE,
}
_WITHIN = {"": ("VCALENDAR",), "VCALENDAR": ("VEVENT", "VTIMEZONE"), "VTIMEZONE": ("STANDARD", "DAYLIGHT")}
_MOST = {
    "VCALENDAR": 1,
    "VEVENT": 1,
    "VTIMEZONE": 4,
    "STANDARD": 40,
    "DAYLIGHT": 40,
    "ATTENDEE": 20,
    "RDATE": 40,
}
_YEARLY = re.compile(
    r"RRULE:FREQ=YEARLY(?:;(?:BYDAY=[-+0-9A-Z,]{1,20}|BYMONTH=\d{1,2}|BYMONTHDAY=[-\d,]{1,20}|UNTIL=[0-9TZ]{8,16}"
    r"|WKST=[A-Z]{2}|INTERVAL=1))*",
    re.IGNORECASE,
)
_METHODS: dict[str, Method] = {
    "REQUEST": "request",
    "CANCEL": "cancel",
    "REPLY": "reply",
    "COUNTER": "counter",
    "DECLINECOUNTER": "request",
    "ADD": "update",
    "PUBLISH": "publish",
}
_ANSWERS: dict[str, Answer] = {"ACCEPTED": "accepted", "DECLINED": "declined", "TENTATIVE": "tentative"}
_FREQUENCIES = frozenset(("DAILY", "WEEKLY", "MONTHLY", "YEARLY"))
# The library's memory of zones belongs to the process: nobody's rules may be left in it for the next message.
_reading = threading.Lock()


def find(parts: Iterable[Part]) -> Invitation | None:
    """The first file among these that is an invitation, read; None when there is none or it cannot be read."""
    for part in parts:
        if is_calendar(part) and len(part.content) <= MAX_SIZE and (found := read(part.content)):
            return found
    return None


def without_copies(parts: list[Part]) -> list[Part]:
    """The files, an invitation that came twice (to be read, and to be kept) only once, with its name."""
    known = {
        part.content for part in parts if is_calendar(part) and part.filename.lower().startswith("invite")
    }
    return [
        part
        for part in parts
        if not (is_calendar(part) and part.filename.startswith("attachment-") and part.content in known)
    ]


def is_calendar(part: Part) -> bool:
    """Whether a file says of itself that it is one."""
    return part.content_type in _TYPES or part.filename.lower().endswith((".ics", ".ical"))


def read(content: bytes) -> Invitation | None:
    """The first event of a calendar file, or None."""
    text = _FOLD.sub("", content.decode("utf-8-sig", "replace").replace("\x00", ""))
    lines = _Reduced(text).lines
    if "BEGIN:VEVENT" not in lines:
        return None
    try:
        return _event("\r\n".join(lines) + "\r\n")
    except (ValueError, TypeError, KeyError, AttributeError, LookupError, OverflowError, ArithmeticError):
        return None


class _Reduced:
    """The lines of a calendar that are needed, and no others, each kind up to a number."""

    def __init__(self, text: str) -> None:
        self.lines: list[str] = []
        self._open: list[tuple[str, bool]] = [("", True)]
        self._seen: Counter[str] = Counter()
        for raw in text.split("\n"):
            name = _NAME.match(raw)
            if name:
                self._line(name[0].upper(), raw[:MAX_LINE].rstrip("\r "), whole=len(raw) <= MAX_LINE)

    def _line(self, name: str, line: str, *, whole: bool) -> None:
        within, kept = self._open[-1]
        if name == "BEGIN":
            component = line[6:].strip().upper()
            kept = kept and component in _WITHIN.get(within, ()) and self._more(component)
            self._open.append((component, kept))
            if kept:
                self.lines.append(f"BEGIN:{component}")
        elif name == "END":
            if kept and within:
                self.lines.append(f"END:{within}")
            if within:
                self._open.pop()
        elif kept and name in _KEPT[within] and self._readable(name, line, whole=whole) and self._more(name):
            self.lines.append(line)

    def _readable(self, name: str, line: str, *, whole: bool) -> bool:
        """Cut texts can be read, cut dates can not; and of the rules of a zone only the yearly ones end."""
        if self._open[-1][0] in ("STANDARD", "DAYLIGHT") and name == "RRULE":
            return _YEARLY.fullmatch(line) is not None
        return whole or name in ("SUMMARY", "LOCATION")

    def _more(self, name: str) -> bool:
        self._seen[name] += 1
        return self._seen[name] <= _MOST.get(name, 100)


def _event(text: str) -> Invitation | None:
    from icalendar import Calendar  # here, because it takes 0.2 s to import and most mail has none
    from icalendar.timezone import tzp

    with _reading, warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of zones whose names it had to guess
        tzp.use_zoneinfo()
        try:
            calendar = Calendar.from_ical(text)
            event = next(iter(calendar.walk("VEVENT")), None)
            return _invitation(calendar, event) if event is not None else None
        finally:
            tzp.use_zoneinfo()


def _invitation(calendar: Any, event: Any) -> Invitation | None:
    start = getattr(event.get("DTSTART"), "dt", None)
    if not isinstance(start, date):
        return None
    end = getattr(event.get("DTEND"), "dt", None)
    duration = getattr(event.get("DURATION"), "dt", None)
    if end is None and isinstance(duration, timedelta):
        end = start + duration
    method = _METHODS.get(_text(calendar.get("METHOD")).upper(), "publish")
    if method == "request" and int(event.get("SEQUENCE") or 0) > 0:
        method = "update"
    if _text(event.get("STATUS")).upper() == "CANCELLED":
        method = "cancel"
    attendees = event.get("ATTENDEE") or []
    attendees = attendees if isinstance(attendees, list) else [attendees]
    one = attendees[0] if method in ("reply", "counter") and attendees else None
    zone = _text(event.get("DTSTART").params.get("TZID"))
    return Invitation(
        method=method,
        title=_text(event.get("SUMMARY")),
        start=_iso(start),
        end=_iso(_until(start, end)),
        all_day=not isinstance(start, datetime),
        zone=zone or ("UTC" if isinstance(start, datetime) and start.tzinfo else ""),
        place=_text(event.get("LOCATION")),
        organiser=_person(event.get("ORGANIZER")),
        attendee=_person(one),
        answer=_ANSWERS.get(_text(one.params.get("PARTSTAT")).upper(), "") if one is not None else "",
        repeats=_repeats(event.get("RRULE")),
    )


def _until(start: date, end: Any) -> date:
    """The end, or the start when there is none or it lies before it; of whole days the last one."""
    if isinstance(start, datetime):
        if not isinstance(end, datetime) or (end.tzinfo is None) != (start.tzinfo is None) or end < start:
            return start
        return end
    if isinstance(end, datetime):
        end = end.date()
    return end - timedelta(days=1) if isinstance(end, date) and end > start else start


def _iso(moment: date) -> str:
    """With the offset of its own zone, seconds left out of zero."""
    if isinstance(moment, datetime):
        return moment.isoformat(timespec="minutes")
    return datetime.combine(moment, time()).date().isoformat()


def _text(value: Any) -> str:
    return " ".join(str(value).split())[:MAX_TEXT] if value is not None else ""


def _person(value: Any) -> str:
    """A name, or the address when there is none."""
    if value is None:
        return ""
    name = _text(getattr(value, "params", {}).get("CN"))
    address = _text(value)
    return name.strip("\"'") or re.sub(r"(?i)^mailto:", "", address)


def _repeats(rule: Any) -> str:
    """How often, in a word of RFC 5545 in lower case; '' for once."""
    if not isinstance(rule, dict):
        return ""
    often = rule.get("FREQ")
    word = _text(often[0] if isinstance(often, list) and often else often).upper()
    return word.lower() if word in _FREQUENCIES else ""
