"""Whole calls, from the provider's first webhook to the customer's timeline."""

import random
from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from typing import Any
from zoneinfo import ZoneInfo

import psycopg
import pytest
from django.conf import settings

from tests.calls.provider import NUMBER, SOUND, TOKEN, Caller, Provider
from tests.channels.standin import answering_in_turn
from tests.inbound import mail, take, work
from tests.workspace.stage import signed_in
from tests.worlds import Shop
from wasl.accounts.models import Calendar
from wasl.calls import actions, follow, ringing, telephones, transcribing
from wasl.calls import work as loop
from wasl.calls.actions import Wanted
from wasl.calls.models import Call, Callback, CallEvent, Offer
from wasl.channels.models import Inbox
from wasl.channels.secret import seal_all
from wasl.channels.webhook import signed
from wasl.conversations import fetching
from wasl.conversations.models import Attachment, Conversation, Message
from wasl.conversations.reply import CannotReply, reply
from wasl.conversations.ways import Via
from wasl.customers.models import Customer, Identity
from wasl.kit import clock
from wasl.kit.clock import now
from wasl.kit.db import pool, tenant
from wasl.kit.ids import uuid7
from wasl.timeline.follow import run_once

AMAL, BRUNO = "+390611111111", "sip:bruno@shop.example"
TAKES = {AMAL: "takes"}


@pytest.fixture
def provider(shop: Shop, monkeypatch: pytest.MonkeyPatch) -> Iterator[Provider]:
    """Agent and admin are on duty."""
    monkeypatch.setattr(settings, "ENV", _private(settings.ENV))
    with tenant(shop.id):
        telephones.keep(shop.actor("agent"), AMAL, on_duty=True)
        telephones.keep(shop.actor("admin"), BRUNO, on_duty=True)
    made = Provider(shop)
    yield made
    made.close()


def _private(env: Any) -> Any:
    return replace(env, private_servers=True)


def settle() -> None:
    """The worker, until nothing is left to do."""
    for _ in range(3):
        loop.step()
        work()
        with pool("queue", "test", 8).connection() as conn:
            while run_once(conn, follow.FOLLOWER):
                pass


def kinds(owner: psycopg.Connection[Any]) -> list[str]:
    rows = owner.execute("SELECT kind FROM timeline_touchpoint WHERE kind LIKE 'call.%' ORDER BY tx, id")
    return [row[0] for row in rows]


def test_a_call_is_put_through_to_who_is_on_duty(provider: Provider, owner: psycopg.Connection[Any]) -> None:
    heard = provider.ring(answers=TAKES)
    assert heard.said == ["Welcome to Dar & Zaytun.", "We are putting you through."]
    assert heard.rung == [BRUNO, AMAL]
    settle()
    with tenant(provider.shop.id):
        call = Call.objects.get()
        assert (call.way, call.state, call.outcome, call.seconds) == ("in", "ended", "reached", 35)
        assert call.agent_id == provider.shop.agents["agent"].id
        assert (call.number, call.conversation_id, call.why) == ("+393331112222", None, "")
        assert not Message.objects.exists()
    assert kinds(owner) == ["call.started", "call.ended"]


def test_nobody_answers_and_a_message_is_left(provider: Provider, owner: psycopg.Connection[Any]) -> None:
    heard = provider.ring(Caller(message=12), {AMAL: "ignores", BRUNO: "no-answer"})
    assert heard.rung == [BRUNO, AMAL]
    assert heard.said[-2:] == [
        "Nobody can take your call just now. Please leave a message after the tone, and hang up when you have finished."
        " It is recorded.",
        "Thank you. Goodbye.",
    ]
    settle()
    with tenant(provider.shop.id):
        call = Call.objects.get()
        assert (call.outcome, call.why, call.recorded, call.agent_id) == ("voicemail", "unanswered", 12, None)
        message = Message.objects.get()
        assert (message.channel, message.way, message.rfc_id) == ("voice", "in", call.ref)
        assert message.meta["kind"] == "voicemail"
        assert message.meta["media"][0]["ref"]["url"].endswith("/Recordings/RE1")
        assert Conversation.objects.get().inbox_id == provider.inbox.id
    assert kinds(owner) == ["call.started", "call.missed", "call.recorded"]


