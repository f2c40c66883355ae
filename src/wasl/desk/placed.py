"""Who is best placed to step in where people, programs or promises get in one another's way.

The rule, in this order: whoever is on duty before whoever is not (a telephone that is on, or something done in Wasl
within half an hour); whoever has this conversation or another open one of the customer's; whoever answered the customer
most in the last ninety days; whoever has the fewest open conversations; by name.
"""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import LiteralString
from uuid import UUID

from wasl.accounts.actor import Actor
from wasl.conversations.queries import colleagues
from wasl.kit.clock import now
from wasl.kit.db import raw

LATELY = timedelta(minutes=30)
KNOWN = timedelta(days=90)
MOST = 200
"""Open conversations that are counted."""


@dataclass(frozen=True, slots=True)
class Placed:
    """An agent, and what speaks for them."""

    id: UUID
    name: str
    on_duty: bool
    has_it: bool
    answers: int
    open: int


_RANKED: LiteralString = """
WITH talks AS MATERIALIZED (
  SELECT c.id, c.assignee_id, c.status FROM conversations_conversation c
  WHERE c.workspace_id = %(workspace)s AND c.customer_id = ANY(%(family)s::uuid[]) AND c.merged_into_id IS NULL
  ORDER BY c.last_at DESC LIMIT 20
), answered AS MATERIALIZED (
  SELECT m.author_id, count(*) AS answers FROM talks
  JOIN conversations_message m ON m.workspace_id = %(workspace)s AND m.conversation_id = talks.id
  WHERE m.way = 'out' AND m.author_id IS NOT NULL AND m.at > %(known)s GROUP BY 1
)
SELECT a.id, a.name,
  a.id = ANY(%(duty)s::uuid[]) OR EXISTS (
    SELECT FROM accounts_access x WHERE x.workspace_id = a.workspace_id AND x.agent_id = a.id AND x.at > %(lately)s),
  EXISTS (SELECT FROM talks WHERE talks.assignee_id = a.id AND talks.status <> 'resolved'),
  coalesce((SELECT answers FROM answered WHERE author_id = a.id), 0),
  (SELECT count(*) FROM (
    SELECT FROM conversations_conversation c WHERE c.workspace_id = a.workspace_id AND c.assignee_id = a.id
      AND c.status = 'open' AND c.merged_into_id IS NULL LIMIT %(most)s) o)
FROM accounts_agent a
WHERE a.workspace_id = %(workspace)s AND a.id = ANY(%(agents)s::uuid[]) AND a.role <> 'readonly'
ORDER BY 3 DESC, 4 DESC, 5 DESC, 6, a.name, a.id
LIMIT 1
"""


def best(
    actor: Actor, inbox_id: UUID, family: Sequence[UUID], on_duty: Collection[UUID] = ()
) -> Placed | None:
    """Who is best placed for a customer in an inbox; `on_duty` are those known to be from elsewhere."""
    at = now()
    values = {
        "workspace": actor.workspace_id, "family": list(family), "duty": list(on_duty), "most": MOST,
        "agents": [each.id for each in colleagues(actor, inbox_id)], "known": at - KNOWN, "lately": at - LATELY,
    }  # fmt: skip
    row = raw().execute(_RANKED, values).fetchone()
    return Placed(*row) if row else None
