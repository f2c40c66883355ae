"""The summary a follower keeps is the one that is made anew from the timeline."""

import io
import random
from typing import Any

import psycopg
import pytest

from tests.customers.world import World
from tests.laws.test_tenancy import FRAMEWORK
from wasl.config import rebuild as entry
from wasl.customers import follow
from wasl.kit.db import conninfo, prepare, raw, tenant
from wasl.timeline import keys
from wasl.timeline.actions import Touch, append
from wasl.timeline.rebuild import rebuild

KINDS = [
    "message.received",
    "message.sent",
    "message.withdrawn",
    "delivery.failed",
    "delivery.sent",
    "conversation.resolved",
]


def live(world: World, seed: int) -> None:
    """Batches of touchpoints, some of the same moment, followed in uneven steps."""
    chance = random.Random(seed)
    people = [r.customer_id for r in world.meet(*(f"P{n}" for n in range(6)))]
    for _ in range(12):
        moments = [world.now() for _ in range(3)]
        touches = [
            Touch(
                chance.choice(people),
                chance.choice(KINDS),
                chance.choice(moments),
                chance.choice(["email", "api"]),
            )
            for _ in range(chance.randrange(1, 30))
        ]
        with tenant(world.id):
            append(raw(), world.id, touches)
        if chance.random() < 0.6:
            world.follow()
    with tenant(world.id):
        keys.destroy(raw(), world.id, people[0])


def summaries(world: World) -> list[tuple[Any, ...]]:
    """Every row."""
    return world.owner.execute("SELECT * FROM customers_customersummary ORDER BY id").fetchall()


@pytest.mark.parametrize("seed", range(4))
def test_made_anew_it_is_the_same(world: World, seed: int) -> None:
    live(world, seed)
    lived = summaries(world)
    assert lived
    with psycopg.connect(conninfo("queue", "test"), autocommit=True) as conn:
        prepare(conn)
        assert rebuild(conn, follow.PROJECTION, world.id) == []
        assert summaries(world) == lived
        world.follow()
        assert rebuild(conn, follow.PROJECTION, world.id) == []
    assert sum(row[5] for row in summaries(world)) == sum(
        row[0]
        for row in world.owner.execute(
            "SELECT 1 FROM timeline_touchpoint WHERE kind = 'message.received'"
        ).fetchall()
    )


def test_what_was_wrong_is_corrected_and_reported(world: World, owner: psycopg.Connection[Any]) -> None:
    live(world, 1)
    world.follow()
    right = summaries(world)
    owner.execute("UPDATE customers_customersummary SET received = 99 WHERE id = %s", [right[0][0]])
    owner.execute("DELETE FROM customers_customersummary WHERE id = %s", [right[1][0]])
    out = io.StringIO()
    assert entry.main(["customers.summary"], out) == 1
    assert "had 1 rows that should not have been there and lacked 2" in out.getvalue()
    assert summaries(world) == right
    out = io.StringIO()
    assert entry.main([], out) == 0
    assert out.getvalue() == "1 workspaces rebuilt, no differences.\n"


def test_every_table_is_a_base_table_or_a_projection(owner: psycopg.Connection[Any], db: None) -> None:
    found = {
        row[0]
        for row in owner.execute(
            "SELECT relname FROM pg_class WHERE relkind = 'r' AND relnamespace = 'public'::regnamespace"
        )
    }
    framework = {name for name in found if name.startswith(FRAMEWORK)}
    derived = {table for projection in entry.PROJECTIONS for table in projection.tables}
    assert found - framework == entry.BASE | derived
