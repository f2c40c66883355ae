"""When a message joins a conversation that lies in another inbox: the same matter, carried on over another channel.

The rule: it is one that is not resolved and in which the channel was used already, within a week; else the only one
of the customer's that is not resolved, if something happened in it within a day. Both inboxes are open to the same
teams, so that nothing comes before eyes that could not see it. A chat joins any such conversation; a mail, which says
what it is about, only one that has no subject, and only when it answers nothing else. What an API brings has matters of
its own and joins nothing.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any, LiteralString
from uuid import UUID

from wasl.kit.db import Connection

if TYPE_CHECKING:
    from wasl.conversations.threading import Arrived, Thread

WITHIN = timedelta(hours=24)
USED = timedelta(days=7)

_OPEN: LiteralString = """
SELECT c.id, c.inbox_id, r.id, c.subject, c.last_in_at, c.last_way, c.status, c.last_at,
  ARRAY(SELECT DISTINCT m.channel FROM (
    SELECT y.channel FROM conversations_message y
    WHERE y.workspace_id = %(workspace)b AND y.conversation_id = c.id ORDER BY y.at DESC LIMIT 30) m)
FROM unnest(%(roots)b::uuid[]) AS r(id)
CROSS JOIN LATERAL (
  SELECT x.* FROM customers_customer k
  JOIN conversations_conversation x ON x.workspace_id = k.workspace_id AND x.customer_id = k.id
  WHERE k.workspace_id = %(workspace)b AND k.root_id = r.id AND x.merged_into_id IS NULL
    AND (x.status <> 'resolved') IS TRUE
  ORDER BY x.last_at DESC LIMIT 3) c
"""
_TEAMS: LiteralString = """
SELECT i.id, ARRAY(SELECT t.team_id FROM channels_inboxteam t
  WHERE t.workspace_id = %(workspace)b AND t.inbox_id = i.id ORDER BY 1)
FROM channels_inbox i WHERE i.workspace_id = %(workspace)b AND i.id = ANY(%(inboxes)b::uuid[])
"""


@dataclass(slots=True)
class Open:
    """A conversation that is not resolved: when something last happened there, and on which channels."""

    last_at: datetime
    channels: set[str]


@dataclass(slots=True)
class Elsewhere:
    """What customers have open, up to three conversations each, kept up to date within a batch."""

    of: dict[UUID, dict[UUID, Open]] = field(default_factory=dict)
    teams: dict[UUID, tuple[UUID, ...]] = field(default_factory=dict)

    def find(self, arrived: Arrived, threads: Mapping[UUID, Thread]) -> UUID | None:
        """The conversation that this message carries on, None for none."""
        if not may_join(arrived):
            return None
        found = self.of.get(arrived.sender.root_id, {})
        fit = [id_ for id_ in found if self._fits(found, id_, arrived, threads[id_])]
        return max(fit, key=lambda id_: found[id_].last_at, default=None)

    def _fits(self, found: dict[UUID, Open], id_: UUID, arrived: Arrived, thread: Thread) -> bool:
        item, mail = arrived.item, arrived.item.channel == "email"
        if thread.inbox_id == item.inbox_id or (mail and thread.subject) or thread.is_public:
            return False
        used = not mail and item.channel in found[id_].channels
        if not used and len(found) > 1:
            return False
        if item.received_at - found[id_].last_at > (USED if used else WITHIN):
            return False
        here, there = self.teams.get(item.inbox_id), self.teams.get(thread.inbox_id)
        return here is not None and here == there

    def joined(self, thread: Thread, channel: str) -> None:
        """A message came into this conversation, which may be new."""
        if thread.root_id not in self.of or thread.last_in_at is None:
            return
        known = self.of[thread.root_id].setdefault(thread.id, Open(thread.last_in_at, set()))
        known.last_at = max(known.last_at, thread.last_in_at)
        known.channels.add(channel)


def may_join(arrived: Arrived) -> bool:
    """Whether such a message may carry on what was begun elsewhere."""
    if arrived.item.channel == "api" or not arrived.message.is_news or arrived.message.auto:
        return False
    if arrived.message.content.get("public"):
        return False
    return not (arrived.tokens or arrived.references) if arrived.item.channel == "email" else True


def load(
    conn: Connection, workspace_id: UUID, known: Iterable[Arrived], into: Elsewhere
) -> Sequence[tuple[Any, ...]]:
    """What is open of those customers who might carry it on, as rows for threads."""
    asking = [arrived for arrived in known if may_join(arrived)]
    if not asking:
        return []
    roots = {arrived.sender.root_id for arrived in asking}
    into.of = {root: {} for root in roots}
    rows = conn.execute(_OPEN, {"workspace": workspace_id, "roots": list(roots)}, prepare=True).fetchall()
    for row in rows:
        into.of[row[2]][row[0]] = Open(row[7], set(row[8]))
    away = {row[1] for row in rows} - {arrived.item.inbox_id for arrived in asking}
    if away:
        inboxes = list(away | {arrived.item.inbox_id for arrived in asking})
        values = {"workspace": workspace_id, "inboxes": inboxes}
        into.teams = {row[0]: tuple(row[1]) for row in conn.execute(_TEAMS, values, prepare=True).fetchall()}
    return [row[:7] for row in rows]
