"""Messages we write, read by the standard library and by ourselves."""

from __future__ import annotations

import email.policy
import re
from dataclasses import replace
from datetime import UTC, datetime, timedelta, timezone
from email.message import EmailMessage
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from wasl.channels.base import Address, OutboundMessage, Part
from wasl.channels.email.compose import compose, direction, trim_references
from wasl.channels.email.parse import parse

PLAIN = OutboundMessage(
    message_id="m1@shop.example",
    date=datetime(2025, 11, 3, 12, tzinfo=timezone(timedelta(hours=2))),
    from_=Address("Wasl Shop", "help@shop.example"),
    to=(Address("Amal Khoury", "amal@example.net"),),
    subject="Your order",
    text="Hello Amal,\n\nit is on its way: https://shop.example/t?a=1&b=2\n\nBest wishes",
    language="en",
)
ARABIC = replace(
    PLAIN,
    from_=Address("متجر وصل", "help@shop.example"),
    to=(Address('أمل "أم كريم" خوري', "amal@example.net"), Address("", "omar@example.net")),
    cc=(Address("Sami, Jr.", "sami@example.net"),),
    reply_to=Address("متجر وصل", "help+r123@shop.example"),
    subject="رد: طلبك رقم ١٠٤٢ في الطريق إليك وسيصل خلال يومين إن شاء الله تعالى",
    text="مرحبا أمل،\n\nطلبك في الطريق.\nشكرا لصبرك",
    language="ar",
    in_reply_to=("c1@example.net",),
    references=("c0@example.net", "c1@example.net"),
)


def read(message: OutboundMessage) -> EmailMessage:
    """By the standard library, which counts as someone else."""
    found = email.message_from_bytes(compose(message), policy=email.policy.default)
    assert isinstance(found, EmailMessage)
    assert not found.defects
    return found


def content(message: EmailMessage, kind: str) -> str:
    part = message.get_body((kind,))
    assert part is not None
    text: Any = part.get_content()
    return str(text).replace("\r\n", "\n").strip()


def test_a_plain_message() -> None:
    found = read(PLAIN)
    assert found["From"] == "Wasl Shop <help@shop.example>"
    assert found["Subject"] == "Your order"
    assert found["Date"].datetime == PLAIN.date
    assert found["Message-ID"] == "<m1@shop.example>"
    assert found["Content-Language"] == "en"
    assert [found[name] for name in ("In-Reply-To", "References", "Auto-Submitted", "Cc", "Reply-To")] == [
        None
    ] * 5
    assert content(found, "plain") == PLAIN.text
    page = content(found, "html")
    assert '<html lang="en" dir="ltr">' in page
    assert '<a href="https://shop.example/t?a=1&amp;b=2">' in page


def test_an_arabic_message_goes_from_right_to_left() -> None:
    found = read(ARABIC)
    assert found["From"].addresses[0].display_name == "متجر وصل"
    assert [each.display_name for each in found["To"].addresses] == ['أمل "أم كريم" خوري', ""]
    assert found["Cc"].addresses[0].display_name == "Sami, Jr."
    assert found["Subject"] == ARABIC.subject
    assert found["References"].split() == ["<c0@example.net>", "<c1@example.net>"]
    assert content(found, "plain") == ARABIC.text
    assert '<html lang="ar" dir="rtl">' in content(found, "html")


@pytest.mark.parametrize("message", [PLAIN, ARABIC])
def test_what_we_write_we_read(message: OutboundMessage) -> None:
    found = parse(compose(message))
    assert (found.sender, found.to, found.cc) == (message.from_, message.to, message.cc)
    assert (found.subject, found.text) == (message.subject, message.text)
    assert (found.message_id, found.in_reply_to) == (message.message_id, message.in_reply_to)
    assert found.references == message.references
    assert found.sent_at == message.date.astimezone(UTC)
    assert (found.language, found.auto, found.defects) == (message.language, "", ())


