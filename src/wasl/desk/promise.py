"""By when an answer can honestly be promised: reckoned with business hours, rounded to what people would write."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from statistics import median
from typing import Literal

from wasl.accounts.hours import Hours

ENOUGH = 12
"""Conversations of the last weeks that it takes to know better than what was configured."""
A_WEEK = 4
"""Of them in one week, for its median to count."""
LEAST = timedelta(minutes=45)
"""Nobody is promised an answer sooner than this in business time, however fast the team has been."""
MOST = timedelta(hours=200)
"""A median above it (five weeks of work) says that mail is not answered at all, and nothing is promised."""

Basis = Literal["median", "configured"]


@dataclass(frozen=True, slots=True)
class Wait:
    """How long a first answer takes, in business time, and how that is known."""

    time: timedelta
    basis: Basis
    samples: int


@dataclass(frozen=True, slots=True)
class Sample:
    """One conversation of the last weeks: how many weeks ago it began, and the business time to its first answer.

    One that is not answered yet counts with the time it has waited so far.
    """

    weeks_ago: int
    time: timedelta


def wait(samples: list[Sample], configured: timedelta) -> Wait:
    """The slowest of the last weeks' medians, so that no good week promises for a bad one; else what is configured."""
    if len(samples) >= ENOUGH:
        weeks: dict[int, list[timedelta]] = {}
        for sample in samples:
            weeks.setdefault(sample.weeks_ago, []).append(sample.time)
        medians = [_median(times) for times in weeks.values() if len(times) >= A_WEEK]
        if medians:
            return Wait(max(medians), "median", len(samples))
    return Wait(configured, "configured", len(samples))


def _median(times: list[timedelta]) -> timedelta:
    return timedelta(seconds=median(each.total_seconds() for each in times))


def due(hours: Hours, present: datetime, expected: timedelta) -> datetime | None:
    """By when to promise an answer that takes so long in business time; None when nothing can be promised.

    Rounded up to what the sentence will say, so that the promise is the sentence: to a full hour or the end of the
    shift today, to noon in the morning of a later day, to the end of the day when it is a week or more away.
    """
    if expected > MOST:
        return None
    exact = hours.add_business_time(present, max(expected, LEAST))
    if exact is None:
        return None
    here, today = exact.astimezone(hours.zone), present.astimezone(hours.zone).date()
    days = (here.date() - today).days
    if days > 6:
        return _end_of_day(hours, exact)
    if days and 5 <= here.hour < 12:
        return max(exact, here.replace(hour=12, minute=0, second=0, microsecond=0))
    return _full_hour(hours, exact)


def _full_hour(hours: Hours, exact: datetime) -> datetime:
    """The next full hour of the wall's clock, or the end of the shift when that comes first and can be said."""
    here = exact.astimezone(hours.zone)
    past = timedelta(minutes=here.minute, seconds=here.second, microseconds=here.microsecond)
    rounded = exact if not past else exact + (timedelta(hours=1) - past)
    closing = hours.next_closing(exact - timedelta(microseconds=1))
    if closing is not None and exact <= closing < rounded and closing.astimezone(hours.zone).minute % 15 == 0:
        return closing
    return rounded


def _end_of_day(hours: Hours, exact: datetime) -> datetime:
    """When the hours of that date end."""
    day = exact.astimezone(hours.zone).date()
    last = exact
    for start, end in hours.spans(exact):
        if start.astimezone(hours.zone).date() > day:
            break
        last = end
    return last
