"""A raw e-mail message (RFC 5322, MIME) → ParsedMessage.

Three steps: the tree of its parts (`mime`), what of them is text, HTML and attachment, and the
fields of its header. Whatever is wrong with a message is read around and noted in `defects`; only
what could not be shown to a person at all is Unparseable.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field, replace
from functools import partial

from wasl.channels.base import Address, ParsedMessage, Part, Unparseable, Unread
from wasl.channels.email import (
    addresses,
    auto,
    bounce,
    certified,
    headers,
    html,
    invitation,
    language,
    rtf,
    tnef,
)
from wasl.channels.email.charsets import decode
from wasl.channels.email.mime import Body, Entity, tree

CHANNEL = "email"
MAX_TEXT = 500_000
MAX_SUBJECT = 1_000
MAX_FILENAME = 200

_ENDINGS = {
    "image/png": ".png",
    "image/jpeg": ".jpg",
    "image/gif": ".gif",
    "image/webp": ".webp",
    "text/plain": ".txt",
    "text/html": ".html",
    "text/calendar": ".ics",
    "text/vcard": ".vcf",
    "application/pdf": ".pdf",
    "application/zip": ".zip",
    "message/rfc822": ".eml",
    "message/global": ".eml",
    "application/pgp-signature": ".asc",
    "application/pkcs7-signature": ".p7s",
}
_FOLDERS = re.compile(r"[\\/\x00-\x1f\x7f]+")
_TURNS = re.compile("[\u202a-\u202e\u2066-\u2069]+")  # with these in it "x\u202efdp.exe" shows as a document


def parse(raw: bytes) -> ParsedMessage:
    """Raises Unparseable, with the reason a person is shown, and nothing else."""
    try:
        return _parse(raw)
    except Unparseable:
        raise
    except Exception as error:
        # One message that trips over a mistake of ours waits in quarantine for the fix and is then
        # replayed; it must not stop the batch it came in.
        raise Unparseable(Unread.BROKEN, f"{type(error).__name__}: {error}") from error


def _parse(raw: bytes, *, enveloped: bool = False) -> ParsedMessage:
    if not raw or raw.isspace():
        raise Unparseable(Unread.EMPTY, "no bytes")
    raw = raw.removeprefix(b"\xef\xbb\xbf")  # some save a mail as a text file
    if b"\n" not in raw:
        raw = raw.replace(b"\r", b"\n")
    defects: set[str] = set()
    root = tree(raw, defects)
    fields = root.fields
    subject = _subject(fields, defects)
    report = bounce.report(root, fields.plain(b"from"), subject)
    content = _content(root, defects)
    message_ids = headers.ids(fields.plain(b"message-id"))
    for name, defect in ((b"from", "from_repeated"), (b"message-id", "message_id_repeated")):
        if name in fields.repeated:
            defects.add(defect)
    if not message_ids:
        defects.add("message_id_missing")
    sent_at = headers.date(fields.plain(b"date")) if b"date" in fields else None
    if sent_at is None:
        defects.add("date_unreadable" if b"date" in fields else "date_missing")
    sender = _sender(fields, defects, is_report=report is not None)
    is_report = report is not None or root.content_type == "multipart/report"
    written_by = auto.kind(fields, subject, is_report=is_report)
    message = ParsedMessage(
        channel=CHANNEL,
        sender=sender,
        to=addresses.parse(fields.plain(b"to"), defects),
        cc=addresses.parse(fields.plain(b"cc"), defects),
        reply_to=addresses.parse(fields.plain(b"reply-to"), defects),
        subject=subject,
        text=content.text,
        html=content.html,
        has_remote=content.has_remote,
        message_id=message_ids[0] if message_ids else "",
        in_reply_to=headers.ids(fields.plain(b"in-reply-to")),
        references=headers.ids(fields.plain(b"references")),
        sent_at=sent_at,
        language=language.guess(content.text, fields.plain(b"content-language")),
        parts=tuple(invitation.without_copies(content.parts)),
        auto=written_by,
        quiet=auto.quiet(fields, sender.address, subject, written_by) or "",
        mark=fields.plain(auto.MARK_FIELD) if auto.MARK_FIELD in fields else "",
        auth_results=fields.text(b"authentication-results") if b"authentication-results" in fields else "",
        bounce=report,
        invitation=invitation.find(content.parts),
        defects=tuple(sorted(defects)),
    )
    if certified.ENVELOPE in fields and not enveloped:
        said = fields.plain(certified.ENVELOPE)
        return certified.within(message, said, partial(_parse, enveloped=True))
    return message


def _sender(fields: headers.Fields, defects: set[str], *, is_report: bool) -> Address:
    """Who wrote. Never Reply-To: anyone may put anyone there."""
    for name in (b"from", b"sender", b"return-path"):
        found = addresses.parse(fields.plain(name), defects)
        if found:
            if name != b"from":
                defects.add("from_missing")
            return found[0]
    shown = fields.text(b"from")
    if is_report:
        # A report counts by what it says; mail servers sign it with a bare name, or with nothing.
        return Address(shown.strip('"<> ')[: addresses.MAX_NAME], "")
    raise Unparseable(Unread.NO_SENDER, f"From: {shown[:200]}" if shown else "no From")


def _subject(fields: headers.Fields, defects: set[str]) -> str:
    subject = re.sub(r"\s+", " ", fields.text(b"subject"))
    if len(subject) > MAX_SUBJECT:
        defects.add("subject_cut")
        subject = subject[:MAX_SUBJECT]
    return subject


@dataclass(slots=True)
class _Content:
    """What a person reads, and the files beside it."""

    text: str = ""
    html: str = ""
    has_remote: bool = False
    content_ids: frozenset[str] = frozenset()
    parts: list[Part] = field(default_factory=list)


def _content(root: Entity, defects: set[str]) -> _Content:
    body = Body(root)
    content = _Content()
    texts = {id(entity): _text(entity, content, defects) for entity in {*body.text, *body.html}}
    embedded: list[html.Embedded] = []
    pieces: list[str] = []
    has_html = any(entity.content_type == "text/html" for entity in body.html)
    clean: dict[int, html.Sanitised] = {}
    for entity in dict.fromkeys((*body.html, *body.text)):
        if entity.content_type == "text/html":
            clean[id(entity)] = safe = _sanitised(entity, texts[id(entity)], content, defects)
            content.has_remote = content.has_remote or safe.has_remote
            content.content_ids |= safe.content_ids
            embedded.extend(safe.embedded)
    if has_html:
        for entity in body.html:
            safe_or_none = clean.get(id(entity))
            pieces.append(safe_or_none.html if safe_or_none else html.from_text(texts[id(entity)]))
        content.html = "\n".join(pieces).strip()
    readable = (_readable(texts[id(entity)], clean.get(id(entity))) for entity in body.text)
    content.text = "\n\n".join(filter(None, readable))
    if content.html and not content.text:
        content.text = html.to_text(content.html)
    if len(content.text) > MAX_TEXT:  # what is left out is in the HTML, or in a file of its own
        defects.add("text_cut")
        content.text = content.text[:MAX_TEXT]
    attached = [_part(entity, index, content) for index, entity in enumerate(body.attached, 1)]
    lifted = [
        Part(f"{each.content_id}", each.content_type, each.content, each.content_id, True)
        for each in embedded
    ]
    content.parts = [*content.parts, *attached, *lifted]
    for part in attached:
        if tnef.is_tnef(part):
            _unpack(part, content, defects)
    return content


def _unpack(packed: Part, content: _Content, defects: set[str]) -> None:
    """Put what a winmail.dat holds in its place: its files, and its body where the message has none."""
    try:
        letter = tnef.read(packed.content)
        if not (content.text or letter.text or letter.html) and letter.rtf:
            letter.text, letter.html = rtf.read(letter.rtf)
    except ValueError:
        defects.add("tnef_unreadable")
        return
    if not content.text:
        _take_body(letter, content, defects)
    place = content.parts.index(packed)
    content.parts[place : place + 1] = [
        replace(part, filename=_plain_name(part.filename, part.content_type, number))
        for number, part in enumerate(letter.parts, 1)
    ]


def _take_body(letter: tnef.Letter, content: _Content, defects: set[str]) -> None:
    text = letter.text.replace("\r\n", "\n").replace("\r", "\n").strip("\n")
    if letter.html:
        try:
            safe = html.sanitise(letter.html)
        except ValueError as error:
            defects.add(f"html_{error}")
            text = text or html.strip_tags(letter.html)
        else:
            content.html, content.has_remote = safe.html, safe.has_remote
            text = text or html.to_text(safe.html)
    content.text = text[:MAX_TEXT]


def _readable(text: str, safe: html.Sanitised | None) -> str:
    if safe is None:
        return text
    return html.to_text(safe.html) if safe.html else html.strip_tags(text)


def _text(entity: Entity, content: _Content, defects: set[str]) -> str:
    data = entity.content()
    is_html = entity.content_type == "text/html"
    shown = data if is_html else data[: MAX_TEXT * 4]
    text = decode(shown, entity.params.get("charset", ""), defects)
    if "\r" in text:
        text = text.replace("\r\n", "\n").replace("\r", "\n")
    if is_html:
        return text
    if len(text) > MAX_TEXT or len(shown) < len(data):
        defects.add("text_cut")
        content.parts.append(Part("message.txt", "text/plain", data))
        text = text[:MAX_TEXT]
    if entity.params.get("format", "").lower() == "flowed":
        text = unflow(text, entity.params.get("delsp", "").lower() == "yes")
    return text.rstrip().lstrip("\n")


def _sanitised(entity: Entity, text: str, content: _Content, defects: set[str]) -> html.Sanitised:
    try:
        return html.sanitise(text)
    except ValueError as error:
        defects.add(f"html_{error}")
        content.parts.append(Part("message.html", "text/html", entity.content()))
        return html.Sanitised("")


def unflow(text: str, delete_space: bool = False) -> str:
    """format=flowed: lines ending in a space go on in the next (RFC 3676), `-- ` excepted."""
    out: list[str] = []
    flowing = ""
    for line in text.split("\n"):
        quote = line[: len(line) - len(line.lstrip(">"))]
        rest = line[len(quote) :]
        rest = rest.removeprefix(" ")
        shown = f"{quote} {rest}" if quote else rest
        if out and flowing == quote + "f" and rest != "-- ":
            out[-1] = (out[-1][:-1] if delete_space else out[-1]) + rest
        else:
            out.append(shown)
        flowing = quote + "f" if rest.endswith(" ") and rest != "-- " else ""
    return "\n".join(out)


def _part(entity: Entity, index: int, content: _Content) -> Part:
    content_id = entity.content_id
    inline = entity.disposition == "inline" or (content_id and content_id in content.content_ids)
    return Part(
        _filename(entity, index),
        entity.content_type,
        entity.content(),
        content_id,
        bool(inline) and entity.content_type.startswith("image/"),
    )


def _filename(entity: Entity, index: int) -> str:
    """The file's own name without folders and control characters, or one made up for it."""
    return _plain_name(entity.filename, entity.content_type, index)


def _plain_name(name: str, content_type: str, index: int) -> str:
    name = _TURNS.sub("", _FOLDERS.split(headers.one_line(name))[-1]).strip(". ")
    if not name:
        kind = "image" if content_type.startswith("image/") else "attachment"
        return f"{kind}-{index}{_ENDINGS.get(content_type, '')}"
    if len(name) > MAX_FILENAME:
        stem, dot, ending = name.rpartition(".")
        ending = dot + ending if stem and len(ending) <= 10 else ""
        name = name[: MAX_FILENAME - len(ending)] + ending
    return name