def test_a_call_that_is_given_up_is_missed(provider: Provider, owner: psycopg.Connection[Any]) -> None:
    provider.ring(answers={})
    loop.step()
    assert kinds(owner) == ["call.started"]  # a message may still be on its way
    with clock.travel(now() + timedelta(minutes=3)):
        settle()
    with tenant(provider.shop.id):
        assert (Call.objects.get().outcome, Message.objects.get().meta["kind"]) == (
            "no_answer",
            "missed_call",
        )
    assert kinds(owner) == ["call.started", "call.missed"]


def test_outside_hours_nobody_is_rung(provider: Provider) -> None:
    with tenant(provider.shop.id):
        Calendar.objects.create(
            workspace_id=provider.shop.id,
            name="Never",
            timezone="Asia/Tokyo",
            is_default=True,
            week=[[] for _ in range(7)],
        )
    heard = provider.ring(Caller(message=3))
    assert heard.rung == []
    assert heard.said[1].startswith("We are closed just now.")
    settle()
    with tenant(provider.shop.id):
        call = Call.objects.get()
        assert call.why == "closed"
        here = call.started_at.astimezone(ZoneInfo("Asia/Tokyo"))
        assert Message.objects.get().meta["media"][0]["name"] == f"{here:%Y-%m-%d-%H%M}.mp3"


def test_when_nobody_is_on_duty_a_message_is_taken(provider: Provider) -> None:
    with tenant(provider.shop.id):
        for role in ("agent", "admin"):
            telephones.keep(provider.shop.actor(role), "", on_duty=False)
    assert provider.ring(Caller(message=3)).rung == []
    settle()
    with tenant(provider.shop.id):
        assert Call.objects.get().why == "nobody"


def configure(provider: Provider, **config: str) -> None:
    with tenant(provider.shop.id):
        provider.inbox.config |= config
        provider.inbox.save(update_fields=["config"])


def test_agents_are_rung_one_after_the_other(provider: Provider) -> None:
    configure(provider, ring="turn")
    heard = provider.ring(answers={BRUNO: "busy", AMAL: "takes"})
    assert heard.rung == [BRUNO, AMAL]
    settle()
    with tenant(provider.shop.id):
        assert Call.objects.get().agent_id == provider.shop.agents["agent"].id


@pytest.mark.parametrize(("agrees", "consent"), [(True, "given"), (False, "refused")])
def test_a_call_is_recorded_only_with_leave(
    provider: Provider, agrees: bool, consent: str, owner: psycopg.Connection[Any]
) -> None:
    configure(provider, recording="ask")
    heard = provider.ring(Caller(agrees=agrees), TAKES)
    assert heard.recorded is agrees
    settle()
    with tenant(provider.shop.id):
        call = Call.objects.get()
        assert (call.consent, bool(call.recording), call.recorded) == (consent, agrees, 35 if agrees else 0)
    assert ("call.recorded" in kinds(owner)) is agrees


def test_callers_are_greeted_in_their_language(provider: Provider) -> None:
    with tenant(provider.shop.id):
        known = Customer(workspace_id=provider.shop.id, language="ar", created_at=now(), name="سلمى")
        known.root_id = known.id
        known.save()
        Identity.objects.create(
            workspace_id=provider.shop.id, customer=known, channel="whatsapp", address="212612345678",
            display="+212612345678", created_at=now(),
        )  # fmt: skip
    heard = provider.ring(Caller("+212612345678"), TAKES)
    assert heard.said[0] == "أهلًا بكم في Dar & Zaytun."
    settle()
    with tenant(provider.shop.id):
        assert Call.objects.get().customer_id == known.id
        assert Identity.objects.get(channel="voice").customer_id == known.id


