"""A letter as a print-ready PDF: A4, fonts embedded, the address where an envelope's window shows it.

Sources: DIN 5008 (forms A and B: address field 85 × 45 mm, 20 mm from the left, 27 or 45 mm from the top, of which the
last 27.3 mm are the recipient's; marks for folding at 87 and 192, or 105 and 210 mm). For France an envelope of
110 × 220 mm with a window of 35 × 100 mm, 20 mm from its right and lower edges; for Italy one of 110 × 230 mm with the
same: what such a window shows wherever the folded sheet (99 mm) slides to is what the address is kept in.
"""

import re
from dataclasses import dataclass, replace
from datetime import datetime
from types import MappingProxyType

from wasl.channels.post.address import Postal
from wasl.channels.post.fonts import Faces

WIDTH, HEIGHT = 210.0, 297.0
"""A4, in mm."""
PAGES = 10


class CannotPrint(Exception):
    """`reason` is too_long (more than PAGES), letters (`detail`: those that no font has), or address."""

    def __init__(self, reason: str, detail: str = "") -> None:
        super().__init__(reason, detail)
        self.reason = reason
        self.detail = detail


@dataclass(frozen=True, slots=True)
class Window:
    """What an envelope's window shows of the first page, in mm from its start edge and top; where it is folded.

    `back` is whether the sender's address stands in it, small, above the recipient's.
    """

    x: float
    y: float
    width: float
    height: float
    folds: tuple[float, float] = (99.0, 198.0)
    back: bool = False


WINDOWS = MappingProxyType(
    {
        "din-b": Window(25, 45, 80, 45, (105.0, 210.0), back=True),
        "din-a": Window(25, 27, 80, 45, (87.0, 192.0), back=True),
        "fr": Window(103, 55, 85, 24),
        "it": Window(113, 55, 75, 24),
    }
)
BACK = 17.7
"""How much of a DIN window is for the sender's address and notes of the post."""


def window(name: str, place: str = "") -> Window:
    """A window by name, moved to `place`: four numbers in mm, from the left, from the top, width, height.

    Raises ValueError.
    """
    found = WINDOWS.get(name or "din-b")
    if found is None:
        raise ValueError(f"no window is called {name}")
    if not place.strip():
        return found
    numbers = [float(each) for each in re.split(r"[\s;,]+", place.strip())]
    if len(numbers) != 4:
        raise ValueError("four numbers are wanted: from the left, from the top, width, height")
    x, y, width, height = numbers
    if min(x, y) < 0 or width < 20 or height < 15 or x + width > WIDTH or y + height > HEIGHT / 2:
        raise ValueError("the window is not within the upper half of the page")
    return replace(found, x=x, y=y, width=width, height=height)


@dataclass(frozen=True, slots=True, kw_only=True)
class Letter:
    """What is written to whom. `language` says how the date is written, and which way empty words go."""

    to: Postal
    sender: Postal
    text: str
    language: str
    date: datetime
    window: Window = WINDOWS["din-b"]


def compose(letter: Letter, faces: Faces) -> tuple[bytes, int]:
    """The PDF and its number of pages; the same letter is the same bytes. Raises CannotPrint."""
    # What draws brings 25 MB of libraries along, and most installations never print: it comes with the first letter.
    from wasl.channels.post.sheet import sheet_of

    with sheet_of(letter, faces, 0) as sheet:
        pages = sheet.written()
    if pages > PAGES:
        raise CannotPrint("too_long")
    with sheet_of(letter, faces, pages) as sheet:
        sheet.written()
        return bytes(sheet.output()), pages
