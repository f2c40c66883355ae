"""Line by line: what a person wrote, what they quoted or forwarded, and what is signature.

The rules, in the order they are tried, are few and general:

- A line that says that somebody wrote, or the header of a mail, or a mark between dashes, begins history. With
  unquoted lines below it, all that follows is history. With `>` lines below it, only those are, and only when
  nothing was written between or below them: who answers between the lines is shown with the lines.
- Where nothing was written above, what is below is what there is to read: only the introduction is hidden.
- Below `-- `, strokes with a few short lines below them, "Sent from my …" and legal notices at the end are signature.
- Nothing is hidden when nothing would remain of what was written.
"""

from __future__ import annotations

from bisect import bisect_right
from collections import Counter
from collections.abc import Mapping, Sequence
from enum import IntEnum

from wasl.channels.email.trim import contact, signs, words
from wasl.channels.email.trim import lines as look

MOST_LOOKS = 2_000
"""Lines that are looked at closely; a mail of more lines that may be introductions is no letter."""
SIGNATURE = 12
"""Lines that a signature below `-- ` may have to be taken for one when nothing else says so; below strokes half."""
SPARE = 8
_ITEMS = frozenset(("- ", "* ", "• ", "1.", "1)", "2.", "2)", "3.", "3)"))


class Kind(IntEnum):
    """What a line is."""

    WRITTEN = 0
    QUOTED = 1
    FORWARDED = 2
    SIGNATURE = 3


class Hint(IntEnum):
    """What the markup says of a line (see `markup`)."""

    INTRODUCTION = 1
    HISTORY = 2
    FORWARD = 3
    SIGNATURE = 4


def decide(lines: Sequence[str], hints: Mapping[int, Hint] | None = None) -> list[Kind]:
    """The kind of every line. `hints` says what is known of some lines from elsewhere."""
    return _Reading(lines, hints or {}).kinds()


