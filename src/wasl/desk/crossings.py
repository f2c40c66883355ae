"""What gets in one another's way with a customer: two conversations on one matter, two agents, an agent and a program.

Read in one statement whenever a conversation is shown. A turn is what was sent since the customer last wrote; a program
is whatever writes without an agent (a token of the API, Wasl itself), but for acknowledgements, which come first.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import LiteralString
from uuid import UUID

import msgspec

from wasl.accounts.actor import Actor
from wasl.kit.clock import now
from wasl.kit.db import raw

WRITING = timedelta(minutes=10)
"""An answer that was begun counts as being written for so long after its last letter."""
BEFORE = timedelta(minutes=2)
"""So long before the program's message the last letter may have been written for the two to cross."""
MOST = 5


@dataclass(frozen=True, slots=True)
class Beside:
    """Another open conversation of the customer, and who has it."""

    id: UUID
    subject: str
    owner_id: UUID | None
    owner: str


@dataclass(frozen=True, slots=True)
class Held:
    """Who took the conversation over, and since when."""

    agent_id: UUID
    name: str
    at: datetime


@dataclass(frozen=True, slots=True)
class Both:
    """A program has written in this turn, and this agent as well, or is writing (`is_writing`)."""

    agent_id: UUID
    name: str
    is_writing: bool


@dataclass(frozen=True, slots=True)
class Crossings:
    """What there is of it."""

    beside: list[Beside]
    held: Held | None
    both: Both | None


# Only what `reply` wrote has a `before`: what somebody wrote in the provider's own app is a person's.
_READ: LiteralString = """
WITH turn AS MATERIALIZED (
  SELECT m.at, m.author_id FROM conversations_message m
  WHERE m.workspace_id = %(workspace)s AND m.conversation_id = %(conversation)s AND m.way = 'out' AND m.auto = ''
    AND m.at > coalesce((SELECT c.last_in_at FROM conversations_conversation c
                         WHERE c.workspace_id = %(workspace)s AND c.id = %(conversation)s), %(never)s)
    AND (m.author_id IS NOT NULL OR m.meta ? 'before')
  ORDER BY m.at DESC LIMIT 50
), program AS MATERIALIZED (SELECT max(at) AS at FROM turn WHERE author_id IS NULL)
SELECT
  (SELECT jsonb_agg(jsonb_build_array(o.id, o.subject, o.assignee_id, o.name))::text FROM (
    SELECT c.id, c.subject, c.assignee_id, coalesce(a.name, '') AS name
    FROM conversations_conversation c
    LEFT JOIN accounts_agent a ON a.workspace_id = c.workspace_id AND a.id = c.assignee_id
    WHERE c.workspace_id = %(workspace)s AND c.customer_id = ANY(%(family)s::uuid[]) AND c.id <> %(conversation)s
      AND c.inbox_id = ANY(%(inboxes)s::uuid[]) AND c.merged_into_id IS NULL AND c.status <> 'resolved'
    ORDER BY c.last_at DESC, c.id DESC LIMIT %(most)s) o),
  t.agent_id, ta.name, t.at, w.agent_id, w.name, w.writing
FROM program p
LEFT JOIN desk_takeover t ON t.workspace_id = %(workspace)s AND t.id = %(conversation)s
LEFT JOIN accounts_agent ta ON ta.workspace_id = %(workspace)s AND ta.id = t.agent_id
LEFT JOIN LATERAL (
  SELECT x.agent_id, a.name, x.writing FROM (
    SELECT d.agent_id, true AS writing, d.changed_at AS at FROM conversations_draft d
    WHERE d.workspace_id = %(workspace)s AND d.conversation_id = %(conversation)s AND d.way = 'out' AND d.text <> ''
      AND d.changed_at > %(since)s AND d.changed_at > p.at - %(before)s
    UNION ALL
    SELECT author_id, false, at FROM turn WHERE author_id IS NOT NULL) x
  JOIN accounts_agent a ON a.workspace_id = %(workspace)s AND a.id = x.agent_id
  WHERE p.at IS NOT NULL
  ORDER BY x.writing DESC, x.at DESC LIMIT 1) w ON true
"""


def read(actor: Actor, conversation_id: UUID, family: Sequence[UUID]) -> Crossings:
    """What gets in the way of a conversation that the actor may see; `family` is everybody who is its customer."""
    at = now()
    values = {
        "workspace": actor.workspace_id, "conversation": conversation_id, "family": list(family),
        "inboxes": list(actor.inboxes), "most": MOST, "since": at - WRITING, "before": BEFORE,
        "never": datetime.fromtimestamp(0, at.tzinfo),
    }  # fmt: skip
    row = raw().execute(_READ, values).fetchone()
    assert row
    beside, holder, named, since, agent_id, name, is_writing = row
    return Crossings(
        [_beside(*each) for each in msgspec.json.decode(beside or "[]")],
        Held(holder, named or "", since) if holder else None,
        Both(agent_id, name, is_writing) if agent_id else None,
    )


def _beside(id_: str, subject: str, owner: str | None, name: str) -> Beside:
    return Beside(UUID(id_), subject, UUID(owner) if owner else None, name)
