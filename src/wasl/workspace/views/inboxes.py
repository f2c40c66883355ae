"""Inboxes: for administrators. A secret that was entered is never shown again."""

from collections.abc import Callable
from functools import cache
from threading import Semaphore
from typing import Any
from uuid import UUID

from django.conf import settings
from django.core.exceptions import BadRequest
from django.http import HttpResponse, HttpResponseRedirect
from django.shortcuts import render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from wasl.accounts.models import Team, Workspace
from wasl.channels import actions, chat_inboxes, queries
from wasl.channels.actions import BadAddress, PasswordAgain
from wasl.channels.email import probe
from wasl.channels.email.outside import Opening
from wasl.channels.models import Inbox
from wasl.channels.queries import Kept
from wasl.channels.secret import MAILBOX, seal
from wasl.intake.queries import connections
from wasl.kit.db import tenant
from wasl.kit.languages import LANGUAGES
from wasl.kit.memory import Pace
from wasl.workspace.inbox_forms import DEFAULTS, INCOMING, OUTGOING, ApiForm, MailForm, initial
from wasl.workspace.later import Later
from wasl.workspace.shapes import inboxes as shapes
from wasl.workspace.shapes.rail import rail
from wasl.workspace.troubles import At
from wasl.workspace.web import Request

TRIES = Semaphore(3)
"""Tries at servers that one web process makes at the same time: each keeps a thread waiting."""


@cache
def pace() -> Pace[UUID]:
    """How often a workspace may have servers tried."""
    return Pace(0.2, 6)


@require_safe
def index(request: Request) -> HttpResponse:
    """Every inbox, and how it stands."""
    context = {
        "rail": rail(request.actor, "settings"),
        "rows": shapes.rows(queries.administered(request.actor), connections(request.actor)),
        "kinds": chat_inboxes.kinds(),
        "kept": request.GET.get("kept") == "1",
    }
    return render(request, "inboxes/inboxes.html", context)


@require_http_methods(["GET", "HEAD", "POST"])
def new_mail(request: Request) -> HttpResponse:
    """A new e-mail inbox."""
    request.actor.require_admin()
    form = MailForm(request.POST or None, teams=teams(), initial=DEFAULTS | language(request))
    if request.method == "POST" and form.is_valid():
        inbox = _keep(form, lambda: actions.open_mail_inbox(request.actor, form.wanted()))
        if inbox is not None:
            return HttpResponseRedirect(reverse("mail_inbox", args=[inbox.id]) + "?kept=1")
    return _mail_page(request, form, None)


@require_http_methods(["GET", "HEAD", "POST"])
def mail(request: Request, inbox_id: UUID) -> HttpResponse:
    """An e-mail inbox's settings."""
    kept = queries.one_administered(request.actor, inbox_id, "email")
    form = MailForm(request.POST or None, teams=teams(), initial=initial(kept))
    if request.method == "POST" and form.is_valid():
        inbox = _keep(form, lambda: actions.change_mail_inbox(request.actor, inbox_id, form.wanted()))
        if inbox is not None:
            return HttpResponseRedirect(reverse("mail_inbox", args=[inbox_id]) + "?kept=1")
    return _mail_page(request, form, kept)


@require_http_methods(["GET", "HEAD", "POST"])
def new_api(request: Request) -> HttpResponse:
    """A new inbox for programs."""
    request.actor.require_admin()
    form = ApiForm(request.POST or None, teams=teams(), initial=language(request))
    if request.method == "POST" and form.is_valid():
        data = form.cleaned_data

        def make() -> Inbox:
            inbox = actions.open_api_inbox(request.actor, data["address"], data["name"], data["language"])
            actions.show_to(request.actor, inbox.id, form.team_ids)
            return inbox

        if _keep(form, make) is not None:
            return HttpResponseRedirect(reverse("inboxes") + "?kept=1")
    return _api_page(request, form, None)


@require_http_methods(["GET", "HEAD", "POST"])
def api(request: Request, inbox_id: UUID) -> HttpResponse:
    """The settings of an inbox for programs."""
    kept = queries.one_administered(request.actor, inbox_id, "api")
    form = ApiForm(request.POST or None, teams=teams(), initial=initial(kept))
    if request.method == "POST" and form.is_valid():
        data = form.cleaned_data

        def change() -> Inbox:
            actions.change_api_inbox(
                request.actor,
                inbox_id,
                address=data["address"],
                name=data["name"],
                language=data["language"],
                teams=form.team_ids,
            )
            return kept.inbox

        if _keep(form, change) is not None:
            return HttpResponseRedirect(reverse("inboxes") + "?kept=1")
    return _api_page(request, form, kept)


@require_POST
def switch(request: Request, inbox_id: UUID) -> HttpResponse:
    """Switch an inbox off, or on again."""
    try:
        actions.switch(request.actor, inbox_id, on=request.POST.get("on") == "1")
    except BadAddress as error:
        raise BadRequest("taken") from error
    return HttpResponseRedirect(reverse("inboxes"))


@require_POST
def look(request: Request, inbox_id: UUID) -> HttpResponse:
    """Look into the outside mailbox now; not so often that an account with a wrong password gets locked."""
    request.actor.require_admin()
    if not pace().take(request.actor.workspace_id):
        actions.look_now(request.actor, inbox_id)
    return HttpResponseRedirect(reverse("inboxes"))


@require_POST
def try_new(request: Request) -> HttpResponse:
    """Try the servers of an inbox that is not kept yet."""
    request.actor.require_admin()
    return _try(request, None)


