"""OutboundMessage → the bytes of an RFC 5322 message with MIME parts, lines ended by CRLF.

The same message gives the same bytes: nothing here asks the clock or a random source. A message is
7-bit throughout, so that every server takes it, unless an address itself is not ASCII (RFC 6532). It
is written in pieces: with a file of 25 MB it would be 34 MB, and twice that while it was put together.
"""

from __future__ import annotations

import binascii
import hashlib
import re
from base64 import b64encode
from collections.abc import Iterable, Iterator
from datetime import UTC
from email.utils import format_datetime
from urllib.parse import quote

from wasl.channels.base import Address, Enclosed, OutboundMessage, Part
from wasl.channels.email import auto
from wasl.channels.email.charsets import storable
from wasl.channels.email.html import from_text

MAX_REFERENCES = 20
LINE = 76
LINES_A_PIECE = 1000
# Languages written from right to left, by their two letters.
_RTL = ("ar", "fa", "he", "ur", "ps", "ckb", "yi")
_RTL_LETTER = re.compile(r"[\u0590-\u08ff\ufb1d-\ufdff\ufe70-\ufeff]")
_LETTER = re.compile(r"[^\W\d_]")

_CONTROL = re.compile(r"[\x00-\x1f\x7f\x85\u2028\u2029\ud800-\udfff]")
_ID = re.compile(r"[^\s<>\x00-\x1f\x7f]{1,900}\Z")
_ADDRESS = re.compile(
    r"[^\s<>,;:()\"\x00-\x1f\x7f\ud800-\udfff]+@[^\s<>,;()\"@\x00-\x1f\x7f\ud800-\udfff]+\Z"
)
_FIELD_NAME = re.compile(r"[A-Za-z][A-Za-z0-9-]{0,75}\Z")
_ATOM_TEXT = re.compile(r"[A-Za-z0-9 !#$%&'*+/=?^_`{|}~-]*\Z")
_TOKEN_TEXT = re.compile(r"[A-Za-z0-9!#$&+.^_`{|}~-]+\Z")
_TYPE = re.compile(r"[a-z0-9!#$&^_.+-]+/[a-z0-9!#$&^_.+-]+\Z")
_OURS = {
    *("from", "to", "cc", "bcc", "sender", "reply-to", "subject", "date", "message-id", "in-reply-to"),
    *("references", "mime-version", "content-type", "content-transfer-encoding", "content-language"),
    *("content-disposition", "content-id", "return-path", "received"),
}


def compose(message: OutboundMessage) -> bytes:
    """The whole message. ValueError, in words, when a value would break out of its header or is no address."""
    return b"".join(pieces(message))


def pieces(message: OutboundMessage) -> Iterator[bytes]:
    """The same, piece by piece. Raises as `compose`."""
    yield "".join(f"{name}: {value}\r\n" for name, value in _header(message)).encode("utf-8")
    yield from _body(message)


def _header(message: OutboundMessage) -> list[tuple[str, str]]:
    if message.date.tzinfo is None:
        raise ValueError("the date must have a time zone")
    if not message.to and not message.cc:
        raise ValueError("the message has no recipient")
    reply_to = (message.reply_to,) if message.reply_to else ()
    people = (("From", (message.from_,)), ("To", message.to), ("Cc", message.cc), ("Reply-To", reply_to))
    fields = [(name, _addresses(name, named)) for name, named in people if named]
    fields.append(("Subject", _text("Subject", message.subject)))
    fields.append(("Date", format_datetime(message.date.astimezone(UTC))))
    fields.append(("Message-ID", _ids("Message-ID", (message.message_id,))))
    if message.in_reply_to:
        fields.append(("In-Reply-To", _ids("In-Reply-To", message.in_reply_to)))
    references = trim_references(message.references, message.in_reply_to)
    if references:
        fields.append(("References", _ids("References", references)))
    if message.language:
        fields.append(("Content-Language", _text("Content-Language", message.language)))
    fields.extend(_added(name, value) for name, value in message.headers)
    if message.auto:
        fields.extend(auto.headers(replied=bool(message.in_reply_to)))
    fields.append(("MIME-Version", "1.0"))
    return fields


def _added(name: str, value: str) -> tuple[str, str]:
    if not _FIELD_NAME.match(name) or name.lower() in _OURS:
        raise ValueError(f"not a header that can be added: {name!r}")
    return name, _text(name, value)


