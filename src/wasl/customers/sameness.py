"""Whether two customers are one: said by itself, suggested with its reasons, or nothing. Pure.

By itself only what two networks vouch for: one telephone number or mailbox, verified on both sides, under which nobody
was ever seen with another name. Everything else is a suggestion. An address seen with several distinct names is shared
(a family's telephone, a reception desk): it links nobody by itself, and says less.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations
from math import log2
from typing import Generic, Literal, TypeVar

from wasl.customers.likeness import Compared, Likeness, Person, Reason, compare, judge, pairing
from wasl.customers.points import CLAIMED, is_desk
from wasl.customers.weights import CUSTOMERS, SUGGEST

Key = TypeVar("Key")
MOST_NAMES = 8
"""Names of one customer, or of one point, that are looked at; who goes by more is a desk."""

FAMILIAR = 2.25
"""What a full name says more (powers of two) when nobody else here has it; each doubling of the others takes one.
In the generated towns (`bench/shared.py`) of such pairs, with nothing else to go by, 65 of 100 are one person; of nine
and more holders of a name 18."""


@dataclass(frozen=True, slots=True)
class Record(Generic[Key]):
    """A customer as far as it matters here. `names` are folded words; `points` say how each is known; `keys` are by
    what names are found."""

    id: Key
    names: frozenset[tuple[str, ...]]
    points: Mapping[str, str]
    keys: frozenset[str] = frozenset()
    town: str = ""


@dataclass(frozen=True, slots=True)
class Verdict:
    """`one`: by itself. `maybe`: to be suggested. `point` is what a link by itself rests on."""

    what: Literal["one", "maybe", "no"]
    likeness: Likeness
    point: str = ""


Names = Callable[[str], frozenset[tuple[str, ...]]]
"""All names that were ever seen with a point, whoever's."""

Holders = Callable[[str], int]
"""How many customers have a name with that key."""


def is_shared(names: Iterable[tuple[str, ...]]) -> bool:
    """Whether these cannot all be one person's: two of them have no word for word in common."""
    known = sorted(set(filter(None, names)))
    return len(known) > MOST_NAMES or any(distinct(a, b) for a, b in combinations(known, 2))


def agree(names: Iterable[tuple[str, ...]]) -> bool:
    """Whether these are one name, written in full or not, to the letter: Samir and Samira, حسن and حسين are one letter
    apart and two people, so what is merely alike links nobody by itself."""
    known = sorted(set(filter(None, names)))
    return len(known) <= MOST_NAMES and all(
        set(short) <= set(long) for short, long in (sorted(pair, key=len) for pair in combinations(known, 2))
    )


def distinct(a: tuple[str, ...], b: tuple[str, ...]) -> bool:
    """Whether two names are of two people: a word of the shorter that has no counterpart in the other."""
    return any(level == "other" for *_, level in pairing(a, b))


def look(a: Record[Key], b: Record[Key], names: Names, holders: Holders) -> Verdict:
    """What is to become of two customers that have a point, or the key of a name, in common."""
    common = a.points.keys() & b.points.keys()
    shared = {point for point in common if is_desk(point) or is_shared(names(point))}
    likeness = _likeness(a, b, shared, holders)
    proved = sorted(p for p in common - shared if CLAIMED not in (a.points[p], b.points[p]))
    if proved and agree(a.names | b.names | names(proved[0])):
        return Verdict("one", likeness, proved[0])
    return Verdict("maybe" if likeness.bits >= SUGGEST else "no", likeness)


def levels(a: Record[Key], b: Record[Key], shared: Callable[[str], bool]) -> dict[str, str]:
    """The level of each comparison; of a telephone or mailbox that others share too it is `shared`."""
    found = dict(compared(a, b).levels)
    for what, begins in (("phone", "tel:"), ("mail", "mail:")):
        common = [point for point in a.points.keys() & b.points.keys() if point.startswith(begins)]
        if common and all(map(shared, common)):
            found[what] = "shared"
    return found


def _likeness(a: Record[Key], b: Record[Key], shared: set[str], holders: Holders) -> Likeness:
    found = levels(a, b, shared.__contains__)
    rare = {}
    if a.keys & b.keys:
        others = max(holders(key) for key in a.keys & b.keys) - 1
        rare["name"] = FAMILIAR - log2(max(1, others))
    return judge(CUSTOMERS, Compared(found, ()), rare)


def compared(a: Record[Key], b: Record[Key]) -> Compared:
    """Their comparison, by the two names of theirs that are most alike."""
    return max(
        (compare(x, y) for x in _persons(a) for y in _persons(b)), key=lambda c: judge(CUSTOMERS, c).bits
    )


def _persons(record: Record[Key]) -> Sequence[Person]:
    phones = frozenset(p for p in record.points if p.startswith("tel:"))
    mails = frozenset(p for p in record.points if p.startswith("mail:"))
    names = sorted(record.names)[:MOST_NAMES] or [()]
    return [Person(names=name, town=record.town, phones=phones, mails=mails) for name in names]


def codes(reasons: Iterable[Reason]) -> list[str]:
    """Reasons as they are kept: `phone:same`. They hold nothing of the customers."""
    return [f"{reason.what}:{reason.level}" for reason in reasons]


def is_news(now: Iterable[str], refused: Iterable[str]) -> bool:
    """Whether something speaks for it that did not when it was refused."""
    return bool(
        {code for code in now if not code.endswith((":other", "other+other", ":shared"))} - set(refused)
    )
