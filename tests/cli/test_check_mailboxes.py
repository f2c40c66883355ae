"""`wasl check` says what keeps mail from being fetched."""

from datetime import timedelta
from typing import Any

import psycopg

from tests.worlds import Shop
from wasl.channels.models import Inbox, Mailbox
from wasl.cli import check_mailboxes
from wasl.cli.finding import Finding
from wasl.kit.clock import now
from wasl.kit.db import tenant

Connection = psycopg.Connection[Any]


def _found(owner: Connection) -> list[Finding]:
    return list(check_mailboxes.findings(owner))


def _change(shop: Shop, **values: Any) -> None:
    with tenant(shop.id):
        Mailbox.objects.filter(id=shop.mail.id).update(**values)


def test_mailboxes_are_fine_late_or_in_trouble(shop: Shop, owner: Connection) -> None:
    assert _found(owner) == []
    with tenant(shop.id):
        Inbox.objects.filter(id=shop.mail.id).update(config={"imap": {"host": "imap.shop.example"}})
        Mailbox.objects.create(id=shop.mail.id, workspace_id=shop.id, due_at=now(), since=now())
    (fine,) = _found(owner)
    assert (fine.state, fine.text) == ("ok", "all 1 are fetched from")

    _change(shop, due_at=now() - timedelta(minutes=20))
    (late,) = _found(owner)
    assert late.state == "warn"
    assert "WASL_IMAP_MAILBOXES" in late.advice
    _change(shop, held_until=now() + timedelta(minutes=1))
    assert _found(owner)[0].state == "ok", "somebody is looking into it"

    _change(shop, due_at=now(), problem="timed_out", problem_since=now() - timedelta(minutes=5))
    (slow,) = _found(owner)
    assert (slow.state, "support@dar-zaytun.example" in slow.text) == ("warn", True)
    assert "from imap.shop.example: timed out for 5 minutes" in slow.text
    _change(shop, problem_since=now() - timedelta(hours=3))
    assert _found(owner)[0].state == "fail"

    _change(shop, problem="sign_in_refused", problem_since=now(), detail="[AUTHENTICATIONFAILED] no")
    (refused,) = _found(owner)
    assert refused.state == "fail"
    assert refused.text.endswith("it says: [AUTHENTICATIONFAILED] no")
    assert "Enter what signs in again" in refused.advice

    _change(shop, is_active=False)
    assert _found(owner) == []
