"""Bring conversations into a state: the one way in which their status, owner, team, inbox and tags change.

For one conversation or for hundreds it is the same handful of statements: lock, compare, write, put what changed on
the timeline, tell open pages. A state names only what it is about, and is plain JSON, so that what a conversation was
before can be kept and brought back the same way. Call inside `tenant(…)`.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, LiteralString, TypedDict
from uuid import UUID

from wasl.accounts.actor import Actor
from wasl.accounts.models import Agent
from wasl.channels.models import Inbox
from wasl.channels.queries import visible_inboxes_of
from wasl.conversations.models import Status
from wasl.kit.clock import now
from wasl.kit.db import Connection, raw
from wasl.kit.signal import Signal, send, wake
from wasl.timeline.actions import Touch, append


class State(TypedDict, total=False):
    """What of a conversation is meant; ids and times are text. `until` goes with `status`: null is until an answer."""

    status: str
    until: str | None
    assignee: str | None
    team: str | None
    inbox: str
    tags: dict[str, bool]


@dataclass(frozen=True, slots=True)
class Changed:
    """What a conversation was and what it is now, of what changed."""

    before: State
    after: State


@dataclass(slots=True)
class _Row:
    """A conversation that is held for the rest of the transaction."""

    id: UUID
    customer_id: UUID
    status: str
    until: datetime | None
    assignee: UUID | None
    team: UUID | None
    inbox: UUID
    tags: set[str] = field(default_factory=set)


_HOLD: LiteralString = """
SELECT id, customer_id, status, snoozed_until, assignee_id, team_id, inbox_id FROM conversations_conversation
WHERE workspace_id = %s AND id = ANY(%s::uuid[]) AND inbox_id = ANY(%s::uuid[]) AND merged_into_id IS NULL
ORDER BY id FOR UPDATE
"""
_TAGGED: LiteralString = """
SELECT conversation_id, tag_id FROM conversations_tagging
WHERE workspace_id = %s AND conversation_id = ANY(%s::uuid[]) AND tag_id = ANY(%s::uuid[])
"""
_WRITE: LiteralString = """
UPDATE conversations_conversation c
SET status = u.status, snoozed_until = u.until, assignee_id = u.assignee, team_id = u.team, inbox_id = u.inbox
FROM unnest(%s::uuid[], %s::text[], %s::timestamptz[], %s::uuid[], %s::uuid[], %s::uuid[])
  AS u(id, status, until, assignee, team, inbox)
