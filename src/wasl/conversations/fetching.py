"""Files that a provider holds for us are fetched and become attachments of their message: a loop of the worker.

A message is shown before its files are there. Each file is a row of a queue; the lease is its own `due_at`, and the
fence grows with every claim. The provider is asked between two short transactions, never inside one.
"""

import logging
import re
import threading
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from io import BytesIO
from itertools import groupby
from queue import Empty, SimpleQueue
from typing import Any, LiteralString
from uuid import UUID
from zoneinfo import ZoneInfo

from django.conf import settings
from psycopg.types.json import Jsonb

from wasl.channels.base import Failure, InDoubt, PermanentFailure, Reason, TemporaryFailure
from wasl.channels.port import Settings
from wasl.channels.registry import channels
from wasl.channels.secret import unseal_all
from wasl.conversations import indexing
from wasl.delivery.crew import Crew
from wasl.kit import blobs, scenes
from wasl.kit.clock import now as clock_now
from wasl.kit.db import Connection, as_tenant, pool
from wasl.kit.ids import uuid7
from wasl.kit.pausing import pause
from wasl.kit.signal import Signal, send

log = logging.getLogger(__name__)

SIZE = 4
"""Files that are fetched at once: each may be a hundred megabytes."""
TRIES = 10
FIRST, LONGEST = 5.0, 3600.0
"""Seconds before the second try, and before any other at most."""
LEASE = timedelta(minutes=10)
PATIENCE = 0.25
REST = 60.0


@dataclass(frozen=True, slots=True)
class Job:
    """One file to fetch: the `position`-th of the message's. `tries` includes this one."""

    workspace_id: UUID
    id: UUID
    message_id: UUID
    position: int
    fence: int
    tries: int
    channel: str
    inbox: Settings
    media: dict[str, Any]


@dataclass(frozen=True, slots=True)
class Result:
    """What came of it: a digest, or a reason; `again_at` None ends it."""

    job: Job
    digest: bytes = b""
    size: int = 0
    content_type: str = ""
    why: str = ""
    detail: str = ""
    again_at: datetime | None = None


_TAKE: LiteralString = """
WITH due AS (
  SELECT workspace_id, id FROM conversations_fetching WHERE due_at <= %(now)s
  ORDER BY due_at LIMIT %(limit)s FOR UPDATE SKIP LOCKED
)
UPDATE conversations_fetching f SET due_at = %(lease)s, fence = f.fence + 1, tries = f.tries + 1
FROM due WHERE f.workspace_id = due.workspace_id AND f.id = due.id
RETURNING f.workspace_id, f.id, f.message_id, f.position, f.fence, f.tries
"""
_WHAT: LiteralString = """
SELECT f.id, m.channel, m.meta->'media'->f.position, i.inbox_id, b.address, b.config, b.secret
FROM conversations_fetching f
JOIN conversations_message m ON m.workspace_id = f.workspace_id AND m.id = f.message_id
JOIN intake_inbound i ON i.workspace_id = m.workspace_id AND i.id = m.id
JOIN channels_inbox b ON b.workspace_id = i.workspace_id AND b.id = i.inbox_id
WHERE f.workspace_id = %s AND f.id = ANY(%s::uuid[])
"""
_NEXT: LiteralString = "SELECT min(due_at) FROM conversations_fetching"
_HELD: LiteralString = """
SELECT id FROM conversations_fetching WHERE workspace_id = %s AND id = %s AND fence = %s FOR UPDATE
"""
_DONE: LiteralString = "DELETE FROM conversations_fetching WHERE workspace_id = %s AND id = %s"
_LATER: LiteralString = "UPDATE conversations_fetching SET due_at = %s WHERE workspace_id = %s AND id = %s"
_FILE: LiteralString = """
INSERT INTO conversations_attachment
  (workspace_id, id, message_id, position, filename, content_type, size, digest, content_id, inline)
VALUES (%s, %s, %s, %s, %s, %s, %s, %s, '', false)
"""
_SAID: LiteralString = """
UPDATE conversations_message m SET meta = jsonb_set(m.meta, ARRAY['media', %(position)s::text], %(said)s)
WHERE m.workspace_id = %(workspace)s AND m.id = %(message)s AND m.meta->'media'->%(position)s::int IS NOT NULL
RETURNING m.conversation_id, m.customer_id
"""
_WHERE: LiteralString = "SELECT inbox_id FROM conversations_conversation WHERE workspace_id = %s AND id = %s"
_STAMP = "%Y%m%d-%H%M%S"
_STAMPED = re.compile(r"[a-z0-9_]{1,20}-(?P<stamp>[0-9]{8}-[0-9]{6})(-[0-9]+)?\.")
"""How channels name a file that came without a name."""
_SENT: LiteralString = """
SELECT m.sent_at, w.timezone FROM conversations_message m JOIN accounts_workspace w ON w.id = m.workspace_id
WHERE m.workspace_id = %s AND m.id = %s
"""
QUEUE: LiteralString = """
INSERT INTO conversations_fetching (workspace_id, id, message_id, position, tries, fence, due_at)
SELECT %b, u.id, u.message, u.position, 0, 0, u.at
FROM unnest(%b::uuid[], %b::uuid[], %b::int2[], %b::timestamptz[]) AS u(id, message, position, at)
"""


