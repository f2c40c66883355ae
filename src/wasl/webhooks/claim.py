"""Taking calls to make, and writing down what came of them. As the queue role, stepping down for each workspace.

The lease is the row's own `due_at`, and the fence grows with every claim, as for deliveries (`delivery/claim.py`).
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import groupby
from typing import LiteralString, NamedTuple
from uuid import UUID

from wasl.kit.db import Connection, as_tenant
from wasl.kit.ids import uuid7
from wasl.timeline import keys
from wasl.webhooks import events
from wasl.webhooks.events import TEST

LEASE = timedelta(seconds=90)
"""A call takes ten seconds at most, and resolving a name may take as long as the system's resolver likes."""

KEPT = timedelta(days=30)
_SLICE = 500


class Key(NamedTuple):
    """An endpoint."""

    workspace_id: UUID
    endpoint_id: UUID


@dataclass(frozen=True, slots=True)
class Job:
    """A call to make. `tries` includes this one."""

    key: Key
    id: UUID
    fence: int
    tries: int
    url: str
    secrets: tuple[bytes, ...]
    body: bytes


@dataclass(frozen=True, slots=True)
class Result:
    """What came of a call: `why` is '' when it went well; `again_at` None ends it."""

    job: Job
    at: datetime
    seconds: float
    status: int | None
    why: str
    answer: str
    again_at: datetime | None


class _Taken(NamedTuple):
    workspace_id: UUID
    id: UUID
    endpoint_id: UUID
    kind: str
    event_id: UUID
    fence: int
    tries: int


# One step of the index for each endpoint that has something waiting.
_HEADS: LiteralString = """
WITH RECURSIVE head AS (
  (SELECT workspace_id, endpoint_id, due_at FROM webhooks_call WHERE state = 'waiting'
   ORDER BY workspace_id, endpoint_id, due_at, id LIMIT 1)
  UNION ALL
  SELECT next.* FROM head CROSS JOIN LATERAL (
    SELECT workspace_id, endpoint_id, due_at FROM webhooks_call
    WHERE state = 'waiting' AND (workspace_id, endpoint_id) > (head.workspace_id, head.endpoint_id)
    ORDER BY workspace_id, endpoint_id, due_at, id LIMIT 1) next
)
SELECT workspace_id, endpoint_id, due_at FROM head
"""
_TAKE: LiteralString = """
WITH picked AS (
  SELECT p.workspace_id, p.id
  FROM unnest(%(workspaces)b::uuid[], %(endpoints)b::uuid[], %(quotas)b::int4[]) AS q (workspace_id, endpoint_id, quota)
  CROSS JOIN LATERAL (
    SELECT workspace_id, id FROM webhooks_call
    WHERE workspace_id = q.workspace_id AND endpoint_id = q.endpoint_id AND state = 'waiting' AND due_at <= %(now)b
    ORDER BY due_at, id LIMIT q.quota FOR UPDATE SKIP LOCKED) p
)
UPDATE webhooks_call c SET state = 'calling', tries = c.tries + 1, fence = c.fence + 1, due_at = %(lease)b
FROM picked WHERE c.workspace_id = picked.workspace_id AND c.id = picked.id
RETURNING c.workspace_id, c.id, c.endpoint_id, c.kind, c.event_id, c.fence, c.tries
"""
_LOST: LiteralString = """
UPDATE webhooks_call SET state = 'waiting', fence = fence + 1 WHERE state = 'calling' AND due_at < %s
"""
_ENDPOINTS: LiteralString = """
SELECT id, url, secret, CASE WHEN old_until > %s THEN old_secret END, is_active
FROM webhooks_endpoint WHERE workspace_id = %s AND id = ANY(%s::uuid[])
"""


def heads(conn: Connection) -> dict[Key, datetime]:
    """When each endpoint has its next call due."""
    return {Key(row[0], row[1]): row[2] for row in conn.execute(_HEADS)}


def give_back_lost(conn: Connection, now: datetime) -> None:
    """Let calls be made again whose worker is gone: it may have made them, and the receiver knows them by their id."""
    conn.execute(_LOST, [now])


def take(conn: Connection, quotas: Mapping[Key, int], now: datetime) -> list[Job]:
    """Claim up to `quotas` due calls of each endpoint, with what is to be told."""
    values = {
        "workspaces": [key.workspace_id for key in quotas],
        "endpoints": [key.endpoint_id for key in quotas],
        "quotas": list(quotas.values()),
        "now": now,
        "lease": now + LEASE,
    }
    rows = sorted(_Taken(*row) for row in conn.execute(_TAKE, values))
    jobs: list[Job] = []
    for workspace_id, group in groupby(rows, key=lambda row: row.workspace_id):
        with as_tenant(conn, workspace_id):
            jobs += _jobs(conn, workspace_id, list(group), now)
    return jobs


def _jobs(conn: Connection, workspace_id: UUID, rows: list[_Taken], now: datetime) -> list[Job]:
    ids = list({row.endpoint_id for row in rows})
    endpoints = {row[0]: row[1:] for row in conn.execute(_ENDPOINTS, [now, workspace_id, ids])}
    found = events.read(conn, workspace_id, [row.event_id for row in rows if row.kind != TEST])
    jobs, stopped = [], []
    for row in rows:
        url, secret, old, active = endpoints[row.endpoint_id]
        if row.kind == TEST:
            body = events.test_body(row.endpoint_id, now)
        elif active and row.event_id in found:
            body = events.body(row.kind, found[row.event_id]["at"], found[row.event_id]["data"])
        else:
            stopped.append(row.id)
            continue
        secrets = tuple(
            keys.opened(workspace_id, row.endpoint_id, bytes(each)) for each in (secret, old) if each
        )
        key = Key(workspace_id, row.endpoint_id)
        jobs.append(Job(key, row.id, row.fence, row.tries, url, secrets, body))
    if stopped:
        conn.execute(_STOP, [now, workspace_id, stopped])
    return jobs


