"""Choosing how an answer goes: what it becomes on a channel, and approved texts."""

from dataclasses import dataclass
from uuid import UUID

from django.core.exceptions import BadRequest
from django.http import HttpResponse
from django.shortcuts import render
from django.utils.translation import gettext as _
from django.utils.translation import ngettext
from django.views.decorators.http import require_POST, require_safe

from wasl.accounts.actor import NotFound
from wasl.channels.port import Choice, Parts, Template
from wasl.conversations import approved, drafts, queries
from wasl.conversations import ways as found
from wasl.conversations.chatting import carried
from wasl.conversations.degrade import carries, choices_of, degrade
from wasl.conversations.reply import CannotReply
from wasl.conversations.ways import Via, Way
from wasl.workspace import words
from wasl.workspace.format import number
from wasl.workspace.web import Request

MOST_CHOICES = 10


def via(given: str) -> Via | None:
    """The way that a form names; None when it names none. Raises BadRequest."""
    if not given:
        return None
    inbox, identity, aside = (*given.split(":"), "", "")[:3]
    try:
        return Via(UUID(inbox), UUID(identity) if identity else None, aside == "aside")
    except ValueError as error:
        raise BadRequest("via") from error


def choices(request: Request) -> tuple[Choice, ...]:
    """The choices that a form offers the customer."""
    return choices_of(request.POST.getlist("choice")[:MOST_CHOICES])


def template(request: Request, conversation_id: UUID) -> tuple[Template, str] | None:
    """The approved text that a form fills in, as it is sent and as it reads; None where it has none. Raises
    CannotReply."""
    key = request.POST.get("template", "")
    if not key:
        return None
    text = approved.find(_way(request, conversation_id, request.POST.get("via", "")).inbox, key)
    try:
        return text.filled(request.POST.getlist("value")) if text else None
    except approved.Unfilled as error:
        raise CannotReply("unfilled") from error


def _way(request: Request, conversation_id: UUID, given: str) -> Way:
    wanted = via(given)
    row = queries.opened(request.actor, conversation_id)
    way = found.chosen(found.ways(request.actor, row), wanted) if wanted else None
    if way is None:
        raise NotFound
    return way


@require_safe
def approved_texts(request: Request, conversation_id: UUID) -> HttpResponse:
    """The approved texts of the way's inbox, one of them with its places."""
    request.actor.require_write()
    way = _way(request, conversation_id, request.GET.get("via", ""))
    texts = approved.of(way.inbox)
    chosen = approved.find(way.inbox, request.GET.get("template", "")) or next(iter(texts), None)
    at = request.get_full_path().partition("&template=")[0]
    return render(request, "desk/approved.html", {"texts": texts, "chosen": chosen, "at": at})


@require_POST
def looks(request: Request, conversation_id: UUID) -> HttpResponse:
    """What the answer that is being written becomes on its channel."""
    request.actor.require_write()
    way = _way(request, conversation_id, request.POST.get("via", ""))
    text = request.POST.get("text", "").strip()[:100_000]
    files = drafts.of(request.actor, conversation_id)["out"].files
    limits = carried(way, by_template=bool(request.POST.get("template")))
    link = "" if carries(limits, files) else "…"
    shown = degrade(text, choices(request), files, limits, link)
    several = shown.pieces if len(shown.pieces) > 1 and not way.why else ()
    changed = shown.numbered or shown.linked or shown.choices or several
    context = {
        "looks": shown if changed else None,
        "along": [files[at].filename for at in shown.along],
        "several": [
            _Piece(each.text, each.choices, [files[at].filename for at in each.files]) for each in several
        ],
        "channel": words.channel(way.channel),
        "parts": _parts(shown.parts) if text and shown.parts else "",
        "too_long": _too_long(shown.too_long),
        "letter": way if way.channel == "post" and text else None,
        "text": text,
    }
    return render(request, "desk/looks.html", context)


@dataclass(frozen=True, slots=True)
class _Piece:
    """One of several messages that an answer becomes, with the names of its files."""

    text: str
    choices: tuple[Choice, ...]
    files: list[str]


def _parts(parts: Parts) -> str:
    count = ngettext("%(n)s message", "%(n)s messages", parts.count) % {"n": number(parts.count)}
    left = ngettext("%(n)s letter left", "%(n)s letters left", parts.left) % {"n": number(parts.left)}
    return f"{count} · {left} · {parts.alphabet}"


def _too_long(letters: int) -> str:
    if not letters:
        return ""
    said = ngettext(
        "%(n)s letter too long for this channel", "%(n)s letters too long for this channel", letters
    )
    return said % {"n": number(letters)} + " " + _("Shorten it, or choose another channel.")
