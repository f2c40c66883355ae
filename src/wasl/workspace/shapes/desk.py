"""The list and the open conversation."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any, NamedTuple
from uuid import UUID

from django.http import HttpRequest
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from wasl.accounts.actor import Actor
from wasl.conversations import listing as rows
from wasl.conversations import queries, tags
from wasl.conversations.filters import Filter
from wasl.kit.languages import CODES
from wasl.workspace import paging, words
from wasl.workspace.format import first_name, number
from wasl.workspace.shapes import people, places
from wasl.workspace.shapes.places import TABS, Chip, Place
from wasl.workspace.shapes.rail import Inbox, Rail
from wasl.workspace.shapes.wordless import Wordless, wordless

MOST_ROWS = 160


@dataclass(frozen=True, slots=True)
class Row:
    """One conversation of the list. `owner` and `team` are named where the place does not say so already."""

    id: UUID
    name: str
    subject: str
    preview: str
    wordless: Wordless | None
    at: datetime
    icon: str
    channel: str
    unread: bool
    ours: bool
    trouble: str
    owner: str
    team: str
    until: datetime | None
    state: str
    tags: list[str]
    begun: bool
    """Whether the reader has a draft there."""
    state_icon: str = ""


@dataclass(frozen=True, slots=True)
class Tab:
    """A state of the list."""

    label: str
    href: str
    count: str
    current: bool


@dataclass(frozen=True, slots=True)
class List:
    """A page of the list and where it stands."""

    here: Place
    rows: list[Row]
    older: str
    unassigned: int
    tabs: list[Tab]
    chips: list[Chip]
    total: int
    """How many the filter finds, up to 1,000."""

    @property
    def at(self) -> str:
        """The place's own address."""
        return self.here.at

    @property
    def title(self) -> str:
        """What the place is called."""
        return self.here.title

    @property
    def status(self) -> str:
        """The state that is looked at; '' for any."""
        return self.here.where.status

    @property
    def narrowed(self) -> bool:
        """Whether it is narrowed beyond its place."""
        return bool(self.chips)

    @property
    def href(self) -> str:
        """The place's address."""
        return self.here.href

    @property
    def query(self) -> str:
        """What keeps the list when a conversation is opened."""
        return self.here.query()

    @property
    def href_with_status(self) -> str:
        """The list's address as it is narrowed."""
        return self.here.address()

    @property
    def carried(self) -> list[tuple[str, str]]:
        """What a form carries along to ask for the same conversations."""
        return list(places.pairs(self.here))

    @property
    def total_words(self) -> str:
        """How many there are, as it is said: `12`, `999+`."""
        return words.count(self.total)

    @property
    def unassigned_words(self) -> str:
        """How many conversations have no one."""
        return ngettext(
            "One conversation has no one yet.", "%(n)s conversations have no one yet.", self.unassigned
        ) % {"n": number(self.unassigned)}


def listing(actor: Actor, here: Place, request: HttpRequest, rail: Rail) -> List:
    """A page of a place's list."""
    limit = paging.counted(request, queries.PAGE, MOST_ROWS)
    page = rows.page(actor, here.where, paging.asked(request), limit)
    older = ""
    if page.after:
        query = here.query()
        older = f"{here.href}{query}{'&' if query else '?'}before={paging.write(page.after)}"
    shown = [*TABS] if here.where.status in TABS else [*TABS, here.where.status]
    if here.at == "snoozed":
        shown = ["snoozed"] if here.where.status == "snoozed" else ["snoozed", here.where.status]
    filters = [here.where.at(status) for status in shown]
    counts = rows.counts(actor, filters)
    return List(
        here,
        _rows(page.rows, here, rail),
        older,
        rail.waiting,
        [_tab(here, where, count) for where, count in zip(filters, counts, strict=True)],
        places.chips(here, rail),
        counts[shown.index(here.where.status)],
    )


def _tab(here: Place, where: Filter, count: int) -> Tab:
    current = where.status == here.where.status
    return Tab(words.status(where.status), here.address(where), words.count(count), current)


def _rows(found: list[rows.Brief], here: Place, rail: Rail) -> list[Row]:
    inboxes = {inbox.id: inbox for inbox in rail.inboxes}
    names = people.called({row.customer_id: row.customer for row in found})
    return [_row(row, inboxes[row.inbox_id], names[row.customer_id], here) for row in found]


