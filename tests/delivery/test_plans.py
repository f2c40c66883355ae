"""The plans of the hot queries, as the roles that run them, on a table with much behind it and little before it."""

from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest

from tests.delivery.road import Road
from wasl.delivery import claim
from wasl.delivery.models import Delivery
from wasl.kit import db
from wasl.kit.clock import now
from wasl.kit.ids import uuid7

FILL = """
INSERT INTO delivery_delivery (workspace_id, id, inbox_id, customer_id, conversation_id, message_id, channel, address,
                               payload, state, created_at, due_at, deadline_at, attempts, doubts, reason, fence)
SELECT workspace_id, gen_random_uuid(), inbox_id, customer_id, conversation_id, message_id, channel, address,
       payload, CASE n % 400 WHEN 1 THEN 'queued' WHEN 2 THEN 'retry' WHEN 3 THEN 'sending' WHEN 4 THEN 'in_doubt'
                             WHEN 5 THEN 'failed' WHEN 6 THEN 'delivered' ELSE 'sent' END,
       created_at, due_at, deadline_at, 0, 0, '', 0
FROM delivery_delivery, generate_series(1, 20000) AS n
"""


@pytest.fixture
def plans(road: Road) -> Iterator[Any]:
    """Explains a statement as the queue role."""
    road.send()
    road.owner.execute(FILL.encode())
    road.owner.execute("ANALYZE delivery_delivery")
    with db.pool("queue", "test", 8).connection() as conn:

        def explain(statement: str, values: Any = ()) -> str:
            found = conn.execute(f"EXPLAIN {statement}".encode(), values).fetchall()
            return "\n".join(row[0] for row in found)

        yield explain
        conn.rollback()


def test_what_waits_is_found_by_inbox(road: Road, plans: Any) -> None:
    plan = plans(claim._HEADS)
    assert plan.count("delivery_waiting") == 2
    assert "Seq Scan on delivery_delivery" not in plan


def test_what_is_due_is_taken_by_index(road: Road, plans: Any) -> None:
    at = now()
    values = {
        "workspaces": [road.shop.id],
        "inboxes": [road.shop.mail.id],
        "quotas": [4],
        "ids": [uuid7() for _ in range(4)],
        "now": at,
        "lease": at + timedelta(seconds=30),
    }
    plan = plans(claim._TAKE, values)
    assert "delivery_waiting" in plan
    assert "delivery_delivery_pkey" in plan
    assert "attempt_once" in plan
    assert "Seq Scan on delivery_delivery" not in plan


def test_leases_and_doubts_are_found_by_time(plans: Any) -> None:
    at = now()
    for statement, values in (
        (claim._LOST, [at, 500]),
        (claim._DOUBTFUL, {"now": at, "lease": at, "limit": 8}),
        (claim._NEXT, []),
    ):
        plan = plans(statement, values)
        assert "delivery_watched" in plan
        assert "Seq Scan on delivery_delivery" not in plan


def test_a_page_finds_the_deliveries_of_its_messages(road: Road, plans: Any) -> None:
    with db.tenant(road.shop.id):
        rows = Delivery.objects.filter(workspace_id=road.shop.id, message_id__in=[uuid7() for _ in range(30)])
        assert "delivery_of_message" in rows.explain()
