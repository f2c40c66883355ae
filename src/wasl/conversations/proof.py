"""How an incoming message proves whose address it came from, and what addresses its writer left in it. Pure."""

from django.conf import settings

from wasl.channels.base import ParsedMessage
from wasl.channels.email import authentic
from wasl.customers.points import CHANNEL, CLAIMED, CLAIMING, point_of
from wasl.kit.phones import e164


def known(message: ParsedMessage) -> str:
    """How the sender's address is known to be theirs (`customers.points`): a network vouches for it, or a mail server
    that we were told to believe; what a mail or a program merely says is claimed."""
    if message.channel not in CLAIMING:
        return CHANNEL
    if message.auth_results and authentic.is_from(message, settings.ENV.mail_authserv):
        return CHANNEL
    return CLAIMED


def left(message: ParsedMessage) -> tuple[str, ...]:
    """The points that somebody left to be reached at, in a form made for it. Nobody proved that they are theirs."""
    if message.kind != "address":
        return ()
    mail, phone = str(message.content.get("email") or ""), str(message.content.get("phone") or "")
    number = e164(phone)
    return tuple(filter(None, (point_of("email", mail), f"tel:{number}" if number else "")))
