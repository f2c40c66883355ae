"""What the native doors of a process share: connections, a writer, and what is known of tokens."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from functools import partial
from typing import Any, LiteralString, TypeVar
from uuid import UUID
from weakref import WeakKeyDictionary

from django.conf import settings

from wasl.channels import access
from wasl.channels.access import Access
from wasl.doors.spool import Spool
from wasl.intake.door import Door
from wasl.intake.store import Raw, Stored
from wasl.intake.writer import Unavailable
from wasl.kit.db import SET_WORKSPACE, AsyncConnection
from wasl.kit.memory import give_back
from wasl.kit.problem import Problem

T = TypeVar("T")

CONNECTIONS = 2
"""For questions that are rare: who a token is, and what a message was that came before."""
SPOOL_ROOM = 500_000_000
"""Bytes on disk for requests that are still arriving."""


class Desk:
    """Made in the loop that uses it."""

    def __init__(self) -> None:
        self._door = Door("door", CONNECTIONS)
        self._asking: dict[bytes, asyncio.Task[Access | None]] = {}
        self.spool = Spool(settings.ENV.run_dir / "uploads", SPOOL_ROOM)
        self.heavy = asyncio.Semaphore(1)
        """Large requests are held in memory one at a time."""

    async def open(self) -> None:
        """Start making connections, without waiting for them."""
        give_back()
        self.spool.folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        await self._door.open()

    async def ask(self, token: bytes) -> Access | None:
        """Look a token up; many who ask at once share one answer. Raises Problem when the database is away."""
        task = self._asking.get(token)
        if task is None:
            task = self._asking[token] = asyncio.create_task(self._look_up(token))
            task.add_done_callback(lambda _: self._asking.pop(token, None))
        return await asyncio.shield(task)

    async def _look_up(self, token: bytes) -> Access | None:
        try:
            return await self._door.with_connection(partial(access.look_up_async, digest=token))
        except Unavailable as error:
            raise _away() from error

    async def rows(self, question: LiteralString, values: Sequence[Any]) -> list[tuple[Any, ...]]:
        """Rows of a small question. Raises Problem when the database is away."""
        try:
            return await self._door.ask(question, values)
        except Unavailable as error:
            raise _away() from error

    async def inside(self, workspace: UUID, work: Callable[[AsyncConnection], Awaitable[T]]) -> T:
        """What `work` makes of a connection, in a transaction of that workspace. Raises Problem when the database is
        away."""

        async def go(conn: AsyncConnection) -> T:
            async with conn.transaction():
                await conn.execute(SET_WORKSPACE, [str(workspace)])
                return await work(conn)

        try:
            return await self._door.with_connection(go)
        except Unavailable as error:
            raise _away() from error

    async def store(self, workspace: UUID, payloads: Sequence[Raw]) -> list[Stored]:
        """Store payloads; durable when this returns. Raises Problem when the database is away."""
        try:
            return await self._door.take(workspace, payloads)
        except Unavailable as error:
            raise _away() from error

    async def close(self) -> None:
        """Finish what is under way and close the connections."""
        await self._door.close()
        self.spool.close()


def _away() -> Problem:
    return Problem(
        "not-now",
        "The database cannot be reached just now, so nothing was accepted. Send the same again in a second.",
        headers={"Retry-After": "1"},
    )


_desks: WeakKeyDictionary[asyncio.AbstractEventLoop, Desk] = WeakKeyDictionary()


async def of_this_loop() -> Desk:
    """The desk of the running loop: a process has one, made when it is first needed."""
    loop = asyncio.get_running_loop()
    desk = _desks.get(loop)
    if desk is None:
        desk = _desks[loop] = Desk()
        await desk.open()
    return desk


async def close() -> None:
    """Close the running loop's connections; the web front calls it when it ends."""
    desk = _desks.pop(asyncio.get_running_loop(), None)
    if desk is not None:
        await desk.close()
