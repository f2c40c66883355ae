"""How alike two words are, and the words that a name is made of. Pure.

Jaro (1989) and Winkler (1990) measure what typing does to a name: letters that moved a little or were swapped cost
less than letters that are not there, and a common beginning counts extra. Arabic and Latin writings of one name have
their consonants in common, which is what `skeleton` keeps.
"""

import re

from wasl.kit.folding import fold

WINKLER = 0.1
"""What each letter of a common beginning, up to four, adds of the way that is left to 1."""


def jaro_winkler(a: str, b: str) -> float:
    """Between 0 (nothing in common) and 1 (the same)."""
    if a == b:
        return 1.0
    jaro = _jaro(a, b)
    begins = 0
    for x, y in zip(a[:4], b[:4], strict=False):
        if x != y:
            break
        begins += 1
    return jaro + begins * WINKLER * (1 - jaro)


def _jaro(a: str, b: str) -> float:
    reach = max(len(a), len(b)) // 2 - 1
    taken = [False] * len(b)
    first = []
    for at, letter in enumerate(a):
        for other in range(max(0, at - reach), min(len(b), at + reach + 1)):
            if not taken[other] and b[other] == letter:
                taken[other] = True
                first.append(letter)
                break
    common = len(first)
    if not common:
        return 0.0
    second = [letter for letter, used in zip(b, taken, strict=True) if used]
    swapped = sum(x != y for x, y in zip(first, second, strict=True)) / 2
    return (common / len(a) + common / len(b) + (common - swapped) / common) / 3


def edits(a: str, b: str) -> int:
    """How many letters have to be put in, taken out, changed or swapped with their neighbour (Damerau 1964, each
    place edited once)."""
    before: list[int] = []
    last = list(range(len(b) + 1))
    for i, x in enumerate(a, 1):
        row = [i]
        for j, y in enumerate(b, 1):
            least = min(last[j] + 1, row[j - 1] + 1, last[j - 1] + (x != y))
            if i > 1 and j > 1 and x == b[j - 2] and y == a[i - 2]:
                least = min(least, before[j - 2] + 1)
            row.append(least)
        before, last = last, row
    return last[-1]


_TITLES = (
    "mr mrs ms miss dr prof m mme mlle me sig sigra dott dottssa ing avv السيد السيده الانسه دكتور الدكتور"
)
TITLES = frozenset(_TITLES.split())
"""What stands before a name and is no part of it, folded."""

_PARTS = "ben bin bn bou abu abou abd abdel abdul بن ابن بو ابو عبد"
_JOINED = frozenset(_PARTS.split())
"""What is written with the word after it by some, and apart from it by others."""

_ARTICLE = re.compile("^(عبد|)ال(?=...)")
_SERVANT = re.compile("^abd(?:el|ul|ur|ar|er|al)")


def words_of(name: str) -> tuple[str, ...]:
    """The words of a name as they are compared: folded, without titles and initials' dots, in their order."""
    folded = "".join(letter if letter.isalnum() else " " for letter in fold(name))
    found: list[str] = []
    for word in folded.split():
        if found and found[-1] in _JOINED:
            found[-1] += word
        elif word not in TITLES and not word.isdigit():
            found.append(word)
    return tuple(found)


_LATIN = {
    ord(letter): with_
    for letters, with_ in {
        "aeiouyw": "",
        "c": "k",
        "q": "k",
        "p": "b",
        "v": "f",
        "j": "g",
        "z": "s",
        "x": "ks",
    }.items()
    for letter in letters
}
_ARABIC = {
    ord(letter): with_
    for letter, with_ in zip(
        "ابتثجحخدذرزسشصضطظعغفقكلمنهويء",
        ("", "b", "t", "t", "g", "h", "k", "d", "d", "r", "s", "s", "s", "s", "d", "t", "d", "", "g", "f", "k", "k",
         "l", "m", "n", "h", "", "", ""),
        strict=True,
    )
}  # fmt: skip
_SOFT = re.compile("c(?=[eiy])")
_PAIRS = (
    ("ch", "s"),
    ("sh", "s"),
    ("kh", "k"),
    ("gh", "g"),
    ("dh", "d"),
    ("th", "t"),
    ("ph", "f"),
    ("ou", ""),
)


def skeleton(word: str) -> str:
    """The consonants of a folded word, the same for its Arabic and its Latin spelling as a rule: محمد and Mohamed,
    Mohammed, Muhammad are all `mhmd`. '' for a word of vowels only, or of another script."""
    word = _SERVANT.sub("abd", _ARTICLE.sub(r"\1", _SOFT.sub("s", word)))
    for written, sounds in _PAIRS:
        word = word.replace(written, sounds)
    letters = word.translate(_LATIN).translate(_ARABIC)
    kept = [
        letter for at, letter in enumerate(letters) if letter.isascii() and letters[at - 1 : at] != letter
    ]
    # A final h is the teh marbuta of one spelling and silent in the other.
    text = "".join(kept)
    return text[:-1] if len(text) > 1 and text.endswith("h") else text


def is_arabic(word: str) -> bool:
    """Whether a folded word is written in Arabic letters."""
    return bool(word) and "\u0600" <= word[0] <= "\u06ff"


def key_of(words: tuple[str, ...]) -> str:
    """By what people of one name are found: the skeletons of its words, sorted; '' for a name of one word, by which
    nobody could be told from another."""
    kept = sorted(filter(None, map(skeleton, words)))
    return " ".join(kept[:4]) if len(kept) > 1 else ""
