"""Points in time as people write them to a customer, in each of the four languages: "tomorrow morning".

Written in each language, not translated word by word. What is said is a day and an hour of the business's own clock;
`promise` is by when, `opening` is when.
"""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from zoneinfo import ZoneInfo

from babel import Locale

NIGHT, NOON = 5, 12
HARD = "\u00a0"


@dataclass(frozen=True, slots=True)
class When:
    """A point in time seen from the day on which it is said. `days` is 0 for today; `hour` 24 ends the day."""

    days: int
    day: date
    hour: int
    minute: int

    @classmethod
    def of(cls, at: datetime, present: datetime, zone: ZoneInfo) -> "When":
        """What the clock on the wall shows at `at`; midnight is the end of the day before."""
        here, today = at.astimezone(zone), present.astimezone(zone).date()
        if (here.hour, here.minute) == (0, 0) and here.date() > today:
            day = here.date() - timedelta(days=1)
            return cls((day - today).days, day, 24, 0)
        return cls((here.date() - today).days, here.date(), here.hour, here.minute)

    @property
    def morning(self) -> bool:
        """Whether "in the morning" is true of it: after the night, up to noon."""
        return NIGHT <= self.hour < NOON or (self.hour, self.minute) == (NOON, 0)

    @property
    def far(self) -> bool:
        """Whether the name of the day alone would be mistaken for this week's."""
        return self.days > 6


def promise(language: str, due: datetime, present: datetime, zone: ZoneInfo) -> str:
    """By when, as the end of "We will answer you …": `today before 17:00`, `tomorrow morning`."""
    return _PROMISES[language](When.of(due, present, zone))


def opening(language: str, at: datetime, present: datetime, zone: ZoneInfo) -> str:
    """When, as the end of "We open again …": `tomorrow at 9:00`."""
    return _OPENINGS[language](When.of(at, present, zone))


def _names(language: str, day: date) -> tuple[str, str]:
    """The names of the day and of the month."""
    locale = Locale.parse(language)
    return locale.days["format"]["wide"][day.weekday()], locale.months["format"]["wide"][day.month]


# English


def _en_day(when: When) -> str:
    name, month = _names("en", when.day)
    if when.days < 2:
        return ("today", "tomorrow")[when.days]
    return f"on {name} {when.day.day} {month}" if when.far else f"on {name}"


def _en_clock(when: When) -> str:
    if when.hour == 24:
        return "midnight"
    return "noon" if (when.hour, when.minute) == (12, 0) else f"{when.hour}:{when.minute:02d}"


def _en_promise(when: When) -> str:
    if when.far:
        return _en_day(when)
    if when.days == 1 and when.morning:
        return "tomorrow morning"
    if when.days == 1 and when.hour < NIGHT:
        return f"tonight before {_en_clock(when)}"
    if when.days > 1 and when.morning:
        return f"{_en_day(when)} before noon"
    return f"{_en_day(when)} before {_en_clock(when)}"


def _en_opening(when: When) -> str:
    return f"{_en_day(when)} at {_en_clock(when)}"


# French


def _fr_day(when: When) -> str:
    name, month = _names("fr", when.day)
    if when.days < 2:
        return ("aujourd’hui", "demain")[when.days]
    first = "1er" if when.day.day == 1 else str(when.day.day)
    return f"{name} {first}{HARD}{month}" if when.far else name


def _fr_clock(when: When) -> str:
    if when.hour == 24:
        return "minuit"
    if (when.hour, when.minute) == (12, 0):
        return "midi"
    return f"{when.hour}{HARD}h" + (f"{HARD}{when.minute:02d}" if when.minute else "")


def _fr_promise(when: When) -> str:
    if when.far:
        return _fr_day(when)
    if when.days == 1 and when.morning:
        return "demain dans la matinée"
    if when.days == 1 and when.hour < NIGHT:
        return f"cette nuit avant {_fr_clock(when)}"
    if when.days > 1 and when.morning:
        return f"{_fr_day(when)} avant midi"
    return f"{_fr_day(when)} avant {_fr_clock(when)}"


