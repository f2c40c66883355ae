"""People's words for what programs call by codes: channels, states, reasons, events."""

from typing import NamedTuple

from django.utils.translation import gettext as _

from wasl.workspace.format import number

CHANNEL_ICONS = {"email": "mail", "api": "form", "whatsapp": "whatsapp", "sms": "sms", "webchat": "webchat"}


def channel(kind: str) -> str:
    """What a channel is called."""
    names = {"email": _("E-mail"), "api": _("Website form")}
    return names.get(kind, kind)


def channel_icon(kind: str) -> str:
    """The icon of a channel."""
    return CHANNEL_ICONS.get(kind, "inbox")


def count(value: int, most: int = 1000) -> str:
    """A count as it is shown: nothing for zero, `999+` where counting stopped."""
    if not value:
        return ""
    return f"{number(most - 1)}+" if value >= most else number(value)


def language_name(code: str) -> str:
    """A customer's language in the reader's words."""
    return {"ar": _("Arabic"), "fr": _("French"), "it": _("Italian"), "en": _("English")}.get(code, "")


def reason(code: str) -> str:
    """Why a message did not arrive, as the end of a sentence."""
    reasons = {
        "address_unknown": _("the address does not exist"),
        "mailbox_full": _("their mailbox is full"),
        "unwanted": _("their side took it for unwanted mail"),
        "too_large": _("it is too large for their side"),
        "unreachable": _("their mail server cannot be reached"),
        "not_now": _("their mail server asks us to come back later"),
        "sign_in": _("our mail server refuses our password"),
        "insecure": _("our mail server offers no safe connection"),
        "bad_message": _("their side did not accept how it is written"),
        "bounced": _("it came back"),
        "gave_up": _("we tried for as long as we may"),
        "unsure": _("nobody could tell us whether it left"),
    }
    return reasons.get(code, _("the other side did not say why"))


def next_step(code: str) -> str:
    """What to try when a message did not arrive for that reason; '' when there is nothing better than again."""
    steps = {
        "address_unknown": _("Ask for another address."),
        "too_large": _("Send it without the largest file."),
        "sign_in": _("An administrator can correct the inbox."),
        "insecure": _("An administrator can correct the inbox."),
        "unsure": _("Ask the customer before you send it again."),
    }
    return steps.get(code, "")


class Unread(NamedTuple):
    """Why something was set aside, and what helps."""

    title: str
    help: str


def unread(code: str) -> Unread:
    """Why an incoming message could not be read."""
    reasons = {
        "empty": Unread(_("It holds nothing"), _("Neither text nor files came. There is nothing to read.")),
        "no_sender": Unread(_("It does not say who sent it"), _("Without a sender nobody can be answered.")),
        "nested_too_deep": Unread(
            _("Messages within messages, too deep"),
            _("It looks made to do harm. Look at the original first."),
        ),
        "too_many_parts": Unread(
            _("Too many parts"), _("It looks made to do harm. Look at the original first.")
        ),
        "broken": Unread(
            _("It came damaged"), _("Read it again after an update, or ask the sender to send it anew.")
        ),
    }
    return reasons.get(
        code,
        Unread(_("Wasl stumbled over it"), _("The mistake is ours. Read it again after the next update.")),
    )
