"""What a stream reads again and again is found by indexes, as the application's role and under row security."""

from typing import Any
from uuid import uuid4

import psycopg

from tests.inbound import receive, work
from tests.worlds import Shop
from wasl.channels.models import Inbox
from wasl.channels.webchat.slips import slip
from wasl.kit.db import SET_WORKSPACE, conninfo, tenant
from wasl.widget import bell, feed

VISITORS = 1200
AT = "2026-11-22T12:00:00+00:00"


def read(plan: dict[str, Any]) -> list[tuple[str, str, int]]:
    """(table, kind of node, rows read) of every node that reads a table."""
    found = []
    if table := plan.get("Relation Name"):
        rows = plan["Actual Rows"] * plan["Actual Loops"] + plan.get("Rows Removed by Filter", 0)
        found.append((table, plan["Node Type"], int(rows)))
    return found + [each for child in plan.get("Plans", ()) for each in read(child)]


def test_one_visitor_among_many_reads_what_is_theirs(shop: Shop, owner: psycopg.Connection[Any]) -> None:
    keys = [uuid4() for _ in range(VISITORS)]
    with tenant(shop.id):
        inbox = Inbox.objects.create(
            workspace_id=shop.id, channel="webchat", name="C", address="https://c.example"
        )
    for number in range(2):
        raws = [
            slip(
                "", {"kind": "message", "visitor": str(key), "id": str(number), "text": "Hello", "at": AT}
            ).content
            for key in keys
        ]
        receive(shop, *raws, inbox=inbox)
        work()
        if not number:
            owner.execute("ANALYZE")
    values: dict[str, Any] = {"workspace": shop.id, "keys": [str(keys[7])], "most": feed.MOST}
    with psycopg.connect(conninfo("app", "test plans")) as conn:
        conn.execute(SET_WORKSPACE, [str(shop.id)])
        mine = conn.execute(feed._MINE, values).fetchall()
        values |= {"mine": [row[0] for row in mine], "roots": [row[1] for row in mine]}
        talks = conn.execute(feed.TALKS, values).fetchall()
        values["talks"] = [row[0] for row in talks]
        assert len(conn.execute(feed._MESSAGES, values).fetchall()) == 2
        bells = {**values, "mine": mine[0][0], "key": str(keys[7])}
        asked = [(each, values) for each in (feed._MINE, feed.TALKS, feed._MESSAGES)]
        for question, given in [*asked, (bell._MINE, bells), (bell._NOTICES, bells)]:
            row = conn.execute(b"EXPLAIN (ANALYZE, FORMAT JSON) " + question.encode(), given).fetchone()
            assert row
            much = [each for each in read(row[0][0]["Plan"]) if each[2] > 50]
            assert much == [], question
