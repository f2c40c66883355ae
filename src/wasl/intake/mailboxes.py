"""The rows behind fetching from outside mailboxes: who may fetch next, how far it got, what is wrong.

A worker holds a mailbox under a token, for as long as it lives and renews it. Where settings change, the token is taken
away: what the worker writes afterwards touches no row, and it lets go. All as the queue role.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, LiteralString
from uuid import UUID

from wasl.channels.email.trouble import FOR_PEOPLE, Fault, Trouble
from wasl.channels.secret import MAILBOX, seal
from wasl.intake.store import Raw, store_in
from wasl.kit import alive, pausing
from wasl.kit.clock import now
from wasl.kit.db import Connection, as_tenant
from wasl.kit.signal import wake

HOLD = timedelta(seconds=45)
"""How long a mailbox is held by a worker that says nothing more, unless it is known to be dead."""

SOON = timedelta(seconds=5)
LATEST = timedelta(minutes=15)
PATIENT = timedelta(minutes=5)
PATIENT_LATEST = timedelta(hours=6)


class Lost(Exception):
    """The mailbox is not ours any more: its settings changed, or another worker took it."""


@dataclass(frozen=True, slots=True)
class Held:
    """A mailbox that this worker holds, as it was when it was taken."""

    workspace_id: UUID
    id: UUID
    token: UUID
    uidvalidity: int
    last_uid: int
    highest_uid: int
    since: datetime
    stuck_uid: int
    stuck_tries: int
    problem: str


_FREE: LiteralString = f"(held_until IS NULL OR held_until < %(now)s OR {alive.gone('held_by')})"
# A token's first part names the worker; the rest is each mailbox's own.
_TAKE: LiteralString = f"""
UPDATE channels_mailbox m SET held_by = u.token, held_until = %(until)s
FROM (
  SELECT workspace_id, id, (%(worker)s || substr(gen_random_uuid()::text, 19))::uuid AS token FROM channels_mailbox
  WHERE is_active AND due_at <= %(now)s AND {_FREE}
  ORDER BY due_at LIMIT %(limit)s FOR UPDATE SKIP LOCKED) u
WHERE m.workspace_id = u.workspace_id AND m.id = u.id
RETURNING m.workspace_id, m.id, m.held_by, m.uidvalidity, m.last_uid, m.highest_uid, m.since, m.stuck_uid,
          m.stuck_tries, m.problem
"""

_WAITING: LiteralString = f"""
SELECT EXISTS (SELECT FROM channels_mailbox WHERE is_active AND due_at <= %(now)s AND {_FREE})
"""

_RENEW: LiteralString = """
UPDATE channels_mailbox SET held_until = %s WHERE held_by = ANY(%s::uuid[]) RETURNING held_by
"""


def take(conn: Connection, limit: int) -> list[Held]:
    """Hold up to `limit` mailboxes that are due and held by nobody."""
    present = now()
    values = {"now": present, "until": present + HOLD, "limit": limit, "worker": str(alive.token())[:18]}
    rows = conn.execute(_TAKE, values).fetchall()
    return [Held(*row) for row in rows]


def waiting(conn: Connection) -> bool:
    """Whether a mailbox is due that nobody holds."""
    row = conn.execute(_WAITING, {"now": now()}).fetchone()
    return bool(row and row[0])


def renew(conn: Connection, tokens: Sequence[UUID]) -> set[UUID]:
    """Hold these for longer; the tokens that still count."""
    return {row[0] for row in conn.execute(_RENEW, [now() + HOLD, list(tokens)])}


def release(conn: Connection, tokens: Sequence[UUID]) -> None:
    """Give back what is held under these, to be looked into as soon as it is due."""
    conn.execute(
        "UPDATE channels_mailbox SET held_by = NULL, held_until = NULL WHERE held_by = ANY(%s::uuid[])",
        [list(tokens)],
    )


def settings_of(conn: Connection, held: Held) -> tuple[dict[str, Any], bytes | None] | None:
    """(config, sealed secret) of the inbox, read as the workspace's own role; None when it is gone or off."""
    with as_tenant(conn, held.workspace_id):
        row = conn.execute(
            "SELECT config, incoming_secret FROM channels_inbox"
            " WHERE workspace_id = %s AND id = %s AND is_active",
            [held.workspace_id, held.id],
        ).fetchone()
    return (row[0], bytes(row[1]) if row[1] is not None else None) if row else None


def keep_secret(conn: Connection, held: Held, packed: str, instead_of: bytes | None) -> None:
    """Put a renewed secret in the place of the one it was made from."""
    sealed = seal(held.workspace_id, held.id, packed, MAILBOX)
    with as_tenant(conn, held.workspace_id):
        conn.execute(
            "UPDATE channels_inbox SET incoming_secret = %s WHERE workspace_id = %s AND id = %s"
            " AND incoming_secret = %s",
            [sealed, held.workspace_id, held.id, instead_of],
        )


