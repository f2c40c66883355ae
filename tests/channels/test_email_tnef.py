"""winmail.dat: its files and its body are there to be read, and hostile ones stay files."""

import struct

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.channels import outlook as o
from tests.channels.messages import leaf, multipart, whole
from tests.channels.work import calls
from wasl.channels.base import ParsedMessage, Part
from wasl.channels.email import rtf, tnef

RTF = (
    rb"{\rtf1\ansi\ansicpg1252{\fonttbl{\f0\fnil Arial;}{\f1\fcharset178 Arial;}}\pard Bonjour \'e9t\'e9\par "
)
RTF += rb"{\f1\'e3\'d1\'cd\'c8\'c7}\line \u8364?5 {\*\generator none;}\{ok\}{\pict 0102}}"
ENCAPSULATED = (
    rb"{\rtf1\ansi\ansicpg1252\fromhtml1 {\fonttbl{\f0\fswiss Arial;}}{\*\htmltag19 <html>}{\*\htmltag50 <body>}"
    rb"\htmlrtf {\htmlrtf0 {\*\htmltag64 <p>}Caf\'e9 {\*\htmltag84 &nbsp;}\htmlrtf \'a0\htmlrtf0{\*\htmltag84 <b>}"
    rb"\htmlrtf {\b \htmlrtf0 now{\*\htmltag92 </b>}\htmlrtf }\htmlrtf0{\*\htmltag72 </p>}}"
)

WITHIN = bytes.fromhex("0703020000000000c000000000000046")

LETTER = o.tnef(
    o.attribute(
        o.MESSAGE,
        o.PROPERTIES,
        o.properties(
            o.integer(0x3FDE, 65001),
            o.several(0x1234, 1, 2, 3),
            o.named("of our own"),
            o.unicode(0x0037, "Angebot"),
            o.binary(0x1013, "<p>Hällo <script>x</script></p>".encode()),
            o.binary(0x1009, o.squeezed(RTF)),
        ),
    ),
    o.file(
        b"ANGEBOT~1.PDF",
        b"%PDF-1.7\x00\x00\x00",
        o.unicode(0x3707, "Angebot für März.pdf"),
        o.ansi(0x370E, b"Application/PDF"),
    ),
    o.file(b"plain.txt", b"plain"),
    codepage=1252,
)  # fmt: skip


def packed(content: bytes, text: bytes = b"") -> ParsedMessage:
    part = leaf(b'application/ms-tnef; name="winmail.dat"', content, b"Content-Transfer-Encoding: binary")
    return whole(multipart(b"mixed", *([leaf(b"text/plain", text)] if text else []), part))


def names(message: ParsedMessage) -> list[str]:
    return [part.filename for part in message.parts]


def test_files_and_body_are_in_the_place_of_the_file() -> None:
    found = packed(LETTER)
    assert found.text == "Hällo"
    assert found.html == "<p>Hällo </p>"
    assert [(part.filename, part.content_type, part.content) for part in found.parts] == [
        ("Angebot für März.pdf", "application/pdf", b"%PDF-1.7\x00\x00\x00"),
        ("plain.txt", "application/octet-stream", b"plain"),
    ]


def test_a_message_that_has_a_text_keeps_it() -> None:
    found = packed(LETTER, b"As written")
    assert (found.text, found.html) == ("As written", "")
    assert names(found) == ["Angebot für März.pdf", "plain.txt"]


def test_a_body_in_the_codepage_of_the_file() -> None:
    content = o.tnef(o.attribute(o.MESSAGE, o.BODY, "مرحبا\r\nبكم\x00".encode("cp1256")), codepage=1256)
    assert packed(content).text == "مرحبا\nبكم"


def test_nothing_in_it_is_what_no_database_keeps() -> None:
    message = packed(
        o.tnef(
            o.attribute(o.MESSAGE, o.PROPERTIES, o.properties(o.unicode(0x1000, "bo\0dy"))),
            o.file(b"a.png", b"x", o.unicode(0x370E, "image/\0png"), o.unicode(0x3712, " <c\0d> ")),
        )
    )
    (part,) = message.parts
    assert (message.text, part.content_type, part.content_id) == ("body", "image/png", "cd")


def test_names_in_the_codepage_of_the_file() -> None:
    assert names(packed(o.tnef(o.file("عرض.pdf".encode("cp1256"), b"x"), codepage=1256))) == ["عرض.pdf"]


def test_rich_text_is_read_when_there_is_nothing_else() -> None:
    content = o.tnef(
        o.attribute(o.MESSAGE, o.PROPERTIES, o.properties(o.binary(0x1009, o.squeezed(RTF)))),
    )
    assert packed(content).text == "Bonjour été\nمرحبا\n€5 {ok}"


def test_html_within_rich_text() -> None:
    content = o.tnef(
        o.attribute(o.MESSAGE, o.PROPERTIES, o.properties(o.binary(0x1009, o.squeezed(ENCAPSULATED))))
    )
    found = packed(content)
    assert found.html == "<p>Café &nbsp;<b>now</b></p>"
    assert found.text == "Café \u00a0now"


def test_a_message_within_gives_its_text_and_its_files() -> None:
    inner = o.tnef(
        o.attribute(
            o.MESSAGE, o.PROPERTIES, o.properties(o.unicode(0x37, "Re: lamp"), o.unicode(0x1000, "Broken"))
        ),
        o.file(b"lamp.jpg", b"jpeg"),
    )
    within = bytes.fromhex("0703020000000000c000000000000046") + inner
    found = packed(o.tnef(o.file(b"Untitled", b"", o.binary(0x3701, within, 0xD))), b"See")
    assert [(part.filename, part.content) for part in found.parts] == [
        ("Re: lamp.txt", b"Broken"),
        ("lamp.jpg", b"jpeg"),
    ]