WHERE c.workspace_id = %s AND c.id = u.id
"""
_WAKE: LiteralString = """
INSERT INTO conversations_waking (workspace_id, id, due_at)
SELECT %s, u.id, u.due FROM unnest(%s::uuid[], %s::timestamptz[]) AS u(id, due)
ON CONFLICT (workspace_id, id) DO UPDATE SET due_at = excluded.due_at
"""
_TAG: LiteralString = """
INSERT INTO conversations_tagging (workspace_id, id, tag_id, conversation_id, at)
SELECT %s, gen_random_uuid(), u.tag, u.conversation, %s FROM unnest(%s::uuid[], %s::uuid[]) AS u(conversation, tag)
ON CONFLICT DO NOTHING
"""
_UNTAG: LiteralString = """
DELETE FROM conversations_tagging t USING unnest(%s::uuid[], %s::uuid[]) AS u(conversation, tag)
WHERE t.workspace_id = %s AND t.conversation_id = u.conversation AND t.tag_id = u.tag
"""


def put(
    actor: Actor, wanted: Mapping[UUID, State], expected: Mapping[UUID, State] | None = None
) -> dict[UUID, Changed | None]:
    """Bring each conversation into the state wanted for it; None for those that were in it already.

    Those that the actor may not see, that were merged away, or that are not as they are expected to be, are not in
    the answer. Moving into an inbox of another channel changes nothing. A conversation is not given to
    an agent who may not see its inbox: then its owner stays, or nobody owns it when it has moved. Raises Forbidden.
    """
    actor.require_write()
    conn = raw()
    rows = _hold(conn, actor, wanted)
    if expected is not None:
        rows = [row for row in rows if _difference(row, expected[row.id]) is None]
    seeing, channels = _seeing(rows, wanted), _channels(wanted)
    changed: dict[UUID, Changed | None] = {}
    touches: list[Touch] = []
    touched: list[tuple[_Row, State]] = []
    signals: dict[UUID, list[_Row]] = {}
    at = now()
    for row in rows:
        state = _allowed(row, wanted[row.id], seeing, channels)
        found = _difference(row, state)
        changed[row.id] = found
        if found is None:
            continue
        for inbox in {row.inbox, UUID(found.after["inbox"]) if "inbox" in found.after else row.inbox}:
            signals.setdefault(inbox, []).append(row)
        touches += _touches(actor, row, found.after, at)
        touched.append((row, found.after))
    if touched:
        _write(conn, actor.workspace_id, touched, at)
        append(conn, actor.workspace_id, touches)
        send(conn, _signals(actor.workspace_id, signals))
    return changed


def who(actor: Actor) -> dict[str, str]:
    """Who did it, for the sealed detail of a touchpoint."""
    return {"agent": str(actor.agent_id)} if actor.agent_id else {"token": str(actor.token_id or "")}


def _hold(conn: Connection, actor: Actor, wanted: Mapping[UUID, State]) -> list[_Row]:
    workspace = actor.workspace_id
    rows = [_Row(*found) for found in conn.execute(_HOLD, [workspace, list(wanted), list(actor.inboxes)])]
    tags = list({UUID(tag) for state in wanted.values() for tag in state.get("tags", ())})
    if tags:
        by_id = {row.id: row for row in rows}
        for conversation, tag in conn.execute(_TAGGED, [workspace, list(by_id), tags]):
            by_id[conversation].tags.add(str(tag))
    return rows


def _seeing(rows: Iterable[_Row], wanted: Mapping[UUID, State]) -> dict[UUID, frozenset[UUID]]:
    """Which inboxes everybody concerned may see: those who are to have a conversation, and owners of what moves."""
    agents = {UUID(a) for state in wanted.values() if (a := state.get("assignee"))}
    agents |= {row.assignee for row in rows if row.assignee and "inbox" in wanted[row.id]}
    roles: dict[UUID | None, str] = dict(
        Agent.objects.filter(id__in=agents, is_active=True).values_list("id", "role")
    )
    return {agent: inboxes for agent, inboxes in visible_inboxes_of(roles).items() if agent} if roles else {}


def fits(channel: str, target: str) -> bool:
    """Whether a conversation of a channel can be answered from an inbox of another: by mail what began in a form."""
    return channel == target or (channel, target) == ("api", "email")


def _channels(wanted: Mapping[UUID, State]) -> dict[UUID, str]:
    """The channel of every inbox, when something is to move."""
    moving = any("inbox" in state for state in wanted.values())
    return dict(Inbox.objects.values_list("id", "channel")) if moving else {}


def _allowed(
    row: _Row, state: State, seeing: Mapping[UUID, frozenset[UUID]], channels: Mapping[UUID, str]
) -> State:
    """What of a wanted state may be."""
    if "inbox" in state and not fits(channels[row.inbox], channels[UUID(state["inbox"])]):
        rest = state.copy()
        del rest["inbox"]
        return rest
    if not state.keys() & {"assignee", "inbox"}:
        return state
    inbox = UUID(state["inbox"]) if "inbox" in state else row.inbox
    to = state.get("assignee", str(row.assignee) if row.assignee else None)
    if to is None or inbox in seeing.get(UUID(to), frozenset()):
        return state
    if "inbox" in state:
        return {**state, "assignee": None}
    rest = state.copy()
    del rest["assignee"]
    return rest


def _difference(row: _Row, state: State) -> Changed | None:
    """What the state changes; None for nothing."""
    snoozed = row.status == Status.SNOOZED and row.until is not None
    until = row.until.astimezone(UTC).isoformat() if row.until and snoozed else None
    before, after = State(), State()
    if "status" in state and (state["status"], state.get("until")) != (row.status, until):
        before |= {"status": row.status, "until": until}
        after |= {"status": state["status"], "until": state.get("until")}
    if "assignee" in state and state["assignee"] != _text(row.assignee):
        before["assignee"], after["assignee"] = _text(row.assignee), state["assignee"]
    if "team" in state and state["team"] != _text(row.team):
        before["team"], after["team"] = _text(row.team), state["team"]
    if "inbox" in state and state["inbox"] != str(row.inbox):
        before["inbox"], after["inbox"] = str(row.inbox), state["inbox"]
    tags = {tag: on for tag, on in state.get("tags", {}).items() if on != (tag in row.tags)}
    if tags:
        before["tags"], after["tags"] = {tag: not on for tag, on in tags.items()}, tags
    return Changed(before, after) if after else None


def _text(key: UUID | None) -> str | None:
    return str(key) if key else None


def _write(conn: Connection, workspace_id: UUID, touched: Sequence[tuple[_Row, State]], at: datetime) -> None:
    fresh = [_fresh(row, state) for row, state in touched]
    conn.execute(_WRITE, [*(list(column) for column in zip(*fresh, strict=True)), workspace_id])
    due = [(row[0], row[2]) for row in fresh if row[1] == Status.SNOOZED and row[2]]
    if due:
        conn.execute(_WAKE, [workspace_id, [d[0] for d in due], [d[1] for d in due]])
        wake(conn, "waking")
    tags = [(row.id, UUID(tag), on) for row, state in touched for tag, on in state.get("tags", {}).items()]
    if on := [tag for tag in tags if tag[2]]:
        conn.execute(_TAG, [workspace_id, at, [t[0] for t in on], [t[1] for t in on]])
    if off := [tag for tag in tags if not tag[2]]:
        conn.execute(_UNTAG, [[t[0] for t in off], [t[1] for t in off], workspace_id])


def _fresh(row: _Row, state: State) -> tuple[Any, ...]:
    status, until = row.status, row.until
    if "status" in state:
        text = state.get("until")
        status, until = state["status"], datetime.fromisoformat(text) if text else None
    return (
        row.id,
        status,
        until,
        _id(state["assignee"]) if "assignee" in state else row.assignee,
        _id(state["team"]) if "team" in state else row.team,
        UUID(state["inbox"]) if "inbox" in state else row.inbox,
    )


def _id(text: str | None) -> UUID | None:
    return UUID(text) if text else None


_TURNS = {
    Status.OPEN: "conversation.reopened",
    Status.PENDING: "conversation.pended",
    Status.SNOOZED: "conversation.snoozed",
    Status.RESOLVED: "conversation.resolved",
}


def _touches(actor: Actor, row: _Row, after: State, at: datetime) -> list[Touch]:
    by: dict[str, int | str] = {"by": actor.kind}
    said: list[tuple[str, dict[str, int | str], dict[str, str], UUID | None]] = []
    if "status" in after:
        turn, until = _TURNS[Status(after["status"])], after.get("until")
        more: dict[str, int | str] = (
            {"timed": int(until is not None)} if turn == "conversation.snoozed" else {}
        )
        said.append((turn, more, {"until": until} if until else {}, None))
    for kind, what in (("conversation.assigned", "assignee"), ("conversation.team", "team")):
        if what in after:
            to = after.get(what)
            facts: dict[str, int | str] = {"assigned": int(to is not None)}
            if what == "assignee":
                facts["self"] = int(to is not None and str(to) == str(actor.agent_id))
            said.append((kind, facts, {"to": str(to or "")}, None))
    if "inbox" in after:
        said.append(("conversation.moved", {}, {"from": str(row.inbox), "to": after["inbox"]}, None))
    for tag, on in after.get("tags", {}).items():
        said.append(("conversation.tagged" if on else "conversation.untagged", {}, {}, UUID(tag)))
    return [
        Touch(row.customer_id, kind, at, "", row.id, about, by | facts, who(actor) | detail)
        for kind, facts, detail, about in said
    ]


def _signals(workspace_id: UUID, concerned: Mapping[UUID, list[_Row]]) -> list[Signal]:
    return [
        Signal(
            "conversation",
            workspace_id,
            inbox,
            tuple(row.id for row in rows),
            tuple({row.customer_id: None for row in rows}),
        )
        for inbox, rows in concerned.items()
    ]
