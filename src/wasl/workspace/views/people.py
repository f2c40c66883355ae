"""Who works here: for administrators."""

import logging
import threading
from uuid import UUID

from django import forms
from django.core.exceptions import BadRequest
from django.db import connection, transaction
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import render
from django.urls import reverse
from django.utils import translation
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from wasl.accounts import people, teams
from wasl.accounts.models import Role, User, Workspace
from wasl.conversations import handing
from wasl.kit.clock import now
from wasl.kit.languages import LANGUAGES
from wasl.workspace import post
from wasl.workspace.deeds import role_name
from wasl.workspace.shapes.rail import rail
from wasl.workspace.toast import Toast
from wasl.workspace.web import Request

log = logging.getLogger("wasl.people")


class Asked(forms.Form):
    """Whom to invite, and as what."""

    email = forms.EmailField(max_length=254)
    role = forms.ChoiceField(choices=Role.choices, initial=Role.AGENT)
    language = forms.ChoiceField(choices=LANGUAGES)
    teams = forms.MultipleChoiceField(required=False)


@require_safe
def index(request: Request) -> HttpResponse:
    """Everybody, and the invitations that are open."""
    return render(request, "people/people.html", _context(request, Asked()))


@require_http_methods(["POST"])
def invite(request: Request) -> HttpResponse:
    """Write to somebody that they may work here."""
    form = Asked(request.POST)
    form.fields["teams"].choices = [  # type: ignore[attr-defined]
        (str(group.team.id), group.team.name) for group in teams.teams(request.actor)
    ]
    if form.is_valid():
        chosen = form.cleaned_data
        try:
            invited = people.invite(
                request.actor,
                chosen["email"],
                chosen["role"],
                [UUID(team) for team in chosen["teams"]],
                chosen["language"],
            )
        except people.Refused as error:
            form.add_error("email", why(error.reason))
        else:
            _write_to(request, invited)
            return _back("invited")
    return render(request, "people/people.html", _context(request, form), status=422)


@require_POST
def again(request: Request, invitation_id: UUID) -> HttpResponse:
    """Send a new link; the old one ends."""
    try:
        _write_to(request, people.invite_again(request.actor, invitation_id))
    except people.Refused as error:
        return _refused(request, error.reason)
    return _back("invited")


@require_POST
def withdraw(request: Request, invitation_id: UUID) -> HttpResponse:
    """End an invitation."""
    people.withdraw(request.actor, invitation_id)
    return _back("withdrawn")


@require_POST
def role(request: Request, agent_id: UUID) -> HttpResponse:
    """Change what somebody may do."""
    try:
        people.give_role(request.actor, agent_id, request.POST.get("role", ""))
    except people.Refused as error:
        return _refused(request, error.reason)
    except ValueError as error:
        raise BadRequest("role") from error
    return _back("changed")


@require_POST
def close(request: Request, agent_id: UUID) -> HttpResponse:
    """End somebody's work here, and let their open conversations be taken by others."""
    try:
        people.close(request.actor, agent_id)
    except people.Refused as error:
        return _refused(request, error.reason)
    left = handing.give_back(request.actor, agent_id)
    return _back("closed" if not left else "closed_more")


@require_POST
def open_again(request: Request, agent_id: UUID) -> HttpResponse:
    """Let somebody work here again."""
    people.open_again(request.actor, agent_id)
    return _back("changed")


@require_POST
def take_second_step(request: Request, agent_id: UUID) -> HttpResponse:
    """Let somebody who lost their telephone in by their password alone, and tell them."""
    try:
        person = people.take_second_step(request.actor, agent_id)
    except people.Refused as error:
        return _refused(request, error.reason)
    _tell_of_second_step(request.actor.name, person)
    return _back("second_step_taken")


@require_POST
def require_second_step(request: Request) -> HttpResponse:
    """Whether everybody here needs a second step."""
    people.require_second_step(request.actor, request.POST.get("required") == "on")
    return _back("changed")


