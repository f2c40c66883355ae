"""What stands below an answer: the link to the customer's conversation, in their language."""

from collections.abc import Mapping
from dataclasses import dataclass
from html import escape
from uuid import UUID

from wasl.channels.email.html import from_text
from wasl.channels.models import Inbox
from wasl.conversations import link
from wasl.conversations.models import Conversation
from wasl.kit.db import raw

FOOTER: Mapping[str, str] = {
    "en": "Your conversation so far, and a place to write more:",
    "fr": "Votre conversation jusqu’ici, et de quoi la compléter\u00a0:",
    "it": "La Sua conversazione finora, e uno spazio per scrivere ancora:",
    "ar": "محادثتكم حتى الآن، ومكان لتكتبوا المزيد:",
}

LINK: Mapping[str, str] = {
    "en": "Open my conversation",
    "fr": "Ouvrir ma conversation",
    "it": "Apri la mia conversazione",
    "ar": "افتح محادثتي",
}


@dataclass(frozen=True, slots=True)
class Words:
    """A piece of a mail, once as text and once as HTML."""

    text: str
    html: str


def of_answer(
    inbox: Inbox, conversation: Conversation, to: UUID, language: str, *, others: bool
) -> Words | None:
    """What goes below an answer to that identity; None when the inbox's mails carry no link, or `others` get the same
    mail: the link is one person's."""
    if not inbox.links or others:
        return None
    address = link.address(raw(), conversation.workspace_id, conversation.id, to)
    code = language if language in FOOTER else inbox.language if inbox.language in FOOTER else "en"
    whole = f"{FOOTER[code]}\n{address}"
    return Words(whole, with_link(from_text(whole), address, code))


def with_link(html: str, address: str, language: str) -> str:
    """The link under words instead of its hundred letters."""
    shown = escape(address, quote=False)
    return html.replace(f">{shown}</a>", f">{LINK[language]}</a>") if address else html


def below(words: Words, link: Words) -> Words:
    """An answer with its footer."""
    return Words(
        f"{words.text}\n\n{link.text}".lstrip(), f"{words.html or from_text(words.text)}\n<hr>\n{link.html}"
    )
