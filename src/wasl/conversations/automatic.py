"""What Wasl writes by itself in a conversation: a message of the thread, marked as automatic, and its delivery.

They change nothing about where the conversation stands: nobody has answered the customer yet.
"""

from dataclasses import dataclass
from datetime import datetime
from typing import Any, LiteralString
from uuid import UUID

from wasl.channels.base import Address, OutboundMessage
from wasl.channels.email.tokens import bounce_address, reply_address
from wasl.channels.port import OutboundChat
from wasl.channels.registry import channels
from wasl.conversations import auto
from wasl.conversations.threading import bare_subject
from wasl.delivery import actions as delivery
from wasl.delivery.payload import pack, pack_chat
from wasl.kit import signing
from wasl.kit.clock import now
from wasl.kit.db import Connection
from wasl.kit.ids import uuid7
from wasl.kit.signal import Signal, send


@dataclass(frozen=True, slots=True)
class Thread:
    """A conversation as such a message needs to know it. `answered` is the Message-ID of what a mail replies to, or ''.
    `to_key` is the address as their channel knows it, `wrote_at` when they last wrote here.
    """

    workspace_id: UUID
    conversation_id: UUID
    customer_id: UUID
    subject: str
    inbox_id: UUID
    inbox_address: str
    business: str
    identity_id: UUID
    to_name: str
    to_address: str
    answered: str
    channel: str = "email"
    to_key: str = ""
    wrote_at: datetime | None = None


_THREAD: LiteralString = """
SELECT c.workspace_id, c.id, c.customer_id, c.subject, i.id, i.address,
  coalesce(nullif(i.config->>'from_name', ''), i.name), n.id, n.name, n.display, coalesce(m.rfc_id, ''),
  i.channel, n.address, c.last_in_at
FROM conversations_conversation c
JOIN channels_inbox i ON i.workspace_id = c.workspace_id AND i.id = c.inbox_id
JOIN customers_identity n ON n.workspace_id = c.workspace_id AND n.id = %(identity)s
LEFT JOIN LATERAL (
  SELECT x.rfc_id FROM conversations_message x
  WHERE x.workspace_id = c.workspace_id AND x.conversation_id = c.id AND x.way = 'in' AND x.rfc_id <> ''
  ORDER BY x.at DESC, x.id DESC LIMIT 1) m ON true
WHERE c.workspace_id = %(workspace)s AND c.id = %(conversation)s AND i.channel = n.channel AND i.is_active
  AND NOT EXISTS (SELECT FROM delivery_suppression s WHERE s.workspace_id = c.workspace_id
                  AND i.channel <> 'email' AND s.channel = ANY(%(alike)s) AND s.address = n.address)
"""


def thread(
    conn: Connection, workspace_id: UUID, conversation_id: UUID, identity_id: UUID, channel: str = "email"
) -> Thread | None:
    """What to write to on that channel, inside the workspace's transaction; None where nothing can go out: another
    inbox has the conversation, they said STOP, or it is too long ago that they wrote."""
    own = channels()[channel]
    alike = [name for name, each in channels().items() if own.medium and each.medium == own.medium]
    values = {
        "workspace": workspace_id, "conversation": conversation_id, "identity": identity_id,
        "alike": alike or [channel],
    }  # fmt: skip
    row = conn.execute(_THREAD, values).fetchone()
    found = Thread(*row) if row else None
    if found is None or found.channel != channel:
        return None
    window = own.limits.window
    if window and (found.wrote_at is None or now() - found.wrote_at >= window):
        return None
    return found


_MESSAGE: LiteralString = """
INSERT INTO conversations_message
  (workspace_id, id, conversation_id, customer_id, way, channel, identity_id, delivery_id, at, subject, text, html,
   has_remote, language, rfc_id, auto, meta)
VALUES (%(workspace_id)s, %(id)s, %(conversation_id)s, %(customer_id)s, 'out', %(channel)s, %(identity_id)s,
        %(delivery)s, %(at)s, %(subject)s, %(text)s, %(html)s, false, %(language)s, %(rfc_id)s, 'auto-replied', '{}')
"""
_COUNT: LiteralString = """
UPDATE conversations_conversation SET messages = messages + 1 WHERE workspace_id = %s AND id = %s
"""


def write(conn: Connection, thread: Thread, text: str, html: str, language: str, at: datetime) -> UUID:
    """Put an automatic message into the conversation and on its way, in the caller's transaction; its id."""
    message_id, delivery_id = uuid7(), uuid7()
    by_mail = thread.channel == "email"
    rfc_id = f"{message_id.hex}@{thread.inbox_address.rpartition('@')[2]}" if by_mail else ""
    bare = _bare(thread.subject)
    values: dict[str, Any] = {
        "workspace_id": thread.workspace_id,
        "id": message_id,
        "conversation_id": thread.conversation_id,
        "customer_id": thread.customer_id,
        "identity_id": thread.identity_id,
        "channel": thread.channel,
        "delivery": delivery_id,
        "at": at,
        "subject": (f"Re: {bare}" if bare else thread.business) if by_mail else "",
        "text": text,
        "html": html if by_mail else "",
        "language": language,
        "rfc_id": rfc_id,
    }
    conn.execute(_MESSAGE, values)
    conn.execute(_COUNT, [thread.workspace_id, thread.conversation_id])
    payload = (
        pack(_mail(thread, values, rfc_id, delivery_id)) if by_mail else _chat(thread, values, delivery_id)
    )
    delivery.send(
        conn,
        thread.workspace_id,
        delivery_id=delivery_id,
        inbox_id=thread.inbox_id,
        customer_id=thread.customer_id,
        conversation_id=thread.conversation_id,
        message_id=message_id,
        channel=thread.channel,
        address=thread.to_address,
        payload=payload,
    )
    inbox, conversation = thread.inbox_id, thread.conversation_id
    send(conn, [Signal("conversation", thread.workspace_id, inbox, (conversation,), (thread.customer_id,))])
    return message_id


def _mail(thread: Thread, values: dict[str, Any], rfc_id: str, delivery_id: UUID) -> OutboundMessage:
    key = signing.key("reply-address")
    answered = (thread.answered,) if thread.answered else ()
    return OutboundMessage(
        message_id=rfc_id,
        date=values["at"],
        from_=Address(thread.business, thread.inbox_address),
        to=(Address(thread.to_name, thread.to_address),),
        reply_to=Address(thread.business, reply_address(thread.inbox_address, thread.conversation_id, key)),
        envelope_from=bounce_address(thread.inbox_address, delivery_id, key),
        subject=values["subject"],
        text=values["text"],
        html=values["html"],
        in_reply_to=answered,
        references=answered,
        language=values["language"],
        headers=auto.mark(thread.workspace_id, rfc_id),
        auto=True,
    )


def _chat(thread: Thread, values: dict[str, Any], delivery_id: UUID) -> dict[str, Any]:
    """As a delivery keeps it. It marks nothing as read: nobody has read it."""
    chat = OutboundChat(
        delivery=str(delivery_id),
        to=thread.to_key,
        text=values["text"],
        language=values["language"],
        wrote_at=thread.wrote_at,
    )
    return pack_chat(chat)


def _bare(subject: str) -> str:
    """The subject as it was written, without Re: and the like."""
    words, folded = " ".join(subject.split()), bare_subject(subject)
    return words[len(words) - len(folded) :] if len(folded) <= len(words) else words
