"""What a delivery's row holds of a message: everything but the bytes of its files, which stay in the blob store."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from wasl.channels.base import Address, OutboundMessage, Part
from wasl.kit import blobs


@dataclass(frozen=True, slots=True)
class File:
    """An attachment or an inline image by its digest (raw SHA-256) in the workspace's blob store."""

    filename: str
    content_type: str
    digest: bytes
    content_id: str = ""
    inline: bool = False


def pack(message: OutboundMessage, files: Sequence[File] = ()) -> dict[str, Any]:
    """The message as JSON values. Its own `parts` must be empty: bytes do not belong in a row."""
    if message.parts:
        raise ValueError("files go to the blob store, not into the row")
    return {
        "message_id": message.message_id,
        "date": message.date.isoformat(),
        "from": _person(message.from_),
        "to": [_person(each) for each in message.to],
        "cc": [_person(each) for each in message.cc],
        "reply_to": _person(message.reply_to) if message.reply_to else None,
        "envelope_from": message.envelope_from,
        "subject": message.subject,
        "text": message.text,
        "html": message.html,
        "in_reply_to": list(message.in_reply_to),
        "references": list(message.references),
        "language": message.language,
        "headers": [list(each) for each in message.headers],
        "files": [
            [each.filename, each.content_type, each.digest.hex(), each.content_id, each.inline]
            for each in files
        ],
    }


def unpack(
    workspace_id: UUID, payload: dict[str, Any], read: Callable[[UUID, bytes], bytes] = blobs.read
) -> OutboundMessage:
    """The message with its files. Raises blobs.MissingBlob, or what the store raises when it is out of reach."""
    reply_to = payload["reply_to"]
    return OutboundMessage(
        message_id=payload["message_id"],
        date=datetime.fromisoformat(payload["date"]),
        from_=Address(*payload["from"]),
        to=tuple(Address(*each) for each in payload["to"]),
        cc=tuple(Address(*each) for each in payload["cc"]),
        reply_to=Address(*reply_to) if reply_to else None,
        envelope_from=payload["envelope_from"],
        subject=payload["subject"],
        text=payload["text"],
        html=payload["html"],
        in_reply_to=tuple(payload["in_reply_to"]),
        references=tuple(payload["references"]),
        language=payload["language"],
        headers=tuple((name, value) for name, value in payload["headers"]),
        parts=tuple(
            Part(name, kind, read(workspace_id, bytes.fromhex(digest)), content_id, inline)
            for name, kind, digest, content_id, inline in payload["files"]
        ),
    )


def _person(address: Address) -> list[str]:
    return [address.name, address.address]
