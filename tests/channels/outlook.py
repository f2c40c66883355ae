"""winmail.dat written as MS-OXTNEF says, for tests."""

import struct

SIGNATURE = struct.pack("<IH", 0x223E9F78, 1)
MESSAGE, FILE = 1, 2
CODEPAGE, BODY, PROPERTIES = 0x00069007, 0x0002800C, 0x00069003
RENDER, TITLE, DATA, FILE_PROPERTIES = 0x00069002, 0x00018010, 0x0006800F, 0x00069005


def attribute(level: int, number: int, value: bytes) -> bytes:
    return struct.pack("<BII", level, number, len(value)) + value + struct.pack("<H", sum(value) & 0xFFFF)


def _padded(value: bytes) -> bytes:
    return value + bytes(-len(value) % 4)


def binary(number: int, value: bytes, kind: int = 0x102) -> bytes:
    return struct.pack("<HHII", kind, number, 1, len(value)) + _padded(value)


def unicode(number: int, value: str) -> bytes:
    return binary(number, value.encode("utf-16-le") + b"\x00\x00", 0x1F)


def ansi(number: int, value: bytes) -> bytes:
    return binary(number, value + b"\x00", 0x1E)


def integer(number: int, value: int) -> bytes:
    return struct.pack("<HHI", 3, number, value)


def named(value: str) -> bytes:
    """A property of an application's own, named by a text."""
    name = "x-own".encode("utf-16-le") + b"\x00\x00"
    head = struct.pack("<HH", 0x1F, 0x8001) + bytes(16) + struct.pack("<II", 1, len(name)) + _padded(name)
    text = value.encode("utf-16-le") + b"\x00\x00"
    return head + struct.pack("<II", 1, len(text)) + _padded(text)


def several(number: int, *values: int) -> bytes:
    """A list of short numbers (PT_MV_SHORT)."""
    return struct.pack("<HHI", 0x1002, number, len(values)) + _padded(
        struct.pack(f"<{len(values)}H", *values)
    )


def properties(*each: bytes) -> bytes:
    return struct.pack("<I", len(each)) + b"".join(each)


def file(title: bytes, data: bytes, *props: bytes) -> bytes:
    made = attribute(FILE, RENDER, struct.pack("<HIHHI", 1, 0xFFFFFFFF, 0, 0, 0))
    made += attribute(FILE, TITLE, title + b"\x00")
    if data:
        made += attribute(FILE, DATA, data)
    return made + (attribute(FILE, FILE_PROPERTIES, properties(*props)) if props else b"")


def tnef(*attributes: bytes, codepage: int = 1252) -> bytes:
    return SIGNATURE + attribute(MESSAGE, CODEPAGE, struct.pack("<II", codepage, 0)) + b"".join(attributes)


def squeezed(rtf: bytes) -> bytes:
    """Compressed Rich Text (MS-OXRTFCP) of letters only, and the mark of its end."""
    out = b"".join(b"\x00" + rtf[at : at + 8] for at in range(0, len(rtf), 8))
    return struct.pack("<IIII", len(out) + 12, len(rtf), 0x75465A4C, 0) + out
