"""STOP, START and HELP, in the four languages, when they are the whole of a message.

Sources: CTIA, "Messaging Principles and Best Practices" (opt-out words); Twilio, "Support for opt-out keywords". In
the other languages only words that cannot well mean an order or an appointment: "annulla" alone, or its Arabic, may
be about a parcel.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from wasl.channels.base import Language
from wasl.kit.folding import fold_name

What = Literal["stop", "start", "help"]


@dataclass(frozen=True, slots=True)
class Word:
    """What was asked for, and in which language; '' for words that every language uses."""

    what: What
    language: Language


_SAID: dict[What, dict[Language, str]] = {
    "stop": {
        "": "stop, stop all, stopall, stop sms, sms stop, arret stop",
        "en": "unsubscribe, cancel, end, quit, optout, opt out, revoke",
        "fr": "arrêt, arrêter, arrêtez, désabonner, désabonnement, se désabonner, désinscrire, désinscription",
        "it": "basta, ferma, fermati, disiscrivi, disiscrivimi, disiscrizione, cancellami, annulla iscrizione",
        "ar": "توقف, توقفوا, أوقف, أوقفوا, إيقاف, قف, إلغاء الاشتراك, ألغ الاشتراك, ستوب",
    },
    "start": {
        "": "start, unstop",
        "en": "subscribe, resume, optin, opt in",
        "fr": "démarrer, reprendre, reprise, réabonner, se réabonner",
        "it": "inizia, riprendi, riattiva, iscrivimi",
        "ar": "ابدأ, ابدؤوا, استئناف, اشتراك, اشترك, تفعيل, ستارت",
    },
    "help": {
        "": "info",
        "en": "help",
        "fr": "aide",
        "it": "aiuto",
        "ar": "مساعدة, المساعدة, معلومات",
    },
}
_WORDS = {
    fold_name(word): Word(what, language)
    for what, languages in _SAID.items()
    for language, words in languages.items()
    for word in words.split(", ")
}
LONGEST = 60
"""A message with more letters is no such word, whatever stands around it."""


def recognise(text: str) -> Word | None:
    """What a whole message asks for, in whatever case, accents and punctuation; None for anything else."""
    if len(text) > LONGEST:
        return None
    folded = fold_name(text)
    kept = "".join(letter if letter.isalnum() else " " for letter in folded)
    return _WORDS.get(" ".join(kept.split()))
