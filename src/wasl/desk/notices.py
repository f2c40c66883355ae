"""What agents are told of: a note that names them, work given to them, customers who answered, answers that failed.

A follower of the timeline writes notices; an agent chooses for each kind whether the page shows it, a device rings, or
a letter tells of it later. A notice is gone once its conversation is opened.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import groupby
from operator import attrgetter
from typing import Any, Final, LiteralString, NamedTuple
from uuid import UUID

import msgspec
from django.db.models import Q, QuerySet

from wasl.accounts.actor import Actor
from wasl.conversations.history import brought_in
from wasl.desk.models import Due, Notice, Telling
from wasl.kit.clock import now
from wasl.kit.db import Connection, as_tenant, raw
from wasl.kit.ids import uuid7
from wasl.kit.signal import Signal, send, wake
from wasl.timeline.follow import Follower

MENTIONED, ASSIGNED, ANSWERED, FAILED, WOKEN, NEW = (
    "mentioned",
    "assigned",
    "answered",
    "failed",
    "woken",
    "new",
)
KINDS: Final = (MENTIONED, ASSIGNED, ANSWERED, FAILED, WOKEN, NEW)
PAGE, PUSH, MAIL = "page", "push", "mail"
WAYS: Final = (PAGE, PUSH, MAIL)
DEFAULT: Final[dict[str, frozenset[str]]] = {
    MENTIONED: frozenset(WAYS),
    ASSIGNED: frozenset(WAYS),
    ANSWERED: frozenset({PAGE, PUSH}),
    FAILED: frozenset({PAGE, MAIL}),
    WOKEN: frozenset({PAGE}),
    NEW: frozenset(),
}

PUSH_AFTER = timedelta(seconds=5)
"""A device rings after so long: whoever sits before the page has seen it by then."""

MAIL_AFTER = timedelta(minutes=15)
"""A digest gathers what was not seen for so long."""

TOO_LATE = timedelta(hours=6)
"""What a stopped worker reads so late is no news any more."""

SHOWN = 50
COUNTED = 100


class Row(NamedTuple):
    """What the follower needs of a touchpoint."""

    workspace_id: UUID
    occurred_at: datetime
    kind: str
    conversation_id: UUID | None
    about_id: UUID | None
    facts: dict[str, Any]


@dataclass(frozen=True, slots=True)
class _News:
    """Somebody is to be told something."""

    agent_id: UUID
    kind: str
    conversation_id: UUID
    at: datetime


def handle(conn: Connection, rows: list[Row]) -> None:
    """Write the notices of a batch, and have devices and letters tell of them."""
    fresh = [
        row for row in rows if row.conversation_id and row.occurred_at > now() - TOO_LATE and _speaks(row)
    ]
    fresh.sort(key=attrgetter("workspace_id"))
    for workspace_id, group in groupby(fresh, key=attrgetter("workspace_id")):
        with as_tenant(conn, workspace_id):
            _tell(conn, workspace_id, list(group))


def _speaks(row: Row) -> bool:
    if row.kind == "message.received":
        return row.facts.get("auto", "") in ("", "auto-generated")  # ticket systems mark what people wrote
    if row.kind == "conversation.assigned":
        return bool(row.facts.get("assigned")) and not row.facts.get("self")
    return row.kind in ("note.added", "delivery.failed", "conversation.woken")


FOLLOWER = Follower(name="desk.notices", handle=handle, row=Row)

_STANDING: LiteralString = """
SELECT c.id, c.inbox_id, c.assignee_id FROM conversations_conversation c
WHERE c.workspace_id = %b AND c.id = ANY(%b::uuid[])
"""
_MENTIONS: LiteralString = """
SELECT m.agent_id, m.message_id FROM conversations_mention m
WHERE m.workspace_id = %s AND m.message_id = ANY(%s::uuid[])
"""
# Who may see an inbox: see channels.queries.visible_inboxes.
_SIGHTED: LiteralString = """
SELECT i.id, a.id FROM channels_inbox i JOIN accounts_agent a ON a.workspace_id = i.workspace_id AND a.is_active
WHERE i.workspace_id = %(workspace)s AND i.id = ANY(%(inboxes)s::uuid[]) AND (
  a.role IN ('owner', 'admin')
  OR NOT EXISTS (SELECT FROM channels_inboxteam t WHERE t.workspace_id = i.workspace_id AND t.inbox_id = i.id)
  OR EXISTS (SELECT FROM channels_inboxteam t
             JOIN accounts_teammember m ON m.workspace_id = t.workspace_id AND m.team_id = t.team_id
             WHERE t.workspace_id = i.workspace_id AND t.inbox_id = i.id AND m.agent_id = a.id))
