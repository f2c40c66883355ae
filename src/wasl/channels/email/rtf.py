"""Rich Text as Outlook sends it: compressed (MS-OXRTFCP), and mostly with the HTML that it was made from inside it
(MS-OXRTFEX).
"""

from __future__ import annotations

import re
import struct
from dataclasses import dataclass, replace

MAX_SIZE = 1_000_000
MAX_DEPTH = 200

_LZFU, _PLAIN = 0x75465A4C, 0x414C454D
_BEGINNING = (
    rb"{\rtf1\ansi\mac\deff0\deftab720{\fonttbl;}{\f0\fnil \froman \fswiss \fmodern \fscript \fdecor "
    rb"MS Sans SerifSymbolArialTimes New RomanCourier{\colortbl\red0\green0\blue0"
    b"\r\n" + rb"\par \pard\plain\f0\fs20\b\i\u\tab\tx"
)
_TOKEN = re.compile(
    rb"\\([a-z]{1,32})(-?\d{1,10})? ?|\\'([0-9a-f]{2})|\\([^a-z])|([{}])|[\r\n]+|([^\\{}\r\n]+)",
    re.IGNORECASE,
)
# Groups whose words are not the letter's.
_ASIDE = frozenset(
    (b"colortbl", b"stylesheet", b"info", b"pict", b"object", b"header", b"footer", b"listtable")
)
_WORDS = {
    b"par": "\n",
    b"line": "\n",
    b"tab": "\t",
    b"cell": "\t",
    b"row": "\n",
    b"sect": "\n",
    b"page": "\n",
}
_SIGNS = {
    b"lquote": "‘",
    b"rquote": "’",
    b"ldblquote": "“",
    b"rdblquote": "”",
    b"bullet": "•",
    b"endash": "–",
}
_SIGNS |= {b"emdash": "—", b"emspace": " ", b"enspace": " ", b"rtlmark": "\u200f", b"ltrmark": "\u200e"}
_CHARSETS = {
    0: "cp1252",
    77: "mac_roman",
    128: "cp932",
    129: "cp949",
    134: "gb18030",
    136: "cp950",
    161: "cp1253",
    162: "cp1254",
    163: "cp1258",
    177: "cp1255",
    178: "cp1256",
    186: "cp1257",
    204: "cp1251",
    222: "cp874",
    238: "cp1250",
}


def decompress(data: bytes) -> bytes:
    """The text of a compressed one, up to MAX_SIZE. ValueError when it is none."""
    if len(data) < 16:
        raise ValueError("too short")
    _size, raw_size, kind, _check = struct.unpack_from("<IIII", data)
    if kind == _PLAIN:
        return data[16 : 16 + min(raw_size, MAX_SIZE)]
    if kind != _LZFU:
        raise ValueError("of no known kind")
    return _unpacked(data, min(raw_size, MAX_SIZE))


def _unpacked(data: bytes, most: int) -> bytes:
    """Letters, and references of two bytes to what came before: 12 bits where, 4 bits how much (3.1.3)."""
    ring = bytearray(_BEGINNING) + bytearray(4096 - len(_BEGINNING))
    out, write, at, flags, bits = bytearray(), len(_BEGINNING), 16, 0, 0
    while at < len(data) and len(out) < most:
        if not bits:
            flags, bits, at = data[at], 8, at + 1
            continue
        if flags & 1:
            reference = int.from_bytes(data[at : at + 2], "big")
            offset, length = reference >> 4, (reference & 15) + 2
            if offset == write:  # the end
                break
            # Byte by byte: a copy may run into what it writes itself.
            for step in range(length):
                byte = ring[(offset + step) & 4095]
                ring[(write + step) & 4095] = byte
                out.append(byte)
            write, at = (write + length) & 4095, at + 2
        else:
            ring[write] = data[at]
            out.append(data[at])
            write, at = (write + 1) & 4095, at + 1
        flags, bits = flags >> 1, bits - 1
    return bytes(out[:most])


@dataclass(slots=True)
class _State:
    """What holds within a group: `aside` is no text of the letter, `hidden` its RTF beside the HTML."""

    aside: bool = False
    hidden: bool = False
    charset: str = ""
    skip: int = 1