_STOP: LiteralString = """
UPDATE webhooks_call SET state = 'stopped', ended_at = %s WHERE workspace_id = %s AND id = ANY(%s::uuid[])
"""

# Recording --------------------------------------------------------------------------------------------------------

# A call that was claimed anew meanwhile is another worker's; what this one saw is written down all the same.
_END: LiteralString = """
UPDATE webhooks_call c
SET state = u.state, due_at = coalesce(u.due_at, c.due_at), status = u.status, why = u.why,
    ended_at = CASE WHEN u.state = 'waiting' THEN NULL ELSE u.at END
FROM unnest(%b::uuid[], %b::int8[], %b::text[], %b::timestamptz[], %b::int2[], %b::text[], %b::timestamptz[])
  AS u (id, fence, state, due_at, status, why, at)
WHERE c.workspace_id = %b AND c.id = u.id AND c.fence = u.fence AND c.state = 'calling'
"""
_TRY: LiteralString = """
INSERT INTO webhooks_try (workspace_id, id, call_id, at, seconds, status, why, answer)
SELECT %b, u.id, u.call_id, u.at, u.seconds, u.status, u.why, u.answer
FROM unnest(%b::uuid[], %b::uuid[], %b::timestamptz[], %b::float8[], %b::int2[], %b::text[], %b::text[])
  AS u (id, call_id, at, seconds, status, why, answer)
JOIN webhooks_call c ON c.workspace_id = %b AND c.id = u.call_id
"""
_FARED: LiteralString = """
UPDATE webhooks_endpoint SET
  succeeded_at = coalesce(%(well)s, succeeded_at),
  failing_since = CASE WHEN %(well)s IS NOT NULL THEN NULL ELSE coalesce(failing_since, %(badly)s) END
WHERE workspace_id = %(workspace)s AND id = %(id)s RETURNING failing_since, is_active
"""
_OFF: LiteralString = """
WITH off AS (
  UPDATE webhooks_endpoint SET is_active = false, off_at = %(now)s, off_why = %(why)s
  WHERE workspace_id = %(workspace)s AND id = %(id)s AND is_active RETURNING id
)
UPDATE webhooks_call c SET state = 'stopped', ended_at = %(now)s FROM off
WHERE c.workspace_id = %(workspace)s AND c.endpoint_id = off.id AND c.state = 'waiting'
"""


def record(conn: Connection, results: Sequence[Result]) -> dict[Key, datetime | None]:
    """Write down what came of calls. For each endpoint: since when it has been failing, None if it is not."""
    standing: dict[Key, datetime | None] = {}
    ordered = sorted(results, key=lambda result: (result.job.key, result.job.id))
    for workspace_id, group in groupby(ordered, key=lambda result: result.job.key.workspace_id):
        with as_tenant(conn, workspace_id):
            found = list(group)
            _end(conn, workspace_id, found)
            for key, each in groupby(found, key=lambda result: result.job.key):
                standing |= _fared(conn, key, list(each))
    return standing


def _end(conn: Connection, workspace_id: UUID, results: list[Result]) -> None:
    ids = [r.job.id for r in results]
    states = ["done" if not r.why else "waiting" if r.again_at else "failed" for r in results]
    moments, statuses = [r.at for r in results], [r.status for r in results]
    whys = [r.why for r in results]
    made = [uuid7() for _ in results]
    conn.execute(
        _TRY,
        [workspace_id, made, ids, moments, [r.seconds for r in results], statuses, whys,
         [r.answer for r in results], workspace_id],
    )  # fmt: skip
    fences = [r.job.fence for r in results]
    conn.execute(
        _END, [ids, fences, states, [r.again_at for r in results], statuses, whys, moments, workspace_id]
    )


def _fared(conn: Connection, key: Key, results: list[Result]) -> dict[Key, datetime | None]:
    well = max((r.at for r in results if not r.why), default=None)
    badly = min((r.at for r in results if r.why), default=None)
    values = {"well": well, "badly": badly, "workspace": key.workspace_id, "id": key.endpoint_id}
    row = conn.execute(_FARED, values).fetchone()
    return {key: row[0]} if row and row[1] else {}


def switch_off(conn: Connection, keys: Iterable[Key], why: str, now: datetime) -> None:
    """Switch endpoints off, and stop what was still to be told them."""
    for key in keys:
        with as_tenant(conn, key.workspace_id):
            values = {"workspace": key.workspace_id, "id": key.endpoint_id, "why": why, "now": now}
            conn.execute(_OFF, values)


_OLD: LiteralString = """
SELECT workspace_id, array_agg(id) FROM (
  SELECT workspace_id, id FROM webhooks_call WHERE created_at < %s ORDER BY created_at LIMIT %s) old GROUP BY 1
"""


def forget_old(conn: Connection, now: datetime) -> bool:
    """Take calls out of the log that are older than a month; whether there may be more of them."""
    found = conn.execute(_OLD, [now - KEPT, _SLICE]).fetchall()
    for workspace_id, ids in found:
        with as_tenant(conn, workspace_id):
            conn.execute(
                "DELETE FROM webhooks_try WHERE workspace_id = %s AND call_id = ANY(%s)", [workspace_id, ids]
            )
            conn.execute(
                "DELETE FROM webhooks_call WHERE workspace_id = %s AND id = ANY(%s)", [workspace_id, ids]
            )
    return sum(len(ids) for _, ids in found) == _SLICE
