"""Followers: each touchpoint once, in one order, whatever the writers and the rows do."""

from collections.abc import Collection
from typing import Any
from uuid import UUID

import psycopg
import pytest

from tests.timeline.conftest import AT, Place
from tests.timeline.people import make_customers
from wasl.kit.db import Connection, as_tenant, conninfo
from wasl.timeline import epoch, follow, parked
from wasl.timeline.actions import Touch, append
from wasl.timeline.follow import Follower, Seen, run_once
from wasl.timeline.horizon import horizon


class Collector:
    """Collects what it is handed, in a table: what is rolled back was not collected."""

    def __init__(self, conn: Connection, bad: Collection[UUID] = (), name: str = "test", **more: Any) -> None:  # type: ignore[assignment]
        self.conn, self.bad = conn, bad
        self.calls: list[int] = []
        conn.execute("CREATE TEMP TABLE IF NOT EXISTS collected (n serial, follower text, id uuid)")
        self.follower = Follower(name=name, handle=self.handle, **more)

    def handle(self, conn: Connection, batch: list[Seen]) -> None:
        self.calls.append(len(batch))
        for row in batch:
            conn.execute(
                "INSERT INTO collected (follower, id) VALUES (%s, %s)", [self.follower.cursor, row.id]
            )
            if row.id in self.bad:
                conn.execute("SELECT 1 / 0")

    def drain(self) -> list[UUID]:
        while run_once(self.conn, self.follower):
            pass
        rows = self.conn.execute(
            "SELECT id FROM collected WHERE follower = %s ORDER BY n", [self.follower.cursor]
        )
        return [row[0] for row in rows]


def test_a_follower_sees_everything_once_and_in_order(place: Place, queue: Connection) -> None:
    collector = Collector(queue, batch=7)
    first = place.write(20, channel="email", facts={"size": 3})
    assert run_once(queue, collector.follower) == 7
    second = place.write(5)
    assert collector.drain() == first + second
    assert run_once(queue, collector.follower) == 0
    assert collector.calls == [7, 7, 7, 4]


def test_a_batch_carries_what_was_said(place: Place, queue: Connection) -> None:
    got: list[Seen] = []
    (made,) = place.write(1, channel="email", facts={"size": 3, "language": "ar"})
    run_once(queue, Follower(name="test", handle=lambda conn, batch: got.extend(batch)))
    (row,) = got
    assert (row.workspace_id, row.id, row.customer_id) == (place.id, made, place.people[0])
    assert (row.kind, row.channel, row.facts) == ("message.sent", "email", {"size": 3, "language": "ar"})
    assert (row.occurred_at, row.about_id, row.conversation_id) == (AT, UUID(int=0), None)
    assert row.recorded_at > AT


def test_nothing_above_an_open_transaction_is_read_and_nothing_is_lost(
    place: Place, queue: Connection, owner: psycopg.Connection[Any]
) -> None:
    """The trap itself: a transaction that took its id first commits last."""
    collector = Collector(queue)
    with psycopg.connect(conninfo("app", "slow writer")) as slow:
        slow.execute("SELECT set_config('wasl.workspace', %s, true)", [str(place.id)])
        (early,) = append(slow, place.id, [Touch(place.people[0], "message.sent", AT)])
        late = place.write(3)
        assert collector.drain() == []
        found = horizon(owner)
        assert [(b.application, b.state) for b in found.blockers] == [
            ("wasl slow writer", "idle in transaction")
        ]
        assert found.blockers[0].pid == slow.info.backend_pid
        assert found.seconds > 0
        assert follow.lag(queue)[0].rows == 3
        slow.commit()
    assert collector.drain() == [early, *late]
    assert horizon(owner) == type(found)(0.0, ())


def test_the_cursor_and_the_effects_commit_together(place: Place, queue: Connection) -> None:
    ids = place.write(4)
    collector = Collector(queue)
    collector.drain()
    queue.execute("TRUNCATE collected")
    more = place.write(4)
    with queue.transaction(force_rollback=True):
        assert run_once(queue, collector.follower) == 4
    assert collector.drain() == more
    assert len(ids) == 4


def test_a_poisoned_batch_is_halved_until_the_bad_rows_are_alone(place: Place, queue: Connection) -> None:
    ids = place.write(100)
    bad = {ids[13], ids[14], ids[99]}
    collector = Collector(queue, bad)
    assert collector.drain() == [i for i in ids if i not in bad]
    parked = queue.execute(
        "SELECT touchpoint_id, follower, workspace_id, error FROM timeline_parked ORDER BY id"
    ).fetchall()
    assert [row[:3] for row in parked] == [(i, "test", place.id) for i in sorted(bad)]
    assert all("DivisionByZero" in row[3] and "division by zero" in row[3] for row in parked)
    assert len(collector.calls) < 50
    (lag,) = follow.lag(queue)
    assert lag == ("test", 0, 0.0, 3)


def test_a_parked_touchpoint_can_be_given_again_after_a_fix(place: Place, queue: Connection) -> None:
    (bad,) = place.write(1)
    collector = Collector(queue, {bad})
    assert collector.drain() == []
    (number,) = queue.execute("SELECT id FROM timeline_parked").fetchone() or ()
    with pytest.raises(psycopg.errors.DivisionByZero):
        parked.retry(queue, collector.follower, number)
    collector.bad = set()
    assert parked.retry(queue, collector.follower, number)
    assert not parked.retry(queue, collector.follower, number)
    assert collector.drain() == [bad]
    assert follow.lag(queue)[0].parked == 0


