"""The alphabets of short messages. Source: 3GPP TS 23.038 (GSM 03.38), 6.2.1 and 6.2.1.1; no national shift tables."""

from __future__ import annotations

ESCAPE = 0x1B
BASIC = (
    "@£$¥èéùìòÇ\nØø\rÅå"
    "Δ_ΦΓΛΩΠΨΣΘΞ\x1bÆæßÉ"
    " !\"#¤%&'()*+,-./"
    "0123456789:;<=>?"
    "¡ABCDEFGHIJKLMNO"
    "PQRSTUVWXYZÄÖÑÜ§"
    "¿abcdefghijklmno"
    "pqrstuvwxyzäöñüà"
)
"""A letter for each septet; at 0x1B the escape to the extension."""

EXTENSION = {0x0A: "\f", 0x14: "^", 0x28: "{", 0x29: "}", 0x2F: "\\", 0x3C: "[", 0x3D: "~", 0x3E: "]", 0x40: "|",
             0x65: "€"}  # fmt: skip
"""Letters that take an escape and a second septet."""

_SEPTETS: dict[str, bytes] = {letter: bytes([n]) for n, letter in enumerate(BASIC) if n != ESCAPE}
_SEPTETS |= {letter: bytes([ESCAPE, n]) for n, letter in EXTENSION.items()}


def septets(text: str) -> int:
    """How many septets a text takes; -1 when a letter of it is not in the alphabet."""
    count = 0
    for letter in text:
        found = _SEPTETS.get(letter)
        if found is None:
            return -1
        count += len(found)
    return count


def encode(text: str) -> bytes:
    """One septet an octet, as SMPP carries them. Raises ValueError for a letter that is not in the alphabet."""
    try:
        return b"".join([_SEPTETS[letter] for letter in text])
    except KeyError as error:
        raise ValueError(f"{error.args[0]!r} is not in the GSM alphabet") from error


def decode(octets: bytes) -> str:
    """The text of unpacked septets. What no table knows is a question mark; an unknown extension is the letter below
    it, as 6.2.1.1 asks."""
    made: list[str] = []
    escaped = False
    for octet in octets:
        if octet == ESCAPE and not escaped:
            escaped = True
            continue
        basic = BASIC[octet] if octet < 0x80 and octet != ESCAPE else "?"
        made.append(EXTENSION.get(octet, basic) if escaped else basic)
        escaped = False
    return "".join(made)
