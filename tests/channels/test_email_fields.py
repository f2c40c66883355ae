"""What is read out of header fields, the wrong ones above all."""

from __future__ import annotations

import base64
from datetime import UTC, datetime

import pytest

from tests.channels.messages import mail
from wasl.channels.base import Unparseable, Unread
from wasl.channels.email.parse import _parse


@pytest.mark.parametrize(
    ("raw", "text"),
    [
        (b"=?utf-8?B?2LfZhNio2Yo=?=", "طلبي"),
        (b"=?UTF-8?Q?Caf=C3=A9_cr=C3=A8me?=", "Café crème"),
        (b"=?utf-8?B?2LfZhA==?= =?utf-8?B?2KjZig==?=", "طلبي"),
        (b"Re: =?utf-8?Q?=C3=A9t=C3=A9?= 2025", "Re: été 2025"),
        (b"=?utf-8?Q?=D8?= =?utf-8?Q?=B7?=", "ط"),  # split inside a character
        (b"=?iso-8859-1?Q?=E9?= =?utf-8?Q?=C3=A9?=", "éé"),
        (b"=?utf-8?B?2LfZhNio2Yo?=", "طلبي"),  # no padding
        (b"=?utf-8?Q?with space inside?=", "with space inside"),
        (b"=?utf-8?Q?why?_now?=", "why? now"),
        (b"=?utf-8*fr?Q?=C3=A9t=C3=A9?=", "été"),  # RFC 2231, 5
        (b"=?klingon?Q?caf=E9?=", "café"),
        (b"=?utf-8?X?abc?=", "=?utf-8?X?abc?="),
        (b"=?utf-8?B?unclosed", "=?utf-8?B?unclosed"),
        ("déjà".encode(), "déjà"),
        ("déjà".encode("cp1252"), "déjà"),
        (b"", ""),
    ],
)
def test_subjects(raw: bytes, text: str) -> None:
    assert mail(b"Subject: " + raw).subject == text


@pytest.mark.parametrize(
    "hidden",
    [b"\r\nBcc: x@y.example", b"\nBcc: x@y.example", b"\rBcc: x@y.example", "\u2028Bcc:".encode(), b"\x85"],
)
def test_no_line_break_comes_out_of_a_header(hidden: bytes) -> None:
    word = b"=?utf-8?B?" + base64.b64encode(b"a" + hidden) + b"?="
    message = _parse(
        b"From: "
        + word
        + b' <amal@example.net>\r\nTo: "'
        + word
        + b'" <b@c.example>\r\nSubject: '
        + word
        + b"\r\n"
        b"Message-ID: <a" + word + b"b@c>\r\n"
        b"Content-Disposition: attachment; filename*=utf-8''a%0D%0AX%3A\r\n\r\n"
    )
    values = [message.sender.name, message.to[0].name, message.subject, message.message_id]
    values += [part.filename for part in message.parts]
    assert len(values) == 5
    assert all(len(value.splitlines()) <= 1 for value in values)


@pytest.mark.parametrize(
    ("field", "expected"),
    [
        ("amal@example.net", [("", "amal@example.net")]),
        ("<amal@example.net>", [("", "amal@example.net")]),
        ("amal@example.net (Amal Khoury)", [("Amal Khoury", "amal@example.net")]),
        ('"Khoury, Amal" <a@b.example>, x@y.example', [("Khoury, Amal", "a@b.example"), ("", "x@y.example")]),
        ("'Amal' <a@b.example>", [("Amal", "a@b.example")]),
        ('"Amal \\"K\\" Khoury" <a@b.example>', [('Amal "K" Khoury', "a@b.example")]),
        ("=?utf-8?B?2KPZhdmELCDYrg==?= <a@b.example>", [("أمل, خ", "a@b.example")]),
        ('"=?utf-8?B?2KPZhdmE?=" <a@b.example>', [("أمل", "a@b.example")]),
        (
            "Friends: a@b.example, Bob <c@d.example>;, e@f.example",
            [("", "a@b.example"), ("Bob", "c@d.example"), ("", "e@f.example")],
        ),
        ("undisclosed-recipients:;", []),
        ("a@b.example; c@d.example", [("", "a@b.example"), ("", "c@d.example")]),
        ("a@b.example <c@d.example>", [("a@b.example", "c@d.example")]),
        ('"john.doe"@example.net', [("", '"john.doe"@example.net')]),
        ('"john doe"@example.net', []),
        ("amal @ example.net", []),
        ("Amal <amal @ example.net>", [("Amal", "amal@example.net")]),
        ("<@relay.example,@b.example:a@c.example>", [("", "a@c.example")]),
        ("<mailto:a@b.example>", [("", "a@b.example")]),
        ("Whomever", []),
        ("<>", []),
        ("a@b@c.example", []),
        ('"unclosed <a@b.example>, c@d.example', [("unclosed", "a@b.example"), ("", "c@d.example")]),
        ("(unclosed a@b.example", [("unclosed", "a@b.example")]),
        ("info@مثال.إختبار", [("", "info@xn--mgbh0fb.xn--kgbechtv")]),
        ("Amal  <a@b.example >", [("Amal", "a@b.example")]),
        (",,, ,", []),
    ],
)
def test_address_lists(field: str, expected: list[tuple[str, str]]) -> None:
    found = mail(b"To: " + field.encode()).to
    assert [(each.name, each.address) for each in found] == expected


def test_ten_thousand_recipients_are_cut_and_noted() -> None:
    field = ", ".join(f'"Person {number}" <p{number}@example.net>' for number in range(10_000))
    message = mail(b"To: " + field.encode())
    assert len(message.to) == 1_000
    assert "recipients_cut" in message.defects


