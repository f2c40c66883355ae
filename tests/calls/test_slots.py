"""When somebody can be called back: in business hours, by day where they are, never in the past."""

from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

from hypothesis import given
from hypothesis import strategies as st

from wasl.accounts.hours import Closed, Hours, always
from wasl.calls.slots import LEAD, LENGTH, again, is_polite, slot_at, slots, zone_of

ROME, TOKYO, CASABLANCA = ZoneInfo("Europe/Rome"), ZoneInfo("Asia/Tokyo"), ZoneInfo("Africa/Casablanca")
OFFICE = Hours(ROME, [[(540, 1020)]] * 5 + [[], []])  # type: ignore[arg-type]
FRIDAY = datetime(2026, 2, 13, 15, 10, tzinfo=UTC)  # 16:10 in Rome


def test_times_are_spread_and_skip_the_weekend() -> None:
    found = [slot.start.astimezone(ROME).strftime("%a %H:%M") for slot in slots(OFFICE, FRIDAY, ROME, 5)]
    assert found == ["Fri 16:30", "Mon 09:00", "Mon 10:30", "Mon 12:00", "Mon 13:30"]


def test_nobody_is_rung_up_at_night_where_they_are() -> None:
    found = [slot.start.astimezone(TOKYO).strftime("%a %H:%M") for slot in slots(OFFICE, FRIDAY, TOKYO, 3)]
    assert found == ["Mon 17:00", "Mon 18:30", "Mon 20:00"]


def test_a_holiday_is_no_time() -> None:
    shut = Hours(ROME, OFFICE.week, (Closed(date(2026, 2, 16), date(2026, 2, 18)),))
    assert slots(shut, FRIDAY, ROME, 2)[1].start.astimezone(ROME).strftime("%d %H:%M") == "19 09:00"


def test_a_business_that_is_never_there_offers_nothing() -> None:
    never = Hours(ROME, ((), (), (), (), (), (), ()))
    assert slots(never, FRIDAY, ROME) == []
    assert again(never, FRIDAY, ROME, 1) is None


def test_a_time_is_taken_only_when_we_are_there_for_all_of_it() -> None:
    def at(hour: int, minute: int) -> datetime:
        return datetime(2026, 2, 16, hour, minute, tzinfo=ROME)

    assert slot_at(OFFICE, at(9, 0), ROME)
    assert slot_at(OFFICE, at(16, 30), ROME)
    assert slot_at(OFFICE, at(16, 45), ROME) is None
    assert slot_at(OFFICE, at(8, 45), ROME) is None
    assert slot_at(always(ROME), at(23, 0), ROME) is None


def test_who_was_not_reached_is_tried_later_and_later() -> None:
    found = [again(OFFICE, FRIDAY, ROME, tries) for tries in (1, 2, 3, 9)]
    shown = [slot.start.astimezone(ROME).strftime("%a %H:%M") for slot in found if slot]
    assert shown == ["Mon 09:00", "Mon 10:30", "Mon 12:30", "Mon 12:30"]


@given(
    st.datetimes(datetime(2025, 1, 1), datetime(2027, 12, 31)),  # noqa: DTZ001
    st.sampled_from([ROME, TOKYO, CASABLANCA, ZoneInfo("America/New_York")]),
    st.lists(st.tuples(st.integers(0, 20), st.integers(1, 8)), min_size=7, max_size=7),
)
def test_every_time_offered_is_one_that_may_be_taken(
    moment: datetime, zone: ZoneInfo, days: list[tuple[int, int]]
) -> None:
    week = tuple(((start * 60, min(start + length, 24) * 60),) for start, length in days)
    hours, at = Hours(ROME, week), moment.replace(tzinfo=UTC)
    found = slots(hours, at, zone, 4)
    assert found == sorted(found, key=lambda slot: slot.start)
    for slot in found:
        assert slot.end - slot.start == LENGTH
        assert slot.start >= at + LEAD
        assert is_polite(slot.start, zone)
        assert slot_at(hours, slot.start, zone) == slot


def test_a_number_tells_the_time_zone_where_there_is_only_one() -> None:
    assert str(zone_of("+393331112222")) == "Europe/Rome"
    assert str(zone_of("+212612345678")) == "Africa/Casablanca"
    assert str(zone_of("+33612345678")) == "Europe/Paris"
    assert str(zone_of("+12125550100")) == "America/New_York"
    assert zone_of("+18005550100") is None  # toll free: all of North America
    assert zone_of("nobody") is None
    assert timedelta(0) < LEAD
