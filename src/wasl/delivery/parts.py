"""A message that goes as several, one after the other.

Each part is a delivery of its own, with tries, doubts and receipts of its own. What has not left yet is kept in the
payload of the part before it (`rest`), and becomes a delivery in the very transaction in which that part is known to
have been taken: so the order holds, nothing is lost between two parts, and a part whose id is there already is not
made twice, however often that becomes known.

When several parts are tried again by hand, they are all there already: then each waits, due at its deadline
(`course.behind`), until those before it have left or failed for good.
"""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any, LiteralString
from uuid import UUID

from django.conf import settings

from wasl.kit.db import Connection
from wasl.kit.signal import wake

_NEXT: LiteralString = """
WITH over AS (
  SELECT * FROM delivery_delivery
  WHERE workspace_id = %(workspace)s AND id = ANY(%(ids)s::uuid[]) AND part < parts
), made AS (
INSERT INTO delivery_delivery (workspace_id, id, inbox_id, customer_id, conversation_id, message_id, channel, address,
                               payload, part, parts, state, created_at, due_at, deadline_at, attempts, doubts, reason,
                               fence)
SELECT d.workspace_id, (d.payload->'rest'->0->>'message_id')::uuid, d.inbox_id, d.customer_id, d.conversation_id,
  d.message_id, d.channel, d.address,
  (d.payload->'rest'->0) || jsonb_build_object('rest', (d.payload->'rest') - 0), d.part + 1, d.parts,
  'queued', %(at)s, %(at)s, %(deadline)s, 0, 0, '', 0
FROM over d
WHERE d.state <> 'failed' AND d.payload->'rest'->0 IS NOT NULL
ON CONFLICT DO NOTHING
RETURNING id
), freed AS (
UPDATE delivery_delivery w SET due_at = %(at)s, deadline_at = %(deadline)s
FROM over d
WHERE w.workspace_id = d.workspace_id AND w.message_id = d.message_id AND w.parts > 1 AND w.part > d.part
  AND w.state = 'queued' AND w.due_at > %(at)s
  AND NOT EXISTS (
    SELECT FROM delivery_delivery e
    WHERE e.workspace_id = w.workspace_id AND e.message_id = w.message_id AND e.parts > 1 AND e.part < w.part
      AND e.state IN ('queued', 'sending', 'retry', 'in_doubt'))
RETURNING w.id
)
SELECT id FROM made UNION ALL SELECT id FROM freed
"""


def chained(payloads: Sequence[dict[str, Any]]) -> dict[str, Any]:
    """The first part's payload, with the others in it; each names its own delivery."""
    first, *rest = payloads
    return {**first, "rest": rest} if rest else first


def go_on(conn: Connection, workspace_id: UUID, over: Sequence[UUID], at: datetime) -> None:
    """Have what comes after these deliveries delivered, which have just left or failed for good.

    After a failure only what is waiting already goes on; the rest is made when a person has it tried again. As the
    application's role.
    """
    if not over:
        return
    deadline = at + timedelta(seconds=settings.ENV.delivery_deadline)
    values = {"workspace": workspace_id, "ids": over, "at": at, "deadline": deadline}
    if conn.execute(_NEXT, values).rowcount:
        wake(conn, "delivery")
