"""A reader's own settings."""

from typing import Any

from django import forms
from django.http import HttpResponse, HttpResponseRedirect
from django.shortcuts import render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods

from wasl.accounts import second_step
from wasl.accounts.models import DIGITS, THEMES, User
from wasl.kit.languages import LANGUAGES
from wasl.workspace.admin import pages
from wasl.workspace.shapes.rail import rail
from wasl.workspace.web import Request

CHOICES = ("language", "theme", "digits")


class Preferences(forms.Form):
    """Language, light and digits."""

    language = forms.ChoiceField(choices=LANGUAGES)
    theme = forms.ChoiceField(choices=THEMES)
    digits = forms.ChoiceField(choices=DIGITS)


@require_http_methods(["GET", "HEAD", "POST"])
def settings(request: Request) -> HttpResponse:
    """Show the settings, or keep what was chosen."""
    user = User.objects.get(pk=str(request.user.pk))
    form = Preferences(request.POST or None, initial={name: getattr(user, name) for name in CHOICES})
    if request.method == "POST" and form.is_valid():
        for name in CHOICES:
            setattr(user, name, form.cleaned_data[name])
        user.save(update_fields=CHOICES)
        return HttpResponseRedirect(reverse("settings") + "?kept=1")
    context: dict[str, Any] = {
        "rail": rail(request.actor, "settings"),
        "form": form,
        "second_step": second_step.standing(user.pk),
        "kept": request.GET.get("kept") == "1",
        "themes": [("system", _("As the device")), ("light", _("Light")), ("dark", _("Dark"))],
        "administration": pages() if request.actor.administers else [],
        "numerals": [("latn", "0 1 2 3"), ("arab", "٠ ١ ٢ ٣")],
    }
    return render(request, "settings/settings.html", context, status=422 if form.errors else 200)
