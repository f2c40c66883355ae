"""What is read out of messages written here, the wrong ones above all."""

from __future__ import annotations

import base64
import time
from contextlib import suppress
from datetime import UTC, datetime
from itertools import pairwise

import pytest

from wasl.channels.base import Address, ParsedMessage, Unparseable, Unread
from wasl.channels.email.mime import MAX_DEPTH, MAX_PARTS
from wasl.channels.email.parse import MAX_TEXT, _parse, parse, unflow

FROM = b"From: Amal Khoury <amal@example.net>\r\n"


def mail(*fields: bytes, body: bytes = b"hi\r\n", author: bytes = FROM) -> ParsedMessage:
    return _parse(author + b"".join(field + b"\r\n" for field in fields) + b"\r\n" + body)


def multipart(kind: bytes, *parts: bytes, boundary: bytes = b"=_b") -> bytes:
    inside = b"".join(b"--" + boundary + b"\r\n" + part + b"\r\n" for part in parts)
    return b'Content-Type: multipart/%b; boundary="%b"\r\n\r\n%b--%b--\r\n' % (
        kind,
        boundary,
        inside,
        boundary,
    )


def leaf(content_type: bytes, content: bytes, *fields: bytes) -> bytes:
    return b"\r\n".join((b"Content-Type: " + content_type, *fields, b"", content))


def whole(body: bytes) -> ParsedMessage:
    return _parse(FROM + b"MIME-Version: 1.0\r\n" + body)


def test_a_simple_message() -> None:
    message = mail(
        b"To: Help <help@Shop.EXAMPLE>, omar@example.net",
        b'Cc: "Haddad, Sami" <sami@example.net>',
        b"Reply-To: other@example.net",
        b"Subject: My order",
        b"Date: Mon, 3 Nov 2025 11:00:00 +0100",
        b"Message-ID: <a.1@example.net>",
        b"In-Reply-To: <z@shop.example>",
        b"References: <y@shop.example>\r\n\t<z@shop.example>",
        body=b"Hello,\r\n\r\nwhere is my order? Thanks\r\n",
    )
    assert message == ParsedMessage(
        channel="email",
        sender=Address("Amal Khoury", "amal@example.net"),
        to=(Address("Help", "help@shop.example"), Address("", "omar@example.net")),
        cc=(Address("Haddad, Sami", "sami@example.net"),),
        reply_to=(Address("", "other@example.net"),),
        subject="My order",
        text="Hello,\n\nwhere is my order? Thanks",
        message_id="a.1@example.net",
        in_reply_to=("z@shop.example",),
        references=("y@shop.example", "z@shop.example"),
        sent_at=datetime(2025, 11, 3, 10, tzinfo=UTC),
        language="en",
    )


# --- charsets


@pytest.mark.parametrize(
    ("declared", "data", "text"),
    [
        (b"utf-8", "مرحبا".encode(), "مرحبا"),
        (b"windows-1256", "مرحبا".encode("cp1256"), "مرحبا"),
        (b"iso-8859-6", "مرحبا".encode("iso-8859-6"), "مرحبا"),
        (
            b"iso-8859-1",
            "Où est ma commande ? “ici” – 5 €".encode("cp1252"),
            "Où est ma commande ? “ici” – 5 €",
        ),
        (b"US-ASCII", "perché".encode("cp1252"), "perché"),
        (b"gb2312", "增值税发票".encode("gb18030"), "增值税发票"),
        (b"shift_jis", "注文".encode("cp932"), "注文"),
        (b"iso-2022-jp", "注文".encode("iso-2022-jp"), "注文"),
        (b"utf-16", "été".encode("utf-16"), "été"),
        (b"utf-7", "été".encode("utf-7"), "été"),
        (b'"utf8"', "été".encode(), "été"),
        (b"windows-874", "สวัสดี".encode("cp874"), "สวัสดี"),
    ],
)
def test_a_declared_charset(declared: bytes, data: bytes, text: str) -> None:
    message = mail(b"Content-Type: text/plain; charset=" + declared, body=data)
    assert message.text == text
    assert not {"charset_unknown", "charset_mismatch", "charset_undeclared"} & set(message.defects)


