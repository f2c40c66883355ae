"""The tree of a MIME message (RFC 2045, 2046), found in its bytes without copying them.

Not the standard library's parser: on a message of 25 MB that one takes 0.65 s and 125 MB more (it
makes text of the bytes and cuts it into lines), its time grows with depth times length, and a deep
message ends it with RecursionError. Here a level is a search for its boundary, and depth, parts and
candidates for a boundary are counted.
"""

from __future__ import annotations

import binascii
import re
from collections.abc import Iterator

from wasl.channels.base import Unparseable, Unread
from wasl.channels.email import headers

MAX_DEPTH = 50
MAX_PARTS = 500
# Lines that begin like a boundary and are none; each costs a look, and a message can be made of them.
MAX_CANDIDATES = 20_000

_TYPE = re.compile(r"[a-z0-9!#$&^_.+-]{1,100}/[a-z0-9!#$&^_.+-]{1,100}\Z")
_LOST = re.compile(rb"(--[^\s]{1,100})[ \t]*\r?\nContent-", re.IGNORECASE)
_TEXT = frozenset(("text/plain", "text/html"))


class Entity:
    """One part: its fields, its type, where its body lies in the message, and the parts within."""

    __slots__ = (
        *("children", "content_type", "disposition", "encoding", "end", "fields"),
        *("filename", "params", "raw", "start"),
    )

    def __init__(
        self, raw: bytes, start: int, end: int, defects: set[str], default: str = "text/plain"
    ) -> None:
        try:
            self.fields, self.start = headers.read(raw, start, end, defects)
        except ValueError as error:
            raise Unparseable(Unread.BROKEN, str(error)) from None
        self.raw = raw
        self.end = end
        self.children: list[Entity] = []
        self.content_type, self.params = default, dict[str, str]()
        if b"content-type" in self.fields:
            kind, self.params = self.fields.structured(b"content-type")
            kind = _text_type(kind.partition(" ")[0])
            self.content_type = (
                kind if _TYPE.match(kind) else "text/plain" if not kind else "application/octet-stream"
            )
        self.disposition, self.filename = "", self.params.get("name", "")
        if b"content-disposition" in self.fields:
            self.disposition, extra = self.fields.structured(b"content-disposition")
            self.filename = extra.get("filename", "") or self.filename
        self.encoding = ""
        if b"content-transfer-encoding" in self.fields:
            self.encoding = self.fields.structured(b"content-transfer-encoding")[0].strip("\"' .")

    @property
    def content_id(self) -> str:
        return headers.one_line(self.fields.plain(b"content-id")).strip("<> ")[:250]

    @property
    def is_multipart(self) -> bool:
        return bool(self.children)

    def content(self) -> bytes:
        """The body, transfer encoding undone once; bytes as they stand when it is none we know."""
        if self.encoding == "base64":
            return headers.base64(self.raw, self.fields.defects, self.start, self.end)
        body = self.raw[self.start : self.end]
        if self.encoding == "quoted-printable":
            return binascii.a2b_qp(body)
        if self.encoding not in ("", "7bit", "8bit", "binary"):
            self.fields.defects.add("encoding_unknown")
        return body

    def leaves(self) -> Iterator[Entity]:
        """The parts that hold something, in order."""
        pending = [self]
        while pending:
            entity = pending.pop()
            if entity.children:
                pending.extend(reversed(entity.children))
            else:
                yield entity


def _text_type(kind: str) -> str:
    """'text' and 'html' alone are what old programs write for the two."""
    return {"text": "text/plain", "html": "text/html"}.get(kind, kind)


def tree(raw: bytes, defects: set[str]) -> Entity:
    """The message as a tree. Raises Unparseable when it is deeper or wider than MAX_DEPTH, MAX_PARTS."""
    root = Entity(raw, 0, len(raw), defects)
    pending, count, candidates = [(root, 1)], 1, 0
    while pending:
        entity, depth = pending.pop()
        if not entity.content_type.startswith("multipart/"):
            continue
        if depth > MAX_DEPTH:
            raise Unparseable(Unread.NESTED_TOO_DEEP, f"more than {MAX_DEPTH} levels")
        default = "message/rfc822" if entity.content_type == "multipart/digest" else "text/plain"
        spans, looked = _split(entity)
        count, candidates = count + len(spans), candidates + looked
        if count > MAX_PARTS or candidates > MAX_CANDIDATES:
            raise Unparseable(Unread.TOO_MANY_PARTS, f"more than {MAX_PARTS} parts")
        if not spans:
            # No boundary, or one that never comes: what is there is the text.
            defects.add("multipart_without_parts")
            entity.content_type = "text/plain"
            continue
        entity.children = [Entity(raw, start, end, defects, default) for start, end in spans]
        pending.extend((child, depth + 1) for child in entity.children)
    return root


