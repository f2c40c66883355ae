"""Answering a customer: the message, its delivery and its touchpoint, in one transaction."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from uuid import UUID

from django.db.models import F

from wasl.accounts.actor import Actor
from wasl.channels.base import Address, OutboundMessage
from wasl.channels.email.tokens import bounce_address, reply_address
from wasl.channels.models import Inbox
from wasl.conversations import actions
from wasl.conversations.models import Attachment, Conversation, Message, Status
from wasl.conversations.threading import bare_subject
from wasl.conversations.writing import preview_of_text
from wasl.customers.models import Identity
from wasl.delivery import actions as delivery
from wasl.delivery.payload import File, pack
from wasl.kit import blobs, signing
from wasl.kit.clock import now
from wasl.kit.db import raw
from wasl.kit.ids import uuid7

TEXT_LIMIT = 100_000
FILES_LIMIT = 20
REFERENCES = 10


class CannotReply(Exception):
    """Why an answer cannot be sent: empty, too_long, too_many_files, no_address, inbox_off."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


@dataclass(frozen=True, slots=True)
class Upload:
    """A file to send along: its bytes lie at `path`, or are `content`."""

    filename: str
    content_type: str
    path: Path | None = None
    content: bytes = b""

    def keep(self, workspace_id: UUID) -> tuple[bytes, int]:
        """Store the bytes durably; digest and size."""
        if self.path:
            return blobs.put_file(workspace_id, self.path)
        return blobs.put(workspace_id, self.content), len(self.content)


def reply(actor: Actor, conversation_id: UUID, text: str, files: Sequence[Upload] = ()) -> UUID:
    """Answer the customer on the conversation's channel; the id of the message.

    Raises NotFound, Forbidden, CannotReply. The answer is on its way once the transaction commits.
    """
    text = _checked(text, files)
    conversation = actions.lock(actor, conversation_id)
    inbox = Inbox.objects.get(id=conversation.inbox_id)
    if not inbox.is_active:
        raise CannotReply("inbox_off")
    message = _message(actor, conversation, inbox, text)
    message.save(force_insert=True)
    attachments = _attach(actor, message, files)
    if inbox.channel == "email":
        _deliver(actor, conversation, inbox, message, attachments)
    _move_on(actor, conversation, message)
    facts = {"files": len(attachments), "size": len(text.encode()), "by": actor.kind}
    actions.record(
        actor, conversation, "message.sent", facts, at=message.at, channel=inbox.channel, about_id=message.id,
        detail={"subject": message.subject[:200], **actions.who(actor)},
    )  # fmt: skip
    return message.id


def _checked(text: str, files: Sequence[Upload]) -> str:
    text = text.replace("\r\n", "\n").replace("\x00", "").encode("utf-8", "replace").decode().strip()
    if not text and not files:
        raise CannotReply("empty")
    if len(text) > TEXT_LIMIT:
        raise CannotReply("too_long")
    if len(files) > FILES_LIMIT:
        raise CannotReply("too_many_files")
    return text


def _message(actor: Actor, conversation: Conversation, inbox: Inbox, text: str) -> Message:
    message_id = uuid7()
    domain = inbox.address.rpartition("@")[2] if inbox.channel == "email" else "wasl.invalid"
    subject = bare_subject_of(conversation)
    return Message(
        id=message_id,
        workspace_id=actor.workspace_id,
        conversation=conversation,
        customer_id=conversation.customer_id,
        way="out",
        channel=inbox.channel,
        author_id=actor.agent_id,
        at=now(),
        subject=f"Re: {subject}" if subject else "",
        text=text,
        rfc_id=f"{message_id.hex}@{domain}",
    )


def bare_subject_of(conversation: Conversation) -> str:
    """The conversation's subject as it was written, without leading Re: and the like."""
    folded = bare_subject(conversation.subject)
    words = " ".join(conversation.subject.split())
    return words[len(words) - len(folded) :] if len(folded) <= len(words) else words


