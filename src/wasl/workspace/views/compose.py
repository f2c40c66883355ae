"""Writing in a conversation: answers, notes, taking an answer back, who is there, whom a note can name."""

import re
from collections.abc import Callable
from pathlib import Path
from uuid import UUID

from django.conf import settings
from django.core.exceptions import BadRequest
from django.core.files.uploadedfile import TemporaryUploadedFile, UploadedFile
from django.db import transaction
from django.http import HttpResponse, HttpResponseRedirect, JsonResponse
from django.shortcuts import render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import ngettext
from django.views.decorators.http import require_POST, require_safe
from django_htmx.http import trigger_client_event

from wasl.accounts.actor import NotFound
from wasl.conversations import doubt, drafts, mentions, presence, queries, states, undo
from wasl.conversations.doubt import Care, Doubt
from wasl.conversations.models import Conversation
from wasl.conversations.notes import note as write_note
from wasl.conversations.reply import CannotReply, Upload, reply
from wasl.kit.ids import uuid7
from wasl.kit.presence import State
from wasl.workspace.format import isolated, number
from wasl.workspace.shapes import people
from wasl.workspace.shapes.delivery import standing
from wasl.workspace.toast import Toast
from wasl.workspace.views import ways
from wasl.workspace.views.desk import refreshed
from wasl.workspace.web import Request

UNSENT = "text/plain; charset=utf-8"
_THEN = {"resolve": states.resolve, "pending": states.pend}


@require_POST
def answer(request: Request, conversation_id: UUID) -> HttpResponse:
    """Send what was written in the composer, and settle the conversation where that was asked for."""
    hold = float(settings.ENV.undo_seconds)

    def send(files: list[Upload]) -> UUID:
        approved = ways.template(request, conversation_id)
        return reply(
            request.actor,
            conversation_id,
            approved[1] if approved else request.POST.get("text", ""),
            files,
            html="" if approved else request.POST.get("html", ""),
            via=ways.via(request.POST.get("via", "")),
            choices=ways.choices(request),
            template=approved[0] if approved else None,
            cc=_copies(request),
            key=_key(request),
            hold=hold,
            care=_care(request),
        )

    def then(message_id: UUID) -> Toast | None:
        if settle := _THEN.get(request.POST.get("then", "")):
            settle(request.actor, conversation_id)
        written = queries.message(request.actor, message_id)
        state = standing(written.delivery)
        if not state or not state.leaves:
            return None
        row = queries.conversation(request.actor, conversation_id)
        name = isolated(written.writer or people.names([row.customer])[row.customer.id])
        undo_at = reverse("take_back", args=[message_id])
        return Toast(_("Sending to %(name)s") % {"name": name}, undo_at, state.leaves)

    return _written(request, conversation_id, "out", send, then)


@require_POST
def note(request: Request, conversation_id: UUID) -> HttpResponse:
    """Keep a note beside the conversation."""

    def write(files: list[Upload]) -> UUID:
        text, html = request.POST.get("text", ""), request.POST.get("html", "")
        return write_note(
            request.actor, conversation_id, text, files, html=html, key=_key(request), care=_care(request)
        )

    return _written(request, conversation_id, "note", write, lambda _: None)


def _written(
    request: Request,
    conversation_id: UUID,
    way: str,
    write: Callable[[list[Upload]], UUID],
    then: Callable[[UUID], Toast | None],
) -> HttpResponse:
    """Write with the draft's files and let go of the draft; or say why not, with nothing changed."""
    try:
        with transaction.atomic():
            files = [*drafts.uploads(request.actor, conversation_id, way), *_uploads(request)]
            message_id = write(files)
            drafts.clear(request.actor, conversation_id, way)
            toast = then(message_id)
    except CannotReply as error:
        return HttpResponse(why_not(error.reason), status=422, content_type=UNSENT)
    except Doubt as said:
        return _ask(request, conversation_id, way, said)
    if "HX-Request" not in request.headers:
        return HttpResponseRedirect(reverse("conversation_at", args=["all", conversation_id]))
    response = refreshed(request, conversation_id, toast=toast)
    known = doubt.token(Conversation.objects.get(id=conversation_id))
    news = {"way": way, "key": str(uuid7()), "known": known}
    return trigger_client_event(response, "wasl:sent", news)


def _ask(request: Request, conversation_id: UUID, way: str, said: Doubt) -> HttpResponse:
    row = queries.conversation(request.actor, conversation_id)
    context = {
        "doubt": said,
        "way": way,
        "customer": people.names([row.customer])[row.customer.id],
        "key": uuid7() if said.earlier else "",
        "anyway": ",".join(name for name in ("unfilled", "left", "blind") if getattr(said, name)),
        "title": _title(said),
    }
    return render(request, "desk/doubt.html", context, status=409)


def _title(said: Doubt) -> str:
    if said.earlier:
        return _("Another version of this has already gone out")
    if said.between:
        return ngettext(
            "This came in while you were writing", "These came in while you were writing", len(said.between)
        )
    return _("One more look before this goes out")


