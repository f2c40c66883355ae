"""How long first answers took in the last weeks, from what was really written, in business time."""

from datetime import datetime, timedelta
from typing import LiteralString
from uuid import UUID

from wasl.accounts.hours import Hours
from wasl.desk.promise import Sample
from wasl.kit.db import Connection
from wasl.kit.memory import Recent

WEEKS = 4
MOST = 300
"""Conversations that are looked at, the latest of the inbox."""
FRESH = 600.0
"""Seconds for which the figure of an inbox is good: one conversation more does not move a median."""
PATIENCE = timedelta(days=1)
"""A conversation that waits for longer counts with its wait so far. A younger one says nothing yet."""

# Each status by itself, so that the list's index gives the latest of the inbox and nothing is sorted. The limit is
# written out: a follower's statement is planned once, and a plan made for an unknown limit would sort.
_LATEST: LiteralString = f"""
SELECT c.created_at, first.at, c.status
FROM unnest(ARRAY['open', 'pending', 'snoozed', 'resolved']) AS s(status)
CROSS JOIN LATERAL (
  SELECT x.id, x.created_at, x.status FROM conversations_conversation x
  WHERE x.workspace_id = %(workspace)s AND x.inbox_id = %(inbox)s AND x.status = s.status
    AND x.last_at > %(since)s AND x.merged_into_id IS NULL
  ORDER BY x.last_at DESC LIMIT {MOST}) c
CROSS JOIN LATERAL (
  SELECT m.way, m.auto, m.meta->>'quiet' AS quiet FROM conversations_message m
  WHERE m.workspace_id = %(workspace)s AND m.conversation_id = c.id ORDER BY m.at, m.id LIMIT 1) opening
LEFT JOIN LATERAL (
  SELECT m.at FROM conversations_message m
  WHERE m.workspace_id = %(workspace)s AND m.conversation_id = c.id AND m.way = 'out' AND m.auto = ''
  ORDER BY m.at, m.id LIMIT 1) first ON true
WHERE c.created_at > %(since)s AND opening.way = 'in' AND opening.auto = '' AND opening.quiet IS NULL
"""

_known: Recent[tuple[UUID, UUID, int], list[Sample]] = Recent(FRESH, 1_000)


def samples(
    conn: Connection, workspace_id: UUID, inbox_id: UUID, hours: Hours, present: datetime
) -> list[Sample]:
    """The last weeks' conversations of an inbox, inside the workspace's transaction.

    A settled one that was never answered says nothing: it needed no answer.
    """
    key = (workspace_id, inbox_id, int(present.timestamp() // FRESH))
    known = _known.get(key)
    if known is not None:
        return known
    since = present - timedelta(weeks=WEEKS)
    values = {"workspace": workspace_id, "inbox": inbox_id, "since": since}
    found = []
    for began, answered, status in conn.execute(_LATEST, values).fetchall():
        if answered is None and (status == "resolved" or began > present - PATIENCE):
            continue
        taken = hours.business_time_between(began, answered or present)
        found.append(Sample((present - began).days // 7, taken))
    _known.put(key, found)
    return found


def forget() -> None:
    """Look again at the next question."""
    _known.clear()
