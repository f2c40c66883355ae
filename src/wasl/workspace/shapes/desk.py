"""The list and the open conversation."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any
from urllib.parse import urlencode
from uuid import UUID

from django.http import Http404, HttpRequest
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from wasl.accounts.actor import Actor
from wasl.conversations import listing as rows
from wasl.conversations import queries
from wasl.workspace import paging, words
from wasl.workspace.format import first_name, number
from wasl.workspace.shapes import people
from wasl.workspace.shapes.rail import Inbox, Rail

MOST_ROWS = 160


@dataclass(frozen=True, slots=True)
class Place:
    """A place of the rail that holds conversations. `at` is how it stands in addresses."""

    at: str
    view: queries.View
    inbox_id: UUID | None
    title: str
    status: str


@dataclass(frozen=True, slots=True)
class Row:
    """One conversation of the list. `owner` is named where it is not the reader's own list."""

    id: UUID
    name: str
    subject: str
    preview: str
    at: datetime
    icon: str
    channel: str
    unread: bool
    ours: bool
    trouble: str
    owner: str


@dataclass(frozen=True, slots=True)
class List:
    """A page of the list and where it stands."""

    at: str
    title: str
    status: str
    rows: list[Row]
    older: str
    unassigned: int
    count_open: str
    count_resolved: str

    @property
    def href(self) -> str:
        """The list's address, open tab."""
        return reverse("desk", args=[self.at])

    @property
    def query(self) -> str:
        """What keeps the tab when a conversation is opened."""
        return "" if self.status == "open" else f"?status={self.status}"

    @property
    def href_with_status(self) -> str:
        """The list's address with its tab."""
        return self.href + self.query

    @property
    def unassigned_words(self) -> str:
        """How many conversations have no one."""
        return ngettext(
            "One conversation has no one yet.", "%(n)s conversations have no one yet.", self.unassigned
        ) % {"n": number(self.unassigned)}


def place(at: str, request: HttpRequest, rail: Rail) -> Place:
    """The place an address names. Raises Http404 for an inbox the reader may not see."""
    status = "resolved" if request.GET.get("status") == "resolved" else "open"
    titles: dict[str, tuple[queries.View, str]] = {
        "mine": ("mine", _("Mine")),
        "unassigned": ("unassigned", _("Unassigned")),
        "all": ("all", _("All")),
    }
    if at in titles:
        view, title = titles[at]
        return Place(at, view, None, title, status)
    inbox = next((inbox for inbox in rail.inboxes if at == f"inbox/{inbox.id}"), None)
    if inbox is None:
        raise Http404
    return Place(at, "all", inbox.id, inbox.name, status)


def listing(actor: Actor, where: Place, request: HttpRequest, rail: Rail) -> List:
    """A page of a place's list."""
    limit = paging.counted(request, queries.PAGE, MOST_ROWS)
    page = rows.page(actor, where.view, where.status, where.inbox_id, paging.asked(request), limit)
    older = ""
    if page.after:
        query = {"before": paging.write(page.after)} | (
            {"status": "resolved"} if where.status == "resolved" else {}
        )
        older = f"{reverse('desk', args=[where.at])}?{urlencode(query)}"
    return List(
        where.at,
        where.title,
        where.status,
        _rows(page.rows, where, rail),
        older,
        rail.waiting,
        rail.count(where.at),
        words.count(rows.count(actor, where.view, "resolved", where.inbox_id)),
    )


def _rows(found: list[rows.Brief], where: Place, rail: Rail) -> list[Row]:
    inboxes = {inbox.id: inbox for inbox in rail.inboxes}
    names = people.called({row.customer_id: row.customer for row in found})
    return [_row(row, inboxes[row.inbox_id], names[row.customer_id], where) for row in found]


def _row(row: rows.Brief, inbox: Inbox, name: str, where: Place) -> Row:
    return Row(
        id=row.id,
        name=name,
        subject=row.subject,
        preview=row.preview,
        at=row.last_at,
        icon=inbox.icon,
        channel=words.channel(inbox.channel),
        unread=row.unread,
        ours=row.last_way == "out",
        trouble=row.trouble,
        owner=first_name(row.assignee) if where.view != "mine" else "",
    )


@dataclass(frozen=True, slots=True)
class Open:
    """The conversation that is open."""

    id: UUID
    customer_id: UUID
    name: str
    subject: str
    resolved: bool
    owner: str
    owner_id: UUID | None
    channel: str
    icon: str
    by_mail: bool
    address: str
    back: str


def opened(conversation: Any, back: str, address: str) -> Open:
    """The header and composer of a conversation; `back` is where its list stands, `address` who is answered."""
    return Open(
        id=conversation.id,
        customer_id=conversation.customer.id,
        name=people.names([conversation.customer])[conversation.customer.id],
        subject=conversation.subject,
        resolved=conversation.status == "resolved",
        owner=conversation.assignee.name if conversation.assignee else "",
        owner_id=conversation.assignee_id,
        channel=words.channel(conversation.inbox.channel),
        icon=words.channel_icon(conversation.inbox.channel),
        by_mail=conversation.inbox.channel == "email",
        address=address,
        back=back,
    )