DONE = {
    "invited": lambda: _("The invitation is on its way."),
    "withdrawn": lambda: _("The invitation no longer works."),
    "second_step_taken": lambda: _("From now on their password is enough. A letter tells them so."),
    "changed": lambda: _("Kept. Open pages follow at once."),
    "closed": lambda: _("This access is closed. Their open conversations are unassigned now."),
    "closed_more": lambda: _("This access is closed. They had many conversations; some are still theirs."),
}


def why(reason: str) -> str:
    """A refusal in people's words."""
    return {
        "bad_address": _("This is not an e-mail address."),
        "works_here": _("Somebody with this address works here already."),
        "too_many": _("Too many invitations are open. Withdraw some first."),
        "last_owner": _("A workspace needs an owner. Make somebody else an owner first."),
        "yourself": _("You cannot close your own access. Another administrator can."),
        "own_second_step": _("Your own second step is switched off among your settings."),
        "works_elsewhere": _(
            "They work in another workspace too. Whoever runs the server can switch their second step off."
        ),
        "wrong_account": _("This invitation is for another address."),
    }[reason]


def _back(done: str) -> HttpResponse:
    return HttpResponseRedirect(f"{reverse('people')}?done={done}")


def _refused(request: Request, reason: str) -> HttpResponse:
    context = _context(request, Asked()) | {"refused": why(reason)}
    return render(request, "people/people.html", context, status=422)


def _context(request: Request, form: Asked) -> dict[str, object]:
    done = DONE.get(request.GET.get("done", ""))
    return {
        "rail": rail(request.actor, "settings"),
        "form": form,
        "people": people.people(request.actor),
        "required": people.is_second_step_required(request.actor),
        "invitations": people.invitations(request.actor),
        "groups": teams.teams(request.actor),
        "roles": [
            (value, role_name(value)) for value in reversed(Role.values) if request.actor.reaches(value)
        ],
        "role_name": role_name,
        "below": request.actor.reaches,
        "now": now(),
        "toast": Toast(done()) if done else None,
    }


def _write_to(request: HttpRequest, invited: people.Invited) -> None:
    """Send the letter once the invitation is kept, in a thread of its own."""
    actor = request.actor  # type: ignore[attr-defined]
    workspace = Workspace.objects.get(id=actor.workspace_id).name
    link = request.build_absolute_uri(reverse("invitation", args=[invited.secret]))
    with translation.override(invited.language):
        subject = _("%(name)s invites you to %(workspace)s") % {"name": actor.name, "workspace": workspace}
        told = {"name": actor.name, "workspace": workspace}
        body = "\n\n".join(
            (
                _("%(name)s would like you to answer customers of %(workspace)s together with them.") % told,
                _("Open this page to choose your password:"),
                link,
                _("The link works for seven days and only once.")
                + " "
                + _("If you did not expect this letter, you need not do anything."),
            )
        )
    letter = (actor.workspace_id, invited.email, subject, body, invited.language)
    transaction.on_commit(lambda: threading.Thread(target=_send, args=letter, daemon=True).start())


def _tell_of_second_step(name: str, person: User) -> None:
    """A letter about what was done to somebody's sign-in, once it is done."""
    with translation.override(person.language):
        subject = _("Your sign-in no longer asks for a code")
        body = "\n\n".join(
            (
                _("%(name)s switched off the second step of your sign-in. Your password alone opens it now.")
                % {"name": name},
                _(
                    "If you lost your telephone, set the second step up again with the new one, in your settings."
                ),
                _("If you did not ask for this, change your password and speak with an administrator."),
            )
        )
    transaction.on_commit(
        lambda: threading.Thread(target=_send_to, args=(person, subject, body), daemon=True).start()
    )


def _send_to(person: User, subject: str, body: str) -> None:
    try:
        post.to_agent(person, subject, body)
    except Exception:
        log.exception("a letter about a second step was not sent")
    finally:
        connection.close()


def _send(workspace_id: UUID, address: str, subject: str, body: str, language: str) -> None:
    try:
        post.to_newcomer(workspace_id, address, subject, body, language)
    except Exception:
        log.exception("an invitation was not sent")
    finally:
        connection.close()
