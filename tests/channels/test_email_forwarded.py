"""Mails passed on, as Gmail, Outlook, Apple Mail, Thunderbird and Yahoo write them in four languages."""

from __future__ import annotations

import re
import time
from pathlib import Path

import pytest

from wasl.channels.base import Address
from wasl.channels.email import authentic
from wasl.channels.email.forwarded import Forward, looks_like_one, read
from wasl.channels.email.parse import parse

AMAL = Address("Amal Khoury", "amal@example.net")
RANA = "From: Rana <rana@shop.example>\nTo: help@shop.example\nMessage-ID: <f@shop.example>\n"


def passed_on(text: str, subject: str = "Fwd: Lamp") -> Forward | None:
    message = parse(f"{RANA}Subject: {subject}\nContent-Type: text/plain; charset=utf-8\n\n{text}".encode())
    return read(message)


def written() -> dict[str, str]:
    """What each program writes, by its name and language."""
    parts = re.split(r"(?m)^==== (\S+)\n", (Path(__file__).parent / "forwards/programs.txt").read_text())
    return dict(zip(parts[1::2], parts[2::2], strict=True))


ALL = [pytest.param(text, id=name) for name, text in written().items()]


@pytest.mark.parametrize("text", ALL)
@pytest.mark.parametrize("comment", ["", "Can you take this one?\nHe is a good customer."])
def test_whose_it_was(text: str, comment: str) -> None:
    found = passed_on(f"{comment}\n\n{text}" if comment else text)
    assert found is not None
    inner = found.message
    assert (inner.sender, inner.subject, inner.text) == (AMAL, "Lamp", "The lamp is broken.\n\nAmal")
    assert [a.address for a in (*inner.to, *inner.cc)] == ["omar@example.org"]
    assert found.comment == comment
    assert (inner.message_id, inner.html, inner.references) == ("", "", ())


@pytest.mark.parametrize(
    "subject", ["Fwd: Lamp", "FW: Lamp", "TR : Lamp", "I: Lamp", "إعادة توجيه: Lamp", "Lamp"]
)
def test_the_mark_is_enough(subject: str) -> None:
    found = passed_on(written()["gmail-en"], subject)
    assert found is not None
    assert found.message.sender == AMAL


@pytest.mark.parametrize(
    "text",
    [
        "Hello,\n\nFrom: the shop to: my house\nwhat does it cost?\n",
        "From: Amal\nDate: today\nSubject: x\n\nno address\n",
        "From: amal@example.net\n\nonly one line\n",
        "Thank you\n",
        "",
    ],
)
def test_what_is_nobodys(text: str) -> None:
    assert passed_on(text) is None


def test_a_reply_with_a_header_below_is_no_forward() -> None:
    assert (
        passed_on(
            "Yes please.\n\nFrom: a@b.example\nSent: today\nTo: c@d.example\nSubject: x\n\nbefore", "Re: x"
        )
        is None
    )


def attached(inner: str) -> Forward | None:
    raw = (
        f"{RANA}Subject: see attached\nContent-Type: multipart/mixed; boundary=b\n\n--b\n\nPlease answer\n"
        f"--b\nContent-Type: message/rfc822\n\n{inner}\n--b\nContent-Type: application/pdf; name=a.pdf\n\n%PDF\n--b--\n"
    )
    message = parse(raw.encode())
    assert looks_like_one(message)
    return read(message)


def test_a_mail_attached_whole() -> None:
    found = attached(
        "From: Amal Khoury <amal@example.net>\nTo: rana@shop.example\nSubject: Lamp\nMessage-ID: <o@example.net>\n"
        "References: <q@example.net>\nDate: Mon, 5 Jan 2026 10:12:00 +0100\n\nThe lamp is broken.\n"
    )
    assert found is not None
    inner = found.message
    assert (inner.sender, inner.subject, inner.text, inner.message_id) == (
        AMAL,
        "Lamp",
        "The lamp is broken.",
        "o@example.net",
    )
    assert (inner.references, inner.to, found.comment) == (("q@example.net",), (), "Please answer")
    assert [part.filename for part in inner.parts] == ["a.pdf"]


def test_what_is_attached_and_is_no_mail_of_a_person() -> None:
    assert attached("nothing\n") is None
    assert (
        attached("From: MAILER-DAEMON@mx.example\nSubject: Undelivered Mail\n\nno such user <a@b.example>")
        is None
    )


DMARC = "mx.shop.example; dkim=pass header.d=shop.example; dmarc=pass (p=none) header.from=shop.example"


@pytest.mark.parametrize(
    ("results", "proved"),
    [
        (DMARC, True),
        ("MX.shop.example 1; spf=pass smtp.mailfrom=rana@shop.example", True),
        ("mx.shop.example; dkim=pass header.i=@shop.example", True),
        ("mx.shop.example; dkim=pass header.d=example", False),
        ("mx.shop.example; dkim=pass header.d=evil.example", False),
        ("mx.shop.example; dmarc=pass header.from=evil.example", False),
        ("mx.shop.example; dmarc=fail header.from=shop.example", False),
        ("mx.shop.example; none", False),
        ("mx.evil.example; dmarc=pass header.from=shop.example", False),
        ("(mx.shop.example; dmarc=pass) mx.evil.example; dmarc=pass header.from=shop.example", False),
        ("", False),
    ],
)
def test_what_our_mail_server_says_counts_and_nobody_elses(results: str, proved: bool) -> None:
    field = f"Authentication-Results: {results}\n" if results else ""
    message = parse(f"{field}{RANA}\nhi".encode())
    assert authentic.is_from(message, ("mx.shop.example",)) is proved
    assert not authentic.is_from(message, ())


def test_only_the_topmost_counts() -> None:
    message = parse(
        f"Authentication-Results: mx.evil.example; none\nAuthentication-Results: {DMARC}\n{RANA}\nhi".encode()
    )
    assert not authentic.is_from(message, ("mx.shop.example",))


@pytest.mark.parametrize(
    "text", ["From: x\n" * 20_000, "> " * 50_000, "From: a@b.example\nTo: " + "a@b.example, " * 20_000]
)
def test_a_forward_made_to_cost_time_costs_little(text: str) -> None:
    message = parse(f"{RANA}Subject: Fwd: x\n\n{text}".encode())
    before = time.process_time()
    assert read(message) is None
    assert time.process_time() - before < 1.5
