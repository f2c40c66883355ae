"""Say that two customers are one, and take it back.

A merge points the one at the other and moves nothing: every message, conversation and touchpoint stays with the
customer whose identity it came through. So taking it back has nothing to move either. A customer is pointed at by
its root: the statement "B is A" hangs the family of B under A, and taking it back lets exactly that family go again,
whatever was merged or unmerged around it meanwhile.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import LiteralString
from uuid import UUID

from wasl.accounts.actor import Actor, NotFound
from wasl.customers.resolve import lock_customers, lock_identities
from wasl.kit.clock import now
from wasl.kit.db import Connection, raw, tenant
from wasl.kit.ids import uuid7
from wasl.kit.signal import Signal, send
from wasl.timeline.actions import Touch, append


class CannotMerge(Exception):
    """Why it cannot be done: already_one, already_undone."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


@dataclass(frozen=True, slots=True)
class Shared:
    """A conversation in which both customers wrote. It stays where it is; each message still says who wrote it.

    `received` and `sent` are the messages of the merged time, of both, and the answers to them.
    """

    conversation_id: UUID
    received: tuple[UUID, ...]
    sent: tuple[UUID, ...]


@dataclass(frozen=True, slots=True)
class UnmergeReport:
    """What taking a merge back did. `kept_id` and `merged_id` are two again.

    `followed`: touchpoints of the merged time that went with the customer whose identity they came through.
    `shared`: what could belong to either and was left where it is, for a person to look at.
    """

    merge_id: UUID
    kept_id: UUID
    merged_id: UUID
    followed: int
    shared: tuple[Shared, ...]


# Merges of a workspace come one after the other: so roots stand still while both families are being locked.
_LOCK_MERGES: LiteralString = "SELECT pg_advisory_xact_lock(uuid_hash_extended(%s, 3))"
_ROOTS: LiteralString = """
SELECT id, root_id FROM customers_customer WHERE workspace_id = %s AND id = ANY(%s::uuid[])
"""
_IDENTITIES: LiteralString = """
SELECT i.channel, i.address FROM customers_identity i
JOIN customers_customer c ON c.workspace_id = i.workspace_id AND c.id = i.customer_id
WHERE c.workspace_id = %s AND c.root_id = ANY(%s::uuid[])
"""
_HANG: LiteralString = """
UPDATE customers_customer SET merged_into_id = CASE WHEN id = %(merged)s THEN %(kept)s::uuid ELSE merged_into_id END,
                              root_id = %(root)s
WHERE workspace_id = %(workspace)s AND root_id = %(merged)s
"""
_RECORD: LiteralString = """
INSERT INTO customers_merge (workspace_id, id, kept_id, merged_id, at, by_agent_id) VALUES (%s, %s, %s, %s, %s, %s)
"""


def merge(actor: Actor, kept_id: UUID, merged_id: UUID) -> UUID:
    """Say that `merged_id` (and everybody who is one with it) is `kept_id`; returns the id of the merge.

    Raises Forbidden, NotFound, and CannotMerge("already_one").
    """
    actor.require_write()
    with tenant(actor.workspace_id):
        return join(raw(), actor.workspace_id, kept_id, merged_id, actor.kind, actor.agent_id)


def join(
    conn: Connection,
    workspace_id: UUID,
    kept_id: UUID,
    merged_id: UUID,
    by: str = "system",
    agent_id: UUID | None = None,
) -> UUID:
    """The same inside a transaction of the workspace, whoever says so. Raises NotFound, CannotMerge("already_one")."""
    conn.execute(_LOCK_MERGES, [workspace_id])
    roots = _roots(conn, workspace_id, [kept_id, merged_id])
    root, moving = roots[kept_id], roots[merged_id]
    if root == moving:
        raise CannotMerge("already_one")
    _lock_families(conn, workspace_id, [root, moving])
    values = {"workspace": workspace_id, "merged": moving, "kept": kept_id, "root": root}
    conn.execute(_HANG, values)
    merge_id, at = uuid7(), now()
    conn.execute(_RECORD, [workspace_id, merge_id, kept_id, moving, at, agent_id])
    said = {"kept": str(kept_id), "merged": str(moving), **_who(agent_id)}
    touch = Touch(moving, "customer.merged", at, about_id=merge_id, facts={"by": by}, detail=said)
    append(conn, workspace_id, [touch])
    send(conn, [Signal("customer", workspace_id, customers=(root, moving))])
    return merge_id


def _who(agent_id: UUID | None) -> dict[str, str]:
    return {"agent": str(agent_id)} if agent_id else {}


_MERGE: LiteralString = """
SELECT kept_id, merged_id, at, undone_at FROM customers_merge WHERE workspace_id = %s AND id = %s
"""
_LET_GO: LiteralString = """
WITH RECURSIVE family AS (
  SELECT id FROM customers_customer WHERE workspace_id = %(workspace)s AND id = %(merged)s
  UNION ALL
  SELECT c.id FROM customers_customer c JOIN family f ON c.merged_into_id = f.id
  WHERE c.workspace_id = %(workspace)s AND c.root_id = %(root)s
)
UPDATE customers_customer c
SET merged_into_id = CASE WHEN c.id = %(merged)s THEN NULL ELSE merged_into_id END, root_id = %(merged)s
FROM family f WHERE c.workspace_id = %(workspace)s AND c.id = f.id RETURNING c.id
"""
_UNDONE: LiteralString = """
UPDATE customers_merge SET undone_at = %s, undone_by_agent_id = %s WHERE workspace_id = %s AND id = %s
"""