class Fetcher:
    """Fetches what is due. `step` takes one turn; one thread calls it, up to `size` others ask providers."""

    def __init__(self, size: int = SIZE) -> None:
        self._size = size
        self._crew = Crew(size, lambda: None)
        self._returned: SimpleQueue[Result] = SimpleQueue()
        self._under_way: set[UUID] = set()
        self._closing = threading.Event()

    def step(self) -> float:
        """Take a turn; the seconds until the next one."""
        results = self._collect()
        with pool("queue", "worker", 6).connection() as conn:
            for workspace_id, group in groupby(
                sorted(results, key=lambda each: each.job.workspace_id), lambda each: each.job.workspace_id
            ):
                with as_tenant(conn, workspace_id):
                    for result in group:
                        record(conn, result)
            if self._closing.is_set():
                return REST
            jobs = take(conn, self._size - len(self._under_way))
            wait = _wait(conn)
        for job in jobs:
            self._under_way.add(job.id)
            self._crew.submit(self._task(job), len(self._under_way))
        return 0.0 if self._under_way else wait

    def _collect(self) -> list[Result]:
        results: list[Result] = []
        try:
            if self._under_way:
                results.append(self._returned.get(timeout=PATIENCE))
            while True:
                results.append(self._returned.get_nowait())
        except Empty:
            pass
        self._under_way -= {result.job.id for result in results}
        return results

    def _task(self, job: Job) -> Any:
        return lambda: self._returned.put(fetch(job))

    def close(self) -> None:
        """Claim nothing more; what is under way is another worker's once its lease is over."""
        self._closing.set()
        self._crew.dismiss()


def take(conn: Connection, limit: int) -> list[Job]:
    """Claim up to `limit` files that are due, as the queue role."""
    if limit <= 0:
        return []
    at, jobs = clock_now(), list[Job]()
    with conn.transaction():
        rows = conn.execute(_TAKE, {"now": at, "limit": limit, "lease": at + LEASE}).fetchall()
        for workspace_id, group in groupby(sorted(rows), key=lambda row: row[0]):
            with as_tenant(conn, workspace_id):
                jobs += _jobs(conn, workspace_id, list(group))
    return jobs


def _jobs(conn: Connection, workspace_id: UUID, rows: list[tuple[Any, ...]]) -> list[Job]:
    found = {row[0]: row[1:] for row in conn.execute(_WHAT, [workspace_id, [row[1] for row in rows]])}
    jobs = []
    for _, id_, message_id, position, fence, tries in rows:
        if id_ not in found or found[id_][1] is None:  # erased meanwhile
            conn.execute(_DONE, [workspace_id, id_])
            continue
        channel, media, inbox_id, address, config, sealed = found[id_]
        hidden = unseal_all(workspace_id, inbox_id, bytes(sealed) if sealed else None)
        inbox = Settings(address, config, hidden, private=settings.ENV.private_servers)
        jobs.append(Job(workspace_id, id_, message_id, position, fence, tries, channel, inbox, media))
    return jobs


def _wait(conn: Connection) -> float:
    row = conn.execute(_NEXT).fetchone()
    if row is None or row[0] is None:
        return REST
    wait: float = (row[0] - clock_now()).total_seconds()
    return min(REST, max(0.2, wait))


