"""Whatever comes in: read, or refused for a reason; and what is read can be stored and sent on."""

from __future__ import annotations

import functools
import string
from pathlib import Path

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from tests.channels.conftest import SAMPLES
from wasl.channels.base import ParsedMessage, Unparseable
from wasl.channels.email.html import to_text
from wasl.channels.email.parse import _parse

# `_parse` and not `parse`: that one makes a reason of every mistake, here a mistake must show.


def texts(message: ParsedMessage) -> list[str]:
    found = [message.text, message.html, *message.defects]
    if message.bounce:
        found.append(message.bounce.diagnostic)
    return found


def one_liners(message: ParsedMessage) -> list[str]:
    people = (message.sender, *message.to, *message.cc, *message.reply_to)
    found = [message.subject, message.message_id, *message.in_reply_to, *message.references]
    found += [text for person in people for text in (person.name, person.address, person.identity_key)]
    for part in message.parts:
        found += [part.filename, part.content_type, part.content_id]
    if message.bounce:
        bounce = message.bounce
        found += [bounce.recipient, bounce.status, bounce.diagnostic, bounce.original_message_id]
    return found


def check(raw: bytes) -> None:
    try:
        message = _parse(raw)
    except Unparseable:
        return
    for text in (*texts(message), *one_liners(message)):
        text.encode("utf-8")
        assert "\x00" not in text
    for text in one_liners(message):
        assert len(text.splitlines()) <= 1
    assert message.bounce or "@" in message.sender.address
    assert message.text or not to_text(message.html)
    assert message.sent_at is None or message.sent_at.utcoffset() is not None
    assert all(
        part.filename and "/" in part.content_type and "/" not in part.filename for part in message.parts
    )
    assert " src=" not in message.html


FIELDS = st.sampled_from(
    [
        *(b"From: a@b.example", b"To: ", b"Subject: ", b"Date: ", b"Message-ID: <", b"References: <a@b> "),
        *(
            b"Content-Type: multipart/mixed; boundary=x",
            b"Content-Type: text/html; charset=",
            b"Content-Type: ",
        ),
        *(b"Content-Type: message/delivery-status", b"Content-Type: multipart/report; boundary=x"),
        *(b"Content-Transfer-Encoding: base64", b"Content-Transfer-Encoding: quoted-printable"),
        *(b"Content-Disposition: attachment; filename*0*=utf-8''", b"Content-ID: <", b"Auto-Submitted: "),
        *(
            b"--x",
            b"--x--",
            b"",
            b"",
            b"=?utf-8?Q?",
            b"=?gb2312?B?",
            b"?=",
            b" ",
            b"\t",
            b"Final-Recipient: ",
        ),
        *(
            b"Action: failed",
            b"utf-7",
            b"utf-16",
            b"<p>",
            b"<img src=cid:x>",
            b"<a href=//x>",
            b'"',
            b"(",
            b"<",
            b",",
        ),
    ]
)
PIECE = (
    FIELDS | st.binary(max_size=12) | st.text(max_size=8).map(lambda text: text.encode("utf-8", "replace"))
)
BREAK = st.sampled_from([b"\r\n", b"\n", b"\r", b"\r\n\r\n", b"", b"\x00", b"; ", b" "])


@settings(max_examples=400, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(st.lists(st.tuples(PIECE, BREAK), max_size=30))
def test_messages_put_together_from_pieces(pieces: list[tuple[bytes, bytes]]) -> None:
    check(b"From: a@b.example\r\n" + b"".join(piece + end for piece, end in pieces))


@settings(max_examples=200, deadline=None)
@given(st.binary(max_size=400))
@example(b"From: \x00@\x00")
@example(b"\n\n\n")
def test_any_bytes(raw: bytes) -> None:
    check(raw)
    check(b"From: a@b.example\r\nSubject: " + raw)
    check(b"From: a@b.example\r\nContent-Type: text/html; charset=utf-8\r\n\r\n" + raw)


NAMES = """utf-8 utf-7 utf-16 utf-32 iso-8859-1 windows-1256 iso-2022-jp hz gb2312 shift_jis big5 euc-kr koi8-r
cp1252 mac-roman johab punycode idna zlib unicode_escape undefined x-unknown ''"""
CHARSETS = st.sampled_from(NAMES.split()) | st.text(string.printable, max_size=10)


@settings(max_examples=300, deadline=None)
@given(CHARSETS, st.binary(max_size=120))
def test_any_bytes_in_any_charset(charset: str, data: bytes) -> None:
    named = charset.encode("ascii")
    check(b"From: a@b.example\r\nContent-Type: text/plain; charset=" + named + b"\r\n\r\n" + data)
    word = b"=?" + named + b"?Q?" + b"".join(b"=%02X" % byte for byte in data) + b"?="
    check(b"From: " + word + b" <a@b.example>\r\nSubject: " + word + b"\r\n\r\n")


@functools.cache
def real() -> list[bytes]:
    paths: list[Path] = sorted([*SAMPLES.glob("mime/*/*.eml"), *SAMPLES.glob("bounces/*.eml")])
    return [path.read_bytes() for path in paths if path.stat().st_size < 20_000]


@pytest.mark.usefixtures("samples")
@settings(
    max_examples=500,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(st.data())
def test_real_messages_damaged(data: st.DataObject) -> None:
    messages = real()
    raw = bytearray(messages[data.draw(st.integers(0, len(messages) - 1))])
    for _ in range(data.draw(st.integers(1, 6))):
        at = data.draw(st.integers(0, len(raw)))
        length = data.draw(st.integers(0, 60))
        how = data.draw(st.sampled_from(["cut", "put", "swap", "double", "end"]))
        if how == "cut":
            del raw[at : at + length]
        elif how == "put":
            raw[at:at] = data.draw(st.binary(max_size=8) | FIELDS)
        elif how == "swap":
            raw[at : at + 1] = bytes([data.draw(st.integers(0, 255))])
        elif how == "double":
            raw[at:at] = raw[at : at + length]
        else:
            del raw[at:]
    check(bytes(raw))
