"""Dates, numbers and names in four languages."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from django.utils import timezone, translation

from wasl.kit import clock
from wasl.workspace import format as shown

NOON = datetime(2026, 2, 10, 11, 0, tzinfo=UTC)


@pytest.fixture(autouse=True)
def _at_noon(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setattr(clock, "now", lambda: NOON)
    with timezone.override(ZoneInfo("Africa/Casablanca")), translation.override("en"):
        yield
    shown.use_digits("latn")


@pytest.mark.parametrize(
    ("ago", "text"),
    [
        (timedelta(0), "12:00"),
        (timedelta(hours=11, minutes=59), "00:01"),
        (timedelta(hours=12, minutes=1), "Yesterday"),
        (timedelta(days=3), "Sat"),
        (timedelta(days=6), "Wed"),
        (timedelta(days=7), "3 Feb"),
        (timedelta(days=45), "27 Dec 2025"),
        (timedelta(minutes=-5), "12:05"),
    ],
)
def test_a_row_says_when_in_a_word(ago: timedelta, text: str) -> None:
    assert shown.short(NOON - ago) == text


@pytest.mark.parametrize(
    ("code", "named"),
    [
        ("en", "Tuesday 3 February"),
        ("fr", "Mardi 3 février"),
        ("it", "Martedì 3 febbraio"),
        ("ar", "الثلاثاء 3 فبراير"),
    ],
)
def test_days_are_named_in_each_language(code: str, named: str) -> None:
    with translation.override(code):
        assert shown.day(NOON - timedelta(days=7)) == named


@pytest.mark.parametrize(
    ("code", "days", "named"),
    [
        ("en", 0, "today"),
        ("en", 1, "yesterday"),
        ("en", 7, "Tuesday 3 February"),
        ("fr", 1, "hier"),
        ("fr", 7, "mardi 3 février"),
        ("it", 7, "martedì 3 febbraio"),
        ("ar", 1, "أمس"),
    ],
)
def test_a_day_within_a_line_is_not_its_beginning(code: str, days: int, named: str) -> None:
    with translation.override(code):
        assert shown.day_within(NOON - timedelta(days=days)) == named


@pytest.mark.parametrize(
    ("currency", "text"), [("EUR", "€890.00"), ("MAD", "MAD\u00a0890.00"), ("TND", "TND\u00a0890.000")]
)
def test_a_currency_s_letters_stand_apart_from_its_digits(currency: str, text: str) -> None:
    assert shown.money(890, currency) == text


@pytest.mark.parametrize(
    ("code", "days", "said"),
    [
        ("en", 1, "yesterday, 12:00"),
        ("fr", 0, "à 12:00"),
        ("fr", 1, "hier à 12:00"),
        ("fr", 8, "le 2 févr. à 12:00"),
        ("it", 0, "alle 12:00"),
        ("ar", 0, "12:00"),
        ("ar", 8, "2 فبراير، 12:00"),
    ],
)
def test_after_a_verb_comes_the_preposition(code: str, days: int, said: str) -> None:
    with translation.override(code):
        assert shown.when(NOON - timedelta(days=days)) == said


def test_moments_in_sentences() -> None:
    assert shown.moment(NOON) == "12:00"
    assert shown.moment(NOON - timedelta(days=1)) == "yesterday, 12:00"
    assert shown.moment(NOON - timedelta(days=8)) == "2 Feb, 12:00"
    assert shown.day(NOON) == "Today"
    assert shown.full(NOON) == "Tuesday 10 February 2026, 12:00"


def test_digits_follow_the_reader() -> None:
    shown.use_digits("arab")
    assert shown.digits("DZ 20") == "DZ ٢٠"
    assert shown.clock_time(NOON) == "١٢:٠٠"
    with translation.override("ar"):
        assert shown.number(12345) == "١٢٬٣٤٥"


@pytest.mark.parametrize(
    ("count", "text"),
    [
        (0, "0 bytes"),
        (1, "1 byte"),
        (999, "999 bytes"),
        (84_000, "84 kB"),
        (2_500, "2.5 kB"),
        (999_600, "1 MB"),
    ],
)
def test_sizes(count: int, text: str) -> None:
    assert shown.size(count) == text


def test_sizes_follow_the_language() -> None:
    with translation.override("fr"):
        assert shown.size(2_500_000).replace("\u202f", " ").startswith("2,5")


@pytest.mark.parametrize(
    ("name", "letters"),
    [
        ("Camille Moreau", "CM"),
        ("سلمى بنّاني", "س"),
        ("camille@atelier.example", "C"),
        ("Ludwig van Beethoven", "LB"),
        ("Plato", "P"),
        ("", "?"),
        ("42", "?"),
        ("  ", "?"),
    ],
)
def test_initials(name: str, letters: str) -> None:
    assert shown.initials(name) == letters


def test_file_kinds() -> None:
    assert shown.file_kind("a.pdf", "application/pdf") == "PDF"
    assert shown.file_kind("noending", "image/png") == "Image"
    assert shown.file_kind("odd.ending-that-is-long", "x/y") == "File"


def test_a_name_in_a_sentence_is_isolated() -> None:
    assert shown.isolated("سلمى") == "\u2068سلمى\u2069"
    assert shown.isolated("") == ""


def test_a_time_tag_is_escaped_and_complete() -> None:
    assert shown.time_tag(NOON, "clock") == (
        '<time datetime="2026-02-10T11:00:00+00:00" title="Tuesday 10 February 2026, 12:00">12:00</time>'
    )
