"""A mail that an agent passes on to an inbox becomes the conversation of whoever wrote it.

Whoever can make us believe they are an agent could put words into a customer's mouth. So the agent's own address must
be proved: by what our mail server says of it (setting `mail_authserv`, or `authserv` in the inbox's configuration), or
because the inbox takes every such mail at its word (`forwards` = `always`; `never` turns the whole off). A mail that
is not proved stays the agent's own, as anybody's would.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any, LiteralString
from uuid import UUID

from django.conf import settings

from wasl.channels.base import ParsedMessage
from wasl.channels.email import authentic, forwarded
from wasl.channels.email.auto import Quiet
from wasl.channels.email.tokens import base_address
from wasl.conversations.threading import Arrived, Thread
from wasl.intake.claim import Waiting
from wasl.kit.db import Connection
from wasl.kit.ids import uuid7
from wasl.timeline.actions import Touch

UNPROVED = "forward_unproved"
"""Among a message's defects: it looks like an agent's forward, and nothing proves that the agent wrote it."""

Messages = list[tuple[Waiting, ParsedMessage]]


@dataclass(frozen=True, slots=True)
class Passed:
    """Who passed a mail on, and what they said about it ('' for nothing)."""

    agent_id: UUID
    comment: str


_AGENTS: LiteralString = """
SELECT lower(u.email), a.id FROM accounts_agent a JOIN accounts_user u ON u.id = a.user_id
WHERE a.workspace_id = %b AND a.is_active AND u.is_active AND a.role <> 'readonly' AND lower(u.email) = ANY(%b)
"""
_INBOXES: LiteralString = """
SELECT id, address, coalesce(config->>'forwards', ''), coalesce(config->>'authserv', '')
FROM channels_inbox WHERE workspace_id = %b AND channel = 'email'
"""


def take(conn: Connection, workspace_id: UUID, messages: Messages) -> tuple[Messages, dict[UUID, Passed]]:
    """The messages, those that agents passed on as their first writers sent them; and who did, by the payload's id."""
    maybe = {item.id for item, message in messages if _may_be(item, message)}
    if not maybe:
        return messages, {}
    agents = _agents(conn, workspace_id, [message for item, message in messages if item.id in maybe])
    if not agents:
        return messages, {}
    inboxes = {row[0]: row[1:] for row in conn.execute(_INBOXES, [workspace_id]).fetchall()}
    ours = {address for address, _, _ in inboxes.values()}
    rest: Messages = []
    passed: dict[UUID, Passed] = {}
    for item, message in messages:
        agent = agents.get(message.sender.identity_key) if item.id in maybe else None
        _, policy, server = inboxes.get(item.inbox_id, ("", "", ""))
        found = forwarded.read(message) if agent and policy != "never" else None
        writer = found.message.sender.identity_key if found else ""
        if found is None or agent is None or writer in agents or base_address(writer) in ours:
            rest.append((item, message))
            continue
        if not _is_believed(message, policy, server):
            rest.append((item, replace(message, defects=(*message.defects, UNPROVED))))
            continue
        passed[item.id] = Passed(agent, found.comment)
        rest.append((item, replace(found.message, quiet=Quiet.FORWARDED)))
    return rest, passed


def _may_be(item: Waiting, message: ParsedMessage) -> bool:
    return item.channel == "email" and not message.auto and forwarded.looks_like_one(message)


def _agents(conn: Connection, workspace_id: UUID, messages: Sequence[ParsedMessage]) -> dict[str, UUID]:
    """Agents by address, among those who wrote or are said to have written one of these mails."""
    named = {message.sender.identity_key for message in messages}
    rows = conn.execute(_AGENTS, [workspace_id, list(named)]).fetchall()
    if not rows:
        return {}
    inner = {f.message.sender.identity_key for f in map(forwarded.read, messages) if f}
    return dict([*rows, *conn.execute(_AGENTS, [workspace_id, list(inner)]).fetchall()])


def _is_believed(message: ParsedMessage, policy: str, server: str) -> bool:
    if policy == "always":
        return True
    return authentic.is_from(message, (*settings.ENV.mail_authserv, *filter(None, (server,))))


_NOTE: LiteralString = """
INSERT INTO conversations_message
  (workspace_id, id, conversation_id, customer_id, way, channel, author_id, at, subject, text, html, has_remote,
   language, rfc_id, auto, meta)
VALUES (%s, %s, %s, %s, 'note', 'email', %s, %s, '', %s, '', false, '', '', '', '{}')
"""


def note(conn: Connection, workspace_id: UUID, thread: Thread, one: Arrived, by: Passed) -> Touch:
    """Keep what the agent said as a note beside the mail; that they passed it on, for the timeline."""
    at: datetime = one.item.received_at
    if by.comment:
        values: list[Any] = [
            workspace_id,
            uuid7(),
            thread.id,
            one.sender.customer_id,
            by.agent_id,
            at,
            by.comment[:100_000],
        ]
        conn.execute(_NOTE, values)
    return Touch(
        customer_id=one.sender.customer_id,
        kind="message.forwarded",
        occurred_at=at,
        channel=one.item.channel,
        conversation_id=thread.id,
        about_id=one.item.id,
        facts={"by": "agent", "said": int(bool(by.comment))},
        detail={"agent": str(by.agent_id)},
    )
