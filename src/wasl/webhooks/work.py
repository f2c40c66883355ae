"""The worker's loop: claims calls, lets threads make them, writes down what came of them.

Calls are made between short transactions and never inside one. An endpoint has at most `EACH` of the callers, and one
that fails has one: whoever hangs makes nobody else wait.
"""

import logging
import random
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from datetime import datetime
from queue import Empty, SimpleQueue
from typing import Any
from uuid import UUID

from psycopg_pool import ConnectionPool

from wasl.delivery.crew import Crew
from wasl.kit import outside
from wasl.kit.clock import now as clock_now
from wasl.kit.db import Connection
from wasl.webhooks import claim, course, signing
from wasl.webhooks.claim import Job, Key, Result
from wasl.webhooks.course import Dice, Why

log = logging.getLogger(__name__)

EACH = 4
TIMEOUT = 10.0
ANSWER = 1024
"""Bytes of an answer that are kept for people to look at."""

PATIENCE = 0.25
IDLE = 30.0
SWEEP_EVERY = 600.0

OnOff = Callable[[Key, Why | str], None]


class Caller:
    """Calls what is due. `step` takes one turn; one thread calls it, up to `size` others make the calls.

    `pool` gives a pool of the queue role. `private` lets calls go to networks of one's own. `on_off` is told of each
    endpoint that was switched off, after that is certain.
    """

    def __init__(
        self,
        pool: Callable[[], ConnectionPool[Any]],
        *,
        size: int,
        private: bool = False,
        timeout: float = TIMEOUT,
        on_off: OnOff | None = None,
        clock: Callable[[], datetime] = clock_now,
        dice: Dice = random.random,
    ) -> None:
        self._pool = pool
        self._size = size
        self._private = private
        self._timeout = timeout
        self._on_off = on_off
        self._clock = clock
        self._dice = dice
        self._crew = Crew(size, lambda: None)
        self._returned: SimpleQueue[Result] = SimpleQueue()
        self._results: list[Result] = []
        self._under_way: dict[UUID, Job] = {}
        self._failing: set[Key] = set()
        self._swept_at = -SWEEP_EVERY
        self._closing = threading.Event()

    def step(self) -> float:
        """Take a turn; the seconds until the next one. Raises psycopg.OperationalError while the database is away."""
        self._collect()
        now = self._clock()
        with self._pool().connection() as conn:
            off = self._record(conn, now)
            jobs, wait = ([], IDLE) if self._closing.is_set() else self._claim(conn, now)
        self._results = []
        for key, why in off.items():
            log.warning(
                "webhook %s of workspace %s is switched off: %s", key.endpoint_id, key.workspace_id, why
            )
            if self._on_off:
                self._on_off(key, why)
        for job in jobs:
            self._under_way[job.id] = job
            self._crew.submit(self._caller(job), len(self._under_way))
        self._sweep(now)
        return 0.0 if self._under_way else wait

    def _collect(self) -> None:
        """What the threads have finished; while calls are under way, wait a moment for the next."""
        try:
            if self._under_way:
                self._results.append(self._returned.get(timeout=PATIENCE))
            while True:
                self._results.append(self._returned.get_nowait())
        except Empty:
            pass
        for result in self._results:
            self._under_way.pop(result.job.id, None)
            (self._failing.add if result.why else self._failing.discard)(result.job.key)

    def _record(self, conn: Connection, now: datetime) -> dict[Key, str]:
        """Write results down; the endpoints that are switched off for them, and why."""
        if not self._results:
            return {}
        standing = claim.record(conn, self._results)
        gone = {result.job.key for result in self._results if result.why == Why.GONE}
        ended = {result.job.key for result in self._results if result.why and not result.again_at}
        hopeless = {
            key
            for key, since in standing.items()
            if since and key in ended and course.is_hopeless(since, now) and key not in gone
        }
        gone &= standing.keys()
        claim.switch_off(conn, sorted(gone), "gone", now)
        claim.switch_off(conn, sorted(hopeless), "failing", now)
        return dict.fromkeys(gone, "gone") | dict.fromkeys(hopeless, "failing")

    def _claim(self, conn: Connection, now: datetime) -> tuple[list[Job], float]:
        claim.give_back_lost(conn, now)
        heads = claim.heads(conn)
        busy = Counter(job.key for job in self._under_way.values())
        room = {
            key: (1 if key in self._failing else EACH) - busy[key] for key, at in heads.items() if at <= now
        }
        quotas = deal(room, self._size - len(self._under_way))
        jobs = claim.take(conn, quotas, now) if quotas else []
        waits = [(at - now).total_seconds() for at in heads.values()]
        return jobs, max(0.05, min([IDLE, *waits]))

    def _caller(self, job: Job) -> Callable[[], None]:
        def make() -> None:
            self._returned.put(self._call(job))

        return make

    def _call(self, job: Job) -> Result:
        """Make the call. Raises nothing: whatever happens is a result."""
        at, began = self._clock(), time.monotonic()
        status, why, answer, asked = None, "", "", None
        headers = {
            "Content-Type": "application/json",
            "User-Agent": "Wasl-Webhooks/1",
            **signing.headers(job.secrets, job.id, at, job.body),
        }
        try:
            found = outside.post(
                job.url, job.body, headers, timeout=self._timeout, most=ANSWER, private=self._private
            )
            status = found.status
            why = course.verdict(status) or ""
            answer = found.body.decode(errors="replace").replace("\0", "")
            if why == Why.REDIRECT:
                answer = found.headers.get("location", "")[:ANSWER].replace("\0", "")
            asked = course.retry_after(found.headers.get("retry-after", ""))
        except outside.NotCalled as refused:
            why, answer = refused.reason, refused.detail
        except Exception:  # a fault of ours must not lose the call
            log.exception("call %s failed in a way nobody thought of", job.id)
            why = outside.Refusal.BROKEN
        again = course.again(job.tries, why, asked, self._clock(), self._dice) if why else None
        return Result(job, at, time.monotonic() - began, status, why, answer, again)

    def _sweep(self, now: datetime) -> None:
        if time.monotonic() - self._swept_at >= SWEEP_EVERY:
            with self._pool().connection() as conn:
                more = claim.forget_old(conn, now)
            self._swept_at = -SWEEP_EVERY if more else time.monotonic()

    def close(self, patience: float = 12.0) -> None:
        """Claim nothing more, let the calls in hand return, write them down."""
        self._closing.set()
        end = time.monotonic() + patience
        while self._under_way and time.monotonic() < end:
            self.step()
        self._crew.dismiss()


def deal(room: Mapping[Key, int], free: int) -> dict[Key, int]:
    """Deal free callers out, one to each endpoint in turn."""
    dealt: Counter[Key] = Counter()
    turns: Iterable[Key] = sorted(room, key=lambda key: (random.random(), key))  # noqa: S311 - not a secret
    while free > 0 and (turns := [key for key in turns if dealt[key] < room[key]]):
        for key in turns[:free]:
            dealt[key] += 1
        free -= len(turns[:free])
    return dict(dealt)
