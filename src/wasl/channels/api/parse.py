"""What a door stored for an API inbox → ParsedMessage."""

from __future__ import annotations

import hashlib
import re
from datetime import UTC

import msgspec

from wasl.channels.api.schemas import File, Incoming
from wasl.channels.base import Address, ParsedMessage, Part, Unparseable, Unread
from wasl.channels.email import html, language

CHANNEL = "api"

_decode = msgspec.json.Decoder(Incoming).decode
# Line breaks have no place in what becomes a header when the conversation is answered by e-mail.
_UNWANTED = re.compile("[\x00-\x1f\x7f-\x9f\u2028\u2029]+")
_FOLDERS = re.compile(r"[\\/\x00-\x1f\x7f]+")


def parse(raw: bytes) -> ParsedMessage:
    """Raises Unparseable, with the reason a person is shown, and nothing else."""
    try:
        message = _decode(raw)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError) as error:
        raise Unparseable(Unread.BROKEN, str(error)) from error
    try:
        return _parsed(message)
    except Exception as error:
        # As with e-mail: a mistake of ours must not stop the batch the message came in.
        raise Unparseable(Unread.BROKEN, f"{type(error).__name__}: {error}") from error


def _parsed(message: Incoming) -> ParsedMessage:
    defects: tuple[str, ...] = ()
    clean = html.Sanitised("")
    if message.html:
        try:
            clean = html.sanitise(message.html)
        except ValueError as error:
            defects = (f"html_{error}",)
    thread = _reference(message.thread) if message.thread else ""
    return ParsedMessage(
        channel=CHANNEL,
        sender=Address(_line(message.sender.name), _line(message.sender.address)),
        subject=_line(message.subject),
        text=message.text or html.to_text(clean.html),
        html=clean.html,
        has_remote=clean.has_remote,
        # Every message of a thread goes by the thread's own id and points at it: whichever was understood first is
        # the one that the others answer.
        message_id=thread,
        in_reply_to=(thread,) if thread else (),
        sent_at=message.sent_at.astimezone(UTC) if message.sent_at else None,
        language=language.guess(message.text, message.language),
        parts=(*map(_part, message.attachments), *map(_embedded, clean.embedded)),
        defects=defects,
    )


def _line(text: str) -> str:
    return _UNWANTED.sub(" ", text).strip()


def _reference(thread: str) -> str:
    """An id that cannot be mistaken for an e-mail's Message-ID, of any key a client may think of."""
    return f"{hashlib.sha256(thread.encode()).hexdigest()[:32]}@thread.api"


def _part(file: File) -> Part:
    return Part(_FOLDERS.sub("_", file.filename).strip() or "file", file.content_type.lower(), file.content)


def _embedded(image: html.Embedded) -> Part:
    ending = image.content_type.partition("/")[2]
    return Part(
        f"{image.content_id}.{ending}", image.content_type, image.content, image.content_id, inline=True
    )
