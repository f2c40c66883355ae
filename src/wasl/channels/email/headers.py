"""Header fields of RFC 5322 and MIME, read so that nothing raises and no line break survives."""

from __future__ import annotations

import binascii
import re
import string
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta, timezone
from email.utils import parsedate_tz
from urllib.parse import unquote_to_bytes

from wasl.channels.email.charsets import decode

MAX_BLOCK = 1 << 20
MAX_VALUE = 100_000
MAX_STRUCTURED = 4_096
MAX_IDS = 100
MAX_RUNS = 1_000

_END = re.compile(rb"\n\r?\n")
_FIELD = re.compile(rb"^([!-9;-~]+)[ \t]*:[ \t]*([^\n]*(?:\n[ \t][^\n]*)*)\n?", re.MULTILINE)
_UNWANTED = re.compile("[\x00-\x1f\x7f-\x9f\u2028\u2029\ud800-\udfff]+")
_WORD = re.compile(r"=\?([^?\s*]{1,64})(?:\*[^?\s]{0,64})?\?([bBqQ])\?([^?]*(?:(?<!=)\?(?!=)[^?]*){0,4})\?=")
_PARAMETER = re.compile(r';\s*([^\s=;]+)\s*=\s*(?:"((?:[^"\\]|\\.)*)"?|([^;]*))')
_SECTION = re.compile(r"(.+?)(?:\*(\d{1,3}))?(\*)?\Z")
_ID = re.compile(r"<([^<>\s]+)>")
_BASE64 = string.ascii_letters.encode() + string.digits.encode() + b"+/"
_SPACE = frozenset(b" \t\n\r\x0b\x0c")
_NOT_BASE64 = bytes(byte for byte in range(256) if byte not in _BASE64)
_DATE = re.compile(
    r"(?:[A-Za-z]{3},\s*)?(\d{1,2}) ([A-Za-z]{3}) (\d{4}) "
    r"(\d\d):(\d\d):(\d\d) ([+-])(\d\d)(\d\d)(?: \(\w+\))?\Z"
)
_MONTHS = ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec")
_MONTH = {name: number for number, name in enumerate(_MONTHS, 1)}


class Fields:
    """The fields of one header block: the first value of each name, names in lower case."""

    __slots__ = ("_first", "defects", "repeated")

    def __init__(self, defects: set[str]) -> None:
        self._first: dict[bytes, bytes] = {}
        self.repeated: set[bytes] = set()
        self.defects = defects

    def add(self, name: bytes, value: bytes) -> None:
        name = name.lower()
        if name in self._first:
            self.repeated.add(name)
        else:
            self._first[name] = value

    def __contains__(self, name: bytes) -> bool:
        return name in self._first

    def any_of(self, names: frozenset[bytes]) -> bool:
        """Whether one of the names, in lower case, is there."""
        return not names.isdisjoint(self._first)

    def plain(self, name: bytes) -> str:
        """The value unfolded, not yet freed of RFC 2047 words or control characters."""
        value = self._first.get(name)
        if not value:
            return ""
        if len(value) > MAX_VALUE:
            value = value[:MAX_VALUE]
            self.defects.add("header_cut")
        if b"\n" in value or b"\r" in value:
            value = value.replace(b"\r\n", b"\n").replace(b"\n", b"").replace(b"\r", b" ")
        if value.isascii() and b"\x00" not in value:
            return value.decode("ascii").strip()
        return decode(value, "", self.defects).strip()

    def text(self, name: bytes) -> str:
        """The value as a person reads it, on one line."""
        return one_line(words(self.plain(name), self.defects))

    def structured(self, name: bytes) -> tuple[str, dict[str, str]]:
        """`value; name=value …` → (value in lower case, parameters), with RFC 2231 undone."""
        value = self.plain(name)[:MAX_STRUCTURED]
        head, separator, _ = value.partition(";")
        return one_line(head).lower(), parameters(value[len(head) :], self.defects) if separator else {}


def read(raw: bytes, start: int, end: int, defects: set[str]) -> tuple[Fields, int]:
    """The header block of raw[start:end] → (fields, where the body starts).

    Lines that are no field are skipped, as mail programs do; when nothing but such lines follows,
    the blank line was forgotten and they are the body. ValueError when the block is over MAX_BLOCK.
    """
    fields = Fields(defects)
    if raw.startswith((b"\n", b"\r\n"), start, end):
        return fields, min(end, raw.index(b"\n", start) + 1)
    blank = _END.search(raw, start, end)
    block_end, body = (blank.start() + 1, blank.end()) if blank else (end, end)
    if block_end - start > MAX_BLOCK:
        if blank or _FIELD.match(raw[start : start + MAX_STRUCTURED]):
            raise ValueError("header block over 1 MiB")
        return fields, start
    block = raw[start:block_end]
    reached = 0
    for field in _FIELD.finditer(block):
        if field.start() != reached and not _is_envelope_line(block[reached : field.start()]):
            defects.add("header_line_bad")
        fields.add(field[1], field[2])
        reached = field.end()
    if reached < len(block):
        defects.add("header_end_missing")
        return fields, start + reached
    return fields, body


def _is_envelope_line(skipped: bytes) -> bool:
    return skipped.startswith((b"From ", b">From ")) and skipped.count(b"\n") == 1


