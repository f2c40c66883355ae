"""The rows behind the connections that channels keep by themselves: who may listen for an inbox, and what is wrong.

A worker holds an inbox under a token for as long as it lives and renews it; what it writes afterwards touches no row.
All as the queue role, which is told which inboxes there are and reads their settings in their own workspace.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, LiteralString, NamedTuple
from uuid import UUID

from wasl.channels.base import Reason
from wasl.intake.store import Raw, store_in
from wasl.kit import alive, pausing
from wasl.kit.clock import now
from wasl.kit.db import Connection, as_tenant
from wasl.kit.signal import wake

HOLD = timedelta(seconds=20)
"""How long an inbox is held by a worker that says nothing more, unless it is known to be dead."""

SOON = timedelta(seconds=5)
LATEST = timedelta(minutes=15)
PATIENT = timedelta(minutes=5)
PATIENT_LATEST = timedelta(hours=6)

FOR_PEOPLE = frozenset(
    {Reason.SIGN_IN, Reason.ACCOUNT, Reason.ADDRESS_UNKNOWN, Reason.INSECURE, Reason.BAD_MESSAGE}
)
"""What a person has to mend: trying often helps nobody, and may get the account locked."""


class Lost(Exception):
    """The inbox is not ours any more: its settings changed, or another worker took it."""


class Key(NamedTuple):
    """An inbox."""

    workspace_id: UUID
    id: UUID


@dataclass(frozen=True, slots=True)
class Wanted:
    """An inbox that is in use, on a channel that can listen; `mark` is another when its settings are."""

    key: Key
    channel: str
    mark: str


@dataclass(frozen=True, slots=True)
class Held:
    """An inbox that this worker holds."""

    wanted: Wanted
    token: UUID


_NOBODYS: LiteralString = f"(l.held_until IS NULL OR l.held_until < %(now)s OR {alive.gone('l.held_by')})"
_WANTED: LiteralString = "SELECT workspace_id, inbox_id, channel, mark FROM wasl_listening(%s)"
_FREE: LiteralString = f"""
SELECT w.workspace_id, w.id FROM unnest(%(workspaces)s::uuid[], %(ids)s::uuid[], %(marks)s::text[])
  AS w (workspace_id, id, mark)
LEFT JOIN intake_listening l ON l.workspace_id = w.workspace_id AND l.id = w.id
WHERE l.id IS NULL
  OR {_NOBODYS} AND (l.due_at <= %(now)s OR l.mark <> w.mark)
ORDER BY l.due_at NULLS FIRST LIMIT %(limit)s
"""
# Whoever comes second finds the row held and gets nothing. Other settings begin anew.
_TAKE: LiteralString = f"""
INSERT INTO intake_listening AS l
  (workspace_id, id, held_by, held_until, due_at, mark, failures, problem, detail, taken)
SELECT u.*, 0, '', '', 0
FROM unnest(%(workspaces)s::uuid[], %(ids)s::uuid[], %(tokens)s::uuid[], %(untils)s::timestamptz[],
  %(dues)s::timestamptz[], %(marks)s::text[]) AS u (workspace_id, id, held_by, held_until, due_at, mark)
ON CONFLICT (workspace_id, id) DO UPDATE SET held_by = excluded.held_by, held_until = excluded.held_until,
  failures = CASE WHEN l.mark = excluded.mark THEN l.failures ELSE 0 END,
  problem = CASE WHEN l.mark = excluded.mark THEN l.problem ELSE '' END,
  detail = CASE WHEN l.mark = excluded.mark THEN l.detail ELSE '' END,
  problem_since = CASE WHEN l.mark = excluded.mark THEN l.problem_since END,
  well_at = CASE WHEN l.mark = excluded.mark THEN l.well_at END, mark = excluded.mark
