"""Asking who a viewer is without holding up the event loop, and for everyone who asks at once together."""

import asyncio
from collections.abc import Callable, Collection, Mapping
from concurrent.futures import ThreadPoolExecutor

from django.db import connections

from wasl.live.viewers import Viewer, viewers

Ask = Callable[[Collection[str]], Mapping[str, Viewer]]


class Roster:
    """Answers questions about sessions in a thread of its own.

    An answer never rests on data read before the question was put: whoever asks while a round is under way is
    part of the next one. A thousand browsers that come back after a restart are a handful of rounds.
    """

    def __init__(self, ask: Ask = viewers) -> None:
        self._ask = ask
        self._pending: dict[str, None] = {}
        self._round: asyncio.Future[Mapping[str, Viewer]] | None = None
        self._task: asyncio.Task[None] | None = None
        self._thread = ThreadPoolExecutor(1, "live")

    async def viewer(self, key: str) -> Viewer | None:
        """Who is behind one session key. Raises django.db.Error when the database does not answer."""
        return (await self.viewers([key])).get(key)

    async def viewers(self, keys: Collection[str]) -> Mapping[str, Viewer]:
        """Who is behind session keys; the answer may hold more than was asked for."""
        if self._round is None:
            self._round = asyncio.get_running_loop().create_future()
        self._pending.update(dict.fromkeys(keys))
        following = self._round
        if self._task is None:
            self._task = asyncio.create_task(self._work())
        return await asyncio.shield(following)

    async def _work(self) -> None:
        loop = asyncio.get_running_loop()
        try:
            while self._round is not None:
                asked, answer = list(self._pending), self._round
                self._pending, self._round = {}, None
                try:
                    answer.set_result(await loop.run_in_executor(self._thread, self._answer, asked))
                except Exception as error:
                    answer.set_exception(error)
                    # Nobody may be waiting any more; the loop is not to complain of that.
                    answer.exception()
        finally:
            self._task = None

    def _answer(self, asked: list[str]) -> Mapping[str, Viewer]:
        try:
            return self._ask(asked)
        finally:
            connections.close_all()

    def close(self) -> None:
        """End the thread."""
        self._thread.shutdown(wait=False, cancel_futures=True)
