"""Answering a customer: the message, its delivery and its touchpoint, in one transaction."""

import textwrap
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import chain
from pathlib import Path
from uuid import UUID

from django.db.models import F

from wasl.accounts.actor import Actor
from wasl.channels.base import Address, OutboundMessage
from wasl.channels.email.tokens import bounce_address, reply_address
from wasl.channels.models import Inbox
from wasl.channels.port import Choice, Template
from wasl.conversations import actions, auto, chatting, company, footer, rich, uploads, ways
from wasl.conversations.company import WRITERS, Heard, Person, heard
from wasl.conversations.doubt import Care, Doubt, between, token
from wasl.conversations.footer import Words
from wasl.conversations.leaving import hand_over
from wasl.conversations.models import Attachment, Conversation, Message, Status
from wasl.conversations.threading import bare_subject
from wasl.conversations.variables import variables
from wasl.conversations.ways import Via, Way
from wasl.conversations.writing import preview_of
from wasl.customers.entered import Taken
from wasl.customers.models import Identity
from wasl.delivery.payload import File, pack
from wasl.kit import blobs, signing
from wasl.kit.clock import now
from wasl.kit.ids import uuid7

TEXT_LIMIT = 100_000
FILES_LIMIT = 20
REFERENCES = 10
SUBJECT = 60
"""Letters of a subject that nobody wrote."""


class CannotReply(Exception):
    """Why it cannot be sent: empty, too_long, too_many_files, too_large, no_address, bad_address, inbox_off, used_key,
    no_way, and what `chatting.CannotChat` says."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


@dataclass(frozen=True, slots=True)
class Upload:
    """A file to send along: its bytes lie at `path`, or are `content`, or are stored under `digest` already.

    With a `content_id` the HTML may show it among the words.
    """

    filename: str
    content_type: str
    path: Path | None = None
    content: bytes = b""
    digest: bytes = b""
    size: int = 0
    content_id: str = ""

    def keep(self, workspace_id: UUID) -> tuple[bytes, int]:
        """Store the bytes durably; digest and size."""
        if self.digest:
            return self.digest, self.size
        if self.path:
            return blobs.put_file(workspace_id, self.path)
        return blobs.put(workspace_id, self.content), len(self.content)


def reply(
    actor: Actor,
    conversation_id: UUID,
    text: str,
    files: Sequence[Upload] = (),
    *,
    html: str = "",
    cc: Sequence[str] | None = None,
    key: UUID | None = None,
    hold: float = 0.0,
    care: Care | None = None,
    via: Via | None = None,
    choices: Sequence[Choice] = (),
    template: Template | None = None,
) -> UUID:
    """Answer the customer, on the channel on which they last wrote or `via` another; the id of the message.

    By mail the answer goes to whoever wrote last and, in copy, to `cc`: everybody who takes part when that is None.
    `key` becomes that id: the same key again, with the same words, is the same answer and goes once. For `hold`
    seconds it can be taken back (`undo.withdraw`). An agent's mail carries the inbox's signature.

    Raises NotFound, Forbidden, CannotReply, and Doubt where `care` asks to be warned. The answer is on its way once
    the transaction commits.
    """
    body = checked(text, html, files)
    conversation = actions.lock(actor, conversation_id)
    inbox, way = _leaving(actor, conversation, via)
    if choices and inbox.channel == "email":
        body, choices = rich.with_choices(body, [each.title for each in choices]), ()
    final = rich.signed(body, signature(actor, inbox))
    if key and (earlier := Message.objects.filter(id=key).first()):
        return _again(actor, conversation, earlier, final)
    if not inbox.is_active:
        raise CannotReply("inbox_off")
    _warn(actor, conversation, body, care)
    message = _message(actor, conversation, inbox, final, key)
    message.save(force_insert=True)
    attachments = attach(actor, message, files)
    if inbox.channel == "email":
        _deliver(actor, conversation, inbox, message, attachments, cc, hold, way)
    elif way and way.identity_id:
        _chat(conversation, way, message, attachments, hold, choices, template)
    elif not ways.keeps(inbox.channel):
        raise CannotReply("no_address")
    _move_on(actor, conversation, message)
    facts = {"files": len(attachments), "size": len(final.text.encode()), "by": actor.kind}
    actions.record(
        actor, conversation, "message.sent", facts, at=message.at, channel=inbox.channel, about_id=message.id,
        detail={"subject": message.subject[:200], **actions.who(actor)},
    )  # fmt: skip
    return message.id


def _leaving(actor: Actor, conversation: Conversation, via: Via | None) -> tuple[Inbox, Way | None]:
    """The inbox through which it leaves, and the way when it is not just the conversation's own inbox by mail."""
    own = Inbox.objects.get(id=conversation.inbox_id)
    if via is None:
        way = ways.usual(actor, conversation, own)
        return (way.inbox, way) if way else (own, None)
    way = ways.chosen(ways.ways(actor, conversation), via)
    if way is None:
        raise CannotReply("no_way")
    try:
        return way.inbox, ways.settled(actor, conversation, way)
    except Taken as error:
        raise CannotReply("no_way") from error


