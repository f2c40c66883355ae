"""What agents see of what a customer was told: the promise beside the conversation, the quiet mail in it."""

from datetime import timedelta
from uuid import uuid4

from tests.inbound import mail, take
from tests.workspace.stage import Browser
from tests.worlds import Shop
from wasl.accounts.models import Team
from wasl.channels.models import InboxTeam
from wasl.conversations.models import Conversation, Message
from wasl.conversations.reply import reply
from wasl.desk import acknowledge
from wasl.desk.models import Acknowledgement, Promise
from wasl.kit.clock import now, travel
from wasl.kit.db import pool, tenant
from wasl.timeline.follow import run_once


def acknowledged(shop: Shop) -> Conversation:
    with tenant(shop.id):
        Acknowledgement.objects.create(workspace_id=shop.id, inbox=shop.mail, is_on=True, minutes=120)
    take(shop, mail("Bonjour, je voudrais savoir où est ma commande, merci"))
    with pool("queue", "test", 8).connection() as conn:
        while run_once(conn, acknowledge.FOLLOWER):
            pass
    with tenant(shop.id):
        return Conversation.objects.get()


def test_the_mail_is_there_and_quiet_and_the_promise_stands_on_the_card(shop: Shop, browser: Browser) -> None:
    row = acknowledged(shop)
    page = browser(shop).get(f"/all/{row.id}").text
    assert "data-auto" in page
    assert "Automatic mail" in page
    assert 'class="vow" data-state="open"' in page
    assert "hours left" in page
    assert "Nous vous répondrons" in page
    timeline = browser(shop).get(f"/customers/{row.customer_id}").text
    assert "Acknowledged at once, answer promised by" in timeline


def test_a_promise_that_is_late_then_settled(shop: Shop, browser: Browser) -> None:
    row = acknowledged(shop)
    with travel(now() + timedelta(hours=9)):
        assert 'data-state="late"' in browser(shop).get(f"/conversations/{row.id}/card").text
    with tenant(shop.id):
        reply(shop.actor(), row.id, "La voici.")
        Promise.objects.update(answered_at=now())
    card = browser(shop).get(f"/conversations/{row.id}/card").text
    assert "vow" not in card
    assert "early" in card
    with tenant(shop.id):
        Promise.objects.update(answered_at=now() + timedelta(days=3))
    assert "late" in browser(shop).get(f"/conversations/{row.id}/card").text


def test_promises_of_inboxes_one_may_not_see_are_not_told(shop: Shop, browser: Browser) -> None:
    row = acknowledged(shop)
    with tenant(shop.id):
        other = Conversation.objects.create(
            workspace_id=shop.id,
            customer_id=row.customer_id,
            inbox=shop.forms,
            created_at=now(),
            last_at=now(),
        )
        Promise.objects.create(
            workspace_id=shop.id, conversation=other, customer_id=row.customer_id, inbox=shop.forms,
            message_id=uuid4(), made_at=now(), due_at=now() + timedelta(hours=5), basis="configured",
        )  # fmt: skip
        assert Message.objects.filter(conversation=row).count() == 2
    path = f"/conversations/{row.id}/card"
    assert "in another conversation" in browser(shop).get(path).text
    with tenant(shop.id):
        team = Team.objects.create(workspace_id=shop.id, name="Lyon")
        InboxTeam.objects.create(workspace_id=shop.id, inbox=shop.forms, team=team)
    assert "in another conversation" not in browser(shop).get(path).text
    assert "in another conversation" in browser(shop, "admin").get(path).text
