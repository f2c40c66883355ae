"""Address lists (RFC 5322, 3.4) as people's programs write them: groups, comments, missing commas."""

from __future__ import annotations

import re

from wasl.channels.base import Address
from wasl.channels.email.headers import one_line, words

MAX_ADDRESSES = 1_000
MAX_NAME = 250

_ONE = re.compile(r'"?([^"<>,;:()\\@]*)"?\s*<([^<>()\[\]\s@",:;]+@[^<>()\[\]\s@",:;]+)>\Z')
_TOKEN = re.compile(
    r'"((?:[^"\\]|\\.)*)"|<([^<>]*)>|\(((?:[^()\\]|\\.)*)\)|([,;:])|([^\s",;:<>()]+)|(\s+)|(.)', re.DOTALL
)
_USABLE = re.compile(r"[^@\s<>]{1,128}@[^@\s<>]{1,255}\Z")


class _Entry:
    """One address in the making."""

    __slots__ = ("angle", "comment", "spaced", "words")

    def __init__(self) -> None:
        self.words: list[str] = []
        self.angle = ""
        self.comment = ""
        self.spaced = False

    def take(self, token: re.Match[str], *, touches_domain: bool) -> None:
        kind = token.lastindex
        if kind == 1:
            quoted = re.sub(r"\\(.)", r"\1", token[1])
            self.word(f'"{quoted}"' if touches_domain else quoted)
        elif kind == 2:
            self.angle = self.angle or token[2]
        elif kind == 3:
            self.comment = self.comment or token[3]
        elif kind == 5:
            self.word(token[5])
        elif kind == 6:
            self.spaced = True

    def word(self, text: str) -> None:
        """A quoted string and what touches it are one word: `"a b"@example.org`."""
        if self.words and not self.spaced:
            self.words[-1] += text
        else:
            self.words.append(text)
        self.spaced = False

    def address(self, defects: set[str]) -> Address | None:
        name_words = self.words
        found = _bare(self.angle)
        if not found:
            name_words = [word for word in self.words if "@" not in word]
            found = next((_bare(word) for word in self.words if "@" in word), "")
        if not found:
            return None
        name = " ".join(word for word in name_words if word) or self.comment
        return Address(_name(name, defects), found)


def _bare(text: str) -> str:
    """The address inside angle brackets or alone; '' when it cannot be one."""
    text = one_line(text)
    if '"' in text and " " in text:  # without the space it would be someone else's address
        return ""
    text = text.replace(" ", "")
    if text.startswith("@") and ":" in text:  # a source route (RFC 5321, appendix C)
        text = text.rpartition(":")[2]
    if text[:7].lower() == "mailto:":
        text = text[7:]
    return text if _USABLE.match(text) else ""


def _name(text: str, defects: set[str]) -> str:
    name = one_line(words(text, defects)).strip("\"' ")
    return name[:MAX_NAME].rstrip()


def parse(text: str, defects: set[str]) -> tuple[Address, ...]:
    """The addresses of an unfolded header value, in order; what is no address is left out."""
    if not text:
        return ()
    one = _ONE.match(text)
    if one:
        return (Address(_name(one[1], defects), one[2]),)
    if "," not in text and ";" not in text and _USABLE.match(text) and text.isprintable() and '"' not in text:
        return (Address("", text.strip("()")),)
    found = _several(text, defects)
    if len(found) > MAX_ADDRESSES:
        defects.add("recipients_cut")
    return tuple(found[:MAX_ADDRESSES])


def _several(text: str, defects: set[str]) -> list[Address]:
    found: list[Address] = []
    entry, position = _Entry(), 0
    while position < len(text) and len(found) <= MAX_ADDRESSES:
        token = _TOKEN.match(text, position)
        assert token is not None  # the last alternative takes any character
        position = token.end()
        if token[7]:
            # An opening quote or bracket without its end: once and for all, so that a header made of
            # them is not searched to its end from each.
            text = text[:position] + text[position:].replace(token[7], " ")
        entry.take(token, touches_domain=text.startswith("@", position))
        if token[4] in (",", ";") or position == len(text):
            address = entry.address(defects)
            if address is not None:
                found.append(address)
            entry = _Entry()
        elif token[4] == ":":
            entry = _Entry()  # what came before was a group's name
    return found
