"""What a message centre's command_status means. Source: SMPP 3.4, 5.1.3 and table 5-2."""

from __future__ import annotations

from typing import Literal

from wasl.channels.base import Reason

Way = Literal["wait", "settings", "final"]
"""Try later; not before an administrator did something; never."""

_CODES: dict[int, tuple[Reason, Way]] = {
    0x01: (Reason.TOO_LARGE, "final"),
    0x04: (Reason.SIGN_IN, "settings"),
    0x05: (Reason.NOT_NOW, "settings"),  # bound already: as many connections as the contract allows
    0x08: (Reason.NOT_NOW, "wait"),
    0x0A: (Reason.ACCOUNT, "settings"),
    0x0B: (Reason.ADDRESS_UNKNOWN, "final"),
    0x0D: (Reason.SIGN_IN, "settings"),
    0x0E: (Reason.SIGN_IN, "settings"),
    0x0F: (Reason.SIGN_IN, "settings"),
    0x14: (Reason.NOT_NOW, "wait"),
    0x15: (Reason.ACCOUNT, "settings"),
    0x33: (Reason.ADDRESS_UNKNOWN, "final"),
    0x45: (Reason.OTHER, "final"),
    0x48: (Reason.ACCOUNT, "settings"),
    0x49: (Reason.ACCOUNT, "settings"),
    0x50: (Reason.ADDRESS_UNKNOWN, "final"),
    0x51: (Reason.ADDRESS_UNKNOWN, "final"),
    0x53: (Reason.ACCOUNT, "settings"),
    0x58: (Reason.NOT_NOW, "wait"),
    0x64: (Reason.NOT_NOW, "wait"),
    0x65: (Reason.UNREACHABLE, "final"),
    0x66: (Reason.UNWANTED, "final"),
    0xFE: (Reason.UNREACHABLE, "final"),
    0xFF: (Reason.NOT_NOW, "wait"),
}
_BAD_MESSAGE = frozenset({0x02, 0x03, 0x06, 0x07, 0x40, 0x43, 0x44, 0x61, 0x62, 0x63, *range(0xC0, 0xC5)})


def reason_of(status: int) -> tuple[Reason, Way]:
    """Why, for people, and what to do about it."""
    if status in _BAD_MESSAGE:
        return Reason.BAD_MESSAGE, "final"
    return _CODES.get(status, (Reason.OTHER, "final"))
