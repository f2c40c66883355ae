"""`wasl check` says what keeps channels' own connections from standing."""

from datetime import timedelta
from typing import Any

import psycopg

from tests.worlds import Shop
from wasl.channels.models import Inbox
from wasl.cli import check_listening
from wasl.cli.finding import Finding
from wasl.intake.models import Listening
from wasl.kit.clock import now
from wasl.kit.db import tenant

Connection = psycopg.Connection[Any]


def found(owner: Connection) -> list[Finding]:
    return list(check_listening.findings(owner))


def change(shop: Shop, **values: Any) -> None:
    with tenant(shop.id):
        Listening.objects.update(**values)


def test_connections_stand_are_late_or_in_trouble(shop: Shop, owner: Connection) -> None:
    assert found(owner) == []
    with tenant(shop.id):
        inbox = Inbox.objects.create(workspace_id=shop.id, channel="telegram", name="Bot", address="shop_bot")
    assert found(owner)[0].state == "ok"
    owner.execute("UPDATE channels_inbox SET created_at = now() - interval '5 minutes'")
    (never,) = found(owner)
    assert (never.state, "Is a worker running?" in never.advice) == ("warn", True)

    with tenant(shop.id):
        Listening.objects.create(id=inbox.id, workspace_id=shop.id, due_at=now())
    assert [each.text for each in found(owner)] == ["all 1 inboxes are listened for"]
    change(shop, due_at=now() - timedelta(minutes=5))
    assert found(owner)[0].state == "warn"
    change(shop, held_until=now() + timedelta(seconds=15))
    assert found(owner)[0].state == "ok", "somebody listens"

    change(shop, due_at=now(), problem="not_now", problem_since=now() - timedelta(minutes=5))
    (slow,) = found(owner)
    assert (slow.state, "Bot (telegram, dar-zaytun): not now for 5 minutes" in slow.text) == ("warn", True)
    change(shop, problem_since=now() - timedelta(hours=3))
    assert found(owner)[0].state == "fail"
    change(shop, problem="sign_in", problem_since=now(), detail="401 Unauthorized")
    (refused,) = found(owner)
    assert refused.state == "fail"
    assert refused.text.endswith("it says: 401 Unauthorized")
    with tenant(shop.id):
        Inbox.objects.update(is_active=False)
    assert found(owner) == []
