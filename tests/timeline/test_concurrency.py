"""Twelve writers at once, some slow, some rolled back: no follower loses a touchpoint or sees one twice."""

import os
import random
import threading
import time
from collections import Counter
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from typing import Any
from uuid import UUID

import psycopg

from tests.timeline.conftest import AT
from tests.timeline.people import make_customers, make_workspace
from wasl.kit.db import SET_WORKSPACE, Connection, conninfo, prepare
from wasl.timeline import log
from wasl.timeline.actions import Touch, append
from wasl.timeline.audit import audit
from wasl.timeline.follow import Follower, Seen, lag, run_once

WRITERS = 12
TOUCHPOINTS = 100_000 if os.environ.get("CI") else 24_000


class Writer:
    """Commits touchpoints in transactions of all sizes, held open for all lengths, until its share is written."""

    def __init__(self, number: int, places: list[tuple[UUID, list[UUID]]]) -> None:
        self.chance = random.Random(number)
        self.places = places
        self.committed: list[UUID] = []
        self.rolled_back = 0

    def run(self) -> None:
        with psycopg.connect(conninfo("app", "writer"), autocommit=True) as conn:
            prepare(conn)
            while len(self.committed) < TOUCHPOINTS // WRITERS:
                self.transaction(conn)

    def transaction(self, conn: Connection) -> None:
        rolled_back = self.chance.random() < 0.15
        made: list[UUID] = []
        with conn.transaction(force_rollback=rolled_back):
            workspace_id, people = self.chance.choice(self.places)
            conn.execute(SET_WORKSPACE, [str(workspace_id)])
            for _ in range(self.chance.choice([1, 1, 1, 2])):
                made += append(conn, workspace_id, self.touches(people))
                time.sleep(self.chance.choice([0, 0, 0.002, 0.01, 0.05]))
        if rolled_back:
            self.rolled_back += len(made)
        else:
            self.committed += made

    def touches(self, people: list[UUID]) -> list[Touch]:
        size = self.chance.choice([1, 1, 3, 40, 250])
        detail = {"subject": "x"} if self.chance.random() < 0.3 else None
        return [Touch(self.chance.choice(people), "message.sent", AT, detail=detail) for _ in range(size)]


class Reader:
    """Follows on a connection of its own, and now and then fails in the middle of a batch."""

    def __init__(self, follower: Follower, done: threading.Event, seed: int) -> None:
        self.chance = random.Random(seed)
        self.follower, self.done = follower, done
        self.seen: Counter[UUID] = Counter()
        self.ordered: list[UUID] = []

    def run(self) -> None:
        with psycopg.connect(conninfo("queue", "reader"), autocommit=True) as conn:
            prepare(conn)
            conn.execute("CREATE TEMP TABLE got (n serial, id uuid)")
            while not (self.step(conn) == 0 and self.done.is_set()):
                time.sleep(0.005)
            self.ordered = [row[0] for row in conn.execute("SELECT id FROM got ORDER BY n")]
            self.seen.update(self.ordered)

    def step(self, conn: Connection) -> int:
        finished = self.done.is_set()
        with suppress(InterruptedError):
            # Another reader's open transaction may hold the horizon below the last touchpoints: nothing is read then.
            return run_once(conn, self.follower) or int(not finished) or self.behind(conn)
        return 1

    def behind(self, conn: Connection) -> int:
        return next(one.rows for one in lag(conn) if one.name == self.follower.cursor)


def collecting(chance: random.Random) -> Callable[[Connection, list[Seen]], None]:
    """Notes every id in the transaction; fails after it did, once in twenty batches."""

    def handle(conn: Connection, batch: list[Seen]) -> None:
        conn.execute("INSERT INTO got (id) SELECT * FROM unnest(%s::uuid[])", [[row.id for row in batch]])
        if chance.random() < 0.05:
            raise InterruptedError

    return handle


def test_no_follower_loses_or_doubles_a_touchpoint(db: None, owner: psycopg.Connection[Any]) -> None:
    places = [(w, make_customers(owner, w, 30)) for w in (make_workspace(owner), make_workspace(owner))]
    writers = [Writer(number, places) for number in range(WRITERS)]
    done = threading.Event()
    whole = Follower(name="whole", handle=collecting(random.Random(1)), parks=False)
    parts = Follower(name="parts", handle=collecting(random.Random(2)), parks=False).split(2)
    # Two processes compete for the whole one and for the log; each part has its own.
    readers = [Reader(f, done, n) for n, f in enumerate([whole, whole, *parts, log.LOG, log.LOG])]
    with ThreadPoolExecutor(WRITERS + len(readers)) as pool:
        reading = [pool.submit(reader.run) for reader in readers]
        try:
            for writing in [pool.submit(writer.run) for writer in writers]:
                writing.result()
        finally:
            done.set()
        for future in reading:
            future.result()

    committed = [i for writer in writers for i in writer.committed]
    assert len(committed) >= TOUCHPOINTS
    assert sum(writer.rolled_back for writer in writers) > 0
    once = Counter(committed)
    assert readers[0].seen + readers[1].seen == once
    assert readers[2].seen + readers[3].seen == once
    assert readers[2].seen
    assert readers[3].seen
    order = {
        r[0]: n
        for n, r in enumerate(owner.execute("SELECT id FROM timeline_touchpoint ORDER BY epoch, tx, id"))
    }
    for reader in readers[:4]:
        places_in_order = [order[i] for i in reader.ordered]
        assert places_in_order == sorted(places_in_order)
    with psycopg.connect(conninfo("queue", "test")) as conn:
        assert {(one.rows, one.parked) for one in lag(conn)} <= {(0, 0), (one_behind(conn), 0)}
    with psycopg.connect(conninfo("app", "test")) as conn:
        sizes = 0
        for workspace_id, _ in places:
            conn.execute(SET_WORKSPACE, [str(workspace_id)])
            found = audit(conn, workspace_id)
            assert found.whole
            sizes += found.size
            conn.rollback()
        assert sizes == len(committed)


def one_behind(conn: Connection) -> int:
    """The checkpoints' cursor may be a second behind the log's."""
    return next(one.rows for one in lag(conn) if one.name == log.CHECKPOINTS)