def test_a_number_that_two_share_is_nobodys(provider: Provider) -> None:
    with tenant(provider.shop.id):
        for channel, address in (("whatsapp", "393331112222"), ("sms", "+393331112222")):
            known = Customer(workspace_id=provider.shop.id, created_at=now())
            known.root_id = known.id
            known.save()
            Identity.objects.create(
                workspace_id=provider.shop.id, customer=known, channel=channel, address=address, display=address,
                created_at=now(),
            )  # fmt: skip
    provider.ring(answers=TAKES)
    settle()
    with tenant(provider.shop.id):
        assert Customer.objects.count() == 3


def test_who_hides_their_number_is_not_lost(provider: Provider) -> None:
    provider.ring(Caller("anonymous", message=5))
    provider.ring(Caller("anonymous", message=6))
    settle()
    with tenant(provider.shop.id):
        assert Message.objects.count() == Customer.objects.count() == 2
        assert not Offer.objects.exists()


def test_what_is_not_signed_is_refused_and_nothing_kept(provider: Provider) -> None:
    place = f"/hooks/voice/{provider.inbox.id}"
    form = {"CallSid": "CA1", "From": NUMBER, "CallStatus": "ringing"}
    assert provider.ask(place, form, token="other").status_code == 401
    assert provider.ask(f"{place}/dialled?of=CA1", form, token="other").status_code == 401
    assert provider.ask(place, {"nothing": "x"}).status_code == 400
    assert provider.ask(f"/hooks/voice/{provider.shop.mail.id}", form).status_code == 404
    with tenant(provider.shop.id):
        assert not CallEvent.objects.exists()
    assert provider.ask(place, form, token=TOKEN).status_code == 200


def test_the_same_webhook_again_changes_nothing(provider: Provider, owner: psycopg.Connection[Any]) -> None:
    form = {"CallSid": "CA1", "From": "+393331112222", "CallStatus": "ringing", "Direction": "inbound"}
    place = f"/hooks/voice/{provider.inbox.id}"
    first, second = provider.ask(place, form), provider.ask(place, form)
    assert first.content == second.content
    settle()
    with tenant(provider.shop.id):
        assert CallEvent.objects.count() == Call.objects.count() == 1
    assert kinds(owner) == ["call.started"]


@pytest.mark.parametrize("seed", range(10))
def test_webhooks_in_any_order_and_twice_come_to_the_same(
    provider: Provider, owner: psycopg.Connection[Any], seed: int
) -> None:
    configure(provider, recording="ask")
    provider.ring(Caller(agrees=True), TAKES)
    provider.ring(Caller("+393339998888", message=9), {})
    with tenant(provider.shop.id):
        events = list(CallEvent.objects.order_by("at", "id"))
        dice = random.Random(seed)
        dice.shuffle(events)
        CallEvent.objects.all().delete()
    for event in [*events, *events[:3]]:
        with tenant(provider.shop.id):
            CallEvent.objects.bulk_create([event], ignore_conflicts=True)
        if dice.random() < 0.6:
            loop.step()
    settle()
    with tenant(provider.shop.id):
        found = Call.objects.order_by("number").values_list(
            "number", "outcome", "seconds", "recorded", "consent"
        )
        assert list(found) == [
            ("+393331112222", "reached", 35, 35, "given"),
            ("+393339998888", "voicemail", 0, 9, "refused"),
        ]
        assert Message.objects.filter(meta__kind="voicemail").count() == 1
    assert sorted(kinds(owner)) == sorted(
        ["call.started", "call.ended", "call.recorded", "call.started", "call.missed", "call.recorded"]
    )


def test_what_a_call_cost_is_asked_until_it_is_known(
    provider: Provider, owner: psycopg.Connection[Any]
) -> None:
    heard = provider.ring(answers=TAKES)
    settle()
    with clock.travel(now() + timedelta(minutes=2)):
        loop.step()
    assert "call.priced" not in kinds(owner)
    provider.prices[heard.sid] = "-0.0085"
    with clock.travel(now() + timedelta(minutes=10)):
        loop.step()
        loop.step()
    with tenant(provider.shop.id):
        call = Call.objects.get()
        assert (call.price, call.currency, call.due_at) == (21500, "USD", None)
    assert kinds(owner)[-1] == "call.priced"