def fetch(job: Job) -> Result:
    """Ask the provider and keep the bytes. Raises nothing: whatever happens is a result."""
    if job.tries > TRIES:  # a file on which workers die: no other one is to
        return Result(job, why=str(Reason.OTHER), detail="each try ended with the process that made it")
    try:
        channel = channels().get(job.channel)
        if channel is None or channel.fetch is None:
            return Result(job, why=str(Reason.OTHER), detail="this channel's files cannot be fetched")
        found = channel.fetch(job.inbox, job.media["ref"])
        if _is_page(found.content, str(job.media.get("type") or "")):
            return Result(job, why="wrong_type", detail="a web page instead of the file")
        digest = blobs.put(job.workspace_id, found.content)
        name, said = str(job.media.get("name") or ""), str(job.media.get("type") or "")
        kind = scenes.kind(BytesIO(found.content), name, found.content_type or said)
        return Result(job, digest, len(found.content), kind)
    except PermanentFailure as error:
        return Result(job, why=str(error.reason), detail=str(error))
    except (TemporaryFailure, InDoubt) as error:
        asked = error.retry_after if isinstance(error, TemporaryFailure) else None
        reason = error.reason if isinstance(error, Failure) else Reason.NOT_NOW
        return _again(job, str(reason), str(error), asked)
    except Exception as error:  # a fault of ours must not lose the file
        log.exception("a file of message %s could not be fetched", job.message_id)
        return _again(job, str(Reason.OTHER), type(error).__name__)


def _is_page(content: bytes, announced: str) -> bool:
    """Whether a web page came where something else was announced: of a sign-in, or of a file that is gone."""
    start = content[:200].lstrip(b"\xef\xbb\xbf \t\r\n").lower()
    return announced not in ("", "text/html", "application/xhtml+xml") and start.startswith(
        (b"<!doctype html", b"<html")
    )


def _again(job: Job, why: str, detail: str, asked: float | None = None) -> Result:
    if job.tries >= TRIES:
        return Result(job, why=why, detail=detail)
    wait = pause(job.tries - 1, FIRST, LONGEST, factor=3, asked=asked)
    again = clock_now() + timedelta(seconds=wait)
    return Result(job, why=why, detail=detail, again_at=again)


def record(conn: Connection, result: Result) -> None:
    """Write down what came of it, inside its workspace; nothing when another worker has it meanwhile."""
    job = result.job
    workspace_id = job.workspace_id
    if conn.execute(_HELD, [workspace_id, job.id, job.fence]).fetchone() is None:
        return
    if result.again_at:
        conn.execute(_LATER, [result.again_at, workspace_id, job.id])
        return
    name = _name(conn, job)
    said = {**job.media, "name": name, "done": True}
    if result.why:
        said |= {"why": result.why, "detail": result.detail[:300]}
    values = {
        "workspace": workspace_id,
        "message": job.message_id,
        "position": job.position,
        "said": Jsonb(said),
    }
    row = conn.execute(_SAID, values).fetchone()
    conn.execute(_DONE, [workspace_id, job.id])
    if row is None:
        return
    if not result.why:
        kind = result.content_type or str(job.media.get("type") or "application/octet-stream")
        conn.execute(
            _FILE,
            [
                workspace_id,
                uuid7(),
                job.message_id,
                job.position,
                name or "file",
                kind,
                result.size,
                result.digest,
            ],
        )
        indexing.write(conn, workspace_id, [job.message_id])  # it was made searchable without the file
    _show(conn, workspace_id, *row)


def _name(conn: Connection, job: Job) -> str:
    """What a file is called: one that its channel named after the moment it was sent, in UTC, after the same moment as
    the workspace's clocks tell it."""
    name = str(job.media.get("name") or "")
    if not (found := _STAMPED.match(name)):
        return name
    row = conn.execute(_SENT, [job.workspace_id, job.message_id]).fetchone()
    if row is None or row[0] is None or f"{row[0].astimezone(UTC):{_STAMP}}" != found["stamp"]:
        return name
    here = row[0].astimezone(ZoneInfo(row[1]))
    return f"{name[: found.start('stamp')]}{here:{_STAMP}}{name[found.end('stamp') :]}"


def _show(conn: Connection, workspace_id: UUID, conversation_id: UUID, customer_id: UUID) -> None:
    place = conn.execute(_WHERE, [workspace_id, conversation_id]).fetchone()
    if place:
        send(conn, [Signal("message", workspace_id, place[0], (conversation_id,), (customer_id,))])


def queue(conn: Connection, workspace_id: UUID, files: Sequence[tuple[UUID, int, datetime]]) -> None:
    """Have these files fetched: message, position among its media, and when; inside the workspace."""
    ids = [uuid7() for _ in files]
    columns = [list(column) for column in zip(*files, strict=True)]
    conn.execute(QUEUE, [workspace_id, ids, *columns])
