"""What providers say of our messages finds them among very many: rows read, as the application's role."""

import json
from collections.abc import Iterator
from datetime import timedelta
from typing import Any, LiteralString

import psycopg
import pytest

from tests.channels.road import Provider
from tests.worlds import Shop
from wasl.conversations import echoes, receipts
from wasl.kit.clock import now
from wasl.kit.db import raw, tenant

MANY = 10_000

# Conversations of other customers, each with an answer of ours that has its delivery and its attempt.
_PILE = """
WITH made AS (
  SELECT gen_random_uuid() AS k, gen_random_uuid() AS c, gen_random_uuid() AS m, gen_random_uuid() AS d
  FROM generate_series(1, %(many)s)
), people AS (
  INSERT INTO customers_customer (workspace_id, id, root_id, name, language, timezone, place, created_at)
  SELECT o.workspace_id, made.k, made.k, '', '', '', '', now() FROM customers_identity o, made WHERE o.address = 'other'
), talks AS (
  INSERT INTO conversations_conversation (workspace_id, id, customer_id, inbox_id, subject, created_at, status, last_at,
    last_way, preview, messages, language, trouble)
  SELECT t.workspace_id, made.c, made.k, t.inbox_id, '', t.created_at, 'open', t.last_at, 'out', '', 1, '', ''
  FROM conversations_conversation t, made WHERE t.id = %(talk)s
), said AS (
  INSERT INTO conversations_message (workspace_id, id, conversation_id, customer_id, way, channel, identity_id, at,
    subject, text, html, has_remote, language, rfc_id, auto, meta, delivery_id)
  SELECT o.workspace_id, made.m, made.c, made.k, 'out', 'messenger', o.id, now(), '', 'x', '', false, '', '', '',
    '{}', made.d
  FROM customers_identity o, made WHERE o.address = 'other'
), gone AS (
  INSERT INTO delivery_delivery (workspace_id, id, inbox_id, customer_id, conversation_id, message_id, channel, address,
    payload, state, created_at, due_at, deadline_at, attempts, doubts, reason, fence)
  SELECT o.workspace_id, made.d, %(inbox)s, made.k, made.c, made.m, 'messenger', 'other', '{}', 'sent', now(),
    now(), now(), 1, 0, '', 0
  FROM customers_identity o, made WHERE o.address = 'other'
)
INSERT INTO delivery_attempt (workspace_id, id, delivery_id, number, started_at, outcome, reason, code, detail)
SELECT o.workspace_id, gen_random_uuid(), made.d, 1, now(), 'sent', '', '', '' FROM customers_identity o, made
WHERE o.address = 'other'
"""


@pytest.fixture
def page(shop: Shop) -> Iterator[Provider]:
    made = Provider(shop, "messenger", "1001")
    yield made
    made.close()


def read(query: LiteralString, values: dict[str, Any]) -> tuple[int, dict[str, int]]:
    """How many rows come, and how many were looked at of each table."""
    row: Any = raw().execute("EXPLAIN (ANALYZE, FORMAT JSON) " + query, values).fetchone()
    plan = (json.loads(row[0]) if isinstance(row[0], str) else row[0])[0]["Plan"]
    looked: dict[str, int] = {}

    def walk(node: dict[str, Any]) -> None:
        if name := node.get("Relation Name"):
            rows = (node["Actual Rows"] + node.get("Rows Removed by Filter", 0)) * node["Actual Loops"]
            looked[name] = looked.get(name, 0) + int(rows)
        for child in node.get("Plans", ()):
            walk(child)

    walk(plan)
    return int(plan["Actual Rows"]), looked


@pytest.mark.timeout(600)
def test_a_receipt_reads_one_customers_messages_alone(
    shop: Shop, page: Provider, owner: psycopg.Connection[Any]
) -> None:
    for who in ("other", "7001"):
        said = {"sender": {"id": who}, "recipient": {"id": "1001"}, "timestamp": 1_760_000_000_000}
        entry = {"id": "1001", "messaging": [said | {"message": {"mid": f"m{who}", "text": "Bonjour"}}]}
        page.say({"object": "page", "entry": [entry]})
    with tenant(shop.id):
        delivery = page.sent("Demain", "m_out")
    values = {"many": MANY, "talk": delivery.conversation_id, "inbox": page.inbox.id}
    owner.execute(_PILE, values)
    owner.execute("ANALYZE")
    at = now()
    asked = {
        "workspace": shop.id, "inbox": page.inbox.id, "channel": "messenger", "who": "7001", "ref": "m_out",
        "text": "x",
        "since": at - timedelta(days=7), "until": at + timedelta(seconds=9), "states": ["sent", "sending"],
    }  # fmt: skip
    for query in (receipts._UP_TO, echoes._OURS):
        with tenant(shop.id):
            found, looked = read(query, asked)
        assert found == 1
        assert max(looked.values()) < 100, looked
        with tenant(shop.id):
            found, looked = read(query, asked | {"who": "nobody"})
        assert (found, max(looked.values(), default=0) < 100) == (0, True), looked
