"""A letter drawn on paper, line by line. Only whoever draws imports this: `letter.compose` does, when there is one."""

import re
import unicodedata
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime

from babel.dates import format_date
from fpdf import FPDF
from fpdf.enums import XPos, YPos
from fpdf.fonts import TTFFont

from wasl.channels.post.fonts import Faces
from wasl.channels.post.letter import BACK, WIDTH, CannotPrint, Letter

START, END, TOP, BOTTOM = 25.0, 20.0, 27.0, 28.0
SIZE, LEADING, GAP = 11.0, 5.5, 3.0
_MM = 25.4 / 72


@contextmanager
def sheet_of(letter: Letter, faces: Faces, count: int) -> Iterator["Sheet"]:
    """Blank paper; the library leaves its fonts' files open, so they are closed here."""
    sheet = Sheet(letter, faces, count)
    try:
        yield sheet
    finally:
        for face in sheet.fonts.values():
            if isinstance(face, TTFFont):
                face.ttfont.close()


class Sheet(FPDF):
    """Pages with the sender at the top of the first and numbers below, when there are several (`count`)."""

    def __init__(self, letter: Letter, faces: Faces, count: int) -> None:
        super().__init__(format="A4", unit="mm")
        self._letter, self._count = letter, count
        self.set_margins(START, TOP, END)
        self.set_auto_page_break(True, BOTTOM)
        self.set_creation_date(letter.date)
        self.set_title(letter.to.lines[0])
        self.set_lang(letter.language or "en")
        self.add_font("latin", "", faces.latin)
        self.add_font("arabic", "", faces.arabic)
        found = (self.fonts["latin"], self.fonts["arabic"])
        self._known = {code for face in found if isinstance(face, TTFFont) for code in face.cmap}

    def written(self) -> int:
        """Write everything; how many pages that are."""
        letter = self._letter
        self._check()
        self.add_page()
        self._sender()
        self._folds()
        self._address()
        place = letter.window
        self.set_y(max(place.y + place.height + 8, 98.0))
        self._line(_long_date(letter.date, letter.language), SIZE, far=True)
        self.ln(GAP * 3)
        for paragraph in re.split(r"\n\s*\n", letter.text.strip().replace("\r\n", "\n")):
            for line in paragraph.split("\n"):
                self._line(line, SIZE)
            self.ln(GAP)
        return self.page_no()

    def footer(self) -> None:
        """Which page of how many."""
        if self._count < 2:
            return
        self.set_y(-16)
        self._face(False, 8)
        self.cell(0, 4, f"{self.page_no()} / {self._count}", align="C")

    def _check(self) -> None:
        letter = self._letter
        every = "".join((letter.text, *letter.to.lines, *letter.sender.lines))
        unknown = sorted({c for c in every if ord(c) not in self._known and _is_seen(c)})
        if unknown:
            raise CannotPrint("letters", " ".join(unknown[:20]))

    def _sender(self) -> None:
        """Who writes: across from the window of DIN's forms, at the start elsewhere."""
        letter = self._letter
        x, width = (125.0, 65.0) if letter.window.back else (START, 75.0)
        self.set_xy(x, 15)
        for number, line in enumerate(letter.sender.printed(letter.sender.country)):
            self._line(line, SIZE if number == 0 else 9, within=(x, width))

    def _folds(self) -> None:
        self.set_draw_color(150)
        self.set_line_width(0.15)
        for y in self._letter.window.folds:
            self.line(3, y, 8, y)

    def _address(self) -> None:
        """The recipient, as low in the window as the lines need; above them, for DIN, the sender in one line."""
        letter, place = self._letter, self._letter.window
        lines = letter.to.printed(letter.sender.country)
        top, height = place.y, place.height
        if place.back:
            self.set_xy(place.x, top + BACK - 4.5)
            self._line(" · ".join(letter.sender.lines), 6.5, within=(place.x, place.width), shrink=True)
            top, height = top + BACK, height - BACK
        leading = min(LEADING, height / len(lines))
        if leading < 3.2:
            raise CannotPrint("address")
        self.set_y(top + (0 if place.back else (height - leading * len(lines)) / 2))
        size, far = min(SIZE, leading / _MM / 1.3), _is_right_to_left(lines[0], letter.language)
        for line in lines:
            other = far != _is_right_to_left(line, letter.language)
            self._line(line, size, far=other, within=(place.x, place.width), shrink=True, leading=leading)

    def _line(
        self,
        text: str,
        size: float,
        *,
        far: bool = False,
        within: tuple[float, float] | None = None,
        shrink: bool = False,
        leading: float = 0.0,
    ) -> None:
        """A line or what becomes several, in its own direction; `far`: at the end of it. `shrink`: always one."""
        right = _is_right_to_left(text, self._letter.language)
        x, width = within or (START, WIDTH - START - END)
        self.set_x(x)
        self._face(right, size)
        if shrink:
            self._shrunk(text, right, size, width)
        spoken = text.strip() or " "
        self.multi_cell(
            width,
            leading or self.font_size_pt * _MM * 1.42,
            spoken,
            align="R" if right != far else "L",
            new_x=XPos.LMARGIN,
            new_y=YPos.NEXT,
        )

    def _shrunk(self, text: str, right: bool, size: float, width: float) -> None:
        while self.get_string_width(text) > width - 2 * self.c_margin and size > 5:
            size -= 0.5
            self._face(right, size)

    def _face(self, right: bool, size: float) -> None:
        own, other = ("arabic", "latin") if right else ("latin", "arabic")
        self.set_font(own, size=size * (1.1 if right else 1.0))
        self.set_fallback_fonts([other], exact_match=False)
        self.set_text_shaping(True, direction="rtl" if right else "ltr")


def _is_right_to_left(text: str, language: str) -> bool:
    """The direction of the first letter that has one (UAX #9, P2 and P3), else the language's."""
    for letter in text:
        kind = unicodedata.bidirectional(letter)
        if kind in ("L", "R", "AL"):
            return kind != "L"
    return language == "ar"


def _is_seen(letter: str) -> bool:
    """Whether a font has to have something for it: not for spaces, joiners and marks of direction."""
    return unicodedata.category(letter) not in ("Cc", "Cf", "Zs", "Zl", "Zp") and letter not in "\ufe0e\ufe0f"


_LOCALES = {"ar": "ar", "fr": "fr", "it": "it", "en": "en_GB"}


def _long_date(date: datetime, language: str) -> str:
    return str(format_date(date, "long", locale=_LOCALES.get(language, "en_GB")))
