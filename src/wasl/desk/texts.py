"""The words of an acknowledgement in each language, with variables, and how they become a mail or a short message.

A paragraph that names a variable without a value is left out, so that one text serves whether we are open or closed,
with a promise or without.
"""

import re
import unicodedata
from collections.abc import Mapping

from wasl.channels.email.html import from_text
from wasl.channels.registry import channels
from wasl.conversations.footer import Words, with_link

LONGEST = 4_000
"""Letters of a text."""

DEFAULT: Mapping[str, str] = {
    "en": """{{greeting}}

we have received your message, and one of us will read it. We will answer you {{promise}}.

We are closed just now and open again {{opening}}.

Read your conversation so far and write more, without an account:
{{link}}

A reply to this mail reaches us as well.

{{business}}""",
    "fr": """{{greeting}}

nous avons bien reçu votre message et l’un de nous va le lire. Nous vous répondrons {{promise}}.

Nous sommes fermés en ce moment et rouvrons {{opening}}.

Relisez votre conversation et complétez-la, sans créer de compte :
{{link}}

Vous pouvez aussi répondre à cet e-mail.

{{business}}""".replace(" :", "\u00a0:"),
    "it": """{{greeting}}

abbiamo ricevuto il Suo messaggio e uno di noi lo leggerà. Le risponderemo {{promise}}.

In questo momento siamo chiusi; riapriamo {{opening}}.

Rilegga la conversazione e aggiunga ciò che desidera, senza registrarsi:
{{link}}

Può anche rispondere a questa e-mail.

{{business}}""",
    "ar": """{{greeting}}

وصلتنا رسالتكم وسيقرؤها أحدنا. سنجيبكم {{promise}}.

نحن خارج ساعات العمل الآن، ونعود {{opening}}.

يمكنكم قراءة محادثتكم والكتابة فيها من دون حساب:
{{link}}

ويصلنا أيضًا ردّكم على هذا البريد.

{{business}}""",
}

CHAT: Mapping[str, str] = {
    "en": """Thank you, your message has reached us.

We will answer {{promise}}.

We are closed just now and open again {{opening}}.""",
    "fr": """Merci, votre message nous est bien parvenu.

Nous vous répondrons {{promise}}.

Nous sommes fermés en ce moment et rouvrons {{opening}}.""",
    "it": """Grazie, abbiamo ricevuto il Suo messaggio.

Le risponderemo {{promise}}.

In questo momento siamo chiusi; riapriamo {{opening}}.""",
    "ar": """شكرًا لكم، وصلتنا رسالتكم.

سنجيبكم {{promise}}.

نحن خارج ساعات العمل الآن، ونعود {{opening}}.""",
}
"""On channels other than mail: people read it between two other things."""

LINK: Mapping[str, str] = {
    "en": "Your conversation: {{link}}",
    "fr": "Votre conversation : {{link}}".replace(" :", "\u00a0:"),
    "it": "La conversazione: {{link}}",
    "ar": "محادثتكم: {{link}}",
}
"""What stands below it where the channel carries no files, so that a page serves: to read again, to ask for a call."""

_PLAIN = {0xA0: " ", 0x202F: " ", 0x2019: "'"}
"""Signs that would make two short messages of one (they are not in the GSM alphabet), and what says the same."""

RENEWED: Mapping[str, str] = {
    "en": """{{greeting}}

here is the new link to your conversation that you asked for:
{{link}}

If you did not ask for it, you need not do anything.

{{business}}""",
    "fr": """{{greeting}}

voici le nouveau lien vers votre conversation, comme vous l’avez demandé :
{{link}}

Si vous ne l’avez pas demandé, vous n’avez rien à faire.

{{business}}""".replace(" :", "\u00a0:"),
    "it": """{{greeting}}

ecco il nuovo link alla Sua conversazione, come richiesto:
{{link}}

Se non lo ha richiesto, non deve fare nulla.

{{business}}""",
    "ar": """{{greeting}}

هذا هو الرابط الجديد لمحادثتكم كما طلبتم:
{{link}}

إذا لم تطلبوه فلا داعي لأي إجراء.

{{business}}""",
}

_GREETING: Mapping[str, tuple[str, str]] = {
    "en": ("Hello {name},", "Hello,"),
    "fr": ("Bonjour {name},", "Bonjour,"),
    "it": ("Buongiorno {name},", "Buongiorno,"),
    "ar": ("مرحبًا {name}،", "مرحبًا،"),
}
_VARIABLE = re.compile(r"\{\{\s*([^{}]{0,60}?)\s*\}\}")

KNOWN = (
    "greeting", "promise", "opening", "link", "business", "customer.name", "conversation.subject",
)  # fmt: skip
"""What a text may name."""


def default(channel: str, language: str) -> str:
    """Our own words for a channel."""
    if channel == "email":
        return DEFAULT[language]
    bare = channels()[channel].limits.files == 0
    return f"{CHAT[language]}\n\n{LINK[language]}" if bare else CHAT[language]


def plain(text: str, channel: str) -> str:
    """A filled text as a channel other than mail shows it: one line below the other, and as few pieces as it can be."""
    text = text.replace("\n\n", "\n")
    return text.translate(_PLAIN) if channels()[channel].limits.parts else text


def unknown(text: str) -> list[str]:
    """The variables of a text that mean nothing, each once."""
    found = dict.fromkeys(match[1] for match in _VARIABLE.finditer(text))
    return [name for name in found if name not in KNOWN]


def greeting(language: str, name: str) -> str:
    """`Hello Camille Moreau,`; without the name when it is none that could be said."""
    with_name, without = _GREETING[language]
    return with_name.format(name=name) if name else without


def said_name(name: str) -> str:
    """A customer's name, when it is one: whoever wrote it there must not speak to others through our mails."""
    name = " ".join(name.split())
    if not 0 < len(name) <= 60 or sum(map(len, name.split())) > 50 or len(name.split()) > 5:
        return ""
    spoken = all(c in " '’.-" or unicodedata.category(c)[0] in "LM" for c in name)
    return name if spoken and not re.search(r"\.\w", name) else ""


def fill(text: str, values: Mapping[str, str], language: str) -> Words:
    """The text with its variables, as a mail: paragraphs that lack a value are left out."""
    kept = []
    for paragraph in re.split(r"\n[ \t]*\n+", text.replace("\r\n", "\n").strip()):
        names = [match[1] for match in _VARIABLE.finditer(paragraph)]
        if all(values.get(name) for name in names):
            kept.append(_VARIABLE.sub(lambda match: values[match[1]], paragraph))
    whole = "\n\n".join(kept)
    return Words(whole, with_link(from_text(whole), values.get("link", ""), language))
