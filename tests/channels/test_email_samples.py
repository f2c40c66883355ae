"""Every message of the development data: the RFCs' own with their expected parse, real ones, bounces."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from wasl.channels.base import ParsedMessage, Unparseable, Unread
from wasl.channels.email import html
from wasl.channels.email.parse import _parse, parse

EXAMPLES = [f"{number:03}" for number in range(10)]


def field(expected: dict[str, Any], name: str) -> Any:
    headers = expected["parts"][0]["headers"]
    return next((header["value"] for header in headers if header["name"] == name), None)


def shown(expected: dict[str, Any], indexes: list[int]) -> str:
    """The text parts an independent parser would show, put together as ours are."""
    pieces = []
    for index in indexes:
        body = expected["parts"][index]["body"]
        if "Text" in body:
            pieces.append(body["Text"].replace("\r\n", "\n").strip())
        elif "Html" in body:
            pieces.append(html.to_text(html.sanitise(body["Html"]).html))
    return "\n\n".join(filter(None, pieces))


def squeezed(text: str) -> list[str]:
    return text.split()


def read_example(samples: Path, name: str) -> tuple[ParsedMessage, dict[str, Any]]:
    raw = (samples / f"mime/rfc/{name}.eml").read_bytes()
    expected = json.loads((samples / f"mime/rfc/{name}.json").read_text())
    author = field(expected, "from")
    if author is None or "@" not in str(author):
        with pytest.raises(Unparseable) as refused:
            parse(raw)
        assert refused.value.reason is Unread.NO_SENDER
        raw = b"Sender: someone@example.org\r\n" + raw
    return parse(raw), expected


@pytest.mark.parametrize("name", EXAMPLES)
def test_the_rfcs_own_messages_read_as_expected(samples: Path, name: str) -> None:
    message, expected = read_example(samples, name)
    subject = field(expected, "subject")
    assert message.subject == (subject["Text"] if subject else "")
    author = field(expected, "from")
    if author and "@" in str(author):
        first = author["Address"]["List"][0]
        assert message.sender.address == first["address"]
        assert message.sender.name == (first["name"] or "")
    assert squeezed(message.text) == squeezed(shown(expected, expected["text_body"]))
    assert len(message.parts) == len(expected["attachments"])


def test_the_files_of_an_rfc_message_are_what_they_were(samples: Path) -> None:
    message, expected = read_example(samples, "003")
    for part, index in zip(message.parts, expected["attachments"], strict=True):
        body = expected["parts"][index]["body"]
        if "Text" in body:
            assert squeezed(part.content.decode()) == squeezed(body["Text"])


def every(samples: Path) -> list[Path]:
    return sorted([*samples.glob("mime/*/*.eml"), *samples.glob("bounces/**/*.eml")])


def test_every_message_is_read_or_put_aside_for_a_reason(samples: Path) -> None:
    put_aside = {}
    files = every(samples)
    for path in files:
        try:
            message = _parse(path.read_bytes())
        except Unparseable as refused:
            put_aside[path.name] = refused.reason
        else:
            assert message.text or message.parts or path.stat().st_size < 3000, path
            assert "\x00" not in message.text + message.html + message.subject
    assert len(files) > 300
    assert put_aside == dict.fromkeys(("001.eml", "004.eml", "007.eml", "008.eml"), Unread.NO_SENDER)


def test_every_well_formed_report_says_what_happened(samples: Path) -> None:
    reports = 0
    for path in sorted(samples.glob("bounces/*.eml")):
        raw = path.read_bytes()
        report = parse(raw).bounce
        if b"message/delivery-status" not in raw or b"\nFinal-Recipient:" not in raw:
            continue
        assert report is not None, path.name
        if report.kind != "unknown":
            reports += 1
            assert report.recipient, path.name
    assert reports > 140


def test_what_is_no_bounce_is_not_taken_for_one(samples: Path) -> None:
    found = [parse(path.read_bytes()).bounce for path in sorted(samples.glob("bounces/not-bounces/*.eml"))]
    assert found == [None] * 3


@pytest.mark.parametrize(
    ("name", "kind", "recipient", "status", "original"),
    [
        ("lhost-postfix-28", "failed", "kijitora@gmail.example.com", "5.7.1", "20170511082043.260A0D29197@"),
        ("arf-16", "complaint", "kijitora@example.com", "", "ffffffffffffffffffffffff0000000@example.jp"),
        ("lhost-office365-08", "failed", "nyaan@neko.example.jp", "5.4.316", "SLXP216MB0381"),
    ],
)
def test_reports_of_known_mailers(
    samples: Path, name: str, kind: str, recipient: str, status: str, original: str
) -> None:
    message = parse((samples / f"bounces/{name}.eml").read_bytes())
    assert message.auto in ("auto-replied", "auto-generated")
    assert message.bounce is not None
    assert (message.bounce.kind, message.bounce.recipient, message.bounce.status) == (kind, recipient, status)
    assert message.bounce.original_message_id.startswith(original)
