"""Telling the worker, after the commit, that something waits: many messages, few NOTIFYs.

NOTIFY inside the storing transaction would make commits wait for one another; a poke after it costs nothing, and a
lost one only means that the worker finds the row when it next looks.
"""

import asyncio
import contextlib
from collections.abc import Awaitable, Callable

import psycopg

from wasl.kit import pglane
from wasl.kit.pglane import Lane, Statement
from wasl.kit.signal import WAKE, Queue

GAP = 0.03
"""Seconds between two NOTIFYs of one process, at least: a worker does not look more often than that."""


class Waker:
    """Coalesces pokes into NOTIFYs on a connection of its own."""

    def __init__(
        self, connect: Callable[[], Awaitable[psycopg.AsyncConnection]], queue: Queue = "intake"
    ) -> None:
        self._connect = connect
        self._queue = queue
        self._poked = asyncio.Event()
        self._task: asyncio.Task[None] | None = None

    def poke(self) -> None:
        """Something was committed; the worker hears of it within a few milliseconds."""
        self._poked.set()
        if self._task is None or self._task.done():
            self._task = asyncio.get_running_loop().create_task(self._run())

    async def close(self) -> None:
        """Stop, losing nothing: the worker looks by itself."""
        if self._task:
            self._task.cancel()
            with contextlib.suppress(asyncio.CancelledError, psycopg.Error):
                await self._task

    async def _run(self) -> None:
        """Until the connection breaks; the next poke then makes a new one."""
        with contextlib.suppress(psycopg.Error), contextlib.closing(Lane(await self._connect())) as lane:
            while True:
                await self._poked.wait()
                self._poked.clear()
                await lane.run(_NOTIFY, {"channel": WAKE.encode(), "queue": self._queue.encode()})
                await asyncio.sleep(GAP)


_NOTIFY = Statement(
    "wake", "SELECT pg_notify(%(channel)s, %(queue)s)", {"channel": pglane.TEXT, "queue": pglane.TEXT}
)
