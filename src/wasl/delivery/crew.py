"""The threads that make calls."""

import threading
from collections.abc import Callable
from queue import SimpleQueue

Task = Callable[[], None]


class Crew:
    """Up to `size` threads, started as they are needed. `done` is called after each task.

    Daemons: a call that hangs must not keep a worker from ending; its lease will speak for it.
    """

    def __init__(self, size: int, done: Task) -> None:
        self._size = size
        self._done = done
        self._tasks: SimpleQueue[Task | None] = SimpleQueue()
        self._threads: list[threading.Thread] = []

    def submit(self, task: Task, busy: int) -> None:
        """Do this next; `busy` is how many tasks are under way with it."""
        if len(self._threads) < min(self._size, busy):
            thread = threading.Thread(target=self._serve, name=f"sender-{len(self._threads)}", daemon=True)
            self._threads.append(thread)
            thread.start()
        self._tasks.put(task)

    def dismiss(self) -> None:
        """End the threads once they have nothing left to do."""
        for _ in self._threads:
            self._tasks.put(None)

    def _serve(self) -> None:
        while (task := self._tasks.get()) is not None:
            task()
            self._done()
