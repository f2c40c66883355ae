"""What is said on the telephone, in each of the four languages, and the voice that says it.

Written in each language, to be heard and not read. The voices are those the provider names for a language.
"""

from collections.abc import Mapping
from typing import Final

VOICES: Final[Mapping[str, tuple[str, str]]] = {
    "en": ("en-GB", "Polly.Amy"),
    "fr": ("fr-FR", "Polly.Lea"),
    "it": ("it-IT", "Polly.Bianca"),
    "ar": ("arb", "Polly.Zeina"),
}
"""Language tag and voice. Source: Twilio, "Text-to-speech"."""

GREETING: Final[Mapping[str, str]] = {
    "en": "Welcome to {business}.",
    "fr": "Bienvenue chez {business}.",
    "it": "Benvenuti da {business}.",
    "ar": "أهلًا بكم في {business}.",
}
WELCOME: Final[Mapping[str, str]] = {
    "en": "Welcome.",
    "fr": "Bienvenue.",
    "it": "Benvenuti.",
    "ar": "أهلًا بكم.",
}
ASK: Final[Mapping[str, str]] = {
    "en": "May we record this call, to serve you better? Press 1 if you agree. Otherwise just wait.",
    "fr": "Pouvons-nous enregistrer cet appel, pour mieux vous servir\u202f? Tapez 1 pour accepter. Sinon, patientez.",
    "it": "Possiamo registrare questa chiamata, per servirla meglio? Prema 1 se è d’accordo. Altrimenti attenda.",
    "ar": "هل تسمحون بتسجيل هذه المكالمة لخدمتكم بشكل أفضل؟ اضغطوا 1 للموافقة، وإلا فانتظروا من فضلكم.",
}
CONNECT: Final[Mapping[str, str]] = {
    "en": "We are putting you through.",
    "fr": "Nous vous mettons en relation.",
    "it": "La mettiamo in contatto.",
    "ar": "نحوّلكم الآن.",
}
CLOSED: Final[Mapping[str, str]] = {
    "en": "We are closed just now.",
    "fr": "Nous sommes fermés pour le moment.",
    "it": "In questo momento siamo chiusi.",
    "ar": "نحن خارج أوقات العمل الآن.",
}
NOBODY: Final[Mapping[str, str]] = {
    "en": "Nobody can take your call just now.",
    "fr": "Personne ne peut prendre votre appel pour le moment.",
    "it": "In questo momento nessuno può rispondere.",
    "ar": "لا يمكن لأحد الردّ على مكالمتكم الآن.",
}
MACHINE: Final[Mapping[str, str]] = {
    "en": "Please leave a message after the tone, and hang up when you have finished. It is recorded.",
    "fr": "Laissez un message après le signal sonore, puis raccrochez. Il est enregistré.",
    "it": "Lasci un messaggio dopo il segnale acustico e poi riagganci. Viene registrato.",
    "ar": "اتركوا رسالة بعد الصافرة ثم أنهوا المكالمة. تُسجَّل الرسالة.",
}
THANKS: Final[Mapping[str, str]] = {
    "en": "Thank you. Goodbye.",
    "fr": "Merci. Au revoir.",
    "it": "Grazie. Arrivederci.",
    "ar": "شكرًا لكم. إلى اللقاء.",
}
SCREEN: Final[Mapping[str, str]] = {
    "en": "A customer is calling. Press 1 to take the call.",
    "fr": "Un client appelle. Tapez 1 pour prendre l’appel.",
    "it": "Un cliente sta chiamando. Prema 1 per rispondere.",
    "ar": "عميل يتصل بكم. اضغطوا 1 للردّ.",
}
BRIDGE: Final[Mapping[str, str]] = {
    "en": "We are calling the customer.",
    "fr": "Nous appelons le client.",
    "it": "Stiamo chiamando il cliente.",
    "ar": "نتصل بالعميل الآن.",
}


def said(texts: Mapping[str, str], language: str, **values: str) -> str:
    """A text in a language, English where we do not speak it."""
    return texts.get(language, texts["en"]).format(**values)
