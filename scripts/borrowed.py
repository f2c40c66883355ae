"""Texts of Django and allauth that appear on our pages, for `scripts/texts.py` to read; nothing runs this.

They stand in our catalogues so that they are in our words, in every language.
"""

from django.utils.translation import gettext, ngettext

gettext("This field is required.")
gettext("Enter a valid email address.")
gettext("You must type the same password each time.")
gettext("This password is too common.")
gettext("The password is too similar to the %(verbose_name)s.")
ngettext(
    "This password is too short. It must contain at least %d character.",
    "This password is too short. It must contain at least %d characters.",
    10,
)
