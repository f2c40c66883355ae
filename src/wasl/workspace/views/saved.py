"""Saved replies: the picker of the composer, and the pages where they are kept."""

from dataclasses import dataclass, field
from itertools import groupby
from uuid import UUID

from django.http import HttpResponse, HttpResponseRedirect, JsonResponse
from django.shortcuts import render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import ngettext
from django.views.decorators.http import require_http_methods, require_POST, require_safe
from markupsafe import Markup

from wasl.accounts.models import Team
from wasl.conversations import rich, saved
from wasl.conversations.models import SavedReply
from wasl.conversations.variables import KNOWN
from wasl.workspace.format import isolated
from wasl.workspace.shapes.rail import rail
from wasl.workspace.web import Request


@require_safe
def picker(request: Request, conversation_id: UUID) -> HttpResponse:
    """What the composer offers: the customer's language first."""
    asked = request.GET.get("q", "")
    context = {
        "choices": saved.choices(request.actor, conversation_id, asked),
        "asked": asked.strip()[:60],
        "conversation_id": conversation_id,
    }
    return render(request, "replies/found.html", context)


@require_safe
def filled(request: Request, conversation_id: UUID, saved_id: UUID) -> HttpResponse:
    """One saved reply, its variables filled in for this conversation: {"html", "missing": words or ""}."""
    found = saved.filled(request.actor, conversation_id, saved_id)
    html = rich.for_editor(found.html, found.text, "")
    return JsonResponse({"html": html, "missing": _missing(found.missing)})


def _missing(names: list[str]) -> str:
    if not names:
        return ""
    shown = _listed(names)
    return ngettext(
        "%(names)s is not known here. Fill it in yourself.",
        "%(names)s are not known here. Fill them in yourself.",
        len(names),
    ) % {"names": shown}


def _listed(names: list[str]) -> str:
    return ", ".join(isolated("{{" + name + "}}") for name in names)


@dataclass(slots=True)
class Sheet:
    """What stands in the form of a saved reply."""

    saved_id: UUID | None = None
    name: str = ""
    language: str = "en"
    text: str = ""
    html: Markup = field(default_factory=Markup)
    team_id: str = ""
    error: str = ""


@require_safe
def replies(request: Request) -> HttpResponse:
    """Every saved reply the reader may use, by name."""
    rows = list(saved.everything(request.actor)[: saved.MOST])
    groups = [(name, list(those)) for name, those in groupby(rows, key=lambda row: row.name)]
    context = {"rail": rail(request.actor, "replies"), "groups": groups, "removed": _removed(request)}
    return render(request, "replies/replies.html", context)


def _removed(request: Request) -> str:
    """Where the last removal can be taken back."""
    try:
        return reverse("saved_restore", args=[UUID(request.GET.get("removed", ""))])
    except ValueError:
        return ""


@require_http_methods(["GET", "HEAD", "POST"])
def new(request: Request) -> HttpResponse:
    """Write a new one."""
    request.actor.require_write()
    if request.method == "POST":
        return _keep(request, None)
    known = request.user.language if request.user.is_authenticated else "en"
    sheet = Sheet(
        name=request.GET.get("name", "")[: saved.NAME_LIMIT], language=request.GET.get("language", known)
    )
    return _show(request, sheet)


@require_http_methods(["GET", "HEAD", "POST"])
def edit(request: Request, saved_id: UUID) -> HttpResponse:
    """Read or change one."""
    row = saved.get(request.actor, saved_id)
    request.actor.require_write()
    return _keep(request, row) if request.method == "POST" else _show(request, _sheet(row))


def _sheet(row: SavedReply) -> Sheet:
    html = Markup(rich.for_editor(row.html, row.text, ""))  # noqa: S704 - cleaned when it was kept
    return Sheet(row.id, row.name, row.language, row.text, html, str(row.team_id or ""))


def _keep(request: Request, row: SavedReply | None) -> HttpResponse:
    given = {name: request.POST.get(name, "") for name in ("name", "language", "text", "html")}
    team = request.POST.get("team", "")
    try:
        team_id = UUID(team) if team else None
        saved.save(request.actor, row.id if row else None, team_id=team_id, **given)
    except (saved.CannotSave, ValueError) as error:
        said = error if isinstance(error, saved.CannotSave) else saved.CannotSave("team")
        html = Markup(rich.for_editor(rich.read("", given["html"]).html, given["text"], ""))  # noqa: S704
        language = given["language"]
        sheet = Sheet(
            row.id if row else None, given["name"], language, given["text"], html, team, _why_not(said)
        )
        return _show(request, sheet, status=422)
    return HttpResponseRedirect(reverse("replies") + "?kept=1")


def _show(request: Request, sheet: Sheet, status: int = 200) -> HttpResponse:
    context = {
        "rail": rail(request.actor, "replies"),
        "sheet": sheet,
        "variables": [(name, _meaning(name)) for name in KNOWN],
        "teams": list(Team.objects.order_by("name")[:200]),
    }
    return render(request, "replies/edit.html", context, status=status)


@require_POST
def remove(request: Request, saved_id: UUID) -> HttpResponse:
    """Offer it no more; the page offers to take that back."""
    row = saved.remove(request.actor, saved_id)
    return HttpResponseRedirect(f"{reverse('replies')}?removed={row.id}")


@require_POST
def restore(request: Request, saved_id: UUID) -> HttpResponse:
    """Offer it again."""
    saved.restore(request.actor, saved_id)
    return HttpResponseRedirect(reverse("replies") + "?kept=1")


def _why_not(error: saved.CannotSave) -> str:
    if error.reason == "unknown":
        return ngettext(
            "%(names)s means nothing. Choose one of those listed below.",
            "%(names)s mean nothing. Choose from those listed below.",
            len(error.names),
        ) % {"names": _listed(error.names)}
    reasons = {
        "no_name": _("Give it a name, so that it can be found."),
        "empty": _("Write the text of the reply."),
        "too_long": _("That is too long: 80 letters for the name, 20,000 for the text."),
        "language": _("Choose a language."),
        "team": _("This team is not there any more. Choose another."),
        "taken": _(
            "There is a reply of this name in this language already. Change that one, or choose another name."
        ),
    }
    return reasons[error.reason]


def _meaning(name: str) -> str:
    return {
        "customer.name": _("the customer’s whole name"),
        "customer.first_name": _("the customer’s first name"),
        "agent.name": _("your whole name"),
        "agent.first_name": _("your first name"),
        "conversation.subject": _("what the conversation is about"),
        "conversation.number": _("a short number of the conversation"),
        "conversation.id": _("the conversation’s id, for programs"),
        "order.number": _("the order that it is about, or the latest"),
        "inbox.name": _("the name of the inbox"),
        "inbox.address": _("the inbox’s e-mail address"),
        "workspace.name": _("the name of the business"),
    }.get(name, "")
