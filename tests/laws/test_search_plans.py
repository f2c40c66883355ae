"""The hot reads use their indexes, as the application's role and under row-level security.

What a search function does inside cannot be seen in a plan from outside: for it, the database is asked how many rows it
read, and how.
"""

from collections.abc import Iterator
from typing import Any
from uuid import UUID

import psycopg
import pytest
from django.db import connections

from bench import history
from tests.conftest import empty
from tests.worlds import Shop
from wasl.accounts.actor import Actor
from wasl.conversations import listing, searching
from wasl.conversations.asking import read
from wasl.conversations.models import Conversation
from wasl.customers import queries as customers
from wasl.kit.db import conninfo, raw, tenant
from wasl.kit.postgres import Cluster

SIZE = 1200
LARGE = ("conversations_conversation", "conversations_message", "conversations_searchable", "customers_customer",
         "customers_identity")  # fmt: skip


@pytest.fixture(scope="module")
def full(cluster: Cluster) -> Iterator[Shop]:
    """A shop with a history of some thousand messages, which these tests only read."""
    empty(cluster)
    shop = Shop.create()
    history.write(cluster.owner_dsn, shop, SIZE, lambda _: None)
    with psycopg.connect(cluster.owner_dsn, autocommit=True) as owner:
        history.forget(owner)
    yield shop
    connections.close_all()


def touched() -> dict[str, tuple[int, int]]:
    """Rows of each large table read by sequential scans, and rows read of it in whatever way: in this transaction.

    Scans are not counted: a plan for nothing begins some that are never asked for a row.
    """
    rows = raw().execute(
        "SELECT relname, seq_tup_read, seq_tup_read + coalesce(idx_tup_fetch, 0) FROM pg_stat_xact_user_tables"
        " WHERE relname = ANY(%s)",
        [list(LARGE)],
    )
    return {name: (scanned, read) for name, scanned, read in rows.fetchall()}


def test_searches_read_what_they_need(full: Shop, owner: psycopg.Connection[Any]) -> None:
    actor = full.actor("agent")
    number = owner.execute(
        "SELECT substring(text FROM 'DZ-([0-9]+)$') FROM conversations_message ORDER BY id DESC LIMIT 1"
    ).fetchone()
    assert number
    asked = {
        number[0]: 4_000, "from:fam7": 6_000, "nothing-like-it": 4_000, "is:open": 500, "is:mine": 500,
        "in:forms is:resolved": 500, 'tag:"tag 7"': 2_000,
    }  # fmt: skip
    for text, most in asked.items():
        with tenant(full.id):
            before = touched()
            searching.search(actor, read(text))
            after = touched()
        assert {t: after[t][0] - before[t][0] for t in LARGE} == dict.fromkeys(LARGE, 0), f"{text}: scanned"
        read_rows = {t: after[t][1] - before[t][1] for t in LARGE}
        assert max(read_rows.values()) <= most, (text, read_rows)
        assert max(read_rows.values()) > 0 or text in ("nothing-like-it", "in:forms is:resolved"), text


_TRUE = """
SELECT DISTINCT m.conversation_id FROM conversations_searchable s JOIN conversations_message m
  ON m.workspace_id = s.workspace_id AND m.id = s.id WHERE s.words @@ %s::tsquery
"""


def test_all_of_history_is_found(
    full: Shop, owner: psycopg.Connection[Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whichever way the search takes: the newest messages, all at once, by months; or down the list of a tag."""
    actor = full.actor("agent")
    monkeypatch.setattr(searching, "FEW_TAGGED", 0)
    number = owner.execute(
        "SELECT substring(text FROM 'DZ-([0-9]+)$') FROM conversations_message ORDER BY id LIMIT 1"
    ).fetchone()
    assert number
    for text in (number[0], "cedar lantern", "cedar lantern from:fam1", '"atlas cedar"', "from:fam77 kilim"):
        truth = {row[0] for row in owner.execute(_TRUE, [read(text).words])}
        assert everything(actor, text) == truth, text
    assert len(everything(actor, number[0])) == 1
    tagged = {
        row[0] for row in owner.execute(
            "SELECT g.conversation_id FROM conversations_tagging g JOIN conversations_tag t ON t.id = g.tag_id"
            " WHERE t.name = 'tag 7'"
        )
    }  # fmt: skip
    for walk in (5, 1200):
        monkeypatch.setattr(searching, "WALK", walk)
        assert everything(actor, 'tag:"tag 7"') == tagged, walk
        states = [
            everything(actor, f'tag:"tag 7" is:{state}')
            for state in ("open", "resolved", "pending", "snoozed")
        ]
        assert set().union(*states) == tagged
        assert sum(map(len, states)) == len(tagged)


def everything(actor: Actor, text: str) -> set[UUID]:
    """The conversations of all pages."""
    found: set[UUID] = set()
    before = None
    with tenant(actor.workspace_id):
        while True:
            page = searching.search(actor, read(text), before, 5)
            found |= {hit.id for hit in page.rows}
            before = page.after
            if before is None:
                return found


def test_people_are_found_by_index(full: Shop) -> None:
    actor = full.actor("agent")
    with tenant(full.id):
        before = touched()
        assert len(customers.customers(actor, "fam77").rows) == 1
        assert len(customers.of_late(actor, "fam77", 4)) == 1
        after = touched()
    for table in ("customers_customer", "customers_identity"):
        assert after[table][0] == before[table][0], table
        assert after[table][1] > before[table][1], f"{table}: nothing is counted"
        assert after[table][1] - before[table][1] < 2_500, table


def test_lists_walk_down_an_index(full: Shop) -> None:
    actor = full.actor("agent")
    with psycopg.connect(conninfo("app", "plans"), autocommit=True) as app:
        for name, statement in hot(actor).items():
            with app.transaction():
                app.execute("SELECT set_config('wasl.workspace', %s, true)", [str(full.id)])
                rows = app.execute("EXPLAIN " + statement).fetchall()  # type: ignore[operator]
            plan = "\n".join(row[0] for row in rows)
            scanned = [table for table in LARGE if f"Seq Scan on {table}" in plan]
            assert scanned == [], f"{name}:\n{plan}"


def test_what_was_merged_into_a_conversation_is_found_by_index(full: Shop) -> None:
    actor = full.actor("agent")
    with tenant(full.id):
        target = Conversation.objects.latest("last_at")
        plan = Conversation.objects.filter(merged_into=target, inbox_id__in=actor.inboxes).explain()
    assert "Seq Scan" not in plan, plan


def hot(actor: Actor) -> dict[str, str]:
    """The statements of lists, with their values in them."""
    written: dict[str, str] = {}

    class Listening:
        """Stands where the connection is, and keeps what is said to it."""

        def __init__(self, name: str) -> None:
            self.name = name

        def execute(self, query: Any, values: Any) -> Any:
            conn = raw()
            written[self.name] = psycopg.ClientCursor(conn).mogrify(query, values)
            return conn.execute(query, values)

    asked = {
        "search of states": lambda: searching.search(actor, read("is:open")),
        "search of mine": lambda: searching.search(actor, read("is:mine")),
        "search of a tag": lambda: searching.search(actor, read('tag:"tag 7"')),
        "subjects": lambda: searching.subjects(actor),
    }
    for name, ask in asked.items():
        with tenant(actor.workspace_id), pytest.MonkeyPatch.context() as patch:
            patch.setattr(searching, "raw", lambda name=name: Listening(name))
            ask()
    with tenant(actor.workspace_id), pytest.MonkeyPatch.context() as patch:
        patch.setattr(listing, "raw", lambda: Listening("list"))
        listing.page(actor)
    return written
