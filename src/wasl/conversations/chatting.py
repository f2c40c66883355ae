"""Answering on a channel that is not mail: whom, whether it may be, and how it leaves."""

from collections.abc import Sequence
from dataclasses import replace
from typing import Any
from uuid import UUID

from wasl.channels.port import Choice, Limits, OutboundChat, Template
from wasl.conversations import link
from wasl.conversations.degrade import Piece, Shown, carries, degrade
from wasl.conversations.leaving import hand_over
from wasl.conversations.models import Attachment, Conversation, Message
from wasl.conversations.ways import Way
from wasl.customers.models import Identity
from wasl.delivery.parts import chained
from wasl.delivery.payload import File, pack_chat
from wasl.kit.db import raw
from wasl.kit.ids import uuid7


class CannotChat(Exception):
    """Why it cannot be sent: no_address, stopped, window_closed, public_files, template_files, too_long_here,
    too_many_files, too_large."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


def deliver(
    conversation: Conversation,
    way: Way,
    message: Message,
    files: Sequence[Attachment],
    hold: float,
    *,
    choices: Sequence[Choice] = (),
    template: Template | None = None,
) -> None:
    """Have the message delivered that way, as the channel can carry it: as several where it takes one file each.

    Raises CannotChat.
    """
    to = Identity.objects.filter(id=way.identity_id).first() if way.identity_id else None
    if to is None:
        raise CannotChat("no_address")
    if way.why and not (template and way.by_template and way.why == "window_closed"):
        raise CannotChat(way.why)
    if way.public and files:  # nor a link to them: everybody would have it
        raise CannotChat("public_files")
    if template and files and way.why:  # nothing may follow it until they write
        raise CannotChat("template_files")
    if template:
        choices = ()
    limits = carried(way, by_template=template is not None)
    shown = degrade(message.text, choices, files, limits, _link(conversation, to, files, limits))
    _check(limits, shown, [files[at] for at in shown.along])
    chat = OutboundChat(
        delivery="",
        to=to.address,
        language=conversation.language or way.inbox.language,
        template=template,
        mark_read=way.wrote_ref,
        wrote_at=way.wrote_at,
    )
    if way.comment:
        chat = _below(chat, message, way)
    if choices:
        message.meta = {**message.meta, "choices": [each.title for each in choices]}
    payloads = _payloads(chat, shown.pieces, files)
    delivery_id = UUID(payloads[0]["message_id"])
    hand_over(conversation, way.inbox, message, to, delivery_id, chained(payloads), hold)
    message.save(update_fields=["delivery_id", "identity_id", "meta"])


def carried(way: Way, *, by_template: bool = False) -> Limits:
    """What can be carried that way. A private answer to a comment is one message; an approved text stands alone."""
    if way.comment and not way.public:
        return replace(way.limits, files=0)
    return replace(way.limits, caption=-1) if by_template else way.limits


def _payloads(
    chat: OutboundChat, pieces: Sequence[Piece], files: Sequence[Attachment]
) -> list[dict[str, Any]]:
    """What each message of the channel says, in order; each under a delivery's id of its own."""
    packed = []
    for number, piece in enumerate(pieces):
        one = replace(chat, delivery=str(uuid7()), text=piece.text, choices=piece.choices)
        if number:
            one = replace(one, template=None, mark_read="")
        along = [files[at] for at in piece.files]
        packed.append(
            pack_chat(one, [File(f.filename, f.content_type, bytes(f.digest), size=f.size) for f in along])
        )
    return packed


def _link(conversation: Conversation, to: Identity, files: Sequence[Attachment], limits: Limits) -> str:
    """The customer's own page of the conversation, when they have to look at the files there."""
    if not files or carries(limits, files):
        return ""
    return link.address(raw(), conversation.workspace_id, conversation.id, to.id)


def _below(chat: OutboundChat, message: Message, way: Way) -> OutboundChat:
    """An answer to a comment: for everybody, or for its author alone. The message says which it was."""
    message.meta = {**message.meta, "content": {"public": way.public}}
    return replace(chat, answers=way.comment, mark_read="", comment="public" if way.public else "private")


def _check(limits: Limits, shown: Shown, files: Sequence[Attachment]) -> None:
    if shown.too_long:
        raise CannotChat("too_long_here")
    if files and not limits.files:
        raise CannotChat("too_many_files")
    if not carries(limits, files):
        raise CannotChat("too_large")
