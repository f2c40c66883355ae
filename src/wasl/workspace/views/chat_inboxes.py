"""Inboxes of chat channels, for administrators: one page for whatever a channel asks for."""

from collections.abc import Callable
from typing import Any
from uuid import UUID

from django.http import HttpResponse, HttpResponseRedirect
from django.shortcuts import render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_POST

from wasl.accounts.actor import NotFound
from wasl.channels import chat_inboxes, queries
from wasl.channels.actions import BadAddress
from wasl.channels.base import NO_ACCOUNT, Failure, InDoubt
from wasl.channels.models import Inbox
from wasl.channels.port import Channel
from wasl.conversations import approved
from wasl.kit.db import tenant
from wasl.kit.languages import LANGUAGES
from wasl.workspace.chat_forms import PREFIX, ChatForm
from wasl.workspace.later import Later
from wasl.workspace.shapes import inboxes as shapes
from wasl.workspace.shapes.rail import rail
from wasl.workspace.views.inboxes import language, pace, teams, tried
from wasl.workspace.web import Request


@require_http_methods(["GET", "HEAD", "POST"])
def new(request: Request, name: str) -> HttpResponse:
    """A new inbox of a channel."""
    request.actor.require_admin()
    channel = chat_inboxes.kind(name)
    inbox = Inbox(workspace_id=request.actor.workspace_id, channel=name)
    initial = language(request) | {"name": _(channel.label)}
    form = ChatForm(channel, inbox, request.POST or None, teams=teams(), initial=initial)
    if request.method == "POST" and form.is_valid():
        try:
            made = chat_inboxes.open_inbox(request.actor, channel, form.wanted())
        except BadAddress as error:
            form.add_error(f"{PREFIX}address", _why(error))
        else:
            return HttpResponseRedirect(reverse("chat_inbox", args=[made.id]) + "?kept=1")
    return _page(request, channel, form, inbox, new=True)


@require_http_methods(["GET", "HEAD", "POST"])
def change(request: Request, inbox_id: UUID) -> HttpResponse:
    """An inbox's settings."""
    kept = queries.one_administered(request.actor, inbox_id)
    channel = chat_inboxes.kind(kept.inbox.channel)
    initial = {
        "name": kept.inbox.name, "language": kept.inbox.language, "teams": [str(team.id) for team in kept.teams],
    }  # fmt: skip
    form = ChatForm(channel, kept.inbox, request.POST or None, teams=teams(), initial=initial)
    if request.method == "POST" and form.is_valid():
        try:
            chat_inboxes.change_inbox(request.actor, inbox_id, form.wanted())
        except BadAddress as error:
            form.add_error(f"{PREFIX}address", _why(error))
        else:
            return HttpResponseRedirect(reverse("chat_inbox", args=[inbox_id]) + "?kept=1")
    return _page(request, channel, form, kept.inbox)


@require_POST
def try_new(request: Request, name: str) -> HttpResponse:
    """Try what was entered for an inbox that is not kept yet."""
    request.actor.require_admin()
    return _try(
        request, chat_inboxes.kind(name), Inbox(workspace_id=request.actor.workspace_id, channel=name)
    )


@require_POST
def try_kept(request: Request, inbox_id: UUID) -> HttpResponse:
    """Try what the form has; a secret that was left empty is the one that is kept."""
    kept = queries.one_administered(request.actor, inbox_id)
    return _try(request, chat_inboxes.kind(kept.inbox.channel), kept.inbox)


def _try(request: Request, channel: Channel, inbox: Inbox) -> HttpResponse:
    form = ChatForm(channel, inbox, request.POST, teams=teams())
    form.is_valid()
    if any(name.startswith(PREFIX) for name in form.errors):
        return tried(request, problem=_refused(form))
    if pace().take(request.actor.workspace_id):
        return tried(request, problem=_("Those were many tries in a row. Wait a minute before the next one."))
    probe, wanted = channel.probe, chat_inboxes.as_wanted(channel, inbox, form.values)
    if probe is None:
        raise NotFound
    return Later(lambda: tried(request, lambda: shapes.probed(probe(wanted))))


def _refused(form: ChatForm) -> str:
    """Why nothing is tried: the first field that is not right, by its name on the page."""
    wrong = next((each for each in form.lines() if each.field.errors), None)
    if wrong is None or not wrong.field.value():
        return _("Something is missing. Enter it first.")
    return f"{wrong.label}: {wrong.field.errors[0]}"


@require_POST
def fetch_approved(request: Request, inbox_id: UUID) -> HttpResponse:
    """Ask the provider which texts it has approved, and keep them."""
    ask = chat_inboxes.fetch_approved(request.actor, inbox_id)
    if ask is None:
        raise NotFound
    if pace().take(request.actor.workspace_id):
        return _texts(request, [], _("Those were many tries in a row. Wait a minute before the next one."))
    return Later(lambda: _asked(request, inbox_id, ask))


def _asked(request: Request, inbox_id: UUID, ask: Callable[[], list[dict[str, str]]]) -> HttpResponse:
    try:
        found = ask()
    except (Failure, InDoubt) as error:
        if isinstance(error, Failure) and error.code == NO_ACCOUNT:
            return _texts(
                request, [], _("The business account ID is missing. Keep it first, then fetch again.")
            )
        said = _("The provider did not say. Test the connection, and look whether the account ID is right.")
        return _texts(request, [], said, error.detail)
    with tenant(request.actor.workspace_id):
        chat_inboxes.keep_approved(request.actor, inbox_id, found)
        kept = approved.of(queries.one_administered(request.actor, inbox_id).inbox)
    return _texts(
        request, kept, "" if kept else _("The provider has approved no text that can be used here.")
    )


def _texts(request: Request, texts: list[approved.Approved], problem: str, detail: str = "") -> HttpResponse:
    context = {"texts": texts, "problem": problem, "detail": detail}
    return render(request, "inboxes/approved.html", context)


def _why(error: BadAddress) -> str:
    if error.reason == "taken":
        return _("There is an inbox with this address already.")
    return _("Enter it: without it the channel cannot work.")


def _page(
    request: Request, channel: Channel, form: ChatForm, inbox: Inbox, *, new: bool = False
) -> HttpResponse:
    known = chat_inboxes.settings_of(inbox)
    made = [each for each in channel.fields if each.made]
    context: dict[str, Any] = {
        "rail": rail(request.actor, "settings"),
        "channel": channel,
        "form": form,
        "inbox": None if new else inbox,
        "webhook": "" if new else chat_inboxes.webhook(inbox),
        "snippet": "" if new else chat_inboxes.snippet(inbox),
        "made": [(_(each.label), _(each.help), known.secrets.get(each.name, "")) for each in made if not new],
        "languages": LANGUAGES,
        "kept": request.GET.get("kept") == "1",
        "refused": None if new else chat_inboxes.refused(inbox.id),
        "texts": approved.of(inbox) if channel.approved and not new else None,
        "try_at": reverse("chat_try_new", args=[channel.name])
        if new
        else reverse("chat_try", args=[inbox.id]),
    }
    return render(request, "inboxes/chat.html", context, status=422 if form.errors else 200)