def _row(row: rows.Brief, inbox: Inbox, name: str, here: Place) -> Row:
    return Row(
        id=row.id,
        name=name,
        subject=words.subject(row.subject),
        preview=row.preview,
        wordless=None if row.preview else wordless(row.wordless),
        at=row.last_at,
        icon=inbox.icon,
        channel=words.channel(inbox.channel),
        unread=row.unread,
        ours=row.last_way == "out",
        trouble=row.trouble,
        owner=first_name(row.assignee) if here.own.view != "mine" else "",
        team=row.team if not here.own.teams else "",
        until=row.snoozed_until if row.status == "snoozed" else None,
        state=_state(row, narrowed=bool(here.where.status)),
        tags=row.tags,
        begun=row.begun,
        state_icon=_STATE_ICONS.get(row.status, ""),
    )


_STATE_ICONS = {"snoozed": "snooze", "pending": "pending", "resolved": "check"}


def _state(row: rows.Brief, *, narrowed: bool) -> str:
    """Where it stands, unless every row of the list stands there, or a time says it."""
    if row.status == "snoozed" and row.snoozed_until is None:
        return _("Until they reply")
    return "" if narrowed or row.status == "open" else words.status_of_one(row.status)


@dataclass(frozen=True, slots=True)
class Option:
    """A value that a list can be narrowed to."""

    value: str
    label: str
    chosen: bool


@dataclass(frozen=True, slots=True)
class Narrowing:
    """A kind of narrowing with what there is to choose from."""

    name: str
    label: str
    anything: str
    options: list[Option]


def narrowings(actor: Actor, here: Place, rail: Rail) -> list[Narrowing]:
    """What the reader can narrow this list by."""
    where, own = here.where, here.own
    nobody = ("none", _("Unassigned"))
    states = [(s, words.status(s)) for s in ("open", "pending", "snoozed", "resolved")] + [
        ("any", words.status(""))
    ]
    found = [_choice("status", _("State"), "", states, {where.status or "any"})]
    kinds: list[tuple[str, str, str, list[tuple[str, str]]]] = [
        ("inbox", _("Inbox"), _("Any inbox"), [(str(i.id), i.name) for i in rail.inboxes]),
        ("tag", _("Tag"), _("Any tag"), [(str(t.id), t.name) for t in tags.every()]),
        ("language", _("Language"), _("Any language"), [(c, words.language_name(c)) for c in CODES]),
        (
            "assignee",
            _("Assigned to"),
            _("Anybody"),
            [nobody, *((str(a.id), a.name) for a in queries.agents(actor))],
        ),
        (
            "team",
            _("Team"),
            _("Any team"),
            [("none", _("No team")), *((str(t.id), t.name) for t in queries.teams(actor))],
        ),
    ]
    for name, label, anything, values in kinds:
        field = places.KINDS[name]
        taken = getattr(own, field) or (name == "assignee" and own.view in ("mine", "unassigned"))
        if len(values) > 1 - (name == "tag") and not taken:
            chosen = {"none" if v is None else str(v) for v in getattr(where, field)}
            found.append(_choice(name, label, anything, values, chosen))
    return found


def _choice(
    name: str, label: str, anything: str, values: list[tuple[str, str]], chosen: set[str]
) -> Narrowing:
    return Narrowing(name, label, anything, [Option(key, said, key in chosen) for key, said in values])


class Label(NamedTuple):
    """A tag on the open conversation."""

    id: str
    name: str


@dataclass(frozen=True, slots=True)
class Open:
    """The conversation that is open."""

    id: UUID
    customer_id: UUID
    name: str
    subject: str
    status: str
    until: datetime | None
    owner: str
    owner_id: UUID | None
    team: str
    team_id: UUID | None
    tags: list[Label]
    channel: str
    icon: str
    by_mail: bool
    address: str
    back: str

    @property
    def resolved(self) -> bool:
        """Whether it is settled."""
        return self.status == "resolved"

    @property
    def standing(self) -> str:
        """What is true of it besides being open, in words."""
        if self.status == "snoozed" and self.until is None:
            return _("Put off until they reply")
        return "" if self.status == "open" else words.status_of_one(self.status)


def opened(conversation: Any, name: str, back: str, address: str) -> Open:
    """The header and composer of a conversation with the customer of that name; `back` is where its list stands,
    `address` who is answered."""
    return Open(
        id=conversation.id,
        customer_id=conversation.customer.id,
        name=name,
        subject=words.subject(conversation.subject),
        status=conversation.status,
        until=conversation.snoozed_until if conversation.status == "snoozed" else None,
        owner=conversation.assignee.name if conversation.assignee else "",
        owner_id=conversation.assignee_id,
        team=conversation.team.name if conversation.team else "",
        team_id=conversation.team_id,
        tags=[Label(tag["id"], tag["name"]) for tag in conversation.tags],
        channel=words.channel(conversation.inbox.channel),
        icon=words.channel_icon(conversation.inbox.channel),
        by_mail=conversation.inbox.channel == "email",
        address=address,
        back=back,
    )
