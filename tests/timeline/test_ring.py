"""The ring of backup keys: one key a customer, of which single ones can be taken out for ever."""

import threading
from typing import Any
from uuid import UUID

import psycopg
import pytest

from tests.worlds import Shop
from wasl.kit.db import raw, tenant
from wasl.kit.ids import uuid7
from wasl.timeline import ring
from wasl.timeline.ring import DEPTH, Node, Ring, leaf_of, without

Owner = psycopg.Connection[Any]
ROOT = Node(0, 0, b"r" * 32)


def test_each_customer_has_a_key_of_their_own_always_the_same() -> None:
    people = [uuid7() for _ in range(100)]
    keys = [Ring([ROOT]).key(who) for who in people]
    assert None not in keys
    assert len(set(keys)) == 100
    assert [Ring([ROOT]).key(who) for who in people] == keys
    assert Ring([Node(0, 0, b"s" * 32)]).key(people[0]) != keys[0]


def test_a_key_taken_out_is_gone_and_no_other() -> None:
    people = [uuid7() for _ in range(50)]
    before = Ring([ROOT])
    nodes = {(0, 0): ROOT}
    gone = people[:5]
    for who in gone:
        leaf = leaf_of(who)
        above = next(n for n in nodes.values() if leaf >> (DEPTH - n.depth) == n.prefix)
        del nodes[above.depth, above.prefix]
        nodes |= {(n.depth, n.prefix): n for n in without(above, leaf)}
    after = Ring(nodes.values())
    assert [after.key(who) for who in gone] == [None] * 5
    assert [after.key(who) for who in people[5:]] == [before.key(who) for who in people[5:]]
    # Nothing that is left is on the way from the root to one that is gone, nor the key itself.
    ways = {(d, leaf_of(who) >> (DEPTH - d)) for who in gone for d in range(DEPTH + 1)}
    assert not ways & nodes.keys()
    assert not {before.key(who) for who in gone} & {node.key for node in nodes.values()}


@pytest.fixture
def rings(shop: Shop, owner: Owner) -> Shop:
    ring.ensure(owner)
    return shop


def erase(shop: Shop, who: UUID) -> bool:
    with tenant(shop.id):
        return ring.take_out(raw(), shop.id, who)


def test_rings_are_kept_wrapped_and_made_once(rings: Shop, owner: Owner) -> None:
    before = ring.rings(owner)[rings.id]
    ring.ensure(owner)
    after = ring.rings(owner)[rings.id]
    assert list(before) == list(after)
    (root,) = before
    assert owner.execute("SELECT position(%s IN wrapped) FROM timeline_ringnode", [root.key]).fetchone() == (
        0,
    )


def test_taking_out_in_the_database(rings: Shop, owner: Owner) -> None:
    people = [uuid7() for _ in range(6)]
    before = ring.rings(owner)[rings.id]
    assert erase(rings, people[0])
    assert erase(rings, people[1])
    assert not erase(rings, people[1])
    after = ring.rings(owner)[rings.id]
    assert [after.key(who) for who in people] == [None, None, *(before.key(who) for who in people[2:])]


def test_without_a_backup_there_is_nothing_to_take_out(shop: Shop) -> None:
    assert not erase(shop, uuid7())


def test_many_are_taken_out_at_the_same_time(rings: Shop, owner: Owner) -> None:
    people = [uuid7() for _ in range(12)]
    said: list[bool] = []

    def go(mine: list[UUID]) -> None:
        from django.db import connection

        said.extend(erase(rings, who) for who in mine)
        connection.close()

    threads = [threading.Thread(target=go, args=(people[n::4],)) for n in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    left = ring.rings(owner)[rings.id]
    assert said == [True] * 12
    assert [left.key(who) for who in people] == [None] * 12
    assert left.key(uuid7()) is not None


def test_stored_again_elsewhere(rings: Shop, owner: Owner) -> None:
    people = [uuid7() for _ in range(3)]
    erase(rings, people[0])
    held = ring.rings(owner)
    owner.execute("TRUNCATE timeline_ringnode")
    ring.store(owner, held)
    again = ring.rings(owner)[rings.id]
    assert [again.key(who) for who in people] == [held[rings.id].key(who) for who in people]
