"""What the Cloud API's error codes mean for a message. Source: Meta for Developers, "Cloud API: Error codes"."""

from __future__ import annotations

from typing import Literal

from wasl.channels.base import Reason

Way = Literal["wait", "settings", "final"]
"""Try later; not before an administrator did something; never."""

_CODES: dict[int, tuple[Reason, Way]] = {
    0: (Reason.SIGN_IN, "settings"),
    3: (Reason.SIGN_IN, "settings"),
    10: (Reason.SIGN_IN, "settings"),
    190: (Reason.SIGN_IN, "settings"),
    33: (Reason.ACCOUNT, "settings"),
    368: (Reason.ACCOUNT, "settings"),
    131005: (Reason.SIGN_IN, "settings"),
    131031: (Reason.ACCOUNT, "settings"),
    131037: (Reason.ACCOUNT, "settings"),
    131042: (Reason.ACCOUNT, "settings"),
    131045: (Reason.ACCOUNT, "settings"),
    133010: (Reason.ACCOUNT, "settings"),
    1: (Reason.NOT_NOW, "wait"),
    2: (Reason.NOT_NOW, "wait"),
    4: (Reason.NOT_NOW, "wait"),
    80007: (Reason.NOT_NOW, "wait"),
    130429: (Reason.NOT_NOW, "wait"),
    131000: (Reason.NOT_NOW, "wait"),
    131016: (Reason.NOT_NOW, "wait"),
    131048: (Reason.NOT_NOW, "wait"),
    131056: (Reason.NOT_NOW, "wait"),
    471: (Reason.NOT_NOW, "wait"),
    131057: (Reason.NOT_NOW, "wait"),
    133004: (Reason.NOT_NOW, "wait"),
    133016: (Reason.NOT_NOW, "wait"),
    131047: (Reason.WINDOW_CLOSED, "final"),
    470: (Reason.WINDOW_CLOSED, "final"),
    131021: (Reason.ADDRESS_UNKNOWN, "final"),
    131026: (Reason.ADDRESS_UNKNOWN, "final"),
    131030: (Reason.ADDRESS_UNKNOWN, "final"),
    130472: (Reason.UNWANTED, "final"),
    130497: (Reason.UNWANTED, "final"),
    131049: (Reason.UNWANTED, "final"),
    131050: (Reason.STOPPED, "final"),
    131052: (Reason.BAD_MESSAGE, "final"),
    131053: (Reason.BAD_MESSAGE, "final"),
    131008: (Reason.BAD_MESSAGE, "final"),
    131009: (Reason.BAD_MESSAGE, "final"),
    131051: (Reason.BAD_MESSAGE, "final"),
    100: (Reason.BAD_MESSAGE, "final"),
}


def reason_of(code: str) -> tuple[Reason, Way]:
    """Why, for people, and what to do about it."""
    number = int(code) if code.isascii() and code.isdigit() and len(code) < 8 else -1
    if known := _CODES.get(number):
        return known
    if 200 <= number <= 299:
        return Reason.SIGN_IN, "settings"
    if 132000 <= number <= 132999:
        return Reason.TEMPLATE, "final"
    return Reason.OTHER, "final"
