"""What a device shows when it is not to show what was written."""

from django.utils.translation import gettext, override
from django.utils.translation import gettext_noop as _

NEW = _("There is something new for you.")


def said_in(language: str, text: str) -> str:
    """A text of ours in that language; in English where we have none."""
    with override(language or "en"):
        return gettext(text)
