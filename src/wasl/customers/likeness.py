"""How likely it is that two records are of one person: the model of Fellegi and Sunter (1969). Pure.

Each comparison of two records ends at a level (`same`, `near`, `other`, or None where one of them is silent). A level
is more usual among records of one person than among others: m and u, shares of 0 to 1. Their ratio is what it says, and
what all say together, with how many pairs are of one person to begin with, is the probability. What a name says also
depends on how common it is. m and u are learnt from pairs whose truth nobody knows, by expectation and maximisation
(Winkler 1988): `learn`. What was learnt stands in `weights.py`.
"""

from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from functools import lru_cache
from math import log2
from typing import NamedTuple

from wasl.customers.closeness import edits, is_arabic, jaro_winkler, skeleton

NEAR = 0.88
"""From here on (Jaro-Winkler) a word is taken for another spelling of the same."""


@dataclass(frozen=True, slots=True)
class Person:
    """What is known of somebody, folded (`closeness.words_of`, `kit.folding`); empty is unknown.

    `born` is YYYYMMDD, `phones` are E.164, `mails` addresses as they are compared.
    """

    names: tuple[str, ...] = ()
    born: str = ""
    number: str = ""
    street: str = ""
    building: str = ""
    town: str = ""
    postcode: str = ""
    region: str = ""
    phones: frozenset[str] = frozenset()
    mails: frozenset[str] = frozenset()


class Reason(NamedTuple):
    """What one comparison found, and by how many powers of two it speaks for one person (below zero: against)."""

    what: str
    level: str
    bits: float


@dataclass(frozen=True, slots=True)
class Likeness:
    """The probability (0 to 1) and its reasons, the weightiest first."""

    probability: float
    bits: float
    reasons: tuple[Reason, ...]


Levels = Mapping[str, tuple[float, float]]
"""m and u of each level."""


@dataclass(frozen=True, slots=True)
class Model:
    """`prior` is how many of the pairs that are compared are of one person (0 to 1)."""

    prior: float
    weights: Mapping[str, Levels]


Common = Callable[[str, str], float]
"""How common a word is in a comparison: (what, word) → share of the records, 0 when it is not known."""


@lru_cache(200_000)
def _word(a: str, b: str) -> str:
    if a == b:
        return "same"
    if is_arabic(a) != is_arabic(b):
        sound = skeleton(a)
        return "near" if sound and sound == skeleton(b) else "other"
    short, long = sorted((a, b), key=len)
    if jaro_winkler(a, b) >= NEAR or (len(long) > 4 and edits(a, b) == 1):
        return "near"
    return "near" if len(short) == 1 and long.startswith(short) else "other"


@lru_cache(200_000)
def _text(a: str, b: str) -> str:
    """A line of an address: also near when two letters differ, or one is the other cut short."""
    if a == b:
        return "same"
    if min(len(a), len(b)) >= 6 and (jaro_winkler(a, b) >= NEAR or edits(a, b) <= 2):
        return "near"
    return "near" if len(a) == len(b) > 2 and edits(a, b) == 1 else "other"


def _digits(a: str, b: str) -> str:
    """A number: near when one digit differs or two are swapped."""
    if a == b:
        return "same"
    return "near" if min(len(a), len(b)) > 1 and edits(a, b) == 1 else "other"


def _born(a: str, b: str) -> str:
    """A day: near when a digit differs, two are swapped, or day and month are."""
    if a == b:
        return "same"
    turned = b[:4] + b[6:8] + b[4:6]
    return "near" if a == turned or edits(a, b) == 1 else "other"


_RANK = {"same": 0, "near": 1, "other": 2, "": 3}


def pairing(a: tuple[str, ...], b: tuple[str, ...]) -> list[tuple[str, str, str]]:
    """The words of two names side by side, the most alike first: (word, word, level); level '' for a word that has no
    counterpart. Which stands first does not matter: people, and forms, turn names round."""
    left, right, found = list(a), list(b), []
    while left and right:
        x, y = min(
            ((x, y) for x in left for y in right), key=lambda two: (_RANK[_word(*two)], -jaro_winkler(*two))
        )
        found.append((x, y, _word(x, y)))
        left.remove(x)
        right.remove(y)
    return found + [(x, "", "") for x in left] + [("", y, "") for y in right]


def _names(pairs: list[tuple[str, str, str]]) -> str | None:
    """One level for a whole name, of the two words that say most: `same+near`, `same+` (the other has no second)."""
    said = [level for *_, level in pairs]
    if not any(said):
        return None
    return "+".join([*said, ""][:2])


def _any(a: frozenset[str], b: frozenset[str]) -> str | None:
    """Addresses of which one may have several: another one says little, one in common much."""
    if not a or not b:
        return None
    return "same" if a & b else "other"


_PLAIN: Mapping[str, Callable[[str, str], str]] = {
    "born": _born,
    "number": _digits,
    "street": _text,
    "building": _text,
    "town": _text,
    "postcode": _digits,
    "region": _text,
}
WORDS = ("street", "building", "town", "region")
"""Besides names: comparisons of which it matters how common the word is that is the same."""


