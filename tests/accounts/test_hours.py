"""Business hours, held against an oracle that looks at every minute."""

from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from wasl.accounts.hours import DAY, Closed, Hours, always, checked

MINUTE = timedelta(minutes=1)
# Clocks that change at midnight, over midnight, by half an hour, by a whole day, and not at all.
ZONES = (
    "Europe/Paris", "Asia/Beirut", "America/Sao_Paulo", "Australia/Lord_Howe", "Pacific/Apia", "America/St_Johns",
    "Asia/Kathmandu", "Africa/Tunis", "Africa/Cairo", "UTC",
)  # fmt: skip
CHANGES = [
    datetime(2026, 3, 29, 1, tzinfo=UTC),
    datetime(2026, 10, 25, 1, tzinfo=UTC),
    datetime(2022, 3, 26, 22, tzinfo=UTC),
    datetime(2022, 10, 29, 21, tzinfo=UTC),
    datetime(2018, 2, 18, 2, tzinfo=UTC),
    datetime(2018, 11, 4, 3, tzinfo=UTC),
    datetime(2011, 12, 30, 10, tzinfo=UTC),
    datetime(2011, 11, 6, 2, 31, tzinfo=UTC),
    datetime(2026, 4, 4, 15, tzinfo=UTC),
    datetime(2026, 10, 29, 21, tzinfo=UTC),
    datetime(2026, 12, 31, 23, tzinfo=UTC),
]


