"""Merging, splitting and taking back: messages, notes, files and deliveries follow, and so do later answers."""

from datetime import timedelta
from typing import Any
from uuid import UUID

import psycopg
import pytest

from tests.inbound import mail, receive, take, work
from tests.worlds import Shop
from wasl.accounts.actor import NotFound
from wasl.channels.email.tokens import reply_address
from wasl.config.rebuild import PROJECTIONS
from wasl.conversations import actions, follow, listing, queries, regroup, states, tags
from wasl.conversations.filters import Filter
from wasl.conversations.models import Conversation, Inbox, Message, Regrouping
from wasl.conversations.reply import reply
from wasl.delivery.models import Delivery
from wasl.kit import signing
from wasl.kit.clock import now
from wasl.kit.db import conninfo, prepare, tenant
from wasl.timeline.follow import run_once
from wasl.timeline.rebuild import rebuild

CAMILLE = "Camille Moreau <camille@atelier.example>"
OMAR = "Omar <omar@x.example>"


def open_one(
    shop: Shop, subject: str, ago: float, sender: str = CAMILLE, text: str = "Bonjour", **headers: str
) -> UUID:
    """A conversation of its own, some hours ago."""
    take(shop, mail(text, sender=sender, subject=subject, **headers), at=now() - timedelta(hours=ago))
    with tenant(shop.id):
        return Conversation.objects.get(subject=subject).id


@pytest.fixture
def two(shop: Shop) -> tuple[UUID, UUID]:
    """Two conversations of one customer, the second with an answer and a tag."""
    first = open_one(shop, "Plates", 9, Message_ID="<plates@c>")
    second = open_one(shop, "Lamp", 7, text="La lampe ?", Message_ID="<lamp@c>")
    with tenant(shop.id):
        reply(shop.actor(), second, "Oui")
        tags.tag(shop.actor(), second, "Lampes")
    return first, second


def lying(shop: Shop, key: UUID) -> list[str]:
    with tenant(shop.id):
        return [m.text for m in Message.objects.filter(conversation_id=key).order_by("at", "id")]


def rebuilt(shop: Shop) -> list[Any]:
    """What a rebuild finds wrong with what was lived."""
    projection = next(p for p in PROJECTIONS if p.name == "conversations")
    with psycopg.connect(conninfo("queue", "test"), autocommit=True) as conn:
        prepare(conn)
        while run_once(conn, follow.FOLLOWER):
            pass
        return rebuild(conn, projection, shop.id)


def seen(shop: Shop) -> list[UUID]:
    actor = shop.actor()
    with tenant(shop.id):
        return [row.id for row in listing.page(actor, Filter(status="")).rows]


def test_merged_is_one_and_back_is_two(shop: Shop, two: tuple[UUID, UUID]) -> None:
    first, second = two
    actor = shop.actor()
    with tenant(shop.id):
        before = list(Conversation.objects.order_by("id").values())
        [made] = regroup.merge(actor, first, [second])
    assert lying(shop, first) == ["Bonjour", "La lampe ?", "Oui"]
    assert lying(shop, second) == []
    assert seen(shop) == [first]
    with tenant(shop.id):
        row = Conversation.objects.get(id=first)
        assert (row.preview, row.last_way, row.messages) == ("Oui", "out", 3)
        assert [t.name for t in tags.of(first)] == ["Lampes"]
        assert Delivery.objects.get().conversation_id == first
        assert queries.conversation(actor, second).id == first, "its address leads to the other"
        states.pend(actor, second)
        assert Conversation.objects.get(id=first).status == "pending"
        states.reopen(actor, first)
    assert rebuilt(shop) == []
    with tenant(shop.id):
        assert [(r.id, c.id) for r, c in regroup.merged_into(actor, first)] == [(made, second)]
        assert regroup.unmerge(actor, made) == second
        assert list(Conversation.objects.order_by("id").values()) == before
        assert tags.of(first) == []
        assert [t.name for t in tags.of(second)] == ["Lampes"]
        assert Delivery.objects.get().conversation_id == second
        with pytest.raises(regroup.CannotRegroup):
            regroup.unmerge(actor, made)
    assert lying(shop, second) == ["La lampe ?", "Oui"]
    assert rebuilt(shop) == []