def test_names_lead_nowhere() -> None:
    found = packed(o.tnef(o.file(b"..\\..\\x", b"1", o.unicode(0x3707, "../../etc/pass\r\nwd\u202e"))))
    assert all("/" not in name and "\n" not in name for name in names(found))


NESTED = o.tnef()
for _ in range(6):
    NESTED = o.tnef(
        o.file(b"m", b"", o.binary(0x3701, bytes.fromhex("0703020000000000c000000000000046") + NESTED, 0xD))
    )

BROKEN = {
    "cut short": LETTER[:-10],
    "a length beyond the end": o.SIGNATURE + struct.pack("<BII", 1, o.BODY, 0xFFFFFFFF),
    "a level of its own": o.SIGNATURE + struct.pack("<BII", 7, o.BODY, 0) + bytes(2),
    "too many values": o.tnef(
        o.attribute(o.MESSAGE, o.PROPERTIES, struct.pack("<IHHI", 1, 0x102, 0x1009, 0xFFFFFFFF))
    ),
    "a property beyond its list": o.tnef(
        o.attribute(o.MESSAGE, o.PROPERTIES, struct.pack("<IHHII", 1, 0x102, 0x1009, 1, 0x7FFFFFFF))
    ),
    "an unknown type": o.tnef(
        o.attribute(o.MESSAGE, o.PROPERTIES, struct.pack("<IHH", 1, 0x77, 0x1009) + bytes(8))
    ),
    "too deep": NESTED,
    "too many files": o.tnef(*[o.file(b"a", b"x")] * (tnef.MAX_PARTS + 1)),
    "rich text of no kind": o.tnef(
        o.attribute(o.MESSAGE, o.PROPERTIES, o.properties(o.binary(0x1009, b"x" * 40)))
    ),
    "rich text too deep": o.tnef(
        o.attribute(
            o.MESSAGE, o.PROPERTIES, o.properties(o.binary(0x1009, o.squeezed(rb"{\rtf1" + b"{" * 5000)))
        )
    ),
}


@pytest.mark.parametrize("name", BROKEN)
def test_a_broken_one_stays_the_file_that_it_was(name: str) -> None:
    found = packed(BROKEN[name])
    assert names(found) == ["winmail.dat"]
    assert "tnef_unreadable" in found.defects


def test_what_only_has_the_name_stays_a_file() -> None:
    found = packed(b"not one")
    assert (names(found), "tnef_unreadable" in found.defects) == (["winmail.dat"], False)


@settings(max_examples=200)
@given(st.data())
def test_damage_anywhere_raises_nothing_but_value_errors(data: st.DataObject) -> None:
    content = bytearray(LETTER)
    for _ in range(data.draw(st.integers(1, 6))):
        content[data.draw(st.integers(0, len(content) - 1))] = data.draw(st.integers(0, 255))
    try:
        letter = tnef.read(bytes(content[: data.draw(st.integers(0, len(content)))]))
        if letter.rtf:
            rtf.read(letter.rtf)
    except ValueError:
        return
    assert sum(len(part.content) for part in letter.parts) <= len(content)


@given(st.binary(max_size=300))
def test_any_rich_text(data: bytes) -> None:
    try:
        text, html = rtf.read(o.squeezed(rb"{\rtf1\fromhtml1 " + data))
    except ValueError:
        return
    (text + html).encode()


def test_compressed_text_does_not_grow_without_end() -> None:
    reference = b"\xff" + b"\x00\x0e" * 8  # eight copies of 16 letters each
    bomb = struct.pack("<IIII", 0, 0xFFFFFFFF, 0x75465A4C, 0) + reference * 100_000
    assert len(rtf.decompress(bomb)) == rtf.MAX_SIZE


def test_references_may_run_into_what_they_write() -> None:
    """The specification's own example (MS-OXRTFCP, 4.2)."""
    data = bytes.fromhex("1a0000001c0000004c5a4675e2d44b51410004205758595a0d6e7d010eb0")
    assert rtf.decompress(data) == rb"{\rtf1 WXYZWXYZWXYZWXYZWXYZ}"


SHAPES = {
    "attributes": lambda n: o.tnef(*[o.attribute(o.MESSAGE, 0x12345, b"")] * n),
    "properties": lambda n: o.tnef(
        o.attribute(o.MESSAGE, o.PROPERTIES, o.properties(*[o.integer(1, 1)] * n))
    ),
    "groups": lambda n: o.tnef(
        o.attribute(
            o.MESSAGE, o.PROPERTIES, o.properties(o.binary(0x1009, o.squeezed(rb"{\rtf1" + b"{}" * n)))
        )
    ),
}


@pytest.mark.parametrize("name", SHAPES)
def test_the_work_grows_with_the_length_and_no_faster(name: str) -> None:
    def work(n: int) -> int:
        content = SHAPES[name](n)
        return calls(lambda _: [tnef.read(content), (r := tnef.read(content).rtf) and rtf.read(r)], "")

    assert work(4000) <= 4.5 * work(1000) + 1000


def test_it_is_known_by_its_first_bytes() -> None:
    assert tnef.is_tnef(Part("WINMAIL.DAT", "application/octet-stream", o.tnef()))
    assert not tnef.is_tnef(Part("photo.dat", "application/octet-stream", o.tnef()))
