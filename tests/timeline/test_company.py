"""Followers that read once for all of them: each still sees everything once, whatever happens to the others."""

import random
from typing import Any
from uuid import UUID

import psycopg
import pytest

from tests.timeline.conftest import Place
from tests.timeline.test_follow import Collector
from wasl.kit.db import Connection, conninfo
from wasl.timeline import follow
from wasl.timeline.follow import Company, run_once


def seen(queue: Connection, name: str) -> list[UUID]:
    rows = queue.execute("SELECT id FROM collected WHERE follower = %s ORDER BY n", [name])
    return [row[0] for row in rows]


def some(queue: Connection, count: int = 3, **more: Any) -> list[Collector]:
    return [Collector(queue, name=f"c{n}", **more) for n in range(count)]


def drain(queue: Connection, company: Company) -> None:
    while company.run_once(queue):
        pass


def test_each_sees_everything_once_and_in_order(place: Place, queue: Connection) -> None:
    members = some(queue, batch=7)
    company = Company([member.follower for member in members])
    ids = place.write(20) + place.write(5)
    drain(queue, company)
    for member in members:
        assert seen(queue, member.follower.name) == ids
    assert all(max(member.calls) == 7 for member in members)


def test_once_they_stand_together_a_batch_is_read_once(place: Place, queue: Connection) -> None:
    members = some(queue)
    company = Company([member.follower for member in members])
    place.write(1)
    drain(queue, company)
    place.write(3)
    with queue.transaction():
        before = queue.execute("SELECT pg_current_xact_id_if_assigned()").fetchone()
    assert before == (None,)
    assert company.run_once(queue) == 3
    assert [member.calls[-1] for member in members] == [3, 3, 3]


def test_whoever_is_behind_catches_up_alone(place: Place, queue: Connection) -> None:
    members = some(queue)
    ids = place.write(10)
    while run_once(queue, members[0].follower):
        pass
    ids += place.write(4)
    drain(queue, Company([member.follower for member in members]))
    for member in members:
        assert seen(queue, member.follower.name) == ids


def test_a_row_that_one_cannot_digest_stops_nobody(place: Place, queue: Connection) -> None:
    ids = place.write(12)
    members = some(queue)
    members[1].bad = {ids[5]}
    company = Company([member.follower for member in members])
    drain(queue, company)
    more = place.write(2)
    drain(queue, company)
    assert seen(queue, "c0") == seen(queue, "c2") == ids + more
    assert seen(queue, "c1") == [i for i in ids if i != ids[5]] + more
    assert [row.parked for row in follow.lag(queue) if row.name == "c1"] == [1]


def test_a_fault_of_the_moment_takes_all_back(place: Place, queue: Connection) -> None:
    members = some(queue)
    company = Company([member.follower for member in members])
    place.write(1)
    drain(queue, company)
    ids = place.write(3)

    def fail(conn: Connection, batch: list[Any]) -> None:
        raise psycopg.errors.DeadlockDetected

    last = members[-1].follower
    broken = Company(
        [*(member.follower for member in members[:-1]), follow.Follower(name=last.name, handle=fail)]
    )
    with pytest.raises(psycopg.errors.DeadlockDetected):
        broken.run_once(queue)
    assert seen(queue, "c0")[1:] == []
    drain(queue, company)
    assert seen(queue, "c0")[1:] == seen(queue, "c2")[1:] == ids


def test_an_idle_company_writes_nothing(place: Place, queue: Connection) -> None:
    members = some(queue)
    company = Company([member.follower for member in members])
    place.write(2)
    drain(queue, company)
    with queue.transaction():
        assert company.run_once(queue) == 0
        assert queue.execute("SELECT pg_current_xact_id_if_assigned()").fetchone() == (None,)


def test_two_workers_share_and_double_nothing(place: Place, queue: Connection) -> None:
    dice = random.Random(3)
    members = some(queue, batch=5)
    company = Company([member.follower for member in members])
    place.write(1)
    drain(queue, company)
    with psycopg.connect(conninfo("queue", "other"), autocommit=True) as other:
        for _ in range(10):
            place.write(dice.randint(1, 12))
            with other.transaction():
                held = dice.choice(members).follower.cursor
                other.execute("SELECT FROM timeline_follower WHERE name = %s FOR UPDATE", [held])
                company.run_once(queue)
            company.run_once(queue)
    drain(queue, company)
    every = seen(queue, "c0")
    assert len(every) == len(set(every))
    assert every == seen(queue, "c1") == seen(queue, "c2")