# Who was made two again by a person is not suggested again, unless something new is learnt of them.
_REFUSE: LiteralString = """
UPDATE customers_suggestion SET answer = 'refused', answered_at = %s, answered_by_id = %s
WHERE workspace_id = %s AND merge_id = %s
"""


def unmerge(actor: Actor, merge_id: UUID) -> UnmergeReport:
    """Take a merge back. Merges may be taken back in any order.

    When nothing happened since, the customers are again what they were, byte for byte. What came later is with the
    customer whose identity it came through; what could be either's is listed in the report.
    Raises Forbidden, NotFound, and CannotMerge("already_undone").
    """
    actor.require_write()
    with tenant(actor.workspace_id):
        report = part(raw(), actor.workspace_id, merge_id, actor.kind, actor.agent_id)
        raw().execute(_REFUSE, [now(), actor.agent_id, actor.workspace_id, merge_id])
    return report


def part(
    conn: Connection, workspace_id: UUID, merge_id: UUID, by: str = "system", agent_id: UUID | None = None
) -> UnmergeReport:
    """The same inside a transaction of the workspace, whoever does it. Raises NotFound,
    CannotMerge("already_undone")."""
    conn.execute(_LOCK_MERGES, [workspace_id])
    found = conn.execute(_MERGE, [workspace_id, merge_id]).fetchone()
    if found is None:
        raise NotFound
    kept, merged, since, undone = found
    if undone:
        raise CannotMerge("already_undone")
    root = _roots(conn, workspace_id, [merged])[merged]
    _lock_families(conn, workspace_id, [root, merged])
    values = {"workspace": workspace_id, "merged": merged, "root": root}
    leaving = [row[0] for row in conn.execute(_LET_GO, values)]
    at = now()
    conn.execute(_UNDONE, [at, agent_id, workspace_id, merge_id])
    followed, shared = _since(conn, workspace_id, since, leaving, root)
    ids = [str(each.conversation_id) for each in shared]
    said = {"kept": str(kept), "merged": str(merged), "shared": ids, **_who(agent_id)}
    touch = Touch(merged, "customer.unmerged", at, about_id=merge_id, facts={"by": by}, detail=said)
    append(conn, workspace_id, [touch])
    send(conn, [Signal("customer", workspace_id, customers=(root, merged))])
    return UnmergeReport(merge_id, kept, merged, followed, shared)


def _roots(conn: Connection, workspace_id: UUID, customer_ids: list[UUID]) -> dict[UUID, UUID]:
    roots: dict[UUID, UUID] = dict(conn.execute(_ROOTS, [workspace_id, customer_ids]).fetchall())
    if roots.keys() != set(customer_ids):
        raise NotFound
    return roots


def _lock_families(conn: Connection, workspace_id: UUID, roots: Iterable[UUID]) -> None:
    """Nobody understands a message of these families meanwhile: the locks and their order are those of intake."""
    families = list(roots)
    identities = conn.execute(_IDENTITIES, [workspace_id, families]).fetchall()
    lock_identities(conn, workspace_id, [(row[0], row[1]) for row in identities])
    lock_customers(conn, workspace_id, families)


_FOLLOWED: LiteralString = """
SELECT count(*) FROM timeline_touchpoint
WHERE workspace_id = %s AND customer_id = ANY(%s::uuid[]) AND recorded_at >= %s AND kind NOT LIKE 'customer.%%'
"""
# The timeline knows who took part; where that lies by now (conversations are merged and split too) the messages know.
_SHARED: LiteralString = """
WITH sides AS (
  SELECT id, id = ANY(%(leaving)s::uuid[]) AS leaving FROM customers_customer
  WHERE workspace_id = %(workspace)s AND (root_id = %(root)s OR id = ANY(%(leaving)s::uuid[]))
), told AS (
  SELECT t.id, t.kind, t.about_id, t.kind LIKE 'message.%%' AS said, t.recorded_at >= %(since)s AS later, s.leaving,
         COALESCE(m.conversation_id, c.merged_into_id, t.conversation_id) AS place
  FROM sides s
  JOIN timeline_touchpoint t ON t.workspace_id = %(workspace)s AND t.customer_id = s.id
  LEFT JOIN conversations_conversation c ON c.workspace_id = t.workspace_id AND c.id = t.conversation_id
  LEFT JOIN conversations_message m ON m.workspace_id = t.workspace_id AND m.id = t.about_id
  WHERE t.conversation_id IS NOT NULL AND (t.kind LIKE 'message.%%' OR t.kind = 'conversation.merged')
)
SELECT place, array_agg(about_id ORDER BY id) FILTER (WHERE kind = 'message.received' AND later),
       array_agg(about_id ORDER BY id) FILTER (WHERE kind = 'message.sent' AND later)
FROM told GROUP BY place
HAVING bool_or(later) AND bool_or(leaving) FILTER (WHERE said) AND NOT bool_and(leaving) FILTER (WHERE said)
ORDER BY place
"""


def _since(
    conn: Connection, workspace_id: UUID, since: datetime, leaving: list[UUID], root: UUID
) -> tuple[int, tuple[Shared, ...]]:
    """What happened while the two were one: how much follows those who leave, and what they share."""
    counted = conn.execute(_FOLLOWED, [workspace_id, leaving, since]).fetchone()
    values = {"workspace": workspace_id, "leaving": leaving, "root": root, "since": since}
    shared = tuple(
        Shared(conversation, tuple(received or ()), tuple(sent or ()))
        for conversation, received, sent in conn.execute(_SHARED, values)
    )
    return (counted[0] if counted else 0), shared
