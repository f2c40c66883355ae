"""Promised times of one customer that cannot both be kept, or of which one makes the other untrue.

What was promised is an answer by a time (`desk`) or a call between two times. They contradict when
`passed`: an answer was promised by a time that has gone by, and another time has been named since;
`times`: answers are promised by times that are an hour or more apart;
`late_call`: we are to call, and did not let the customer choose when, after the answer was promised;
`calls`: two calls are promised.
What the customer chose is an agreement and contradicts nothing. Call inside `tenant(…)`.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import combinations
from typing import LiteralString
from uuid import UUID

from wasl.accounts.actor import Actor
from wasl.calls import actions
from wasl.calls.actions import CannotCall
from wasl.conversations import actions as conversations
from wasl.desk.models import Promise
from wasl.kit.clock import now
from wasl.kit.db import raw

APART = timedelta(hours=1)
"""Times that are nearer to one another are the same to whoever waits: promises are rounded to hours."""
MOST = 20


@dataclass(frozen=True, slots=True)
class Word:
    """One promise that stands: `kind` is answer or call, `at` by when or from when."""

    kind: str
    id: UUID
    conversation_id: UUID
    subject: str
    at: datetime
    made_at: datetime
    asked_by: str


@dataclass(frozen=True, slots=True)
class Contradiction:
    """Two of them; the first is the one promised for earlier."""

    kind: str
    first: Word
    second: Word


_STANDING: LiteralString = """
SELECT x.kind, x.id, c.id, c.subject, x.at, x.made_at, x.asked_by FROM (
  SELECT 'answer' AS kind, p.id, p.conversation_id, p.due_at AS at, p.made_at, '' AS asked_by FROM desk_promise p
  WHERE p.workspace_id = %(workspace)s AND p.customer_id = ANY(%(family)s::uuid[])
    AND p.due_at IS NOT NULL AND p.answered_at IS NULL AND p.settled_at IS NULL
  UNION ALL
  SELECT 'call', b.id, b.conversation_id, b.due_at, b.asked_at, b.asked_by
  FROM conversations_conversation t
  JOIN calls_callback b ON b.workspace_id = t.workspace_id AND b.conversation_id = t.id
  WHERE t.workspace_id = %(workspace)s AND t.customer_id = ANY(%(family)s::uuid[]) AND b.state = 'waiting') x
JOIN conversations_conversation c ON c.workspace_id = %(workspace)s AND c.id = x.conversation_id
WHERE c.merged_into_id IS NULL AND c.status <> 'resolved' AND c.inbox_id = ANY(%(inboxes)s::uuid[])
ORDER BY x.at, x.id LIMIT %(most)s
"""


def standing(actor: Actor, family: Sequence[UUID]) -> list[Word]:
    """What these customers were promised and still wait for, in conversations the actor may see, the nearest first."""
    values = {
        "workspace": actor.workspace_id, "family": list(family), "inboxes": list(actor.inboxes), "most": MOST,
    }  # fmt: skip
    return [Word(*row) for row in raw().execute(_STANDING, values).fetchall()]


def contradictions(words: Sequence[Word], at: datetime) -> list[Contradiction]:
    """The first of each kind, the most pressing kind first; `words` in the order of their times. Pure."""
    found: dict[str, Contradiction] = {}
    for each in _every(words, at):
        found.setdefault(each.kind, each)
    return [found[kind] for kind in ("passed", "times", "late_call", "calls") if kind in found]


def _every(words: Sequence[Word], at: datetime) -> Iterator[Contradiction]:
    for first, second in combinations(words, 2):
        if kind := _kind(first, second, at):
            yield Contradiction(kind, first, second)


def _kind(first: Word, second: Word, at: datetime) -> str:
    if "customer" in (first.asked_by, second.asked_by) or second.at < at:
        return ""
    if first.kind == "call":
        return "calls" if second.kind == "call" and second.at - first.at >= APART else ""
    if first.at < at:
        return "passed" if second.made_at > first.made_at else ""
    if second.kind == "call":
        return "late_call" if second.at > first.at else ""
    return "times" if second.at - first.at >= APART else ""


def settle(actor: Actor, family: Sequence[UUID], kind: str, first: UUID, second: UUID) -> bool:
    """Resolve a contradiction: by the earlier of two times, by the newer time where the first has passed, by the call,
    or by calling once. False where it is none any more. Raises Forbidden, NotFound."""
    actor.require_write()
    found = next(
        (
            each
            for each in contradictions(standing(actor, family), now())
            if (each.kind, each.first.id, each.second.id) == (kind, first, second)
        ),
        None,
    )
    if found is None:
        return False
    if kind == "calls":
        return _once(actor, found)
    word, due = (found.second, found.first.at) if kind == "times" else (found.first, found.second.at)
    conversation = conversations.lock(actor, word.conversation_id)
    row = Promise.objects.select_for_update().get(id=word.id)
    if row.answered_at or row.settled_at:
        return False
    if kind == "times":
        row.due_at = due
    else:
        row.settled_at = now()
    row.save(update_fields=["due_at", "settled_at"])
    facts = {"due": int(due.timestamp()), "was": int(word.at.timestamp()), "by": actor.kind}
    conversations.record(
        actor, conversation, "promise.changed", facts, about_id=row.id, detail=conversations.who(actor)
    )
    return True


def _once(actor: Actor, found: Contradiction) -> bool:
    try:
        actions.cancel(actor, found.second.id)
    except CannotCall:
        return False
    return True
