"""Messenger, Instagram and comments from their door to the timeline: once, in any order the same."""

import json
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import psycopg
import pytest

from tests.channels.road import Provider
from tests.inbound import work
from tests.worlds import Shop
from wasl.conversations.models import Conversation, Message
from wasl.conversations.reply import CannotReply, reply
from wasl.conversations.ways import ways
from wasl.customers.models import Identity
from wasl.delivery.models import Attempt, Delivery, State
from wasl.intake import awaiting
from wasl.intake.models import Awaiting, Quarantine
from wasl.kit.clock import now
from wasl.kit.db import tenant

Owner = psycopg.Connection[Any]
SAMPLES = Path(__file__).parent / "samples"


@pytest.fixture
def page(shop: Shop) -> Iterator[Provider]:
    made = Provider(shop, "messenger", "1001")
    yield made
    made.close()


@pytest.fixture
def gram(shop: Shop) -> Iterator[Provider]:
    made = Provider(shop, "instagram", "1784")
    yield made
    made.close()


def sample(name: str, *wanted: str) -> list[Any]:
    found = json.loads((SAMPLES / f"{name}.json").read_text())
    return [found[each] for each in wanted] if wanted else list(found.values())


def event(owner: str = "1001", **parts: Any) -> dict[str, Any]:
    """A messaging event."""
    said = {
        "sender": {"id": "7001"},
        "recipient": {"id": owner},
        "timestamp": int(now().timestamp() * 1000),
    } | parts
    return {
        "object": "page" if owner == "1001" else "instagram",
        "entry": [{"id": owner, "messaging": [said]}],
    }


def state() -> Any:
    """What there is: every message with what it says, and the conversations' number."""
    told = [
        (m.rfc_id or m.text, m.way, m.text, m.meta.get("kind"), m.meta.get("deleted_at"),
         {who: given[0] for who, given in (m.meta.get("reactions") or {}).items()}, (m.meta.get("hidden") or [0])[0],
         m.conversation.subject)
        for m in Message.objects.select_related("conversation").order_by("rfc_id", "text")
    ]  # fmt: skip
    return told, Conversation.objects.count(), Identity.objects.count(), Quarantine.objects.count()


def again(owner: Owner) -> None:
    """What waits is looked at once more, as its time has come."""
    owner.execute("UPDATE intake_awaiting SET due_at = now()")
    awaiting.step()
    work()


def test_unsigned_is_refused_and_nothing_kept(page: Provider, owner: Owner) -> None:
    assert page.post(sample("messenger/messages", "text")[0], secret="other").status_code == 401
    assert page.ask(content=b"{}").status_code == 401
    told = page.ask("GET", query="?hub.mode=subscribe&hub.challenge=99&hub.verify_token=tok")
    assert (told.status_code, told.text) == (200, "99")
    assert page.ask("GET", query="?hub.mode=subscribe&hub.challenge=99&hub.verify_token=x").status_code == 403
    assert owner.execute("SELECT count(*) FROM intake_inbound").fetchone() == (0,)


@pytest.mark.parametrize(
    ("channel", "names"),
    [
        ("messenger", ["messenger/messages", "messenger/events"]),
        ("instagram", ["instagram/messages", "instagram/events"]),
        ("messenger", ["comments/changes"]),
        ("instagram", ["comments/changes"]),
    ],
)
def test_every_sample_twice_and_in_reverse_comes_to_the_same(
    db: None, channel: str, names: list[str], owner: Owner
) -> None:
    wanted = "page" if channel == "messenger" else "instagram"
    bodies = [body for name in names for body in sample(name) if body["object"] == wanted]
    seen: list[Any] = []
    for order in (bodies, [*bodies, *bodies], bodies[::-1]):
        shop = Shop.create(f"Shop {len(seen)}")
        provider = Provider(shop, channel, "1001" if channel == "messenger" else "1784")
        try:
            provider.say(*order)
            again(owner)
            with tenant(shop.id):
                seen.append(state())
        finally:
            provider.close()
    assert seen[0] == seen[1] == seen[2]
    assert len(seen[0][0]) >= 3
    assert seen[0][3] == 0


