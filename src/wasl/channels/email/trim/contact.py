"""A signature without a mark: below a greeting and a name, the lines of a visiting card."""

from __future__ import annotations

import re
from collections.abc import Sequence

from wasl.channels.email.trim.words import phrases

MOST_LINES = 12
_LONGEST = 90

# A closing formula is a short line of nothing but these words, one of the first among them.
_CLOSING = phrases(
    "regards|thanks|thank|best|cheers|sincerely|respectfully|rgds|warmly|faithfully|truly|wishes|thx",
    "cordialement|salutations|merci|remerciements|respectueusement|sincèrement|amicalement|journée|soirée|bientôt",
    "saluti|saluto|grazie|cordialmente|cordialità|giornata|serata|presto|lavoro|ossequi|riscontro",
    "التحية|التحيات|تحياتي|تحياتنا|تحية|الشكر|شكرا|شكراً|الاحترام|التقدير|السلام|احترامي|تقديري|ودمتم|الود",
    "والاحترام|والتقدير|والسلام",
    "grüßen|grüße|gruß|mfg|dank|danke|saludos|saludo|atentamente|cordialmente|gracias|cumprimentos|obrigado|obrigada",
    "groet|groeten|mvg|hälsning|hälsningar|pozdrawiam|atenciosamente",
)
_BESIDE = phrases(
    "kind|kindest|warm|warmest|many|you|and|with|in|advance|yours|again|all|the|for|your|help|very|so|much|a|lot|of|my",
    "time|support|assistance|sincere|great|day|nice|have|good|to",
    "bien|très|à|vous|et|d|avance|beaucoup|distinguées|sincères|meilleures|bonne|belle|excellente|fin|de|l|en|votre",
    "pour|cordiales|mes|nos|avec|agréable|respectueuses|tous|je|prie|agréer",
    "cordiali|distinti|migliori|un|cordiale|mille|molte|tante|buona|buon|con|i|più|e|anticipatamente|attesa|di|vostro",
    "suo|gentile|porgo|porgiamo|anticipo|ringraziandovi|ringraziando",
    "مع|خالص|أطيب|أطيب|فائق|وتفضلوا|تفضلوا|وتقبلوا|تقبلوا|بقبول|جزيلا|جزيلاً|لكم|طيبة|وافر|والشكر|و|أجمل|عليكم|وبركاته|ورحمة",
    "الله|جزيل|أرق|كل|عظيم",
    "mit|freundlichen|freundliche|freundlichem|viele|beste|liebe|besten|vielen|herzliche|herzlichen|im|voraus|schöne",
    "un|cordiales|muchas|met|vriendelijke|med|vänlig|vänliga|de|antemano",
)
_NO_GREETING = phrases(
    "bien à vous|en vous remerciant|buon lavoro|best|bien à toi|sentiti saluti|à votre écoute"
)
_WORD = re.compile(r"[^\W\d_]+")
_ENDS = " \t,.!،;:*_-–—"
_SENTENCE = re.compile(r"(?<![.\w])\w{4,}\.$")  # "there.", not "S.r.l." nor "Ltd."
_CONTACT = re.compile(
    r"(?:\+|00)?\(?\d[\d ().\-/]{6,20}\d|(?<!\w)www\.|https?://|[^\s@]@[\w-]+\.\w"
    r"|(?<!\w)(?:tel|tél|telefono|phone|mobile|mob|cell|fax|telefon|teléfono|هاتف|جوال|تليفون|فاكس|موبايل)\b",
    re.IGNORECASE,
)


def card(lines: Sequence[str]) -> int:
    """How many of these last lines, which are `bare` and not blank, are a card; 0 when they are none.

    The greeting and the first line below it, a name, are no part of it. Two lines at least, one of them a way to
    reach somebody: a lone telephone number below a name is what the person wants to be called at.
    """
    for count in range(3, min(len(lines) - 1, MOST_LINES) + 1):
        if _closes(lines[-count - 1]):
            below = lines[-count + 1 :]
            return len(below) if _is_name(lines[-count]) and _is_card(below) else 0
    return 0


def _closes(line: str) -> bool:
    """Whether a line is how a letter ends: "Many thanks and kind regards,"."""
    if len(line) > 60 or line.endswith(("?", "؟")):
        return False
    said = line.strip(_ENDS).lower()
    if said in _NO_GREETING:
        return True
    found = set(_WORD.findall(said))
    return not _CLOSING.isdisjoint(found) and found <= _CLOSING | _BESIDE


_PARTICLES = phrases("de|da|di|du|del|della|d|von|van|der|den|zu|el|al|bin|ben|abu|la|le|y|e|et|and|und")


def _is_name(line: str) -> bool:
    """Whether a line can be a name: few words, none of them in small letters where there are such."""
    found = _WORD.findall(line)
    return len(found) <= 8 and not any(word[0].islower() and word not in _PARTICLES for word in found)


def _words(line: str) -> int:
    """How many words a line has; numbers, and the strokes between them, are none."""
    return sum(any(map(str.isalpha, word)) for word in line.split())


def _is_card(lines: Sequence[str]) -> bool:
    if any(
        len(line) > _LONGEST
        or line.endswith(("?", "؟", ":", "!"))
        or _words(line) > (2 if _SENTENCE.search(line) else 12)
        for line in lines
    ):
        return False
    return any(_CONTACT.search(line) for line in lines)
