"""Messages put together for tests."""

from __future__ import annotations

from wasl.channels.base import ParsedMessage
from wasl.channels.email.parse import _parse

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


def nested(depth: int) -> bytes:
    return b"".join(
        b'Content-Type: multipart/mixed; boundary="b%d"\r\n\r\n--b%d\r\n' % (level, level)
        for level in range(depth)
    )
