"""Answering, assigning, resolving: what agents do, and what they may not."""

import email
from datetime import timedelta
from typing import Any

import psycopg
import pytest

from tests.inbound import mail, take
from tests.worlds import Shop
from wasl.accounts.actor import Forbidden, NotFound
from wasl.accounts.models import TeamMember
from wasl.channels.email.compose import compose
from wasl.channels.email.tokens import read_token
from wasl.channels.models import InboxTeam
from wasl.conversations import actions, places, queries
from wasl.conversations.follow import rebuild
from wasl.conversations.models import Conversation, Message
from wasl.conversations.reply import CannotReply, Upload, reply
from wasl.delivery.models import Delivery
from wasl.delivery.payload import unpack
from wasl.kit import signing
from wasl.kit.clock import travel
from wasl.kit.db import as_tenant, pool, tenant

Owner = psycopg.Connection[Any]


@pytest.fixture
def conversation(shop: Shop) -> Conversation:
    take(shop, mail("Où est ma facture ?", Message_ID="<first@atelier.example>"))
    with tenant(shop.id):
        return Conversation.objects.get()


def test_an_answer_is_a_message_a_delivery_and_a_touchpoint(
    shop: Shop, conversation: Conversation, owner: Owner
) -> None:
    actor = shop.actor()
    with tenant(shop.id):
        message_id = reply(
            actor,
            conversation.id,
            "La voici.\r\n",
            [Upload("facture.pdf", "application/pdf", content=b"%PDF-1.7")],
        )
        message = Message.objects.get(id=message_id)
        delivery = Delivery.objects.get(message_id=message_id)
        fresh = Conversation.objects.get()
        assert (message.text, message.way, message.author_id) == ("La voici.", "out", actor.agent_id)
        assert (fresh.last_way, fresh.preview, fresh.messages) == ("out", "La voici.", 2)
        assert fresh.assignee_id == actor.agent_id
        outbound = unpack(shop.id, delivery.payload)
    key = signing.key("reply-address")
    assert outbound.reply_to
    assert read_token(outbound.reply_to.address, key) == ("reply", conversation.id)
    assert read_token(outbound.envelope_from, key) == ("bounce", delivery.id)
    composed = email.message_from_bytes(compose(outbound))
    assert composed["In-Reply-To"] == "<first@atelier.example>"
    assert composed["References"] == "<first@atelier.example>"
    assert composed["Subject"] == "Re: Facture"
    kinds = owner.execute("SELECT kind FROM timeline_touchpoint ORDER BY id").fetchall()
    assert [k[0] for k in kinds] == ["message.received", "message.sent"]


def test_the_customers_answer_comes_back_to_the_same_conversation(
    shop: Shop, conversation: Conversation
) -> None:
    with tenant(shop.id):
        message_id = reply(shop.actor(), conversation.id, "La voici.")
        rfc_id = Message.objects.get(id=message_id).rfc_id
    take(shop, mail("Merci !", subject="Re: Facture", In_Reply_To=f"<{rfc_id}>"))
    with tenant(shop.id):
        assert Conversation.objects.get().messages == 3


def test_an_answer_by_a_clock_that_is_behind_is_not_the_last_word(
    shop: Shop, conversation: Conversation
) -> None:
    with tenant(shop.id), travel(conversation.last_at - timedelta(seconds=2)):
        reply(shop.actor(), conversation.id, "La voici.")
    with tenant(shop.id):
        lived = Conversation.objects.values().get()
    assert lived["last_way"] == "in"
    with pool("queue", "test", 8).connection() as conn, conn.transaction(), as_tenant(conn, shop.id):
        rebuild(conn, shop.id)
    with tenant(shop.id):
        assert Conversation.objects.values().get() == lived


