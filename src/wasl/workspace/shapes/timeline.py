"""A customer's timeline: days, entries, and the customer's own words."""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _

from wasl.accounts.actor import Actor
from wasl.conversations import queries
from wasl.timeline.queries import Entry
from wasl.workspace import bodies, words
from wasl.workspace.format import first_name, isolated
from wasl.workspace.shapes import events
from wasl.workspace.shapes.delivery import Standing, standing

SAID = 280
_REPLY_MARKS = re.compile(r"^(?:\s*(?:re|aw|r|tr|rif|fwd?|i|رد|إعادة توجيه)\s*:)+\s*", re.IGNORECASE)
# How a delivery goes is shown with its reply; only what went wrong has an entry of its own.
QUIET = frozenset({"delivery.sent", "delivery.delivered", "delivery.retry"})


@dataclass(frozen=True, slots=True)
class Item:
    """One entry. `said` is the start of what was written; `href` leads to the conversation."""

    id: UUID
    at: datetime
    icon: str
    flips: bool
    kind: str
    title: str
    about: str
    said: str
    state: Standing | None
    files: tuple[str, ...]
    href: str


@dataclass(frozen=True, slots=True)
class DayOfItems:
    """The entries of one day, latest first."""

    at: datetime
    key: str
    items: list[Item]


def items(actor: Actor, entries: Iterable[Entry], customer: str) -> list[Item]:
    """Entries as they are shown."""
    told = [entry for entry in entries if entry.kind not in QUIET]
    names = events.agents(told)
    spoken = queries.messages(
        actor, [e.about_id for e in told if e.kind.startswith("message.") and e.about_id]
    )
    found = [_item(entry, names, spoken, customer) for entry in told]
    return [item for item in found if item.title]


def days(found: Iterable[Item]) -> list[DayOfItems]:
    """The same, by day."""
    out: list[DayOfItems] = []
    for item in found:
        key = timezone.localtime(item.at).date().isoformat()
        if not out or out[-1].key != key:
            out.append(DayOfItems(item.at, key, []))
        out[-1].items.append(item)
    return out


def _item(
    entry: Entry, names: Mapping[UUID, str], spoken: Mapping[UUID, queries.Shown], customer: str
) -> Item:
    href = reverse("conversation", args=[entry.conversation_id]) if entry.conversation_id else ""
    shown = spoken.get(entry.about_id) if entry.about_id else None
    if entry.kind in ("message.received", "message.sent"):
        return _message(entry, names, shown, customer, href)
    icon = events.ICONS.get(entry.kind, "dash")
    return Item(
        entry.id,
        entry.occurred_at,
        icon,
        False,
        "event",
        events.sentence(entry, names),
        "",
        "",
        None,
        (),
        href,
    )


def _message(
    entry: Entry, names: Mapping[UUID, str], shown: queries.Shown | None, customer: str, href: str
) -> Item:
    incoming = entry.kind == "message.received"
    channel = words.channel(entry.channel)
    if incoming:
        title = _("%(channel)s from %(who)s") % {"channel": channel, "who": isolated(first_name(customer))}
    else:
        title = _("%(who)s replied") % {"who": events.who(entry, names)}
    said = ""
    files: tuple[str, ...] = ()
    if shown:
        text = bodies.split_quoted(shown.message.text)[0]
        said = _start(text)
        files = tuple(file.filename for file in shown.files if not file.inline)[:3]
    elif entry.erased:
        said = _("What was written was erased.")
    return Item(
        id=entry.id,
        at=entry.occurred_at,
        icon=words.channel_icon(entry.channel) if incoming else "reply",
        flips=not incoming,
        kind="message",
        title=title,
        about=_REPLY_MARKS.sub("", str(entry.detail.get("subject", ""))),
        said=said,
        state=standing(shown.delivery) if shown and shown.delivery else None,
        files=files,
        href=href,
    )


def _start(text: str) -> str:
    words_ = " ".join(text.split())
    if len(words_) <= SAID:
        return words_
    return words_[:SAID].rsplit(" ", 1)[0].rstrip(".,;:…") + "…"
