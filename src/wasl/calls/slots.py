"""When somebody can be called back: half hours in which we are there and the customer is not asleep. Pure."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import lru_cache
from itertools import islice
from zoneinfo import ZoneInfo

from babel.core import get_global

from wasl.accounts.hours import Hours

LENGTH = timedelta(minutes=30)
LEAD = timedelta(minutes=10)
"""Nobody can be promised a call sooner."""
APART = timedelta(minutes=90)
"""Between two times that are offered for the same day."""
HORIZON = timedelta(days=14)
POLITE = (8, 21)
"""The hours of the customer's own clock between which one may ring."""
AGAIN = (timedelta(minutes=30), timedelta(hours=2), timedelta(hours=4))
"""Business time to wait after the first call that did not reach them, the second, and every later one."""


@dataclass(frozen=True, slots=True)
class Slot:
    """From when to when somebody is rung up; both in UTC."""

    start: datetime
    end: datetime


def slots(hours: Hours, at: datetime, zone: ZoneInfo, count: int = 6) -> list[Slot]:
    """The next times to offer a customer in that time zone, at `at`: spread over the day, at most `count`."""
    return list(islice(_spread(hours, at, zone), count))


def _spread(hours: Hours, at: datetime, zone: ZoneInfo) -> Iterator[Slot]:
    last: datetime | None = None
    for slot in _every(hours, at + LEAD, zone):
        if slot.start - at > HORIZON:
            return
        near = last is not None and slot.start - last < APART
        if near and last is not None and _day(slot.start, zone) == _day(last, zone):
            continue
        last = slot.start
        yield slot


def _every(hours: Hours, at: datetime, zone: ZoneInfo) -> Iterator[Slot]:
    """Every half hour from `at` on in which we are there and they may be rung up."""
    for begin, end in hours.spans(at):
        start = _rounded(max(begin, at))
        while start + LENGTH <= end:
            if is_polite(start, zone):
                yield Slot(start, start + LENGTH)
            start += LENGTH
            if start - at > HORIZON:
                return


def slot_at(hours: Hours, start: datetime, zone: ZoneInfo) -> Slot | None:
    """The half hour that begins then; None when we are not there for it, or the customer sleeps."""
    end = start + LENGTH
    if hours.business_time_between(start, end) < LENGTH or not is_polite(start, zone):
        return None
    return Slot(start, end)


def again(hours: Hours, at: datetime, zone: ZoneInfo, tries: int) -> Slot | None:
    """When to ring next after so many calls that did not reach them; None when we are never there."""
    earliest = hours.add_business_time(at, AGAIN[min(tries, len(AGAIN)) - 1])
    return next(_every(hours, earliest, zone), None) if earliest else None


def is_polite(at: datetime, zone: ZoneInfo) -> bool:
    """Whether one may ring somebody up in that time zone."""
    return POLITE[0] <= at.astimezone(zone).hour < POLITE[1]


def _day(at: datetime, zone: ZoneInfo) -> int:
    return at.astimezone(zone).date().toordinal()


def _rounded(at: datetime) -> datetime:
    """The next half hour on the clock."""
    over = timedelta(minutes=at.minute % 30, seconds=at.second, microseconds=at.microsecond)
    return at if not over else at - over + LENGTH


@lru_cache(1024)
def zone_of(number: str) -> ZoneInfo | None:
    """The time zone of a telephone number (E.164): its country's, or its region's where that tells one clock.

    Source: the territories of CLDR, and for countries with several zones the prefixes of libphonenumber.
    """
    from phonenumbers import NumberParseException, parse, region_code_for_number  # 7 MB, seldom needed
    from phonenumbers.timezone import time_zones_for_number

    try:
        parsed = parse(number)
    except NumberParseException:
        return None
    names = get_global("territory_zones").get(region_code_for_number(parsed) or "", ())
    if len(names) != 1:
        names = [name for name in time_zones_for_number(parsed) if name != "Etc/Unknown"]
    zones = [ZoneInfo(name) for name in names]
    return zones[0] if len({_clock(zone) for zone in zones}) == 1 else None


def _clock(zone: ZoneInfo) -> tuple[timedelta | None, ...]:
    """How a zone's clock runs, in winter and in summer."""
    return tuple(datetime(2026, month, 15, 12, tzinfo=zone).utcoffset() for month in (1, 7))
