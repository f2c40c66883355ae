"""Mail from before: what was sent from elsewhere finds its place among what was received.

Received mail goes the IN road like any other. Sent mail is no one's answer on its way out: it becomes a message that
was written then, without a delivery, in the conversation it answers or in one of its own.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, LiteralString
from uuid import UUID

from wasl.accounts.actor import Actor
from wasl.channels.base import Address, ParsedMessage
from wasl.channels.models import Inbox
from wasl.conversations import follow
from wasl.conversations.models import Attachment, Conversation, Message
from wasl.conversations.writing import preview_of
from wasl.customers.resolve import Sender, lock_customers, resolve
from wasl.kit import blobs
from wasl.kit.clock import now
from wasl.kit.db import Connection, raw
from wasl.kit.ids import uuid7
from wasl.timeline.actions import Touch, append

OPEN_FOR = timedelta(days=7)
"""A conversation whose last message is older than this comes in resolved."""


FROM = "from"
"""In a sent message's meta: the name it was sent by, or the address, where no agent has that address."""


@dataclass(frozen=True, slots=True)
class Sent:
    """A mail that somebody here sent, and when; `author_id` is the agent's, where there is one of that address."""

    message: ParsedMessage
    at: datetime
    author_id: UUID | None


def take_sent(
    actor: Actor, inbox: Inbox, sent: Sequence[Sent], ours: frozenset[str]
) -> tuple[int, set[UUID]]:
    """Write sent mail down, inside `tenant(…)`: how many were new, and the conversations they lie in.

    `ours` are addresses of inboxes and agents, which are nobody's customer. A mail that is known by its Message-ID,
    or that went to nobody else, is left out.
    """
    known = _known(one.message.message_id for one in sent)
    fresh: dict[str, Sent] = {}
    for one in sent:
        key = one.message.message_id or f"without {uuid7()}"
        if key not in known and _recipient(one.message, ours):
            fresh.setdefault(key, one)
    if not fresh:
        return 0, set()
    ordered = sorted(fresh.values(), key=lambda one: one.at)
    threads = _threads(ordered)
    places = [
        threads.get(next((r for r in reversed(_named(one.message)) if r in threads), "")) for one in ordered
    ]
    made = _openings(
        actor, inbox, [o for o, place in zip(ordered, places, strict=True) if place is None], ours
    )
    rows: list[Message] = []
    touches: list[Touch] = []
    files: list[Attachment] = []
    for one, place in zip(ordered, places, strict=True):
        conversation = place or made[id(one)]
        row = _row(actor, conversation, one)
        rows.append(row)
        files += _files(actor, row, one.message)
        touches.append(_touch(conversation, row, inbox, len(one.message.parts)))
    Message.objects.bulk_create(rows)
    Attachment.objects.bulk_create(files)
    append(raw(), actor.workspace_id, touches)
    return len(rows), {row.conversation_id for row in rows}


# What was said or noted here, or is somebody's work, is not settled by old mail that joins it.
_SETTLE: LiteralString = f"""
UPDATE conversations_conversation c SET status = 'resolved'
WHERE c.workspace_id = %(workspace)s AND c.id = ANY(%(ids)s::uuid[]) AND c.status = 'open' AND c.last_at < %(before)s
  AND c.last_in_at IS NULL AND c.assignee_id IS NULL AND NOT EXISTS (
    SELECT FROM conversations_message m WHERE m.workspace_id = c.workspace_id AND m.conversation_id = c.id
      AND {follow.LIVED} AND NOT m.meta ? 'imported')
"""


def settle_old(workspace_id: UUID, conversation_ids: Iterable[UUID]) -> None:
    """Say of these conversations what was said last in them, as read by everybody; resolve those that came in whole and
    in which nothing was said lately. Inside `tenant(…)`.

    Not an event of its own: nobody did it, the mail came in that way.
    """
    ids = sorted(conversation_ids)
    follow.refresh(raw(), workspace_id, ids)
    raw().execute(_SETTLE, {"workspace": workspace_id, "ids": ids, "before": now() - OPEN_FOR})


_BROUGHT_IN: LiteralString = """
SELECT id FROM conversations_message
WHERE workspace_id = %s AND id = ANY(%s::uuid[]) AND (meta->>'quiet' = 'imported' OR meta ? 'imported')
"""


