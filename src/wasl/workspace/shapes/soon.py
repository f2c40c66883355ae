"""The moments that a conversation can be put off to, in the workspace's time zone."""

from dataclasses import dataclass
from datetime import datetime, time, timedelta

from django.utils import timezone
from django.utils.translation import gettext as _

from wasl.kit import clock
from wasl.workspace.format import later

MORNING = time(9)
HOURS = 3
REPLY = "reply"
AT = "at"


@dataclass(frozen=True, slots=True)
class Choice:
    """One of them: what it is called, and when that is."""

    key: str
    label: str
    at: datetime | None
    when: str


def choices() -> list[Choice]:
    """What the menu offers; later today only while there is a later today."""
    names = {"today": _("Later today"), "tomorrow": _("Tomorrow morning"), "week": _("Next week")}
    moments = ((key, moment_of(key)) for key in names)
    found: list[Choice] = []
    for key, at in moments:
        if at and at not in [choice.at for choice in found]:  # on a Sunday, next week begins tomorrow
            found.append(Choice(key, names[key], at, later(at)))
    return [*found, Choice(REPLY, _("Until they reply"), None, "")]


def moment_of(key: str) -> datetime | None:
    """The moment of a choice; None for none."""
    here = timezone.localtime(clock.now())
    if key == "today":
        at = _rounded(here + timedelta(hours=HOURS))
        return at if at.date() == here.date() else None
    if key == "tomorrow":
        return _morning(here, 1)
    if key == "week":
        return _morning(here, 7 - here.weekday())
    return None


def read(text: str) -> datetime | None:
    """The moment that someone chose (`2026-02-10T09:30`), as their clock shows it; None for no moment."""
    try:
        chosen = datetime.fromisoformat(text)
    except ValueError:
        return None
    return chosen.replace(tzinfo=timezone.get_current_timezone()) if chosen.tzinfo is None else None


def _rounded(at: datetime) -> datetime:
    """The next quarter of an hour."""
    return at.replace(minute=0, second=0, microsecond=0) + timedelta(minutes=-(-at.minute // 15) * 15)


def _morning(here: datetime, days: int) -> datetime:
    return datetime.combine(here.date() + timedelta(days=days), MORNING, here.tzinfo)