def test_a_customer_has_one_conversation_of_messages(page: Provider) -> None:
    page.say(
        event(message={"mid": "m1", "text": "Bonjour"}), event(message={"mid": "m2", "text": "Toujours là ?"})
    )
    with tenant(page.shop.id):
        conversation = Conversation.objects.get()
        assert (conversation.inbox_id, conversation.messages, conversation.language) == (
            page.inbox.id,
            2,
            "fr",
        )


def test_what_another_program_wrote_is_on_the_timeline_and_ours_is_not_doubled(page: Provider) -> None:
    page.say(event(message={"mid": "m1", "text": "Bonjour"}))
    with tenant(page.shop.id):
        delivery = page.sent("Demain", "m_out")
    from_us: dict[str, Any] = {"sender": {"id": "1001"}, "recipient": {"id": "7001"}}
    echo = {"mid": "m_out", "text": "Demain", "is_echo": True}
    page.say(
        event(**from_us, message=echo),
        event(**from_us, message=echo | {"mid": "m_also", "metadata": f"wasl:{delivery.id}"}),
        event(**from_us, message={"mid": "m_app", "text": "Par l’application", "is_echo": True}),
    )
    with tenant(page.shop.id):
        told = list(Message.objects.filter(way="out").order_by("at", "id").values_list("text", flat=True))
    assert told == ["Demain", "Par l’application"]


def test_an_echo_that_is_quicker_than_the_answer_waits_for_it(gram: Provider, owner: Owner) -> None:
    gram.say(event("1784", sender={"id": "8001"}, message={"mid": "i1", "text": "Ciao"}))
    with tenant(gram.shop.id):
        delivery = gram.sent("Domani", state=State.SENDING)
    from_us: dict[str, Any] = {"sender": {"id": "1784"}, "recipient": {"id": "8001"}}
    gram.say(event("1784", **from_us, message={"mid": "i_out", "text": "Domani", "is_echo": True}))
    with tenant(gram.shop.id):
        assert Message.objects.filter(way="out").count() == 1
        assert Awaiting.objects.get().ref == "i_out"
        delivery.state, delivery.ref = State.SENT, "i_out"
        delivery.save(update_fields=["state", "ref"])
    again(owner)
    with tenant(gram.shop.id):
        assert Message.objects.filter(way="out").count() == 1
        assert not Awaiting.objects.exists()


def test_an_echo_of_another_program_meanwhile_is_not_lost(gram: Provider, owner: Owner) -> None:
    gram.say(event("1784", sender={"id": "8001"}, message={"mid": "i1", "text": "Ciao"}))
    with tenant(gram.shop.id):
        delivery = gram.sent("Domani", state=State.SENDING)
    from_us: dict[str, Any] = {"sender": {"id": "1784"}, "recipient": {"id": "8001"}}
    gram.say(event("1784", **from_us, message={"mid": "i_app", "text": "Dal telefono", "is_echo": True}))
    with tenant(gram.shop.id):
        delivery.state, delivery.ref = State.SENT, "i_out"
        delivery.save(update_fields=["state", "ref"])
    again(owner)
    with tenant(gram.shop.id):
        assert set(Message.objects.filter(way="out").values_list("text", flat=True)) == {
            "Domani",
            "Dal telefono",
        }


def test_an_echo_settles_a_doubt(gram: Provider) -> None:
    gram.say(event("1784", sender={"id": "8001"}, message={"mid": "i1", "text": "Ciao"}))
    with tenant(gram.shop.id):
        delivery = gram.sent("Domani", state=State.IN_DOUBT)
    from_us: dict[str, Any] = {"sender": {"id": "1784"}, "recipient": {"id": "8001"}}
    gram.say(event("1784", **from_us, message={"mid": "i_out", "text": "Domani", "is_echo": True}))
    with tenant(gram.shop.id):
        delivery.refresh_from_db()
        assert (delivery.state, delivery.ref) == (State.SENT, "i_out")
        assert Message.objects.filter(way="out").count() == 1
    gram.say(event("1784", sender={"id": "8001"}, read={"mid": "i_out"}))
    with tenant(gram.shop.id):
        delivery.refresh_from_db()
        assert delivery.state == State.READ


