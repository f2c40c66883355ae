"""What Wasl writes by itself in a conversation: a message of the thread, marked as automatic, and its delivery.

They change nothing about where the conversation stands: nobody has answered the customer yet.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, LiteralString, NamedTuple
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


_THREADS: LiteralString = """
SELECT c.workspace_id, c.id, c.customer_id, c.subject, i.id, i.address,
  coalesce(nullif(i.config->>'from_name', ''), i.name), n.id, n.name, n.display, coalesce(m.rfc_id, ''),
  i.channel, n.address, c.last_in_at
FROM unnest(%(conversations)b::uuid[], %(identities)b::uuid[]) AS u (conversation_id, identity_id)
JOIN conversations_conversation c ON c.workspace_id = %(workspace)b AND c.id = u.conversation_id
JOIN channels_inbox i ON i.workspace_id = c.workspace_id AND i.id = c.inbox_id
JOIN customers_identity n ON n.workspace_id = c.workspace_id AND n.id = u.identity_id
LEFT JOIN LATERAL (
  SELECT x.rfc_id FROM conversations_message x
  WHERE x.workspace_id = c.workspace_id AND x.conversation_id = c.id AND x.way = 'in' AND x.rfc_id <> ''
  ORDER BY x.at DESC, x.id DESC LIMIT 1) m ON true
WHERE i.channel = n.channel AND i.channel = %(channel)b AND i.is_active
  AND NOT EXISTS (SELECT FROM delivery_suppression s WHERE s.workspace_id = c.workspace_id
                  AND i.channel <> 'email' AND s.channel = ANY(%(alike)b) AND s.address = n.address)
"""


def threads(
    conn: Connection, workspace_id: UUID, wanted: Mapping[UUID, UUID], channel: str = "email"
) -> dict[UUID, Thread]:
    """What to write to on that channel, by conversation, of `wanted` conversations and whom to write to there (an
    identity), inside the workspace's transaction. Left out is where nothing can go out: another inbox has the
    conversation, they said STOP, or it is too long ago that they wrote."""
    own = channels()[channel]
    alike = [name for name, each in channels().items() if own.medium and each.medium == own.medium]
    values = {
        "workspace": workspace_id, "conversations": list(wanted), "identities": list(wanted.values()),
        "channel": channel, "alike": alike or [channel],
    }  # fmt: skip
    found = [Thread(*row) for row in conn.execute(_THREADS, values).fetchall()]
    since = now() - own.limits.window if own.limits.window else None
    return {
        each.conversation_id: each
        for each in found
        if since is None or (each.wrote_at is not None and each.wrote_at > since)
    }


class Draft(NamedTuple):
    """What to write there; `html` goes by mail only."""

    thread: Thread
    text: str
    html: str
    language: str


_MESSAGE: LiteralString = """
INSERT INTO conversations_message
  (workspace_id, id, conversation_id, customer_id, way, channel, identity_id, delivery_id, at, subject, text, html,
   has_remote, language, rfc_id, auto, meta)
SELECT %b, id, conversation_id, customer_id, 'out', channel, identity_id, delivery_id, %b, subject, text, html,
  false, language, rfc_id, 'auto-replied', '{}'
FROM unnest(%b::uuid[], %b::uuid[], %b::uuid[], %b::text[], %b::uuid[], %b::uuid[], %b::text[], %b::text[],
            %b::text[], %b::text[], %b::text[])
     AS t (id, conversation_id, customer_id, channel, identity_id, delivery_id, subject, text, html, language, rfc_id)
"""
# In the order of conversations, as everybody locks them who locks several.
_COUNT: LiteralString = """
UPDATE conversations_conversation c SET messages = messages + 1
FROM (SELECT id FROM conversations_conversation WHERE workspace_id = %(workspace)b AND id = ANY(%(ids)b::uuid[])
      ORDER BY id FOR NO KEY UPDATE) l
