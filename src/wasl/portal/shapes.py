"""What a customer is shown of their conversation: their own messages, and the answers written to them."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from django.db.models import Q
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from markupsafe import Markup

from wasl.accounts.models import Agent
from wasl.conversations.models import Attachment, Message
from wasl.delivery.models import Delivery, State
from wasl.desk import sentences
from wasl.desk.models import Promise
from wasl.kit.clock import now
from wasl.portal.gate import Opened
from wasl.workspace import bodies
from wasl.workspace.format import full, isolated, language
from wasl.workspace.shapes.scenes import PHOTO_TYPES, Seen, arranged, seen

SHOWN = 60
"""Messages on the page; `everything` shows up to ten times as many."""


@dataclass(frozen=True, slots=True)
class Bubble:
    """One message. `day` is set on the first of a day."""

    id: UUID
    at: datetime
    day: datetime | None
    mine: bool
    author: str
    language: str
    body: Markup
    models: Sequence[Seen]
    photos: Sequence[Attachment]
    files: Sequence[Attachment]


@dataclass(frozen=True, slots=True)
class Band:
    """What is said above the messages about when we answer."""

    icon: str
    state: str
    text: str
    more: str = ""


@dataclass(frozen=True, slots=True)
class Talk:
    """The messages, oldest first; whether there are earlier ones; whether one is still on its way to the page."""

    bubbles: Sequence[Bubble]
    earlier: bool
    waiting: bool


def visible(opened: Opened) -> "Q":
    """Which messages of the conversation are this customer's: written from or to an address of theirs, by people."""
    own = Q(identity_id__in=opened.family) | Q(identity_id__isnull=True, way="out")
    return (
        Q(conversation_id=opened.conversation.id, way__in=("in", "out"))
        & own
        & ~Q(auto__in=("auto-replied", "auto-generated"))
    )


def talk(opened: Opened, *, everything: bool = False, sent: UUID | None = None) -> Talk:
    """The conversation as its customer sees it. `sent` is a message they have just written."""
    limit = SHOWN * 10 if everything else SHOWN
    rows = list(Message.objects.filter(visible(opened)).order_by("-at", "-id")[: limit + 1])
    earlier, rows = len(rows) > limit, rows[:limit][::-1]
    held = _held(rows)
    rows = [row for row in rows if row.id not in held]
    files: dict[UUID, list[Attachment]] = {}
    for file in Attachment.objects.filter(message_id__in=[r.id for r in rows]).order_by(
        "message_id", "position"
    ):
        files.setdefault(file.message_id, []).append(file)
    names = dict(
        Agent.objects.filter(id__in={r.author_id for r in rows if r.author_id}).values_list("id", "name")
    )
    bubbles, last = [], None
    for row in rows:
        day = timezone.localtime(row.at).date()
        bubbles.append(_bubble(opened, row, files.get(row.id, []), names, starts=day != last))
        last = day
    waiting = sent is not None and all(row.id != sent for row in rows)
    return Talk(bubbles, earlier, waiting)


def _held(rows: Sequence[Message]) -> set[UUID]:
    """Answers that can still be taken back: they have not left yet."""
    out = [row.delivery_id for row in rows if row.way == "out" and row.delivery_id]
    waiting = Delivery.objects.filter(id__in=out, state=State.QUEUED, attempts=0, due_at__gt=now())
    return set(waiting.values_list("message_id", flat=True))


def _bubble(
    opened: Opened, row: Message, files: list[Attachment], names: dict[UUID, str], *, starts: bool
) -> Bubble:
    mine = row.way == "in"
    inline = {file.content_id for file in files if file.inline and file.content_id}
    loose = [file for file in files if mine or not row.html or file.content_id not in inline]
    if row.html and not mine:
        body = bodies.of_html(row.html, _addresses(opened, files))
    else:
        body = bodies.of_text(row.text, folds=mine)
    shown = arranged(loose)
    name = names.get(row.author_id, "") if row.author_id else ""
    return Bubble(
        id=row.id,
        at=row.at,
        day=row.at if starts else None,
        mine=mine,
        author=_("You") if mine else name or opened.business,
        language=row.language,
        body=body,
        models=seen(shown.models, lambda file: reverse("portal_file", args=[opened.token, file.id])),
        photos=shown.pictures,
        files=shown.files,
    )


def _addresses(opened: Opened, files: Sequence[Attachment]) -> dict[str, str]:
    return {
        file.content_id: f"{reverse('portal_file', args=[opened.token, file.id])}?show=1"
        for file in files
        if file.content_id and file.content_type in PHOTO_TYPES
    }


def file(opened: Opened, file_id: UUID) -> Attachment | None:
    """A file of a message that this customer is shown."""
    row = Attachment.objects.select_related("message").filter(id=file_id).first()
    if row is None or not Message.objects.filter(visible(opened), id=row.message_id).exists():
        return None
    return None if _held([row.message]) else row


def band(opened: Opened) -> Band | None:
    """By when we said that we would answer, and whether we are there; None when there is nothing to say."""
    present, hours, code = now(), opened.hours, language()
    promise = Promise.objects.filter(conversation_id=opened.claim.conversation_id).first()
    opens = None if hours.open_at(present) else hours.next_opening(present)
    closed = ""
    if opens is not None:
        when = sentences.opening(code, opens, present, hours.zone)
        closed = _("We are closed just now and open again %(when)s.") % {"when": when}
    if promise is not None and promise.due_at is not None and promise.answered_at is None:
        if promise.due_at <= present:
            by = isolated(full(promise.due_at))
            late = _("You should have heard from us by %(time)s. We are late, and we are sorry.") % {
                "time": by
            }
            return Band("clock", "late", late, closed)
        when = sentences.promise(code, promise.due_at, present, hours.zone)
        return Band("clock", "promised", _("We will answer you %(when)s.") % {"when": when}, closed)
    if closed and opened.conversation.last_way == "in":
        return Band("clock", "closed", closed)
    return None