@pytest.mark.parametrize(("state", "ref"), [(State.RETRY, ""), (State.SENDING, ""), (State.SENT, "i_second")])
def test_an_echo_that_comes_after_the_doubt_is_no_message_of_anybodys(
    gram: Provider, state: State, ref: str
) -> None:
    gram.say(event("1784", sender={"id": "8001"}, message={"mid": "i1", "text": "Ciao"}))
    with tenant(gram.shop.id):
        delivery = gram.sent("Domani", ref, state=state)
        Attempt.objects.filter(delivery_id=delivery.id).update(outcome="in_doubt")
        Delivery.objects.filter(id=delivery.id).update(doubts=1)
    from_us: dict[str, Any] = {"sender": {"id": "1784"}, "recipient": {"id": "8001"}}
    gram.say(event("1784", **from_us, message={"mid": "i_first", "text": "Domani", "is_echo": True}))
    with tenant(gram.shop.id):
        assert Message.objects.filter(way="out").count() == 1
        delivery.refresh_from_db()
        known = state if state == State.SENDING else State.SENT  # it left: no second copy is needed
        assert (delivery.state, delivery.ref) == (known, ref or "i_first")


def test_a_watermark_is_about_what_was_handed_over_before_it(page: Provider) -> None:
    """Not what was written before and left later; not what failed; and nobody else's."""
    page.say(event(message={"mid": "m1", "text": "Bonjour"}))
    long_ago, then = now() - timedelta(minutes=9), now() - timedelta(minutes=5)
    with tenant(page.shop.id):
        early = page.sent("Oui", "m_a", at=long_ago)
        failed = page.sent("Non", at=long_ago, state=State.FAILED)
        held = page.sent("Peut-être", "m_b", at=long_ago, attempted=now() - timedelta(minutes=1))
    page.say(event(sender={"id": "7002"}, message={"mid": "m2", "text": "Un autre"}))
    with tenant(page.shop.id):
        others = page.sent("Bonjour", "m_c", at=long_ago)
    upto = int(then.timestamp() * 1000)
    page.say(event(delivery={"watermark": upto}))
    with tenant(page.shop.id):
        for each in (early, failed, held, others):
            each.refresh_from_db()
        assert [each.state for each in (early, failed, held, others)] == [
            "delivered",
            "failed",
            "sent",
            "sent",
        ]
    page.say(event(read={"watermark": upto}), event(read={"watermark": upto + 1}))
    with tenant(page.shop.id):
        for each in (early, failed, held, others):
            each.refresh_from_db()
        assert [each.state for each in (early, failed, held, others)] == ["read", "failed", "sent", "sent"]


def test_a_watermark_while_a_call_is_under_way_is_looked_at_again(page: Provider, owner: Owner) -> None:
    page.say(event(message={"mid": "m1", "text": "Bonjour"}))
    with tenant(page.shop.id):
        delivery = page.sent("Oui", state=State.SENDING, at=now() - timedelta(seconds=9))
    page.say(event(read={"watermark": int(now().timestamp() * 1000)}))
    with tenant(page.shop.id):
        delivery.refresh_from_db()
        assert delivery.state == State.SENDING
        delivery.state = State.SENT
        delivery.save(update_fields=["state"])
    again(owner)
    with tenant(page.shop.id):
        delivery.refresh_from_db()
        assert delivery.state == State.READ