class Compared(NamedTuple):
    """The level of each comparison, and the words that were the same."""

    levels: Mapping[str, str]
    same: tuple[tuple[str, str], ...]


def compare(a: Person, b: Person) -> Compared:
    """What of two records is the same, near or other; what one of them is silent about is left out."""
    levels, same = dict[str, str](), list[tuple[str, str]]()
    pairs = pairing(a.names, b.names)
    if name := _names(pairs):
        levels["name"] = name
        same += [("name", x) for x, _, level in pairs[:2] if level == "same"]
    for what, how in _PLAIN.items():
        x, y = getattr(a, what), getattr(b, what)
        if x and y:
            levels[what] = how(x, y)
            if x == y and what in WORDS:
                same.append((what, x))
    for what, x, y in (("phone", a.phones, b.phones), ("mail", a.mails, b.mails)):
        if level := _any(x, y):
            levels[what] = level
    return Compared(levels, tuple(same))


MOST_RARE = 5.0
"""A rare word says at most that much more (in powers of two) than the average one, and a common one that much less."""


def rarity(found: Compared, common: Common, usual: Mapping[str, float]) -> dict[str, float]:
    """By comparison, what the words that were the same say more than average ones: by the shares of records that have
    the word (`common`) and the average one (`usual`)."""
    told = dict[str, float]()
    for what, word in found.same:
        share, average = common(what, word), usual.get(what, 0.0)
        if share and average:
            bits = max(-MOST_RARE, min(MOST_RARE, log2(average / share)))
            told[what] = told.get(what, 0.0) + bits
    return told


def judge(model: Model, found: Compared, rare: Mapping[str, float] | None = None) -> Likeness:
    """What the comparisons come to; `rare` is added to what they say."""
    rare = rare or {}
    told = {
        what: _bits(model.weights[what], level) + rare.get(what, 0.0)
        for what, level in found.levels.items()
        if what in model.weights
    }
    bits = log2(model.prior / (1 - model.prior)) + sum(told.values())
    reasons = sorted(
        (Reason(what, found.levels[what], round(b, 2)) for what, b in told.items()), key=lambda r: -r.bits
    )
    return Likeness(1 / (1 + 2.0 ** -max(-200.0, min(200.0, bits))), bits, tuple(reasons))


def _bits(levels: Levels, level: str) -> float:
    m, u = levels.get(level, (0.5, 0.5))
    return log2(m / u)


SMALLEST = 1e-5
ROUNDS = 40


def learn(patterns: Iterable[Mapping[str, str]], prior: float = 0.1, start: Model | None = None) -> Model:
    """m, u and the share of pairs of one person, from the levels of pairs of which nobody says what they are.

    Expectation: how likely each pattern is of one person, as things stand. Maximisation: m and u from what follows of
    it. The comparisons are taken to be independent; what is silent counts for nothing.
    """
    counted = Counter(tuple(sorted(pattern.items())) for pattern in patterns)
    model = start or Model(prior, _first(counted))
    for _ in range(ROUNDS):
        model = _round(model, counted)
    return model


Patterns = Mapping[tuple[tuple[str, str], ...], int]


def _first(counted: Patterns) -> dict[str, Levels]:
    """To begin with: those of one person mostly agree, and others as all pairs do."""
    weights: dict[str, dict[str, tuple[float, float]]] = {}
    for what, levels in _shares(counted, lambda _: 1.0).items():
        guess = {level: 0.9 if set(level.split("+")) <= {"same", "near", ""} else 0.1 for level in levels}
        total = sum(guess.values())
        weights[what] = {level: (guess[level] / total, share) for level, share in levels.items()}
    return dict(weights)


def _round(model: Model, counted: Patterns) -> Model:
    chance = {pattern: judge(model, Compared(dict(pattern), ())).probability for pattern in counted}
    ours, others = _shares(counted, chance.__getitem__), _shares(counted, lambda p: 1 - chance[p])
    weights = {
        what: {
            level: (max(ours[what][level], SMALLEST), max(others[what][level], SMALLEST))
            for level in ours[what]
        }
        for what in ours
    }
    total = sum(counted.values())
    share = sum(chance[pattern] * n for pattern, n in counted.items()) / total
    return Model(min(max(share, 1e-9), 0.999), weights)


def _shares(
    counted: Patterns, weight: Callable[[tuple[tuple[str, str], ...]], float]
) -> dict[str, dict[str, float]]:
    """How often each level is found among the pairs so weighted, of those that are not silent."""
    sums: dict[str, dict[str, float]] = {}
    for pattern, n in counted.items():
        share = weight(pattern) * n
        for what, level in pattern:
            levels = sums.setdefault(what, {})
            levels[level] = levels.get(level, 0.0) + share
    return {
        what: {level: value / (sum(levels.values()) or 1.0) for level, value in levels.items()}
        for what, levels in sums.items()
    }
