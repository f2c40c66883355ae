"""Reckoning with business hours: pure functions over a week of hours, holidays and a time zone.

Hours are said in wall-clock time and reckoned in real time. An instant is open when the clock on the wall, read at that
instant, shows a minute of that date's hours. So an hour that the clock skips in spring is not there, one that it shows
twice in autumn counts twice, and 22:00-02:00 belongs to the day on which it begins.
"""

import heapq
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time, timedelta
from functools import cache
from itertools import pairwise
from zoneinfo import ZoneInfo

DAY = 1440
"""Minutes."""
LONGEST = 800
"""Days after which we stop looking for an open minute: more than two years of holidays is a closed business."""
SHIFTS = 6
"""Shifts of one day, at most."""

Span = tuple[datetime, datetime]
Week = Sequence[Sequence[Sequence[int]]]


@dataclass(frozen=True, slots=True)
class Closed:
    """Days on which nobody is there, both included; `yearly`: the same days of every year."""

    first: date
    last: date
    yearly: bool = False
    name: str = ""

    def covers(self, day: date) -> bool:
        """Whether a date falls into it. A 29 February comes only in leap years."""
        if not self.yearly:
            return self.first <= day <= self.last
        lowest, highest = (self.first.month, self.first.day), (self.last.month, self.last.day)
        here = (day.month, day.day)
        if lowest <= highest:
            return lowest <= here <= highest
        return here >= lowest or here <= highest  # over New Year


@dataclass(frozen=True)
class Hours:
    """When a business is open. Raises ValueError when the week is not seven days of hours (see `checked`)."""

    zone: ZoneInfo
    week: tuple[tuple[tuple[int, int], ...], ...]
    holidays: tuple[Closed, ...] = ()
    _days: tuple[tuple[tuple[int, int], ...], ...] = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "week", checked(self.week))
        object.__setattr__(self, "_days", _by_date(self.week))

    def is_holiday(self, day: date) -> bool:
        """Whether that date is closed whatever the day of the week."""
        return any(each.covers(day) for each in self.holidays)

    def open_at(self, at: datetime) -> bool:
        """Whether somebody is there at that instant."""
        here = at.astimezone(self.zone)
        minute = here.hour * 60 + here.minute
        return not self.is_holiday(here.date()) and any(
            start <= minute < end for start, end in self._days[here.weekday()]
        )

    def next_opening(self, at: datetime) -> datetime | None:
        """`at` itself while it is open, else the next instant that is; None when there is none within two years."""
        span = next(self.spans(at), None)
        return max(at, span[0]) if span else None

    def next_closing(self, at: datetime) -> datetime | None:
        """When the hours end that are open at `at` or open next; None as above, or when they never end."""
        end = None
        for start, stop in self.spans(at):
            if end is not None and start > end:
                return end
            end = stop
            if end - at > timedelta(days=8):
                return None
        return end

    def add_business_time(self, at: datetime, duration: timedelta) -> datetime | None:
        """The first instant by which that much open time has passed since `at`; None when it never does."""
        if duration <= timedelta(0):
            return at
        left = duration
        for start, end in self.spans(at):
            begin = max(start, at)
            if end - begin >= left:
                return begin + left
            left -= end - begin
        return None

    def business_time_between(self, begin: datetime, end: datetime) -> timedelta:
        """How much open time lies between two instants; nothing when they are the wrong way round."""
        total = timedelta(0)
        for start, stop in self.spans(begin):
            if start >= end:
                break
            total += max(timedelta(0), min(stop, end) - max(start, begin))
        return total

    def spans(self, at: datetime) -> Iterator[Span]:
        """The open spans that end after `at`, in order, in UTC; those that touch are not joined."""
        at = at.astimezone(UTC)
        if not any(self._days):
            return
        first = at.astimezone(self.zone).date() - timedelta(days=1)
        waiting: list[Span] = []
        for number in range(LONGEST):
            day = first + timedelta(days=number)
            for span in self._of_date(day):
                heapq.heappush(waiting, span)
            # Where the clock goes back over midnight, a date begins before the one before it has ended.
            settled = _utc(day, self.zone) - timedelta(hours=3)
            while waiting and waiting[0][0] < settled:
                span = heapq.heappop(waiting)
                if span[1] > at:
                    yield span
        while waiting:
            span = heapq.heappop(waiting)
            if span[1] > at:
                yield span

    def _of_date(self, day: date) -> list[Span]:
        shifts = self._days[day.weekday()]
        if not shifts or self.is_holiday(day):
            return []
        midnight = datetime.combine(day, time(), UTC)
        return [
            (max(midnight + timedelta(minutes=start) - offset, begin), min(stop, until))
            for begin, until, offset in _offsets(day, self.zone)
            for start, end in shifts
            if (stop := midnight + timedelta(minutes=end) - offset) > begin
            and midnight + timedelta(minutes=start) - offset < until
        ]