@pytest.mark.parametrize(
    "error",
    [psycopg.errors.DeadlockDetected(), psycopg.errors.SerializationFailure(), psycopg.OperationalError()],
)
def test_a_fault_of_the_moment_parks_nothing(place: Place, queue: Connection, error: Exception) -> None:
    place.write(3)
    calls = []

    def handle(conn: Connection, batch: list[Seen]) -> None:
        calls.append(len(batch))
        if len(calls) == 1:
            raise error

    follower = Follower(name="test", handle=handle)
    with pytest.raises(type(error)):
        run_once(queue, follower)
    assert run_once(queue, follower) == 3
    assert calls == [3, 3]
    assert queue.execute("SELECT count(*) FROM timeline_parked").fetchone() == (0,)


def test_a_follower_that_may_not_skip_stops_at_the_bad_row(place: Place, queue: Connection) -> None:
    place.write(2)

    def handle(conn: Connection, batch: list[Seen]) -> None:
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        run_once(queue, Follower(name="test", handle=handle, parks=False))
    assert queue.execute("SELECT count(*) FROM timeline_parked").fetchone() == (0,)


def test_only_one_process_reads_for_a_follower(place: Place, queue: Connection) -> None:
    place.write(3)
    inner: list[int] = []

    def handle(conn: Connection, batch: list[Seen]) -> None:
        with psycopg.connect(conninfo("queue", "another"), autocommit=True) as other:
            inner.append(run_once(other, Follower(name="test", handle=handle)))

    assert run_once(queue, Follower(name="warm", handle=lambda c, b: None)) == 3
    first = Follower(name="test", handle=lambda c, b: None, batch=1)
    assert run_once(queue, first) == 1
    assert run_once(queue, Follower(name="test", handle=handle)) == 2
    assert inner == [0]


def test_work_for_a_workspace_is_done_as_the_application(place: Place, queue: Connection) -> None:
    place.write(3)
    seen: list[Any] = []

    def handle(conn: Connection, batch: list[Seen]) -> None:
        with pytest.raises(psycopg.errors.InsufficientPrivilege), conn.transaction():
            conn.execute("SELECT FROM customers_customer")
        with as_tenant(conn, batch[0].workspace_id):
            seen.append(conn.execute("SELECT count(*) FROM customers_customer").fetchone())

    run_once(queue, Follower(name="test", handle=handle, parks=False))
    assert seen == [(5,)]


def test_parts_share_the_customers_and_no_touchpoint_is_done_twice(place: Place, queue: Connection) -> None:
    place.people = make_customers(place.owner, place.id, 60)  # of a few, all may fall to one part
    ids = place.write(60)
    whole = Follower(name="test", handle=lambda c, b: None, batch=8)
    parts = [Collector(queue, name="test", part=n, parts=3, batch=8) for n in range(3)]
    assert [p.follower.cursor for p in parts] == [f.cursor for f in whole.split(3)]
    shares = [part.drain() for part in parts]
    assert sorted(i for share in shares for i in share) == ids
    assert all(share == sorted(share) for share in shares)
    assert all(shares)
    with pytest.raises(RuntimeError, match="already read as test/"):
        run_once(queue, Collector(queue, name="test").follower)


def test_the_lag_is_counted_with_what_is_above_the_horizon(place: Place, queue: Connection) -> None:
    collector = Collector(queue)
    place.write(3)
    collector.drain()
    place.write(7)
    (lag,) = follow.lag(queue)
    assert (lag.name, lag.rows, lag.parked) == ("test", 7, 0)
    assert 0 < lag.seconds < 60


def test_a_restored_database_goes_on_in_a_new_epoch(
    place: Place, queue: Connection, owner: psycopg.Connection[Any]
) -> None:
    """As after a dump and restore: the old rows' transaction ids are far above the new cluster's."""
    collector = Collector(queue)
    number = epoch.ensure_epoch(owner)
    old = place.write(4)
    owner.execute("UPDATE timeline_touchpoint SET tx = (tx::text::bigint + 1000000)::text::xid8")
    assert collector.drain() == []
    owner.execute("UPDATE timeline_epoch SET system_identifier = 1")
    assert epoch.ensure_epoch(owner) == number + 1
    assert epoch.ensure_epoch(owner) == number + 1
    new = place.write(3)
    assert collector.drain() == old + new
    raised = epoch.ensure_epoch(owner, restored=True)
    newest = place.write(2)
    assert collector.drain() == old + new + newest
    assert owner.execute("SELECT DISTINCT epoch FROM timeline_touchpoint ORDER BY 1").fetchall()[-1] == (
        raised,
    )


def test_the_reader_walks_its_index_and_an_idle_one_writes_nothing(
    place: Place, queue: Connection, owner: psycopg.Connection[Any]
) -> None:
    follower = Follower(name="test", handle=lambda c, b: None, batch=100)
    for _ in range(4):
        place.write(500)
    assert run_once(queue, follower) == 100
    owner.execute("ANALYZE timeline_touchpoint")
    query: Any = follower.query
    with queue.transaction():
        plan = queue.execute("EXPLAIN (ANALYZE, TIMING OFF) " + query, ["test"]).fetchall()
    text = "\n".join(row[0] for row in plan)
    assert (
        text.count("Index Only Scan using touchpoint_reader_order")
        + text.count("Index Scan using touchpoint_reader_order")
        == 2
    ), text
    assert "Rows Removed" not in text
    assert "rows=100.00" in text
    assert "rows=1900" not in text
    while run_once(queue, follower):
        pass
    with queue.transaction():
        assert run_once(queue, follower) == 0
        assert queue.execute("SELECT pg_current_xact_id_if_assigned()").fetchone() == (None,)