def _copies(request: Request) -> list[str] | None:
    """Whom the form names in copy; None where it does not ask."""
    if "copies" not in request.POST:
        return None
    return [*request.POST.getlist("cc"), *re.split(r"[\s,;]+", request.POST.get("cc_more", "")[:2000])]


def _key(request: Request) -> UUID | None:
    return identifier(request, "key")


def identifier(request: Request, name: str) -> UUID | None:
    """An id that a form carries, None without one. Raises BadRequest."""
    given = request.POST.get(name, "")
    try:
        return UUID(given) if given else None
    except ValueError as error:
        raise BadRequest(name) from error


def _care(request: Request) -> Care | None:
    """What scripts ask to be warned of; a page without them could not show the answer."""
    if "HX-Request" not in request.headers:
        return None
    return Care(request.POST.get("known", ""), frozenset(request.POST.get("anyway", "").split(",")))


@require_POST
def take_back(request: Request, message_id: UUID) -> HttpResponse:
    """Undo sending; the composer gets its words back."""
    try:
        conversation_id = undo.withdraw(request.actor, message_id)
    except undo.TooLate:
        said = _("It is on its way already and cannot be taken back.")
        return HttpResponse(said, status=422, content_type=UNSENT)
    if "HX-Request" not in request.headers:
        return HttpResponseRedirect(reverse("conversation_at", args=["all", conversation_id]))
    here = str(conversation_id) in request.headers.get("HX-Current-URL", "")
    response = refreshed(request, conversation_id) if here else HttpResponse(status=204)
    news = {"conversation": str(conversation_id), "elsewhere": not here}
    return trigger_client_event(response, "wasl:withdrawn", news)


@require_POST
def here(request: Request, conversation_id: UUID) -> HttpResponse:
    """A page of the reader's is at this conversation."""
    state: State = "typing" if request.POST.get("state") == "typing" else "viewing"
    if request.POST.get("state") == "gone":
        state = "gone"
    tab = request.POST.get("tab", "x")
    try:
        presence.beat(request.actor, conversation_id, tab, state)
    except NotFound:
        now_it_is = queries.followed(request.actor, conversation_id)  # it was merged while it was open
        if state != "gone":
            presence.beat(request.actor, now_it_is.id, tab, state)
    return HttpResponse(status=204)


@require_safe
def mentionable(request: Request, conversation_id: UUID) -> HttpResponse:
    """Whom a note here can name."""
    row = queries.conversation(request.actor, conversation_id)
    found = mentions.choices(request.actor, row.inbox_id, request.GET.get("q", "")[:60])
    return JsonResponse(
        {
            "people": [
                {
                    "name": each.name,
                    "team": each.team,
                    "about": ngettext("%(n)s person", "%(n)s people", each.members)
                    % {"n": number(each.members)}
                    if each.team
                    else "",
                }
                for each in found
            ]
        }
    )


def _uploads(request: Request) -> list[Upload]:
    return [upload(file) for file in request.FILES.getlist("files")]


def upload(file: "UploadedFile[bytes]") -> Upload:
    """A file as a form brought it."""
    name, kind = file.name or "", file.content_type or ""
    if isinstance(file, TemporaryUploadedFile):
        return Upload(name, kind, path=Path(file.temporary_file_path()))
    return Upload(name, kind, content=file.read())


def why_not(reason: str) -> str:
    """Why something was not written, in words."""
    reasons: dict[str, Callable[[], str]] = {
        "empty": lambda: _("Write something first, or attach a file."),
        "too_long": lambda: _("This is longer than 100,000 letters. Send part of it as a file."),
        "window_closed": lambda: _(
            "Too much time has passed since they last wrote: only an approved template may be sent now."
        ),
        "stopped": lambda: _(
            "They asked to get no more messages there. Only they can change that, by answering START or writing again."
        ),
        "too_many_files": lambda: _("These are more than 20 files. Send some of them in a second reply."),
        "too_large": lambda: _("With this file it would be more than 25 MB. Send it in a second reply."),
        "model_outside": lambda: _(
            "This model takes parts of itself from other files, which the customer would not get. Save it as one GLB."
        ),
        "model_broken": lambda: _("This 3D model cannot be read. Save it again, as GLB or USDZ."),
        "too_long_here": lambda: _(
            "This is longer than the channel can carry. Shorten it, or choose another one."
        ),
        "public_files": lambda: _("Files do not go below a comment. Send them to its author alone."),
        "template_files": lambda: _(
            "No files can follow an approved text until they have written. Take the files out."
        ),
        "no_way": lambda: _("They cannot be reached that way any more. Choose another channel."),
        "unfilled": lambda: _("Fill in every place of the approved text."),
        "no_address": lambda: _("No e-mail address of this customer is known."),
        "bad_address": lambda: _("One of the addresses in copy is not a mail address."),
        "inbox_off": lambda: _("This inbox is switched off. An administrator can switch it on again."),
    }
    return reasons.get(reason, lambda: _("It could not be sent. Your text is still here."))()