class _Reading:
    """One message in the course of being read."""

    def __init__(self, lines: Sequence[str], hints: Mapping[int, Hint]) -> None:
        self.lines = words.bare_lines(lines)
        self.hints = hints
        self.count = len(lines)
        self.out = [Kind.WRITTEN] * self.count
        self.text: list[int] = []  # numbers of the lines that are neither blank nor quoted nor hidden
        self.quotes: list[tuple[int, int]] = []
        self.introduced: set[int] = set()  # the quotes that have an introduction, by their first line
        self.marks: list[int] = []  # signature marks and strokes
        self.end = self.count
        self.looks = 0

    def kinds(self) -> list[Kind]:
        self._read()
        self._signature()
        self._quotes()
        self._tail()
        self._never_nothing()
        return self.out

    # -- reading down to where history begins ---------------------------------------------------------------------

    def _read(self) -> None:
        at, fenced = 0, False
        while at < self.count:
            line = self.lines[at]
            if not line:
                at += 1
            elif line.startswith("```"):
                fenced = not fenced
                self.text.append(at)
                at += 1
            elif look.is_quoted(line) and not self._broken(at, line):
                at = self._rest(at, at + 1) if look.is_arrows(line) else self._quote(at)
            elif fenced:
                self.text.append(at)
                at += 1
            else:
                following = self._history(at, line)
                if following == 0:
                    self.text.append(at)
                    following = at + 1
                at = following
            if at < 0:
                break

    def _quote(self, at: int) -> int:
        """A run of quoted lines, blank ones within it included; where it ends."""
        start = at
        end = at + 1
        while end < self.count:
            line = self.lines[end]
            if line and not look.is_quoted(line):
                break
            if line:
                at = end
            end += 1
        self.quotes.append((start, at + 1))
        return at + 1

    def _broken(self, at: int, line: str) -> bool:
        """Whether `>` closes an address that the line before has opened: "… <a@b.example" and then "> wrote:"."""
        if not line.endswith((":", "：")) or len(line) > 40:
            return False
        above = next((self.lines[n] for n in range(at - 1, max(at - 3, -1), -1) if self.lines[n].strip()), "")
        return above.rfind("<") > above.rfind(">") or above.lstrip().startswith("mailto:")

    def _history(self, at: int, line: str) -> int:
        """Where to read on when history begins here; -1 when all the rest is history, 0 when none begins."""
        hint = self.hints.get(at)
        if hint == Hint.SIGNATURE:
            self.out[at] = Kind.SIGNATURE
            return at + 1
        if hint in (Hint.HISTORY, Hint.FORWARD) and (
            end := self._rest(at, at, forwarded=hint == Hint.FORWARD)
        ):
            return end
        first, last = line[0], line[-1]
        colon = last in ":：" or ":" in line[: words.HEADER_LONGEST + 4] or "：" in line[:20]
        if not (colon or hint or "@" in line or first in "-_=*#~+ᐧ—–•·\\12>" or last in "-*>_"):
            return 0
        self.looks += 1
        if self.looks > MOST_LOOKS:
            return 0
        return self._looked(at, line, hint)

    def _looked(self, at: int, line: str, hint: Hint | None) -> int:
        if look.is_signature_mark(line) or look.is_separator(line):
            header = self._below(at)
            if header and look.header_block(self.lines, header, marked=len(line) > 6):
                return self._rest(at, header)
            self.marks.append(at)
            self.text.append(at)
            return at + 1
        if look.is_forwarded(line):
            return self._rest(at, at + 1, forwarded=True)
        if look.is_original(line) or look.is_above_this(line) or look.is_said_mark(line):
            return self._rest(at, at + 1)
        if look.is_named_mark(line) and look.header_block(self.lines, self._below(at), marked=True):
            return self._rest(at, at + 1)
        if look.header(line) >= 0 and look.header_block(self.lines, at):
            return self._rest(self._above_header(at), at)
        return self._introduction(at, hinted=hint == Hint.INTRODUCTION)

    def _above_header(self, at: int) -> int:
        if self.text and self.text[-1] == at - 1 and look.is_above_header(self.lines[at - 1]):
            return self.text.pop()
        return at

    def _introduction(self, at: int, *, hinted: bool) -> int:
        below = self._below(at)
        quoted = 0 < below < self.count and look.is_quoted(self.lines[below])
        size = look.attribution(self.lines, at, quoted_next=quoted)
        if not size and hinted and self.hints.get(at + 1) != Hint.INTRODUCTION:
            size = 1
            while self.hints.get(at - size) == Hint.INTRODUCTION:
                size += 1
        if not size:
            return 0
        start = at - size + 1
        while self.text and self.text[-1] >= start:
            self.text.pop()
        if not quoted and self._wrote():
            return self._rest(start, below)
        if look.on_one_line(self.lines[at]):
            return 0
        self.out[start : at + 1] = [Kind.QUOTED] * size
        if quoted:
            self.introduced.add(below)
        return at + 1

    def _below(self, at: int) -> int:
        """The next line that is not blank; 0 when there is none near."""
        for number in range(at + 1, min(at + 1 + SPARE, self.count)):
            if self.lines[number]:
                return number
        return 0

    def _rest(self, at: int, below: int, *, forwarded: bool = False) -> int:
        """All from here on is history; unless nothing was written above, then only its introduction is."""
        if self._wrote():
            self.end = at
            kind = Kind.FORWARDED if forwarded else Kind.QUOTED
            self.out[at:] = [kind] * (self.count - at)
            return -1
        header = below if below < self.count and self.lines[below] else self._below(below - 1)
        size = look.header_block(self.lines, header, marked=True) if header or not below else 0
        end = header + size if size else below
        self.out[at:end] = [Kind.FORWARDED] * (end - at)
        return end if end > at else 0

    def _wrote(self) -> bool:
        """Whether anything was written so far: not only strokes, and not only what a telephone says of itself."""
        return any(
            line.strip(" .…") and not look.is_separator(line) and not signs.is_mobile(line)
            for line in (self.lines[number] for number in self.text)
        ) or (bool(self.quotes) and not self.introduced)

    # -- signature ------------------------------------------------------------------------------------------------

    def _signature(self) -> None:
        if not self.marks:
            return
        strokes = Counter(self.lines[mark] for mark in self.marks)
        for mark in self.marks:
            if self._is_signature(mark, again=strokes[self.lines[mark]] > 1):
                self._hide(mark)
                return

    def _is_signature(self, mark: int, *, again: bool) -> bool:
        """Whether what stands below is short enough, or says that it is; `again`: such strokes part the text."""
        if self.text[0] >= mark or self._answers_below(mark):
            return False
        first = bisect_right(self.text, mark)
        most = 4 * SIGNATURE
        below = (self.lines[n] for n in self.text[first : first + most])
        said = [line for line in below if not look.is_separator(line)]
        if look.is_signature_mark(self.lines[mark]):
            return len(said) <= 2 * SIGNATURE
        if len(said) < most and signs.is_disclaimer(" ".join(said)):
            return True
        asks = any(line.endswith(("?", "؟")) or line[:2] in _ITEMS for line in said)
        short = len(said) <= SIGNATURE // 2 and all(len(line) < 120 for line in said)
        return short and not asks and not (again and said)

    def _answers_below(self, mark: int) -> bool:
        """Whether somebody wrote below something quoted below the mark."""
        following = bisect_right(self.quotes, (mark, self.count))
        return following < len(self.quotes) and self.quotes[following][0] < self.text[-1]

    def _hide(self, start: int) -> None:
        while self.text and self.text[-1] >= start:
            self.out[self.text.pop()] = Kind.SIGNATURE

    # -- quotations -----------------------------------------------------------------------------------------------

    def _quotes(self) -> None:
        if not self.quotes:
            return
        if not self.text:
            if self.introduced or self._quoted_introduction():
                for start, end in self.quotes:
                    self._quoted(start, end)
            return
        last, first = self.text[-1], self.text[0]
        trailing = [(start, end) for start, end in self.quotes if start > last]
        for start, end in trailing:
            self._quoted(start, end)
        if trailing:
            return
        leading = [(start, end) for start, end in self.quotes if end <= first]
        if len(leading) == len(self.quotes) and leading[0][0] in self.introduced:
            for start, end in leading:
                self._quoted(start, end)

    def _quoted(self, start: int, end: int) -> None:
        self.out[start:end] = [Kind.QUOTED] * (end - start)

    def _quoted_introduction(self) -> bool:
        """Whether a quotation that is all there is begins by saying who wrote it."""
        start, end = self.quotes[0]
        head = [line.lstrip("> ") for line in self.lines[start : min(end, start + look.WINDOW)]]
        return any(look.attribution(head, at, quoted_next=False) for at in range(len(head)) if head[at])

    # -- what stands at the very end ------------------------------------------------------------------------------

    def _tail(self) -> None:
        for _ in range(40):
            if not self.text:
                return
            last = self.text[-1]
            line = self.lines[last]
            start = self._above_link(last, line)
            if start == last and not (
                look.is_separator(line) or signs.is_mobile(line) or signs.is_footer(line)
            ):
                start = self._paragraph(last)
                if start < 0 or not signs.is_disclaimer(
                    " ".join(self.lines[n] for n in range(start, last + 1))
                ):
                    self._card()
                    break
            for number in range(start, last + 1):
                self.out[number] = Kind.SIGNATURE
            while self.text and self.text[-1] >= start:
                self.text.pop()
        self._head()

    def _above_link(self, last: int, line: str) -> int:
        """Where "Sent with Some Program" stands, when this line is the link that such programs put below it."""
        if len(self.text) > 1 and signs.is_link(line):
            above = self.lines[self.text[-2]]
            return self.text[-2] if signs.is_mobile(above) or signs.is_footer(above) else last
        return last

    def _card(self) -> None:
        size = contact.card([self.lines[n] for n in self.text[-contact.MOST_LINES - 1 :]])
        for number in self.text[len(self.text) - size :]:
            self.out[number] = Kind.SIGNATURE
        del self.text[len(self.text) - size :]

    def _head(self) -> None:
        """Some write below what their telephone says of itself."""
        if len(self.text) > 1 and signs.is_mobile(self.lines[self.text[0]]):
            self.out[self.text.pop(0)] = Kind.SIGNATURE

    def _paragraph(self, last: int) -> int:
        """The first line of the paragraph that ends here; -1 when it is too long to be looked at."""
        start = last
        known = set(self.text[-60:])
        while start - 1 in known:
            start -= 1
            if last - start > 40:
                return -1
        return start

    def _never_nothing(self) -> None:
        if any(self.out[n] == Kind.WRITTEN and self.lines[n] for n in range(self.count)):
            return
        for number, kind in enumerate(self.out):
            if kind == Kind.SIGNATURE:
                self.out[number] = Kind.WRITTEN
