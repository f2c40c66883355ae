"""What a delivery's row holds of a message: everything but the bytes of its files, which stay in the blob store."""

import io
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from typing import Any
from uuid import UUID

from wasl.channels.base import Address, Enclosed, OutboundMessage
from wasl.channels.port import Choice, OutboundChat, Template, Upload
from wasl.kit import blobs


@dataclass(frozen=True, slots=True)
class File:
    """An attachment or an inline image by its digest (raw SHA-256) in the workspace's blob store."""

    filename: str
    content_type: str
    digest: bytes
    content_id: str = ""
    inline: bool = False
    size: int = 0


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
        "auto": message.auto,
        "files": [
            [each.filename, each.content_type, each.digest.hex(), each.content_id, each.inline]
            for each in files
        ],
    }


def unpack(
    workspace_id: UUID,
    payload: dict[str, Any],
    stream: Callable[[UUID, bytes], Iterator[bytes]] = blobs.stream,
) -> OutboundMessage:
    """The message; its files are read when it is written: then `pieces` raises blobs.MissingBlob, or what the store
    raises when it is out of reach."""
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
        auto=payload.get("auto", False),
        parts=tuple(
            Enclosed(name, kind, partial(stream, workspace_id, bytes.fromhex(digest)), content_id, inline)
            for name, kind, digest, content_id, inline in payload["files"]
        ),
    )


def _person(address: Address) -> list[str]:
    return [address.name, address.address]


def is_chat(payload: dict[str, Any]) -> bool:
    """Whether it is a message of a channel that is not mail."""
    return "chat" in payload


def pack_chat(message: OutboundChat, files: Sequence[File] = ()) -> dict[str, Any]:
    """The same for a message of another channel; its own `files` must be empty."""
    if message.files:
        raise ValueError("files go to the blob store, not into the row")
    template = message.template
    return {
        "chat": {
            "to": message.to,
            "text": message.text,
            "language": message.language,
            "answers": message.answers,
            "choices": [[each.key, each.title, each.detail] for each in message.choices],
            "template": [template.name, template.language, list(template.values)] if template else None,
            "reaction": message.reaction,
            "mark_read": message.mark_read,
            "wrote_at": message.wrote_at.isoformat() if message.wrote_at else None,
            "comment": message.comment,
        },
        "message_id": message.delivery,
        "files": [[each.filename, each.content_type, each.digest.hex(), each.size] for each in files],
    }


def unpack_chat(
    workspace_id: UUID, payload: dict[str, Any], read: Callable[[UUID, bytes], bytes] = blobs.read
) -> OutboundChat:
    """The message; its files are read when they are asked for."""
    chat = payload["chat"]
    template = chat["template"]

    def upload(name: str, kind: str, digest: str, size: int) -> Upload:
        return Upload(name, kind, size, lambda: io.BytesIO(read(workspace_id, bytes.fromhex(digest))))

    return OutboundChat(
        delivery=payload["message_id"],
        to=chat["to"],
        text=chat["text"],
        language=chat["language"],
        answers=chat["answers"],
        choices=tuple(Choice(*each) for each in chat["choices"]),
        template=Template(template[0], template[1], tuple(template[2])) if template else None,
        reaction=chat["reaction"],
        mark_read=chat["mark_read"],
        wrote_at=datetime.fromisoformat(chat["wrote_at"]) if chat.get("wrote_at") else None,
        comment=chat.get("comment", ""),
        files=tuple(upload(*each) for each in payload["files"]),
    )
