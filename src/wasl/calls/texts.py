"""What customers are written about calls, in each of the four languages, and what they may answer.

Written in each language, not translated word by word; the times are `desk.sentences`.
"""

import re
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

from wasl.calls.slots import Slot
from wasl.desk import sentences

KEY = "callback:"
"""What a button for a time brings back, followed by its number."""

_ASK: Mapping[str, str] = {
    "en": "When may we call you back? Please answer with the number of a time:",
    "fr": "Quand pouvons-nous vous rappeler\u202f? Répondez par le numéro du moment qui vous convient\u00a0:",
    "it": "Quando possiamo richiamarla? Risponda con il numero dell’orario che preferisce:",
    "ar": "متى يمكننا الاتصال بكم؟ يُرجى الردّ برقم الموعد المناسب:",
}
_MISSED: Mapping[str, str] = {
    "en": "You called us and we could not take your call. We are sorry.",
    "fr": "Vous nous avez appelés et nous n’avons pas pu vous répondre. Veuillez nous en excuser.",
    "it": "Ci ha chiamato e non siamo riusciti a rispondere. Ci scusiamo.",
    "ar": "اتصلتم بنا ولم نتمكّن من الردّ. نعتذر منكم.",
}
_AGREED: Mapping[str, str] = {
    "en": "Thank you. We will call you {time}, on {number}.",
    "fr": "Merci. Nous vous appellerons {time}, au {number}.",
    "it": "Grazie. La chiameremo {time}, al numero {number}.",
    "ar": "شكرًا لكم. سنتصل بكم {time} على الرقم {number}.",
}
_WHERE: Mapping[str, str] = {
    "en": "We are glad to call you back. Please write us your telephone number, with + and the code of your country.",
    "fr": "Nous vous rappelons volontiers. Écrivez-nous votre numéro de téléphone, avec + et l’indicatif du pays.",
    "it": "La richiamiamo volentieri. Ci scriva il suo numero di telefono, con + e il prefisso del Paese.",
    "ar": "يسعدنا الاتصال بكم. يُرجى كتابة رقم هاتفكم مع علامة + ورمز البلد.",
}
_WISH: Mapping[str, str] = {
    "en": "Please call me back {time}, on {number}.",
    "fr": "Rappelez-moi {time}, au {number}, s’il vous plaît.",
    "it": "Vi prego di richiamarmi {time}, al numero {number}.",
    "ar": "أرجو الاتصال بي {time} على الرقم {number}.",
}
_ASKS = frozenset(
    {
        "call", "call me", "call me back", "call me please", "please call me", "please call me back", "call back",
        "callback", "rappel", "rappelez moi", "rappelle moi", "appelez moi", "rappelez moi svp", "richiamatemi",
        "richiamami", "mi richiami", "chiamatemi", "mi chiami", "richiamata", "اتصال", "اتصلوا بي", "اتصل بي",
        "اتصلي بي", "كلموني", "كلمني", "مكالمة", "أرجو الاتصال بي",
    }
)  # fmt: skip
"""A message that says this and nothing else asks for a call-back; within a sentence the same words may mean much."""
ASKING = 100
"""Bytes beyond which a text need not be looked at for that."""
_GONE: Mapping[str, str] = {
    "en": "That time is no longer free.",
    "fr": "Ce moment n’est plus libre.",
    "it": "Quell’orario non è più libero.",
    "ar": "هذا الموعد لم يعد متاحًا.",
}


def offer(
    language: str,
    slots: Sequence[Slot],
    present: datetime,
    zone: ZoneInfo,
    *,
    missed: bool,
    gone: bool = False,
) -> str:
    """A message that offers times, numbered from 1."""
    lead = [_GONE[language]] if gone else [_MISSED[language]] if missed else []
    lines = [
        f"{number}. {_upper(sentences.opening(language, slot.start, present, zone))}"
        for number, slot in enumerate(slots, 1)
    ]
    return "\n".join([*lead, _ASK[language], *lines])


def agreed(language: str, at: datetime, present: datetime, zone: ZoneInfo, number: str) -> str:
    """A message that says when we call, and on which number."""
    return _said(_AGREED, language, sentences.opening(language, at, present, zone), number)


def where(language: str) -> str:
    """A message that asks for the number, which we do not know."""
    return _WHERE[language]


def wish(language: str, time: str, number: str) -> str:
    """What somebody says who chose a time in our chat; `time` as `sentences.opening` puts it."""
    return _said(_WISH, language, time, number)


def _said(texts: Mapping[str, str], language: str, time: str, number: str) -> str:
    """With the number isolated where letters run the other way (Unicode UAX 9)."""
    return texts[language].format(time=time, number=f"\u2066{number}\u2069" if language == "ar" else number)


def asks(text: str) -> bool:
    """Whether a message is nothing but the wish to be called back."""
    return " ".join(_LETTERS.findall(text[:ASKING].casefold())) in _ASKS


def _upper(text: str) -> str:
    return text[:1].upper() + text[1:]


_LETTERS = re.compile(r"[^\W\d_]+")
_NUMBER = re.compile(r"\W*([0-9]{1,2})\W*")


def choice(text: str, content: Mapping[str, Any], count: int) -> int | None:
    """Which of `count` times an answer means, from 1; None for none. A bare number, in any script's digits, or a
    button; a number within a sentence may be a price."""
    key = str(content.get("key") or content.get("id") or "")
    found = _NUMBER.fullmatch(key.removeprefix(KEY) if key.startswith(KEY) else _western(text[:40]))
    number = int(found[1]) if found else 0
    return number if 1 <= number <= count else None


def _western(text: str) -> str:
    return "".join(str(int(letter)) if letter.isdecimal() else letter for letter in text)
