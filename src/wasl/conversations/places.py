"""The places of an actor's rail, each with how much it holds, asked in one statement: every page shows them.

Call inside `tenant(…)`.
"""

from dataclasses import dataclass
from typing import Any, LiteralString, NamedTuple
from uuid import UUID

import msgspec

from wasl.accounts.actor import Actor
from wasl.conversations.queries import COUNTED
from wasl.kit.clock import now
from wasl.kit.db import raw

MOST = 200
"""Inboxes, and teams, that a rail names."""


class Inbox(NamedTuple):
    """An inbox the actor may see, and its open conversations."""

    id: UUID
    name: str
    channel: str
    address: str
    open: int


class Team(NamedTuple):
    """A team of the actor's, and its open conversations."""

    id: UUID
    name: str
    open: int


@dataclass(frozen=True, slots=True)
class Places:
    """Open conversations by view, inbox and team of the actor's; those put off; those that name the actor and were not
    looked at since. Each up to 1,000; inboxes and teams by name."""

    mine: int
    unassigned: int
    mentioned: int
    all: int
    snoozed: int
    inboxes: list[Inbox]
    teams: list[Team]
    callbacks: int = 0
    """Customers who wait for a call that is due."""


# What is counted stands in the indexes, inbox included, so that no row is looked up: 26,000 of them took 150 ms, where
# the table is larger than the memory of the server.
_PLACES: LiteralString = """
WITH seen AS NOT MATERIALIZED (
  SELECT id, inbox_id, assignee_id, team_id, status FROM conversations_conversation
  WHERE workspace_id = %(workspace)s AND inbox_id = ANY(%(inboxes)s::uuid[]) AND merged_into_id IS NULL
), opened AS NOT MATERIALIZED (
  SELECT * FROM seen WHERE status = 'open'
), inboxes AS (
  SELECT id, name, channel, address FROM channels_inbox
  WHERE workspace_id = %(workspace)s AND id = ANY(%(inboxes)s::uuid[]) ORDER BY name, id LIMIT %(places)s
), teams AS (
  SELECT t.id, t.name FROM accounts_team t
  JOIN accounts_teammember m ON m.workspace_id = t.workspace_id AND m.team_id = t.id
  WHERE t.workspace_id = %(workspace)s AND m.agent_id = %(agent)s ORDER BY t.name, t.id LIMIT %(places)s
)
SELECT (SELECT count(*) FROM (SELECT FROM opened WHERE assignee_id = %(agent)s LIMIT %(most)s) AS mine),
       (SELECT count(*) FROM (SELECT FROM opened WHERE assignee_id IS NULL LIMIT %(most)s) AS nobodys),
       (SELECT count(*) FROM (SELECT FROM seen o WHERE EXISTS (
          SELECT FROM conversations_mention m WHERE m.workspace_id = %(workspace)s AND m.agent_id = %(agent)s
            AND m.seen_at IS NULL AND m.conversation_id = o.id) LIMIT %(most)s) AS named),
       (SELECT count(*) FROM (SELECT FROM opened LIMIT %(most)s) AS every),
       (SELECT count(*) FROM (SELECT FROM seen WHERE status = 'snoozed' LIMIT %(most)s) AS later),
       (SELECT coalesce(json_agg(json_build_array(i.id, i.name, i.channel, i.address,
          (SELECT count(*) FROM (SELECT FROM opened o WHERE o.inbox_id = i.id LIMIT %(most)s) AS there))
          ORDER BY i.name, i.id), '[]')::text FROM inboxes i),
       (SELECT coalesce(json_agg(json_build_array(t.id, t.name,
          (SELECT count(*) FROM (SELECT FROM opened o WHERE o.team_id = t.id LIMIT %(most)s) AS theirs))
          ORDER BY t.name, t.id), '[]')::text FROM teams t),
       (SELECT count(*) FROM (SELECT FROM calls_callback b
          JOIN conversations_conversation c ON c.workspace_id = b.workspace_id AND c.id = b.conversation_id
          WHERE b.workspace_id = %(workspace)s AND b.state = 'waiting' AND b.due_at <= %(now)s
            AND c.inbox_id = ANY(%(inboxes)s::uuid[]) LIMIT %(most)s) AS calls)
"""
# The last one counts in a table of an upper room: every page shows it, and a statement of its own would cost them all.


def places(actor: Actor) -> Places:
    """Where the actor finds conversations."""
    query, values = statement(actor)
    row = raw().execute(query, values).fetchone()
    assert row
    inboxes = msgspec.json.decode(row[5], type=list[Inbox])
    teams = msgspec.json.decode(row[6], type=list[Team])
    return Places(row[0], row[1], row[2], row[3], row[4], inboxes, teams, row[7])


def statement(actor: Actor) -> tuple[LiteralString, dict[str, Any]]:
    """The SQL and its values."""
    return _PLACES, {
        "workspace": actor.workspace_id,
        "inboxes": list(actor.inboxes),
        "agent": actor.agent_id,
        "places": MOST,
        "most": COUNTED,
        "now": now(),
    }