def brought_in(conn: Connection, workspace_id: UUID, message_ids: Iterable[UUID]) -> frozenset[UUID]:
    """Those of these messages that were brought in: nobody is told of them. Inside the workspace's transaction."""
    ids = list(message_ids)
    rows = conn.execute(_BROUGHT_IN, [workspace_id, ids]).fetchall() if ids else []
    return frozenset(row[0] for row in rows)


def _named(message: ParsedMessage) -> list[str]:
    """What a mail answers, the nearest last."""
    return [*message.references, *message.in_reply_to]


def _known(message_ids: Iterable[str]) -> set[str]:
    wanted = {key for key in message_ids if key}
    return set(Message.objects.filter(rfc_id__in=wanted).values_list("rfc_id", flat=True))


def _threads(sent: Sequence[Sent]) -> dict[str, Conversation]:
    """The conversations of the mails that these ones answer, by Message-ID."""
    wanted = {reference for one in sent for reference in _named(one.message)}
    found = Message.objects.filter(rfc_id__in=wanted).select_related("conversation")
    return {row.rfc_id: row.conversation for row in found}


def _recipient(message: ParsedMessage, ours: frozenset[str]) -> Address | None:
    return next((a for a in (*message.to, *message.cc) if a.address and a.identity_key not in ours), None)


def _openings(
    actor: Actor, inbox: Inbox, sent: Sequence[Sent], ours: frozenset[str]
) -> dict[int, Conversation]:
    """Conversations of their own for mails that answer nothing we know, by the identity of `Sent`."""
    if not sent:
        return {}
    to = [recipient for one in sent if (recipient := _recipient(one.message, ours))]
    senders = [
        Sender("email", a.identity_key, a.address, a.name, one.message.language, one.at)
        for a, one in zip(to, sent, strict=True)
    ]
    found = resolve(raw(), actor.workspace_id, senders)
    lock_customers(raw(), actor.workspace_id, {each.root_id for each in found})
    made: dict[int, Conversation] = {}
    by_id: dict[str, Conversation] = {}
    for one, whose in zip(sent, found, strict=True):
        answered = next((by_id[r] for r in reversed(_named(one.message)) if r in by_id), None)
        conversation = answered or Conversation(
            id=uuid7(),
            workspace_id=actor.workspace_id,
            customer_id=whose.customer_id,
            inbox=inbox,
            subject=one.message.subject,
            created_at=one.at,
            last_at=one.at,
            last_way="out",
            preview=preview_of("out", one.message.text),
            language=one.message.language,
        )
        made[id(one)] = conversation
        by_id[one.message.message_id] = conversation
    Conversation.objects.bulk_create({c.id: c for c in made.values()}.values())
    return made


def _row(actor: Actor, conversation: Conversation, one: Sent) -> Message:
    message = one.message
    meta: dict[str, Any] = {"imported": True, "to": [a.address for a in message.to]}
    if one.author_id is None:
        meta[FROM] = message.sender.name or message.sender.address
    if names := {a.address: a.name for a in (*message.to, *message.cc) if a.name}:
        meta["names"] = names
    if message.cc:
        meta["cc"] = [a.address for a in message.cc]
    if references := _named(message):
        meta["references"] = references
    return Message(
        id=uuid7(),
        workspace_id=actor.workspace_id,
        conversation=conversation,
        customer_id=conversation.customer_id,
        way="out",
        channel="email",
        author_id=one.author_id,
        at=one.at,
        sent_at=message.sent_at,
        subject=message.subject,
        text=message.text,
        html=message.html,
        has_remote=message.has_remote,
        language=message.language,
        rfc_id=message.message_id,
        meta=meta,
    )


def _files(actor: Actor, row: Message, message: ParsedMessage) -> list[Attachment]:
    return [
        Attachment(
            workspace_id=actor.workspace_id,
            message=row,
            position=position,
            filename=part.filename,
            content_type=part.content_type,
            size=len(part.content),
            digest=blobs.put(actor.workspace_id, part.content),
            content_id=part.content_id,
            inline=part.inline,
        )
        for position, part in enumerate(message.parts)
    ]


def _touch(conversation: Conversation, row: Message, inbox: Inbox, files: int) -> Touch:
    return Touch(
        customer_id=row.customer_id,
        kind="message.sent",
        occurred_at=row.at,
        channel=inbox.channel,
        conversation_id=conversation.id,
        about_id=row.id,
        facts={"size": len(row.text.encode()), "files": files, "language": row.language, "by": "agent"},
        detail={"subject": row.subject[:200], "agent": str(row.author_id or "")},
    )