@pytest.mark.parametrize(
    ("declared", "data", "text", "defect"),
    [
        (b"iso-8859-1", "déjà".encode(), "déjà", "charset_mismatch"),
        (b"utf-8", "déjà vu".encode("cp1252"), "déjà vu", "charset_mismatch"),
        (b"utf-8", "مرحبا بكم".encode("cp1256"), "مرحبا بكم", "charset_mismatch"),
        (b"utf-8", "طلبي لم يصل".encode() + b"\xe9", "طلبي لم يصلé", "charset_mismatch"),
        (b"klingon", "déjà".encode(), "déjà", "charset_unknown"),
        (b"x-unknown", "أين طلبي".encode("cp1256"), "أين طلبي", "charset_unknown"),
        (b"zlib", b"caf\xe9", "café", "charset_unknown"),
        (b"punycode", b"caf\xe9", "café", "charset_unknown"),
        (b"unicode_escape", rb"\x41", r"\x41", None),
        (b"utf-16", b"odd", "odd", "charset_mismatch"),
        (b"gb2312", "增值".encode("gb18030") + b"\xff!", "增值ÿ!", "charset_mismatch"),
        (b"us-ascii", b"\x81\x8d\x8f\x90\x9d", "\x81\x8d\x8f\x90\x9d", None),
    ],
)
def test_a_wrong_charset_loses_nothing(declared: bytes, data: bytes, text: str, defect: str | None) -> None:
    message = mail(b"Content-Type: text/plain; charset=" + declared, body=data)
    assert message.text == text
    assert defect is None or defect in message.defects


def test_no_charset_at_all() -> None:
    assert mail(body="ça va".encode("cp1252")).text == "ça va"
    assert mail(body="أين طلبي؟".encode("cp1256")).text == "أين طلبي؟"
    assert mail(body="ça va".encode()).text == "ça va"


def test_nul_and_lone_surrogates_do_not_survive() -> None:
    message = mail(b"Subject: a\x00b", body=b"x\x00y")
    assert (message.subject, message.text) == ("ab", "xy")
    assert "nul_removed" in message.defects
    message = mail(b"Content-Type: text/plain; charset=utf-7", body=b"+2AA-x")
    message.text.encode("utf-8")
    assert message.text.endswith("x")


# --- header fields


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


# --- header blocks


def test_lines_that_are_no_fields_are_skipped() -> None:
    message = _parse(FROM + b"Subject: a long\nsubject broken by a program\nTo: b@c.example\n\nbody")
    assert (message.subject, message.to[0].address, message.text) == ("a long", "b@c.example", "body")
    assert "header_line_bad" in message.defects


def test_a_forgotten_blank_line() -> None:
    message = _parse(FROM + b"Subject: x\nHello there, no blank line.\nBye")
    assert (message.subject, message.text) == ("x", "Hello there, no blank line.\nBye")
    assert "header_end_missing" in message.defects


def test_an_mbox_line_in_front() -> None:
    message = _parse(b"From amal@example.net Mon Nov  3 11:00:00 2025\n" + FROM + b"\nbody")
    assert (message.sender.address, message.text) == ("amal@example.net", "body")
    assert "header_line_bad" not in message.defects


@pytest.mark.parametrize("end", [b"\n", b"\r\n", b"\r"])
def test_every_kind_of_line_end(end: bytes) -> None:
    raw = b"From: a@b.example\nSubject: x\n y\n\none\n\ntwo\n".replace(b"\n", end)
    message = _parse(raw)
    assert (message.subject, message.text) == ("x y", "one\n\ntwo")


@pytest.mark.parametrize("raw", [b"", b" \r\n\r\n", b"\n"])
def test_nothing_is_not_a_message(raw: bytes) -> None:
    with pytest.raises(Unparseable) as refused:
        parse(raw)
    assert refused.value.reason is Unread.EMPTY


