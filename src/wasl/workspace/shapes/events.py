"""What happened to conversations and customers, as sentences in the past tense."""

from collections.abc import Iterable, Mapping
from datetime import datetime
from uuid import UUID

from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from wasl.accounts.actor import Actor
from wasl.channels.queries import recipients
from wasl.kit.clock import micros
from wasl.kit.db import raw
from wasl.timeline.queries import Entry, of_conversation
from wasl.workspace import words
from wasl.workspace.format import first_name, isolated, number
from wasl.workspace.shapes import calls, orders, visits
from wasl.workspace.shapes.thread import Event
from wasl.workspace.shapes.told import acknowledged, changed

MOST = 200

ICONS = {
    "note.added": "lock",
    "message.withdrawn": "undo",
    "message.edited": "tune",
    "message.deleted": "x",
    "message.hidden": "eye",
    "conversation.assigned": "user",
    "conversation.resolved": "check",
    "conversation.reopened": "reopen",
    "conversation.pended": "pending",
    "conversation.snoozed": "snooze",
    "conversation.woken": "bell",
    "conversation.team": "users",
    "conversation.moved": "inbox",
    "conversation.tagged": "tag",
    "conversation.untagged": "tag",
    "conversation.merged": "merge",
    "conversation.unmerged": "undo",
    "conversation.split": "dash",
    "conversation.taken_over": "hold",
    "conversation.handed_back": "form",
    "delivery.seen": "eye",
    "delivery.acted": "check",
    "delivery.failed": "alert",
    "delivery.in_doubt": "question",
    "delivery.retried": "retry",
    "delivery.complained": "alert",
    "message.forwarded": "next",
    "delivery.copy_failed": "alert",
    "customer.merged": "merge",
    "customer.unmerged": "undo",
    "customer.erased": "x",
    "identity.added": "at",
    "consent.withdrawn": "hold",
    "consent.given": "check",
    "promise.made": "clock",
    "promise.changed": "clock",
    "visit.checked_in": "store",
    "visit.called": "bell",
    "visit.requeued": "undo",
    "visit.served": "check",
    "visit.left": "out",
    "order.placed": "box",
    "order.changed": "truck",
    **calls.ICONS,
}
IN_THREAD = frozenset(kind for kind in ICONS if kind.startswith("conversation.") and "tagged" not in kind) | {
    *calls.IN_THREAD,
    "message.forwarded",
    "delivery.copy_failed",
    "consent.withdrawn",
    "consent.given",
    "promise.changed",
    "visit.called",
    "visit.requeued",
    "visit.served",
    "visit.left",
}


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
    if entry.kind.startswith("order."):
        return orders.sentence(entry)
    if entry.kind.startswith("visit."):
        return visits.sentence(entry, who(entry, names))
    if entry.kind == "promise.made":
        return acknowledged(entry)
    if entry.kind == "promise.changed":
        return changed(entry, who(entry, names))
    if entry.kind.startswith("consent."):
        return _consent(entry)
    person = who(entry, names)
    if entry.kind.startswith("call."):
        return calls.sentence(entry, names, person)
    if entry.kind == "conversation.assigned":
        return _assigned(entry, names, person)
    if entry.kind in _COUNTED:
        return _regrouped(entry, person)
    said = {
        "note.added": _("%(who)s left a note"),
        "message.withdrawn": _("%(who)s took an answer back"),
        "message.edited": _("A message was changed by its writer"),
        "message.deleted": _("A message was deleted by its writer"),
        "message.hidden": _("A comment was shown again")
        if entry.facts.get("taken_back")
        else _("A comment was hidden"),
        "message.forwarded": _("%(who)s passed this on from their own mailbox"),
        "conversation.resolved": _("%(who)s resolved this"),
        "conversation.reopened": _("%(who)s opened this again"),
        "conversation.pended": _("%(who)s waits for the customer"),
        "conversation.snoozed": _("%(who)s put this off for a time")
        if entry.facts.get("timed")
        else _("%(who)s put this off until the customer writes"),
        "conversation.woken": _("It is time: this is open again"),
        "conversation.team": _("%(who)s gave this to a team")
        if entry.facts.get("assigned")
        else _("%(who)s took this from its team"),
        "conversation.moved": _("%(who)s moved this to another inbox"),
        "conversation.taken_over": _("%(who)s took this over from programs"),
        "conversation.handed_back": _("%(who)s handed this back to programs"),
        "conversation.tagged": _("%(who)s put a tag on this"),
        "conversation.untagged": _("%(who)s took a tag off"),
        "delivery.seen": _("They saw a reply in their list"),
        "delivery.acted": _("They pressed a button of a reply"),
        "delivery.failed": _("A reply did not arrive: %(reason)s"),
        "delivery.in_doubt": _("Not sure that a reply left"),
        "delivery.retried": _("%(who)s tried again"),
        "delivery.complained": _("The customer reported our mail as unwanted"),
        "delivery.copy_failed": _("Did not reach %(to)s, in copy: %(reason)s"),
        "customer.merged": _("%(who)s made two customers one"),
        "customer.unmerged": _("%(who)s made one customer two again"),
        "customer.erased": _("What was known of this customer was erased"),
        "identity.added": _("A new address became known"),
    }
    reason = words.reason(str(entry.facts.get("reason", "")), entry.channel)
    to = isolated(str(entry.detail.get("to", "")))
    return said.get(entry.kind, "") % {"who": person, "reason": reason, "to": to}


_COUNTED = frozenset({"conversation.merged", "conversation.unmerged", "conversation.split"})


def _regrouped(entry: Entry, person: str) -> str:
    count = int(entry.facts.get("messages", 0))
    texts = {
        "conversation.merged": ngettext(
            "%(who)s merged a conversation of %(n)s message into this",
            "%(who)s merged a conversation of %(n)s messages into this",
            count,
        ),
        "conversation.unmerged": ngettext(
            "%(who)s took this out again, with %(n)s message",
            "%(who)s took this out again, with %(n)s messages",
            count,
        ),
        "conversation.split": ngettext(
            "%(who)s split %(n)s message off into a conversation of its own",
            "%(who)s split %(n)s messages off into a conversation of their own",
            count,
        ),
    }
    return texts[entry.kind] % {"who": person, "n": number(count)}


def _consent(entry: Entry) -> str:
    """Whether the customer takes messages on a channel, and how we know."""
    why = entry.facts.get("why")
    if entry.kind == "consent.given":
        said = (
            _("The customer takes messages on %(channel)s again")
            if why == "word"
            else _("The customer wrote on %(channel)s again, so answers may go out")
        )
    elif why == "word":
        said = _("The customer wants no more messages on %(channel)s")
    else:
        said = _("The provider says that the customer wants no more messages on %(channel)s")
    return said % {"channel": isolated(words.channel(entry.channel))}


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
