"""What of a message is searched: its words as stems with their places, and marks for what else is known of it.

A word is a run of letters and digits. A mark is a letter, a slash and a value, so that no word can look like one:

    w/<workspace>   every message: a word that is common elsewhere and rare here is rare
    m/<year-month>  every message: a frequent word is looked for month by month
    c/<name>        the customer: words of the name, address, domain
    f/<name>        the agent who wrote it
    t/<address>     who else it was sent to, in To and Cc
    y/in|out|note   h/file   l/<language>
"""

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime
from functools import lru_cache
from uuid import UUID

from wasl.conversations.stems import LATIN, stem
from wasl.kit.folding import fold

MOST_LETTERS = 50_000
MOST_WORDS = 8_000
MOST_MARKS = 60
LONGEST = 40
"""Longer runs are no words: encoded bytes, hashes, rules of letters."""

# Marks on letters, tatweel, joiners and soft hyphens are inside words.
_INSIDE = r"\u00ad\u0300-\u036f\u0640\u064b-\u065f\u0670\u06d6-\u06ed\u200c\u200d"
WORD = re.compile(rf"[^\W_](?:[^\W_]|[{_INSIDE}])*")
_BETWEEN = re.compile(rf"[{_INSIDE}]+")
_LETTERS = re.compile(r"[^\W_]+")
_NO_LETTERS = {code: " " for code in range(128) if not chr(code).isalnum()}
_ARABIC = re.compile(r"[\u0621-\u064a]")
"""Of a folded word: whether it is in Arabic letters."""

Lexemes = tuple[str, ...]


def lexemes(word: str, language: str) -> Lexemes:
    """How a folded word stands in the index; none for single Latin letters (l'ordine, customer's)."""
    if len(word) > LONGEST:
        return ()
    if _ARABIC.search(word):
        return (stem(word, "ar"),)
    if not word.isalpha():
        return (word,)
    if len(word) == 1:
        return () if word.isascii() else (word,)
    if language in LATIN:
        return (stem(word, language),)
    return tuple({stem(word, each): None for each in LATIN})


class _Known(dict[str, Lexemes]):
    """The words of a language that were met lately: most of a message's were, and a look here is all they cost."""

    def __init__(self, language: str) -> None:
        super().__init__()
        self._language = language

    def __missing__(self, raw: str) -> Lexemes:
        if len(self) >= _MOST_KNOWN:
            self.clear()
        self[raw] = found = lexemes(fold(raw), self._language)
        return found


_MOST_KNOWN = 100_000
_known = {language: _Known(language) for language in ("", "ar", *LATIN)}


def of_word(raw: str, language: str) -> Lexemes:
    """How a word as it is written stands in the index."""
    return (_known.get(language, _known[""]))[raw]


@dataclass(frozen=True, slots=True)
class Document:
    """What is known of a message. `names` are the customer's names and addresses, `author` the agent's name."""

    workspace_id: UUID
    at: datetime
    way: str
    language: str
    subject: str
    text: str
    names: tuple[str, ...] = ()
    author: str = ""
    recipients: tuple[str, ...] = ()
    files: tuple[str, ...] = ()


def words(text: str) -> list[str]:
    """The words of a text in order, not folded."""
    if text.isascii():
        return text.translate(_NO_LETTERS).split()
    return _LETTERS.findall(_BETWEEN.sub("", text))


def vector(document: Document) -> str:
    """The document as the text of a tsvector."""
    places: dict[str, str] = {}
    place, known = 0, _known.get(document.language, _known[""])
    for text in (document.subject, document.text[:MOST_LETTERS], " ".join(document.files)):
        for raw in words(text)[:MOST_WORDS]:
            if found := known[raw]:
                place += 1
                for lexeme in found:
                    if lexeme in places:
                        places[lexeme] += f",{place}"
                    else:
                        places[lexeme] = f"{lexeme}:{place}"
        place += 1  # no phrase reaches from the subject into the text
    return " ".join([*places.values(), *map(_quoted, marks(document))])


def _quoted(lexeme: str) -> str:
    return "'" + lexeme.replace("\\", "\\\\").replace("'", "''") + "'"


def workspace_mark(workspace_id: UUID) -> str:
    """The mark of a workspace: the random end of its id."""
    return f"w/{workspace_id.hex[-10:]}"


def month_mark(at: datetime) -> str:
    """The mark of a month; `at` in UTC."""
    return f"m/{at.year:04}-{at.month:02}"


def marks(document: Document) -> set[str]:
    """The marks of a document."""
    found = {workspace_mark(document.workspace_id), month_mark(document.at), f"y/{document.way}"}
    if document.files:
        found.add("h/file")
    if document.language:
        found.add(f"l/{document.language}")
    for kind, names in (("c", document.names), ("f", (document.author,)), ("t", document.recipients)):
        found.update(f"{kind}/{part[:80]}" for part in _some(parts_of_name(name) for name in names))
    return found


def _some(parts: Iterable[Iterable[str]]) -> Iterator[str]:
    for count, part in enumerate(part for name in parts for part in name):
        if count == MOST_MARKS:
            return
        yield part


@lru_cache(maxsize=10_000)
def parts_of_name(name: str) -> list[str]:
    """By what a name or an address is found: its words, and of an address the whole and its domain."""
    folded = fold(name).strip()
    if "@" in folded and " " not in folded:
        return [folded, folded.rpartition("@")[2]]
    return WORD.findall(folded)