def test_comments_and_messages_of_one_person_are_kept_apart(page: Provider) -> None:
    page.say(
        event(message={"mid": "m1", "text": "En privé"}),
        *sample("comments/changes", "comment", "visitor_post"),
        event(message={"mid": "m2", "text": "Encore en privé"}),
        *sample("comments/changes", "answer_to_a_comment"),
    )
    with tenant(page.shop.id):
        told = {
            c.subject: list(
                Message.objects.filter(conversation=c).order_by("at", "id").values_list("text", flat=True)
            )
            for c in Conversation.objects.all()
        }
        assert Identity.objects.count() == 1
    assert told == {
        "": ["En privé", "Encore en privé"],
        "facebook:1001_55": ["C’est encore en stock ?", "Et en bleu ?"],
        "facebook:1001_77": ["Toujours pas livrée"],
    }


def test_a_comment_that_is_hidden_and_removed_says_so(page: Provider) -> None:
    page.say(*sample("comments/changes", "comment", "hidden"))
    with tenant(page.shop.id):
        assert Message.objects.get().meta["hidden"][0] is True
    page.say(*sample("comments/changes", "shown", "hidden", "edited"))
    with tenant(page.shop.id):
        message = Message.objects.get()
        assert (message.meta["hidden"][0], message.text) == (False, "C’est toujours en stock ?")
    page.say(*sample("comments/changes", "removed"))
    with tenant(page.shop.id):
        message = Message.objects.get()
        assert (message.text, message.meta["content"]) == ("", {"public": True})


def test_nobody_takes_back_a_private_message_of_somebody_else(page: Provider) -> None:
    page.say(
        event(message={"mid": "m1", "text": "À moi"}),
        event(sender={"id": "7002"}, message={"mid": "m2", "text": "x"}),
    )
    page.say(event(sender={"id": "7002"}, message={"mid": "m1", "is_deleted": True}))
    page.say(
        event(sender={"id": "1001"}, recipient={"id": "7001"}, message={"mid": "m1", "is_deleted": True})
    )
    with tenant(page.shop.id):
        assert Message.objects.get(rfc_id="m1").text == "À moi"


def test_a_comment_is_answered_in_public_or_to_its_author(page: Provider) -> None:
    """Which of the two is chosen, and never the one for the other; a comment does not open private messages."""
    page.say(*sample("comments/changes", "comment"))
    with tenant(page.shop.id):
        conversation = Conversation.objects.get()
        actor = page.shop.actor("agent")
        below, aside = ways(actor, conversation)
        assert (below.public, below.aside, below.until, below.comment) == (True, False, None, "55_901")
        assert (aside.public, aside.aside, aside.comment) == (False, True, "55_901")
        assert aside.until
        reply(actor, conversation.id, "Oui !")
        reply(actor, conversation.id, "Écrivez-nous", via=aside.via)
        sent = {d.payload["chat"]["text"]: d.payload["chat"] for d in Delivery.objects.all()}
        told = {m.text: m.meta["content"] for m in Message.objects.filter(way="out")}
    assert [(sent[t]["comment"], sent[t]["answers"]) for t in ("Oui !", "Écrivez-nous")] == [
        ("public", "55_901"),
        ("private", "55_901"),
    ]
    assert told == {"Oui !": {"public": True}, "Écrivez-nous": {"public": False}}


def test_private_messages_are_answered_privately_whatever_was_said_in_public(page: Provider) -> None:
    page.say(event(message={"mid": "m1", "text": "En privé"}), *sample("comments/changes", "comment"))
    with tenant(page.shop.id):
        actor = page.shop.actor("agent")
        private, public = (
            Conversation.objects.get(subject=""),
            Conversation.objects.get(subject="facebook:1001_55"),
        )
        (way,) = ways(actor, private)
        assert (way.public, way.comment, way.wrote_ref) == (False, "", "m1")
        below, aside = ways(actor, public)
        assert (below.public, aside.aside, aside.comment) == (True, True, "")
        reply(actor, private.id, "Bien sûr")
        reply(actor, public.id, "Bien sûr, en privé", via=aside.via)
        sent = [(d.payload["chat"]["comment"], d.payload["chat"]["to"]) for d in Delivery.objects.all()]
    assert sent == [("", "7001"), ("", "7001")]


