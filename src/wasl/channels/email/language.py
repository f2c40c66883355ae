"""A cheap guess at the language of a message, among those Wasl speaks."""

from __future__ import annotations

import re

from wasl.channels.base import Language
from wasl.kit.languages import CODES

SAMPLE = 800

_LETTERS = re.compile(r"[^\W\d_]+")
_NO_LETTERS = {code: " " for code in range(128) if not chr(code).isalpha()}
_ARABIC = re.compile(r"[\u0621-\u064a]")
# Letters of Persian, Urdu and Kurdish that Arabic does not have.
_NOT_ARABIC = re.compile(r"[\u067e\u0686\u0698\u06a9\u06cc\u06be\u06c1\u06d2\u0679\u06d5]")
_QUOTED = re.compile(r"^>.*\n?", re.MULTILINE)


def _words(text: str) -> frozenset[str]:
    return frozenset(text.split())


_WORDS: dict[Language, frozenset[str]] = {
    "fr": _words(
        "bonjour bonsoir merci monsieur madame cordialement je vous nous le les des du une est pas pour dans "
        "sur avec que qui votre notre mon ma mes ce cette mais ou donc été avez avons suis sont au aux et il "
        "elle la commande colis toujours salut svp bien"
    ),
    "it": _words(
        "buongiorno buonasera grazie ciao salve saluti gentile cordiali il lo gli una della delle del dei nel "
        "nella che non per con sono ho hai abbiamo avete è e mio mia vostro vostra questo questa ma anche "
        "come di da si più ancora ordine spedizione pacco vorrei la"
    ),
    "en": _words(
        "hello hi dear thanks thank regards please the and you your is are was were have has had not for with "
        "this that my our it i we to of in on but be been can could would order when where still yes"
    ),
}
# Languages we do not speak but must not mistake for one we do: German, Spanish, Portuguese, Dutch.
_OTHERS = (
    _words("der die das und ist nicht ich sie wir ein eine mit für auf den dem zu bitte danke guten"),
    _words("el los las una que por para con hola gracias está pero como su mi de y se estimado del"),
    _words("o os as um uma não para com olá obrigado está mas como meu de e se por que do da"),
    _words("de het een en ik niet voor met is van op mijn u dank graag bestelling dat wij"),
)


def guess(text: str, declared: str = "") -> Language:
    """'ar', 'fr', 'it', 'en', or '' when unsure; `declared` is a Content-Language value."""
    for language in CODES:
        if declared[:2].lower() == language and not declared[2:3].isalpha():
            return language
    sample = text[:SAMPLE]
    if "\n>" in sample or sample.startswith(">"):
        sample = _QUOTED.sub("", sample)
    if sample.isascii():  # most are, and so it takes a third of the time
        return _by_words(set(sample.lower().translate(_NO_LETTERS).split()))
    arabic = len(_ARABIC.findall(sample))
    if arabic and arabic * 3 > sum(map(str.isalpha, sample)):
        return "" if len(_NOT_ARABIC.findall(sample)) * 20 > arabic else "ar"
    return _by_words(set(_LETTERS.findall(sample.lower())))


_ALL = frozenset[str]().union(*_WORDS.values(), *_OTHERS)


def _by_words(said: set[str]) -> Language:
    words = said & _ALL
    scores: list[tuple[int, Language]] = [
        (len(words & known), language) for language, known in _WORDS.items()
    ]
    scores.sort(reverse=True)
    (best, language), (second, _) = scores[0], scores[1]
    others = max(len(words & known) for known in _OTHERS)
    return language if best > second and best > others else ""
