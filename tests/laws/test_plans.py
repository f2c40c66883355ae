"""No statement of the IN road reads more rows than its batch needs, as the application's role and under row security.

The tests' cluster has no autovacuum, which elsewhere looks every ten seconds: the test analyses once in its place, when
the tables are a third full, so that plans are made on statistics that are out of date.
"""

from contextlib import ExitStack
from typing import Any

import psycopg
import pytest

from tests.inbound import mail, receive, work
from tests.worlds import Shop
from wasl.kit.db import pool

PEOPLE = 1500
HOT = (
    "conversations_conversation",
    "conversations_message",
    "customers_customer",
    "customers_identity",
    "intake_inbound",
    "intake_inboundqueue",
    "timeline_subjectkey",
    "timeline_touchpoint",
)


def rows_read(owner: psycopg.Connection[Any]) -> dict[str, int]:
    """Rows read of each table since the server started, by whoever works here included: a connection reports only from
    time to time, unless it is asked to."""
    workers = pool("queue", "test", 8)
    with ExitStack() as held:
        for _ in range(workers.get_stats()["pool_available"]):
            held.enter_context(workers.connection()).execute("SELECT pg_stat_force_next_flush()")
    owner.execute("SELECT pg_stat_clear_snapshot()")
    found = owner.execute(
        "SELECT relname, coalesce(seq_tup_read, 0) + coalesce(idx_tup_fetch, 0) FROM pg_stat_user_tables"
        " WHERE relname = ANY(%s)",
        [list(HOT)],
    )
    return {name: int(count) for name, count in found.fetchall()}


def arrive(shop: Shop, people: int, number: int) -> None:
    """A batch of mails: first ones, second thoughts and answers to earlier mail."""
    receive(
        shop,
        *(
            mail(
                f"number {number}", sender=f"c{n}@people.example", subject=f"s {number}",
                Message_ID=f"<{number}.{n}@people.example>", In_Reply_To=f"<{number - 1}.{n}@people.example>",
            )
            for n in range(people)
        ),
    )  # fmt: skip
    work(100)


@pytest.mark.timeout(600)
def test_a_batch_reads_what_it_needs(shop: Shop, owner: psycopg.Connection[Any]) -> None:
    arrive(shop, PEOPLE, 0)
    owner.execute("ANALYZE")
    for number in (1, 2):
        arrive(shop, PEOPLE, number)
    before = rows_read(owner)
    arrive(shop, 100, 3)  # each an answer
    after = rows_read(owner)
    read = {name: after[name] - before[name] for name in HOT}
    too_many = {
        name: count for name, count in read.items() if count >= PEOPLE
    }  # one scan would read them all
    assert too_many == {}, read