def test_who_wrote() -> None:
    assert mail(b"Sender: s@example.net", author=b"").sender.address == "s@example.net"
    assert mail(b"Sender: s@example.net", author=b"From: Nobody\r\n").sender.address == "s@example.net"
    assert mail(b"Return-Path: <r@example.net>", author=b"").sender.address == "r@example.net"
    assert "from_missing" in mail(b"Return-Path: <r@example.net>", author=b"").defects
    repeated = mail(b"From: second@example.net")
    assert (repeated.sender.address, repeated.defects[0]) == ("amal@example.net", "date_missing")
    assert "from_repeated" in repeated.defects


def test_reply_to_is_never_who_wrote() -> None:
    with pytest.raises(Unparseable) as refused:
        mail(b"Reply-To: victim@example.net", author=b"")
    assert refused.value.reason is Unread.NO_SENDER


@pytest.mark.parametrize(
    ("field", "expected"),
    [
        (b"<a@b>", "a@b"),
        (b"a@b", "a@b"),
        (b"<a@b> <c@d>", "a@b"),
        (b"", ""),
        (b"<>", ""),
        (b"< >", ""),
        (b"<a b@c>", "b@c"),
        (b"=?utf-8?Q?<a@b>?=", "a@b"),
    ],
)
def test_message_ids(field: bytes, expected: str) -> None:
    message = mail(b"Message-ID: " + field)
    assert message.message_id == expected
    assert ("message_id_missing" in message.defects) == (not message.message_id)


def test_a_repeated_message_id_counts_once_and_is_noted() -> None:
    message = mail(b"Message-ID: <one@a>", b"Message-ID: <two@a>")
    assert message.message_id == "one@a"
    assert "message_id_repeated" in message.defects


def test_a_long_chain_of_references_keeps_its_first_and_its_last() -> None:
    chain = b" ".join(b"<%d@a.example>" % number for number in range(500))
    references = mail(b"References: " + chain).references
    assert references[0] == "0@a.example"
    assert references[-1] == "499@a.example"
    assert len(references) == 100


@pytest.mark.parametrize(
    ("field", "expected"),
    [
        (b"Mon, 3 Nov 2025 11:00:00 +0100", datetime(2025, 11, 3, 10, tzinfo=UTC)),
        (b"3 Nov 2025 11:00:00 GMT", datetime(2025, 11, 3, 11, tzinfo=UTC)),
        (b"Mon, 03 Nov 2025 11:00:00 -0330 (NST)", datetime(2025, 11, 3, 14, 30, tzinfo=UTC)),
        (b"Mon, 3 Nov 25 11:00 +0100", datetime(2025, 11, 3, 10, tzinfo=UTC)),
        (b"Mon, 3 Nov 2025 11:00:60 +0000", datetime(2025, 11, 3, 11, 0, 59, tzinfo=UTC)),
        (b"yesterday", None),
        (b"Mon, 35 Nov 2025 11:00:00 +0100", None),
        (b"Mon, 3 Nov 2025 11:00:00 +9999", None),
        (b"Mon, 1 Jan 0001 00:00:00 +0200", None),
        (b"Mon, 3 Nov 99999999999999999999 11:00:00 +0100", None),
        (b"", None),
    ],
)
def test_dates(field: bytes, expected: datetime | None) -> None:
    message = mail(b"Date: " + field)
    assert message.sent_at == expected
    assert ("date_unreadable" in message.defects) == (expected is None)


@pytest.mark.parametrize(
    ("fields", "expected"),
    [
        ([], ""),
        ([b"Auto-Submitted: no"], ""),
        ([b"Auto-Submitted: auto-replied (vacation)"], "auto-generated"),
        ([b'Auto-Submitted: auto-replied; owner-email="a@b"'], "auto-replied"),
        ([b"Auto-Submitted: Auto-Generated"], "auto-generated"),
        ([b"Auto-Submitted: auto-notified"], "auto-generated"),
        ([b"X-Autoreply: yes"], "auto-replied"),
        ([b"Precedence: bulk"], "bulk"),
        ([b"Precedence: junk"], "bulk"),
        ([b"Precedence: list"], "list"),
        ([b"Precedence: auto_reply"], "auto-replied"),
        ([b"List-Id: <x.example.net>", b"Precedence: bulk"], "list"),
        ([b"Return-Path: <>"], "auto-generated"),
        ([b"Return-Path: <a@b.example>"], ""),
    ],
)
def test_machines_are_told_from_people(fields: list[bytes], expected: str) -> None:
    assert mail(*fields).auto == expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("مرحبا، طلبي رقم 1042 لم يصل بعد", "ar"),
        ("Bonjour, ma commande n'est toujours pas arrivée. Merci", "fr"),
        ("Buongiorno, il mio ordine non è ancora arrivato. Grazie", "it"),
        ("Hello, my order has not arrived yet. Thanks", "en"),
        ("Guten Tag, meine Bestellung ist nicht da und ich bitte um Hilfe", ""),
        ("Hola, no ha llegado mi pedido y estoy esperando. Gracias", ""),
        ("سلام، سفارش من هنوز نرسیده است، لطفا پیگیری کنید", ""),
        ("ok", ""),
        ("", ""),
        ("12345", ""),
        ("Merci\n\n> Hello, we have sent your order and it is on the way to you.", "fr"),
    ],
)
def test_the_language_is_guessed(text: str, expected: str) -> None:
    assert mail(body=text.encode()).language == expected


def test_a_declared_language_goes_first() -> None:
    assert mail(b"Content-Language: fr-CA").language == "fr"
    assert mail(b"Content-Language: fro", body=b"where is the order?").language == "en"
