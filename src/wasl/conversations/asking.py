"""What a search asks for: words, phrases and operators, read from one line of text.

    refund "order number" from:camille is:open -test

Words must all occur, in any of their forms; a phrase in its order; `word*` any word that begins so. Everything else
narrows. What cannot be understood is not guessed at: it is named in `unknown` and the rest is searched for.
"""

import re
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta, tzinfo

from wasl.conversations.lexemes import lexemes, words
from wasl.conversations.operators import NAMES, STATUSES, VALUES
from wasl.conversations.stems import related, spellings
from wasl.kit.folding import fold

LONGEST = 400
MOST = 24

_PART = re.compile(r"""(-?)(?:([^\s:"«»“”]{1,20})[:：])?(?:"([^"]*)"?|“([^”]*)”?|«([^»]*)»?|([^\s"“«]+))""")
_ARABIC = re.compile(r"[\u0621-\u064a]")


class TooLong(Exception):
    """More than can be searched for at once: LONGEST letters, MOST words."""


@dataclass
class Asked:
    """A search, understood. `words` is the text of a tsquery, '' when only conversations are narrowed down.

    `plain` are the words as they were typed, for finding people; `marks` how many of the parts are no words; `marked`
    and `begins` what is shown as found.
    """

    text: str = ""
    parts: list[str] = field(default_factory=list)
    plain: list[str] = field(default_factory=list)
    marks: int = 0
    marked: set[str] = field(default_factory=set)
    begins: set[str] = field(default_factory=set)
    statuses: set[str] = field(default_factory=set)
    mine: bool = False
    nobody: bool = False
    unread: bool = False
    inboxes: list[str] = field(default_factory=list)
    tags: list[str] = field(default_factory=list)
    since: datetime | None = None
    until: datetime | None = None
    unknown: list[str] = field(default_factory=list)

    @property
    def words(self) -> str:
        """The text of a tsquery."""
        return " & ".join(self.parts)

    @property
    def narrowed(self) -> bool:
        """Whether more than words is asked."""
        return bool(
            self.statuses or self.mine or self.nobody or self.unread or self.inboxes or self.tags or self.since
            or self.until or self.marks
        )  # fmt: skip

    @property
    def empty(self) -> bool:
        """Whether nothing is asked for."""
        return not (
            self.parts or self.statuses or self.mine or self.nobody or self.unread or self.inboxes or self.tags
            or self.since or self.until
        )  # fmt: skip


def read(text: str, zone: tzinfo = UTC, now: datetime | None = None) -> Asked:
    """Understand a search; dates are days in `zone`. Raises TooLong."""
    asked = Asked(" ".join(text.replace("\x00", "").split()))
    if len(text) > LONGEST:
        raise TooLong
    found = list(_PART.finditer(asked.text))
    if len(found) > MOST:
        raise TooLong
    for part in found:
        minus, name, *values = part.groups()
        value = next((v for v in values if v is not None), "")
        quoted = values[-1] is None
        key = NAMES.get(fold(name)) if name else None
        if key:
            _operator(asked, key, value, minus, part.group(), zone, now or datetime.now(UTC))
        else:
            whole = f"{name} {value}" if name else value
            _words(asked, whole, minus, part.group(), begins=not quoted and value.endswith("*"))
    return asked


def _operator(asked: Asked, key: str, value: str, minus: str, said: str, zone: tzinfo, now: datetime) -> None:
    folded = fold(value).strip()
    if key in ("from", "to"):
        who = _people(folded, key)
        if who:
            asked.parts.append(("!" if minus else "") + who)
            asked.marks += 1
            return
    elif key in VALUES and (known := VALUES[key].get(folded.replace(" ", "-"))):
        if key == "is" and not minus:
            _state(asked, known)
            return
        if key != "is":
            mark = "'h/file'" if key == "has" else f"'l/{known}'"
            asked.parts.append(("!" if minus else "") + mark)
            asked.marks += 1
            return
    elif key == "in" and folded and not minus:
        asked.inboxes.append(folded)
        return
    elif key == "tag" and folded and not minus:
        asked.tags.append(folded)
        return
    elif key in ("before", "after") and not minus and _date(asked, key, folded, zone, now):
        return
    asked.unknown.append(said)


def _state(asked: Asked, state: str) -> None:
    if state in STATUSES:
        asked.statuses.add(state)
    asked.mine |= state == "mine"
    asked.nobody |= state == "unassigned"
    asked.unread |= state == "unread"


