"""Mail about our own mail: a bounce belongs to the delivery it speaks of, not to a conversation."""

from typing import LiteralString
from uuid import UUID

from wasl.channels.base import BounceReport, ParsedMessage
from wasl.conversations.threading import tokens_in
from wasl.delivery import actions as delivery
from wasl.intake.claim import Waiting, finish, settle
from wasl.kit.db import Connection

_DELIVERY_OF: LiteralString = """
SELECT delivery_id FROM conversations_message
WHERE workspace_id = %b AND rfc_id = %b AND delivery_id IS NOT NULL
ORDER BY at DESC LIMIT 1
"""

_EXISTS: LiteralString = "SELECT id FROM delivery_delivery WHERE workspace_id = %b AND id = %b"


def take(
    conn: Connection, workspace_id: UUID, messages: list[tuple[Waiting, ParsedMessage]]
) -> list[tuple[Waiting, ParsedMessage]]:
    """Hand bounces that concern a delivery of ours to it; the messages that remain."""
    rest = []
    for item, message in messages:
        delivery_id = _concerns(conn, workspace_id, item, message) if item.channel == "email" else None
        if delivery_id is None:
            rest.append((item, message))
            continue
        delivery.receipt(conn, workspace_id, delivery_id, item.id, message.bounce or BounceReport("unknown"))
        finish(conn, workspace_id, [item.id])
        settle(conn, workspace_id, [item.id])
    return rest


def _concerns(conn: Connection, workspace_id: UUID, item: Waiting, message: ParsedMessage) -> UUID | None:
    for delivery_id in tokens_in(item, message, "bounce"):
        if conn.execute(_EXISTS, [workspace_id, delivery_id]).fetchone():
            return delivery_id
    if message.bounce and message.bounce.original_message_id:
        row = conn.execute(_DELIVERY_OF, [workspace_id, message.bounce.original_message_id]).fetchone()
        return row[0] if row else None
    return None