"""
_CURIOUS: LiteralString = """
SELECT id FROM desk_telling WHERE workspace_id = %s AND jsonb_array_length(coalesce(ways -> 'new', '[]'::jsonb)) > 0
"""
_WAYS: LiteralString = "SELECT id, ways FROM desk_telling WHERE workspace_id = %s AND id = ANY(%s::uuid[])"
_WRITE: LiteralString = """
INSERT INTO desk_notice (workspace_id, id, agent_id, kind, conversation_id, at, times)
SELECT %s, u.id, u.agent, u.kind, u.conversation, u.at, u.times
FROM unnest(%s::uuid[], %s::uuid[], %s::text[], %s::uuid[], %s::timestamptz[], %s::int4[])
  AS u(id, agent, kind, conversation, at, times)
ON CONFLICT (workspace_id, agent_id, kind, conversation_id) WHERE seen_at IS NULL
DO UPDATE SET at = greatest(desk_notice.at, EXCLUDED.at), times = desk_notice.times + EXCLUDED.times
"""
_DUE: LiteralString = """
INSERT INTO desk_due (workspace_id, id, push_at, mail_at)
SELECT %s, u.* FROM unnest(%s::uuid[], %s::timestamptz[], %s::timestamptz[]) AS u(id, push, mail)
ON CONFLICT (workspace_id, id) DO UPDATE
SET push_at = coalesce(desk_due.push_at, EXCLUDED.push_at), mail_at = coalesce(desk_due.mail_at, EXCLUDED.mail_at)
"""


def _tell(conn: Connection, workspace_id: UUID, rows: list[Row]) -> None:
    news = _news(conn, workspace_id, rows)
    ways = _ways_of(conn, workspace_id, {one.agent_id for one in news})
    wanted = [one for one in news if ways[one.agent_id][one.kind]]
    if not wanted:
        return
    gathered: dict[tuple[UUID, str, UUID], tuple[datetime, int]] = {}
    for one in wanted:
        key = (one.agent_id, one.kind, one.conversation_id)
        at, times = gathered.get(key, (one.at, 0))
        gathered[key] = (max(at, one.at), times + 1)
    # In one order, so that two workers that write for the same agents wait for each other and never in a circle.
    lines = [
        (uuid7(), *key, *value) for key, value in sorted(gathered.items(), key=lambda item: str(item[0]))
    ]
    conn.execute(_WRITE, [workspace_id, *(list(column) for column in zip(*lines, strict=True))])
    _make_due(conn, workspace_id, wanted, ways)
    agents = sorted({one.agent_id for one in wanted if PAGE in ways[one.agent_id][one.kind]})
    send(conn, [Signal("notice", workspace_id, agent=agent) for agent in agents])


def _news(conn: Connection, workspace_id: UUID, rows: list[Row]) -> list[_News]:
    received = [row.about_id for row in rows if row.kind == "message.received" and row.about_id]
    old = brought_in(conn, workspace_id, received)
    rows = [row for row in rows if row.about_id not in old]
    ids = list({row.conversation_id for row in rows})
    standing = {id_: (inbox, has) for id_, inbox, has in conn.execute(_STANDING, [workspace_id, ids])}
    named: dict[UUID, list[UUID]] = {}
    notes = [row.about_id for row in rows if row.kind == "note.added" and row.about_id]
    if notes:
        for agent, message in conn.execute(_MENTIONS, [workspace_id, notes]):
            named.setdefault(message, []).append(agent)
    inboxes = list({inbox for inbox, _ in standing.values()})
    sighted: dict[UUID, set[UUID]] = {}
    for inbox, agent in conn.execute(_SIGHTED, {"workspace": workspace_id, "inboxes": inboxes}):
        sighted.setdefault(inbox, set()).add(agent)
    curious = _curious(conn, workspace_id) if any(row.facts.get("opened") for row in rows) else frozenset()
    found = []
    for row in rows:
        inbox, assignee = standing.get(row.conversation_id, (None, None))
        seeing = sighted.get(inbox, set()) if inbox else set()
        kind, whom = _whom(row, assignee, named, curious)
        assert row.conversation_id
        found += [
            _News(agent, kind, row.conversation_id, row.occurred_at) for agent in whom if agent in seeing
        ]
    return found


def _whom(
    row: Row, assignee: UUID | None, named: dict[UUID, list[UUID]], curious: frozenset[UUID]
) -> tuple[str, Iterable[UUID]]:
    """The kind of news, and who is to hear it."""
    theirs = [assignee] if assignee else []
    if row.kind == "note.added":
        return MENTIONED, named.get(row.about_id, []) if row.about_id else []
    if row.kind == "conversation.assigned":
        return ASSIGNED, theirs
    if row.kind == "delivery.failed":
        return FAILED, theirs
    if row.kind == "conversation.woken":
        return WOKEN, theirs
    if row.facts.get("opened"):
        return NEW, sorted(curious)
    return ANSWERED, theirs


def _curious(conn: Connection, workspace_id: UUID) -> frozenset[UUID]:
    """Those who chose to be told of every new conversation: for most workspaces nobody."""
    return frozenset(id_ for (id_,) in conn.execute(_CURIOUS, [workspace_id]))


def _ways_of(
    conn: Connection, workspace_id: UUID, agents: set[UUID]
) -> dict[UUID, dict[str, frozenset[str]]]:
    chosen: dict[UUID, dict[str, Any]] = (
        dict(conn.execute(_WAYS, [workspace_id, list(agents)]).fetchall()) if agents else {}
    )
    return {agent: complete(chosen.get(agent, {})) for agent in agents}


def complete(chosen: dict[str, Any]) -> dict[str, frozenset[str]]:
    """An agent's choices with the usual ones where they chose nothing."""
    return {
        kind: frozenset(WAYS) & frozenset(chosen[kind]) if kind in chosen else DEFAULT[kind] for kind in KINDS
    }