def test_the_same_message_is_the_same_bytes_and_another_is_not() -> None:
    message = replace(ARABIC, parts=(Part("a.pdf", "application/pdf", b"%PDF"),))
    assert compose(message) == compose(replace(message))
    lines = compose(message).split(b"\r\n")
    other = compose(replace(message, message_id="m2@shop.example")).split(b"\r\n")
    boundaries = {line for line in lines if line.startswith(b"--=_")}
    assert boundaries
    assert boundaries.isdisjoint(other)


@pytest.mark.parametrize("message", [PLAIN, ARABIC])
def test_lines_are_short_ascii_and_end_in_crlf(message: OutboundMessage) -> None:
    long = replace(
        message, text=message.text + "\n" + "word " * 3000, references=tuple(f"{n}@x" for n in range(99))
    )
    raw = compose(long)
    assert raw.isascii()
    assert raw.count(b"\n") == raw.count(b"\r\n") == raw.count(b"\r")
    assert max(map(len, raw.split(b"\r\n"))) <= 998
    header = raw.partition(b"\r\n\r\n")[0].split(b"\r\n")
    assert max(map(len, header)) <= 78
    assert content(read(long), "plain").split() == long.text.split()


def test_references_keep_the_first_and_the_last() -> None:
    chain = tuple(f"{number}@x" for number in range(50))
    trimmed = trim_references(chain, ("answered@x",))
    assert len(trimmed) == 20
    assert (trimmed[0], trimmed[-2:]) == ("0@x", ("49@x", "answered@x"))
    assert trim_references(("a@x", "b@x", "a@x"), ("a@x",)) == ("b@x", "a@x")


def test_attachments_keep_name_type_and_bytes() -> None:
    parts = (
        Part("plain.pdf", "application/pdf", bytes(range(256))),
        Part("فاتورة شهر آذار.pdf", "application/pdf", b"%PDF"),
        Part('quo"te;.txt', "text/plain", b"x\n"),
        Part("é" * 200 + ".txt", "text/plain", b"long name"),
        Part("forward.eml", "message/rfc822", b"From: a@b.example\n\nhello\n"),
        Part("binary.eml", "message/rfc822", b"From: a@b.example\n\n\xff"),
        Part("odd", "no type", b"?"),
    )
    message = replace(PLAIN, parts=parts)
    ours = parse(compose(message)).parts
    assert [part.filename for part in ours[:3]] == [part.filename for part in parts[:3]]
    assert [part.content for part in ours[:4]] == [part.content for part in parts[:4]]
    assert ours[4].content == b"From: a@b.example\r\n\r\nhello\r\n"
    assert [part.content_type for part in ours[4:]] == ["message/rfc822", *["application/octet-stream"] * 2]
    theirs = [part.get_filename() for part in read(message).iter_attachments()]
    assert theirs == [part.filename for part in parts]


def test_inline_images_lie_beside_the_html() -> None:
    image = Part("logo.png", "image/png", b"PNG", "logo@shop", inline=True)
    message = replace(PLAIN, html='<p>Hi <img src="cid:logo@shop"></p>', parts=(image,))
    found = parse(compose(message))
    assert found.html == '<p>Hi <img data-cid="logo@shop"></p>'
    assert found.parts == (image,)
    assert content(read(message), "plain") == PLAIN.text


def test_html_of_our_own_is_wrapped_once() -> None:
    assert "<p>own</p>" in content(read(replace(PLAIN, html="<p>own</p>")), "html")
    whole = "<!DOCTYPE html><html><body>own</body></html>"
    assert content(read(replace(PLAIN, html=whole)), "html") == whole