def promised(provider: Provider) -> Callback:
    """Camille, who wrote, is to be called back."""
    shop = provider.shop
    take(shop, mail("Rappelez-moi"))
    with tenant(shop.id):
        start = now().replace(minute=0, second=0, microsecond=0) + timedelta(days=1)
        start = start.replace(hour=12)
        return actions.request(shop.actor(), Conversation.objects.get().id, Wanted(start, "+393331112222"))


@pytest.mark.parametrize(
    ("agent", "customer", "outcome", "state", "tries"),
    [
        ("takes", "takes", "reached", "done", 0),
        ("takes", "busy", "busy", "waiting", 1),
        ("takes", "no-answer", "no_answer", "waiting", 1),
        ("no-answer", "", "failed", "waiting", 0),
    ],
)
def test_agent_and_customer_are_connected(
    provider: Provider, owner: psycopg.Connection[Any],
    agent: str, customer: str, outcome: str, state: str, tries: int,
) -> None:  # fmt: skip
    made = promised(provider)
    with tenant(provider.shop.id):
        ringing.ring(provider.shop.actor(), made.id)
    loop.step()
    [form] = provider.placed
    assert (form["From"], form["To"], form["Timeout"]) == (NUMBER, AMAL, "30")
    provider.connect(form, agent, customer)
    settle()
    with tenant(provider.shop.id):
        call, row = Call.objects.get(), Callback.objects.get()
        assert (call.outcome, call.state, call.ref) == (outcome, "ended", form["sid"])
        assert (row.state, row.tries) == (state, tries)
        assert call.seconds == (35 if outcome == "reached" else 0)
    assert kinds(owner) == ["call.requested", "call.started", "call.ended"]


def test_a_call_that_the_provider_refuses_is_said_to_have_failed(provider: Provider) -> None:
    made = promised(provider)
    provider.refuses = 400
    with tenant(provider.shop.id):
        ringing.ring(provider.shop.actor(), made.id)
    loop.step()
    with tenant(provider.shop.id):
        assert (Call.objects.get().outcome, Callback.objects.get().state) == ("failed", "waiting")
        ringing.ring(provider.shop.actor(), made.id)


def test_a_call_is_never_placed_twice_when_the_answer_is_lost(provider: Provider) -> None:
    made = promised(provider)
    provider.refuses = 500
    with tenant(provider.shop.id):
        ringing.ring(provider.shop.actor(), made.id)
    loop.step()
    provider.refuses = 0
    loop.step()
    assert provider.placed == []
    with tenant(provider.shop.id):
        assert Call.objects.get().state == "placing"
    with clock.travel(now() + timedelta(minutes=3)):
        loop.step()
    with tenant(provider.shop.id):
        assert Call.objects.get().outcome == "failed"


def test_after_a_missed_call_times_are_offered_where_they_can_be_reached(provider: Provider) -> None:
    shop = provider.shop
    with tenant(shop.id):
        sms = Inbox.objects.create(
            workspace_id=shop.id, channel="sms", name="SMS", address="+390600000001", language="it"
        )
    provider.ring(Caller(message=4))
    settle()
    with tenant(shop.id):
        offer = Offer.objects.get()
        said = Message.objects.get(id=offer.message_id)
        assert (said.way, said.channel, said.author_id) == ("out", "sms", None)
        assert said.delivery_id is not None
        assert "1. " in said.text
        assert Identity.objects.filter(channel="sms", address="+393331112222").count() == 1
        reply(
            replace(shop.actor("owner"), agent_id=None, token_id=uuid7()),
            said.conversation_id,
            "Ecco",
            via=Via(sms.id, said.identity_id),
        )
    owner = signed_in(shop, "owner")
    thread = owner.get(f"/conversations/{said.conversation_id}", follow=True).content.decode()
    timeline = owner.get(f"/customers/{said.customer_id}", follow=True).content.decode()
    timeline = timeline.translate({0x2068: None, 0x2069: None})  # isolates
    for who in ("Wasl", "A program"):  # signed alike, whatever page it stands on
        assert f"<bdi>{who}</bdi>" in thread
        assert f"{who} replied" in timeline
    provider.ring(Caller(message=4))
    settle()
    with tenant(shop.id):
        assert Offer.objects.count() == 1  # they rang up again; one message is enough
        assert sms.id


