"""What a Twilio-style provider's error codes mean. Source: Twilio, "Error and warning dictionary"."""

from __future__ import annotations

from typing import Literal

from wasl.channels.base import Reason

Way = Literal["wait", "settings", "final"]
"""Try later; not before an administrator did something; never."""

_CODES: dict[int, tuple[Reason, Way]] = {
    10001: (Reason.ACCOUNT, "settings"),
    20003: (Reason.SIGN_IN, "settings"),
    20005: (Reason.ACCOUNT, "settings"),
    20404: (Reason.SIGN_IN, "settings"),
    21212: (Reason.ACCOUNT, "settings"),
    21603: (Reason.ACCOUNT, "settings"),
    21606: (Reason.ACCOUNT, "settings"),
    21703: (Reason.ACCOUNT, "settings"),
    21704: (Reason.ACCOUNT, "settings"),
    21609: (Reason.ACCOUNT, "settings"),  # the address for receipts is refused
    20429: (Reason.NOT_NOW, "wait"),
    21611: (Reason.NOT_NOW, "wait"),
    14107: (Reason.NOT_NOW, "wait"),
    30001: (Reason.NOT_NOW, "final"),  # of a receipt: they do not try again
    21211: (Reason.ADDRESS_UNKNOWN, "final"),
    21214: (Reason.ADDRESS_UNKNOWN, "final"),
    21217: (Reason.ADDRESS_UNKNOWN, "final"),
    21604: (Reason.ADDRESS_UNKNOWN, "final"),
    21614: (Reason.ADDRESS_UNKNOWN, "final"),
    21408: (Reason.ACCOUNT, "final"),  # a country the account may not write to: others it may
    21612: (Reason.UNREACHABLE, "final"),
    21610: (Reason.STOPPED, "final"),
    21601: (Reason.ADDRESS_UNKNOWN, "final"),
    21602: (Reason.BAD_MESSAGE, "final"),
    21619: (Reason.BAD_MESSAGE, "final"),
    21605: (Reason.TOO_LARGE, "final"),
    21617: (Reason.TOO_LARGE, "final"),
    30019: (Reason.TOO_LARGE, "final"),
    30002: (Reason.ACCOUNT, "final"),
    30003: (Reason.UNREACHABLE, "final"),
    30004: (Reason.UNWANTED, "final"),
    30005: (Reason.ADDRESS_UNKNOWN, "final"),
    30006: (Reason.ADDRESS_UNKNOWN, "final"),
    30007: (Reason.UNWANTED, "final"),
    30008: (Reason.OTHER, "final"),
    30010: (Reason.ACCOUNT, "final"),
    30017: (Reason.NOT_NOW, "final"),
    30022: (Reason.ACCOUNT, "final"),
    30032: (Reason.ACCOUNT, "final"),
    30034: (Reason.ACCOUNT, "final"),
    30036: (Reason.UNREACHABLE, "final"),
    30410: (Reason.NOT_NOW, "final"),
    30453: (Reason.UNWANTED, "final"),
}


def reason_of(code: str) -> tuple[Reason, Way]:
    """Why, for people, and what to do about it."""
    number = int(code) if code.isascii() and code.isdigit() and len(code) < 8 else -1
    return _CODES.get(number, (Reason.OTHER, "final"))
