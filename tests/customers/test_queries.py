"""What an actor may read of customers, and what never reaches them."""

from typing import Any

import psycopg
import pytest

from tests.customers.world import AT, World
from wasl.accounts.actor import NotFound
from wasl.customers import queries
from wasl.customers.actions import merge
from wasl.customers.queries import customer, customers, family, may_see, timeline
from wasl.kit.db import conninfo, raw, tenant
from wasl.kit.ids import uuid7
from wasl.timeline import keys


def test_a_page_of_the_timeline_holds_the_whole_family_newest_first(world: World) -> None:
    ada, bob = world.meet("Ada", "Bob")
    said = [
        world.say("message.sent", (ada, bob)[n % 2].customer_id, detail={"subject": f"n° {n}"})
        for n in range(10)
    ]
    merge(world.actor(), ada.customer_id, bob.customer_id)
    actor, got = world.actor(), []
    with tenant(world.id):
        page = timeline(actor, bob.customer_id, limit=4)
        got += page.rows
        while page.after:
            page = timeline(actor, ada.customer_id, before=page.after, limit=4)
            got += page.rows
    assert len(got) == 11
    assert [e.about_id for e in got if e.kind == "message.sent"] == said[::-1]
    assert [e.detail["subject"] for e in got if e.kind == "message.sent"] == [
        f"n° {n}" for n in range(9, -1, -1)
    ]
    assert not any(e.erased or e.damaged for e in got)


def test_what_was_said_in_an_inbox_one_may_not_see_is_left_out_of_the_page(world: World) -> None:
    (ada,) = world.meet("Ada")
    public, secret = world.converse(ada.customer_id), world.converse(ada.customer_id, world.private)
    shown = []
    for _ in range(6):
        shown.append(world.say("message.received", ada.customer_id, public))
        world.say("message.received", ada.customer_id, secret, detail={"subject": "secret"})
        world.say("delivery.failed", ada.customer_id, secret)
    free = world.say("identity.added", ada.customer_id)
    with tenant(world.id):
        page = timeline(world.actor(), ada.customer_id, limit=7)
        everything = timeline(world.actor("owner", all_inboxes=True), ada.customer_id)
        nothing = timeline(world.actor(), ada.customer_id, before=page.rows[-1].cursor)
    assert [e.about_id for e in page.rows] == [free, *shown[::-1]]
    assert page.after is None
    assert len(everything.rows) == 19
    assert nothing.rows == []


def test_an_erased_customer_leaves_tombstones(world: World) -> None:
    ada, bob = world.meet("Ada", "Bob")
    world.say("message.sent", ada.customer_id, detail={"subject": "secret"}, facts={"size": 4})
    world.say("message.sent", bob.customer_id, detail={"subject": "kept"})
    merge(world.actor(), ada.customer_id, bob.customer_id)
    with tenant(world.id):
        keys.destroy(raw(), world.id, ada.customer_id)
    with tenant(world.id):
        _, kept, gone = timeline(world.actor(), ada.customer_id).rows
    assert (kept.detail, kept.erased) == ({"subject": "kept"}, False)
    assert (gone.detail, gone.erased, gone.facts) == ({}, True, {"size": 4})


def test_a_detail_that_somebody_changed_does_not_take_the_page_down(
    world: World, owner: psycopg.Connection[Any]
) -> None:
    (ada,) = world.meet("Ada")
    world.say("message.sent", ada.customer_id, detail={"subject": "a"})
    owner.execute("UPDATE timeline_touchpoint SET detail = substring(detail FROM 1 FOR 20)")
    world.say("message.sent", ada.customer_id, detail={"subject": "b"})
    with tenant(world.id):
        new, old = timeline(world.actor(), ada.customer_id).rows
    assert (new.detail, new.damaged) == ({"subject": "b"}, False)
    assert (old.detail, old.damaged) == ({}, True)


def test_customers_are_listed_by_name_page_by_page_without_those_merged_away(world: World) -> None:
    people = {r.customer_id: n for n, r in enumerate(world.meet(*(f"P{n:02}" for n in range(25))))}
    ids = list(people)
    merge(world.actor(), ids[3], ids[4])
    got, after = [], None
    with tenant(world.id):
        while True:
            page = customers(world.actor(), after=after, limit=7)
            got += [people[row.id] for row in page.rows]
            after = page.after
            if after is None:
                break
    assert got == [n for n in range(25) if n != 4]