WHERE c.workspace_id = %(workspace)b AND c.id = l.id
"""


def write(conn: Connection, drafts: Sequence[Draft], at: datetime) -> list[UUID]:
    """Put automatic messages into different conversations of one workspace, and on their way, in the caller's
    transaction; their ids, in order."""
    if not drafts:
        return []
    workspace_id = drafts[0].thread.workspace_id
    made = [_Written.of(each) for each in drafts]
    threads = [each.thread for each in drafts]
    columns = (
        [each.id for each in made],
        [each.conversation_id for each in threads],
        [each.customer_id for each in threads],
        [each.channel for each in threads],
        [each.identity_id for each in threads],
        [each.delivery_id for each in made],
        [each.subject for each in made],
        [each.text for each in drafts],
        [each.html if one.rfc_id else "" for each, one in zip(drafts, made, strict=True)],
        [each.language for each in drafts],
        [each.rfc_id for each in made],
    )
    conn.execute(_MESSAGE, [workspace_id, at, *columns])
    conn.execute(_COUNT, {"workspace": workspace_id, "ids": columns[1]})
    sendings = [_sending(each, one, at) for each, one in zip(drafts, made, strict=True)]
    delivery.send(conn, workspace_id, sendings)
    send(
        conn,
        [
            Signal("conversation", workspace_id, inbox, tuple(conversations), tuple(customers))
            for inbox, conversations, customers in _by_inbox(threads)
        ],
    )
    return columns[0]


def _by_inbox(threads: Sequence[Thread]) -> Iterator[tuple[UUID, list[UUID], list[UUID]]]:
    for inbox in dict.fromkeys(each.inbox_id for each in threads):
        here = [each for each in threads if each.inbox_id == inbox]
        yield inbox, [each.conversation_id for each in here], [each.customer_id for each in here]


class _Written(NamedTuple):
    """A message's own ids and subject."""

    id: UUID
    delivery_id: UUID
    subject: str
    rfc_id: str

    @classmethod
    def of(cls, draft: Draft) -> "_Written":
        """New ones. A subject and a Message-ID are a mail's."""
        thread, id_ = draft.thread, uuid7()
        if thread.channel != "email":
            return cls(id_, uuid7(), "", "")
        bare = _bare(thread.subject)
        rfc_id = f"{id_.hex}@{thread.inbox_address.rpartition('@')[2]}"
        return cls(id_, uuid7(), f"Re: {bare}" if bare else thread.business, rfc_id)


def _sending(draft: Draft, made: _Written, at: datetime) -> delivery.Sending:
    thread = draft.thread
    return delivery.Sending(
        inbox_id=thread.inbox_id,
        customer_id=thread.customer_id,
        conversation_id=thread.conversation_id,
        message_id=made.id,
        channel=thread.channel,
        address=thread.to_address,
        payload=pack(_mail(draft, made, at)) if made.rfc_id else _chat(draft, made),
        delivery_id=made.delivery_id,
    )


def _mail(draft: Draft, made: _Written, at: datetime) -> OutboundMessage:
    thread, key = draft.thread, signing.key("reply-address")
    answered = (thread.answered,) if thread.answered else ()
    return OutboundMessage(
        message_id=made.rfc_id,
        date=at,
        from_=Address(thread.business, thread.inbox_address),
        to=(Address(thread.to_name, thread.to_address),),
        reply_to=Address(thread.business, reply_address(thread.inbox_address, thread.conversation_id, key)),
        envelope_from=bounce_address(thread.inbox_address, made.delivery_id, key),
        subject=made.subject,
        text=draft.text,
        html=draft.html,
        in_reply_to=answered,
        references=answered,
        language=draft.language,
        headers=auto.mark(thread.workspace_id, made.rfc_id),
        auto=True,
    )


def _chat(draft: Draft, made: _Written) -> dict[str, Any]:
    """As a delivery keeps it. It marks nothing as read: nobody has read it."""
    chat = OutboundChat(
        delivery=str(made.delivery_id),
        to=draft.thread.to_key,
        text=draft.text,
        language=draft.language,
        wrote_at=draft.thread.wrote_at,
    )
    return pack_chat(chat)


def _bare(subject: str) -> str:
    """The subject as it was written, without Re: and the like."""
    words, folded = " ".join(subject.split()), bare_subject(subject)
    return words[len(words) - len(folded) :] if len(folded) <= len(words) else words