class _Reader:
    """One document in the course of being read."""

    def __init__(self, data: bytes) -> None:
        self.is_html = b"\\fromhtml" in data[:1000]
        self.out: list[str] = []
        self.bytes = bytearray()
        self.state = _State()
        self.above: list[_State] = []
        self.charset = "cp1252"
        self.fonts: dict[int, str] = {}
        self.font = 0
        self.in_fonts = 0
        self.to_skip = 0
        self.starred = False

    def read(self, data: bytes) -> str:
        for token in _TOKEN.finditer(data):
            word, number, code, sign, brace, text = token.groups()
            if brace:
                self.group(brace)
            elif word:
                self.word(word, int(number) if number is not None else None)
            elif code:
                self.byte(int(code, 16))
            elif sign:
                self.sign(sign)
            elif text:
                self.plain(text)
        self.flush()
        return "".join(self.out)

    def group(self, brace: bytes) -> None:
        self.flush()
        self.starred = False
        if brace == b"{":
            if len(self.above) >= MAX_DEPTH:
                raise ValueError("too deep")
            self.above.append(self.state)
            self.state = replace(self.state)
        elif self.above:
            self.state = self.above.pop()
            if len(self.above) < self.in_fonts:
                self.in_fonts = 0

    def word(self, word: bytes, number: int | None) -> None:
        if word == b"u" and number is not None:
            self.letter(chr(number & 0xFFFF))
            self.to_skip = self.state.skip
            return
        self.flush()
        state = self.state
        if word == b"htmltag":
            state.aside = False
        elif word == b"htmlrtf":
            state.hidden = number != 0
        elif word in _ASIDE or self.starred:
            state.aside = True
        elif word in _WORDS or word in _SIGNS:
            self.letter(_WORDS.get(word) or _SIGNS[word])
        else:
            self.setting(word, number or 0)
        self.starred = False

    def setting(self, word: bytes, number: int) -> None:
        """Words about how bytes become letters."""
        if word == b"uc":
            self.state.skip = max(0, min(number, 8))
        elif word == b"ansicpg" and number:
            self.charset = f"cp{number}" if number != 65001 else "utf-8"
        elif word == b"fonttbl":
            self.in_fonts, self.state.aside = len(self.above), True
        elif word == b"f":
            self.font = number
            if not self.in_fonts:
                self.state.charset = self.fonts.get(number, "")
        elif word == b"fcharset" and self.in_fonts:
            self.fonts[self.font] = _CHARSETS.get(number, "")

    def sign(self, sign: bytes) -> None:
        if sign == b"*":
            self.starred = True
        elif sign in (b"\\", b"{", b"}"):
            self.letter(sign.decode())
        elif sign in (b"\r", b"\n"):
            self.letter("\n")
        elif sign == b"~":
            self.letter("\u00a0")

    def byte(self, value: int) -> None:
        if self.to_skip:
            self.to_skip -= 1
        elif self.shown():
            self.bytes.append(value)

    def plain(self, text: bytes) -> None:
        if self.to_skip:
            text, self.to_skip = text[self.to_skip :], max(0, self.to_skip - len(text))
        if self.shown():
            self.bytes.extend(text)

    def letter(self, letter: str) -> None:
        self.flush()
        if self.shown():
            self.out.append(letter)

    def shown(self) -> bool:
        return not (self.state.aside or self.state.hidden)

    def flush(self) -> None:
        if self.bytes:
            try:
                self.out.append(bytes(self.bytes).decode(self.state.charset or self.charset, "replace"))
            except LookupError:
                self.out.append(bytes(self.bytes).decode("cp1252", "replace"))
            self.bytes.clear()


def read(compressed: bytes) -> tuple[str, str]:
    """Plain text and HTML of a compressed letter, one of them ''. ValueError when it cannot be read."""
    data = decompress(compressed)
    if not data.startswith(b"{\\rtf"):
        raise ValueError("no rich text")
    reader = _Reader(data)
    text = _whole(reader.read(data))
    return ("", text) if reader.is_html else (text.strip(), "")


def _whole(text: str) -> str:
    """Letters beyond the first plane come in two halves; a half by itself is none."""
    return text.encode("utf-16-le", "surrogatepass").decode("utf-16-le", "replace").replace("\x00", "")