def checked(text: str, html: str, files: Sequence[Upload]) -> rich.Rich:
    """What was written, safe to keep. Raises CannotReply."""
    try:
        body = rich.read(text, html)
    except ValueError as error:
        raise CannotReply("too_long") from error
    if not body.text and not files:
        raise CannotReply("empty")
    if len(body.text) > TEXT_LIMIT:
        raise CannotReply("too_long")
    if len(files) > FILES_LIMIT:
        raise CannotReply("too_many_files")
    return body


def signature(actor: Actor, inbox: Inbox) -> str:
    """What stands under an agent's mail from this inbox; '' for nothing."""
    if not actor.agent_id or inbox.channel != "email":
        return ""
    return str(inbox.config.get("signature") or "").strip()


def _again(actor: Actor, conversation: Conversation, earlier: Message, body: rich.Rich) -> UUID:
    """The key was used before: by this very answer, whose response was lost, or by one with other words."""
    if (earlier.conversation_id, earlier.way, earlier.author_id) != (conversation.id, "out", actor.agent_id):
        raise CannotReply("used_key")
    if earlier.text != body.text:
        raise Doubt(earlier=earlier, token=token(conversation))
    return earlier.id


def _warn(actor: Actor, conversation: Conversation, body: rich.Rich, care: Care | None) -> None:
    if care is None:
        return
    doubt = Doubt(
        between=between(actor, conversation, care.known) if care.known else [],
        token=token(conversation),
        unfilled=[] if "unfilled" in care.anyway else variables(body.text),
    )
    if doubt:
        raise doubt


def _message(
    actor: Actor, conversation: Conversation, inbox: Inbox, body: rich.Rich, key: UUID | None
) -> Message:
    message_id = key or uuid7()
    domain = inbox.address.rpartition("@")[2] if inbox.channel == "email" else "wasl.invalid"
    subject = bare_subject_of(conversation)
    if inbox.channel == "email" and not subject:
        subject = _first_words(conversation)
    before = {"status": conversation.status, "assignee": str(conversation.assignee_id or "")}
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
        text=body.text,
        html=body.html,
        rfc_id=f"{message_id.hex}@{domain}",
        meta={"before": before} if actor.agent_id else {"before": before, "by": actor.kind},
    )


def _first_words(conversation: Conversation) -> str:
    """What a mail is about whose conversation began without a subject: as a customer began it."""
    first = (
        Message.objects.filter(conversation=conversation, way="in")
        .exclude(text="")
        .order_by("at", "id")
        .first()
    )
    return textwrap.shorten(first.text, SUBJECT, placeholder="…") if first else ""


def bare_subject_of(conversation: Conversation) -> str:
    """The conversation's subject as it was written, without leading Re: and the like."""
    folded = bare_subject(conversation.subject)
    words = " ".join(conversation.subject.split())
    return words[len(words) - len(folded) :] if len(folded) <= len(words) else words


def attach(actor: Actor, message: Message, files: Sequence[Upload]) -> list[Attachment]:
    """Store files and make them the message's."""
    rows, shown = [], rich.pictures(message.html)
    for position, upload in enumerate(files):
        digest, size = upload.keep(actor.workspace_id)
        rows.append(
            Attachment(
                workspace_id=actor.workspace_id,
                message=message,
                position=position,
                filename=upload.filename[:200],
                content_type=uploads.kind(upload)[:100] or "application/octet-stream",
                size=size,
                digest=digest,
                content_id=upload.content_id,
                inline=upload.content_id in shown,
            )
        )
    return Attachment.objects.bulk_create(rows)


def _deliver(
    actor: Actor,
    conversation: Conversation,
    inbox: Inbox,
    message: Message,
    attachments: list[Attachment],
    cc: Sequence[str] | None,
    hold: float,
    way: Way | None,
) -> None:
    to = (
        Person(way.identity_id, way.name, way.display) if way and way.identity_id else recipient(conversation)
    )
    copies = _copies(message, to, cc)
    delivery_id = uuid7()
    alone = not copies and (
        way is None or way.wrote_at is not None
    )  # who never wrote from there may be a stranger
    mail = _mail(actor, conversation, inbox, message, to, copies, delivery_id, link=alone)
    files = [
        File(f.filename, f.content_type, bytes(f.digest), f.content_id if f.inline else "", f.inline)
        for f in attachments
    ]
    hand_over(conversation, inbox, message, to, delivery_id, pack(mail, files), hold)
    if copies:
        message.meta["cc"] = [each.address for each in copies]
        message.meta["names"] = {each.address: each.name for each in copies if each.name}
    message.save(update_fields=["delivery_id", "identity_id", "meta"])


