"""Drafts and their files, for the composer's script: JSON both ways."""

from uuid import UUID

from django.http import HttpResponse, JsonResponse
from django.http.response import HttpResponseBase
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from wasl.conversations import drafts
from wasl.conversations.reply import CannotReply
from wasl.conversations.uploads import Unshowable
from wasl.kit.ids import uuid7
from wasl.workspace import files
from wasl.workspace.shapes import compose as shapes
from wasl.workspace.shapes.scenes import PHOTO_TYPES
from wasl.workspace.views.compose import UNSENT, identifier, upload, why_not
from wasl.workspace.web import Request


@require_http_methods(["GET", "HEAD", "POST"])
def draft(request: Request, conversation_id: UUID) -> HttpResponse:
    """The draft of one way, or a newer state of it: {"version"}. 409 with the draft when it is not the one seen."""
    if request.method != "POST":
        drafts.check(request.actor, conversation_id, request.GET.get("way", "out"))
        kept = drafts.of(request.actor, conversation_id)[request.GET.get("way", "out")]
        return JsonResponse(shapes.as_json(shapes.form(kept)))
    version = request.POST.get("version", "0")
    try:
        saved = drafts.save(
            request.actor,
            conversation_id,
            request.POST.get("way", "out"),
            request.POST.get("text", ""),
            request.POST.get("html", ""),
            key=identifier(request, "key") or uuid7(),
            version=int(version) if version.isdigit() and len(version) < 18 else 0,
            meta={"known": request.POST.get("known", "")[:60]},
        )
    except CannotReply as error:
        return HttpResponse(why_not(error.reason), status=422, content_type=UNSENT)
    except drafts.Conflict as said:
        found = {"sent": said.sent, "draft": shapes.as_json(shapes.form(said.kept)), "new_key": str(uuid7())}
        return JsonResponse(found, status=409)
    return JsonResponse({"version": saved})


@require_POST
def add_file(request: Request, conversation_id: UUID) -> HttpResponse:
    """Lay a file into a draft: {"file", "version"}."""
    given, way = request.FILES.get("file"), request.POST.get("way", "out")
    drafts.check(request.actor, conversation_id, way)
    if given is None:
        return HttpResponse(why_not("empty"), status=422, content_type=UNSENT)
    key = identifier(request, "key") or uuid7()
    try:
        file, version = drafts.add_file(
            request.actor, conversation_id, way, upload(given), key=key, at=_at(request)
        )
    except (drafts.CannotAttach, Unshowable) as error:
        return HttpResponse(why_not(error.reason), status=422, content_type=UNSENT)
    return JsonResponse({"file": shapes.file_json(shapes.shown(file)), "version": version})


def _at(request: Request) -> int | None:
    """Its place among the files, from 0; None when that is not said."""
    given = request.POST.get("at", "")
    return int(given) if given.isascii() and given.isdigit() and len(given) < 4 else None


@require_POST
def remove_file(request: Request, file_id: UUID) -> HttpResponse:
    """Take a file out of a draft: {"version"}."""
    return JsonResponse({"version": drafts.remove_file(request.actor, file_id)})


@require_safe
def file(request: Request, file_id: UUID) -> HttpResponseBase:
    """A picture of the reader's own draft, to look at."""
    row = drafts.file(request.actor, file_id)
    return files.again(request, request.actor.workspace_id, row, show=row.content_type in PHOTO_TYPES)
