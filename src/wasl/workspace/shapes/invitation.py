"""A calendar invitation as a card: what it is, when in the reader's time zone and in its own, where, who asks."""

from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from django.utils import timezone
from django.utils.translation import gettext as _

from wasl.workspace import format as fmt


@dataclass(frozen=True, slots=True)
class Invitation:
    """`what` says it in words; `when` is the reader's time, `there` the event's own where that differs, or ''."""

    kind: str
    what: str
    title: str
    when: str
    there: str
    repeats: str
    place: str
    organiser: str


def invitation(stored: Mapping[str, Any] | None) -> Invitation | None:
    """The card of what was read when the message came (`channels.base.Invitation`); None without one."""
    if not stored:
        return None
    when, there = "", ""
    with suppress(KeyError, ValueError, OverflowError):
        when, there = _times(stored)
    if not when:
        return None
    return Invitation(
        kind=str(stored.get("method", "publish")),
        what=_what(stored),
        title=str(stored.get("title", "")),
        when=when,
        there=there,
        repeats=_repeats(str(stored.get("repeats", ""))),
        place=str(stored.get("place", "")),
        organiser=str(stored.get("organiser", "")),
    )


def _times(stored: Mapping[str, Any]) -> tuple[str, str]:
    start, end, zone = str(stored["start"]), str(stored["end"]), str(stored.get("zone", ""))
    if stored.get("all_day"):
        return fmt.days(date.fromisoformat(start), date.fromisoformat(end)), ""
    begins, ends = datetime.fromisoformat(start), datetime.fromisoformat(end)
    if begins.tzinfo is None:
        return fmt.span(begins, ends), _("in the time zone of %(zone)s") % {
            "zone": _plain(zone)
        } if zone else ""
    here = timezone.localtime(begins)
    there = ""
    if here.utcoffset() != begins.utcoffset() and zone not in ("", "UTC"):
        there = _("%(time)s in %(zone)s") % {"time": fmt.span(begins, ends), "zone": _plain(zone)}
    return fmt.span(here, timezone.localtime(ends)), there


def _plain(zone: str) -> str:
    """`Riyadh` of `Asia/Riyadh`; names that are not of that kind as they are."""
    return fmt.isolated(zone.rpartition("/")[2].replace("_", " "))


def _what(stored: Mapping[str, Any]) -> str:
    who = fmt.isolated(str(stored.get("attendee", "")))
    method = stored.get("method")
    if method == "reply" and who:
        return {
            "accepted": _("%(who)s accepted the invitation"),
            "declined": _("%(who)s declined the invitation"),
            "tentative": _("%(who)s may come"),
        }.get(str(stored.get("answer", "")), _("%(who)s answered the invitation")) % {"who": who}
    if method == "counter" and who:
        return _("%(who)s proposes another time") % {"who": who}
    return {
        "request": _("Invitation"),
        "update": _("Invitation, changed"),
        "cancel": _("Invitation, cancelled"),
        "reply": _("Answer to an invitation"),
        "counter": _("Another time is proposed"),
    }.get(str(method), _("Event"))


def _repeats(often: str) -> str:
    return {
        "daily": _("every day"),
        "weekly": _("every week"),
        "monthly": _("every month"),
        "yearly": _("every year"),
    }.get(often, "")
