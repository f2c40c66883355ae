"""Texts that a provider approved beforehand: what may be sent when the time for writing freely is over."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from wasl.channels.models import Inbox
from wasl.channels.port import Template

_PLACE = re.compile(r"\{\{\s*(\d{1,2})\s*\}\}")
VALUE = 300
"""Letters of a value."""


class Unfilled(ValueError):
    """A place of the text was left empty."""


@dataclass(frozen=True, slots=True)
class Approved:
    """A text with numbered places, `{{1}}` and so on."""

    name: str
    language: str
    text: str

    @property
    def key(self) -> str:
        """What tells it from the inbox's others."""
        return f"{self.name}|{self.language}"

    @property
    def places(self) -> int:
        """How many values it takes."""
        return max((int(each) for each in _PLACE.findall(self.text)), default=0)

    def filled(self, values: Sequence[str]) -> tuple[Template, str]:
        """As it is sent, and as it reads. Raises Unfilled."""
        given = [" ".join(each.split())[:VALUE] for each in values[: self.places]]
        if len(given) < self.places or not all(given):
            raise Unfilled(self.name)
        said = _PLACE.sub(lambda found: given[int(found[1]) - 1], self.text)
        return Template(self.name, self.language, tuple(given)), said


def of(inbox: Inbox) -> list[Approved]:
    """Those of an inbox, as they were last fetched."""
    rows = inbox.config.get("templates")
    found = [_read(row) for row in rows if isinstance(row, Mapping)] if isinstance(rows, list) else []
    return sorted((each for each in found if each), key=lambda each: (each.name, each.language))


def find(inbox: Inbox, key: str) -> Approved | None:
    """One of them."""
    return next((each for each in of(inbox) if each.key == key), None)


def _read(row: Mapping[str, object]) -> Approved | None:
    name, language, text = (row.get(each) for each in ("name", "language", "text"))
    if isinstance(name, str) and isinstance(language, str) and isinstance(text, str) and name and text:
        return Approved(name, language, text)
    return None