def checked(week: Week) -> tuple[tuple[tuple[int, int], ...], ...]:
    """The hours of seven days, from Monday, each day's in order. Raises ValueError: days, shape, overlap."""
    if len(week) != 7:
        raise ValueError("days")
    days = []
    for day in week:
        shifts = sorted((int(start), int(end)) for start, end in day)
        if len(shifts) > SHIFTS or any(not 0 <= a < DAY or not a < b <= a + DAY for a, b in shifts):
            raise ValueError("shape")
        if any(later[0] < earlier[1] for earlier, later in pairwise(shifts)):
            raise ValueError("overlap")
        days.append(tuple(shifts))
    for number, day in enumerate(days):
        following = days[(number + 1) % 7]
        if day and following and day[-1][1] - DAY > following[0][0]:
            raise ValueError("overlap")
    return tuple(days)


def _by_date(week: Sequence[Sequence[tuple[int, int]]]) -> tuple[tuple[tuple[int, int], ...], ...]:
    """The minutes of each day of the week that are open, shifts over midnight cut in two."""
    dates: list[list[tuple[int, int]]] = [[] for _ in range(7)]
    for number, day in enumerate(week):
        for start, end in day:
            dates[number].append((start, min(end, DAY)))
            if end > DAY:
                dates[(number + 1) % 7].append((0, end - DAY))
    return tuple(tuple(sorted(day)) for day in dates)


@cache
def _offsets(day: date, zone: ZoneInfo) -> tuple[tuple[datetime, datetime, timedelta], ...]:
    """The offsets from UTC that hold about a date, each with the instants from and until which it does."""
    low = datetime.combine(day, time(), UTC) - timedelta(days=1)
    high = low + timedelta(days=3)
    before, after = _offset(low, zone), _offset(high, zone)
    if before == after:
        return ((low, high, before),)
    start, end = low, high
    while end - start > timedelta(seconds=1):
        middle = start + (end - start) / 2
        if _offset(middle, zone) == before:
            start = middle
        else:
            end = middle
    change = end.replace(microsecond=0)
    return (low, change, before), (change, high, after)


def _offset(at: datetime, zone: ZoneInfo) -> timedelta:
    return at.astimezone(zone).utcoffset() or timedelta(0)


def _utc(day: date, zone: ZoneInfo) -> datetime:
    return datetime.combine(day, time(), zone).astimezone(UTC)


def always(zone: ZoneInfo) -> Hours:
    """Hours that never close, for a workspace that has not said when it is there."""
    return Hours(zone, tuple(((0, DAY),) for _ in range(7)))


def written(shifts: Iterable[tuple[int, int]]) -> list[str]:
    """`09:00–13:00` for each shift."""
    return [f"{clock(start)}–{clock(end)}" for start, end in shifts]


def clock(minute: int) -> str:
    """`17:30` of a minute of the day; the end of a day is `24:00`, of a shift over midnight the next day's time."""
    if minute > DAY:
        minute -= DAY
    return f"{minute // 60:02d}:{minute % 60:02d}"
