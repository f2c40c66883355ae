"""Mail about our own mail: a report belongs to the delivery it speaks of, not to a conversation.

Matched by our bounce address, which nobody can guess; else by the Message-ID of what came back; else, when a report
names neither, by its recipient: the newest mail we sent them in the last days. Reports about mail that is not ours
stay messages like any other.
"""

from dataclasses import replace
from typing import LiteralString
from uuid import UUID

from wasl.channels.base import BounceReport, ParsedMessage
from wasl.channels.email.auto import Quiet
from wasl.conversations.threading import tokens_in
from wasl.delivery import actions as delivery
from wasl.intake.claim import Waiting, finish, settle
from wasl.kit.db import Connection

_DELIVERY_OF: LiteralString = """
SELECT delivery_id FROM conversations_message
WHERE workspace_id = %b AND rfc_id = %b AND delivery_id IS NOT NULL
ORDER BY at DESC LIMIT 1
"""

_EXISTS: LiteralString = "SELECT conversation_id FROM delivery_delivery WHERE workspace_id = %b AND id = %b"

# Of mail from the inbox that the report came to: others' mail is not ours to judge.
_LATELY: LiteralString = """
SELECT m.delivery_id
FROM customers_identity i
JOIN conversations_conversation c
  ON c.workspace_id = i.workspace_id AND c.customer_id = i.customer_id AND c.inbox_id = %(inbox)s
CROSS JOIN LATERAL (
  SELECT x.delivery_id, x.at FROM conversations_message x
  WHERE x.workspace_id = c.workspace_id AND x.conversation_id = c.id AND x.identity_id = i.id
    AND x.at BETWEEN %(at)s - interval '6 days' AND %(at)s AND x.delivery_id IS NOT NULL
  ORDER BY x.at DESC LIMIT 1) m
WHERE i.workspace_id = %(workspace)s AND i.channel = 'email' AND i.address = lower(%(who)s)
ORDER BY m.at DESC LIMIT 1
"""


def take(
    conn: Connection, workspace_id: UUID, messages: list[tuple[Waiting, ParsedMessage]]
) -> tuple[list[tuple[Waiting, ParsedMessage]], dict[UUID, UUID]]:
    """Hand reports that concern a delivery of ours to it.

    The messages that remain; and of those that came to a bounce address without being a report (only programs write
    there: "I am away") the conversation each is about, by the payload's id.
    """
    rest, about = [], dict[UUID, UUID]()
    for item, message in messages:
        delivery_id, conversation_id = _concerns(conn, workspace_id, item, message)
        if delivery_id is None:
            rest.append((item, message))
        elif message.bounce is None and conversation_id and message.sender.address:
            rest.append((item, replace(message, auto="auto-replied", quiet=message.quiet or Quiet.AUTOMATIC)))
            about[item.id] = conversation_id
        else:
            said = message.bounce or BounceReport("unknown")
            delivery.receipt(conn, workspace_id, delivery_id, item.id, said)
            finish(conn, workspace_id, [item.id])
            settle(conn, workspace_id, [item.id])
    return rest, about


def _concerns(
    conn: Connection, workspace_id: UUID, item: Waiting, message: ParsedMessage
) -> tuple[UUID | None, UUID | None]:
    """The delivery a mail is about, and that one's conversation where it is known."""
    if item.channel != "email":
        return None, None
    for delivery_id in tokens_in(item, message, "bounce"):
        if row := conn.execute(_EXISTS, [workspace_id, delivery_id]).fetchone():
            return delivery_id, row[0]
    said = message.bounce
    if said is None:
        return None, None
    if said.original_message_id:
        row = conn.execute(_DELIVERY_OF, [workspace_id, said.original_message_id]).fetchone()
    elif said.recipient and said.kind != "unknown":
        values = {
            "workspace": workspace_id,
            "inbox": item.inbox_id,
            "at": item.received_at,
            "who": said.recipient,
        }
        row = conn.execute(_LATELY, values).fetchone()
    else:
        row = None
    return (row[0] if row else None), None
