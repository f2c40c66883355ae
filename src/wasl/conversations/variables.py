"""Variables of saved replies: `{{customer.name}}` and the like, filled in when a reply is put into the composer."""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from wasl.accounts.actor import Actor
from wasl.accounts.models import Workspace
from wasl.channels.models import Inbox
from wasl.conversations import ordering
from wasl.conversations.models import Conversation
from wasl.customers.models import Customer
from wasl.customers.queries import family

_VARIABLE = re.compile(r"\{\{\s*([^{}]{0,60}?)\s*\}\}")


@dataclass(frozen=True, slots=True)
class Scene:
    """What a reply is about to be put into."""

    actor: Actor
    conversation: Conversation
    customer: Customer
    inbox: Inbox
    workspace: Workspace


def _first(name: str) -> str:
    return name.split()[0] if name.split() else ""


def _order(scene: Scene) -> str:
    """The customer's order that the conversation speaks of, or else their latest."""
    shown, _ = ordering.beside(scene.conversation.id, family([scene.customer.id]))
    return next((each.order.number for each in shown if each.theirs), "")


KNOWN: Mapping[str, Callable[[Scene], str]] = {
    "customer.name": lambda s: s.customer.name,
    "customer.first_name": lambda s: _first(s.customer.name),
    "agent.name": lambda s: s.actor.name,
    "agent.first_name": lambda s: _first(s.actor.name),
    "conversation.subject": lambda s: s.conversation.subject,
    "conversation.number": lambda s: number(s.conversation),
    "conversation.id": lambda s: str(s.conversation.id),
    "order.number": _order,
    "inbox.name": lambda s: s.inbox.name,
    "inbox.address": lambda s: s.inbox.address if s.inbox.channel == "email" else "",
    "workspace.name": lambda s: s.workspace.name,
}
"""What each stands for; '' where this conversation has nothing of the kind."""


def number(conversation: Conversation) -> str:
    """A short name of a conversation for people: the end of its id."""
    return conversation.id.hex[-8:].upper()


def variables(text: str) -> list[str]:
    """The variables that stand in a text, each once, as they are written between the braces."""
    return list(dict.fromkeys(found[1] for found in _VARIABLE.finditer(text)))


def unknown(text: str) -> list[str]:
    """Those of them that mean nothing."""
    return [name for name in variables(text) if name not in KNOWN]


def fill(text: str, scene: Scene, *, quote: Callable[[str], str] = str) -> tuple[str, list[str]]:
    """The text with its variables replaced, and those that could not be: they stay as they stand.

    `quote` is what makes a value fit the text: `html.escape` where it is HTML.
    """
    missing: list[str] = []

    def value(found: re.Match[str]) -> str:
        make = KNOWN.get(found[1])
        made = make(scene) if make else ""
        if not made:
            missing.append(found[1])
        return quote(made) if made else found[0]

    return _VARIABLE.sub(value, text), list(dict.fromkeys(missing))