def test_a_person_may_answer_for_seven_days(page: Provider, owner: Owner) -> None:
    page.say(event(message={"mid": "m1", "text": "Bonjour"}))
    with tenant(page.shop.id):
        actor, conversation = page.shop.actor("agent"), Conversation.objects.get()
        for days, why in ((6, ""), (8, "window_closed")):
            owner.execute("UPDATE conversations_message SET at = now() - make_interval(days => %s)", [days])
            (way,) = ways(actor, conversation)
            assert way.why == why
        with pytest.raises(CannotReply):
            reply(actor, conversation.id, "Trop tard")


def test_what_is_answered_in_private_stays_there(page: Provider) -> None:
    """Also when it quotes the message that went to a comment's author alone."""
    page.say(*sample("comments/changes", "comment"))
    with tenant(page.shop.id):
        page.sent("Écrivez-nous", "m_aside")
    page.say(
        event(message={"mid": "m1", "text": "Voici mon adresse", "reply_to": {"mid": "m_aside"}}),
        *sample("comments/changes", "answer_to_a_comment"),
    )
    with tenant(page.shop.id):
        told = set(Message.objects.filter(way="in").values_list("text", "conversation__subject"))
    assert told == {
        ("C’est encore en stock ?", "facebook:1001_55"),
        ("Et en bleu ?", "facebook:1001_55"),
        ("Voici mon adresse", ""),
    }


def test_one_webhook_of_fifty_mixed_things_brings_all_fifty(page: Provider, owner: Owner) -> None:
    """Messages, reactions, comments and receipts, of several people, in one request; and the same once more."""
    stamp = int(now().timestamp() * 1000)
    messaging = [
        {"sender": {"id": f"70{n % 5}"}, "recipient": {"id": "1001"}, "timestamp": stamp + n,
         "message": {"mid": f"m{n}", "text": f"Message {n}"}}
        for n in range(30)
    ] + [
        {"sender": {"id": f"70{n % 5}"}, "recipient": {"id": "1001"}, "timestamp": stamp + 100 + n,
         "reaction": {"mid": f"m{n}", "action": "react", "emoji": "👍"}}
        for n in range(5)
    ] + [
        {"sender": {"id": "700"}, "recipient": {"id": "1001"}, "timestamp": stamp + n, "read": {"watermark": stamp + n}}
        for n in range(5)
    ]  # fmt: skip
    comment = sample("comments/changes", "comment")[0]["entry"][0]["changes"][0]
    changes = [comment | {"value": comment["value"] | {"comment_id": f"55_{n}"}} for n in range(10)]
    entries = [
        {"id": "1001", "time": stamp, "messaging": messaging},
        {"id": "1001", "time": stamp, "changes": changes},
    ]
    for _ in range(2):
        page.say({"object": "page", "entry": entries})
        assert owner.execute("SELECT count(*) FROM intake_inbound").fetchone() == (50,)
    with tenant(page.shop.id):
        assert (Message.objects.count(), Conversation.objects.count()) == (40, 6)
        reacted = [m for m in Message.objects.all() if m.meta.get("reactions")]
        assert (len(reacted), Quarantine.objects.count()) == (5, 0)


def test_an_answer_of_ours_that_is_changed_or_removed_there_changes_here(page: Provider) -> None:
    page.say(*sample("comments/changes", "comment"))
    with tenant(page.shop.id):
        page.sent("Oui !", "55_903")
    (own,) = sample("comments/changes", "our_own")
    value = own["entry"][0]["changes"][0]["value"]
    for number, (verb, text) in enumerate((("edited", "Oui, dès demain !"), ("remove", ""))):
        change = {"field": "feed", "value": value | {"verb": verb, "message": "Oui, dès demain !"}}
        page.say(
            {"object": "page", "entry": [{"id": "1001", "time": 1_760_000_200 + number, "changes": [change]}]}
        )
        with tenant(page.shop.id):
            message = Message.objects.get(way="out")
        assert message.text == text
    assert message.meta["deleted_at"]