def trim_references(references: tuple[str, ...], in_reply_to: tuple[str, ...] = ()) -> tuple[str, ...]:
    """The thread's first message and its latest ones, each once, the one answered last."""
    chain = tuple(dict.fromkeys(each for each in references if each not in in_reply_to)) + in_reply_to
    return chain if len(chain) <= MAX_REFERENCES else chain[:1] + chain[1 - MAX_REFERENCES :]


def _text(name: str, value: str) -> str:
    """An unstructured value, folded, in RFC 2047 words when it is not plain ASCII."""
    _refuse_control(name, value)
    if value.isascii() and "=?" not in value and all(len(word) < 900 for word in value.split(" ")):
        return _fold(value.split(" "), len(name) + 2)
    return _encoded(value)


def _refuse_control(name: str, value: str) -> None:
    if _CONTROL.search(value):
        raise ValueError(f"{name} holds a line break or another control character: {value!r}")


def _fold(words: list[str], used: int) -> str:
    """Words on lines of LINE letters where possible; a line never starts or ends as white space only."""
    out, width = [words[0]], used + len(words[0])
    for word in words[1:]:
        if width + 1 + len(word) > LINE and word and out[-1]:
            out.append("\r\n")
            width = 0
        out.append(" ")
        out.append(word)
        width += 1 + len(word)
    return "".join(out)


def _encoded(text: str) -> str:
    """RFC 2047 words of at most 75 letters, none of them split inside a character."""
    words: list[bytes] = []
    chunk = b""
    for character in text:
        data = character.encode("utf-8")
        # The first shares its line with the field's name; no line is longer than 78 (RFC 5322, 2.1.1).
        if len(chunk) + len(data) > (45 if words else 36):
            words.append(chunk)
            chunk = b""
        chunk += data
    words.append(chunk)
    return "\r\n ".join(f"=?utf-8?b?{b64encode(word).decode('ascii')}?=" for word in words)


def _ids(name: str, ids: tuple[str, ...]) -> str:
    for each in ids:
        if not _ID.match(each):
            raise ValueError(f"{name} is not a message identifier: {each!r}")
    return "\r\n ".join(f"<{each}>" for each in ids)


def _addresses(name: str, people: tuple[Address, ...]) -> str:
    return ",\r\n ".join(_mailbox(name, person) for person in people)


def _mailbox(name: str, person: Address) -> str:
    if not _ADDRESS.match(person.address):
        raise ValueError(f"{name} is not a mail address: {person.address!r}")
    _refuse_control(name, person.name)
    if not person.name:
        return person.address
    if not person.name.isascii() or "=?" in person.name or len(person.name) > 200:
        return f"{_encoded(person.name)}\r\n <{person.address}>"
    if _ATOM_TEXT.match(person.name):
        return f"{person.name} <{person.address}>"
    escaped = person.name.replace("\\", "\\\\").replace('"', '\\"')
    return f'"{escaped}" <{person.address}>'


def _body(message: OutboundMessage) -> Iterator[bytes]:
    """The body with its own Content fields, the blank line after them included."""
    text = storable(message.text)
    plain = _leaf("text/plain; charset=utf-8", _lines(text))
    rich = _leaf("text/html; charset=utf-8", _lines(_document(message, text)))
    inline = [part for part in message.parts if part.inline and part.content_id and message.html]
    attached = [part for part in message.parts if part not in inline]
    if inline:
        related = [rich, *map(_attachment, inline)]
        rich = _multipart(message, "related", related, '; type="text/html"')
    body = _multipart(message, "alternative", [plain, rich])
    if attached:
        body = _multipart(message, "mixed", [body, *map(_attachment, attached)])
    return body


def _multipart(
    message: OutboundMessage, kind: str, parts: Iterable[Iterator[bytes]], extra: str = ""
) -> Iterator[bytes]:
    # `=_` occurs neither in base64 nor in quoted-printable; and no part can hold the digest of an
    # identifier that did not exist when the part was written.
    digest = hashlib.sha256(f"{message.message_id}\n{kind}".encode()).hexdigest()
    boundary = f"=_{digest[:32]}"
    line = b"--" + boundary.encode("ascii")
    yield f'Content-Type: multipart/{kind};\r\n boundary="{boundary}"{extra}\r\n\r\n'.encode("ascii")
    for part in parts:
        yield line + b"\r\n"
        yield from part
        yield b"\r\n"
    yield line + b"--\r\n"


def _lines(text: str) -> bytes:
    return text.replace("\r\n", "\n").replace("\r", "\n").replace("\n", "\r\n").encode("utf-8")


def _leaf(content_type: str, data: bytes) -> Iterator[bytes]:
    encoding, body = _transfer(data)
    yield f"Content-Type: {content_type}\r\nContent-Transfer-Encoding: {encoding}\r\n\r\n".encode("ascii")
    yield from body


