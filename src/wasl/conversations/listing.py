"""The list as pages show it, asked in one statement: every open page reads it again at every change.

The same rows in the same order as `queries.conversations`, at a fifth of the work. Call inside `tenant(…)`.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, LiteralString
from uuid import UUID

from wasl.accounts.actor import Actor
from wasl.conversations.filters import Filter, conditions
from wasl.conversations.queries import COUNTED, PAGE, Page
from wasl.conversations.wordless import OF_LAST
from wasl.kit.db import raw

TAGS = 3
"""Tags that a row names."""


@dataclass(frozen=True, slots=True)
class Brief:
    """A conversation in a list: with the customer it is with now, and who has it ('' for nobody)."""

    id: UUID
    inbox_id: UUID
    subject: str
    last_at: datetime
    last_way: str
    preview: str
    trouble: str
    status: str
    snoozed_until: datetime | None
    customer_id: UUID
    customer: str
    assignee: str
    team: str
    tags: list[str]
    unread: bool
    begun: bool
    """Whether the actor has a draft there."""
    wordless: str
    """What the last message is where it has no words: see `wordless`."""


# OFFSET 0: a conversation's few tags are looked up, and not every tag of the workspace for each row.
_SHOWN: LiteralString = f"""
SELECT c.id, c.inbox_id, c.subject, c.last_at, c.last_way, c.preview, c.trouble, c.status, c.snoozed_until,
  r.id, r.name, coalesce(a.name, ''), coalesce(t.name, ''),
  ARRAY(
    SELECT y.name FROM conversations_tagging g CROSS JOIN LATERAL (
      SELECT y.name, y.folded FROM conversations_tag y
      WHERE y.workspace_id = g.workspace_id AND y.id = g.tag_id OFFSET 0
    ) y WHERE g.workspace_id = c.workspace_id AND g.conversation_id = c.id ORDER BY y.folded LIMIT %s
  ),
  c.last_way = 'in' AND c.last_in_at IS NOT NULL AND NOT EXISTS (
    SELECT FROM conversations_seen s WHERE s.workspace_id = c.workspace_id AND s.agent_id = %s
      AND s.conversation_id = c.id AND s.at >= c.last_in_at
  ),
  EXISTS (
    SELECT FROM conversations_draft d
    WHERE d.workspace_id = c.workspace_id AND d.agent_id = %s AND d.conversation_id = c.id
  ),
  {OF_LAST}
FROM page c
JOIN customers_customer k ON k.workspace_id = c.workspace_id AND k.id = c.customer_id
JOIN customers_customer r ON r.workspace_id = c.workspace_id AND r.id = k.root_id
LEFT JOIN accounts_agent a ON a.workspace_id = c.workspace_id AND a.id = c.assignee_id
LEFT JOIN accounts_team t ON t.workspace_id = c.workspace_id AND t.id = c.team_id
ORDER BY c.last_at DESC, c.id DESC
"""


def page(
    actor: Actor,
    where: Filter = Filter(),  # noqa: B008 - frozen
    before: tuple[datetime, UUID] | None = None,
    limit: int = PAGE,
) -> Page[Brief]:
    """A page of the list, latest first."""
    query, values = statement(actor, where, before, limit + 1)
    rows = [Brief(*row) for row in raw().execute(query, values)]
    after = (rows[limit - 1].last_at, rows[limit - 1].id) if len(rows) > limit else None
    return Page(rows[:limit], after)


def statement(
    actor: Actor, where: Filter, before: tuple[datetime, UUID] | None, limit: int
) -> tuple[LiteralString, list[Any]]:
    """The whole page's SQL and its values; the test of its plan asks for it too."""
    among, values = conditions(actor, where)
    older: LiteralString = " AND (c.last_at, c.id) < (%s, %s)" if before else ""
    query: LiteralString = (
        f"WITH page AS (SELECT c.* {among}{older} ORDER BY c.last_at DESC, c.id DESC LIMIT %s) {_SHOWN}"
    )
    return query, [*values, *(before or ()), limit, TAGS, actor.agent_id, actor.agent_id]


def counts(actor: Actor, filters: Sequence[Filter]) -> list[int]:
    """How many conversations each filter finds, up to 1,000, in one statement."""
    if not filters:
        return []
    query, values = counting(actor, filters)
    return list(raw().execute(query, values).fetchone() or ())


def counting(actor: Actor, filters: Sequence[Filter]) -> tuple[LiteralString, list[Any]]:
    """The SQL and its values."""
    parts: list[LiteralString] = []
    values: list[Any] = []
    for where in filters:
        among, found = conditions(actor, where)
        parts.append(f"(SELECT count(*) FROM (SELECT {among} LIMIT %s) AS found)")
        values += [*found, COUNTED]
    return "SELECT " + ", ".join(parts), values


def count(actor: Actor, where: Filter) -> int:
    """How many conversations a filter finds, up to 1,000."""
    return counts(actor, [where])[0]


def ids(actor: Actor, where: Filter, limit: int) -> list[UUID]:
    """The latest conversations of a filter, by id only."""
    among, values = conditions(actor, where)
    query: LiteralString = f"SELECT c.id {among} ORDER BY c.last_at DESC, c.id DESC LIMIT %s"
    return [row[0] for row in raw().execute(query, [*values, limit])]
