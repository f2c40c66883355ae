"""Where somebody can be reached, in one spelling on every channel: a `point`, and how we know that it is theirs. Pure.

A point is `tel:+213550123456` (E.164, RFC 3966) or `mail:amina@example.com`; ids of a provider (a Telegram chat, an
Instagram account) lead nobody from one channel to another and have none.
"""

import re
from typing import Final

CHANNEL: Final = "channel"
TOKEN: Final = "token"  # noqa: S105 - a word, not a secret
CLAIMED: Final = "claimed"
"""How an address is known to be somebody's: a message came from it, through a network or a mail server that vouches for
it; somebody whom the business trusts signed it (its own site); or it was only said."""

TELEPHONES: Final = frozenset({"whatsapp", "sms", "smpp", "voice"})
CLAIMING: Final = frozenset({"email", "api", "webhook", "visit"})
"""Channels on which anybody can write any address: it is only said, unless something proves it."""

_NUMBER = re.compile(r"\+?([1-9][0-9]{6,14})")
_MAILBOX = re.compile(r"[^@\s]+@[^@\s]+\.[^@\s]+")

# RFC 2142, and what shops, practices and offices in our languages write before the @.
_ROLES = """
abuse accueil admin amministrazione billing booking bureau commercial compta comptabilite contact contact-us contatti
direction enquiries facturation finance hello help hostmaster hr info infos information jobs kontakt mail marketing noc
no-reply noreply office orders postmaster prenotazioni press reception receptionist rh sales secretariat secretary
security segreteria service services shop staff support team ufficio vendite webmaster
"""
ROLES: Final = frozenset(_ROLES.split())


def point_of(channel: str, address: str) -> str:
    """The point of an identity's address (as it is compared); '' when it has none."""
    if channel in TELEPHONES:
        number = _NUMBER.fullmatch(address)
        return f"tel:+{number[1]}" if number else ""
    return f"mail:{address.lower()}" if _MAILBOX.fullmatch(address) else ""


def is_desk(point: str) -> bool:
    """Whether a point says itself that it is nobody's own: `reception@…`, `info@…`."""
    return point.startswith("mail:") and point[5:].partition("@")[0].partition("+")[0] in ROLES
