"""What is told again: our own messages by a provider, and old mail that is brought in, which is history and no news.

Some channels send back whatever leaves in the business's name. What somebody wrote in another program belongs on the
timeline; what we sent ourselves is there already, and its echo is a receipt. Where the provider gives back what we
said of it, the channel's parser knows that. Here the others are recognised by the provider's id, also when the echo
is quicker than the answer to the call, and when that answer was lost: at once, or long after we gave up waiting for it
and made the call again.
"""

from collections.abc import Sequence
from dataclasses import replace
from datetime import timedelta
from typing import LiteralString
from uuid import UUID

from wasl.channels.base import ParsedMessage
from wasl.channels.port import Parsed, Report
from wasl.conversations.receipts import SENT_TO, TO
from wasl.intake.claim import Waiting
from wasl.kit.db import Connection

# Our messages to that address of the last day. A message of several parts has the ids of all in its attempt.
_OURS: LiteralString = f"""
SELECT d.id, d.state,
  d.ref = %(ref)s OR EXISTS (
    SELECT FROM delivery_attempt a
    WHERE a.workspace_id = d.workspace_id AND a.delivery_id = d.id AND strpos(a.detail, %(ref)s) > 0),
  d.payload->'chat'->>'text' = %(text)s AND (d.state = 'in_doubt' OR EXISTS (
    SELECT FROM delivery_attempt a
    WHERE a.workspace_id = d.workspace_id AND a.delivery_id = d.id AND a.outcome = 'in_doubt'))
{SENT_TO} {TO}
"""


def read(
    conn: Connection, workspace_id: UUID, said: Sequence[tuple[Waiting, Parsed]]
) -> list[tuple[Waiting, Parsed]]:
    """The same, with echoes of our own messages as the receipts that they are, and old mail marked as such."""
    return [
        (item, _again(conn, workspace_id, item, one)) if isinstance(one, ParsedMessage) else (item, one)
        for item, one in said
    ]


def _again(
    conn: Connection, workspace_id: UUID, item: Waiting, message: ParsedMessage
) -> ParsedMessage | Report:
    if item.envelope.get("imported"):
        return replace(message, is_old=True)
    if message.written_by_us and message.message_id:
        return _seen(conn, workspace_id, item, message) or message
    return message


def _seen(conn: Connection, workspace_id: UUID, item: Waiting, message: ParsedMessage) -> Report | None:
    """The receipt; None for what another program wrote."""
    values = {
        "workspace": workspace_id, "inbox": item.inbox_id, "channel": item.channel, "ref": message.message_id,
        "who": message.sender.identity_key, "text": message.text,
        "since": item.received_at - timedelta(days=1), "until": item.received_at + timedelta(days=1),
    }  # fmt: skip
    rows = conn.execute(_OURS, values).fetchall()
    at = message.sent_at or item.received_at
    for delivery_id, _, known, _ in rows:
        if known:
            return Report(kind="sent", at=at, delivery=str(delivery_id))
    for delivery_id, _, _, doubted in rows:
        if doubted:
            return Report(kind="sent", at=at, delivery=str(delivery_id), ref=message.message_id)
    # The call is under way: its answer will say whether this is what it sent, and until then this waits.
    if any(state == "sending" for _, state, _, _ in rows):
        return Report(kind="sent", at=at, ref=message.message_id)
    return None