def _attach(actor: Actor, message: Message, files: Sequence[Upload]) -> list[Attachment]:
    rows = []
    for position, upload in enumerate(files):
        digest, size = upload.keep(actor.workspace_id)
        rows.append(
            Attachment(
                workspace_id=actor.workspace_id,
                message=message,
                position=position,
                filename=upload.filename[:200],
                content_type=upload.content_type[:100] or "application/octet-stream",
                size=size,
                digest=digest,
            )
        )
    return Attachment.objects.bulk_create(rows)


def _deliver(
    actor: Actor, conversation: Conversation, inbox: Inbox, message: Message, attachments: list[Attachment]
) -> None:
    to = _recipient(conversation)
    delivery_id = uuid7()
    mail = _mail(actor, conversation, inbox, message, to, delivery_id)
    files = [File(f.filename, f.content_type, bytes(f.digest)) for f in attachments]
    delivery.send(
        raw(),
        actor.workspace_id,
        delivery_id=delivery_id,
        inbox_id=inbox.id,
        customer_id=conversation.customer_id,
        conversation_id=conversation.id,
        message_id=message.id,
        channel=inbox.channel,
        address=to.display,
        payload=pack(mail, files),
    )
    message.delivery_id = delivery_id
    message.identity_id = to.id
    message.save(update_fields=["delivery_id", "identity_id"])


def _recipient(conversation: Conversation) -> Identity:
    """The address the customer last wrote from in this conversation, or else any of theirs on the channel."""
    last = (
        Message.objects.filter(conversation=conversation, way="in", identity_id__isnull=False)
        .order_by("-at", "-id")
        .values_list("identity_id", flat=True)
        .first()
    )
    chosen = Identity.objects.filter(id=last).first() if last else None
    chosen = (
        chosen
        or Identity.objects.filter(customer__root_id=conversation.customer.root_id, channel="email")
        .order_by("-created_at")
        .first()
    )
    if chosen is None:
        raise CannotReply("no_address")
    return chosen


def _mail(
    actor: Actor, conversation: Conversation, inbox: Inbox, message: Message, to: Identity, delivery_id: UUID
) -> OutboundMessage:
    """The answer as mail, threaded (RFC 5322 §3.6.4), with addresses that lead answers and bounces back to us."""
    key = signing.key("reply-address")
    earlier = list(
        Message.objects.filter(conversation=conversation)
        .exclude(rfc_id="")
        .exclude(id=message.id)
        .order_by("-at", "-id")
        .values("rfc_id", "way", "language")[:REFERENCES]
    )
    answered = next((m["rfc_id"] for m in earlier if m["way"] == "in"), "")
    return OutboundMessage(
        message_id=message.rfc_id,
        date=message.at,
        from_=Address(_from_name(actor, inbox), inbox.address),
        to=(Address(to.name, to.display),),
        reply_to=Address(
            inbox.config.get("from_name") or inbox.name, reply_address(inbox.address, conversation.id, key)
        ),
        envelope_from=bounce_address(inbox.address, delivery_id, key),
        subject=message.subject,
        text=message.text,
        html=message.html,
        in_reply_to=(answered,) if answered else (),
        references=tuple(m["rfc_id"] for m in reversed(earlier)),
        language=next((m["language"] for m in earlier if m["language"]), "") or inbox.language,
    )


def _from_name(actor: Actor, inbox: Inbox) -> str:
    """What the customer sees as the sender: the agent's name with the business's, or the business's."""
    business = inbox.config.get("from_name") or inbox.name
    return f"{actor.name}, {business}" if actor.name and actor.agent_id else business


def _move_on(actor: Actor, conversation: Conversation, message: Message) -> None:
    """The list shows the answer; an unassigned conversation becomes the answering agent's."""
    conversation.last_at = message.at
    conversation.last_way = "out"
    conversation.preview = preview_of_text(message.text)
    conversation.trouble = ""
    conversation.status = Status.OPEN
    if conversation.assignee_id is None and actor.agent_id:
        conversation.assignee_id = actor.agent_id
    fields = ["last_at", "last_way", "preview", "trouble", "status", "assignee_id"]
    conversation.save(update_fields=fields)
    Conversation.objects.filter(id=conversation.id).update(messages=F("messages") + 1)
