"""The worker's end of the OUT road: claim, call, record, in turns.

A turn is one short transaction: it records the calls that have returned, looks after leases and doubts, and claims
as many deliveries as there are free senders, with their attempts written down. Calls are made between turns, by
threads of their own, and never inside a transaction. So one commit pays for many deliveries, and what a killed
worker leaves in doubt is at most what its senders had in hand.
"""

import logging
import random
import threading
import time
from collections import Counter
from collections.abc import Callable, Sequence
from datetime import datetime, timedelta
from queue import SimpleQueue
from typing import Any
from uuid import UUID

import psycopg
from django.conf import settings
from psycopg_pool import ConnectionPool

from wasl.delivery import claim, course
from wasl.delivery.call import call
from wasl.delivery.claim import Job, Key
from wasl.delivery.course import Ending, Limits, Outcome, Standing
from wasl.delivery.crew import Crew, Task
from wasl.delivery.lines import Lines, Outlet, ask, outlets
from wasl.delivery.models import State
from wasl.delivery.rows import Change, Row, carry_out, put_off
from wasl.delivery.throttle import Breaker, share
from wasl.kit.clock import now as clock_now
from wasl.kit.db import Connection
from wasl.kit.pausing import Dice

log = logging.getLogger(__name__)

LEASE = 30.0
IDLE = 10.0
WATCH = 1.0
REMEMBERED = 10.0
"""Seconds for which an inbox's settings are believed."""

PAUSE = timedelta(seconds=0.25)
SET_ASIDE = timedelta(minutes=5)
_UNMADE = Outcome(Ending.UNMADE)
_STOPPED = Outcome(Ending.IN_DOUBT, detail="The worker stopped during the call.")


def configured_limits() -> Limits:
    """What the settings say."""
    env = settings.ENV
    return Limits(
        attempts=env.delivery_max_attempts,
        first_wait=env.delivery_retry_wait,
        doubt_wait=env.delivery_in_doubt_wait,
    )


