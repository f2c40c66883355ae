"""Why people come, in the language of whoever reads it."""

from collections.abc import Mapping

from django.utils.translation import gettext as _
from django.utils.translation import override

from wasl.visits.models import Purpose


def purposes() -> Mapping[str, str]:
    """Every purpose by its code, in the language of the moment."""
    return {
        Purpose.ADVICE: _("Advice"),
        Purpose.PICKUP: _("Collect an order"),
        Purpose.RETURN: _("Bring something back"),
        Purpose.REPAIR: _("A repair"),
        Purpose.PAYMENT: _("A payment or an invoice"),
        Purpose.COMPLAINT: _("A complaint"),
        Purpose.OTHER: _("Something else"),
    }


def named(code: str, language: str = "") -> str:
    """A purpose in words."""
    if not language:
        return purposes().get(code, code)
    with override(language):
        return purposes().get(code, code)
