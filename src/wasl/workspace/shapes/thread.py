"""The messages of a conversation as they are shown, with day lines and what happened in between."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Literal
from uuid import UUID

from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from markupsafe import Markup

from wasl.channels.base import Address
from wasl.conversations.forwards import UNPROVED
from wasl.conversations.link import written_here
from wasl.conversations.models import Attachment
from wasl.conversations.queries import Page, Shown
from wasl.workspace import bodies, paging, words
from wasl.workspace.format import first_name
from wasl.workspace.shapes.chats import About, about, public, reactions
from wasl.workspace.shapes.delivery import Standing, standing
from wasl.workspace.shapes.invitation import Invitation, invitation
from wasl.workspace.shapes.scenes import PHOTO_TYPES, Seen, arranged, seen


@dataclass(frozen=True, slots=True)
class Day:
    """A line that says which day begins."""

    at: datetime
    key: str
    kind: Literal["day"] = "day"


@dataclass(frozen=True, slots=True)
class Event:
    """Something that happened between messages."""

    at: datetime
    key: str
    icon: str
    text: str
    kind: Literal["event"] = "event"


@dataclass(frozen=True, slots=True)
class Bubble:
    """A message."""

    id: UUID
    at: datetime
    way: str
    author: str
    icon: str
    channel: str
    names_channel: bool
    language: str
    body: Markup
    has_remote: bool
    pictures: bool
    models: Sequence[Seen]
    photos: Sequence[Attachment]
    files: Sequence[Attachment]
    state: Standing | None
    auto: str
    unproved: bool
    to: str
    copies: Sequence[Address]
    author_id: UUID | None = None
    about: Sequence[About] = ()
    public: bool | None = None
    reactions: Sequence[str] = ()
    invitation: Invitation | None = None
    kind: Literal["message"] = "message"


@dataclass(frozen=True, slots=True)
class Thread:
    """A page of a conversation, oldest first."""

    items: list[Day | Event | Bubble] = field(default_factory=list)
    older: str = ""


def thread(page: Page[Shown], conversation_id: UUID, customer: str, events: Iterable[Event] = ()) -> Thread:
    """Messages and events in the order of time, each day introduced."""
    rows = page.rows[::-1]
    bubbles: list[Event | Bubble] = [
        bubble(row, customer, names_channel=not i or _way(rows[i - 1]) != _way(row))
        for i, row in enumerate(rows)
    ]
    since = rows[0].message.at if rows and page.after else None
    between = [event for event in events if since is None or event.at >= since]
    older = (
        f"{reverse('messages', args=[conversation_id])}?before={paging.write(page.after)}"
        if page.after
        else ""
    )
    return Thread(_with_days(sorted([*bubbles, *between], key=lambda item: item.at)), older)


def _way(shown: Shown) -> tuple[str, bool]:
    """On what a message came: its channel, and whether it was written on the conversation's page."""
    return shown.message.channel, shown.message.way == "in" and written_here(shown.message.rfc_id)


def _with_days(items: Sequence[Event | Bubble]) -> list[Day | Event | Bubble]:
    out: list[Day | Event | Bubble] = []
    last = ""
    for item in items:
        key = timezone.localtime(item.at).date().isoformat()
        if key != last:
            out.append(Day(item.at, key))
            last = key
        out.append(item)
    return out


def writer(shown: Shown) -> str:
    """Who wrote a message or a note on our side: an agent by first name, Wasl itself, or a program of the business's.

    Of old mail that was brought in, whoever sent it, by their whole name or their address. The app of a channel, in
    which somebody of the business answered, is such a program.
    """
    if shown.author:
        return first_name(shown.author) if shown.message.author_id else shown.author
    by_itself = shown.message.auto == "auto-replied" or shown.message.meta.get("by") == "system"
    return _("Wasl") if by_itself else _("A program")


def bubble(shown: Shown, customer: str, *, names_channel: bool = False, pictures: bool = False) -> Bubble:
    """One message. With `pictures` its HTML stands in a frame of its own that may load images from elsewhere."""
    message = shown.message
    inline = {file.content_id for file in shown.files if file.inline and file.content_id}
    loose = [file for file in shown.files if not message.html or file.content_id not in inline]
    arrangement = arranged(loose)
    channel, on_page = _way(shown)
    icon = "link" if on_page else words.channel_icon(channel)
    return Bubble(
        id=message.id,
        at=message.at,
        way=message.way,
        author=shown.writer or customer if message.way == "in" else writer(shown),
        icon="lock" if message.way == "note" else icon,
        channel=_("Conversation page") if on_page else words.channel(channel),
        names_channel=names_channel,
        language=message.language,
        body=bodies.marked(_body(shown), message.meta.get("marks") or []),
        has_remote=message.has_remote,
        pictures=pictures and message.has_remote,
        models=seen(arrangement.models, lambda file: reverse("file", args=[file.id])),
        photos=arrangement.pictures,
        files=arrangement.files,
        state=standing(shown.delivery),
        auto=words.written_by(message.auto),
        unproved=UNPROVED in message.meta.get("defects", ()),
        to=shown.writer if message.way == "out" else "",
        copies=shown.copies,
        author_id=message.author_id,
        about=about(message.meta),
        public=public(message.meta),
        reactions=reactions(message.meta),
        invitation=invitation(message.meta.get("invitation")),
    )


def _body(shown: Shown) -> Markup:
    folds = shown.message.way == "in"
    if shown.message.html:
        return bodies.of_html(shown.message.html, content(shown.files), folds=folds)
    return bodies.of_text(shown.message.text, folds=folds)


def content(files: Iterable[Attachment]) -> dict[str, str]:
    """The addresses of pictures that a message's own HTML refers to, by content id."""
    return {
        file.content_id: f"{reverse('file', args=[file.id])}?show=1"
        for file in files
        if file.content_id and file.content_type in PHOTO_TYPES
    }
