"""Postal addresses: lines as they stand on an envelope, and the country they are read in.

An identity's address is the lines and, as the last of them, the country (ISO 3166-1, two letters). Source for what is
printed: Universal Postal Union, S42: the country's name in capitals, in the language of where the letter is posted,
and only when it goes abroad.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import cache

from babel import Locale

LINES, LETTERS = 5, 60
_UNWANTED = re.compile("[\x00-\x1f\x7f-\x9f\u2028\u2029\u200e\u200f\u202a-\u202e\u2066-\u2069]+")
_LANGUAGES = ("en", "fr", "it", "ar", "de", "es")
_OF_THE_COUNTRY = {
    "FR": "fr", "BE": "fr", "LU": "fr", "MC": "fr", "MA": "fr", "TN": "fr", "DZ": "fr", "IT": "it", "SM": "it",
    "VA": "it", "CH": "fr", "DE": "de", "AT": "de", "ES": "es",
}  # fmt: skip


class BadAddress(ValueError):
    """It cannot stand on an envelope: `reason` is too_short, too_many_lines, too_long or country."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


@dataclass(frozen=True, slots=True)
class Postal:
    """Two to five lines, the name first; the country is none of them."""

    lines: tuple[str, ...]
    country: str

    @property
    def key(self) -> str:
        """As an identity keeps it, and as `read` reads it."""
        return "\n".join((*self.lines, self.country))

    @property
    def shown(self) -> str:
        """In one line."""
        return ", ".join((*self.lines, self.country))

    def printed(self, sender: str) -> tuple[str, ...]:
        """The lines on an envelope that is posted in the country `sender`."""
        if self.country == sender:
            return self.lines
        return (*self.lines, name(self.country, _OF_THE_COUNTRY.get(sender, "en")).upper())


def postal(text: str, country: str) -> Postal:
    """What a person typed, put in order. Raises BadAddress."""
    code = country.strip().upper()
    if code not in _codes():
        raise BadAddress("country")
    lines = [" ".join(_UNWANTED.sub(" ", line).split()).strip(" ,;") for line in text.splitlines()]
    lines = [line for line in lines if line]
    if lines and lines[-1].casefold() in _names(code):
        lines.pop()
    if len(lines) < 2:
        raise BadAddress("too_short")
    if len(lines) > LINES:
        raise BadAddress("too_many_lines")
    if any(len(line) > LETTERS for line in lines):
        raise BadAddress("too_long")
    return Postal(tuple(lines), code)


def read(key: str) -> Postal:
    """An identity's address. Raises BadAddress for one that cannot be printed."""
    lines, _, country = key.strip().rpartition("\n")
    return postal(lines, country)


def name(country: str, language: str) -> str:
    """What a country is called."""
    return str(Locale.parse(language).territories.get(country, country))


def countries(language: str) -> list[tuple[str, str]]:
    """(code, name) of every country, by name."""
    return sorted(((code, name(code, language)) for code in _codes()), key=lambda each: each[1])


@cache
def _codes() -> frozenset[str]:
    found = map(str, Locale.parse("en").territories)
    none = {"EU", "EZ", "UN", "ZZ", "XA", "XB", "QO"}
    return frozenset(code for code in found if len(code) == 2 and code.isalpha()) - none


@cache
def _names(country: str) -> frozenset[str]:
    return frozenset({country.casefold(), *(name(country, each).casefold() for each in _LANGUAGES)})