class Sender:
    """Sends what is due. `step` takes one turn; `bell` rings when a call has returned and a turn is worth taking.

    `pool` is of the queue role. One thread calls `step`; up to `senders` threads make calls.
    """

    def __init__(
        self,
        pool: ConnectionPool[Any],
        *,
        senders: int,
        limits: Limits | None = None,
        lease: float = LEASE,
        bell: threading.Event | None = None,
        clock: Callable[[], datetime] = clock_now,
        dice: Dice = random.random,
    ) -> None:
        self.bell = bell or threading.Event()
        self._pool = pool
        self._senders = senders
        self._limits = limits or configured_limits()
        self._lease = timedelta(seconds=lease)
        self._clock = clock
        self._dice = dice
        self._lines = Lines()
        self._breakers: dict[Key, Breaker] = {}
        self._outlets: dict[Key, tuple[float, Outlet]] = {}
        self._served: dict[Key, int] = {}
        self._turns = 0
        self._crew = Crew(senders, self._ring)
        self._returned: SimpleQueue[tuple[Job, Outcome]] = SimpleQueue()
        self._looked: SimpleQueue[tuple[Row, bool | None]] = SimpleQueue()
        self._calls: list[tuple[Job, Outcome]] = []
        self._looks: list[tuple[Row, bool | None]] = []
        self._under_way: dict[UUID, Job] = {}
        self._looking = 0
        self._conn: Connection | None = None
        self._watched: datetime | None = None
        self._renewed_at = self._swept_at = self._watch_at = 0.0
        self._careful = False
        self._closing = False

    # A turn --------------------------------------------------------------------------------------------------

    def step(self) -> float:
        """Take a turn; the seconds until the next one is needed unless the bell rings, 0 when there is more to do.

        Raises psycopg.OperationalError while the database is away; nothing is lost by that, the next turn goes on.
        """
        self._collect()
        claimed: list[Job] = []
        looks: list[tuple[Row, str]] = []
        try:
            if self._conn is None:
                self._conn = self._pool.getconn()
            wait = self._turn(self._conn, claimed, looks)
            self._conn.commit()
        except BaseException as error:
            # Whether or not the commit went through, these calls are not made: so they are not in doubt.
            self._calls += [(job, _UNMADE) for job in claimed]
            self._careful = not isinstance(error, psycopg.OperationalError)
            self._watch_at = 0.0
            self._let_go()
            raise
        self._calls, self._looks, self._careful = [], [], False
        for job in claimed:
            self._under_way[job.row.id] = job
            self._submit(self._caller(job, self._outlets[job.key][1]))
        for row, message_id in looks:
            self._looking += 1
            self._submit(self._looker(row, self._outlets[Key(row.workspace_id, row.inbox_id)][1], message_id))
        self._sweep()
        return wait

    def _let_go(self) -> None:
        """Give the connection back to the pool, which rolls back or throws away what is broken."""
        conn, self._conn = self._conn, None
        if conn is not None:
            self._pool.putconn(conn)

    def _turn(self, conn: Connection, claimed: list[Job], looks: list[tuple[Row, str]]) -> float:
        now = self._clock()
        self._record_calls(conn, now)
        self._record_looks(conn, now)
        self._renew(conn, now)
        if self._closing:
            return IDLE
        more = self._watch(conn, now, looks)
        heads = claim.heads(conn)
        due = {key for key, at in heads.items() if at <= now}
        self._know(conn, due)
        more |= self._hold(conn, due, now)
        quotas = self._quotas(due, now, len(looks))
        claimed += claim.take(conn, quotas, now, now + self._lease)
        if more:
            return 0.0
        moments = [at for key, at in heads.items() if key not in due]
        if quotas and not claimed:  # somebody else held the rows for a moment
            moments.append(now + PAUSE)
        if claimed or self._under_way:
            moments.append(now + self._lease / 3)  # to renew
        return self._until_next(moments, due, now)

    def _until_next(self, moments: list[datetime], due: set[Key], now: datetime) -> float:
        """Seconds until something becomes due by itself. What waits for a free sender waits for the bell."""
        moments += [b.until for key, b in self._breakers.items() if key in due and b.until and b.is_open(now)]
        if self._watched and (self._watched > now or not self.busy):
            moments.append(self._watched)
        waits = [(at - now).total_seconds() for at in moments]
        return max(0.001, min([IDLE, *waits]))

    @property
    def busy(self) -> int:
        """Calls and questions under way."""
        return len(self._under_way) + self._looking

    # Recording -----------------------------------------------------------------------------------------------

    def _collect(self) -> None:
        """What the threads have finished; and what it says of the providers."""
        while not self._looked.empty():
            self._looks.append(self._looked.get())
            self._looking -= 1
        while not self._returned.empty():
            job, outcome = self._returned.get()
            self._under_way.pop(job.row.id, None)
            self._calls.append((job, self._heard(job.key, outcome)))

    def _heard(self, key: Key, outcome: Outcome) -> Outcome:
        """Tell the inbox's breaker; a delivery that found the provider out of reach waits as long as it rests."""
        if outcome.ending == Ending.UNREACHED:
            now = self._clock()
            until = self._breakers.setdefault(key, Breaker()).fail(outcome.reason, now, self._dice)
            return Outcome(
                outcome.ending, outcome.reason, outcome.code, outcome.detail, (until - now).total_seconds()
            )
        if outcome.ending != Ending.IN_DOUBT:
            self._breakers.pop(key, None)
        return outcome

    def _record_calls(self, conn: Connection, now: datetime) -> None:
        if not self._calls:
            return
        held = claim.still_held(conn, [job.row for job, _ in self._calls])
        known = claim.receipts(conn, list(held.values()))
        changes, unmade = [], []
        for job, outcome in self._calls:
            if row := held.get(job.row.id):
                standing = course.after_call(row.standing, outcome, now, self._limits, self._dice)
                standing = _with_receipts(standing, known.get(row.id, ()), job)
                made = outcome.ending != Ending.UNMADE
                changes.append(Change.of(row, standing, outcome, job.attempt_id if made else None))
                unmade += [] if made else [(row.workspace_id, job.attempt_id)]
        self._carry_out(conn, changes, now)
        claim.erase(conn, unmade)

    def _record_looks(self, conn: Connection, now: datetime) -> None:
        if self._looks:
            held = claim.still_held(conn, [row for row, _ in self._looks])
            taken = {row.id: said for row, said in self._looks}
            self._carry_out(conn, [self._after_look(row, taken[row.id], now) for row in held.values()], now)

    def _after_look(self, row: Row, taken: bool | None, now: datetime) -> Change:
        return Change.of(row, course.after_look(row.standing, taken, now, self._limits))

    def _carry_out(self, conn: Connection, changes: Sequence[Change], now: datetime) -> None:
        """All changes at once; after a turn that failed, one by one, and what cannot be written is set aside."""
        if any(change.now.state == State.IN_DOUBT for change in changes):
            self._watch_at = 0.0
        if not self._careful:
            carry_out(conn, changes, now)
            return
        for change in changes:
            try:
                with conn.transaction():
                    carry_out(conn, [change], now)
            except psycopg.OperationalError:
                raise
            except Exception:
                log.exception("the change of delivery %s cannot be written", change.row.id)
                put_off(conn, change.row, now + SET_ASIDE)

    # Leases and doubts ---------------------------------------------------------------------------------------

    def _watch(self, conn: Connection, now: datetime, looks: list[tuple[Row, str]]) -> bool:
        """See to leases that ended and doubts that are due, once a second; whether there is more of it."""
        if time.monotonic() < self._watch_at:
            return False
        more = self._end_lost_calls(conn, now)
        more |= self._claim_looks(conn, now, looks)
        self._watched = claim.next_watched(conn)
        pause = (self._watched - now).total_seconds() if self._watched else WATCH
        self._watch_at = time.monotonic() + min(WATCH, max(0.0, pause))
        return more

    def _renew(self, conn: Connection, now: datetime) -> None:
        elapsed = time.monotonic() - self._renewed_at
        if self._under_way and elapsed > self._lease.total_seconds() / 3:
            claim.renew(conn, [job.row for job in self._under_way.values()], now + self._lease)
            self._renewed_at = time.monotonic()

    def _end_lost_calls(self, conn: Connection, now: datetime) -> bool:
        """Calls whose worker is gone are in doubt; whether there are more than one turn takes."""
        lost = claim.lost(conn, now)
        if lost:
            known = claim.receipts(conn, [job.row for job in lost])
            changes = []
            for job in lost:
                standing = course.doubt(job.row.standing, now, self._limits)
                standing = _with_receipts(standing, known.get(job.row.id, ()), job)
                changes.append(Change.of(job.row, standing, _STOPPED, job.attempt_id))
            self._carry_out(conn, changes, now)
        return len(lost) == claim.SLICE

    def _claim_looks(self, conn: Connection, now: datetime, looks: list[tuple[Row, str]]) -> bool:
        """Doubts that are due: ask the provider where it can be asked, decide without it where it cannot."""
        free = self._senders - self.busy
        if free <= 0:
            return False
        found = claim.doubtful(conn, now, now + self._lease, free)
        self._know(conn, {Key(row.workspace_id, row.inbox_id) for row, _ in found})
        silent = []
        for row, message_id in found:
            if self._outlets[Key(row.workspace_id, row.inbox_id)][1].lookup:
                looks.append((row, message_id))
            else:
                silent.append(self._after_look(row, None, now))
        self._carry_out(conn, silent, now)
        return len(found) == free

    # Claiming ------------------------------------------------------------------------------------------------

    def _know(self, conn: Connection, keys: set[Key]) -> None:
        """Read the settings of inboxes that are not known, or not known well any more."""
        since = time.monotonic() - REMEMBERED
        unknown = [key for key in keys if key not in self._outlets or self._outlets[key][0] < since]
        if unknown:
            read = time.monotonic()
            self._outlets |= {key: (read, outlet) for key, outlet in outlets(conn, unknown).items()}

    def _hold(self, conn: Connection, due: set[Key], now: datetime) -> bool:
        """Put off what is due where the provider is out of reach, so that people see why and until when."""
        more = False
        for key in due:
            breaker = self._breakers.get(key)
            if breaker is None or breaker.until is None or not breaker.is_open(now):
                continue
            rows = claim.waiting(conn, key, now)
            held = [
                Change.of(row, course.held(row.standing, breaker.reason, breaker.until, now)) for row in rows
            ]
            self._carry_out(conn, held, now)
            more |= len(rows) == claim.SLICE
        return more

    def _quotas(self, due: set[Key], now: datetime, looking: int) -> dict[Key, int]:
        busy = Counter(job.key for job in self._under_way.values())
        room = {}
        for key in due:
            breaker = self._breakers.get(key)
            limit = 1 if breaker else self._outlets[key][1].connections(self._senders)
            room[key] = 0 if breaker and breaker.is_open(now) else limit - busy[key]
        quotas = share(due, self._senders - self.busy - looking, room, self._served)
        self._turns += 1
        self._served |= dict.fromkeys(quotas, self._turns)
        return quotas

    # Calling -------------------------------------------------------------------------------------------------

    def _caller(self, job: Job, outlet: Outlet) -> Task:
        def make() -> None:
            self._returned.put((job, call(self._lines, outlet, job)))

        return make

    def _looker(self, row: Row, outlet: Outlet, message_id: str) -> Task:
        def look() -> None:
            self._looked.put((row, ask(outlet.lookup, message_id)))

        return look

    def _submit(self, task: Task) -> None:
        self._crew.submit(task, self.busy)

    def _ring(self) -> None:
        self.bell.set()

    def _sweep(self) -> None:
        if time.monotonic() - self._swept_at > 5.0:
            self._swept_at = time.monotonic()
            self._lines.sweep()

    # The end -------------------------------------------------------------------------------------------------

    def close(self, patience: float = 20.0) -> None:
        """Claim nothing more, let the calls in hand return, record them, hang up."""
        self._closing = True
        end = time.monotonic() + patience
        while time.monotonic() < end:
            self.bell.clear()
            try:
                self.step()
            except psycopg.OperationalError:
                time.sleep(0.2)
            if not self.busy and not self._calls:
                break
            self.bell.wait(min(1.0, max(0.0, end - time.monotonic())))
        self._crew.dismiss()
        self._lines.close()
        self._let_go()

    def run(self, stopping: threading.Event) -> None:
        """Take turns until `stopping` is set and the bell rung, then close."""
        while not stopping.is_set():
            self.bell.clear()
            try:
                wait = self.step()
            except psycopg.OperationalError:
                wait = 0.5
            self.bell.wait(wait)
        self.close()


def _with_receipts(standing: Standing, receipts: Sequence[claim.Known], job: Job) -> Standing:
    """Receipts that came during the call count now that it has ended."""
    for receipt in receipts:
        if receipt.at >= job.started_at and standing.state != State.SENDING:
            standing = course.after_receipt(standing, receipt.kind, receipt.reason, receipt.at)
    return standing
