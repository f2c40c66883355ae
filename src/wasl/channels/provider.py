"""Calls to providers' HTTP APIs, with their ends as a delivery understands them."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from django.utils.translation import gettext_noop as _

from wasl.channels.base import InDoubt, PermanentFailure, Reason, TemporaryFailure, Unreached
from wasl.kit import outside
from wasl.kit.outside import NotCalled, Refusal

TIMEOUT = 20.0
ANSWER = 256 * 1024
FILE = 110_000_000
"""Bytes of a provider's answer, and of a file that it holds for us, that are read at most."""

_MAYBE_TAKEN = frozenset({Refusal.TIMEOUT, Refusal.BROKEN})


@dataclass(frozen=True, slots=True)
class Said:
    """A provider's answer: `body` is what its JSON says, {} when it is none."""

    status: int
    body: Mapping[str, Any]
    headers: Mapping[str, str]
    raw: bytes = b""

    @property
    def retry_after(self) -> float | None:
        """The seconds that it asks us to wait (RFC 9110, 10.2.3); dates are not looked at."""
        try:
            return max(0.0, float(self.headers.get("retry-after", "")))
        except ValueError:
            return None


def ask(
    method: str,
    url: str,
    *,
    data: Mapping[str, Any] | None = None,
    body: bytes | None = None,
    headers: Mapping[str, str],
    private: bool,
    most: int = ANSWER,
    changes: bool = True,
) -> Said:
    """Call a provider, with `data` as JSON or `body` as it is.

    Raises Unreached when the call was not made; InDoubt when it may have been taken, unless it `changes` nothing; for a
    file that is larger than FILE PermanentFailure, for one that breaks off TemporaryFailure.
    """
    sent = {"Accept": "application/json", **headers}
    if data is not None:
        body = json.dumps(data, ensure_ascii=False).encode()
        sent["Content-Type"] = "application/json"
    try:
        answer = outside.call(method, url, body, sent, timeout=TIMEOUT, most=most, private=private)
    except NotCalled as error:
        detail = " ".join(filter(None, (str(error.reason), error.detail)))
        if changes and error.reason in _MAYBE_TAKEN:
            raise InDoubt(detail) from error
        raise Unreached("", detail, reason=Reason.UNREACHABLE) from error
    if most == FILE and answer.status == 200:
        _whole(answer.body, answer.headers)
    return Said(answer.status, parsed(answer.body), answer.headers, answer.body)


def _whole(content: bytes, headers: Mapping[str, str]) -> None:
    length = headers.get("content-length", "")
    said = int(length) if length.isascii() and length.isdigit() else len(content)
    if max(said, len(content)) >= FILE:
        raise PermanentFailure("", f"more than {FILE} bytes", Reason.TOO_LARGE)
    if said > len(content):
        raise TemporaryFailure("", "the file is not whole")


def astray(said: Said) -> str:
    """What to do, in a try, about an answer that tells nothing of keys: another program's, or one of a bad hour."""
    if said.status == 429 or said.status >= 500:
        return _("Try again in a minute.")
    return _("Check the API address: what answers there is not the provider’s API.")


def parsed(body: bytes) -> Mapping[str, Any]:
    """The object that an answer is in JSON; {} when it is none."""
    try:
        found = json.loads(body)
    except (ValueError, RecursionError):
        return {}
    return found if isinstance(found, dict) else {}
