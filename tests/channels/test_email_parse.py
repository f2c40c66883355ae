"""What is read out of messages written here, the wrong ones above all."""

from __future__ import annotations

import base64
from datetime import UTC, datetime
from itertools import pairwise

import pytest

from tests.channels.messages import FROM, leaf, mail, multipart, nested, whole
from wasl.channels.base import Address, ParsedMessage, Unparseable, Unread
from wasl.channels.email.mime import MAX_DEPTH, MAX_PARTS
from wasl.channels.email.parse import MAX_TEXT, _parse, parse, unflow


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
        (b"dos-720", "مرحبا".encode("cp720"), "مرحبا"),
        (b"iso-8859-1", "ÉTÉ À ÉVÊCHÉ".encode("cp1252"), "ÉTÉ À ÉVÊCHÉ"),
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
        (b"iso-8859-1", "أين طلبي يا ليلى؟".encode("cp1256"), "أين طلبي يا ليلى؟", "charset_mismatch"),
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
    assert _parse(b"\xef\xbb\xbf" + FROM + b"\nbody").sender.address == "amal@example.net"


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
        ('filename="bill\u202efdp.exe"'.encode(), "billfdp.exe"),
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


def test_the_order_of_parts_is_kept() -> None:
    parts = [leaf(b"application/pdf; name=%d.pdf" % number, b"%d" % number) for number in range(20)]
    names = [int(part.filename[:-4]) for part in whole(multipart(b"mixed", *parts)).parts]
    assert all(first < second for first, second in pairwise(names))
