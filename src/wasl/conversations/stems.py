"""From a folded word to its stem, in the four languages.

French, Italian and English are Snowball's, helped where it needs accents that people leave out. Arabic is light
stemming of our own: Snowball's takes the first letter of a word for a preposition (`فواتير` → `واتير`, `بطاقتي` →
`طاقت`) and leaves `و` before the article standing.
"""

import re
from functools import lru_cache
from typing import Final

import Stemmer

from wasl.conversations.stem_forms import FORMS

LATIN: Final = ("fr", "it", "en")
_SNOWBALL = {"fr": "french", "it": "italian", "en": "english"}
_LEAST = 3

_ARTICLES = ("وبال", "فبال", "وكال", "وال", "فال", "بال", "كال", "ولل", "فلل", "ال", "لل")
_PRONOUNS = (
    "تهما", "تكما", "هما", "كما", "تها", "تهم", "تهن", "تكم", "تنا", "تني", "وها", "وني", "هم", "هن", "كم", "كن", "ها",
    "نا", "ني", "ته", "تك", "تي", "ه", "ك", "ي",
)  # fmt: skip
_ENDINGS = ("تين", "تان", "يات", "ات", "ون", "ين", "ان", "تم", "وا", "يه", "ت", "ه", "ي", "ا")
_ASKING = re.compile(r"[يتن](?=ست...)")
# Nouns of verbs whose last letter is one of the root, and no ending: اشتراك, امتحان, انتباه, استهلاك.
_WHOLE = re.compile(r"(?!اشتراه)ا(?:.ت|ن.|ست.).ا[كنهت]\Z")
_NOUN_OF_VERB = re.compile(r"(?<=\Aا..)ا(?=.\Z)|(?<=\Aا...)ا(?=.\Z)|(?<=\Aاست..)ا(?=.\Z)")


def arabic(word: str) -> str:
    """The stem of a folded Arabic word; at least three letters of it are left."""
    return _FORMS["ar"].get(stem := _arabic(word)) or stem


def _arabic(word: str) -> str:
    for article in _ARTICLES:
        if word.startswith(article) and len(word) - len(article) >= _LEAST:
            word = word[len(article) :]
            break
    while word.startswith("ال") and len(word) >= 2 + _LEAST:
        word = word[2:]
    if not _WHOLE.match(word):
        word = _without(word, _PRONOUNS)
        word = _without(word, _ENDINGS)
    if len(word) >= 5 and (asking := _ASKING.match(word)):
        word = "ا" + word[asking.end() :]
    return _NOUN_OF_VERB.sub("", word)


def _without(word: str, endings: tuple[str, ...]) -> str:
    for ending in endings:
        if word.endswith(ending) and len(word) - len(ending) >= _LEAST:
            return word[: -len(ending)]
    return word


def related(stem: str) -> list[str]:
    """An Arabic stem and those under which a text may hold the same word: with and, in, to, as before it, as broken
    plural or its singular, as verb or its noun.

    The index keeps what is written, as a letter that is taken off is as often part of the word; whoever asks looks
    for all of them, most of which no text holds.
    """
    if len(stem) < _LEAST:
        # Two letters are mostly a root whose last is double: رف, الرفوف.
        return [stem, f"{stem}و{stem[1]}", f"ا{stem}{stem[1]}"] if len(stem) == 2 else [stem]
    # What looks like an ending may be part of the word: اشتراك stands as اشتر, and اشتراكي as اشترك.
    meant = [stem, arabic(stem)] + ([stem + "ك"] if len(stem) > _LEAST else [])
    if stem[0] in "وفبلك" and len(stem) > (_LEAST if stem[0] == "و" else _LEAST + 1):
        meant.append(arabic(stem[1:]))
    meant += [letters + stem for letters in ("و", "ف", "ب", "ل", "ك", "وب", "ول")]
    for pattern, forms in _KIN:
        if found := pattern.match(stem):
            meant += [arabic(found.expand(form)) for form in forms]
    return list(dict.fromkeys(meant))


