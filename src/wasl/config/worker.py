"""The worker: understands what came in, sends what goes out, and lets the followers follow.

Three kinds of loop, each in a thread with its own connection. A loop is woken by a NOTIFY of whoever left it work,
and looks by itself once a second: a lost wake-up delays, it never loses.
"""

import logging
import random
import signal
import threading
import time
from collections.abc import Callable
from typing import Any

import psycopg
from django.conf import settings
from psycopg_pool import PoolTimeout

from wasl.config.followers import ALONE, TOGETHER
from wasl.config.loops import LOOPS
from wasl.conversations import understand
from wasl.delivery.work import Sender
from wasl.kit import alive, collecting
from wasl.kit.db import conninfo, pool
from wasl.kit.signal import WAKE
from wasl.timeline.follow import Company, Follower, run_once
from wasl.timeline.heartbeat import Heart

log = logging.getLogger(__name__)

IDLE = 1.0
"""Seconds after which a loop that was not woken looks by itself."""

INTAKE_GAP = 0.1
"""Most seconds between two small batches of a busy time: a batch of eight costs half of eight batches of one."""

DELIVERY_GAP = 0.008
"""Seconds between two turns of the sender: calls that return together are recorded together."""

FOLLOW_GAP = 0.25
LOOK_AGAIN = 0.1
"""Seconds after which followers that were woken look again: what they were woken for may still be above the horizon."""

RESTED = 0.05
"""A loop that was left alone for so many seconds answers the next wake-up at once."""

SMALL = 50
LONGEST_PAUSE = 5.0
LONGEST_REST = 60.0
"""Seconds that a timed loop may ask to be left alone."""


class Loop(threading.Thread):
    """Calls `step` again and again. `step` returns the seconds until it wants to be called without being woken.

    Woken after a rest it runs at once; woken again and again it gathers work for longer and longer, up to `gap`.
    """

    def __init__(
        self,
        name: str,
        step: Callable[[], float],
        gap: float = 0.0,
        woken: threading.Event | None = None,
        longest: float = IDLE,
    ) -> None:
        super().__init__(name=name, daemon=True)
        self._step = step
        self._gap = gap
        self._longest = longest
        self._pace = 0.0
        self.was_woken = False
        self.woken = woken or threading.Event()
        self._stopping = threading.Event()

    def run(self) -> None:
        failures = 0
        while not self._stopping.is_set():
            try:
                wait = min(self._step(), self._longest)
                failures = 0
            except Exception as error:
                failures += 1
                wait = _pause(failures)
                _complain(self.name, error, failures, wait)
                self._stopping.wait(wait)
                continue
            if wait > 0:
                self._rest(wait)

    def _rest(self, wait: float) -> None:
        began = time.monotonic()
        self.was_woken = self.woken.wait(wait)
        rested = time.monotonic() - began > RESTED
        self._pace = 0.0 if rested else min(self._gap, 2 * self._pace + 0.004)
        if self._pace:
            self._stopping.wait(self._pace)
        self.woken.clear()

    def stop(self) -> None:
        """Ask the loop to end after the step it is in."""
        self._stopping.set()
        self.woken.set()


def _pause(failures: int) -> float:
    """Full jitter, so that workers do not come back all at once."""
    return random.uniform(0.05, min(LONGEST_PAUSE, 0.1 * 2**failures))  # noqa: S311 - not a secret


def _complain(name: str, error: Exception, failures: int, wait: float) -> None:
    if isinstance(error, psycopg.OperationalError | PoolTimeout):
        if failures == 1:
            log.warning("%s: the database is away; trying again", name)
    else:
        log.error("%s failed (%d times in a row); again in %.1f s", name, failures, wait, exc_info=error)


def intake_step() -> float:
    """One batch of inbound."""
    with pool("queue", "worker intake", 1, planned_once=True).connection() as conn:
        taken = understand.step(conn)
    return 0.0 if taken >= SMALL else IDLE


class Following:
    """Lets each follower read one batch, again at once while one of them finds something."""

    def __init__(self, followers: list[Follower], company: Company) -> None:
        self._followers = followers
        self._company = company
        self._until = 0.0

    def step(self, woken: bool) -> float:
        """The seconds until the next look; soon, for a while after there was news."""
        more = False
        with pool("queue", "worker followers", 1, planned_once=True).connection() as conn:
            for follower in self._followers:
                more |= run_once(conn, follower) > 0
            more |= self._company.run_once(conn) > 0
        present = time.monotonic()
        if more or woken:
            self._until = present + IDLE
        if more:
            return 0.0
        return LOOK_AGAIN if present < self._until else IDLE


class Listener(threading.Thread):
    """Hears NOTIFY and wakes the loop that it concerns; connects again for as long as it takes."""

    def __init__(self, loops: dict[str, Loop]) -> None:
        super().__init__(name="listener", daemon=True)
        self._loops = loops
        self._stopping = threading.Event()

    def run(self) -> None:
        while not self._stopping.is_set():
            try:
                self._listen()
            except psycopg.Error:
                self._stopping.wait(_pause(3))

    def _listen(self) -> None:
        info = conninfo("queue", "worker listener")
        with psycopg.connect(info, autocommit=True, connect_timeout=5) as conn, alive.shown(conn):
            conn.execute(f"LISTEN {WAKE}")
            for loop in self._loops.values():
                loop.woken.set()  # whatever was said while nobody listened
            while not self._stopping.is_set():
                for notice in conn.notifies(timeout=IDLE):
                    if loop_of := self._loops.get(notice.payload):
                        loop_of.woken.set()

    def stop(self) -> None:
        """End within a second."""
        self._stopping.set()


def run() -> None:
    """Run until SIGTERM or SIGINT, then finish what is in hand."""
    settings.ENV.run_dir.mkdir(parents=True, exist_ok=True)  # large letters are written there
    bell = threading.Event()
    sender = Sender(pool("queue", "worker", 6), senders=settings.ENV.worker_senders, bell=bell)
    loops = {
        "intake": Loop("intake", intake_step, INTAKE_GAP),
        "delivery": Loop("delivery", sender.step, DELIVERY_GAP, woken=bell),
    }
    following = Following(ALONE, TOGETHER)
    timeline = Loop("timeline", lambda: following.step(timeline.was_woken), FOLLOW_GAP)
    loops["timeline"] = timeline
    loops |= {timed.name: Loop(timed.name, timed.step, longest=LONGEST_REST) for timed in LOOPS}
    listener = Listener(loops)
    stop = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: stop.set())
    threads: list[Any] = [listener, *loops.values()]
    collecting.settle()
    alive.expect()  # what is held from the first moment is to be free at once when we are killed
    for thread in threads:
        thread.start()
    log.info("working")
    with Heart("worker"):
        while not stop.wait(IDLE):
            _stand_or_fall(threads)
    for thread in threads:
        thread.stop()
    deadline = time.monotonic() + 10
    for thread in threads:
        thread.join(max(0.0, deadline - time.monotonic()))
    for timed in LOOPS:
        timed.close()
    sender.close()


def _stand_or_fall(threads: list[Any]) -> None:
    """A thread that ended by itself takes the worker down, so that the supervisor starts a whole one."""
    for thread in threads:
        if not thread.is_alive():
            raise SystemExit(f"{thread.name} ended by itself")
