"""How a text is cut into short messages.

A text of the GSM alphabet holds 160 septets in one message, else 153 in each of several; any other text 70 and 67
UTF-16 units. The difference is the header that tells a telephone how to join them (3GPP TS 23.040, 9.2.3.24.1).
"""

from __future__ import annotations

from wasl.channels.port import Parts
from wasl.channels.sms.alphabet import septets

GSM, UNICODE = "GSM-7", "Unicode"
GSM_ONE, GSM_EACH = 160, 153
UNICODE_ONE, UNICODE_EACH = 70, 67
MOST = 255
"""The header counts in one octet."""


def alphabet(text: str) -> str:
    """Which alphabet a text is sent in."""
    return GSM if septets(text) >= 0 else UNICODE


def cut(text: str, *, unicode: bool = False) -> list[str]:
    """The texts of the messages, in order; none for ''. No letter is cut in two, whatever it takes.

    `unicode`: also what the GSM alphabet has is sent as UTF-16.
    """
    if not text:
        return []
    is_gsm = not unicode and septets(text) >= 0
    one, each = (GSM_ONE, GSM_EACH) if is_gsm else (UNICODE_ONE, UNICODE_EACH)
    sizes = [_size(letter, is_gsm) for letter in text]
    if sum(sizes) <= one:
        return [text]
    pieces, start, held = [], 0, 0
    for at, size in enumerate(sizes):
        if held + size > each:
            pieces.append(text[start:at])
            start, held = at, 0
        held += size
    return [*pieces, text[start:]]


def parts(text: str) -> Parts:
    """How many messages a text takes, how many septets or units are left in the last, and in which alphabet."""
    is_gsm = septets(text) >= 0
    one, each = (GSM_ONE, GSM_EACH) if is_gsm else (UNICODE_ONE, UNICODE_EACH)
    pieces = cut(text)
    room = one if len(pieces) <= 1 else each
    held = sum(_size(letter, is_gsm) for letter in pieces[-1]) if pieces else 0
    return Parts(len(pieces), room - held, GSM if is_gsm else UNICODE)


def _size(letter: str, is_gsm: bool) -> int:
    """Septets, or UTF-16 units."""
    return septets(letter) if is_gsm else 1 + (ord(letter) > 0xFFFF)