def _split(entity: Entity) -> tuple[list[tuple[int, int]], int]:
    """Where the parts between the boundary lines lie; and how many lines were looked at."""
    boundary = entity.params.get("boundary", "").rstrip()
    if boundary:
        spans, looked = _between(entity, b"--" + boundary.encode("utf-8", "replace"))
        if spans:
            return spans, looked
    # None was named, or another than the one used: a line of dashes before the fields of a part.
    lost = _LOST.search(entity.raw, entity.start, min(entity.end, entity.start + headers.MAX_STRUCTURED))
    if lost is None:
        return [], 0
    entity.fields.defects.add("boundary_guessed")
    return _between(entity, lost[1])


def _between(entity: Entity, line: bytes) -> tuple[list[tuple[int, int]], int]:
    raw, end = entity.raw, entity.end
    spans: list[tuple[int, int]] = []
    opened, looked = -1, 0
    # The boundary may be the first thing in the body, after the line break of the header.
    at = entity.start if raw.startswith(line, entity.start) else _next(raw, line, entity.start, end)
    while at >= 0 and len(spans) <= MAX_PARTS and looked <= MAX_CANDIDATES:
        looked += 1
        newline = raw.find(b"\n", at + len(line), end)
        stop = end if newline < 0 else newline + 1
        rest = raw[at + len(line) : stop].strip() if stop - at - len(line) < 1000 else b"x"
        if rest in (b"", b"--"):
            if opened >= 0:
                spans.append((opened, _before(raw, at, opened)))
            opened = -1 if rest else stop
            if rest:
                break
        at = _next(raw, line, stop - 1, end)
    else:
        if opened >= 0 and opened < end:
            entity.fields.defects.add("multipart_not_closed")
            spans.append((opened, end))
    return spans, looked


def _next(raw: bytes, line: bytes, start: int, end: int) -> int:
    found = raw.find(b"\n" + line, max(start, 0), end)
    return found + 1 if found >= 0 else -1


def _before(raw: bytes, at: int, opened: int) -> int:
    """The end of a part: the line break before a boundary belongs to the boundary."""
    at -= 1
    if raw[at - 1 : at] == b"\r":
        at -= 1
    return max(at, opened)


class Body:
    """What of a message is to be read as text, as HTML, and what is attached (RFC 8621, 4.1.4)."""

    __slots__ = ("attached", "html", "text")

    def __init__(self, root: Entity) -> None:
        self.text: list[Entity] = []
        self.html: list[Entity] = []
        self.attached: list[Entity] = []
        self._walk([root], "mixed", False, self.text, self.html)

    def _walk(
        self,
        entities: list[Entity],
        within: str,
        in_alternative: bool,
        text: list[Entity] | None,
        html: list[Entity] | None,
    ) -> None:
        texts, htmls = len(self.text), len(self.html)
        for index, entity in enumerate(entities):
            if entity.is_multipart:
                kind = entity.content_type.partition("/")[2]
                self._walk(entity.children, kind, in_alternative or kind == "alternative", text, html)
            elif not _is_shown(entity, index, within):
                self.attached.append(entity)
            elif within == "alternative":
                (self.text if entity.content_type == "text/plain" else self.html).append(entity)
            else:
                if in_alternative:
                    # Beside each other inside one alternative: each belongs to its own reading only.
                    html = None if entity.content_type == "text/plain" else html
                    text = None if entity.content_type == "text/html" else text
                if text is not None:
                    text.append(entity)
                if html is not None:
                    html.append(entity)
        if within == "alternative":
            self._level(texts, htmls)

    def _level(self, texts: int, htmls: int) -> None:
        """An alternative with one reading only serves both."""
        if len(self.text) == texts:
            self.text.extend(self.html[htmls:])
        elif len(self.html) == htmls:
            self.html.extend(self.text[texts:])


def _is_shown(entity: Entity, index: int, within: str) -> bool:
    """A text to read in place: not called an attachment, and a name is allowed to the first only."""
    if entity.content_type not in _TEXT or entity.disposition == "attachment":
        return False
    return index == 0 or (within != "related" and not entity.filename)
