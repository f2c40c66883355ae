"""The second step of signing in: the page after the password, and everybody's own settings of it."""

import time

from allauth.account.internal.decorators import login_stage_required
from allauth.account.internal.flows.login import get_authentication_records
from allauth.mfa.base.internal.flows import check_rate_limit
from django import forms
from django.core.exceptions import ValidationError
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.debug import sensitive_post_parameters
from django.views.decorators.http import require_http_methods, require_POST

from wasl.accounts import people, second_step
from wasl.accounts.models import User
from wasl.accounts.second_step import Offer, Refused
from wasl.visits.codes import picture
from wasl.workspace.shapes.rail import rail
from wasl.workspace.signin import Adapter, SecondStep
from wasl.workspace.web import Request

JUST_NOW = 600
"""Seconds after a password was given within which it is not asked for again to switch the second step on."""

LONGEST = 40
"""Letters of a code, with the spaces that somebody may put between."""


class Code(forms.Form):
    """A code: of the app, or for recovery where that is meant."""

    code = forms.CharField(max_length=LONGEST)


class Password(forms.Form):
    """Whoever sits before an open page has to be whose page it is."""

    password = forms.CharField(max_length=4096, strip=False)


@sensitive_post_parameters("code")
@login_stage_required(stage=SecondStep.key, redirect_urlname="account_login")  # type: ignore[untyped-decorator]
@require_http_methods(["GET", "HEAD", "POST"])
def confirm(request: HttpRequest) -> HttpResponse:
    """Ask for a code, after the password and before anything else."""
    stage = request._login_stage  # type: ignore[attr-defined]  # left there by the decorator
    answer: HttpResponse
    if request.method == "POST" and "leave" in request.POST:
        answer = stage.abort()
        return answer
    form = Code(request.POST if request.method == "POST" else None)
    if form.is_valid() and _passes(form, stage.login.user):
        answer = stage.exit()
        return answer
    return render(request, "account/second_step.html", {"form": form}, status=422 if form.errors else 200)


def _passes(form: Code, person: User) -> bool:
    """Whether the code is right; why not then stands at its field."""
    try:
        if second_step.passes(person.pk, form.cleaned_data["code"]):
            return True
    except Refused:
        form.add_error("code", Adapter.error_messages["too_many_login_attempts"])
        return False
    form.add_error("code", _("This code is not right, or it was used already. Take the next one."))
    return False


@sensitive_post_parameters("code", "password", "offer")
@require_http_methods(["GET", "HEAD", "POST"])
def own(request: Request) -> HttpResponse:
    """How it stands; a POST switches it on and shows the recovery codes, this once."""
    person = User.objects.get(pk=str(request.user.pk))
    standing = second_step.standing(person.pk)
    if standing:
        return _standing(request, standing)
    if request.method != "POST":
        return _offering(request, second_step.offer(person), Code(), Password())
    try:
        offered = second_step.offered(person, request.POST.get("offer", ""))
    except Refused:
        return _offering(request, second_step.offer(person), Code(), Password(), stale=True)
    code, password = Code(request.POST), Password(request.POST)
    proved = _is_fresh(request) or (password.is_valid() and _is_theirs(password, person))
    if not code.is_valid() or not proved:
        return _offering(request, offered, code, password)
    try:
        made = second_step.switch_on(person, offered.sealed, code.cleaned_data["code"])
    except Refused as error:
        if error.reason == "is_on":  # by another page of theirs, this moment
            return HttpResponseRedirect(reverse("second_step"))
        code.add_error("code", _("This is not what the app shows now. Type the code it shows at the moment."))
        return _offering(request, offered, code, password)
    return _codes(request, made)


@sensitive_post_parameters("password")
@require_POST
def codes(request: Request) -> HttpResponse:
    """Make new recovery codes and show them, this once."""
    person = User.objects.get(pk=str(request.user.pk))
    standing = second_step.standing(person.pk)
    if standing is None:
        return HttpResponseRedirect(reverse("second_step"))
    form = Password(request.POST, auto_id=_IDS["codes"])
    if not form.is_valid() or not _is_theirs(form, person):
        return _standing(request, standing, codes=form)
    return _codes(request, second_step.new_codes(person))


@sensitive_post_parameters("password")
@require_POST
def off(request: Request) -> HttpResponse:
    """Ask for the password alone from now on; or, where everybody needs a second step, let it be set up anew."""
    person = User.objects.get(pk=str(request.user.pk))
    standing = second_step.standing(person.pk)
    if standing is None:
        return HttpResponseRedirect(reverse("second_step"))
    form = Password(request.POST, auto_id=_IDS["off"])
    if not form.is_valid() or not _is_theirs(form, person):
        return _standing(request, standing, off=form)
    second_step.switch_off(person.pk)
    if people.is_second_step_required(request.actor):
        return HttpResponseRedirect(reverse("second_step"))
    return HttpResponseRedirect(reverse("settings") + "?kept=1")


def _is_fresh(request: Request) -> bool:
    """Whether the password was given only now, on the way in."""
    records = get_authentication_records(request, request.user)
    given = [record["at"] for record in records if record["method"] == "password"]
    return bool(given) and time.time() - max(given) < JUST_NOW


def _is_theirs(form: Password, person: User) -> bool:
    """Whether the password is right; why not then stands at its field."""
    try:
        forget = check_rate_limit(person)
    except ValidationError as error:
        form.add_error("password", error)
        return False
    if not person.check_password(form.cleaned_data["password"]):
        form.add_error("password", _("This is not your present password."))
        return False
    forget()
    return True


def _offering(
    request: Request, offered: Offer, code: Code, password: Password, *, stale: bool = False
) -> HttpResponse:
    context = _frame(request) | {
        "offer": offered,
        "picture": picture(offered.address, _("QR code for your authenticator app")),
        "groups": [offered.secret[at : at + 4] for at in range(0, len(offered.secret), 4)],
        "code": code,
        "password": None if _is_fresh(request) else password,
        "stale": stale,
    }
    return render(
        request, "settings/second_step_new.html", context, status=422 if code.is_bound or stale else 200
    )


_IDS = {"codes": "codes_%s", "off": "off_%s"}
"""The fields of the two forms of one page."""


def _standing(request: Request, standing: second_step.Standing, **refused: Password) -> HttpResponse:
    context = _frame(request) | {
        "standing": standing,
        "required": people.is_second_step_required(request.actor),
        "forms": {name: Password(auto_id=ids) for name, ids in _IDS.items()} | refused,
    }
    return render(request, "settings/second_step.html", context, status=422 if refused else 200)


def _codes(request: Request, made: list[str]) -> HttpResponse:
    half, email = len(made[0]) // 2, str(request.user)
    shown = [f"{code[:half]} {code[half:]}" for code in made]
    file = "\n".join((_("Recovery codes of %(email)s") % {"email": email}, "", *shown, ""))
    context = _frame(request) | {"codes": shown, "email": email, "file": file}
    return render(request, "settings/recovery_codes.html", context)


def _frame(request: Request) -> dict[str, object]:
    """Without the rail for whoever may go nowhere else yet."""
    owes = request.seat.owes_second_step
    return {"owes": owes, "rail": None if owes else rail(request.actor, "settings")}