def to_token(shop: Shop, conversation: UUID) -> str:
    return reply_address(shop.mail.address, conversation, signing.key("reply-address"))


def test_answers_to_a_merged_conversation_reach_the_other(shop: Shop, two: tuple[UUID, UUID]) -> None:
    first, second = two
    with tenant(shop.id):
        regroup.merge(shop.actor(), first, [second])
        states.resolve(shop.actor(), first)
    token = to_token(shop, second)
    take(shop, mail("by token", sender=CAMILLE, to=token, subject="Re: Lamp"), to=token)
    take(shop, mail("by reference", sender=CAMILLE, subject="Re: Lamp", In_Reply_To="<lamp@c>"))
    assert lying(shop, first)[-2:] == ["by token", "by reference"]
    with tenant(shop.id):
        assert Conversation.objects.get(id=first).status == "open"
        assert Conversation.objects.count() == 2


def test_another_customers_needs_a_word_and_then_both_can_write(shop: Shop, two: tuple[UUID, UUID]) -> None:
    first, _ = two
    other = open_one(shop, "Our lamp", 5, sender=OMAR, Message_ID="<omar@c>")
    with tenant(shop.id):
        with pytest.raises(regroup.CannotRegroup) as refused:
            regroup.merge(shop.actor(), first, [other])
        assert refused.value.reason == "customers_differ"
        regroup.merge(shop.actor(), first, [other], across=True)
    token = to_token(shop, other)
    take(shop, mail("Omar again", sender=OMAR, to=token, subject="Re: Our lamp"), to=token)
    take(shop, mail("a stranger", sender="Eve <eve@x.example>", to=token, subject="Re: Our lamp"), to=token)
    assert lying(shop, first)[-1] == "Omar again"
    assert rebuilt(shop) == []


def test_chains_of_merges_come_apart_in_any_order(shop: Shop, two: tuple[UUID, UUID]) -> None:
    a, b = two
    c = open_one(shop, "Third", 5, text="trois", Message_ID="<third@c>")
    actor = shop.actor()
    with tenant(shop.id):
        [first] = regroup.merge(actor, b, [a])
        [second] = regroup.merge(actor, c, [b])
        assert queries.conversation(actor, a).id == c
    assert len(lying(shop, c)) == 4
    with tenant(shop.id):
        regroup.unmerge(actor, first)
    assert lying(shop, a) == ["Bonjour"]
    with tenant(shop.id):
        regroup.unmerge(actor, second)
    assert (lying(shop, b), lying(shop, c)) == (["La lampe ?", "Oui"], ["trois"])
    assert rebuilt(shop) == []
    with tenant(shop.id):
        [first] = regroup.merge(actor, b, [a])
        [second] = regroup.merge(actor, c, [b])
        regroup.unmerge(actor, second)
        assert queries.conversation(actor, a).id == b
        regroup.unmerge(actor, first)
    assert lying(shop, a) == ["Bonjour"]


def test_what_came_after_a_merge_stays(shop: Shop, two: tuple[UUID, UUID]) -> None:
    first, second = two
    with tenant(shop.id):
        [made] = regroup.merge(shop.actor(), first, [second])
        reply(shop.actor(), first, "Both, then")
        regroup.unmerge(shop.actor(), made)
    assert lying(shop, first) == ["Bonjour", "Both, then"]
    assert lying(shop, second) == ["La lampe ?", "Oui"]


