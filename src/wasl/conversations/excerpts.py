"""The part of a text in which something was found, with what was found marked."""

import re
from typing import NamedTuple

from wasl.conversations.asking import Asked
from wasl.conversations.lexemes import WORD, of_word
from wasl.kit.folding import fold

LEAD = 40
"""Letters shown before the first word that was found."""


class Piece(NamedTuple):
    """Some of a text, and whether it is what was found."""

    text: str
    found: bool


_SPACE = re.compile(r"\s+(?:>[>\s]*)?")


def excerpt(asked: Asked, text: str, language: str, size: int) -> list[Piece]:
    """About `size` letters of a text from before the first word that was found, on one line; its beginning when none
    was."""
    text = _SPACE.sub(" ", text).strip()
    spans = _spans(asked, text, language, size)
    first = spans[0][0] if spans else 0
    start = 0
    if first > size - LEAD:
        start = text.rfind(" ", 0, first - LEAD) + 1 if first > LEAD else 0
    end = min(len(text), start + size)
    pieces, at = [Piece("… ", False)] if start else [], start
    for begin, stop in spans:
        if begin >= end:
            break
        pieces += [Piece(text[at:begin], False), Piece(text[begin : min(stop, end)], True)]
        at = min(stop, end)
    pieces.append(Piece(text[at:end] + ("…" if end < len(text) else ""), False))
    return [piece for piece in pieces if piece.text]


def _spans(asked: Asked, text: str, language: str, size: int) -> list[tuple[int, int]]:
    """Where words stand that were found: the first, and those up to `size` letters after it."""
    begins = tuple(asked.begins)
    if not asked.marked and not begins:
        return []
    found: list[tuple[int, int]] = []
    for word in WORD.finditer(text):
        if found and word.start() > found[0][0] + size:
            break
        raw = word.group()
        if not asked.marked.isdisjoint(of_word(raw, language)) or (begins and fold(raw).startswith(begins)):
            found.append(word.span())
    return found
