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

from wasl.conversations.models import Attachment
from wasl.conversations.queries import Page, Shown
from wasl.workspace import bodies, paging, words
from wasl.workspace.format import first_name
from wasl.workspace.shapes.delivery import Standing, standing

PHOTO_TYPES = frozenset({"image/png", "image/jpeg", "image/gif", "image/webp"})


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
    quoted: Markup
    has_remote: bool
    pictures: bool
    photos: list[Attachment]
    files: list[Attachment]
    state: Standing | None
    auto: bool
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
        bubble(row, customer, names_channel=not i or rows[i - 1].message.channel != row.message.channel)
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


def bubble(shown: Shown, customer: str, *, names_channel: bool = False, pictures: bool = False) -> Bubble:
    """One message. With `pictures` its HTML stands in a frame of its own that may load images from elsewhere."""
    message = shown.message
    body = _body(shown)
    inline = {file.content_id for file in shown.files if file.inline and file.content_id}
    loose = [file for file in shown.files if not message.html or file.content_id not in inline]
    return Bubble(
        id=message.id,
        at=message.at,
        way=message.way,
        author=customer if message.way == "in" else first_name(shown.author) or _("Program"),
        icon="lock" if message.way == "note" else words.channel_icon(message.channel),
        channel=words.channel(message.channel),
        names_channel=names_channel,
        language=message.language,
        body=body.shown,
        quoted=body.quoted,
        has_remote=message.has_remote,
        pictures=pictures and message.has_remote,
        photos=[file for file in loose if file.content_type in PHOTO_TYPES],
        files=[file for file in loose if file.content_type not in PHOTO_TYPES],
        state=standing(shown.delivery) if shown.delivery else None,
        auto=bool(message.auto),
    )


def _body(shown: Shown) -> bodies.Body:
    if shown.message.html:
        return bodies.Body(bodies.of_html(shown.message.html, content(shown.files)), Markup())
    return bodies.of_text(shown.message.text)


def content(files: Iterable[Attachment]) -> dict[str, str]:
    """The addresses of pictures that a message's own HTML refers to, by content id."""
    return {
        file.content_id: f"{reverse('file', args=[file.id])}?show=1"
        for file in files
        if file.content_id and file.content_type in PHOTO_TYPES
    }
