"""What happened to conversations and customers, as sentences in the past tense."""

from collections.abc import Iterable, Mapping
from datetime import datetime
from uuid import UUID

from django.utils.translation import gettext as _

from wasl.accounts.actor import Actor
from wasl.channels.queries import recipients
from wasl.kit.clock import micros
from wasl.kit.db import raw
from wasl.timeline.queries import Entry, of_conversation
from wasl.workspace import words
from wasl.workspace.format import first_name, isolated
from wasl.workspace.shapes.thread import Event

MOST = 200

ICONS = {
    "conversation.assigned": "user",
    "conversation.resolved": "check",
    "conversation.reopened": "reopen",
    "delivery.failed": "alert",
    "delivery.in_doubt": "question",
    "delivery.retried": "retry",
    "customer.merged": "merge",
    "customer.unmerged": "undo",
    "identity.added": "at",
}
IN_THREAD = frozenset({"conversation.assigned", "conversation.resolved", "conversation.reopened"})


def between(actor: Actor, conversation_id: UUID, until: datetime | None = None) -> list[Event]:
    """The events of a conversation that the actor may see, up to a moment: the last of them, at most 200."""
    before = _first_id(until) if until else None
    entries = of_conversation(raw(), actor.workspace_id, conversation_id, before=before, limit=MOST)
    told = [entry for entry in entries if entry.kind in IN_THREAD or entry.facts.get("reopened")]
    names = agents(told)
    return [
        Event(entry.occurred_at, str(entry.id), ICONS.get(entry.kind, "reopen"), sentence(entry, names))
        for entry in told
    ]


def _first_id(moment: datetime) -> UUID:
    """The smallest UUIDv7 of a moment."""
    return UUID(int=(micros(moment) // 1000) << 80)


def agents(entries: Iterable[Entry]) -> Mapping[UUID, str]:
    """The names of everybody these entries speak of."""
    ids = {agent for entry in entries for agent in (_id(entry, "agent"), _id(entry, "to")) if agent}
    return recipients(list(ids)) if ids else {}


def _id(entry: Entry, name: str) -> UUID | None:
    value = str(entry.detail.get(name) or "")
    try:
        return UUID(value)
    except ValueError:
        return None


def who(entry: Entry, names: Mapping[UUID, str]) -> str:
    """Who did it, by first name."""
    agent = _id(entry, "agent")
    if agent is not None and agent in names:
        return isolated(first_name(names[agent]))
    by = {"api": _("A program"), "customer": _("The customer"), "rule": _("A rule")}
    return by.get(str(entry.facts.get("by", "")), _("Wasl"))


def sentence(entry: Entry, names: Mapping[UUID, str]) -> str:
    """One touchpoint in words; '' for what pages show in another way."""
    if entry.kind == "message.received":
        return _("A new message opened this again") if entry.facts.get("reopened") else ""
    person = who(entry, names)
    if entry.kind == "conversation.assigned":
        return _assigned(entry, names, person)
    said = {
        "conversation.resolved": _("%(who)s resolved this"),
        "conversation.reopened": _("%(who)s opened this again"),
        "delivery.failed": _("A reply did not arrive: %(reason)s"),
        "delivery.in_doubt": _("Not sure that a reply left"),
        "delivery.retried": _("%(who)s tried again"),
        "customer.merged": _("%(who)s made two customers one"),
        "customer.unmerged": _("%(who)s made one customer two again"),
        "identity.added": _("A new address became known"),
    }
    reason = words.reason(str(entry.facts.get("reason", "")))
    return said.get(entry.kind, "") % {"who": person, "reason": reason}


def _assigned(entry: Entry, names: Mapping[UUID, str], person: str) -> str:
    to = _id(entry, "to")
    if to is None:
        return _("%(who)s gave this back: nobody has it") % {"who": person}
    if to == _id(entry, "agent"):
        return _("%(who)s took this on") % {"who": person}
    return _("%(who)s gave this to %(other)s") % {
        "who": person,
        "other": isolated(first_name(names.get(to, ""))),
    }