def _people(folded: str, key: str) -> str:
    """Who wrote or was written to: the customer or an agent, by the beginnings of their names."""
    parts = []
    for piece in folded.split():
        address = piece.strip("@<>(),;")
        parts += [address] if "@" in address or "." in address else words(address)
    if not parts or not any(parts):
        return ""
    named = {kind: " & ".join(f"{_quote(f'{kind}/{part}')}:*" for part in parts) for kind in "cft"}
    if key == "from":
        return f"(({named['c']}) & 'y/in' | ({named['f']}))"
    return f"(({named['c']}) & 'y/out' | ({named['t']}))"


# What stands before an apostrophe and is no word by itself: dell’ordine, qu’il.
_ELIDED = re.compile(
    r"(?<![^\W_])(?:(?:d|n|s|c)?(?:e|a|u)ll|all|un|quest|quell|com|dov|qu|jusqu|lorsqu|puisqu|quoiqu)['’](?=[^\W\d_])"
)


def _words(asked: Asked, value: str, minus: str, said: str, *, begins: bool) -> None:
    folded = fold(value)
    typed = words(_ELIDED.sub("", folded))
    query = _phrase(asked, typed, begins=begins, shown=not minus)
    if not query:
        if value.strip("-*"):
            asked.unknown.append(said)
        return
    if "@" in folded and len(typed) > 1:
        address = folded.strip("@.,;<>()")
        query = f"({query} | {_quote(f'c/{address}')} | {_quote(f't/{address}')})"
    if minus:
        asked.parts.append(f"!({query})")
    else:
        asked.parts.append(query)
        asked.plain.extend(typed)


def _phrase(asked: Asked, typed: list[str], *, begins: bool, shown: bool) -> str:
    """Words in their order as a tsquery; '' when none of them is one."""
    alternatives = []
    for place, word in enumerate(typed):
        last = begins and place == len(typed) - 1
        found = [(lexeme, False) for lexeme in forms(word)] + ([(word, True)] if last else [])
        if not found:
            continue
        if shown:
            asked.begins |= {lexeme for lexeme, prefix in found if prefix}
            asked.marked |= {lexeme for lexeme, prefix in found if not prefix}
        parts = [_quote(lexeme) + (":*" if prefix else "") for lexeme, prefix in found]
        if len(typed) == 1:
            parts.append(_quote(f"c/{word}") + (":*" if last else ""))
            parts += _apart(word)
        alternatives.append(f"({' | '.join(parts)})")
    return f"({' <-> '.join(alternatives)})" if alternatives else ""


def forms(word: str) -> list[str]:
    """Every lexeme under which a folded word may stand in the index, whatever the language of the message."""
    found = list(lexemes(word, ""))
    if found and _ARABIC.search(word):
        return related(found[0])
    if word.isascii():
        found += [lexeme for twin in spellings(word) for lexeme in lexemes(twin, "en") if lexeme not in found]
    return found


_NUMBERED = re.compile(r"([^\W\d_]{1,6})(\d{3,})\Z")


def _apart(word: str) -> list[str]:
    """DZ20377 as it is often written: DZ-20377."""
    found = _NUMBERED.match(word)
    return [f"({_quote(found[1])} <-> {_quote(found[2])})"] if found and len(found[1]) > 1 else []


def _quote(lexeme: str) -> str:
    return "'" + lexeme.replace("\\", "\\\\").replace("'", "''") + "'"


_ISO = re.compile(r"(\d{4})(?:-(\d{1,2})(?:-(\d{1,2}))?)?\Z")
_DAY_FIRST = re.compile(r"(\d{1,2})[/.](\d{1,2})[/.](\d{4})\Z")
_AGO = re.compile(r"(\d{1,4})([dwmyjsga])\Z")
_DAYS = {"d": 1, "j": 1, "g": 1, "w": 7, "s": 7, "m": 30, "y": 365, "a": 365}


def _date(asked: Asked, key: str, text: str, zone: tzinfo, now: datetime) -> bool:
    """2026-03-01, 01/03/2026, 2026-03, 2026, or so long ago: 7d, 2w, 3m, 1y. Before a day leaves it out, after
    begins with it."""
    try:
        if found := _ISO.match(text):
            year, month, day = (int(part or 1) for part in found.groups())
        elif found := _DAY_FIRST.match(text):
            day, month, year = (int(part) for part in found.groups())
        elif found := _AGO.match(text):
            ago = (now - timedelta(days=int(found[1]) * _DAYS[found[2]])).astimezone(zone)
            year, month, day = ago.year, ago.month, ago.day
        else:
            return False
        at = datetime(year, month, day, tzinfo=zone)
        at.astimezone(UTC)
    except (ValueError, OverflowError):
        return False
    if key == "before":
        asked.until = min(asked.until or at, at)
    else:
        asked.since = max(asked.since or at, at)
    return True