def test_split_off_with_its_later_answers(shop: Shop) -> None:
    key = open_one(shop, "Plates", 5, Message_ID="<one@c>")
    actor = shop.actor()
    with tenant(shop.id):
        reply(actor, key, "Answer one")
    take(
        shop,
        mail(
            "And the lamp?", sender=CAMILLE, subject="Re: Plates", In_Reply_To="<one@c>", Message_ID="<two@c>"
        ),
    )
    with tenant(shop.id):
        reply(actor, key, "Answer two")
        lamp = Message.objects.get(text__startswith="And the lamp")
        answer = Message.objects.get(text="Answer two")
        states.snooze(actor, key, now() + timedelta(days=1))
        fresh = regroup.split(actor, lamp.id)
    assert lying(shop, key) == ["Bonjour", "Answer one"]
    assert lying(shop, fresh) == ["And the lamp?", "Answer two"]
    with tenant(shop.id):
        row = Conversation.objects.get(id=fresh)
        assert (row.status, row.split_from_id, row.assignee_id) == ("open", key, shop.agents["agent"].id)
        assert Delivery.objects.get(message_id=answer.id).conversation_id == fresh
        assert Conversation.objects.get(id=key).status == "snoozed"
    # The customer's program answers to the old address, and names the message that went.
    token = to_token(shop, key)
    take(shop, mail("lamp again", sender=CAMILLE, to=token, In_Reply_To=f"<{answer.rfc_id}>"), to=token)
    take(shop, mail("plates again", sender=CAMILLE, to=token, In_Reply_To="<one@c>"), to=token)
    assert lying(shop, fresh)[-1] == "lamp again"
    assert lying(shop, key)[-1] == "plates again"
    assert rebuilt(shop) == []
    with tenant(shop.id):
        regroup.merge(actor, key, [fresh])
    assert len(lying(shop, key)) == 6
    assert rebuilt(shop) == []


def test_a_split_needs_something_on_both_sides(shop: Shop, two: tuple[UUID, UUID]) -> None:
    with tenant(shop.id):
        begin = Message.objects.filter(conversation_id=two[1]).order_by("at", "id")[0]
        with pytest.raises(regroup.CannotRegroup):
            regroup.split(shop.actor(), begin.id)
        with pytest.raises(NotFound):
            regroup.split(shop.actor(), two[0])


def test_what_an_actor_may_not_see_is_not_merged(shop: Shop, two: tuple[UUID, UUID]) -> None:
    from tests.conversations.test_states import closed

    with tenant(shop.id):
        other = Inbox.objects.create(
            workspace_id=shop.id, channel="email", name="Lyon", address="l@x.example"
        )
        closed(shop, other, "owner")
        states.move(shop.actor("owner"), two[1], other.id)
        with pytest.raises(NotFound):
            regroup.merge(shop.actor("agent"), two[0], [two[1]])
        assert not Regrouping.objects.exists()


def test_a_delivery_that_fails_marks_where_its_message_is_now(shop: Shop, two: tuple[UUID, UUID]) -> None:
    from wasl.kit.db import raw
    from wasl.timeline.actions import Touch, append

    first, second = two
    with tenant(shop.id):
        regroup.merge(shop.actor(), first, [second])
        delivery = Delivery.objects.get()
        Delivery.objects.update(state="failed", ended_at=now())
        customer = Conversation.objects.get(id=first).customer_id
        append(
            raw(), shop.id,
            [Touch(customer, "delivery.failed", now(), "email", second, delivery.id, {"reason": "bounced"})],
        )  # fmt: skip
    assert rebuilt(shop) == []
    with tenant(shop.id):
        assert Conversation.objects.get(id=first).trouble == "failed"


def test_a_message_shows_where_its_conversation_lies(
    shop: Shop, two: tuple[UUID, UUID], owner: psycopg.Connection[Any]
) -> None:
    with tenant(shop.id):
        other = Inbox.objects.create(
            workspace_id=shop.id, channel="email", name="Lyon", address="l@x.example"
        )
    actor = shop.actor()
    with tenant(shop.id):
        states.move(actor, two[0], other.id)
    receive(shop, mail("encore", sender=CAMILLE, In_Reply_To="<plates@c>"))
    owner.execute("LISTEN wasl_live")
    work()
    heard = [n.payload for n in owner.notifies(timeout=30, stop_after=1)]
    assert [str(other.id) in h for h in heard] == [True]
    with tenant(shop.id):
        actions.mark_seen(actor, two[0])
        message_id = reply(actor, two[0], "From Lyon")
        sent = Delivery.objects.get(message_id=message_id)
        assert sent.inbox_id == other.id
        assert sent.payload["from"][1] == "l@x.example"
