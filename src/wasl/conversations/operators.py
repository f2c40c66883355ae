"""The operators of a search, each by its name in the four languages; what they take, likewise.

Names are compared folded, so `étiquette:` and `etiquette:` are one. Whoever reads a page in one language may use the
names of any.
"""

from dataclasses import dataclass
from typing import Final

from wasl.kit.folding import fold


@dataclass(frozen=True, slots=True)
class Word:
    """An operator or one of its values: what it is to us, and its names by language, the first of each shown."""

    key: str
    names: dict[str, tuple[str, ...]]

    def shown(self, language: str) -> str:
        """Its name for a reader."""
        return self.names.get(language, self.names["en"])[0]


def _word(key: str, en: str, fr: str, it: str, ar: str) -> Word:
    return Word(
        key, {c: tuple(n.split("|")) for c, n in zip(("en", "fr", "it", "ar"), (en, fr, it, ar), strict=True)}
    )


OPERATORS: Final = (
    _word("from", "from", "de", "da", "من"),
    _word("to", "to", "à|pour", "a|per", "إلى|الى"),
    _word("is", "is", "est|état", "è|stato", "حالة|هو|هي"),
    _word("in", "in|inbox", "dans|boîte", "in|casella", "في|صندوق"),
    _word("tag", "tag|label", "étiquette|tag", "etichetta|tag", "وسم"),
    _word("has", "has|with", "avec|contient", "con|contiene", "فيه|مع|به"),
    _word("before", "before|until", "avant", "prima", "قبل"),
    _word("after", "after|since", "après|depuis", "dopo|dal", "بعد|منذ"),
    _word("lang", "lang|language", "langue", "lingua", "لغة"),
)

STATES: Final = (
    _word("open", "open", "ouvert|ouverte|ouvertes", "aperto|aperta|aperte", "مفتوح|مفتوحة"),
    _word("pending", "pending|waiting", "en-attente|attente", "in-attesa|attesa", "بانتظار|معلق|معلقة|انتظار"),
    _word("snoozed", "snoozed", "reporté|reportée|reportées", "rimandato|rimandata|rimandate", "مؤجل|مؤجلة"),
    _word("resolved", "resolved|closed|done", "résolu|résolue|résolues|fermé",
          "risolto|risolta|risolte|chiuso", "محلول|محلولة|مغلق|مغلقة"),
    _word("unread", "unread|new", "non-lu|non-lue|nouveau",
          "non-letto|da-leggere|nuovo", "غير-مقروء|غير-مقروءة|جديد|جديدة"),
    _word("mine", "mine|me", "à-moi|moi|mien", "mio|mia|mie", "لي|عندي"),
    _word("unassigned", "unassigned|nobody", "sans-personne|non-attribué|libre",
          "non-assegnato|nessuno|libero", "بلا-مسؤول|غير-مسند|لا-أحد"),
)  # fmt: skip
STATUSES: Final = frozenset({"open", "pending", "snoozed", "resolved"})

HOLDINGS: Final = (
    _word("attachment", "attachment|attachments|file|files", "pièce-jointe|pj|fichier|fichiers",
          "allegato|allegati|file", "مرفق|مرفقات|ملف"),
)  # fmt: skip

LANGUAGES: Final = (
    _word("ar", "arabic|ar", "arabe", "arabo", "العربية|عربي|عربية"),
    _word("fr", "french|fr", "français", "francese", "الفرنسية|فرنسي|فرنسية"),
    _word("it", "italian|it", "italien", "italiano", "الإيطالية|إيطالي|إيطالية"),
    _word("en", "english|en", "anglais", "inglese", "الإنجليزية|إنجليزي|إنجليزية"),
)


def _known(words: tuple[Word, ...]) -> dict[str, str]:
    found: dict[str, str] = {}
    for word in words:
        for names in word.names.values():
            for name in names:
                found.setdefault(fold(name), word.key)
    return found | {word.key: word.key for word in words}


NAMES: Final = _known(OPERATORS)
VALUES: Final = {"is": _known(STATES), "has": _known(HOLDINGS), "lang": _known(LANGUAGES)}