def _transfer(data: bytes) -> tuple[str, Iterable[bytes]]:
    """The shorter of the encodings that fit: a Latin text stays readable, an Arabic one stays small."""
    longest = max(map(len, data.split(b"\r\n")), default=0)
    if data.isascii() and longest <= 990:
        return "7bit", [data]
    if sum(byte > 0x7E for byte in data) * 6 < len(data):
        quoted = binascii.b2a_qp(data.replace(b"\r\n", b"\n"), istext=True)
        return "quoted-printable", [quoted.replace(b"\n", b"\r\n")]
    return "base64", _base64([data])


def _base64(pieces: Iterable[bytes]) -> Iterator[bytes]:
    """In lines, without a line end behind the last."""
    size, before = LINE // 4 * 3, b""
    for piece in _whole_lines(pieces, size):
        lines = (b64encode(piece[at : at + size]) for at in range(0, len(piece), size))
        yield before + b"\r\n".join(lines)
        before = b"\r\n"


def _whole_lines(pieces: Iterable[bytes], size: int) -> Iterator[bytes]:
    """The same bytes in pieces of whole lines, all but the last."""
    most, rest = size * LINES_A_PIECE, b""
    for piece in pieces:
        data = rest + piece if rest else piece
        whole = len(data) // size * size
        for start in range(0, whole, most):
            yield data[start : min(start + most, whole)]
        rest = data[whole:]
    if rest:
        yield rest


def _pieces(part: Part | Enclosed) -> Iterable[bytes]:
    return [part.content] if isinstance(part, Part) else part.pieces()


def _document(message: OutboundMessage, text: str) -> str:
    """A whole HTML document that says its language and direction."""
    body = storable(message.html) or from_text(text)
    if re.match(r"\s*(<!doctype|<html)", body, re.IGNORECASE):
        return body
    language = re.sub(r"[^A-Za-z-]", "", message.language)
    declared = f' lang="{language}"' if language else ""
    return (
        f'<!DOCTYPE html>\n<html{declared} dir="{direction(language, text)}">\n'
        f'<head><meta charset="utf-8"></head>\n<body>\n{body}\n</body>\n</html>\n'
    )


def direction(language: str, text: str) -> str:
    """'rtl' or 'ltr': of the language, or of the text's first letter when none is said."""
    if language:
        return "rtl" if language.lower().split("-")[0] in _RTL else "ltr"
    first = _LETTER.search(text)
    return "rtl" if first and _RTL_LETTER.match(first[0]) else "ltr"


def _attachment(part: Part | Enclosed) -> Iterator[bytes]:
    kind = part.content_type.lower()
    if not _TYPE.match(kind) or kind.startswith("multipart/"):
        kind = "application/octet-stream"
    encoding, body = "base64", _base64(_pieces(part))
    if kind.startswith("message/"):
        # These may not be base64 (RFC 2046, 5.2.1); what is not plain enough goes as a file.
        whole = b"".join(_pieces(part))
        lines = whole.replace(b"\r\n", b"\n").replace(b"\r", b"\n").replace(b"\n", b"\r\n")
        if lines.isascii() and b"\x00" not in lines and max(map(len, lines.split(b"\r\n"))) <= 990:
            encoding, body = "7bit", iter((lines,))
        else:
            kind = "application/octet-stream"
    disposition = "inline" if part.inline else "attachment"
    fields = [f"Content-Type: {kind}", f"Content-Transfer-Encoding: {encoding}"]
    fields.append(f"Content-Disposition: {disposition}{_filename(part.filename)}")
    if part.content_id:
        fields.append(f"Content-ID: {_ids('Content-ID', (part.content_id,))}")
    yield "\r\n".join(fields).encode("ascii") + b"\r\n\r\n"
    yield from body


def _filename(name: str) -> str:
    """The parameter, in RFC 2231 form when it is not a plain short name.

    In one piece while a line can hold it: programs that decode sections one by one break characters.
    """
    _refuse_control("the file's name", name)
    if not name:
        return ""
    if _TOKEN_TEXT.match(name) and len(name) <= 60:
        return f'; filename="{name}"'
    data = quote(name, safe="!#$&+.^_`|~-")
    if len(data) <= 900:
        return f";\r\n filename*=utf-8''{data}"
    pieces = re.findall(r"(?:%[0-9A-F]{2}|[^%]){1,300}", data)
    pieces[0] = f"utf-8''{pieces[0]}"
    return "".join(f";\r\n filename*{index}*={piece}" for index, piece in enumerate(pieces))
