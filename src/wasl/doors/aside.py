"""Work with the models beside the event loop: on a thread of its own, whose connections go back after each piece."""

import asyncio
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

from django.db import connections

T = TypeVar("T")


class Aside:
    """One thread under that name: few ask for this, and pages are not to wait for the connections of many at once."""

    def __init__(self, name: str) -> None:
        self._thread = ThreadPoolExecutor(1, name)

    async def run(self, work: Callable[[], T]) -> T:
        """What `work` returns, or raises."""

        def go() -> T:
            try:
                return work()
            finally:
                connections.close_all()

        return await asyncio.get_running_loop().run_in_executor(self._thread, go)