@pytest.mark.parametrize("end", ["\r\n", "\n", "\r", "\x00", "\u2028", "\x0b", "\x85"])
@pytest.mark.parametrize("field", ["subject", "from", "to", "reply_to", "header", "file", "language"])
def test_no_value_breaks_out_of_its_header(field: str, end: str) -> None:
    evil = f"x{end}Bcc: victim@example.net"
    every: dict[str, dict[str, Any]] = {
        "subject": {"subject": evil},
        "from": {"from_": Address(evil, "a@b.example")},
        "to": {"to": (Address("", f"a@b.example{end}Bcc: c@d.example"),)},
        "reply_to": {"reply_to": Address(evil, "a@b.example")},
        "header": {"headers": (("X-Shop", evil),)},
        "file": {"parts": (Part(evil, "text/plain", b""),)},
        "language": {"language": evil},
    }
    with pytest.raises(ValueError, match=r"control character|not a mail address"):
        compose(replace(PLAIN, **every[field]))


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"message_id": "a b"}, "Message-ID is not a message identifier"),
        ({"message_id": ""}, "Message-ID is not a message identifier"),
        ({"message_id": "a>\r\nBcc: x"}, "Message-ID is not a message identifier"),
        ({"references": ("<a>",)}, "References is not a message identifier"),
        ({"in_reply_to": ("a\nb",)}, "In-Reply-To is not a message identifier"),
        ({"to": ()}, "no recipient"),
        ({"to": (Address("", "nobody"),)}, "To is not a mail address"),
        ({"to": (Address("", "a@b.example, c@d.example"),)}, "To is not a mail address"),
        ({"from_": Address("x", "")}, "From is not a mail address"),
        ({"headers": (("Bcc", "x@y.example"),)}, "not a header that can be added"),
        ({"headers": (("subject", "again"),)}, "not a header that can be added"),
        ({"headers": (("X Y", "z"),)}, "not a header that can be added"),
        ({"headers": (("X:\r\nY", "z"),)}, "not a header that can be added"),
        ({"date": datetime(2025, 1, 1)}, "time zone"),  # noqa: DTZ001
        ({"parts": (Part("a", "image/png", b"", "a>b", inline=True),)}, "Content-ID is not"),
    ],
)
def test_mistakes_are_told_in_words(changes: dict[str, Any], words: str) -> None:
    with pytest.raises(ValueError, match=words):
        compose(replace(PLAIN, **changes))


def test_added_headers_are_written() -> None:
    message = replace(PLAIN, headers=(("List-Unsubscribe", "<mailto:x@shop.example>"), ("X-Note", "für")))
    assert read(message)["List-Unsubscribe"] == "<mailto:x@shop.example>"
    assert read(message)["X-Note"] == "für"


def test_direction() -> None:
    assert [
        direction(*case)
        for case in (("ar", ""), ("ar-LB", ""), ("fr", "مرحبا"), ("", "12 مرحبا"), ("", "a"), ("", ""))
    ] == [
        *("rtl", "rtl", "ltr", "rtl", "ltr", "ltr"),
    ]


LINE = st.text(st.characters(exclude_categories=("Cs", "Cc", "Zl", "Zp")), max_size=200)
TEXT = st.text(st.characters(exclude_categories=("Cs", "Cc")) | st.sampled_from("\n\n=. "), max_size=400)


def trimmed(name: str) -> str:
    """Without the quotes and the white space, of any script, that reading takes off the ends."""
    return re.sub(r"^[\s\"']+|[\s\"']+$", "", name)


@settings(max_examples=150, deadline=None)
@given(subject=LINE, name=LINE, text=TEXT, filename=LINE, data=st.binary(max_size=300))
def test_anything_written_is_read_back(
    subject: str, name: str, text: str, filename: str, data: bytes
) -> None:
    person = Address(name, "amal@example.net")
    part = Part(filename, "application/x-test", data)
    raw = compose(replace(PLAIN, subject=subject, to=(person,), text=text, parts=(part,)))
    assert max(map(len, raw.split(b"\r\n"))) <= 998
    found = parse(raw)
    assert " ".join(found.subject.split()) == " ".join(subject.split())
    assert "".join(found.text.split()) == "".join(text.split())
    assert found.parts[0].content == data
    assert found.to[0].address == person.address
    assert trimmed(found.to[0].name) == trimmed(trimmed(name)[:250])
