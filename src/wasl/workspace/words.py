"""People's words for what programs call by codes: channels, states, reasons, events."""

import re
from typing import NamedTuple

from django.utils.translation import gettext as _
from django.utils.translation import gettext_noop, pgettext

from wasl.channels.registry import channels
from wasl.conversations.threading import post_of
from wasl.workspace.format import number


def channel(kind: str) -> str:
    """What a channel is called."""
    known = channels().get(kind)
    return _(known.label) if known else kind


def typed(kind: str) -> bool:
    """Whether agents enter customers' addresses on it by hand."""
    known = channels().get(kind)
    return known is not None and known.typed is not None


def channel_icon(kind: str) -> str:
    """The icon of a channel."""
    known = channels().get(kind)
    return known.icon if known else "inbox"


def subject(text: str) -> str:
    """What a conversation is about; one that is held in public says where."""
    network, _colon, post = text.partition(":") if post_of(text) else ("", "", "")
    if not post:
        return text
    return _("Below a post on %(network)s") % {"network": _NETWORKS[network]}


def about(text: str, kind: str) -> str:
    """What a conversation on a channel is about; where only mail has subjects, the channel. '' for a mail without."""
    return subject(text) or (channel(kind) if kind != "email" else "")


_NETWORKS = {"facebook": "Facebook", "instagram": "Instagram"}


_KEY = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")


def address(channel: str, display: str) -> str:
    """An address of theirs as people write it: WhatsApp leaves the + of a number away, and a browser has a key only."""
    if channel == "webchat" and _KEY.fullmatch(display):
        # The same four digits by which the visitor is called where they have no name.
        return _("Visitor %(number)s") % {"number": f"{int(display[-8:], 16) % 10_000:04d}"}
    return f"+{display}" if channel == "whatsapp" and display.isdigit() else display


def count(value: int, most: int = 1000) -> str:
    """A count as it is shown: nothing for zero, `999+` where counting stopped."""
    if not value:
        return ""
    return f"{number(most - 1)}+" if value >= most else number(value)


def status(code: str) -> str:
    """What conversations of a state are called together; '' is any state."""
    names = {
        "open": pgettext("conversations", "Open"),
        "pending": pgettext("conversations", "Pending"),
        "snoozed": pgettext("conversations", "Snoozed"),
        "resolved": pgettext("conversations", "Resolved"),
    }
    return names.get(code, pgettext("conversations", "Any state"))


def status_of_one(code: str) -> str:
    """The state of one conversation."""
    names = {
        "open": pgettext("conversation", "Open"),
        "pending": pgettext("conversation", "Waits for the customer"),
        "snoozed": pgettext("conversation", "Snoozed"),
        "resolved": _("Resolved"),
    }
    return names.get(code, code)


def written_by(code: str) -> str:
    """What sort of program wrote a mail; '' for none."""
    return _(_WRITERS[code]) if code in _WRITERS else ""


_WRITERS = {
    "auto-replied": gettext_noop("Automatic reply"),
    "auto-generated": gettext_noop("Automatic"),
    "list": gettext_noop("Mailing list"),
    "bulk": gettext_noop("Bulk mail"),
}


def language_name(code: str) -> str:
    """A customer's language in the reader's words."""
    return {"ar": _("Arabic"), "fr": _("French"), "it": _("Italian"), "en": _("English")}.get(code, "")


def reason(code: str, channel: str = "email") -> str:
    """Why a message did not arrive on a channel, as the end of a sentence."""
    if channel != "email" and (said := _reason_elsewhere(code)):
        return said
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
        "window_closed": _("too much time has passed since they last wrote"),
        "template": _("the template is not approved, or does not fit"),
        "stopped": _("they asked not to be written to"),
        "account": _("the provider has restricted our account"),
        "bounced": _("it came back"),
        "gave_up": _("we tried for as long as we may"),
        "unsure": _("nobody could tell us whether it left"),
    }
    return reasons.get(code, _("the other side did not say why"))


def _reason_elsewhere(code: str) -> str:
    """What has nothing to do with mail servers where none is; '' for what is the same on every channel."""
    reasons = {
        "unwanted": _("their side did not let it through"),
        "mailbox_full": _("their side has no more room"),
        "unreachable": _("nobody was reached there"),
        "not_now": _("the provider asks us to come back later"),
        "sign_in": _("the provider refuses our key or password"),
        "insecure": _("the provider offers no safe connection"),
    }
    return reasons.get(code, "")


def next_step(code: str) -> str:
    """What to try when a message did not arrive for that reason; '' when there is nothing better than again."""
    steps = {
        "address_unknown": _("Ask for another address."),
        "too_large": _("Send it without the largest file."),
        "sign_in": _("An administrator can correct the inbox."),
        "insecure": _("An administrator can correct the inbox."),
        "unsure": _("Ask the customer before you send it again."),
        "window_closed": _("Send an approved template, or write on another channel."),
        "template": _("Choose another template."),
        "account": _("An administrator can look at the account with the provider."),
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
        "ours": Unread(
            _("It is a message of our own"),
            _("It left from one of our inboxes and came back to one, over a forward or a list."),
        ),
        "nested_too_deep": Unread(
            _("Messages within messages, too deep"),
            _("It looks made to do harm. Look at the original first."),
        ),
        "too_many_parts": Unread(
            _("Too many parts"), _("It looks made to do harm. Look at the original first.")
        ),
        "too_large": Unread(
            _("It is too large to be fetched"),
            _("It lies in the mailbox where it came in, and can be read there. Its beginning is kept here."),
        ),
        "unfetched": Unread(
            _("The mail server does not hand it out"),
            _("It was asked for several times. Look for it in the mailbox; its beginning is kept here."),
        ),
        "broken": Unread(
            _("It came damaged"), _("Read it again after an update, or ask the sender to send it anew.")
        ),
    }
    return reasons.get(
        code,
        Unread(_("Wasl stumbled over it"), _("The mistake is ours. Read it again after the next update.")),
    )
