"""Where a conversation stands, who has it, what it is about and where it lies: one POST each."""

from datetime import datetime
from uuid import UUID

from django.core.exceptions import BadRequest
from django.http import HttpResponse, HttpResponseRedirect, QueryDict
from django.shortcuts import render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from wasl.conversations import queries, states, tags
from wasl.conversations.changes import Changed, fits
from wasl.workspace.format import isolated, later
from wasl.workspace.shapes import people, soon
from wasl.workspace.toast import Toast
from wasl.workspace.views.desk import refreshed
from wasl.workspace.web import Request


@require_POST
def pend(request: Request, conversation_id: UUID) -> HttpResponse:
    """Wait for the customer; the toast offers to take it back."""
    states.pend(request.actor, conversation_id)
    return _turned(request, conversation_id, _("%(name)s: waits for the customer"))


@require_POST
def snooze(request: Request, conversation_id: UUID) -> HttpResponse:
    """Put off until a time (`until`: today, tomorrow, week, or at with `at`), or until they reply."""
    there(request, conversation_id)
    try:
        until = asked(request)
        states.snooze(request.actor, conversation_id, until)
    except states.CannotSnooze as error:
        return refused(why_not(error.reason))
    said = _("%(name)s: snoozed until they reply")
    if until:
        said = _("%(name)s: snoozed until %(time)s") % {"name": "%(name)s", "time": later(until)}
    return _turned(request, conversation_id, said)


def asked(request: Request) -> datetime | None:
    """The moment a snooze is asked for; None until a reply. Raises CannotSnooze, BadRequest."""
    key = request.POST.get("until", "")
    if key == soon.REPLY:
        return None
    until = soon.read(request.POST.get("at", "")) if key == soon.AT else soon.moment_of(key)
    if until is None:
        if key in (soon.AT, "today"):
            raise states.CannotSnooze("no_time" if key == soon.AT else "past")
        raise BadRequest("until")
    return until


@require_POST
def team(request: Request, conversation_id: UUID) -> HttpResponse:
    """Give it to a team, or to none."""
    there(request, conversation_id)
    states.give_to_team(request.actor, conversation_id, _id(request, "team", empty=True))
    return after(request, conversation_id)


@require_POST
def tag(request: Request, conversation_id: UUID) -> HttpResponse:
    """Put a tag on it by name; one that does not exist is made."""
    there(request, conversation_id)
    try:
        tags.tag(request.actor, conversation_id, request.POST.get("name", ""))
    except tags.CannotTag as error:
        return refused(tag_problem(error.reason))
    return after(request, conversation_id)


@require_POST
def untag(request: Request, conversation_id: UUID) -> HttpResponse:
    """Take a tag off."""
    there(request, conversation_id)
    key = _id(request, "tag")
    if key:
        tags.untag(request.actor, conversation_id, key)
    return after(request, conversation_id)


@require_http_methods(["GET", "HEAD", "POST"])
def move(request: Request, conversation_id: UUID) -> HttpResponse:
    """Choose another inbox for it, and lay it there. A toast's button, without fields, says it in the address."""
    row = queries.conversation(request.actor, conversation_id)
    if request.method != "POST":
        request.actor.require_write()
        inboxes = [i for i in queries.inboxes(request.actor) if i.is_active and i.id != row.inbox_id]
        fitting = [i for i in inboxes if fits(row.inbox.channel, i.channel)]
        return render(request, "desk/move.html", {"open": row, "inboxes": fitting})
    back = "inbox" not in request.POST
    given = request.GET if back else request.POST
    try:
        changed = states.move(request.actor, row.id, _uuid(given, "inbox"), _owner(given))
    except states.CannotMove as error:
        return refused(move_problem(error.reason))
    return after(request, row.id, Toast(_("Moved back.")) if back else _moved(row.id, changed))


def _moved(conversation_id: UUID, changed: Changed | None) -> Toast:
    if changed is None:
        return Toast(_("Moved. Answers leave from there from now on."))
    undo = f"{reverse('move', args=[conversation_id])}?inbox={changed.before['inbox']}"
    if changed.after.get("assignee", "") is not None:
        return Toast(_("Moved. Answers leave from there from now on."), undo, 20)
    undo += f"&owner={changed.before['assignee']}"
    return Toast(_("Moved. Whoever had it may not see that inbox, so nobody has it now."), undo, 20)


def _owner(given: QueryDict) -> UUID | None:
    return _uuid(given, "owner") if "owner" in given else None


@require_safe
def found_tags(request: Request) -> HttpResponse:
    """Tags that begin so, for the one who types."""
    text = request.GET.get("name", "")
    found = tags.suggest(text)
    known = {each.folded for each in found}
    fresh = bool(text.strip()) and request.actor.writes and not tags.known(text, known)
    return render(request, "desk/found_tags.html", {"tags": found, "text": text.strip(), "fresh": fresh})


def there(request: Request, conversation_id: UUID) -> None:
    """Whether it can be changed comes before what is asked. Raises NotFound, Forbidden."""
    request.actor.require_write()
    queries.followed(request.actor, conversation_id)


def after(request: Request, conversation_id: UUID, toast: Toast | None = None) -> HttpResponse:
    """The thread as it is now, or without scripts its page."""
    if "HX-Request" in request.headers:
        # A toast outlives the conversation it came with: what it takes back may not be the one that is open now.
        here = str(conversation_id) in request.headers.get("HX-Current-URL", str(conversation_id))
        return refreshed(request, conversation_id, toast=toast) if here else HttpResponse(status=204)
    return HttpResponseRedirect(reverse("conversation_at", args=["all", conversation_id]))


def _turned(request: Request, conversation_id: UUID, said: str) -> HttpResponse:
    row = queries.conversation(request.actor, conversation_id)
    name = people.names([row.customer])[row.customer.id]
    toast = Toast(said % {"name": isolated(name)}, reverse("reopen", args=[row.id]))
    return after(request, row.id, toast)


def _id(request: Request, name: str, *, empty: bool = False) -> UUID | None:
    if empty and not request.POST.get(name):
        return None
    return _uuid(request.POST, name)


def _uuid(given: QueryDict, name: str) -> UUID:
    try:
        return UUID(given.get(name, ""))
    except ValueError as error:
        raise BadRequest(name) from error


def refused(text: str) -> HttpResponse:
    """A sentence for the person, shown as it is."""
    return HttpResponse(text, status=422, content_type="text/plain; charset=utf-8")


def why_not(reason: str) -> str:
    """Why something cannot be put off."""
    if reason == "too_far":
        return _("Choose a time within a year.")
    return _("Choose a time to come.") if reason == "past" else _("Choose a date and a time.")


def tag_problem(reason: str) -> str:
    """Why a tag cannot be called so."""
    reasons = {
        "empty": _("Type a word for the tag."),
        "too_long": _("A tag has at most 60 letters."),
        "taken": _("Another tag is called so. Merge the two instead."),
    }
    return reasons[reason]


def move_problem(reason: str) -> str:
    """Why it cannot lie in that inbox."""
    if reason == "inbox_off":
        return _("This inbox is switched off. An administrator can switch it on again.")
    return _("Answers could not leave from there: it is of another channel.")
