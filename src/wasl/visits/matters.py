"""Which matter somebody came about who is known for certain.

The one whose code they showed, as long as it is not resolved; else the only one of theirs that is not, if something
happened in it within a week and it lies before the same teams as the branch. The visit quotes the last message of it,
and so joins it as an answer does.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import LiteralString
from uuid import UUID

from wasl.kit.db import Connection
from wasl.visits.people import Came

WITHIN = timedelta(days=7)

# A conversation in public (below a post) is nobody's matter at a counter.
_OPEN: LiteralString = """
SELECT c.id, c.last_at > %(since)s AND NOT EXISTS (
    (SELECT t.team_id FROM channels_inboxteam t WHERE t.workspace_id = %(w)s AND t.inbox_id IN (c.inbox_id, %(branch)s)
     GROUP BY t.team_id HAVING count(*) < 2 AND c.inbox_id <> %(branch)s)),
  (SELECT m.rfc_id FROM conversations_message m
   WHERE m.workspace_id = %(w)s AND m.conversation_id = c.id AND m.rfc_id <> '' ORDER BY m.at DESC, m.id DESC LIMIT 1)
FROM customers_customer k
JOIN conversations_conversation c ON c.workspace_id = k.workspace_id AND c.customer_id = k.id
WHERE k.workspace_id = %(w)s AND k.root_id = %(root)s AND c.merged_into_id IS NULL AND c.status <> 'resolved'
  AND c.subject !~ '^(facebook|instagram):[0-9_]+$'
ORDER BY c.last_at DESC LIMIT 50
"""
_NOW: LiteralString = """
SELECT coalesce(merged_into_id, id) FROM conversations_conversation WHERE workspace_id = %s AND id = %s
"""


@dataclass(frozen=True, slots=True)
class Matter:
    """A conversation that a visit carries on, and the message that it quotes."""

    conversation_id: UUID
    reference: str


def of(conn: Connection, workspace_id: UUID, branch_id: UUID, came: Came, at: datetime) -> Matter | None:
    """The matter, inside the workspace's transaction; None where nobody can tell: then the visit opens its own or joins
    as any message does."""
    if not came.is_sure:
        return None
    values = {"w": workspace_id, "root": came.root_id, "branch": branch_id, "since": at - WITHIN}
    rows = conn.execute(_OPEN, values).fetchall()
    shown = None
    if came.about:
        found = conn.execute(_NOW, [workspace_id, came.about]).fetchone()
        shown = next((row for row in rows if found and row[0] == found[0]), None)
    only = rows[0] if len(rows) == 1 and rows[0][1] else None
    row = shown or only
    return Matter(row[0], row[2]) if row and row[2] else None
