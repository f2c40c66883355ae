"""Dates, numbers, sizes and names as the reader expects them: language, time zone and digits of this request.

Language and time zone are Django's active ones; the digits are set by the `language` middleware.
"""

import re
import unicodedata
from contextvars import ContextVar
from datetime import date, datetime, timedelta
from functools import cache
from html import escape
from typing import NamedTuple

from babel import Locale
from babel.numbers import format_currency, format_decimal
from django.utils import timezone
from django.utils.safestring import SafeString, mark_safe
from django.utils.translation import get_language, ngettext, pgettext
from django.utils.translation import gettext as _

from wasl.kit import clock

RIGHT_TO_LEFT = frozenset({"ar"})

_digits: ContextVar[str] = ContextVar("digits", default="latn")
_ARABIC_INDIC = str.maketrans("0123456789", "٠١٢٣٤٥٦٧٨٩")


def use_digits(system: str) -> None:
    """Write numbers of this request in `latn` or `arab` digits. Ids and addresses never change."""
    _digits.set(system)


def digits(text: str) -> str:
    """The text with its digits in the reader's system."""
    return text.translate(_ARABIC_INDIC) if _digits.get() == "arab" else text


def language() -> str:
    """The reader's language: ar, fr, it or en."""
    return (get_language() or "en")[:2]


def direction(code: str = "") -> str:
    """`rtl` or `ltr`, of the given language or the reader's."""
    return "rtl" if (code or language()) in RIGHT_TO_LEFT else "ltr"


@cache
def _locale(code: str) -> Locale:
    return Locale.parse(code)


def _here(moment: datetime) -> datetime:
    return timezone.localtime(moment)


class _Names(NamedTuple):
    """The names of days (from Monday) and months (from January) in one language, as they stand in a date."""

    days: tuple[str, ...]
    days_short: tuple[str, ...]
    months: tuple[str, ...]
    months_short: tuple[str, ...]


@cache
def _names(code: str) -> _Names:
    days, months = _locale(code).days["format"], _locale(code).months["format"]
    return _Names(
        *(tuple(days[width][n] for n in range(7)) for width in ("wide", "abbreviated")),
        *(tuple(months[width][n] for n in range(1, 13)) for width in ("wide", "abbreviated")),
    )


def _long(here: date, *, with_year: bool) -> str:
    """`Tuesday 10 February`. The four languages agree on the order, and Babel's patterns take 50 times as long."""
    names = _names(language())
    text = f"{names.days[here.weekday()]} {here.day} {names.months[here.month - 1]}"
    return digits(f"{text} {here.year}" if with_year else text)


def _brief(here: date, *, with_year: bool) -> str:
    """`10 Feb`."""
    text = f"{here.day} {_names(language()).months_short[here.month - 1]}"
    return digits(f"{text} {here.year}" if with_year else text)


def weekday(number: int, *, short: bool = False) -> str:
    """The name of a day of the week, 0 for Monday, as a heading."""
    names = _names(language())
    name = (names.days_short if short else names.days)[number]
    return name[:1].upper() + name[1:]


def number(value: int) -> str:
    """12345 as `12,345`, `12 345`, `12.345` or `١٢٬٣٤٥`."""
    code = language()
    if code == "ar" and _digits.get() == "arab":
        return digits(format_decimal(value, locale="ar_EG", numbering_system="arab"))
    return format_decimal(value, locale=_locale(code), numbering_system="latn")


def money(amount: float, currency: str) -> str:
    """An amount with its currency, as `€412.80`, `MAD 890.00`, `412,80 €` or `٤١٢٫٨٠ €`.

    Among Arabic letters, a sign that ends Latin ones (`US$`) stays with them.
    """
    code = language()
    if code != "ar":
        text = format_currency(amount, currency, locale=_locale(code), numbering_system="latn")
        return _STUCK.sub("\u00a0", text)  # as CLDR wants between letters and digits, which Babel leaves out
    place, system = ("ar_EG", "arab") if _digits.get() == "arab" else ("ar", "latn")
    text = format_currency(amount, currency, locale=place, numbering_system=system)
    return _SIGNED.sub("\u200e\\g<0>\u200e", text)


_SIGNED = re.compile(r"[A-Z]+\$")
_STUCK = re.compile(r"(?<=[A-Za-z])(?=\d)")


def clock_time(moment: datetime) -> str:
    """`10:02`."""
    return digits(_here(moment).strftime("%H:%M"))


def full(moment: datetime) -> str:
    """`Tuesday 10 February 2026, 10:02`, for titles and details."""
    here = _here(moment)
    return _("%(day)s, %(time)s") % {"day": _long(here.date(), with_year=True), "time": clock_time(moment)}


def span(start: datetime, end: datetime) -> str:
    """`Tuesday 10 February 2026, 10:02 – 11:00`, with both days where they differ; times as `start` has them."""
    text = _("%(day)s, %(time)s") % {
        "day": _long(start.date(), with_year=True),
        "time": digits(start.strftime("%H:%M")),
    }
    if end == start:
        return text
    until = digits(end.strftime("%H:%M"))
    if end.date() == start.date():
        return f"{text}\u00a0–\u00a0{until}"  # not broken over two lines
    until = _("%(day)s, %(time)s") % {"day": _long(end.date(), with_year=True), "time": until}
    return f"{text} – {until}"


