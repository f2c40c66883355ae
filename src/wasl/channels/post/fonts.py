"""The fonts of letters: those of the machine, looked for where `WASL_FONTS` says. None are part of Wasl.

A letter needs a face for Latin, Greek and Cyrillic letters and one for Arabic; both are embedded in the PDF, with the
letters that it uses. Debian's `fonts-noto-core` and `fonts-dejavu-core` have them.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path

LATIN = ("NotoSans-Regular.ttf", "DejaVuSans.ttf", "LiberationSans-Regular.ttf")
ARABIC = ("NotoNaskhArabic-Regular.ttf", "NotoSansArabic-Regular.ttf", "DejaVuSans.ttf")


class NoFont(Exception):
    """There is no face for a script: 'latin' or 'arabic'."""


@dataclass(frozen=True, slots=True)
class Faces:
    """Where the faces lie."""

    latin: Path
    arabic: Path


def faces(folders: str) -> Faces:
    """The faces in these folders (with : between them). Raises NoFont."""
    found = _found(folders)
    return Faces(_first(found, LATIN, "latin"), _first(found, ARABIC, "arabic"))


def _first(found: Mapping[str, Path], wanted: tuple[str, ...], script: str) -> Path:
    for name in wanted:
        if name in found:
            return found[name]
    raise NoFont(script)


@cache
def _found(folders: str) -> Mapping[str, Path]:
    wanted = {*LATIN, *ARABIC}
    every = (Path(folder).expanduser() for folder in folders.split(":") if folder.strip())
    return {
        path.name: path for folder in every for path in sorted(folder.rglob("*.ttf")) if path.name in wanted
    }