@require_POST
def try_kept(request: Request, inbox_id: UUID) -> HttpResponse:
    """Try the servers as the form has them; a secret that was left empty is the one that is kept."""
    return _try(request, queries.one_administered(request.actor, inbox_id, "email"))


def _try(request: Request, kept: Kept | None) -> HttpResponse:
    form = MailForm(request.POST, teams=teams())
    form.is_valid()
    way = request.POST.get("way", "")
    if way not in ("incoming", "outgoing"):
        raise BadRequest("way")
    if error := form.first_error(INCOMING if way == "incoming" else OUTGOING):
        return tried(request, problem=error)
    inbox = kept.inbox if kept else Inbox(workspace_id=request.actor.workspace_id, channel="email")
    try:
        work = _incoming(form, inbox) if way == "incoming" else _outgoing(form, inbox)
    except PasswordAgain:
        return tried(request, problem=_again())
    if pace().take(request.actor.workspace_id):
        return tried(request, problem=_("Those were many tries in a row. Wait a minute before the next one."))
    return Later(lambda: tried(request, work))


def _incoming(form: MailForm, inbox: Inbox) -> Callable[[], shapes.Tried]:
    imap, typed, private = form.imap(), form.opening(), settings.ENV.private_servers
    opening = actions.usable_opening(inbox, imap, typed) or Opening()

    def work() -> shapes.Tried:
        found = probe.mailbox(imap, opening, private=private)
        if found.renewed and typed is None:
            _keep_renewed(inbox, opening, found.renewed)
        at = At(imap.host, imap.port, imap.user, imap.folder, certificate=found.certificate)
        return shapes.tried(found, at)

    return work


def _keep_renewed(inbox: Inbox, opening: Opening, renewed: str) -> None:
    """Some providers take a refresh token once only, and give another with each access token."""
    fresh = Opening(client_secret=opening.client_secret, refresh_token=renewed)
    sealed = seal(inbox.workspace_id, inbox.id, fresh.pack(), MAILBOX)
    with tenant(inbox.workspace_id):
        Inbox.objects.filter(id=inbox.id, incoming_secret=inbox.incoming_secret).update(
            incoming_secret=sealed
        )


def _outgoing(form: MailForm, inbox: Inbox) -> Callable[[], shapes.Tried]:
    smtp, address = form.smtp(), form.cleaned_data["address"]
    password = actions.usable_password(inbox, smtp, form.cleaned_data["smtp_password"] or None) or ""
    private = settings.ENV.private_servers

    def work() -> shapes.Tried:
        found = probe.sender(smtp, password, address, private=private)
        at = At(smtp.host, smtp.port, smtp.user, address=address, certificate=found.certificate)
        return shapes.tried(found, at)

    return work


def tried(
    request: Request, work: Callable[[], shapes.Tried] | None = None, problem: str = ""
) -> HttpResponse:
    """What a try has shown, or why none was made."""
    found = None
    if work is not None:
        if TRIES.acquire(blocking=False):
            try:
                found = work()
            finally:
                TRIES.release()
        else:
            problem = _("Others are trying servers at the moment. Try again in a few seconds.")
    return render(request, "inboxes/tried.html", {"tried": found, "problem": problem})


def _keep(form: MailForm | ApiForm, action: Callable[[], Inbox]) -> Inbox | None:
    """Do it; None when it was refused, and the form says why."""
    try:
        return action()
    except BadAddress as error:
        form.add_error("address", _why(error.reason, isinstance(form, MailForm)))
    except PasswordAgain as error:
        name = "smtp_password"
        if error.which == "imap":
            name = "refresh_token" if form.cleaned_data.get("auth") == "oauth" else "imap_password"
        form.add_error(name, _again())
    return None


def _again() -> str:
    return _(
        "Another server or sign-in name: enter the password again. The one that is kept is not given to another."
    )


def _why(reason: str, is_mail: bool) -> str:
    if reason == "taken":
        return _("There is an inbox with this address already.")
    if reason == "long":
        return _("The part before the @ is too long: 20 letters at most.")
    if is_mail:
        return _("This is no e-mail address, such as help@example.com. It holds no plus sign.")
    return _("Use small letters and digits, with . _ - between them.")


def language(request: Request) -> dict[str, Any]:
    """A new inbox speaks as the workspace does."""
    return {"language": Workspace.objects.get(id=request.actor.workspace_id).language}


def teams() -> list[Team]:
    """The teams that may be chosen."""
    return list(Team.objects.order_by("name"))


def _mail_page(request: Request, form: MailForm, kept: Kept | None) -> HttpResponse:
    inbox = kept.inbox if kept else None
    context: dict[str, Any] = {
        "rail": rail(request.actor, "settings"),
        "form": form,
        "inbox": inbox,
        "state": shapes.state(kept) if kept else None,
        "forward": shapes.forward_address(kept) if kept else "",
        "has_opening": inbox is not None and inbox.incoming_secret is not None,
        "has_password": inbox is not None and inbox.secret is not None,
        "relay": settings.ENV.smtp_relay is not None,
        "private": settings.ENV.private_servers,
        "languages": LANGUAGES,
        "kept": request.GET.get("kept") == "1",
        "try_at": reverse("inbox_try", args=[inbox.id]) if inbox else reverse("inbox_try_new"),
    }
    return render(request, "inboxes/mail.html", context, status=422 if form.errors else 200)


def _api_page(request: Request, form: ApiForm, kept: Kept | None) -> HttpResponse:
    context: dict[str, Any] = {
        "rail": rail(request.actor, "settings"),
        "form": form,
        "inbox": kept.inbox if kept else None,
        "languages": LANGUAGES,
    }
    return render(request, "inboxes/api.html", context, status=422 if form.errors else 200)
