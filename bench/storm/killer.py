"""kill -9, at random moments, of whatever runs."""

import os
import random
import signal
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

import psycopg

from bench.house import House, alive, wait_for

PROCESSES = ("worker", "web", "mail", "postgres", "supervisor", "guardian", "sandbox")
BACKEND, BUSY = "backend", "busy backend"
TARGETS = (*PROCESSES, BACKEND, BUSY)

CALLERS = {"worker", "supervisor", "sandbox"}
"""Whose end leaves calls without an answer. A worker outlives its database, and writes down what it heard meanwhile."""

PAIRED = 0.25
"""How often two things die in one blow."""


@dataclass(frozen=True)
class Blow:
    """What was killed together, when the last of it was dead, and how many calls were in hand just before.

    `open`: by the attempts written down; `under_way`: that the provider was answering.
    """

    targets: tuple[str, ...]
    at: float
    open: int
    under_way: int

    @property
    def loses_calls(self) -> bool:
        """Whether calls may have lost their answer."""
        return not CALLERS.isdisjoint(self.targets)

    @property
    def goal(self) -> float:
        """Seconds until everything must serve again."""
        return 15.0 if BUSY in self.targets else 5.0


def deck(targets: tuple[str, ...], dice: random.Random) -> Iterator[tuple[str, ...]]:
    """What to kill next, for ever: every target once before any comes again, sometimes two at a time."""
    while True:
        cards = list(targets)
        dice.shuffle(cards)
        while cards:
            hand = [cards.pop()]
            if cards and dice.random() < PAIRED and not {hand[0], cards[-1]} >= {"supervisor", "guardian"}:
                hand.append(cards.pop())
            yield tuple(hand)


class Killer:
    """Strikes an installation."""

    def __init__(self, house: House, dice: random.Random, under_way: Callable[[], int]) -> None:
        self._house = house
        self._dice = dice
        self._under_way = under_way

    def strike(self, targets: tuple[str, ...]) -> Blow:
        """Kill these, one right after the other."""
        dead, busy, written = [], 0, self._open_attempts()
        for number, target in enumerate(targets):
            if number:
                time.sleep(self._dice.uniform(0.0, 0.3))
            pid, release = self._find(target)
            busy = max(busy, self._under_way())
            with suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
            release()
            dead.append(pid)
        wait_for(lambda: not any(map(alive, dead)), 20, f"{targets} did not die")
        return Blow(targets, time.monotonic(), written, busy)

    def _open_attempts(self) -> int:
        """Calls that are begun and not ended, as the database knows it."""
        question = (
            "SELECT count(*) FROM delivery_attempt"
            " WHERE finished_at IS NULL AND started_at > now() - interval '2 seconds'"  # older: an earlier kill's
        )
        try:
            with psycopg.connect(self._house.dsn, connect_timeout=5) as conn:
                row = conn.execute(question).fetchone()
        except psycopg.OperationalError:
            return 0
        return int(row[0]) if row else 0

    def _find(self, target: str) -> tuple[int, Callable[[], object]]:
        """The process to kill, and what is to be done after it."""
        if target == BACKEND:
            return self._backend(), _nothing
        if target == BUSY:
            return self._house.pid("postgres"), self._keep_busy()
        return self._house.pid(target), _nothing

    def _backend(self) -> int:
        """A process of PostgreSQL that serves the product, rather one that is at work."""

        def some() -> list[tuple[bool, int]]:
            titles = {pid: _title(pid) for pid in self._house.cluster.processes()}
            found = [(title.endswith(" idle"), pid) for pid, title in titles.items() if " wasl " in title]
            self._dice.shuffle(found)
            return sorted(found, key=lambda each: each[0])

        return wait_for(some, 60, "nobody is connected")[0][1]

    def _keep_busy(self) -> Callable[[], object]:
        """A backend that computes and looks at nothing: it outlives its parent and holds its memory."""
        wait_for(self._house.cluster.ready, 60, "PostgreSQL is away")
        try:
            conn = psycopg.connect(self._house.dsn, autocommit=True)
        except psycopg.OperationalError:
            return _nothing
        conn.pgconn.send_query(
            b"SELECT count(*) FROM generate_series(1, 100000) a, generate_series(1, 1000000) b"
        )
        time.sleep(0.2)
        return conn.pgconn.finish


def _title(pid: int) -> str:
    try:
        return Path(f"/proc/{pid}/cmdline").read_bytes().rstrip(b"\x00 ").decode(errors="replace")
    except OSError:
        return ""


def _nothing() -> None:
    """Nothing is left to do."""