# Singular → plurals and back, noun ↔ verb; by the letters of the stem, of which the long vowels are ا و ي.
_KIN = [
    (re.compile(pattern + r"\Z"), forms)
    for pattern, forms in (
        (
            r"(.)(.)(.)",
            (
                r"\1\2و\3",
                r"\1\2ا\3",
                r"ا\1\2\3",
                r"ا\1\2ا\3",
                r"ت\1\2ي\3",
                r"ي\1\2\3",
                r"ت\1\2\3",
                r"ن\1\2\3",
            ),
        ),
        (r"(..)[ويا](.)", (r"\1\2", r"\1اي\2", r"ا\1\2", r"\1\2اء")),
        (r"(.)ا(.)(.)", (r"\1وا\2\3", r"\1\2ا\3")),
        (r"(.)ا(.)", (r"\1وا\2",)),
        (r"(..)(.)(.)", (r"\1ا\2\3", r"\1ا\2ي\3")),
        (r"(..)(.)[ويا](.)", (r"\1ا\2ي\3",)),
        (r"[ايتن](..)(.)", (r"\1\2", r"\1ا\2", r"\1ي\2", r"ت\1ي\2", *(f"{who}\\1\\2" for who in "ايتن"))),
        (r"ت(..)ي(.)", (r"\1\2", r"\1ي\2", *(f"{who}\\1\\2" for who in "ايتن"))),
        (r"(..)ي(.)", (r"ت\1ي\2", r"ا\1\2اء")),
        (r"(.)(.)ي\2", (r"ا\1\2اء",)),
        (r"ا(.)(.)ء", (r"\1\2ي\2",)),
        (r"ا(..)(.)ء", (r"\1ي\2",)),
        (r"(..)اء", (r"ا\1يه",)),
        (r"ا(..)", (r"\1اء",)),
        (r"(..)اي(.)", (r"\1ي\2", r"\1ا\2", r"\1\2")),
        (r"(..)ا(..)", (r"\1\2",)),
        (r"(..)ا(.)ي(.)", (r"\1\2\3", r"\1\2و\3", r"\1\2ي\3", r"\1\2ا\3")),
        (r"(.)وا(.)ي?(.)", (r"\1ا\2\3", r"\1ا\2و\3")),
        (r"(...)اء", (r"\1",)),
        (r"(..)(.)اء", (r"\1ي\2",)),
    )
]


# British and American, either way.
_SPELLINGS = [
    (re.compile(pattern + r"\Z"), twin)
    for pattern, twin in (
        (r"(.{3,})is(e|ed|es|ing|er|ers|ation|ations)", r"\1iz\2"),
        (r"(.{3,})iz(e|ed|es|ing|er|ers|ation|ations)", r"\1is\2"),
        (r"(.{3,})our(s|ed|ing|ful|ite|ites)?", r"\1or\2"),
        (r"(.{3,})or(s|ed|ing|ful|ite|ites)?", r"\1our\2"),
        (r"(.{2,}[tb])re(s)?", r"\1er\2"),
        (r"(.{2,}[tb])er(s)?", r"\1re\2"),
        (r"(.{2,}log)ue(s)?", r"\1\2"),
        (r"(.{2,}log)(s)?", r"\1ue\2"),
        (r"(.{2,})ence", r"\1ense"),
        (r"(.{2,})ense", r"\1ence"),
    )
]


def spellings(word: str) -> list[str]:
    """How else a folded word may be spelt in English: organised, organized; centre, center."""
    return [found.expand(twin) for pattern, twin in _SPELLINGS if (found := pattern.match(word))]


_E_MUET = re.compile(r"(?<=..)e(?:es?|s)\Z")


def _snowball(word: str, language: str) -> str:
    if language == "fr":
        word = _E_MUET.sub("e", word)
    return _STEMMERS[language].stemWord(word)  # type: ignore[no-any-return]


def latin(word: str, language: str) -> str:
    """The stem of a folded word in Latin letters."""
    return _FORMS[language].get(stem := _snowball(word, language)) or stem


_STEMMERS = {code: Stemmer.Stemmer(name) for code, name in _SNOWBALL.items()}


def _forms(language: str) -> dict[str, str]:
    """Stem → stem, for the words whose forms no rule brings together."""
    found: dict[str, str] = {}
    for line in FORMS[language].split("\n"):
        stems = [_arabic(w) if language == "ar" else _snowball(w, language) for w in line.split()]
        first = found.get(stems[0], stems[0])
        for other in stems:
            found.setdefault(other, first)
    return found


_FORMS = {language: _forms(language) for language in ("ar", *LATIN)}


@lru_cache(maxsize=100_000)
def stem(word: str, language: str) -> str:
    """The stem of a folded word in a language; of ar, fr, it, en."""
    return arabic(word) if language == "ar" else latin(word, language)
