"""Many conversations at once: choosing what is to be done, doing it slice by slice, taking it back."""

from uuid import UUID

from django.core.exceptions import BadRequest
from django.http import Http404, HttpResponse, HttpResponseRedirect, QueryDict
from django.shortcuts import render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import ngettext
from django.views.decorators.http import require_POST, require_safe

from wasl.accounts.models import Team
from wasl.conversations import bulk, queries, states, tags
from wasl.conversations.changes import State
from wasl.conversations.filters import Filter
from wasl.workspace.format import number
from wasl.workspace.shapes import soon
from wasl.workspace.shapes.places import place
from wasl.workspace.shapes.rail import rail
from wasl.workspace.views import turns
from wasl.workspace.web import Request

MENUS = ("snooze", "assign", "tag", "more")
PREFIX = "where."


@require_POST
def begin(request: Request) -> HttpResponse:
    """Do it with the chosen ones (`id`), or with all of the list (`every`)."""
    try:
        change = _change(request)
    except states.CannotSnooze as error:
        return turns.refused(turns.why_not(error.reason))
    except states.CannotMove as error:
        return turns.refused(turns.move_problem(error.reason))
    except tags.CannotTag as error:
        return turns.refused(turns.tag_problem(error.reason))
    if request.POST.get("every"):
        return _answer(request, bulk.start_all(request.actor, change, wanted(request)))
    try:
        chosen = [UUID(text) for text in request.POST.getlist("id")]
    except ValueError as error:
        raise BadRequest("id") from error
    if not chosen:
        return turns.refused(_("Choose a conversation first."))
    return _answer(request, bulk.start(request.actor, change, chosen))


@require_POST
def go_on(request: Request, bulk_id: UUID) -> HttpResponse:
    """The next slice."""
    return _answer(request, bulk.go_on(request.actor, bulk_id))


@require_POST
def undo(request: Request, bulk_id: UUID) -> HttpResponse:
    """Take it back."""
    try:
        return _answer(request, bulk.undo(request.actor, bulk_id))
    except bulk.TooLate:
        return turns.refused(_("This can no longer be taken back: more than ten minutes have passed."))


@require_safe
def menu(request: Request, what: str) -> HttpResponse:
    """What there is to choose from."""
    actor = request.actor
    if what not in MENUS:
        raise Http404
    context = {
        "what": what,
        "later": soon.choices() if what == "snooze" else [],
        "agents": queries.agents(actor) if what == "assign" else [],
        "teams": queries.teams(actor) if what == "assign" else [],
        "inboxes": [i for i in queries.inboxes(actor) if i.is_active] if what == "more" else [],
    }
    return render(request, "desk/bulk_menu.html", context)


def wanted(request: Request) -> Filter:
    """The filter that a form carries along. Raises Http404, BadRequest."""
    asked = QueryDict(mutable=True)
    for name, values in request.POST.lists():
        if name.startswith(PREFIX):
            asked.setlist(name.removeprefix(PREFIX), values)
    at = asked.get("at") or "all"
    return place(at, asked, rail(request.actor, at)).where


def _change(request: Request) -> State:
    """What is asked for. Raises BadRequest, Http404, and what says why it cannot be."""
    post = request.POST
    plain = {"resolve": "resolved", "reopen": "open", "pend": "pending"}
    if (do := post.get("do", "")) in plain:
        return {"status": plain[do]}
    if post.get("until"):
        return states.snoozed(turns.asked(request))
    if "agent" in post:
        return {"assignee": _one_of(post["agent"], {str(a.id) for a in queries.agents(request.actor)})}
    if "team" in post:
        return {"team": _one_of(post["team"], {str(t) for t in Team.objects.values_list("id", flat=True)})}
    if post.get("inbox"):
        return {"inbox": str(states.reachable(request.actor, _id(post["inbox"])).id)}
    if "untag" in post:
        return {"tags": {str(_id(post["untag"])): False}}
    if "name" in post:
        return {"tags": {str(tags.ensure(request.actor, post["name"]).id): True}}
    raise BadRequest("do")


def _one_of(text: str, known: set[str]) -> str | None:
    if text and text not in known:
        raise Http404
    return text or None


def _id(text: str) -> UUID:
    try:
        return UUID(text)
    except ValueError as error:
        raise BadRequest("id") from error


def _answer(request: Request, found: bulk.Progress) -> HttpResponse:
    if "HX-Request" not in request.headers:
        return HttpResponseRedirect(request.headers.get("Referer") or reverse("home"))
    context = {"bulk": found, "said": said(found), "left_alone": left_alone(found)}
    response = render(request, "desk/bulk_toast.html", context)
    if not found.waiting:
        response.headers["HX-Trigger"] = "wasl:bulk"
    return response


def said(found: bulk.Progress) -> str:
    """What was done, or how far it is."""
    if found.waiting:
        values = {"n": number(found.total - found.waiting), "all": number(found.total)}
        return _("%(n)s of %(all)s conversations …") % values
    if found.undoing:
        count = found.restored
        return ngettext(
            "%(n)s conversation is as it was.", "%(n)s conversations are as they were.", count
        ) % {"n": number(count)}
    count = found.done
    text = {
        "resolved": ngettext("%(n)s conversation resolved", "%(n)s conversations resolved", count),
        "open": ngettext("%(n)s conversation opened", "%(n)s conversations opened", count),
        "pending": ngettext(
            "%(n)s conversation waits for its customer", "%(n)s conversations wait for their customers", count
        ),
        "snoozed": ngettext("%(n)s conversation snoozed", "%(n)s conversations snoozed", count),
    }.get(found.change.get("status", ""))
    if "assignee" in found.change or "team" in found.change:
        text = ngettext("%(n)s conversation assigned", "%(n)s conversations assigned", count)
    elif "inbox" in found.change:
        text = ngettext("%(n)s conversation moved", "%(n)s conversations moved", count)
    elif "tags" in found.change:
        text = ngettext("%(n)s conversation tagged", "%(n)s conversations tagged", count)
    return (text or "") % {"n": number(count)}


def left_alone(found: bulk.Progress) -> str:
    """What was not touched, and why; '' for nothing."""
    if found.waiting:
        return ""
    if found.undoing and found.kept:
        return ngettext(
            "%(n)s was changed since and stays as it is.",
            "%(n)s were changed since and stay as they are.",
            found.kept,
        ) % {"n": number(found.kept)}
    if not found.undoing and found.same:
        return ngettext(
            "%(n)s was so already or cannot be.", "%(n)s were so already or cannot be.", found.same
        ) % {"n": number(found.same)}
    return ""
