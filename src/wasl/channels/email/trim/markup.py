"""Sanitised HTML apart: pieces that are whole markup each, in order; put together they show everything.

The lines of the markup are judged as those of a text are (`decide`), with what its tags say beside: programs mark
what they quote by a class or an id, which the sanitiser keeps (`channels.email.html`). A piece that begins or ends
within elements opens and closes them itself.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from html import unescape

from wasl.channels.email.trim import lines as look
from wasl.channels.email.trim.decide import Hint, Kind, decide
from wasl.channels.email.trim.split import Piece, settled
from wasl.channels.email.trim.words import bare_lines, phrases

MOST_PIECES = 60
"""Beyond this many, what is written and what is quoted is so mixed that all is shown."""

CLASSES: dict[str, Hint | None] = {
    "gmail_quote": None,
    "protonmail_quote": None,
    "tutanota_quote": None,
    "gmail_attr": Hint.INTRODUCTION,
    "moz-cite-prefix": Hint.INTRODUCTION,
    "yahoo_quoted": Hint.HISTORY,
    "OutlookMessageHeader": Hint.HISTORY,
    "zmail_extra": Hint.HISTORY,
    "moz-forward-container": Hint.FORWARD,
    "gmail_signature": Hint.SIGNATURE,
    "moz-signature": Hint.SIGNATURE,
    "protonmail_signature_block": Hint.SIGNATURE,
}
"""Classes by which programs mark quotations (no hint: the elements within say more), introductions, signatures."""
IDS: dict[str, Hint] = {
    "divRplyFwdMsg": Hint.HISTORY,
    "OLK_SRC_BODY_SECTION": Hint.HISTORY,
    "isReplyContent": Hint.HISTORY,
    "mail-editor-reference-message-container": Hint.HISTORY,
    "isForwardContent": Hint.FORWARD,
    "ms-outlook-mobile-signature": Hint.SIGNATURE,
    "composer_signature": Hint.SIGNATURE,
    "Signature": Hint.SIGNATURE,
}
"""Ids that do the same; the sanitiser writes them as `data-part`."""

_TOKEN = re.compile(r'<(/?)([a-z][a-z0-9]*)((?: [^\s=>"]+="[^"]*")*)>|[^<]+')
_CLASS = re.compile(r' class="([^"]*)"')
_PART = re.compile(r' data-part="([^"]*)"')
_VOID = frozenset(("br", "hr", "img", "wbr", "col"))
_INLINE = phrases(
    "a|abbr|b|bdi|bdo|big|cite|code|del|em|i|ins|kbd|mark|q|rp|rt|ruby|s|samp|small|span|strike|strong|sub|sup",
    "td|th|tt|u|var",
)
_PICTURE = "\ufffc"


@dataclass(slots=True)
class _Open:
    """An element that is open: its opening tag as written."""

    tag: str
    written: str
    quotes: bool = False


@dataclass(slots=True)
class _Lines:
    """The lines of a document, where each begins, and what its tags say of it."""

    text: list[str] = field(default_factory=list)
    start: list[int] = field(default_factory=list)
    hints: dict[int, Hint] = field(default_factory=dict)
    stack: list[_Open] = field(default_factory=list)
    _said: list[str] = field(default_factory=list)
    _begun: int = -1
    _pending: int = -1
    _depth: int = 0
    _pre: int = 0
    _areas: list[tuple[int, Hint]] = field(default_factory=list)

    def words(self, text: str, at: int) -> None:
        if not self._pre:
            self._add(" ".join(text.split()) if text.strip() else " ", at)
            return
        for number, line in enumerate(text.split("\n")):
            if number:
                self.end(at)
            self._add(line, at)
            at += len(line) + 1

    def _add(self, text: str, at: int) -> None:
        if not self._said and not text.strip():
            return
        if not self._said:
            self._begun = self._pending if self._pending >= 0 else at
        self._said.append(text)

    def end(self, at: int, *, blank: bool = False) -> None:
        """The end of a line; `blank` says that the line counts though nothing stands on it."""
        if self._said or blank:
            begun = self._begun if self._said else self._pending if self._pending >= 0 else at
            number = len(self.text)
            text = unescape(" ".join(self._said)).strip()
            self.text.append(f"{'>' * self._depth} {text}" if self._depth else text)
            self.start.append(begun)
            if self._areas and text:
                self.hints[number] = self._areas[-1][1]
                if self._areas[-1][1] in (Hint.HISTORY, Hint.FORWARD):
                    self._areas.pop()
            self._said.clear()
            self._pending = -1

    def opened(self, tag: str, attributes: str, written: str, at: int) -> None:
        if tag == "br":
            self.end(at, blank=True)
        elif tag == "hr":
            self.end(at)
            self.end(at, blank=True)
        elif tag == "img":
            if " data-cid=" in attributes:
                self._add(_PICTURE, at)
        elif tag not in _VOID:
            if tag not in _INLINE:
                self.end(at)
            elif tag in ("td", "th"):
                self._add(" ", at)
            if self._pending < 0 and not self._said:
                self._pending = at
            self.stack.append(_Open(tag, written))
            self._mark(tag, attributes)

    def _mark(self, tag: str, attributes: str) -> None:
        if tag == "pre":
            self._pre += 1
        if tag == "blockquote" and (self._depth or self._quotes(attributes)):
            self.stack[-1].quotes = True
            self._depth += 1
        if not attributes:
            return
        hint = _hint(attributes)
        if hint:
            self._areas.append((len(self.stack), hint))

    def _quotes(self, attributes: str) -> bool:
        """A quotation that its program marked as one, or that has been introduced; else it is an indented text."""
        if ' type="cite"' in attributes or "_quote" in attributes:
            return True
        above = bare_lines(self.text[-look.WINDOW - 2 :])
        while above and not above[-1]:
            above.pop()
        return bool(above) and look.attribution(above, len(above) - 1, quoted_next=True) > 0

    def closed(self, tag: str, at: int) -> None:
        if tag not in _INLINE:
            self.end(at)
        if not self._said:
            self._pending = -1
        if not self.stack or self.stack[-1].tag != tag:
            return
        if tag == "pre":
            self._pre -= 1
        if self.stack.pop().quotes:
            self._depth -= 1
        while self._areas and self._areas[-1][0] > len(self.stack):
            self._areas.pop()


def _hint(attributes: str) -> Hint | None:
    part = _PART.search(attributes)
    if part:
        return IDS.get(unescape(part[1]))
    named = _CLASS.search(attributes)
    if named:
        return next((hint for name in named[1].split() if (hint := CLASSES.get(name))), None)
    return None


def _read(html: str) -> _Lines:
    lines = _Lines()
    for token in _TOKEN.finditer(html):
        closing, tag, attributes = token[1], token[2], token[3]
        if not tag:
            lines.words(token[0], token.start())
        elif closing:
            lines.closed(tag, token.start())
        else:
            lines.opened(tag, attributes, token[0], token.start())
    lines.end(len(html))
    return lines


@dataclass(frozen=True, slots=True)
class Cut:
    """Where a piece lies in the markup, and what to put before and after it so that it is whole by itself."""

    kind: Kind
    start: int
    end: int
    before: str
    after: str


def cuts(html: str) -> tuple[Cut, ...]:
    """Where to cut sanitised HTML; none where all of it was written."""
    lines = _read(html)
    kinds = settled(decide(lines.text, lines.hints), [not text for text in lines.text])
    changes = [number for number in range(1, len(kinds)) if kinds[number] != kinds[number - 1]]
    if not kinds or len(changes) >= MOST_PIECES or (not changes and kinds[0] is Kind.WRITTEN):
        return ()
    offsets = [0, *(lines.start[number] for number in changes), len(html)]
    found, before = [], ""
    for number, stack in enumerate(_open_at(html, offsets[1:])):
        kind = kinds[changes[number - 1]] if number else kinds[0]
        closing = "".join(f"</{each.tag}>" for each in reversed(stack))
        found.append(Cut(kind, offsets[number], offsets[number + 1], before, closing))
        before = "".join(each.written for each in stack)
    return tuple(found)


def apart(html: str, at: tuple[Cut, ...]) -> tuple[Piece, ...]:
    """The pieces of the HTML whose cuts these are, each whole by itself."""
    if not at:
        return (Piece(Kind.WRITTEN, html),) if html else ()
    return tuple(Piece(cut.kind, cut.before + html[cut.start : cut.end] + cut.after) for cut in at)


def closed(html: str) -> str:
    """Sanitised HTML that was cut off between two elements, with the ends of those that are open."""
    stack = next(_open_at(html, [len(html)]))
    return html + "".join(f"</{each.tag}>" for each in reversed(stack))


def split(html: str) -> tuple[Piece, ...]:
    """The pieces of sanitised HTML."""
    return apart(html, cuts(html))


def _open_at(html: str, offsets: list[int]) -> Iterator[list[_Open]]:
    """The elements that are open at each of these offsets, which rise."""
    stack: list[_Open] = []
    wanted = iter(offsets)
    offset = next(wanted)
    for token in _TOKEN.finditer(html):
        while token.start() >= offset:
            yield list(stack)
            offset = next(wanted)
        tag = token[2]
        if not tag or tag in _VOID:
            continue
        if not token[1]:
            stack.append(_Open(tag, token[0]))
        elif stack and stack[-1].tag == tag:
            stack.pop()
    yield list(stack)  # at the end, and once more for each offset that lies there too
    for _ in wanted:
        yield list(stack)


def written(html: str) -> str:
    """The markup of what the person wrote; empty when there is nothing but a quotation."""
    return "".join(piece.text for piece in split(html) if piece.kind is Kind.WRITTEN)
