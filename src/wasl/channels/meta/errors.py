"""What the Graph API's error codes mean for a message of Messenger or Instagram.

Source: Meta for Developers, "Messenger Platform: Error codes", "Graph API: Handle errors, Rate limits". A code may mean
several things, which its subcode tells apart.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any, Literal, NoReturn

from wasl.channels.base import InDoubt, PermanentFailure, Reason, TemporaryFailure, Unreached
from wasl.channels.provider import Said
from wasl.channels.values import objs

Way = Literal["wait", "settings", "final"]
"""Try later; not before an administrator did something; never."""

_SUBCODES: dict[int, tuple[Reason, Way]] = {
    2018065: (Reason.WINDOW_CLOSED, "final"),
    2018278: (Reason.WINDOW_CLOSED, "final"),
    2534022: (Reason.WINDOW_CLOSED, "final"),
    2018108: (Reason.STOPPED, "final"),
    2018027: (Reason.STOPPED, "final"),
    1545041: (Reason.STOPPED, "final"),
    2018001: (Reason.ADDRESS_UNKNOWN, "final"),
    2534014: (Reason.ADDRESS_UNKNOWN, "final"),
    2018109: (Reason.TOO_LARGE, "final"),
    2018022: (Reason.NOT_NOW, "wait"),
    2018028: (Reason.SIGN_IN, "settings"),
}
_CODES: dict[int, tuple[Reason, Way]] = {
    0: (Reason.SIGN_IN, "settings"),
    3: (Reason.SIGN_IN, "settings"),
    10: (Reason.SIGN_IN, "settings"),
    102: (Reason.SIGN_IN, "settings"),
    190: (Reason.SIGN_IN, "settings"),
    368: (Reason.ACCOUNT, "settings"),
    2022: (Reason.ACCOUNT, "settings"),
    1: (Reason.NOT_NOW, "wait"),
    2: (Reason.NOT_NOW, "wait"),
    4: (Reason.NOT_NOW, "wait"),
    17: (Reason.NOT_NOW, "wait"),
    32: (Reason.NOT_NOW, "wait"),
    341: (Reason.NOT_NOW, "wait"),
    613: (Reason.NOT_NOW, "wait"),
    1200: (Reason.NOT_NOW, "wait"),
    80002: (Reason.NOT_NOW, "wait"),
    80006: (Reason.NOT_NOW, "wait"),
    551: (Reason.STOPPED, "final"),
    100: (Reason.BAD_MESSAGE, "final"),
    506: (Reason.BAD_MESSAGE, "final"),
    10900: (Reason.BAD_MESSAGE, "final"),
    10903: (Reason.STOPPED, "final"),
}


def reason_of(code: int, subcode: int) -> tuple[Reason, Way]:
    """Why, for people, and what to do about it."""
    if known := _SUBCODES.get(subcode) or _CODES.get(code):
        return known
    if 200 <= code <= 299:
        return Reason.SIGN_IN, "settings"
    return Reason.OTHER, "final"


def error_of(said: Said) -> Mapping[str, Any]:
    """What the answer says went wrong; {} when it does not say."""
    error = said.body.get("error")
    return error if isinstance(error, dict) else {}


def number(value: Any) -> int:
    """A code as a number; -1 when it is none."""
    return value if isinstance(value, int) and not isinstance(value, bool) else -1


def wait_of(said: Said) -> float | None:
    """The seconds that Meta asks us to wait: plainly, or as the minutes until a limit of the business is lifted."""
    if said.retry_after is not None:
        return said.retry_after
    try:
        told = json.loads(said.headers.get("x-business-use-case-usage", ""))
    except (ValueError, RecursionError):
        return None
    uses = [use for found in told.values() for use in objs(found)] if isinstance(told, dict) else []
    minutes = [number(use.get("estimated_time_to_regain_access")) for use in uses]
    longest = max(minutes, default=0)
    return longest * 60.0 if longest > 0 else None


def fail(said: Said, *, sure: bool = False) -> NoReturn:
    """What an answer means that is no success. `sure`: nothing can have reached the customer."""
    error = error_of(said)
    if not error:
        if said.status == 429:
            raise TemporaryFailure("429", "", wait_of(said))
        if (said.status >= 500 or said.status < 300) and not sure:
            raise InDoubt(f"HTTP {said.status} without an explanation")
        raise TemporaryFailure(str(said.status), "no explanation", said.retry_after)
    code, subcode = number(error.get("code")), number(error.get("error_subcode"))
    shown = "/".join(str(each) for each in (code, subcode) if each >= 0)
    detail = str(error.get("message") or "")[:500]
    reason, way = reason_of(code, subcode)
    if way == "settings":
        raise Unreached(shown, detail, reason=reason)
    if way == "wait" or error.get("is_transient") is True or said.status == 429 or said.status >= 500:
        raise TemporaryFailure(shown, detail, wait_of(said), Reason.NOT_NOW)
    raise PermanentFailure(shown, detail, reason)
