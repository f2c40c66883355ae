"""Merging and taking it back: nothing is moved, so nothing is lost."""

import random
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from typing import Any
from uuid import UUID

import psycopg
import pytest
from django.db import connections

from tests.customers.world import AT, World
from wasl.accounts.actor import Forbidden, NotFound
from wasl.customers.actions import CannotMerge, Shared, merge, unmerge
from wasl.customers.queries import customer
from wasl.customers.resolve import Sender, lock_customers, resolve
from wasl.kit.db import raw, tenant
from wasl.kit.ids import uuid7


def tree(world: World) -> dict[UUID, tuple[UUID | None, UUID]]:
    """merged_into and root of every customer."""
    rows = world.owner.execute("SELECT id, merged_into_id, root_id FROM customers_customer").fetchall()
    return {row[0]: (row[1], row[2]) for row in rows}


def is_sound(found: dict[UUID, tuple[UUID | None, UUID]]) -> bool:
    """Every root is where following merged_into ends."""
    for start, (_, root) in found.items():
        at, steps = start, 0
        while (above := found[at][0]) is not None:
            at, steps = above, steps + 1
            if steps > len(found):
                return False
        if at != root:
            return False
    return True


def test_a_merge_taken_back_restores_every_row_of_every_table(world: World) -> None:
    ada, bob = world.meet("Ada", "Bob")
    talk = world.converse(bob.customer_id)
    world.say("message.received", bob.customer_id, talk, facts={"size": 10})
    world.follow()
    before = world.dump()
    merge_id = merge(world.actor(), ada.customer_id, bob.customer_id)
    world.follow()
    during = world.dump()
    changed = {table for table in before if before[table] != during[table]}
    assert changed == {"customers_customer"}
    assert tree(world)[bob.customer_id] == (ada.customer_id, ada.customer_id)
    report = unmerge(world.actor(), merge_id)
    world.follow()
    assert world.dump() == before
    assert (report.kept_id, report.merged_id) == (ada.customer_id, bob.customer_id)
    assert (report.followed, report.shared) == (0, ())


def test_both_are_on_the_timeline_and_on_record(world: World) -> None:
    ada, bob = world.meet("Ada", "Bob")
    actor = world.actor()
    merge_id = merge(actor, ada.customer_id, bob.customer_id)
    unmerge(actor, merge_id)
    rows = world.owner.execute(
        "SELECT kind, customer_id, about_id, facts FROM timeline_touchpoint ORDER BY id"
    ).fetchall()
    assert rows == [
        ("customer.merged", bob.customer_id, merge_id, {"by": "agent"}),
        ("customer.unmerged", bob.customer_id, merge_id, {"by": "agent"}),
    ]
    record = world.owner.execute(
        "SELECT kept_id, merged_id, by_agent_id, undone_by_agent_id, undone_at > at FROM customers_merge"
    ).fetchall()
    assert record == [(ada.customer_id, bob.customer_id, actor.agent_id, actor.agent_id, True)]


def test_what_came_later_follows_the_identity_it_came_through(world: World) -> None:
    ada, bob = world.meet("Ada", "Bob")
    merge_id = merge(world.actor(), ada.customer_id, bob.customer_id)
    (again,) = world.meet("Bob")
    assert (again.customer_id, again.root_id) == (bob.customer_id, ada.customer_id)
    talk = world.converse(bob.customer_id)
    world.say("message.received", bob.customer_id, talk)
    world.say("message.sent", bob.customer_id, talk)
    report = unmerge(world.actor(), merge_id)
    assert (report.followed, report.shared) == (2, ())
    (alone,) = world.meet("Bob")
    assert alone.root_id == bob.customer_id


def test_what_could_be_either_s_is_listed(world: World) -> None:
    """Bob writes into Ada's conversation and is answered there; a conversation they shared before is not news."""
    ada, bob, eve = world.meet("Ada", "Bob", "Eve")
    old, hers, untouched = (world.converse(ada.customer_id) for _ in range(3))
    for person in (ada, bob):
        world.say("message.received", person.customer_id, old)
    before = world.say("message.received", ada.customer_id, hers)
    merge_id = merge(world.actor(), ada.customer_id, bob.customer_id)
    received = world.say("message.received", bob.customer_id, hers)
    sent = world.say("message.sent", ada.customer_id, hers)
    world.say("message.received", ada.customer_id, untouched)
    world.say("message.received", eve.customer_id, world.converse(eve.customer_id))
    report = unmerge(world.actor(), merge_id)
    assert report.shared == (Shared(hers, received=(received,), sent=(sent,)),)
    assert report.followed == 1
    assert before != received