@pytest.mark.parametrize("few", [0, 1000])
@pytest.mark.parametrize(
    ("search", "expected"),
    [
        ("ada", ["Ada Lovelace"]),
        ("LOVE", ["Ada Lovelace"]),
        ("مريم", ["مريم حداد"]),
        ("lovelace@example", ["Ada Lovelace"]),
        ("%", []),
        ("\0", ["Ada Lovelace", "Bob", "مريم حداد"]),
        ("  ", ["Ada Lovelace", "Bob", "مريم حداد"]),
        ("carla", ["Bob"]),
        ("ada love", ["Ada Lovelace"]),
        ("lovelace, ADA", ["Ada Lovelace"]),
        ("ace", []),
        ("مَرْيَم", ["مريم حداد"]),
        ("' | '", []),
        ("example", ["Ada Lovelace", "Bob", "مريم حداد"]),
        ("nobody", []),
    ],
)
def test_customers_are_found_by_beginnings_of_names_and_addresses(
    world: World, search: str, expected: list[str], few: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(queries, "FEW", few)
    _, bob, _, carla = world.meet("Ada Lovelace", "Bob", "مريم حداد", "Carla")
    merge(world.actor(), bob.customer_id, carla.customer_id)
    with tenant(world.id):
        assert [row.name for row in customers(world.actor(), search).rows] == expected


@pytest.mark.parametrize("search", ["jorg", "angstrom", "ANGSTRÖM", "Jo\u0308rg"])
def test_letters_that_are_alike_to_a_reader_find_each_other(world: World, search: str) -> None:
    world.meet("Jörg Ångström", "احمد إلياس", "Straße œuvre")
    with tenant(world.id):
        assert [row.name for row in customers(world.actor(), search).rows] == ["Jörg Ångström"]
        assert [row.name for row in customers(world.actor(), "أحمد الياس").rows] == ["احمد إلياس"]
        assert [row.name for row in customers(world.actor(), "strasse oeuvre").rows] == ["Straße œuvre"]


def test_the_card_adds_up_what_the_family_s_timelines_come_to(world: World) -> None:
    ada, bob = world.meet("Ada", "Bob")
    world.say("message.received", ada.customer_id)
    world.say("message.sent", ada.customer_id)
    world.say("message.received", bob.customer_id)
    world.say("delivery.failed", bob.customer_id)
    merge(world.actor(), ada.customer_id, bob.customer_id)
    world.follow()
    with tenant(world.id):
        summary = customer(world.actor(), ada.customer_id).summary
    assert (summary.received, summary.sent, summary.failed, summary.last_channel) == (2, 1, 1, "email")
    assert summary.first_at is not None
    assert summary.last_at is not None
    assert AT < summary.first_at < summary.last_at


def test_another_workspace_s_customers_are_not_there(world: World, owner: psycopg.Connection[Any]) -> None:
    other = World(owner)
    (stranger,) = other.meet("Ada")
    with tenant(world.id):
        for query in (customer, timeline):
            with pytest.raises(NotFound):
                query(world.actor(), stranger.customer_id)
        assert customers(world.actor()).rows == []
        assert family([stranger.customer_id]) == []


def test_hot_queries_use_their_indexes_as_the_application_s_role(world: World) -> None:
    """Under row-level security, whose conditions come first: with 20,000 touchpoints and 5,000 customers."""
    world.owner.execute(
        "INSERT INTO customers_customer (id, workspace_id, name, language, timezone, place, created_at, root_id) "
        "SELECT u, %s, 'N' || n, '', '', '', now(), u "
        "FROM (SELECT gen_random_uuid() AS u, n FROM generate_series(1, 5000) n) s",
        [world.id],
    )
    world.owner.execute(
        "INSERT INTO timeline_touchpoint (id, workspace_id, customer_id, occurred_at, recorded_at, kind, channel, "
        "facts, leaf, epoch) SELECT gen_random_uuid(), %s, id, now() - n * interval '1 minute', now(), 'x', '', "
        "'{}', '', 1 FROM (SELECT id FROM customers_customer LIMIT 200) c, generate_series(1, 100) n",
        [world.id],
    )
    for table in ("customers_customer", "timeline_touchpoint"):
        world.owner.execute(f"ANALYZE {table}")  # type: ignore[arg-type]
    (one,) = world.owner.execute("SELECT customer_id FROM timeline_touchpoint LIMIT 1").fetchone() or ()
    from django.db import connection
    from django.test.utils import CaptureQueriesContext

    actor = world.actor()
    with tenant(world.id), CaptureQueriesContext(connection) as asked:
        customers(actor, after=("N2", one), limit=50)
        customer(actor, one)
    with psycopg.connect(conninfo("app", "test")) as conn:
        conn.execute("SELECT set_config('wasl.workspace', %s, true)", [str(world.id)])
        for query in asked.captured_queries:
            text = "\n".join(row[0] for row in conn.execute("EXPLAIN " + query["sql"]))  # type: ignore[arg-type]
            assert "Seq Scan on customers_customer" not in text, query["sql"] + "\n" + text
        before = conn.execute(
            "SELECT pg_stat_get_xact_tuples_returned('timeline_touchpoint'::regclass)"
        ).fetchone()
        from wasl.timeline.queries import of_customers

        assert len(of_customers(conn, world.id, [one], limit=20)) == 20
        after = conn.execute(
            "SELECT pg_stat_get_xact_tuples_returned('timeline_touchpoint'::regclass)"
        ).fetchone()
        assert before == after, "the timeline was read from beginning to end"


def test_a_touchpoint_is_seen_by_whoever_sees_its_conversation(world: World) -> None:
    (ada,) = world.meet("Ada")
    world.say("message.received", ada.customer_id, world.converse(ada.customer_id, world.private))
    world.say("message.received", ada.customer_id, world.converse(ada.customer_id))
    secret, public = (row[0] for row in world.owner.execute("SELECT id FROM timeline_touchpoint ORDER BY id"))
    with tenant(world.id):
        may_see(world.actor(), public)
        may_see(world.actor(all_inboxes=True), secret)
        for hidden in (secret, uuid7()):
            with pytest.raises(NotFound):
                may_see(world.actor(), hidden)