@st.composite
def weeks(draw: st.DrawFn) -> list[list[tuple[int, int]]]:
    """Up to three shifts a day, the last of which may go on after midnight."""
    days = []
    for _ in range(7):
        edges = sorted(draw(st.sets(st.integers(0, DAY - 1).map(lambda m: m // 5 * 5), max_size=6)))
        days.append([(a, b) for a, b in zip(edges[::2], edges[1::2], strict=False)])
    for number in range(7):
        following = days[(number + 1) % 7]
        room = following[0][0] if following else 400
        if room and draw(st.booleans()):
            start = days[number][-1][1] if days[number] else 1300
            if start < DAY:
                days[number].append((start, DAY + draw(st.integers(0, min(room, start)))))
    return days


@st.composite
def cases(draw: st.DrawFn) -> tuple[Hours, datetime]:
    """Hours and an instant near one of the changes of the clock."""
    zone = ZoneInfo(draw(st.sampled_from(ZONES)))
    change = draw(st.sampled_from(CHANGES))
    day = (change + timedelta(days=draw(st.integers(-2, 3)))).date()
    holidays = draw(
        st.lists(
            st.builds(
                lambda first, length, yearly: Closed(first, first + timedelta(days=length), yearly),
                st.sampled_from([day, day + timedelta(days=1), date(2024, 2, 29), date(2025, 12, 31)]),
                st.integers(0, 2),
                st.booleans(),
            ),
            max_size=2,
        )
    )
    at = change + timedelta(minutes=draw(st.integers(-2 * DAY, 2 * DAY)))
    return Hours(zone, tuple(map(tuple, draw(weeks()))), tuple(holidays)), at


def is_open(hours: Hours, at: datetime) -> bool:
    """The oracle: what the clock on the wall shows, and nothing else."""
    here = at.astimezone(hours.zone)
    minute, today = here.hour * 60 + here.minute, here.date()
    if any(each.covers(today) for each in hours.holidays):
        return False
    yesterday = hours.week[(here.weekday() - 1) % 7]
    return any(a <= minute < b for a, b in hours.week[here.weekday()]) or any(
        minute + DAY < b for _, b in yesterday
    )


@given(cases())
@settings(max_examples=150, deadline=None)
def test_open_at_and_next_opening_agree_with_every_minute(case: tuple[Hours, datetime]) -> None:
    hours, at = case
    minutes = [at + n * MINUTE for n in range(3 * DAY)]
    expected = next((m for m in minutes if is_open(hours, m)), None)
    assert hours.open_at(at) == is_open(hours, at)
    found = hours.next_opening(at)
    if expected is not None:
        assert found == expected
    else:
        assert found is None or found > minutes[-1]


@given(cases(), st.integers(0, 2 * DAY))
@settings(max_examples=150, deadline=None)
def test_time_between_is_the_number_of_open_minutes(case: tuple[Hours, datetime], length: int) -> None:
    hours, at = case
    counted = sum(is_open(hours, at + n * MINUTE) for n in range(length))
    assert hours.business_time_between(at, at + length * MINUTE) == counted * MINUTE
    assert hours.business_time_between(at + length * MINUTE, at) == timedelta(0)


@given(cases(), st.integers(1, 1500))
@settings(max_examples=150, deadline=None)
def test_added_time_ends_after_as_many_open_minutes(case: tuple[Hours, datetime], wanted: int) -> None:
    hours, at = case
    left, moment = wanted, at
    for _ in range(4 * DAY):
        left -= is_open(hours, moment)
        moment += MINUTE
        if not left:
            break
    found = hours.add_business_time(at, wanted * MINUTE)
    if not left:
        assert found == moment
        assert hours.business_time_between(at, found) == wanted * MINUTE
    else:
        assert found is None or found > moment


@given(cases())
@settings(max_examples=100, deadline=None)
def test_spans_come_in_order_and_never_overlap(case: tuple[Hours, datetime]) -> None:
    hours, at = case
    last = at - timedelta(days=9)
    for (start, end), _ in zip(hours.spans(at), range(60), strict=False):
        assert last <= start < end
        last = end


OFFICE = Hours(
    ZoneInfo("Africa/Tunis"),
    (*([((540, 780), (900, 1080))] * 5), ((540, 780),), ()),
    (Closed(date(2026, 3, 20), date(2026, 3, 20), yearly=True, name="Independence Day"),),
)


def at(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=ZoneInfo("Africa/Tunis"))


def test_a_split_day_rests_at_noon() -> None:
    assert OFFICE.open_at(at("2026-11-23 12:59"))
    assert not OFFICE.open_at(at("2026-11-23 13:00"))
    assert OFFICE.next_opening(at("2026-11-23 13:00")) == at("2026-11-23 15:00")
    assert OFFICE.add_business_time(at("2026-11-23 12:00"), timedelta(hours=2)) == at("2026-11-23 16:00")
    assert OFFICE.next_closing(at("2026-11-23 12:00")) == at("2026-11-23 13:00")


def test_a_night_on_sunday_opens_on_monday_and_holidays_close() -> None:
    assert OFFICE.next_opening(at("2026-11-22 03:00")) == at("2026-11-23 09:00")
    assert OFFICE.next_opening(at("2027-03-19 18:00")) == at("2027-03-22 09:00")
    assert OFFICE.is_holiday(date(2030, 3, 20))
    assert not OFFICE.is_holiday(date(2030, 3, 21))


def test_hours_that_never_open_and_hours_that_never_close() -> None:
    never = Hours(ZoneInfo("UTC"), ((),) * 7)
    assert never.next_opening(at("2026-01-01")) is None
    assert never.add_business_time(at("2026-01-01"), MINUTE) is None
    assert never.business_time_between(at("2026-01-01"), at("2027-01-01")) == timedelta(0)
    ever = always(ZoneInfo("Europe/Rome"))
    assert ever.add_business_time(at("2026-01-01"), timedelta(days=30)) == at("2026-01-01") + timedelta(
        days=30
    )
    assert ever.next_closing(at("2026-01-01")) is None
    long_holiday = Hours(ZoneInfo("UTC"), (((0, DAY),),) * 7, (Closed(date(2020, 1, 1), date(2040, 1, 1)),))
    assert long_holiday.next_opening(at("2026-01-01")) is None


def test_a_holiday_over_new_year_is_yearly_too() -> None:
    closed = Closed(date(2025, 12, 30), date(2026, 1, 2), yearly=True)
    assert closed.covers(date(2031, 12, 31))
    assert closed.covers(date(2031, 1, 2))
    assert not closed.covers(date(2031, 1, 3))


@pytest.mark.parametrize(
    ("week", "why"),
    [
        ([[]] * 6, "days"),
        ([[(600, 540)], *[[]] * 6], "shape"),
        ([[(0, 3000)], *[[]] * 6], "shape"),
        ([[(-5, 60)], *[[]] * 6], "shape"),
        ([[(540, 700), (690, 800)], *[[]] * 6], "overlap"),
        ([[(1300, 1500)], [(30, 90)], *[[]] * 5], "overlap"),
        ([[(n, n + 1) for n in range(0, 70, 10)], *[[]] * 6], "shape"),
    ],
)
def test_hours_that_cannot_be(week: list[list[tuple[int, int]]], why: str) -> None:
    with pytest.raises(ValueError, match=why):
        checked(week)
