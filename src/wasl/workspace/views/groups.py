"""Making conversations one, and one two."""

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from django.core.exceptions import BadRequest
from django.http import HttpResponse, HttpResponseRedirect, QueryDict
from django.shortcuts import render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_POST

from wasl.accounts.actor import NotFound
from wasl.conversations import queries, regroup
from wasl.conversations.filters import Filter
from wasl.conversations.models import Conversation
from wasl.conversations.wordless import code
from wasl.conversations.writing import preview_of
from wasl.customers.queries import family
from wasl.workspace.shapes import people
from wasl.workspace.shapes.thread import writer
from wasl.workspace.shapes.wordless import wordless
from wasl.workspace.toast import Toast
from wasl.workspace.views import turns
from wasl.workspace.web import Request
from wasl.workspace.words import about

OTHERS = 12
READ_AT = ["GET", "HEAD", "POST"]


@dataclass(frozen=True, slots=True)
class Candidate:
    """A conversation that could become part of another."""

    row: Conversation
    about: str
    name: str
    chosen: bool


@require_http_methods(READ_AT)
def merge(request: Request) -> HttpResponse:
    """Choose which conversations become one (`id`), and which of them stays (`into`); and do it."""
    asked = _given(request).getlist("id")
    chosen = [_id(text) for text in dict.fromkeys(asked)][: regroup.MOST + 1]
    if not chosen:
        raise BadRequest("id")
    if request.method == "POST":
        return _merge(request, chosen)
    request.actor.require_write()
    rows = [queries.conversation(request.actor, key) for key in chosen]
    known = {row.id for row in rows}
    if len(rows) == 1:
        customers = family([rows[0].customer_id])
        page = queries.conversations(request.actor, Filter(status=""), customers, limit=OTHERS)
        rows += [row for row in page.rows if row.id not in known]
    names = people.names([row.customer for row in rows])
    channels = {inbox.id: inbox.channel for inbox in queries.inboxes(request.actor)}
    found = [
        Candidate(row, about(row.subject, channels[row.inbox_id]), names[row.customer.id], row.id in known)
        for row in rows
    ]
    context = {
        "candidates": found,
        "into": rows[0].id if len(chosen) == 1 else min(rows, key=lambda row: row.created_at).id,
        "several": len({row.customer.id for row in rows}) > 1,
    }
    return render(request, "desk/merge.html", context)


def _given(request: Request) -> QueryDict:
    """What is asked for; by a toast's button, which has no fields, in the address it posts to."""
    return request.POST if "id" in request.POST else request.GET


def _merge(request: Request, chosen: list[UUID]) -> HttpResponse:
    given = _given(request)
    into = _id(given.get("into", ""))
    try:
        made = regroup.merge(request.actor, into, chosen, across=bool(given.get("across")))
    except regroup.CannotRegroup as error:
        return turns.refused(why_not(error.reason))
    undo = reverse("unmerge_conversations", args=[made[-1]]) if len(made) == 1 else ""
    return _to(request, into, Toast(_("Merged. Old links and replies lead here."), undo, 20))


@require_POST
def unmerge(request: Request, regrouping_id: UUID) -> HttpResponse:
    """Take a merge back."""
    try:
        back = regroup.unmerge(request.actor, regrouping_id)
    except regroup.CannotRegroup as error:
        return turns.refused(why_not(error.reason))
    return _to(request, back, Toast(_("Two conversations again.")))


@dataclass(frozen=True, slots=True)
class Line:
    """A message to split at."""

    id: UUID
    at: datetime
    way: str
    author: str
    text: str


@require_http_methods(READ_AT)
def split(request: Request, conversation_id: UUID) -> HttpResponse:
    """Choose the first message (`message`) of a conversation of its own; and make it."""
    row = queries.conversation(request.actor, conversation_id)
    if request.method == "POST":
        asked = queries.message(request.actor, _id(request.POST.get("message", "")))
        if asked.message.conversation_id != row.id:
            raise NotFound
        try:
            made = regroup.split(request.actor, asked.message.id)
        except regroup.CannotRegroup as error:
            return turns.refused(why_not(error.reason))
        undo = f"{reverse('merge_conversations')}?id={made}&into={row.id}&across=1"
        said = _("A conversation of its own. Replies to these messages come here.")
        return _to(request, made, Toast(said, undo, 20))
    request.actor.require_write()
    page = queries.thread(request.actor, row.id, limit=60)
    name = people.names([row.customer])[row.customer.id]
    lines = [
        Line(
            shown.message.id,
            shown.message.at,
            shown.message.way,
            name if shown.message.way == "in" else writer(shown),
            preview_of(shown.message.way, shown.message.text)
            or wordless(code(shown.message.meta, [file.content_type for file in shown.files])).text,
        )
        for shown in reversed(page.rows)
    ]
    lines = lines if page.after else lines[1:]
    # Another matter begins with the customer's words, seldom with what was answered to them last.
    likely = [line.id for line in lines if line.way == "in"] or [line.id for line in lines]
    return render(request, "desk/split.html", {"open": row, "lines": lines, "likely": likely[-1:]})


def _to(request: Request, conversation_id: UUID, toast: Toast) -> HttpResponse:
    """Where it is now: with scripts the page opens it in place."""
    address = reverse("conversation_at", args=["all", conversation_id])
    if "HX-Request" not in request.headers:
        return HttpResponseRedirect(address)
    response = render(request, "parts/toast.html", {"toast": toast})
    response.headers["Wasl-Open"] = str(conversation_id)
    return response


def _id(text: str) -> UUID:
    try:
        return UUID(text)
    except ValueError as error:
        raise BadRequest("id") from error


def why_not(reason: str) -> str:
    """Why it cannot be done."""
    reasons = {
        "too_few": _("Choose at least two conversations."),
        "too_many": _("Choose at most twenty conversations."),
        "customers_differ": _("These are of different customers. Confirm that they belong together."),
        "first_message": _("This is where the conversation begins. Choose a later message."),
        "already_undone": _("This was taken back already."),
    }
    return reasons[reason]