def test_a_mistake_of_ours_becomes_quarantine(monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(raw: bytes) -> ParsedMessage:
        raise RuntimeError("a mistake")

    monkeypatch.setattr("wasl.channels.email.parse._parse", broken)
    with pytest.raises(Unparseable, match="RuntimeError: a mistake") as refused:
        parse(FROM)
    assert refused.value.reason is Unread.BROKEN


# --- bodies and parts


def test_alternatives_are_both_kept() -> None:
    message = whole(multipart(b"alternative", leaf(b"text/plain", b"hello"), leaf(b"text/html", b"<p>hello")))
    assert (message.text, message.html, message.parts) == ("hello", "<p>hello</p>", ())


def test_html_alone_gives_text_to_read() -> None:
    message = whole(
        leaf(b"text/html", b"<h1>Hi</h1><p>see <a href='https://x.example/a'>this</a><ul><li>one<li>two</ul>")
    )
    assert message.text == "Hi\n\nsee this <https://x.example/a>\n\n- one\n- two"


def test_text_alone_gives_no_html() -> None:
    assert whole(leaf(b"text/plain", b"a < b")).html == ""


def test_inline_images_belong_to_the_html() -> None:
    related = multipart(
        b"related",
        leaf(b"text/html", b'<p>look <img src="cid:logo@x"></p>'),
        leaf(
            b"image/png", b"PNG", b"Content-ID: <logo@x>", b'Content-Disposition: inline; filename="logo.png"'
        ),
        boundary=b"rel",
    )
    message = whole(multipart(b"alternative", leaf(b"text/plain", b"look"), related))
    assert message.html == '<p>look <img data-cid="logo@x"></p>'
    [image] = message.parts
    assert (image.filename, image.content_id, image.inline, image.content) == (
        "logo.png",
        "logo@x",
        True,
        b"PNG",
    )


def test_remote_images_load_nothing_and_are_counted() -> None:
    message = whole(leaf(b"text/html", b'<img src="https://spy.example/p.gif">hi'))
    assert message.html == '<img data-remote-src="https://spy.example/p.gif">hi'
    assert message.has_remote


def test_attachments_of_every_kind() -> None:
    inner = b"From: x@y.example\r\nSubject: inner\r\n\r\ninner text"
    message = whole(
        multipart(
            b"mixed",
            leaf(b"text/plain", b"see attached"),
            leaf(
                b'application/pdf; name="a.pdf"',
                base64.b64encode(b"%PDF"),
                b"Content-Transfer-Encoding: base64",
            ),
            leaf(b"message/rfc822", inner),
            leaf(b"text/calendar; method=REQUEST", b"BEGIN:VCALENDAR"),
            leaf(b"text/plain", b"notes", b"Content-Disposition: attachment; filename=notes.txt"),
            leaf(b"nonsense", b"x"),
        )
    )
    assert message.text == "see attached"
    assert [(part.filename, part.content_type, part.content) for part in message.parts] == [
        ("a.pdf", "application/pdf", b"%PDF"),
        ("attachment-2.eml", "message/rfc822", inner),
        ("attachment-3.ics", "text/calendar", b"BEGIN:VCALENDAR"),
        ("notes.txt", "text/plain", b"notes"),
        ("attachment-5", "application/octet-stream", b"x"),
    ]


def test_a_signed_message() -> None:
    signed = multipart(
        b"signed",
        leaf(b"text/plain", b"signed words"),
        leaf(b"application/pgp-signature", b"-----BEGIN", b"Content-Disposition: attachment"),
    )
    message = whole(signed)
    assert message.text == "signed words"
    assert [part.filename for part in message.parts] == ["attachment-1.asc"]


def test_a_message_that_is_a_file() -> None:
    message = whole(leaf(b"application/pdf", b"%PDF", b'Content-Disposition: attachment; filename="f.pdf"'))
    assert (message.text, message.parts[0].filename, message.parts[0].content) == ("", "f.pdf", b"%PDF")


@pytest.mark.parametrize(
    ("field", "name"),
    [
        (b"filename=plain.txt", "plain.txt"),
        (b'filename="with space.txt"', "with space.txt"),
        (b"filename*=utf-8''%D9%81%D8%A7.pdf", "فا.pdf"),
        (b"filename*0*=utf-8''%D9%81; filename*1*=%D8%A7; filename*2=.pdf", "فا.pdf"),
        (b"filename*1=b.pdf; filename*0=a-", "a-b.pdf"),
        (b"filename*0*=utf-8''%D9; filename*1*=%81.pdf", "ف.pdf"),
        (b'filename="=?utf-8?B?2YHYpy5wZGY=?="', "فا.pdf"),
        (b"filename=\"fallback.pdf\"; filename*=utf-8''%C3%A9.pdf", "é.pdf"),
        ('filename="été.pdf"'.encode(), "été.pdf"),
        ('filename="été.pdf"'.encode("cp1252"), "été.pdf"),
        (b'filename="../../etc/passwd"', "passwd"),
        (b'filename="C:\\\\temp\\\\x.doc"', "x.doc"),
        (b'filename="a\x00b.txt"', "ab.txt"),
        (b'filename="unclosed.txt', "unclosed.txt"),
        (b"filename*=nonsense", "nonsense"),
        (b'filename="..."', "attachment-1.txt"),
        (b"filename=" + b"x" * 500 + b".pdf", "x" * 196 + ".pdf"),
    ],
)
def test_file_names(field: bytes, name: str) -> None:
    message = whole(leaf(b"text/plain", b"x", b"Content-Disposition: attachment; " + field))
    assert message.parts[0].filename == name


@pytest.mark.parametrize(
    ("encoding", "data", "text"),
    [
        (b"base64", b"aGVs\r\nbG8=", "hello"),
        (b"BASE64", b"aGVsbG8", "hello"),
        (b"base64", b"aGV!s*bG8=", "hello"),
        (b"base64", b"aGVs=bG8=", "hello"),
        (b"base64", b"aGVsbG8=aGVsbG8=", "hellohello"),
        (b"quoted-printable", b"h=C3=A9 =\r\nl=lo=", "hé l=lo"),
        (b"7bit", b"hello", "hello"),
        (b"x-uuencode", b"hello", "hello"),
    ],
)
def test_transfer_encodings(encoding: bytes, data: bytes, text: str) -> None:
    message = whole(leaf(b"text/plain; charset=utf-8", data, b"Content-Transfer-Encoding: " + encoding))
    assert message.text == text


def test_base64_with_words_after_it_keeps_what_came_before() -> None:
    field = b"Content-Transfer-Encoding: base64"
    message = whole(leaf(b"text/plain", b"aGVsbG8=\r\n\r\n-- \r\nSent by a list", field))
    assert message.text.startswith("hello")
    assert "base64_damaged" in message.defects


def test_flowed_text_is_put_together() -> None:
    message = whole(leaf(b"text/plain; format=flowed", b"one \r\ntwo\r\n> q \r\n> r\r\n\r\n-- \r\nAmal"))
    assert message.text == "one two\n> q r\n\n-- \nAmal"
    assert unflow("zu \nsammen", delete_space=True) == "zusammen"


def test_a_very_long_text_is_cut_and_kept_as_a_file() -> None:
    message = mail(body=b"word " * (MAX_TEXT // 4))
    assert len(message.text) <= MAX_TEXT
    assert "text_cut" in message.defects
    assert message.parts[0].content == b"word " * (MAX_TEXT // 4)


def test_html_too_large_or_too_deep_is_a_file_and_its_text_is_read() -> None:
    for page in (b"<p>hello</p>" + b"x" * 1_000_000, b"<p>hello</p>" + b"<div>" * 20_000):
        message = whole(leaf(b"text/html", page))
        assert message.html == ""
        assert message.text.startswith("hello")
        assert message.parts[0].filename == "message.html"
        assert message.parts[0].content == page


# --- multiparts gone wrong


def nested(depth: int) -> bytes:
    return b"".join(
        b'Content-Type: multipart/mixed; boundary="b%d"\r\n\r\n--b%d\r\n' % (level, level)
        for level in range(depth)
    )


def test_depth_is_limited() -> None:
    assert _parse(FROM + nested(MAX_DEPTH) + b"\r\nat the bottom").text == "at the bottom"
    for depth in (MAX_DEPTH + 1, 100, 5_000):
        with pytest.raises(Unparseable) as refused:
            parse(FROM + nested(depth) + b"\r\nhi")
        assert refused.value.reason is Unread.NESTED_TOO_DEEP


def test_parts_are_limited() -> None:
    part = leaf(b"application/pdf", b"x")
    assert len(whole(multipart(b"mixed", *[part] * (MAX_PARTS - 1))).parts) == MAX_PARTS - 1
    with pytest.raises(Unparseable) as refused:
        whole(multipart(b"mixed", *[part] * (MAX_PARTS + 1)))
    assert refused.value.reason is Unread.TOO_MANY_PARTS


def test_a_boundary_that_begins_like_another() -> None:
    inside = multipart(
        b"alternative", leaf(b"text/plain", b"text"), leaf(b"text/html", b"<p>html"), boundary=b"ab"
    )
    message = whole(multipart(b"mixed", inside, leaf(b"application/pdf", b"--abc\r\nfile"), boundary=b"a"))
    assert (message.text, message.html) == ("text", "<p>html</p>")
    assert message.parts[0].content == b"--abc\r\nfile"


def test_multiparts_without_an_end_a_boundary_or_the_right_one() -> None:
    body = b"--x\r\nContent-Type: text/plain\r\n\r\nhello\r\n--x\r\nContent-Type: application/pdf\r\n\r\nfile"
    for named in (b"; boundary=x", b"", b"; boundary=other"):
        message = _parse(FROM + b"Content-Type: multipart/mixed" + named + b"\r\n\r\n" + body)
        assert message.text == "hello"
        assert message.parts[0].content == b"file"
        assert "multipart_not_closed" in message.defects
    message = _parse(FROM + b"Content-Type: multipart/mixed; boundary=x\r\n\r\njust text")
    assert message.text == "just text"
    assert "multipart_without_parts" in message.defects


# --- time and memory


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


def test_the_order_of_parts_is_kept() -> None:
    parts = [leaf(b"application/pdf; name=%d.pdf" % number, b"%d" % number) for number in range(20)]
    names = [int(part.filename[:-4]) for part in whole(multipart(b"mixed", *parts)).parts]
    assert all(first < second for first, second in pairwise(names))