def days(first: date, last: date) -> str:
    """`Tuesday 10 February 2026`, or the first and the last of several."""
    text = _long(first, with_year=True)
    return text if last == first else f"{text} – {_long(last, with_year=True)}"


def year(moment: datetime) -> str:
    """`2026`."""
    return digits(str(_here(moment).year))


def day(moment: datetime) -> str:
    """`Today`, `Yesterday`, `Monday 2 February`, with the year when it is another."""
    here, today = _here(moment).date(), _here(clock.now()).date()
    if here == today:
        return _("Today")
    if here == today - timedelta(days=1):
        return _("Yesterday")
    text = _long(here, with_year=here.year != today.year)
    return text[:1].upper() + text[1:]


def day_within(moment: datetime) -> str:
    """The same within a line: `yesterday`, `Monday 2 February`, `lundi 2 février`."""
    here, today = _here(moment).date(), _here(clock.now()).date()
    if 0 <= (today - here).days <= 1:
        return day(moment).lower()
    return _long(here, with_year=here.year != today.year)


def short(moment: datetime) -> str:
    """What a row of a list has room for: `10:02`, `Yesterday`, `Mon`, `5 Feb`, `5 Feb 2024`."""
    here, today = _here(moment).date(), _here(clock.now()).date()
    ago = (today - here).days
    if ago <= 0:
        return clock_time(moment)
    if ago == 1:
        return _("Yesterday")
    if ago < 7:
        return _names(language()).days_short[here.weekday()]
    return _brief(here, with_year=here.year != today.year)


def moment(at: datetime) -> str:
    """A point in time by itself: `10:02`, `yesterday, 10:02`, `5 Feb, 10:02`."""
    here, today = _here(at).date(), _here(clock.now()).date()
    if here == today:
        return clock_time(at)
    if here == today - timedelta(days=1):
        return _("yesterday, %(time)s") % {"time": clock_time(at)}
    text = _brief(here, with_year=here.year != today.year)
    return _("%(day)s, %(time)s") % {"day": text, "time": clock_time(at)}


def later(at: datetime) -> str:
    """A point in time to come: `14:30`, `Mon, 09:00` within six days, `5 Mar, 09:00`, with the year when another."""
    here, today = _here(at).date(), _here(clock.now()).date()
    time = clock_time(at)
    if here == today:
        return time
    near = 0 < (here - today).days < 7
    day = (
        _names(language()).days_short[here.weekday()]
        if near
        else _brief(here, with_year=here.year != today.year)
    )
    return _("%(day)s, %(time)s") % {"day": day, "time": time}


def when(at: datetime) -> str:
    """The same after a verb, where some languages want a preposition: `arrivé à 10:02`, `arrivé hier à 10:02`."""
    here, today = _here(at).date(), _here(clock.now()).date()
    time = clock_time(at)
    if here == today:
        return pgettext("after a verb", "%(time)s") % {"time": time}
    if here == today - timedelta(days=1):
        return pgettext("after a verb", "yesterday, %(time)s") % {"time": time}
    text = _brief(here, with_year=here.year != today.year)
    return pgettext("after a verb", "%(day)s, %(time)s") % {"day": text, "time": time}


def time_tag(at: datetime, style: str = "short") -> SafeString:
    """A `<time>` element in one of the styles above, the full date in its title."""
    said, title = escape(_STYLES[style](at)), escape(full(at))
    stamp = at.isoformat(timespec="seconds")
    return mark_safe(f'<time datetime="{stamp}" title="{title}">{said}</time>')  # noqa: S308 - escaped


_STYLES = {"short": short, "clock": clock_time, "moment": moment, "day": day, "full": full, "later": later}


def size(count: int) -> str:
    """A file's size: `84 kB`, `2.5 MB`."""
    if count < 1000:
        return ngettext("%(n)s byte", "%(n)s bytes", count) % {"n": number(count)}
    value, unit = (count / 1e6, _("%(n)s MB")) if count >= 999_500 else (count / 1e3, _("%(n)s kB"))
    text = format_decimal(
        value, "0.#" if value < 10 else "0", locale=_locale(language()), numbering_system="latn"
    )
    return unit % {"n": digits(text)}


def file_kind(filename: str, content_type: str) -> str:
    """What people call a file's type: its ending in capitals, or the general kind."""
    ending = filename.rpartition(".")[2] if "." in filename else ""
    if ending.isascii() and ending.isalnum() and len(ending) <= 5:
        return ending.upper()
    return {"image": _("Image"), "audio": _("Sound"), "video": _("Video"), "text": _("Text")}.get(
        content_type.partition("/")[0], _("File")
    )


def initials(name: str) -> str:
    """One letter in Arabic, else the first letters of the first and last word; `?` for no name."""
    words = [word for word in re.split(r"[\s.@_+-]+", name) if word and word[0].isalpha()]
    if not words:
        return "?"
    first = words[0][0]
    if unicodedata.bidirectional(first) in ("R", "AL") or len(words) == 1 or "@" in name:
        return first.upper()
    return (first + words[-1][0]).upper()


def first_name(name: str) -> str:
    """The name by which colleagues call someone."""
    return name.split()[0] if name.split() else name


def isolated(name: str) -> str:
    """A name for the middle of a sentence, which its own direction must not disturb (UAX #9: FSI … PDI)."""
    return f"\u2068{name}\u2069" if name else name