WHERE {_NOBODYS} AND (l.due_at <= %(now)s OR l.mark <> excluded.mark)
RETURNING l.held_by
"""
_RENEW: LiteralString = """
UPDATE intake_listening SET held_until = %s WHERE held_by = ANY(%s::uuid[]) RETURNING held_by
"""


def wanted(conn: Connection, channels: Collection[str]) -> dict[Key, Wanted]:
    """The inboxes for which one of these channels may listen."""
    rows = conn.execute(_WANTED, [sorted(channels)]).fetchall()
    return {Key(row[0], row[1]): Wanted(Key(row[0], row[1]), row[2], row[3]) for row in rows}


def take(conn: Connection, inboxes: Collection[Wanted], limit: int) -> list[Held]:
    """Hold up to `limit` of these, as far as they are due and held by nobody."""
    if not inboxes or limit <= 0:
        return []
    at = now()
    values = {
        "workspaces": [each.key.workspace_id for each in inboxes], "ids": [each.key.id for each in inboxes],
        "marks": [each.mark for each in inboxes], "now": at, "limit": limit,
    }  # fmt: skip
    free = {Key(*row) for row in conn.execute(_FREE, values)}
    # In one order, so that two workers do not wait for one another.
    tries = [
        Held(each, alive.token()) for each in sorted(inboxes, key=lambda each: each.key) if each.key in free
    ]
    if not tries:
        return []
    values = {
        "workspaces": [each.wanted.key.workspace_id for each in tries], "ids": [each.wanted.key.id for each in tries],
        "tokens": [each.token for each in tries], "untils": [at + HOLD] * len(tries), "dues": [at] * len(tries),
        "marks": [each.wanted.mark for each in tries], "now": at,
    }  # fmt: skip
    got = {row[0] for row in conn.execute(_TAKE, values)}
    return [each for each in tries if each.token in got]


def renew(conn: Connection, tokens: Sequence[UUID]) -> set[UUID]:
    """Hold these for longer; the tokens that still count."""
    return {row[0] for row in conn.execute(_RENEW, [now() + HOLD, list(tokens)])}


def release(conn: Connection, tokens: Sequence[UUID]) -> None:
    """Give back what is held under these, to be listened for as soon as it is due."""
    conn.execute(
        "UPDATE intake_listening SET held_by = NULL, held_until = NULL WHERE held_by = ANY(%s::uuid[])",
        [list(tokens)],
    )


class Kept(NamedTuple):
    """What an inbox's row says."""

    address: str
    config: Mapping[str, Any]
    secret: bytes | None


def settings_of(conn: Connection, key: Key) -> Kept | None:
    """The inbox's settings, read as its workspace's own role; None when it is gone or off."""
    with as_tenant(conn, key.workspace_id):
        row = conn.execute(
            "SELECT address, config, secret FROM channels_inbox WHERE workspace_id = %s AND id = %s AND is_active",
            [key.workspace_id, key.id],
        ).fetchone()
    return Kept(row[0], row[1], bytes(row[2]) if row[2] is not None else None) if row else None


def keep(conn: Connection, held: Held, payloads: Sequence[Raw]) -> int:
    """Store what was heard, durable when the transaction commits, and wake the worker; how many are new.

    Without payloads it is written down that all is well. Raises Lost.
    """
    at, key = now(), held.wanted.key
    fresh = 0
    if payloads:
        with as_tenant(conn, key.workspace_id):
            fresh = store_in(conn, key.workspace_id, payloads)
        wake(conn, "intake")
    done = conn.execute(
        "UPDATE intake_listening SET well_at = %s, failures = 0, problem = '', detail = '', problem_since = NULL,"
        " taken = taken + %s, taken_at = CASE WHEN %s > 0 THEN %s ELSE taken_at END"
        " WHERE workspace_id = %s AND id = %s AND held_by = %s",
        [at, fresh, fresh, at, *key, held.token],
    )
    if not done.rowcount:
        raise Lost
    return fresh


def let_go(conn: Connection, held: Held, wait: float) -> None:
    """Give the inbox back, to be listened for again after `wait` seconds."""
    conn.execute(
        "UPDATE intake_listening SET held_by = NULL, held_until = NULL, due_at = %s"
        " WHERE workspace_id = %s AND id = %s AND held_by = %s",
        [now() + timedelta(seconds=wait), *held.wanted.key, held.token],
    )


def failed(
    conn: Connection, held: Held, reason: Reason, detail: str, retry_after: float | None = None
) -> timedelta:
    """Write down what is wrong and give the inbox back; when it is tried again."""
    row = conn.execute(
        "SELECT failures FROM intake_listening WHERE workspace_id = %s AND id = %s AND held_by = %s FOR UPDATE",
        [*held.wanted.key, held.token],
    ).fetchone()
    if row is None:
        return timedelta(0)
    wait = pause(reason, row[0], retry_after)
    conn.execute(
        "UPDATE intake_listening SET held_by = NULL, held_until = NULL, due_at = %s, failures = failures + 1,"
        " problem_since = CASE WHEN problem = '' THEN %s ELSE problem_since END, problem = %s, detail = %s"
        " WHERE workspace_id = %s AND id = %s",
        [now() + wait, now(), str(reason), detail[:500], *held.wanted.key],
    )
    return wait


def pause(reason: Reason, failures: int, retry_after: float | None = None) -> timedelta:
    """How long to wait after so many failures before this one: half to all of a wait that doubles, or, where a person
    has to mend it, of one that begins at five minutes and triples; and no less than the provider asks for, up to the
    longest wait."""
    if reason in FOR_PEOPLE:
        first, longest, factor = PATIENT, PATIENT_LATEST, 3
    else:
        first, longest, factor = SOON, LATEST, 2
    asked = min(retry_after or 0.0, LATEST.total_seconds())
    wait = pausing.pause(failures, first.total_seconds(), longest.total_seconds(), factor=factor, asked=asked)
    return timedelta(seconds=wait)
