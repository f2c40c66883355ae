"""What is asked of an inbox for text messages, whatever brings them: who answers the words HELP, STOP and START."""

from typing import Literal

from django.utils.translation import gettext_noop as _

from wasl.channels.port import Field


def words(who: Literal["provider", "wasl"], help_: str = "") -> tuple[Field, Field]:
    """The answer to HELP, and who answers STOP and START unless an administrator says otherwise."""
    return (
        Field(
            name="help_text",
            label=_("Answer to HELP"),
            kind="words",
            required=False,
            help=_("Leave it empty for a text of ours in the language of the customer."),
        ),
        Field(
            name="confirms",
            label=_("Who answers STOP and START"),
            required=False,
            default=who,
            options=(("provider", _("The provider")), ("wasl", _("Wasl"))),
            help=help_,
        ),
    )