def _chat(
    conversation: Conversation,
    way: Way,
    message: Message,
    attachments: list[Attachment],
    hold: float,
    choices: Sequence[Choice],
    template: Template | None,
) -> None:
    try:
        chatting.deliver(conversation, way, message, attachments, hold, choices=choices, template=template)
    except chatting.CannotChat as error:
        raise CannotReply(error.reason) from error


def recipient(conversation: Conversation, known: Heard | None = None) -> Person:
    """Whom an answer goes to: who wrote last in this conversation, or else any address of the customer's.

    Never an inbox of ours, which would answer itself; a program ("I am away") only when nobody else wrote.
    """
    known = known or heard(conversation.id)
    for person in chain(_writers(known), _theirs(conversation)):
        if known.without_ours([Address("", person.display)]):
            return person
    raise CannotReply("no_address")


def _writers(known: Heard) -> list[Person]:
    """Those who wrote, the last first and programs after people."""
    found = dict.fromkeys((one.person, one.auto) for one in known.writers if one.person)
    return [person for person, _ in sorted(found, key=lambda pair: pair[1] == "auto-replied")]


def _theirs(conversation: Conversation) -> Iterator[Person]:
    """The customer's addresses, the latest first: asked for only when nobody wrote."""
    theirs = Identity.objects.filter(customer__root_id=conversation.customer.root_id, channel="email")
    for row in theirs.order_by("-created_at")[:WRITERS]:
        yield Person(row.id, row.name, row.display)


def _copies(message: Message, to: Person, cc: Sequence[str] | None) -> list[Address]:
    if cc is None:
        return company.copied(message.conversation_id, to.display, message.id)
    try:
        return company.chosen(message.conversation_id, cc, to.display, message.id)
    except company.BadAddress as error:
        raise CannotReply("bad_address") from error


def _mail(
    actor: Actor,
    conversation: Conversation,
    inbox: Inbox,
    message: Message,
    to: Person,
    copies: Sequence[Address],
    delivery_id: UUID,
    *,
    link: bool,
) -> OutboundMessage:
    """The answer as mail, threaded (RFC 5322 §3.6.4), with addresses that lead answers and bounces back to us; with the
    `link` to the conversation where it goes to its customer alone."""
    key = signing.key("reply-address")
    earlier = list(
        Message.objects.filter(conversation=conversation, channel="email")
        .exclude(rfc_id="")
        .exclude(id=message.id)
        .order_by("-at", "-id")
        .values("rfc_id", "way", "language")[:REFERENCES]
    )
    answered = next((m["rfc_id"] for m in earlier if m["way"] == "in"), "")
    language = next((m["language"] for m in earlier if m["language"]), "") or inbox.language
    words = Words(message.text, rich.for_mail(message.html))
    if below := footer.of_answer(inbox, conversation, to.id, language, others=not link):
        words = footer.below(words, below)
    return OutboundMessage(
        message_id=message.rfc_id,
        date=message.at,
        from_=Address(_from_name(actor, inbox), inbox.address),
        to=(Address(to.name, to.display),),
        cc=tuple(copies),
        reply_to=Address(
            inbox.config.get("from_name") or inbox.name, reply_address(inbox.address, conversation.id, key)
        ),
        envelope_from=bounce_address(inbox.address, delivery_id, key),
        subject=message.subject,
        text=words.text,
        html=words.html,
        in_reply_to=(answered,) if answered else (),
        references=tuple(m["rfc_id"] for m in reversed(earlier)),
        language=language,
        headers=auto.mark(actor.workspace_id, message.rfc_id),
    )


def _from_name(actor: Actor, inbox: Inbox) -> str:
    """What the customer sees as the sender: the agent's name with the business's, or the business's."""
    business = inbox.config.get("from_name") or inbox.name
    return f"{actor.name}, {business}" if actor.name and actor.agent_id else business


def _move_on(actor: Actor, conversation: Conversation, message: Message) -> None:
    """The list shows the answer; an unassigned conversation becomes the answering agent's."""
    if message.at >= conversation.last_at:  # another machine's clock may be ahead of this one's
        conversation.last_at = message.at
        conversation.last_way = "out"
        conversation.preview = preview_of(message.way, message.text)
    conversation.trouble = ""
    conversation.status = Status.OPEN
    conversation.snoozed_until = None
    if conversation.assignee_id is None and actor.agent_id:
        conversation.assignee_id = actor.agent_id
    fields = ["last_at", "last_way", "preview", "trouble", "status", "snoozed_until", "assignee_id"]
    conversation.save(update_fields=fields)
    Conversation.objects.filter(id=conversation.id).update(messages=F("messages") + 1)
