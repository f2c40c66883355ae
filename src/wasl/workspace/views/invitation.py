"""The page behind the link of an invitation: for somebody who does not work here yet."""

from django import forms
from django.conf import settings
from django.contrib.auth import login
from django.contrib.auth.password_validation import validate_password
from django.core.exceptions import ValidationError
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import render
from django.urls import reverse
from django.utils import translation
from django.views.decorators.http import require_http_methods

from wasl.accounts import people
from wasl.accounts.actor import NotFound
from wasl.accounts.models import Invitation, User, Workspace
from wasl.kit.db import tenant
from wasl.workspace import seat
from wasl.workspace.views.people import why


class Newcomer(forms.Form):
    """Who somebody is, and their password."""

    name = forms.CharField(max_length=120)
    password = forms.CharField(strip=False)

    def clean_password(self) -> str:
        """As strong as everybody's."""
        password = str(self.cleaned_data["password"])
        validate_password(password)
        return password


@require_http_methods(["GET", "HEAD", "POST"])
def invitation(request: HttpRequest, secret: str) -> HttpResponse:
    """Look at an invitation, or take it up. Looking changes nothing: mail scanners open every link."""
    found = people.behind(secret)
    if found is None:
        return render(request, "people/invitation.html", {"gone": True}, status=410)
    workspace_id, invitation_id = found
    with tenant(workspace_id):
        row = Invitation.objects.get(id=invitation_id)
        workspace = Workspace.objects.get(id=workspace_id).name
    if not request.user.is_authenticated and settings.LANGUAGE_COOKIE_NAME not in request.COOKIES:
        translation.activate(row.language)
    known = people.account_of(row.email)
    context: dict[str, object] = {
        "workspace": workspace,
        "email": row.email,
        "known": known,
        "here": known is not None and known.pk == request.user.pk,
        "someone": request.user.is_authenticated,
        "address": request.get_full_path(),
    }
    form = Newcomer(request.POST if request.method == "POST" and known is None else None)
    if request.method == "POST" and (known is not None or form.is_valid()):
        return _accept(request, row, form, known, context)
    return render(
        request, "people/invitation.html", context | {"form": form}, status=422 if form.errors else 200
    )


def _accept(
    request: HttpRequest,
    row: Invitation,
    form: Newcomer,
    known: User | None,
    context: dict[str, object],
) -> HttpResponse:
    if known is not None and known.pk != request.user.pk:
        return render(
            request, "people/invitation.html", context | {"refused": why("wrong_account")}, status=403
        )
    try:
        with tenant(row.workspace_id):
            user = known or _made(row, form)
            people.accept(row.id, user)
    except (NotFound, ValidationError):
        return render(request, "people/invitation.html", {"gone": True}, status=410)
    if known is None:
        login(request, user, backend="allauth.account.auth_backends.AuthenticationBackend")
    request.session[seat.SESSION_KEY] = str(row.workspace_id)
    return HttpResponseRedirect(reverse("home"))


def _made(row: Invitation, form: Newcomer) -> User:
    user = User(email=row.email, name=form.cleaned_data["name"], language=row.language)
    user.set_password(form.cleaned_data["password"])
    user.validate_unique()
    user.save(force_insert=True)
    return user