def test_merges_in_a_chain_can_be_taken_back_in_any_order(world: World) -> None:
    a, b, c, d = (r.customer_id for r in world.meet("A", "B", "C", "D"))
    start = world.dump()
    actor = world.actor()
    first = merge(actor, a, b)
    between = world.dump()
    second = merge(actor, c, a)
    third = merge(actor, c, d)
    assert {root for _, root in tree(world).values()} == {c}
    unmerge(actor, first)
    assert tree(world) == {a: (c, c), b: (None, b), c: (None, c), d: (c, c)}
    unmerge(actor, third)
    unmerge(actor, second)
    assert world.dump() == start
    again = merge(actor, a, b)
    assert world.dump() == between
    unmerge(actor, again)
    assert world.dump() == start


def test_who_was_said_to_be_one_with_a_merged_customer_leaves_with_it(world: World) -> None:
    a, b, c = (r.customer_id for r in world.meet("A", "B", "C"))
    actor = world.actor()
    first = merge(actor, a, b)
    merge(actor, b, c)
    assert tree(world)[c] == (b, a)
    unmerge(actor, first)
    assert tree(world) == {a: (None, a), b: (None, b), c: (b, b)}


def test_any_order_of_merges_and_undoings_keeps_every_root_right(world: World) -> None:
    """Against a model: a merge is an edge, a family is what edges connect downwards."""
    people = [r.customer_id for r in world.meet(*(f"P{n}" for n in range(9)))]
    chance, actor, active = random.Random(7), world.actor(), []
    for _ in range(120):
        if active and chance.random() < 0.45:
            unmerge(actor, active.pop(chance.randrange(len(active))))
        else:
            kept, merged = chance.sample(people, 2)
            if tree(world)[kept][1] == tree(world)[merged][1]:
                with pytest.raises(CannotMerge, match="already_one"):
                    merge(actor, kept, merged)
            else:
                active.append(merge(actor, kept, merged))
        found = tree(world)
        assert is_sound(found)
        assert sum(above is not None for above, _ in found.values()) == len(active)
    for merge_id in chance.sample(active, len(active)):
        unmerge(actor, merge_id)
    assert tree(world) == {p: (None, p) for p in people}


def test_who_may_not_and_what_is_not_there(world: World, owner: psycopg.Connection[Any]) -> None:
    ada, bob = world.meet("Ada", "Bob")
    other = World(owner)
    (stranger,) = other.meet("Ada")
    reader = world.actor("readonly")
    with pytest.raises(Forbidden):
        merge(reader, ada.customer_id, bob.customer_id)
    with pytest.raises(CannotMerge, match="already_one"):
        merge(world.actor(), ada.customer_id, ada.customer_id)
    for pair in (
        (ada.customer_id, stranger.customer_id),
        (stranger.customer_id, ada.customer_id),
        (uuid7(), uuid7()),
    ):
        with pytest.raises(NotFound):
            merge(world.actor(), *pair)
    merge_id = merge(world.actor(), ada.customer_id, bob.customer_id)
    with pytest.raises(Forbidden):
        unmerge(reader, merge_id)
    with pytest.raises(NotFound):
        unmerge(other.actor(), merge_id)
    unmerge(world.actor(), merge_id)
    with pytest.raises(CannotMerge, match="already_undone"):
        unmerge(world.actor(), merge_id)


def test_merges_and_messages_at_the_same_time_never_deadlock(world: World) -> None:
    """Six threads merge, unmerge and meet the same eight people; afterwards every root is right."""
    names = [f"P{n}" for n in range(8)]
    people = [r.customer_id for r in world.meet(*names)]

    def meet(chance: random.Random) -> None:
        picked = chance.sample(names, 5)
        senders = [Sender("email", f"{n.lower()}@example.com", n, n, "", AT) for n in picked]
        with tenant(world.id):
            found = resolve(raw(), world.id, senders)
            lock_customers(raw(), world.id, {r.root_id for r in found})
            roots = dict(raw().execute("SELECT id, root_id FROM customers_customer").fetchall())
            assert all(roots[r.customer_id] == r.root_id for r in found)

    def work(number: int) -> None:
        chance, actor, mine = random.Random(number), world.actor(), []
        for _ in range(15):
            pick = chance.random()
            if pick < 0.35:
                with suppress(CannotMerge):
                    mine.append(merge(actor, *chance.sample(people, 2)))
            elif pick < 0.6 and mine:
                unmerge(actor, mine.pop())
            else:
                meet(chance)
        connections.close_all()

    with ThreadPoolExecutor(6) as pool:
        list(pool.map(work, range(6)))
    assert is_sound(tree(world))


def test_the_card_offers_what_can_be_undone(world: World) -> None:
    ada, bob = world.meet("Ada", "Bob")
    merge_id = merge(world.actor(), ada.customer_id, bob.customer_id)
    with tenant(world.id):
        card = customer(world.actor(), bob.customer_id)
    assert card.customer.id == ada.customer_id
    assert [m.id for m in card.merges] == [merge_id]
    assert card.members == sorted([ada.customer_id, bob.customer_id])
    assert [i.display for i in card.identities] == ["Ada@Example.com", "Bob@Example.com"]