def test_a_voice_message_becomes_a_file(provider: Provider) -> None:
    provider.ring(Caller(message=4))
    settle()
    fetcher = fetching.Fetcher()
    for _ in range(40):
        fetcher.step()
        if _files(provider):
            break
    fetcher.close()
    [file] = _files(provider)
    assert (file.content_type, file.size) == ("audio/mpeg", len(SOUND))


def _files(provider: Provider) -> list[Attachment]:
    with tenant(provider.shop.id):
        return list(Attachment.objects.all())


def test_who_only_rang_is_not_answered_into_the_void(provider: Provider) -> None:
    provider.ring(Caller("+390655555555", message=4))
    settle()
    with pytest.raises(CannotReply, match="no_address"), tenant(provider.shop.id):
        reply(provider.shop.actor("admin"), Conversation.objects.get().id, "Hello?")
    with tenant(provider.shop.id):
        assert not Message.objects.filter(way="out").exists()


def test_no_message_where_the_business_wants_none(provider: Provider) -> None:
    configure(provider, offers="no")
    with tenant(provider.shop.id):
        Inbox.objects.create(
            workspace_id=provider.shop.id, channel="sms", name="SMS", address="+390600000001"
        )
    provider.ring(Caller(message=4))
    settle()
    with tenant(provider.shop.id):
        assert not Offer.objects.exists()


def test_a_voicemail_is_written_down_by_a_program_once(
    provider: Provider, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(transcribing, "_started", [])
    transcribing._waiting.clear()
    shop, secret = provider.shop, "A" * 24
    with tenant(shop.id):
        Inbox.objects.filter(id=provider.inbox.id).update(
            secret=seal_all(shop.id, provider.inbox.id, {"auth_token": TOKEN, "transcribe_secret": secret})
        )
    provider.ring(Caller(message=12), {AMAL: "ignores", BRUNO: "no-answer"})
    settle()
    with answering_in_turn() as program:
        with tenant(shop.id):
            Inbox.objects.filter(id=provider.inbox.id).update(
                config={**provider.inbox.config, "transcribe_url": f"{program.url}/write"}
            )
        program.answers["write"] = [
            (503, {}, {}),
            (200, {"text": "  My lamp is broken. ", "language": "en"}, {}),
        ]
        transcribing.step()
        with tenant(shop.id):
            assert not Message.objects.filter(way="note").exists()
        monkeypatch.setattr(transcribing, "AGAIN", (0.0, 0.0))
        monkeypatch.setattr(
            transcribing,
            "_waiting",
            type(transcribing._waiting)(each._replace(due=0.0) for each in transcribing._waiting),
        )
        transcribing.step()
        first, second = program.asked
        assert signed.verify(secret, second.headers, second.body)
        assert first.headers["webhook-id"] == second.headers["webhook-id"]
        assert second.json["recording"].endswith("/Recordings/RE1")
        assert (second.json["seconds"], second.json["language"]) == (12, "en")
        monkeypatch.setattr(transcribing, "_started", [])
        for _ in range(3):  # after a restart it is known that this was written down
            transcribing.step()
        assert len(program.asked) == 2
    with tenant(shop.id):
        (kept,) = Message.objects.filter(way="note")
        assert kept.text == "What the voicemail says, written down by a program:\n\nMy lamp is broken."
        assert kept.conversation_id == Call.objects.get().conversation_id
