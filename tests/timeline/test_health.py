"""What `wasl check` asks of the timeline: who is alive, who holds whom up."""

import os
import time
from typing import Any

import psycopg

from tests.timeline.conftest import Place
from wasl.kit.db import Connection, conninfo
from wasl.timeline import heartbeat
from wasl.timeline.heartbeat import Heart, beat
from wasl.timeline.horizon import horizon


def test_a_process_says_that_it_is_alive_again_and_again(queue: Connection) -> None:
    beat(queue, "worker")
    first = queue.execute("SELECT role, pid, at FROM timeline_heartbeat").fetchall()
    beat(queue, "worker")
    beat(queue, "web")
    rows = queue.execute("SELECT role, pid, at FROM timeline_heartbeat ORDER BY role").fetchall()
    assert [row[:2] for row in rows] == [("web", os.getpid()), ("worker", os.getpid())]
    assert rows[1][2] > first[0][2]


def test_a_heart_beats_while_its_process_works_and_forgets_the_long_dead(
    queue: Connection, monkeypatch: Any
) -> None:
    monkeypatch.setattr(heartbeat, "EVERY", 0.02)
    queue.execute("INSERT INTO timeline_heartbeat VALUES ('mail', 'old', 1, now() - interval '2 hours')")
    queue.execute("INSERT INTO timeline_heartbeat VALUES ('mail', 'new', 1, now() - interval '2 minutes')")
    with Heart("worker") as heart:
        deadline, seen = time.monotonic() + 60, set()
        while len(seen) < 3 and time.monotonic() < deadline:
            seen |= set(queue.execute("SELECT at FROM timeline_heartbeat WHERE role = 'worker'").fetchall())
            time.sleep(0.01)
    assert len(seen) >= 3
    assert not heart.is_alive()
    assert {row[0] for row in queue.execute("SELECT host FROM timeline_heartbeat WHERE role = 'mail'")} == {
        "new"
    }


def test_a_heart_survives_a_database_that_is_away(db: None, monkeypatch: Any) -> None:
    monkeypatch.setattr(heartbeat, "conninfo", lambda *_: "host=/nowhere connect_timeout=1")
    monkeypatch.setattr(heartbeat, "EVERY", 0.01)
    with Heart("worker") as heart:
        time.sleep(0.1)
        assert heart.is_alive()


def test_readers_hold_nobody_up_and_writers_of_other_databases_do(
    place: Place, owner: psycopg.Connection[Any], cluster: Any
) -> None:
    with psycopg.connect(conninfo("app", "reader")) as reader:
        reader.execute("SELECT 1")
        assert horizon(owner).blockers == ()
    with psycopg.connect(cluster.conninfo("postgres", "postgres"), application_name="elsewhere") as writer:
        writer.execute("SELECT pg_current_xact_id()")
        place.write(1)
        found = horizon(owner)
        assert [(b.application, b.database) for b in found.blockers] == [("elsewhere", "postgres")]
        assert 0 < found.seconds < 60
        assert found.blockers[0].seconds >= found.seconds - 1, "each was measured at its own moment"
