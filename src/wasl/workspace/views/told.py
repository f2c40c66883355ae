"""What customers are told of themselves: acknowledgements of each inbox, their words, and how they read."""

from typing import Any
from uuid import UUID

from django.http import HttpResponse, HttpResponseRedirect
from django.shortcuts import render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import ngettext
from django.views.decorators.http import require_http_methods, require_POST, require_safe
from markupsafe import Markup

from wasl.channels.registry import channels
from wasl.conversations.link import LENGTH, PATH
from wasl.desk import actions, queries, sentences, texts
from wasl.desk.actions import BadText, Settings
from wasl.desk.queries import Standing
from wasl.workspace import words
from wasl.workspace.format import isolated, language, number
from wasl.workspace.shapes.rail import rail
from wasl.workspace.web import Request


@require_safe
def index(request: Request) -> HttpResponse:
    """Every inbox that can acknowledge, and what it would promise now."""
    found = [actions.settings_of(request.actor, inbox.id) for inbox in actions.inboxes(request.actor)]
    rows = [
        (each, _promised(queries.standing(request.actor, each)), words.channel(each.inbox.channel))
        for each in found
    ]
    context = {"rail": rail(request.actor, "settings"), "rows": rows, "kept": request.GET.get("kept") == "1"}
    return render(request, "told/inboxes.html", context)


@require_http_methods(["GET", "HEAD", "POST"])
def acknowledgement(request: Request, inbox_id: UUID) -> HttpResponse:
    """One inbox: switches, promise, and its words in one language at a time."""
    settings = actions.settings_of(request.actor, inbox_id)
    code = _code(request)
    if request.method != "POST":
        return _page(request, settings, code, settings.text(code))
    text = request.POST.get("text", "")
    try:
        actions.keep_text(request.actor, inbox_id, code, text)
    except BadText as error:
        return _page(request, settings, code, text, _why_not(error))
    actions.keep(
        request.actor,
        inbox_id,
        is_on=request.POST.get("on") == "1",
        links=request.POST.get("links") == "1",
        minutes=_minutes(request, settings),
    )
    return HttpResponseRedirect(f"{reverse('acknowledgement', args=[inbox_id])}?language={code}&kept=1")


@require_POST
def preview(request: Request, inbox_id: UUID) -> HttpResponse:
    """How the words in the form would read, open and closed; nothing is kept."""
    settings = actions.settings_of(request.actor, inbox_id)
    code, text = _code(request), request.POST.get("text", "")
    try:
        actions.check_text(code, text)
    except BadText as error:
        return render(request, "told/letters.html", {"letters": [], "refused": _why_not(error)})
    links = request.POST.get("links") == "1"
    return render(
        request, "told/letters.html", {"letters": _letters(request, settings, code, text, links=links)}
    )


@require_POST
def close_links(request: Request, conversation_id: UUID) -> HttpResponse:
    """Close every link to a conversation that was given out."""
    actions.close_links(request.actor, conversation_id)
    return HttpResponseRedirect(reverse("conversation", args=[conversation_id]))


def _code(request: Request) -> str:
    code = request.POST.get("language") or request.GET.get("language") or language()
    return code if code in texts.DEFAULT else "en"


def _minutes(request: Request, settings: Settings) -> int:
    hours = request.POST.get("hours", "").replace(",", ".")
    try:
        return round(float(hours) * 60)
    except (ValueError, OverflowError):
        return settings.minutes


def _why_not(error: BadText) -> str:
    if error.reason == "unknown":
        names = ", ".join(isolated(f"{{{{{name}}}}}") for name in error.names[:5])
        return _("There is no variable %(names)s. The list beside the text shows those there are.") % {
            "names": names
        }
    return _("That is too long for an acknowledgement: %(n)s letters at most.") % {"n": number(texts.LONGEST)}


def _page(request: Request, settings: Settings, code: str, text: str, refused: str = "") -> HttpResponse:
    now = queries.standing(request.actor, settings)
    context: dict[str, Any] = {
        "rail": rail(request.actor, "settings"),
        "settings": settings,
        "code": code,
        "text": text,
        "own": code in settings.own,
        "ours": texts.default(settings.inbox.channel, code),
        "by_mail": settings.inbox.channel == "email",
        "channel": words.channel(settings.inbox.channel),
        "costs": channels()[settings.inbox.channel].limits.parts is not None,
        "refused": refused,
        "kept": request.GET.get("kept") == "1",
        "variables": _variables(),
        "hours": settings.minutes / 60,
        "basis": _basis(now),
        "letters": [] if refused else _letters(request, settings, code, text, links=settings.inbox.links),
    }
    return render(request, "told/acknowledgement.html", context, status=422 if refused else 200)


def _variables() -> list[tuple[str, str]]:
    words = {
        "greeting": _("A greeting with their name"),
        "promise": _("By when you answer"),
        "opening": _("When you open again, while closed"),
        "link": _("The link to their conversation"),
        "business": _("The name of your business"),
        "customer.name": _("Their name"),
        "conversation.subject": _("Their subject"),
    }
    return [(f"{{{{{name}}}}}", words[name]) for name in texts.KNOWN]


def _letters(
    request: Request, settings: Settings, code: str, text: str, *, links: bool
) -> list[tuple[str, Markup]]:
    """The mail as it reads while we are open and while we are closed, as far as both happen."""
    now = queries.standing(request.actor, settings)
    opened, closed = queries.moments(now.hours)
    address = request.build_absolute_uri(PATH + "x" * LENGTH) if links else ""
    letters = []
    for title, at in ((_("While you are open"), opened), (_("While you are closed"), closed)):
        if at is not None:
            words = queries.preview(
                queries.standing(request.actor, settings, at), settings, code, text, address
            )
            html = words.html.replace(f'<a href="{address}">', "<u>").replace("</a>", "</u>")
            letters.append((title, Markup(html)))  # noqa: S704 - escaped by from_text
    return letters


def _promised(now: Standing) -> str:
    """What a customer who wrote this minute would be promised, in the reader's words."""
    if now.due is None:
        return _("Nothing can be promised: nobody is ever there")
    return sentences.promise(language(), now.due, now.at, now.hours.zone)


def _basis(now: Standing) -> str:
    """From what the promise is known."""
    if now.wait.basis == "median":
        text = ngettext(
            "From %(n)s conversation of the last four weeks: a first answer takes %(time)s of opening hours.",
            "From %(n)s conversations of the last four weeks: a first answer takes %(time)s of opening hours.",
            now.wait.samples,
        )
        return text % {
            "n": number(now.wait.samples),
            "time": _time(max(1, round(now.wait.time.total_seconds() / 60))),
        }
    return _("Too few conversations in the last four weeks to know better, so this is promised:")


def _time(minutes: int) -> str:
    hours, rest = divmod(minutes, 60)
    said = [ngettext("%(n)s hour", "%(n)s hours", hours) % {"n": number(hours)}] if hours else []
    if rest or not hours:
        said.append(ngettext("%(n)s minute", "%(n)s minutes", rest) % {"n": number(rest)})
    return " ".join(said)