def keep(conn: Connection, workspace_id: UUID, payloads: Sequence[Raw]) -> int:
    """Store what was fetched, durable when the transaction commits, and wake the worker; how many are new."""
    with as_tenant(conn, workspace_id):
        fresh = store_in(conn, workspace_id, payloads)
    wake(conn, "intake")
    return fresh


def reached(conn: Connection, held: Held, uid: int, fresh: int) -> None:
    """Everything up to `uid` is stored. Raises Lost."""
    _write(
        conn,
        held,
        "last_uid = greatest(last_uid, %s), fetched = fetched + %s,"
        " fetched_at = CASE WHEN %s > 0 THEN %s ELSE fetched_at END, stuck_uid = 0, stuck_tries = 0, failures = 0",
        [uid, fresh, fresh, now()],
    )


def begin(conn: Connection, held: Held, uidvalidity: int, highest_uid: int) -> None:
    """The folder is a new one, or was made anew, and goes up to `highest_uid` now. Raises Lost."""
    _write(
        conn,
        held,
        "uidvalidity = %s, last_uid = 0, highest_uid = %s, stuck_uid = 0, stuck_tries = 0",
        [uidvalidity, highest_uid],
    )


def stuck(conn: Connection, held: Held, uid: int) -> None:
    """A message could not be had, once more. Raises Lost."""
    _write(
        conn,
        held,
        "stuck_tries = CASE WHEN stuck_uid = %s THEN stuck_tries + 1 ELSE 1 END, stuck_uid = %s",
        [uid, uid],
    )


def well(conn: Connection, held: Held, problem: Trouble | None = None) -> None:
    """There is nothing more to fetch at the moment; `problem` is something that does not stop it. Raises Lost."""
    fault, detail = (str(problem.fault), problem.detail) if problem else ("", "")
    values = [now(), fault, now(), fault, fault, detail]
    _write(
        conn,
        held,
        "checked_at = %s, failures = 0,"
        " problem_since = CASE WHEN %s = '' THEN NULL WHEN problem = '' THEN %s ELSE problem_since END,"
        " problem = %s, detail = CASE WHEN %s = '' THEN '' ELSE %s END",
        values,
    )


def let_go(conn: Connection, held: Held, wait: float) -> None:
    """Give the mailbox back, to be looked into again after `wait` seconds."""
    conn.execute(
        "UPDATE channels_mailbox SET held_by = NULL, held_until = NULL, due_at = %s"
        " WHERE workspace_id = %s AND id = %s AND held_by = %s",
        [now() + timedelta(seconds=wait), held.workspace_id, held.id, held.token],
    )


def failed(conn: Connection, held: Held, trouble: Trouble) -> timedelta:
    """Write down what is wrong and give the mailbox back; when it is tried again."""
    row = conn.execute(
        "SELECT failures FROM channels_mailbox WHERE workspace_id = %s AND id = %s AND held_by = %s FOR UPDATE",
        [held.workspace_id, held.id, held.token],
    ).fetchone()
    if row is None:
        return timedelta(0)
    wait = pause(trouble.fault, row[0])
    conn.execute(
        "UPDATE channels_mailbox SET held_by = NULL, held_until = NULL, due_at = %s, failures = failures + 1,"
        " problem_since = CASE WHEN problem = '' THEN %s ELSE problem_since END, problem = %s, detail = %s"
        " WHERE workspace_id = %s AND id = %s",
        [now() + wait, now(), str(trouble.fault), trouble.detail, held.workspace_id, held.id],
    )
    return wait


def pause(fault: Fault, failures: int) -> timedelta:
    """How long to wait after so many failures before this one.

    Half to all of a wait that doubles; where a person has to mend it first, one that begins at five minutes and
    triples, so that a wrong password is tried a handful of times a day and locks no account.
    """
    if fault in FOR_PEOPLE:
        first, longest, factor = PATIENT, PATIENT_LATEST, 3
    else:
        first, longest, factor = SOON, LATEST, 2
    wait = pausing.pause(failures, first.total_seconds(), longest.total_seconds(), factor=factor)
    return timedelta(seconds=wait)


def _write(conn: Connection, held: Held, change: LiteralString, values: Sequence[Any]) -> None:
    done = conn.execute(
        f"UPDATE channels_mailbox SET {change} WHERE workspace_id = %s AND id = %s AND held_by = %s",
        [*values, held.workspace_id, held.id, held.token],
    )
    if not done.rowcount:
        raise Lost
