"""What is promised, and the sentence it becomes."""

from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from wasl.accounts.hours import Closed, Hours, always
from wasl.desk import sentences
from wasl.desk.promise import LEAST, Sample, due, wait

TUNIS = ZoneInfo("Africa/Tunis")
# Monday to Friday 9–13 and 15–18, Saturday 9–13; 25 December closed.
SHOP = Hours(
    TUNIS,
    (*([((540, 780), (900, 1080))] * 5), ((540, 780),), ()),
    (Closed(date(2026, 12, 25), date(2026, 12, 25)),),
)
LANGUAGES = ("en", "fr", "it", "ar")


def at(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=TUNIS)


def each(said: str) -> list[str]:
    """One sentence a language; ~ stands for a space that does not break."""
    return said.replace("~", "\u00a0").split(" | ")


def say(present: str, hours: float, language: str = "en", calendar: Hours = SHOP) -> str:
    when = due(calendar, at(present), timedelta(hours=hours))
    assert when is not None
    return sentences.promise(language, when, at(present), calendar.zone)


@pytest.mark.parametrize(
    ("present", "hours", "said"),
    [
        # Monday 23 November 2026
        (
            "2026-11-23 09:10",
            2,
            "today before noon | aujourd’hui avant midi | oggi entro mezzogiorno | اليوم قبل الظهر",
        ),
        (
            "2026-11-23 12:10",
            2,
            "today before 17:00 | aujourd’hui avant 17~h | oggi entro le 17 | اليوم قبل الساعة الخامسة مساءً",
        ),
        (
            "2026-11-23 15:00",
            2.6,
            "today before 18:00 | aujourd’hui avant 18~h | oggi entro le 18 | اليوم قبل الساعة السادسة مساءً",
        ),
        (
            "2026-11-23 17:30",
            1,
            "tomorrow morning | demain dans la matinée | domani mattina | صباح الغد",
        ),
        (
            "2026-11-23 17:30",
            6,
            "tomorrow before 17:00 | demain avant 17~h | domani entro le 17 | غدًا قبل الساعة الخامسة مساءً",
        ),
        (
            "2026-11-21 12:30",
            2,
            "on Monday before noon | lundi avant midi | lunedì entro mezzogiorno | يوم الاثنين قبل الظهر",
        ),
        (
            "2026-11-22 20:00",
            6,
            "tomorrow before 17:00 | demain avant 17~h | domani entro le 17 | غدًا قبل الساعة الخامسة مساءً",
        ),
        (
            "2026-11-21 14:00",
            5.5,
            "on Monday before 17:00 | lundi avant 17~h | "
            "lunedì entro le 17 | يوم الاثنين قبل الساعة الخامسة مساءً",
        ),
        (
            "2026-11-23 09:00",
            52,
            "on Tuesday 1 December | mardi 1er~décembre | martedì 1º dicembre | يوم الثلاثاء 1 ديسمبر",
        ),
    ],
)
def test_sentences_people_would_write(present: str, hours: float, said: str) -> None:
    assert [say(present, hours, language) for language in LANGUAGES] == each(said)


def test_the_end_of_a_shift_is_said_when_it_comes_before_the_full_hour() -> None:
    half = Hours(TUNIS, (((540, 1050),),) * 7)
    spoken = [say("2026-11-23 16:00", 1.2, language, half) for language in LANGUAGES]
    assert spoken == [
        "today before 17:30", "aujourd’hui avant 17\u00a0h\u00a030", "oggi entro le 17:30",
        "اليوم قبل الساعة الخامسة والنصف مساءً",
    ]  # fmt: skip


def test_who_never_closes_answers_at_night_too() -> None:
    ever = always(TUNIS)
    assert say("2026-11-23 23:10", 2, calendar=ever) == "tonight before 2:00"
    assert say("2026-11-23 22:10", 1.5, calendar=ever) == "today before midnight"
    assert [say("2026-11-23 23:10", 1, language, ever) for language in LANGUAGES] == [
        "tonight before 1:00", "cette nuit avant 1\u00a0h", "stanotte entro l’1", "الليلة قبل الساعة الواحدة ليلًا",
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("moment", "said"),
    [
        (
            "2026-11-23 09:00",
            "today at 9:00 | aujourd’hui à 9~h | oggi alle 9 | اليوم الساعة التاسعة صباحًا",
        ),
        (
            "2026-11-24 08:45",
            "tomorrow at 8:45 | demain à 8~h~45 | domani alle 8:45 | غدًا الساعة التاسعة إلا ربعًا صباحًا",
        ),
        (
            "2026-11-26 12:00",
            "on Thursday at noon | jeudi à midi | "
            "giovedì a mezzogiorno | يوم الخميس الساعة الثانية عشرة ظهرًا",
        ),
        (
            "2026-12-11 13:15",
            "on Friday 11 December at 13:15 | vendredi 11~décembre à 13~h~15 | "
            "venerdì 11 dicembre alle 13:15 | يوم الجمعة 11 ديسمبر الساعة الواحدة والربع ظهرًا",
        ),
    ],
)
def test_openings(moment: str, said: str) -> None:
    present = at("2026-11-23 07:00")
    assert [sentences.opening(code, at(moment), present, TUNIS) for code in LANGUAGES] == each(said)


@given(
    st.datetimes(datetime(2026, 1, 1), datetime(2027, 6, 1)),  # noqa: DTZ001 - given a zone below
    st.integers(1, 12_000),
    st.sampled_from(
        [SHOP, always(ZoneInfo("Europe/Paris")), Hours(ZoneInfo("Asia/Beirut"), (((1380, 1700),),) * 7)]
    ),
)
@settings(max_examples=300, deadline=None)
def test_a_promise_is_never_sooner_than_what_was_measured_and_can_always_be_said(
    moment: datetime, minutes: int, hours: Hours
) -> None:
    present = moment.replace(tzinfo=UTC)
    expected = timedelta(minutes=minutes)
    promised = due(hours, present, expected)
    assert promised is not None
    assert hours.business_time_between(present, promised) >= max(expected, LEAST)
    if (promised - present).days < 6:
        # Rounding gives away at most a morning and the hour, never a day.
        exact = hours.add_business_time(present, max(expected, LEAST))
        assert exact is not None
        assert promised - exact <= timedelta(hours=7)
    for language in LANGUAGES:
        said = sentences.promise(language, promised, present, hours.zone)
        assert said == said.strip()
        assert "None" not in said


def test_nothing_is_promised_by_who_is_never_there() -> None:
    assert due(Hours(TUNIS, ((),) * 7), at("2026-11-23 09:00"), timedelta(hours=1)) is None
    assert due(SHOP, at("2026-11-23 09:00"), timedelta(hours=900)) is None


def samples(**weeks: list[float]) -> list[Sample]:
    return [Sample(int(week[1:]), timedelta(hours=hours)) for week, times in weeks.items() for hours in times]


def test_the_slowest_of_the_weeks_counts_when_there_are_enough() -> None:
    configured = timedelta(hours=8)
    few = samples(w0=[1.0] * 11)
    assert (wait(few, configured).basis, wait(few, configured).time) == ("configured", configured)
    enough = samples(w0=[1.0, 2.0, 2.0, 9.0, 2.0], w1=[4.0, 4.0, 5.0, 1.0, 4.0], w2=[100.0] * 3)
    found = wait(enough, configured)
    assert (found.basis, found.time, found.samples) == ("median", timedelta(hours=4), 13)
    scattered = samples(w0=[1.0] * 3, w1=[1.0] * 3, w2=[1.0] * 3, w3=[1.0] * 3)
    assert wait(scattered, configured).basis == "configured"
