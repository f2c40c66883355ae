"""winmail.dat: what Outlook puts a message and its files into for other Outlooks (MS-OXTNEF, MS-OXCDATA).

A reader of our own: the library there is copies the rest of the file for every attribute, strips zeros from the ends of
files, and trusts every count. Here a file is walked once, every length is checked against what is left, and what is not
as the specification says ends in ValueError: then the file stays the file that it is.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator
from dataclasses import dataclass, field

from wasl.channels.base import Part
from wasl.channels.email.charsets import decode

MAX_PARTS = 300
MAX_DEPTH = 3
MAX_BODY = 2_000_000
MAX_NAME = 500

TYPES = frozenset(("application/ms-tnef", "application/vnd.ms-tnef"))
_SIGNATURE = 0x223E9F78
_MESSAGE, _ATTACHMENT = 1, 2
# Attributes by their number; the upper half of it is a type that says nothing more.
_CODEPAGE, _BODY, _PROPERTIES = 0x9007, 0x800C, 0x9003
_NEXT_FILE, _TITLE, _DATA, _FILE_PROPERTIES = 0x9002, 0x8010, 0x800F, 0x9005
# Properties by their number (MS-OXPROPS).
_P_BODY, _P_HTML, _P_RTF, _P_SUBJECT, _P_CODEPAGE = 0x1000, 0x1013, 0x1009, 0x0037, 0x3FDE
_P_LONG_NAME, _P_NAME, _P_DATA, _P_TYPE, _P_CID, _P_HIDDEN = 0x3707, 0x3704, 0x3701, 0x370E, 0x3712, 0x7FFE
_ANSI, _UNICODE, _BINARY, _OBJECT, _MANY = 0x1E, 0x1F, 0x102, 0xD, 0x1000
_FIXED = {0: 0, 1: 0, 2: 4, 3: 4, 4: 4, 5: 8, 6: 8, 7: 8, 0xA: 4, 0xB: 4, 0x14: 8, 0x40: 8, 0x48: 16}
# What an embedded message begins with (IID_IMessage); another file of the same kind follows.
_MESSAGE_WITHIN = bytes.fromhex("0703020000000000c000000000000046")


@dataclass(slots=True)
class Letter:
    """What a file held: the body in up to three forms, and the files."""

    subject: str = ""
    text: str = ""
    html: str = ""
    rtf: bytes = b""
    parts: list[Part] = field(default_factory=list)


@dataclass(slots=True)
class _File:
    """A file in the making; the number of its name's source, as a longer one may come later."""

    name: str = ""
    content: memoryview | bytes = b""
    content_type: str = ""
    content_id: str = ""


def is_tnef(part: Part) -> bool:
    """Whether a file is one of these, whatever it is called."""
    named = part.content_type in TYPES or part.filename.lower() == "winmail.dat"
    return named and part.content[:4] == struct.pack("<I", _SIGNATURE)


def read(content: bytes) -> Letter:
    """Raises ValueError for anything that is not wholly as it should be."""
    try:
        return _letter(memoryview(content), 1, [0])
    except (struct.error, IndexError, OverflowError) as error:
        raise ValueError(str(error)) from None


def _letter(data: memoryview, depth: int, count: list[int]) -> Letter:
    if depth > MAX_DEPTH or struct.unpack_from("<I", data)[0] != _SIGNATURE:
        raise ValueError("not one of these files")
    letter, files, codepage = Letter(), list[_File](), "cp1252"
    for level, number, value in _attributes(data):
        if number == _CODEPAGE:
            codepage = _charset(struct.unpack_from("<I", value)[0])
        elif level == _MESSAGE and number == _BODY:
            letter.text = letter.text or decode(bytes(value[:MAX_BODY]).rstrip(b"\x00"), codepage)
        elif level == _MESSAGE and number == _PROPERTIES:
            _take_message(letter, value, codepage)
        elif number == _NEXT_FILE:
            count[0] += 1
            if count[0] > MAX_PARTS:
                raise ValueError("too many files")
            files.append(_File())
        elif level == _ATTACHMENT and files:
            _take_file(files[-1], number, value, codepage)
    for number, file in enumerate(files, 1):
        letter.parts.extend(_parts(file, number, depth, count))
    return letter


def _attributes(data: memoryview) -> Iterator[tuple[int, int, memoryview]]:
    """Level, number and bytes of each attribute; two bytes of a checksum after each are not asked."""
    at = 6
    while at + 9 <= len(data):
        level, number, _kind, size = struct.unpack_from("<BHHI", data, at)
        if level not in (_MESSAGE, _ATTACHMENT) or at + 9 + size > len(data):
            raise ValueError("an attribute is longer than the file")
        yield level, number, data[at + 9 : at + 9 + size]
        at += 9 + size + 2
    if bytes(data[at:]).strip(b"\x00\r\n "):
        raise ValueError("cut short")


