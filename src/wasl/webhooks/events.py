"""What can be told, and in which words: the kinds of event, and the JSON of each.

An event is a touchpoint. What is told of it is read from the tables when it is told, so that nothing a customer wrote
lies in the queue, and whoever was erased meanwhile is told of without a word.
"""

from datetime import UTC, datetime
from typing import Any, Final, LiteralString
from uuid import UUID

import msgspec

from wasl.kit.db import Connection
from wasl.timeline.kinds import KINDS

CREATED: Final = "message.created"
"""Every new message, whichever way it goes."""

TEST: Final = "webhook.test"
OFFERED: Final[tuple[str, ...]] = (CREATED, *sorted(KINDS))
TEXT_LIMIT: Final = 8000
"""Characters of a message that are told; the API has the rest."""


def kinds_of(touchpoint_kind: str) -> tuple[str, ...]:
    """The events that a touchpoint is."""
    new = (CREATED,) if touchpoint_kind in ("message.received", "message.sent") else ()
    return (*new, touchpoint_kind)


_READ: LiteralString = """
SELECT t.id, t.occurred_at, t.channel, t.facts, t.about_id,
       t.customer_id, c.name, c.language,
       t.conversation_id, v.subject, v.status, v.inbox_id,
       m.id, m.way, m.at, m.subject, left(m.text, %(most)s), length(m.text) > %(most)s, m.language,
       i.channel, i.address, i.name,
       (SELECT jsonb_agg(jsonb_build_object('id', a.id, 'filename', a.filename, 'content_type', a.content_type,
                                            'size', a.size) ORDER BY a.position)
        FROM conversations_attachment a WHERE a.workspace_id = m.workspace_id AND a.message_id = m.id),
       d.id, d.message_id, d.state, d.reason
FROM timeline_touchpoint t
LEFT JOIN customers_customer c ON c.workspace_id = t.workspace_id AND c.id = t.customer_id
LEFT JOIN conversations_conversation v ON v.workspace_id = t.workspace_id AND v.id = t.conversation_id
LEFT JOIN conversations_message m ON m.workspace_id = t.workspace_id AND m.id = t.about_id
  AND t.kind LIKE 'message.%%'
LEFT JOIN customers_identity i ON i.workspace_id = m.workspace_id AND i.id = m.identity_id
LEFT JOIN delivery_delivery d ON d.workspace_id = t.workspace_id AND d.id = t.about_id
  AND t.kind LIKE 'delivery.%%'
WHERE t.workspace_id = %(workspace)s AND t.id = ANY(%(ids)s::uuid[])
"""


def read(conn: Connection, workspace_id: UUID, event_ids: list[UUID]) -> dict[UUID, dict[str, Any]]:
    """What there is to tell of some touchpoints: `data`, and when it happened. As the application's role."""
    values = {"workspace": workspace_id, "ids": event_ids, "most": TEXT_LIMIT}
    return {row[0]: {"at": row[1], "data": _data(row)} for row in conn.execute(_READ, values)}


def _data(row: tuple[Any, ...]) -> dict[str, Any]:
    conversation = {"id": row[8], "subject": row[9], "status": row[10], "inbox_id": row[11]}
    message = {
        "id": row[12],
        "way": row[13],
        "at": row[14],
        "subject": row[15],
        "text": row[16],
        "truncated": row[17],
        "language": row[18],
        "address": {"channel": row[19], "address": row[20], "name": row[21]} if row[20] else None,
        "files": row[22] or [],
    }
    delivery = {"id": row[23], "message_id": row[24], "state": row[25], "reason": row[26]}
    return {
        "touchpoint_id": row[0],
        "channel": row[2],
        "facts": row[3],
        "about_id": row[4],
        "customer": {"id": row[5], "name": row[6] or "", "language": row[7] or ""},
        "conversation": conversation if row[8] else None,
        "message": message if row[12] else None,
        "delivery": delivery if row[23] else None,
    }


def body(kind: str, at: datetime, data: dict[str, Any]) -> bytes:
    """The JSON of a call: type, timestamp, data."""
    return msgspec.json.encode({"type": kind, "timestamp": at.astimezone(UTC), "data": data})


def test_body(endpoint_id: UUID, at: datetime) -> bytes:
    """What an endpoint is told to try it out."""
    return body(TEST, at, {"endpoint_id": endpoint_id, "text": "This is a test. Nothing happened."})
