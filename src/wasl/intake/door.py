"""What doors have in common: a pool, one store, one retry, and a wake-up after the commit."""

import logging
from collections.abc import Awaitable, Callable, Sequence
from functools import partial
from typing import Any, LiteralString, TypeVar
from uuid import UUID

import psycopg
from psycopg_pool import AsyncConnectionPool, PoolTimeout

from wasl.intake.store import Raw, Stored
from wasl.intake.wake import Waker
from wasl.intake.writer import Pool, Unavailable, Writer
from wasl.kit.db import AsyncConnection, conninfo, prepare_async

__all__ = ["Door", "Unavailable"]

log = logging.getLogger(__name__)

T = TypeVar("T")

WAIT = 5.0
"""Seconds a door waits for a connection before it asks the sender to come again."""


class Door:
    """Stores what arrives, durably, before it returns. One for each process with a door; used in one event loop."""

    def __init__(self, application: str, size: int = 4) -> None:
        self._info = conninfo("app", application)
        self.pool: Pool = AsyncConnectionPool(
            self._info,
            min_size=1,
            max_size=size,
            configure=prepare_async,
            check=AsyncConnectionPool.check_connection,
            kwargs={"autocommit": True},
            timeout=WAIT,
            open=False,
            name=f"door:{application}",
        )
        # A NOTIFY is a commit as well, and one that nobody needs to find on disk.
        self.waker = Waker(partial(self._connect, "-c synchronous_commit=off"))
        self._writer = Writer(self._connect, self.pool, self.waker)

    async def _connect(self, options: str = "") -> AsyncConnection:
        return await psycopg.AsyncConnection.connect(
            self._info, autocommit=True, connect_timeout=5, options=f"-c statement_timeout=15s {options}"
        )

    async def open(self) -> None:
        """Start connecting; a database that is away does not stop the door from opening."""
        await self.pool.open(wait=False)

    async def close(self) -> None:
        """Finish what is under way, then let go of every connection."""
        await self._writer.close()
        await self.waker.close()
        await self.pool.close()

    async def take(self, workspace_id: UUID, payloads: Sequence[Raw]) -> list[Stored]:
        """Store payloads; they are durable when this returns. Raises Unavailable.

        A connection that turns out to be dead is replaced once: storing twice is harmless, the second copy is
        refused as one that is there already.
        """
        return await self._writer.store(workspace_id, payloads)

    async def ask(self, question: LiteralString, values: Sequence[Any]) -> list[tuple[Any, ...]]:
        """Rows of a small question that a door must ask first. Raises Unavailable."""

        async def rows(conn: AsyncConnection) -> list[tuple[Any, ...]]:
            cursor = await conn.execute(question, values, prepare=True)
            return await cursor.fetchall()

        return await self.with_connection(rows)

    async def with_connection(self, work: Callable[[AsyncConnection], Awaitable[T]]) -> T:
        """What `work` makes of a connection, tried once more when it was dead. Raises Unavailable."""
        for last in (False, True):
            try:
                async with self.pool.connection() as conn:
                    return await work(conn)
            except PoolTimeout as error:
                raise Unavailable from error
            except psycopg.OperationalError as error:
                if last:
                    raise Unavailable from error
                log.info("a connection was lost; trying once more")
        raise AssertionError
