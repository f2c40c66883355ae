"""Messages made to take time or memory."""

from __future__ import annotations

import time
from contextlib import suppress

import pytest

from tests.channels.messages import FROM, nested
from wasl.channels.base import Unparseable
from wasl.channels.email.mime import MAX_DEPTH
from wasl.channels.email.parse import _parse


def seconds(raw: bytes) -> float:
    started = time.process_time()
    with suppress(Unparseable):
        _parse(raw)
    return time.process_time() - started


HOSTILE = {
    "quotes": lambda size: FROM + b"To: " + b'"\\' * size + b"\r\n\r\nhi",
    "brackets": lambda size: FROM + b"To: " + b"(\\" * size + b"\r\n\r\nhi",
    "words": lambda size: FROM + b"Subject: " + b"=?x?q?" * size + b"\r\n\r\nhi",
    "parameters": lambda size: FROM + b"Content-Type: text/plain" + b';a="\\' * size + b"\r\n\r\nhi",
    "boundaries": lambda size: (
        FROM + b"Content-Type: multipart/mixed; boundary=a\r\n\r\n" + b"--ab\r\n" * size
    ),
    "open elements": lambda size: FROM + b"Content-Type: text/html\r\n\r\n" + b"<div>" * size,
    "closed by others": lambda size: FROM + b"Content-Type: text/html\r\n\r\n" + b"<a><div></a>" * size,
    "references": lambda size: FROM + b"Content-Type: text/html\r\n\r\n" + b"&" * size,
    "white space": lambda size: (
        FROM + b"Content-Type: text/html\r\n\r\n<pre>" + b" " * size + b"</pre>" * 999
    ),
    "bad UTF-8": lambda size: (
        FROM + b"Content-Type: text/plain; charset=utf-8\r\n\r\n" + b"\xd8\xb7\xff" * size
    ),
    "bad base64": lambda size: FROM + b"Content-Transfer-Encoding: base64\r\n\r\n" + b"=A" * size,
    "report": lambda size: FROM + b"Content-Type: message/delivery-status\r\n\r\n" + b"\r\n " * size,
}


@pytest.mark.parametrize("kind", HOSTILE)
def test_time_grows_with_length_and_not_with_its_square(kind: str) -> None:
    # A quadratic search takes minutes here; the slowest of these takes a third of a second.
    assert seconds(HOSTILE[kind](300_000)) < 5


def test_deep_and_long_at_once() -> None:
    assert seconds(FROM + nested(MAX_DEPTH) + b"\r\n" + b"--b\r\n" * 400_000) < 5