def _make_due(
    conn: Connection,
    workspace_id: UUID,
    news: Sequence[_News],
    ways: dict[UUID, dict[str, frozenset[str]]],
) -> None:
    at = now()
    due: dict[UUID, tuple[datetime | None, datetime | None]] = {}
    for one in news:
        push, mail = due.get(one.agent_id, (None, None))
        if PUSH in ways[one.agent_id][one.kind]:
            push = at + PUSH_AFTER
        if MAIL in ways[one.agent_id][one.kind]:
            mail = at + MAIL_AFTER
        due[one.agent_id] = (push, mail)
    lines = [(agent, *times) for agent, times in sorted(due.items()) if any(times)]
    if lines:
        conn.execute(_DUE, [workspace_id, *(list(column) for column in zip(*lines, strict=True))])
        wake(conn, "notices")


def choices(actor: Actor) -> dict[str, frozenset[str]]:
    """How the actor wants to be told, for every kind."""
    row = Telling.objects.filter(id=actor.agent_id).first() if actor.agent_id else None
    return complete(row.ways if row else {})


def choose(actor: Actor, ways: dict[str, Sequence[str]]) -> None:
    """Remember how the actor wants to be told; what is none of ours is left out."""
    if actor.agent_id is None:
        return
    kept = {kind: sorted(frozenset(WAYS) & frozenset(ways.get(kind, ()))) for kind in KINDS}
    Telling.objects.update_or_create(
        id=actor.agent_id, workspace_id=actor.workspace_id, defaults={"ways": kept}
    )


def unseen(actor: Actor) -> int:
    """How many notices wait for the actor on the page, up to 100, in one statement: every page shows it."""
    if actor.agent_id is None:
        return 0
    values = {"workspace": actor.workspace_id, "agent": actor.agent_id, "inboxes": list(actor.inboxes)}
    rows = raw().execute(_UNSEEN, {**values, "kinds": list(KINDS), "most": COUNTED}).fetchall()
    told = complete(msgspec.json.decode(rows[0][2] or "{}"))
    found: int = sum(count for kind, count, _ in rows if PAGE in told[kind])
    return min(COUNTED, found)


_UNSEEN: LiteralString = """
SELECT k.kind, (
  SELECT count(*) FROM (
    SELECT FROM desk_notice n
    JOIN conversations_conversation c ON c.workspace_id = n.workspace_id AND c.id = n.conversation_id
    WHERE n.workspace_id = %(workspace)s AND n.agent_id = %(agent)s AND n.kind = k.kind AND n.seen_at IS NULL
      AND c.inbox_id = ANY(%(inboxes)s::uuid[]) LIMIT %(most)s
  ) AS found
), (SELECT ways::text FROM desk_telling t WHERE t.workspace_id = %(workspace)s AND t.id = %(agent)s)
FROM unnest(%(kinds)s::text[]) AS k (kind)
"""


def latest(
    actor: Actor, before: tuple[datetime, UUID] | None = None, limit: int = SHOWN
) -> tuple[list[Notice], tuple[datetime, UUID] | None]:
    """The actor's notices, newest first, with their `conversation`, and where the next page begins."""
    found = _shown_to(actor).select_related("conversation__customer__root")
    if before:
        found = found.filter(Q(at__lt=before[0]) | Q(at=before[0], id__lt=before[1]))
    rows = list(found.order_by("-at", "-id")[: limit + 1])
    return rows[:limit], (rows[limit - 1].at, rows[limit - 1].id) if len(rows) > limit else None


def _shown_to(actor: Actor) -> QuerySet[Notice]:
    """Of what the actor may see now, the kinds that the page tells them of."""
    kinds = [kind for kind, ways in choices(actor).items() if PAGE in ways]
    return Notice.objects.filter(
        agent_id=actor.agent_id or UUID(int=0), kind__in=kinds, conversation__inbox_id__in=actor.inboxes
    )


def see(actor: Actor, conversation_id: UUID | None = None) -> None:
    """The actor has seen what there is about a conversation, or about everything."""
    if actor.agent_id is None:
        return
    found = Notice.objects.filter(agent_id=actor.agent_id, seen_at=None)
    if conversation_id:
        found = found.filter(conversation_id=conversation_id)
    if found.update(seen_at=now()):
        if not Notice.objects.filter(agent_id=actor.agent_id, seen_at=None).exists():
            Due.objects.filter(id=actor.agent_id).delete()
        send(raw(), [Signal("notice", actor.workspace_id, agent=actor.agent_id)])
