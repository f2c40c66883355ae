"""From addresses to customers: everybody once, also when many batches meet."""

import random
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

import psycopg
import pytest

from tests.timeline.people import make_customers, make_workspace
from wasl.customers.resolve import _READ, Resolved, Sender, lock_customers, resolve
from wasl.kit.db import SET_WORKSPACE, Connection, conninfo, prepare

AT = datetime(2026, 3, 1, 12, 30, tzinfo=UTC)


@contextmanager
def inside(workspace_id: UUID) -> Iterator[Connection]:
    """A transaction of the application's role in a workspace, on a connection of its own."""
    with psycopg.connect(conninfo("app", "test")) as conn:
        prepare(conn)
        conn.execute(SET_WORKSPACE, [str(workspace_id)])
        yield conn


def sender(number: int, channel: str = "email") -> Sender:
    """A person of that number."""
    return Sender(channel, f"p{number}@example.com", f"P{number}@Example.com", f"Person {number}", "it", AT)


@pytest.fixture
def place(db: None, owner: psycopg.Connection[Any]) -> UUID:
    """A workspace."""
    return make_workspace(owner)


def test_new_people_are_made_once_and_come_back_in_order(place: UUID, owner: psycopg.Connection[Any]) -> None:
    asked = [sender(1), sender(2), sender(1), sender(3, "api"), sender(2)]
    with inside(place) as conn:
        first = resolve(conn, place, asked)
    assert [r.created for r in first] == [True, True, False, True, False]
    assert first[0].identity_id == first[2].identity_id
    assert first[1].customer_id == first[4].customer_id == first[1].root_id
    assert len({r.customer_id for r in first}) == 3
    with inside(place) as conn:
        again = resolve(conn, place, asked[::-1])
    assert again == [r._replace(created=False) for r in first[::-1]]
    stored = owner.execute(
        "SELECT i.display, i.name, i.channel, c.name, c.language, c.created_at, c.merged_into_id, c.root_id = c.id "
        "FROM customers_identity i JOIN customers_customer c ON c.id = i.customer_id ORDER BY i.address"
    ).fetchall()
    assert stored[0] == ("P1@Example.com", "Person 1", "email", "Person 1", "it", AT, None, True)
    assert len(stored) == 3


def test_the_same_address_on_another_channel_or_in_another_workspace_is_someone_else(
    place: UUID, owner: psycopg.Connection[Any]
) -> None:
    other = make_workspace(owner)
    with inside(place) as conn:
        mine = resolve(conn, place, [sender(1), sender(1, "api")])
    with inside(other) as conn:
        theirs = resolve(conn, other, [sender(1)])
    assert len({r.customer_id for r in [*mine, *theirs]}) == 3
    assert theirs[0].created


def test_the_root_of_a_merged_family_is_found(place: UUID, owner: psycopg.Connection[Any]) -> None:
    (kept,) = make_customers(owner, place, 1)
    with inside(place) as conn:
        (before,) = resolve(conn, place, [sender(1)])
    owner.execute(
        "UPDATE customers_customer SET merged_into_id = %s, root_id = %s WHERE id = %s",
        [kept, kept, before.customer_id],
    )
    with inside(place) as conn:
        (after,) = resolve(conn, place, [sender(1)])
    assert after == Resolved(before.identity_id, before.customer_id, kept, False)


def test_nothing_asked_nothing_done(place: UUID) -> None:
    with inside(place) as conn:
        assert resolve(conn, place, []) == []


def test_batches_that_meet_make_everybody_once_and_never_deadlock(
    place: UUID, owner: psycopg.Connection[Any]
) -> None:
    """8 connections × 12 batches over the same 60 people in random order, some rolled back."""

    def batches(worker: int) -> None:
        chance = random.Random(worker)
        for _ in range(12):
            people = [sender(chance.randrange(60)) for _ in range(40)]
            try:
                with inside(place) as conn:
                    found = resolve(conn, place, people)
                    lock_customers(conn, place, {r.root_id for r in found})
                    if chance.random() < 0.3:
                        raise InterruptedError
            except InterruptedError:
                continue

    with ThreadPoolExecutor(8) as pool:
        list(pool.map(batches, range(8)))
    counts = owner.execute(
        "SELECT (SELECT count(*) FROM customers_identity), (SELECT count(DISTINCT address) FROM customers_identity), "
        "(SELECT count(*) FROM customers_customer)"
    ).fetchone()
    assert counts == (60, 60, 60)


def test_a_family_is_held_until_the_transaction_ends(place: UUID, owner: psycopg.Connection[Any]) -> None:
    (family,) = make_customers(owner, place, 1)
    with inside(place) as first, inside(place) as second:
        lock_customers(first, place, [family])
        second.execute("SET LOCAL lock_timeout = '50ms'")
        with pytest.raises(psycopg.errors.LockNotAvailable):
            lock_customers(second, place, [family, family])
        second.rollback()
        first.commit()
        lock_customers(second, place, [family])


def test_no_plan_compares_every_sender_with_everybody(place: UUID, owner: psycopg.Connection[Any]) -> None:
    """With the statistics of many small workspaces, of which one has grown since."""
    for _ in range(40):
        other = make_workspace(owner)
        with inside(other) as conn:
            resolve(conn, other, [sender(0)])
    for table in ("customers_customer", "customers_identity"):
        owner.execute(f"ANALYZE {table}")  # type: ignore[arg-type]
    with inside(place) as conn:
        resolve(conn, place, [sender(n) for n in range(300)])
    with inside(place) as conn:
        addresses = [sender(n).identity_key for n in range(300)]
        values = {"channels": ["email"], "addresses": addresses, "workspace": place}
        plan = [row[0] for row in conn.execute(f"EXPLAIN (ANALYZE, TIMING OFF) {_READ}", values)]
    thrown_away = [int(line.split(":")[1]) for line in plan if "Rows Removed by" in line]
    assert sum(thrown_away) <= 300, "\n".join(plan)
    assert any("rows=300" in line for line in plan)
