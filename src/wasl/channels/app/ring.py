"""What a device is called with, and how such a call ends. Pure.

`Gone` ends a device's subscription; everything else is a `channels.base` failure.
"""

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any, Literal

from wasl.channels.base import Failure, PermanentFailure, Reason, TemporaryFailure
from wasl.channels.provider import Said

Kind = Literal["web", "fcm", "apns"]
KINDS: tuple[Kind, ...] = ("web", "fcm", "apns")
LIFE = 24 * 3600
"""Seconds for which a push service keeps what it cannot deliver."""
BODY = 1000
"""Letters of a text that a device shows; the list has the rest."""
CROWD = 60.0
"""Seconds to wait after "too many" without a word of how long (FCM, "Best practices": at least a minute)."""


class Why(StrEnum):
    """Why a device's subscription ended."""

    GONE = "gone"
    """The push service does not know it any more: uninstalled, notifications taken back, or replaced."""
    INVALID = "invalid"
    """It was never one: of another app, of another server, mistyped."""
    SIGNED_OUT = "signed_out"
    QUIET = "quiet"
    MANY = "many"
    """Newer ones took its place."""


@dataclass(frozen=True, slots=True)
class Device:
    """Where a device is called. `token` is FCM's or Apple's, or the address that a browser was given (RFC 8030, §5.2),
    with the browser's `key` and `auth` (RFC 8291)."""

    kind: Kind
    token: str = field(repr=False)
    key: bytes = field(default=b"", repr=False)
    auth: bytes = field(default=b"", repr=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class Notice:
    """What a device shows. `id` is the delivery's: the same again takes the place of the one before. `page` is opened
    by a touch."""

    id: str
    title: str
    text: str
    language: str = ""
    page: str = ""
    unread: int = 0

    @property
    def data(self) -> dict[str, str]:
        """What an app is given beside the texts."""
        return {"wasl": self.id, "page": self.page}


class Gone(Failure):
    """The device cannot be called any more."""

    def __init__(self, why: Why, code: str, detail: str = "") -> None:
        super().__init__(code, detail, Reason.ADDRESS_UNKNOWN)
        self.why = why


def failure(said: Said, code: str, detail: str) -> Failure:
    """What an answer means that says no more than its status (RFC 9110, 15)."""
    match said.status:
        case 429:
            return TemporaryFailure(code, detail, said.retry_after or CROWD)
        case 401 | 403:
            return PermanentFailure(code, detail, Reason.SIGN_IN)
        case 413:
            return PermanentFailure(code, detail, Reason.TOO_LARGE)
        case status if status >= 500 or status == 408:
            return TemporaryFailure(code, detail, said.retry_after)
        case status if 300 <= status < 400:
            return PermanentFailure(code, detail, Reason.ACCOUNT)
    return PermanentFailure(code, detail, Reason.BAD_MESSAGE)


def fitting(make: Callable[[int], Mapping[str, Any]], letters: int, most: int) -> bytes:
    """JSON of at most `most` bytes: what is made with so many letters of the text, or with fewer until it fits."""
    while True:
        made = json.dumps(make(letters), ensure_ascii=False, separators=(",", ":")).encode()
        if len(made) <= most or letters < 40:
            return made
        letters //= 2


def shortened(text: str, most: int = BODY) -> str:
    """The beginning of a text."""
    return text if len(text) <= most else text[: most - 1].rstrip() + "…"


def named(body: Mapping[str, Any], *path: str) -> Any:
    """A value deep in a JSON object; None when it is not there."""
    found: Any = body
    for name in path:
        found = found.get(name) if isinstance(found, dict) else None
    return found