@pytest.mark.parametrize(
    "subject", ["Facture", "Re: Facture", "RE: Re: Facture", "رد: فاتورة", "I: R: Fattura"]
)
def test_prefixes_do_not_pile_up(shop: Shop, subject: str) -> None:
    take(shop, mail(subject=subject))
    with tenant(shop.id):
        conversation = Conversation.objects.get()
        message = Message.objects.get(id=reply(shop.actor(), conversation.id, "ok"))
    assert message.subject == f"Re: {subject.split(': ')[-1]}"


def test_nothing_cannot_be_sent(shop: Shop, conversation: Conversation) -> None:
    with tenant(shop.id), pytest.raises(CannotReply, match="empty"):
        reply(shop.actor(), conversation.id, " \r\n\x00 ")


def test_readers_may_not_write(shop: Shop, conversation: Conversation) -> None:
    reader = shop.actor("readonly")
    for act in (
        lambda: reply(reader, conversation.id, "no"),
        lambda: actions.assign(reader, conversation.id, None),
        lambda: actions.resolve(reader, conversation.id),
    ):
        with tenant(shop.id), pytest.raises(Forbidden):
            act()


def test_what_one_may_not_see_is_not_there(shop: Shop, conversation: Conversation) -> None:
    with tenant(shop.id):
        from wasl.accounts.models import Team

        team = Team.objects.create(workspace_id=shop.id, name="Orders")
        InboxTeam.objects.create(workspace_id=shop.id, inbox=shop.mail, team=team)
    outsider = shop.actor("agent")
    with tenant(shop.id):
        assert queries.conversations(outsider).rows == []
        for ask in (queries.conversation, queries.thread, actions.resolve, actions.mark_seen):
            with pytest.raises(NotFound):
                ask(outsider, conversation.id)
        TeamMember.objects.create(workspace_id=shop.id, team=team, agent=shop.agents["agent"])
    with tenant(shop.id):
        assert [c.id for c in queries.conversations(shop.actor("agent")).rows] == [conversation.id]


def test_another_workspace_sees_nothing(shop: Shop, conversation: Conversation) -> None:
    other = Shop.create("other", "help@other.example")
    with tenant(other.id), pytest.raises(NotFound):
        queries.conversation(other.actor("owner"), conversation.id)


def test_resolving_and_reopening_leave_their_touchpoints(
    shop: Shop, conversation: Conversation, owner: Owner
) -> None:
    actor = shop.actor()
    with tenant(shop.id):
        actions.resolve(actor, conversation.id)
        actions.resolve(actor, conversation.id)
        actions.reopen(actor, conversation.id)
        actions.assign(actor, conversation.id, actor.agent_id)
        actions.assign(actor, conversation.id, None)
    kinds = owner.execute("SELECT kind FROM timeline_touchpoint ORDER BY id OFFSET 1").fetchall()
    assert [k[0] for k in kinds] == [
        "conversation.resolved",
        "conversation.reopened",
        "conversation.assigned",
        "conversation.assigned",
    ]


def test_unread_is_each_agents_own(shop: Shop, conversation: Conversation) -> None:
    one, two = shop.actor("agent"), shop.actor("admin")
    with tenant(shop.id):
        actions.mark_seen(one, conversation.id)
        assert queries.conversation(one, conversation.id).unread is False
        assert queries.conversation(two, conversation.id).unread is True
    take(shop, mail("Encore moi"))
    with tenant(shop.id):
        assert queries.conversation(one, conversation.id).unread is True


def test_pages_follow_one_another_without_gap_or_double(shop: Shop) -> None:
    take(shop, *(mail(f"n {n}", sender=f"c{n}@x.example", subject=str(n)) for n in range(25)))
    actor, seen, before = shop.actor(), [], None
    with tenant(shop.id):
        while True:
            page = queries.conversations(actor, before=before, limit=7)
            seen += [c.id for c in page.rows]
            before = page.after
            if before is None:
                break
        assert len(seen) == len(set(seen)) == 25
        assert places.places(actor).all == 25
        assert places.places(actor).unassigned == 25
