"""Lists find their few among very many: plans and rows read, as the application's role and under row security."""

import json
from collections.abc import Iterator
from typing import Any
from uuid import UUID

import psycopg
import pytest

from tests.inbound import mail, take
from tests.worlds import Shop
from wasl.accounts.models import Team
from wasl.channels.models import InboxTeam
from wasl.conversations import listing, tags
from wasl.conversations.filters import Filter
from wasl.conversations.models import Conversation
from wasl.kit.db import raw, tenant

MANY = 30_000
RARE = 30

# Copies of one conversation: a resolved pile of one inbox and language, with a few that are something else.
_PILE = """
INSERT INTO conversations_conversation (workspace_id, id, customer_id, inbox_id, subject, created_at, status, last_at,
  last_in_at, last_way, preview, messages, language, trouble, assignee_id, team_id)
SELECT workspace_id, gen_random_uuid(), customer_id,
  CASE WHEN n %% %(every)s = 1 THEN %(inbox)s ELSE inbox_id END, 'pile', created_at,
  CASE WHEN n %% 60 = 0 THEN 'open' ELSE 'resolved' END, last_at - n * interval '1 minute',
  last_at - n * interval '1 minute', 'in', '', 1,
  CASE WHEN n %% %(every)s = 2 THEN 'it' ELSE 'fr' END, '',
  CASE WHEN n %% 5 = 0 THEN %(agent)s ELSE NULL END, CASE WHEN n %% %(every)s = 3 THEN %(team)s ELSE NULL END
FROM conversations_conversation, generate_series(1, %(many)s) AS n WHERE workspace_id = %(workspace)s
"""
_TAGGED = """
INSERT INTO conversations_tagging (workspace_id, id, tag_id, conversation_id, at)
SELECT workspace_id, gen_random_uuid(), %(tag)s, id, last_at FROM conversations_conversation
WHERE workspace_id = %(workspace)s AND subject = 'pile' ORDER BY last_at LIMIT %(rare)s
"""


@pytest.fixture
def pile(shop: Shop, owner: psycopg.Connection[Any]) -> dict[str, UUID]:
    """A workspace with a large pile of conversations, and what is rare among them."""
    take(shop, mail("one"))
    with tenant(shop.id):
        word = tags.ensure(shop.actor(), "rare").id
        team = Team.objects.create(workspace_id=shop.id, name="Lyon").id
    rare = {"tag": word, "team": team, "inbox": shop.forms.id, "agent": shop.agents["owner"].id}
    owner.execute(_PILE, rare | {"workspace": shop.id, "many": MANY, "every": MANY // RARE})
    owner.execute(_TAGGED, rare | {"workspace": shop.id, "rare": RARE})
    owner.execute("ANALYZE conversations_conversation, conversations_tagging")
    return rare


def read(shop: Shop, where: Filter, role: str = "owner") -> tuple[int, int]:
    """How many rows a page of the list shows, and how many conversations were looked at for it."""
    actor = shop.actor(role)
    with tenant(shop.id):
        query, values = listing.statement(actor, where, None, 41)
        row = raw().execute("EXPLAIN (ANALYZE, FORMAT JSON) " + query, values).fetchone()
    assert row
    plan = (json.loads(row[0]) if isinstance(row[0], str) else row[0])[0]["Plan"]
    looked = sum(
        int((node["Actual Rows"] + node.get("Rows Removed by Filter", 0)) * node["Actual Loops"])
        for node in nodes(plan)
    )
    return int(plan["Actual Rows"]), looked


@pytest.mark.timeout(180)
def test_a_page_of_a_list_reads_little_whatever_it_is_narrowed_to(shop: Shop, pile: dict[str, UUID]) -> None:
    asked = {
        "open": Filter(),
        "any": Filter(status=""),
        "resolved": Filter(status="resolved"),
        "mine": Filter("mine", "resolved"),
        "unassigned": Filter("unassigned", "resolved"),
        "rare inbox": Filter(status="resolved", inboxes=(pile["inbox"],)),
        "rare language": Filter(status="resolved", languages=("it",)),
        "rare team": Filter(status="resolved", teams=(pile["team"],)),
        "rare tag": Filter(status="resolved", tags=(pile["tag"],)),
        "mentioned": Filter("mentioned", "resolved"),
    }
    found = {name: read(shop, where) for name, where in asked.items()}
    looked = {name: rows for name, (_, rows) in found.items()}
    assert {name: rows for name, rows in looked.items() if rows > 600} == {}, looked
    shown = {name: rows for name, (rows, _) in found.items()}
    assert shown["rare tag"] >= RARE - 3
    assert shown["rare inbox"] >= RARE - 3
    assert [name for name, rows in shown.items() if rows == 41] == [
        "open", "any", "resolved", "mine", "unassigned",
    ]  # fmt: skip


def test_an_agent_who_sees_one_small_inbox_reads_little(shop: Shop, pile: dict[str, UUID]) -> None:
    with tenant(shop.id):
        InboxTeam.objects.create(workspace_id=shop.id, inbox=shop.mail, team_id=pile["team"])
    rows, looked = read(shop, Filter(status="resolved"), "agent")
    assert rows >= RARE - 3
    assert looked <= 600


def test_later_pages_start_where_they_begin(shop: Shop, pile: dict[str, UUID]) -> None:
    actor = shop.actor("owner")
    with tenant(shop.id):
        last = Conversation.objects.filter(status="resolved").order_by("last_at", "id")[100]
        query, values = listing.statement(actor, Filter(status="resolved"), (last.last_at, last.id), 41)
        before = raw().execute("EXPLAIN (ANALYZE) " + query, values).fetchall()
        removed = [int(line[0].rpartition(":")[2]) for line in before if "Rows Removed by Filter" in line[0]]
    assert sum(removed) <= 600


def nodes(plan: dict[str, Any]) -> Iterator[dict[str, Any]]:
    """The nodes of a plan that read conversations."""
    if plan.get("Relation Name") == "conversations_conversation":
        yield plan
    for child in plan.get("Plans", ()):
        yield from nodes(child)