def _properties(data: memoryview) -> Iterator[tuple[int, int, memoryview]]:
    """Number, type and value of each property (2.1.3.4); of several values the first."""
    (left,) = struct.unpack_from("<I", data)
    at = 4
    for _ in range(min(left, len(data) // 4)):
        kind, number = struct.unpack_from("<HH", data, at)
        at += 4
        if number >= 0x8000:
            (named,) = struct.unpack_from("<I", data, at + 16)
            at += 20
            at += 4 if not named else 4 + _padded(struct.unpack_from("<I", data, at)[0])
        many, kind = kind & _MANY, kind & ~_MANY
        if kind in (_ANSI, _UNICODE, _BINARY, _OBJECT):
            value, at = _values(data, at)
        elif kind in _FIXED:
            values = 1
            if many:
                (values,) = struct.unpack_from("<I", data, at)
                at += 4
            size = _padded(values * (2 if many and kind in (2, 0xB) else _FIXED[kind]))
            value, at = data[at : at + size], at + size
        else:
            raise ValueError(f"a property of type {kind:#x}")
        if at > len(data):
            raise ValueError("a property is longer than its list")
        yield number, kind, value


def _values(data: memoryview, at: int) -> tuple[memoryview, int]:
    (values,) = struct.unpack_from("<I", data, at)
    at += 4
    if values > len(data) // 4:
        raise ValueError("more values than there is room for")
    first = data[0:0]
    for number in range(values):
        (size,) = struct.unpack_from("<I", data, at)
        if at + 4 + size > len(data):
            raise ValueError("a value is longer than its list")
        if not number:
            first = data[at + 4 : at + 4 + size]
        at += 4 + _padded(size)
    return first, at


def _padded(size: int) -> int:
    return (size + 3) & ~3


def _take_message(letter: Letter, data: memoryview, codepage: str) -> None:
    html: tuple[int, memoryview] | None = None
    internet = ""
    for number, kind, value in _properties(data):
        if number == _P_BODY:
            letter.text = _string(kind, value[:MAX_BODY], codepage) or letter.text
        elif number == _P_HTML:
            html = kind, value[:MAX_BODY]
        elif number == _P_RTF:
            letter.rtf = bytes(value[:MAX_BODY])
        elif number == _P_SUBJECT:
            letter.subject = _string(kind, value[:MAX_NAME], codepage)
        elif number == _P_CODEPAGE:
            internet = _charset(struct.unpack_from("<I", value)[0])
    if html:
        kind, value = html
        letter.html = _string(_ANSI if kind == _BINARY else kind, value, internet or codepage)


def _take_file(file: _File, number: int, value: memoryview, codepage: str) -> None:
    if number == _TITLE:
        file.name = file.name or _string(_ANSI, value[:MAX_NAME], codepage)
    elif number == _DATA:
        file.content = value
    elif number == _FILE_PROPERTIES:
        for named, kind, inner in _properties(value):
            if named == _P_LONG_NAME or (named == _P_NAME and not file.name):
                file.name = _string(kind, inner[:MAX_NAME], codepage) or file.name
            elif named == _P_DATA and kind in (_BINARY, _OBJECT):
                file.content = inner
            elif named == _P_TYPE:
                file.content_type = _string(kind, inner[:100], codepage).lower()
            elif named == _P_CID:
                file.content_id = _string(kind, inner[:250], codepage).strip("<> ")


def _parts(file: _File, number: int, depth: int, count: list[int]) -> Iterator[Part]:
    """The file; of a message within, its text and its files."""
    content = file.content
    if bytes(content[:16]) != _MESSAGE_WITHIN:
        if len(content):
            name = file.name or f"attachment-{number}"
            yield Part(name, file.content_type or "application/octet-stream", bytes(content), file.content_id)
        return
    within = _letter(memoryview(content)[16:], depth + 1, count)
    name = within.subject or file.name or f"message-{number}"
    if within.html:
        yield Part(f"{name}.html", "text/html", within.html.encode("utf-8", "replace"))
    elif within.text:
        yield Part(f"{name}.txt", "text/plain", within.text.encode("utf-8", "replace"))
    yield from within.parts


def _string(kind: int, value: memoryview, codepage: str) -> str:
    data = bytes(value)
    if kind == _UNICODE:
        return data[: len(data) & ~1].decode("utf-16-le", "replace").replace("\x00", "")
    return decode(data.rstrip(b"\x00"), codepage).replace("\x00", "")


def _charset(number: int) -> str:
    """A code page by its number, as Windows counts them."""
    return {
        65001: "utf-8",
        1200: "utf-16-le",
        28591: "iso-8859-1",
        28596: "iso-8859-6",
        20127: "us-ascii",
    }.get(number, f"cp{number}" if 0 < number < 20_000 else "cp1252")
