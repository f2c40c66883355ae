"""Storing what many senders bring at the same moment with one statement.

While one statement commits, whatever else arrives waits for the next one and goes with it: alone a message is not
held up, and eight clients at once cost two commits instead of eight. One statement at a time: with two under way,
fewer go together, and a message costs a third more CPU for no more throughput.
"""

import asyncio
import logging
from collections.abc import Awaitable, Callable, Sequence
from uuid import UUID

import psycopg
from psycopg_pool import AsyncConnectionPool

from wasl.intake.lane import insert
from wasl.intake.store import Raw, Stored, store
from wasl.intake.wake import Waker
from wasl.kit.db import AsyncConnection
from wasl.kit.pglane import Lane

log = logging.getLogger(__name__)

Pool = AsyncConnectionPool[AsyncConnection]
Job = tuple[Sequence[Raw], "asyncio.Future[list[Stored]]"]

TOGETHER = 200
"""Payloads in one statement, about."""
PATIENCE = 3.0
"""Seconds a sender waits for a database that is on its way back."""
STUCK = 20.0
"""Seconds after which a statement is given up; the server itself does so after 15."""


class Unavailable(Exception):
    """The database cannot be reached; nothing was stored and the sender must try again."""


class Writer:
    """Gathers payloads by workspace and stores them; wakes the intake worker after each commit."""

    def __init__(self, connect: Callable[[], Awaitable[AsyncConnection]], pool: Pool, waker: Waker) -> None:
        self._connect = connect
        self._pool = pool
        self._waker = waker
        self._waiting: dict[UUID, list[Job]] = {}
        self._working = False
        self._worker: asyncio.Task[None] | None = None
        self._lane: Lane | None = None

    async def store(self, workspace: UUID, payloads: Sequence[Raw]) -> list[Stored]:
        """Store payloads of one workspace; durable when this returns. Raises Unavailable."""
        done: asyncio.Future[list[Stored]] = asyncio.get_running_loop().create_future()
        self._waiting.setdefault(workspace, []).append((payloads, done))
        if not self._working:
            self._working = True
            self._worker = asyncio.create_task(self._work())
        return await done

    async def close(self) -> None:
        """Finish what is under way, then hang up."""
        if self._worker:
            await self._worker
        if self._lane:
            self._lane.close()

    async def _work(self) -> None:
        """Until nothing waits: the workspace that came first gets the next statement."""
        try:
            while self._waiting:
                workspace = next(iter(self._waiting))
                jobs = self._take(workspace)
                try:
                    await self._commit(workspace, jobs)
                except Exception as error:
                    _fail(jobs, error)
        finally:
            self._working = False

    def _take(self, workspace: UUID) -> list[Job]:
        """The next jobs of a workspace, and the rest of them to the end of the queue."""
        jobs = self._waiting.pop(workspace)
        count = 0
        for end, (payloads, _) in enumerate(jobs, 1):
            count += len(payloads)
            if count >= TOGETHER and end < len(jobs):
                self._waiting[workspace] = jobs[end:]
                return jobs[:end]
        return jobs

    async def _commit(self, workspace: UUID, jobs: Sequence[Job]) -> None:
        try:
            stored = await self._store(workspace, [payload for payloads, _ in jobs for payload in payloads])
        except psycopg.Error:
            if len(jobs) == 1:
                raise
            # One of them is at fault; the others must not suffer for it.
            log.exception("a statement for %d senders failed", len(jobs))
            for job in jobs:
                try:
                    await self._commit(workspace, [job])
                except psycopg.Error as error:
                    _fail([job], error)
            return
        answers = iter(stored)
        for payloads, done in jobs:
            mine = [next(answers) for _ in payloads]
            if not done.done():
                done.set_result(mine)

    async def _store(self, workspace: UUID, payloads: Sequence[Raw]) -> list[Stored]:
        """Store and wake. A connection that died is replaced once: safe, because a second copy is refused."""
        try:
            stored = await self._try(workspace, payloads)
        except (psycopg.OperationalError, TimeoutError):
            try:
                stored = await self._try(workspace, payloads)
            except (psycopg.OperationalError, TimeoutError) as error:
                raise Unavailable from error
        self._waker.poke()
        return stored

    async def _try(self, workspace: UUID, payloads: Sequence[Raw]) -> list[Stored]:
        if self._lane is None or self._lane.broken:
            self._lane = Lane(await within(PATIENCE, self._connect))
        async with asyncio.timeout(STUCK):
            fresh = await insert(self._lane, workspace, payloads)
        if len(fresh) == len(payloads):
            return [Stored(p.id, True, True) for p in payloads]
        return await self._compare(workspace, payloads, fresh)

    async def _compare(self, workspace: UUID, payloads: Sequence[Raw], fresh: set[bytes]) -> list[Stored]:
        """Some came before: what became of them then."""
        again = [p for p in payloads if p.id.bytes not in fresh]
        async with self._pool.connection() as conn:
            earlier = dict(zip((p.id for p in again), await store(conn, workspace, again), strict=True))
        return [earlier.get(p.id) or Stored(p.id, True, True) for p in payloads]


async def within(seconds: float, connect: Callable[[], Awaitable[AsyncConnection]]) -> AsyncConnection:
    """A connection, waiting for a server that is starting. Raises psycopg.OperationalError after `seconds`."""
    loop = asyncio.get_running_loop()
    end = loop.time() + seconds
    while True:
        try:
            return await connect()
        except psycopg.OperationalError:
            if loop.time() > end:
                raise
            await asyncio.sleep(0.05)


def _fail(jobs: Sequence[Job], error: Exception) -> None:
    for _, done in jobs:
        if not done.done():
            done.set_exception(error)