def _fr_opening(when: When) -> str:
    return f"{_fr_day(when)} à {_fr_clock(when)}"


# Italian


def _it_day(when: When) -> str:
    name, month = _names("it", when.day)
    if when.days < 2:
        return ("oggi", "domani")[when.days]
    first = "1º" if when.day.day == 1 else str(when.day.day)
    return f"{name} {first} {month}" if when.far else name


def _it_clock(when: When, article: str, elided: str) -> str:
    """With its article: `le 17:30`, `alle 9`, `l’1`, `mezzogiorno`."""
    lead = {"le": "", "alle": "a"}[article]
    if when.hour == 24:
        return f"{lead} mezzanotte".strip()
    if (when.hour, when.minute) == (12, 0):
        return f"{lead} mezzogiorno".strip()
    minutes = f":{when.minute:02d}" if when.minute else ""
    return f"{elided}1{minutes}" if when.hour == 1 else f"{article} {when.hour}{minutes}"


def _it_promise(when: When) -> str:
    by = f"entro {_it_clock(when, 'le', 'l’')}"
    if when.far:
        return _it_day(when)
    if when.days == 1 and when.morning:
        return "domani mattina"
    if when.days == 1 and when.hour < NIGHT:
        return f"stanotte {by}"
    if when.days > 1 and when.morning:
        return f"{_it_day(when)} entro mezzogiorno"
    return f"{_it_day(when)} {by}"


def _it_opening(when: When) -> str:
    return f"{_it_day(when)} {_it_clock(when, 'alle', 'all’')}"


# Arabic

_AR_HOURS = (
    "الثانية عشرة", "الواحدة", "الثانية", "الثالثة", "الرابعة", "الخامسة", "السادسة", "السابعة", "الثامنة", "التاسعة",
    "العاشرة", "الحادية عشرة",
)  # fmt: skip
_AR_PARTS = (
    (4, "ليلًا"),
    (NIGHT, "فجرًا"),
    (12, "صباحًا"),
    (15, "ظهرًا"),
    (17, "عصرًا"),
    (21, "مساءً"),
    (24, "ليلًا"),
)
_AR_QUARTERS = {0: "", 15: " والربع", 30: " والنصف"}


def _ar_day(when: When) -> str:
    name, month = _names("ar", when.day)
    if when.days < 2:
        return ("اليوم", "غدًا")[when.days]
    return f"يوم {name} {when.day.day} {month}" if when.far else f"يوم {name}"


def _ar_clock(when: When) -> str:
    """The hour in words: `الخامسة والنصف مساءً`."""
    part = next(name for end, name in _AR_PARTS if when.hour < end)
    if when.minute == 45:
        return f"{_AR_HOURS[(when.hour + 1) % 12]} إلا ربعًا {part}"
    minutes = _AR_QUARTERS.get(when.minute, f" و{when.minute} دقيقة")
    return f"{_AR_HOURS[when.hour % 12]}{minutes} {part}"


def _ar_before(when: When) -> str:
    if when.hour == 24:
        return "قبل منتصف الليل"
    return "قبل الظهر" if (when.hour, when.minute) == (12, 0) else f"قبل الساعة {_ar_clock(when)}"


def _ar_promise(when: When) -> str:
    if when.far:
        return _ar_day(when)
    if when.days == 1 and when.morning:
        return "صباح الغد"
    if when.days == 1 and when.hour < NIGHT:
        return f"الليلة {_ar_before(when)}"
    if when.days > 1 and when.morning:
        return f"{_ar_day(when)} قبل الظهر"
    return f"{_ar_day(when)} {_ar_before(when)}"


def _ar_opening(when: When) -> str:
    if when.hour == 24:
        return f"{_ar_day(when)} عند منتصف الليل"
    return f"{_ar_day(when)} الساعة {_ar_clock(when)}"


Say = Callable[[When], str]
_PROMISES: dict[str, Say] = {"ar": _ar_promise, "fr": _fr_promise, "it": _it_promise, "en": _en_promise}
_OPENINGS: dict[str, Say] = {"ar": _ar_opening, "fr": _fr_opening, "it": _it_opening, "en": _en_opening}