def one_line(text: str) -> str:
    """`text` without control characters, line separators and lone surrogates."""
    return text.strip() if text.isprintable() else _UNWANTED.sub(" ", text).strip()


def words(text: str, defects: set[str]) -> str:
    """RFC 2047 encoded words → text; whatever does not decode is left as it stands.

    Neighbours in the same charset are joined as bytes first: many programs split inside a character.
    """
    if "=?" not in text:
        return text
    out: list[str] = []
    charset, pending, reached = "", b"", 0
    for word in _WORD.finditer(text):
        between = text[reached : word.start()]
        if pending and (between.strip() or word[1].lower() != charset):
            out.append(decode(pending, charset, defects))
            pending = b""
        # White space between two encoded words is not part of the text (RFC 2047, 6.2).
        if between.strip() or reached == 0:
            out.append(between)
        charset = word[1].lower()
        pending += _word_bytes(word[2], word[3])
        reached = word.end()
    if pending:
        out.append(decode(pending, charset, defects))
    out.append(text[reached:])
    return "".join(out)


def _word_bytes(encoding: str, text: str) -> bytes:
    data = text.encode("utf-8", "replace")
    if encoding in "bB":
        return base64(data)
    return binascii.a2b_qp(data.replace(b" ", b"_"), header=True)


def base64(data: bytes, defects: set[str] | None = None, start: int = 0, end: int | None = None) -> bytes:
    """Base64 with anything between its characters, padded in the middle, at the end or not at all.

    Of `data` only what lies between `start` and `end`, which is not copied while nothing is wrong with it.
    """
    end = len(data) if end is None else end
    while end > start and data[end - 1] in _SPACE:
        end -= 1
    try:
        if data.find(b"=", start, end - 2) < 0:
            return binascii.a2b_base64(memoryview(data)[start:end])
    except binascii.Error:
        pass
    if defects is not None:
        defects.add("base64_damaged")
    data = data[start:end]
    runs = [data] if data.count(b"=") > MAX_RUNS else data.split(b"=")
    return b"".join(map(_base64_run, runs))


def _base64_run(run: bytes) -> bytes:
    run = run.translate(None, _NOT_BASE64)
    whole = len(run) - (len(run) % 4 == 1)
    return binascii.a2b_base64(run[:whole] + b"=" * (-whole % 4))


def parameters(text: str, defects: set[str]) -> dict[str, str]:
    """`; a=b; c*0*=utf-8''d` → {name: text}; the first of two same names counts (RFC 2231)."""
    found: dict[str, str] = {}
    pieces: dict[str, list[tuple[int, bool, str]]] = {}
    for name, quoted, bare in _PARAMETER.findall(text):
        value = re.sub(r"\\(.)", r"\1", quoted) if quoted else bare.strip()
        if "*" not in name:
            found.setdefault(name.lower(), one_line(words(value, defects)))
            continue
        section = _SECTION.match(name.lower())
        if section:
            key, number, extended = section[1], int(section[2] or 0), bool(section[3])
            pieces.setdefault(key, []).append((number, extended, value))
    for key, sections in pieces.items():
        found[key] = one_line(_joined(sorted(sections), defects))
    return found


def _joined(sections: list[tuple[int, bool, str]], defects: set[str]) -> str:
    charset, data = "", b""
    for index, (_, extended, section) in enumerate(sections):
        value = section
        if extended and index == 0 and section.count("'") >= 2:
            charset, _, value = section.split("'", 2)
        data += unquote_to_bytes(value) if extended else value.encode("utf-8", "replace")
    return decode(data, charset, defects)


def ids(text: str) -> tuple[str, ...]:
    """Message identifiers in the order they stand, each once; the first and the last MAX_IDS - 1."""
    found = _ID.findall(text) or [word.strip("<>,;") for word in text.split() if "@" in word]
    unique = tuple(dict.fromkeys(one_line(each)[:998] for each in found if each.strip("<>,;")))
    return unique if len(unique) <= MAX_IDS else unique[:1] + unique[1 - MAX_IDS :]


def date(text: str) -> datetime | None:
    """An RFC 5322 date, also in the many wrong ways, → UTC; None when it is none."""
    match = _DATE.match(text)
    try:
        if match and (month := _MONTH.get(match[2].lower())):
            offset = timedelta(hours=int(match[8]), minutes=int(match[9]))
            zone = timezone(-offset if match[7] == "-" else offset)
            parts = (
                int(match[3]),
                month,
                int(match[1]),
                int(match[4]),
                int(match[5]),
                min(int(match[6]), 59),
            )
            return datetime(*parts, tzinfo=zone).astimezone(UTC)
        loose = parsedate_tz(text)
        if loose is None:
            return None
        return datetime(*loose[:6], tzinfo=UTC) - timedelta(seconds=loose[9] or 0)
    except (ValueError, OverflowError, IndexError, TypeError):
        return None


def lines(block: str) -> Iterator[tuple[str, str]]:
    """`Name: value` lines with folding, as in delivery reports → (name in lower case, value)."""
    for line in re.sub(r"\r?\n[ \t]+", " ", block).splitlines():
        name, colon, value = line.partition(":")
        if colon:
            yield name.strip().lower(), one_line(value)
