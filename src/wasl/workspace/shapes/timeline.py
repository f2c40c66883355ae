"""A customer's timeline: days, entries, and the customer's own words."""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from itertools import islice
from uuid import UUID

from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _

from wasl.accounts.actor import Actor
from wasl.channels.email.trim.split import written
from wasl.conversations import queries
from wasl.conversations.link import written_here
from wasl.conversations.wordless import code
from wasl.timeline.queries import Entry
from wasl.workspace import words
from wasl.workspace.format import first_name, isolated
from wasl.workspace.shapes import events
from wasl.workspace.shapes.delivery import Standing, standing
from wasl.workspace.shapes.thread import writer
from wasl.workspace.shapes.wordless import wordless

SAID = 280
REPLY_MARKS = re.compile(r"^(?:\s*(?:re|aw|r|tr|rif|fwd?|i|رد|إعادة توجيه)\s*:)+\s*", re.IGNORECASE)
# How a delivery goes is shown with its reply; only what went wrong has an entry of its own.
QUIET = frozenset(
    {
        "delivery.sent",
        "delivery.delivered",
        "delivery.read",
        "delivery.seen",
        "delivery.retry",
        "message.reacted",
    }
)


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


def items(
    actor: Actor,
    entries: Iterable[Entry],
    customer: str,
    most: int | None = None,
    known: Iterable[queries.Shown] = (),
) -> list[Item]:
    """Entries as they are shown, at `most` so many; `known` are messages that were read already."""
    told = [entry for entry in entries if entry.kind not in QUIET]
    names = events.agents(told)
    # Each of these has a title, so that none behind the first `most` of them is shown.
    about = [e.about_id for e in told if e.kind.startswith("message.") and e.about_id][:most]
    spoken = {shown.message.id: shown for shown in known}
    spoken |= queries.messages(actor, [each for each in about if each not in spoken])
    found = (_item(entry, names, spoken, customer) for entry in told)
    return list(islice((item for item in found if item.title), most))


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
    on_page = incoming and shown is not None and written_here(shown.message.rfc_id)
    if on_page:
        title = _("%(who)s wrote on the conversation’s page") % {"who": isolated(first_name(customer))}
    elif incoming:
        title = _("%(channel)s from %(who)s") % {"channel": channel, "who": isolated(first_name(customer))}
    else:
        agent = shown is None or (shown.author and shown.message.author_id)
        who = isolated(writer(shown)) if shown and not agent else events.who(entry, names)
        title = _("%(who)s replied") % {"who": who}
    said = ""
    files: tuple[str, ...] = ()
    if shown:
        said = _start(written(shown.message.text) if incoming else shown.message.text)
        kinds = [file.content_type for file in shown.files]
        if not said and (what := code(shown.message.meta, kinds)):
            said = wordless(what).text
        files = tuple(file.filename for file in shown.files if not file.inline)[:3]
    elif entry.erased:
        said = _("What was written was erased.")
    return Item(
        id=entry.id,
        at=entry.occurred_at,
        icon="link" if on_page else words.channel_icon(entry.channel) if incoming else "reply",
        flips=not incoming,
        kind="message",
        title=title,
        about=REPLY_MARKS.sub("", str(entry.detail.get("subject", ""))),
        said=said,
        state=standing(shown.delivery) if shown else None,
        files=files,
        href=href,
    )


def _start(text: str) -> str:
    words_ = " ".join(text.split())
    if len(words_) <= SAID:
        return words_
    return words_[:SAID].rsplit(" ", 1)[0].rstrip(".,;:…") + "…"
