"""Short messages by SMPP, whole: from a message centre to the timeline, and an answer to its receipt."""

import time
from collections.abc import Callable, Iterator
from typing import Any

import psycopg
import pytest

from tests.channels.centre import Centre
from tests.delivery.road import FAST, turn_until
from tests.inbound import work
from tests.worlds import Shop
from wasl.accounts.actor import Actor
from wasl.channels.models import Inbox
from wasl.channels.port import OutboundChat, Settings
from wasl.channels.queries import visible_inboxes
from wasl.channels.secret import seal_all
from wasl.channels.smpp.pdu import Place, Short
from wasl.channels.smpp.send import compose
from wasl.channels.sms import alphabet
from wasl.conversations.models import Conversation, Message
from wasl.conversations.reply import reply
from wasl.delivery.models import Delivery, State
from wasl.delivery.work import Sender
from wasl.intake import awaiting
from wasl.intake.listeners import Listeners
from wasl.kit import db
from wasl.kit.db import tenant
from wasl.kit.ids import uuid7

Owner = psycopg.Connection[Any]
HERE, THERE = Place("390612345678", 1, 1), Place("393331112222", 1, 1)


@pytest.fixture
def centre() -> Iterator[Centre]:
    with Centre() as made:
        made.patience = 1.0
        yield made


@pytest.fixture
def inbox(shop: Shop, centre: Centre) -> Inbox:
    with tenant(shop.id):
        config = {"host": "127.0.0.1", "port": str(centre.port), "system_id": "wasl", "tls": "no"}
        made = Inbox(id=uuid7(), workspace_id=shop.id, channel="smpp", name="SMS", address="+390612345678")
        made.config = config
        made.secret = seal_all(shop.id, made.id, {"password": "secret"})
        made.save(force_insert=True)
    return made


@pytest.fixture
def listening(inbox: Inbox, centre: Centre) -> Iterator[Callable[[], Listeners]]:
    made: list[Listeners] = []

    def begin() -> Listeners:
        made.append(Listeners(5))
        made[-1].step()
        assert centre.wait(lambda: any(session.mode for session in centre.sessions()), 90)
        return made[-1]

    yield begin
    for each in made:
        each.close()


def short(text: str) -> Short:
    return Short(source=THERE, destination=HERE, content=alphabet.encode(text))


def texts(shop: Shop, way: str = "in") -> list[str]:
    with tenant(shop.id):
        return list(Message.objects.filter(way=way).order_by("at", "id").values_list("text", flat=True))


def answer(shop: Shop, text: str) -> None:
    with tenant(shop.id):
        agent = shop.agents["agent"]
        actor = Actor(shop.id, agent.role, visible_inboxes(agent.id, agent.role), agent_id=agent.id, name="A")
        reply(actor, Conversation.objects.get().id, text)


def send(owner: Owner, done: Callable[[], bool]) -> None:
    sender = Sender(db.pool("queue", "test", 8), senders=2, limits=FAST, lease=30.0)
    try:
        turn_until(sender, done)
    finally:
        sender.close()


def test_a_talk_by_short_message(
    shop: Shop, owner: Owner, centre: Centre, listening: Callable[[], Listeners]
) -> None:
    ears = listening()
    long = "Hello, here is a long story. " * 8
    parts = compose(
        Settings("+393331112222", {}, {}), OutboundChat(delivery="x", to="+390612345678", text=long)
    )
    assert len(parts) == 2
    centre.bring(short("Where is my parcel?"), *reversed(parts))
    assert centre.wait(lambda: centre.undelivered == 0, 90)
    work()
    assert texts(shop) == ["Where is my parcel?", long.strip()]
    centre.faults.throttle = 1
    answer(shop, "It comes tomorrow 🚚")

    def delivered() -> bool:
        work()  # a receipt that is quicker than the record of the call waits, and is looked at again
        owner.execute("UPDATE intake_awaiting SET due_at = now()")
        awaiting.step()
        with tenant(shop.id):
            return Delivery.objects.get().state == State.DELIVERED

    send(owner, delivered)
    assert [taken.short.content.decode("utf-16-be") for taken in centre.submitted] == ["It comes tomorrow 🚚"]
    assert len(centre.refused) == 1
    ears.close()
    assert centre.wait(lambda: not centre.sessions(), 90)


def test_stop_is_answered_by_us_and_then_nothing_goes_out(
    shop: Shop, owner: Owner, centre: Centre, listening: Callable[[], Listeners]
) -> None:
    listening()
    centre.bring(short("Stop"))
    assert centre.wait(lambda: centre.undelivered == 0, 90)
    work()
    send(owner, lambda: len(centre.submitted) == 1)
    said = centre.submitted[0].short
    assert alphabet.decode(said.content).startswith("You will get no more messages")
    assert texts(shop, "out") == [alphabet.decode(said.content)]


def test_what_was_stored_and_not_acknowledged_comes_again_and_is_one_message(
    shop: Shop,
    owner: Owner,
    centre: Centre,
    listening: Callable[[], Listeners],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    from wasl.channels.smpp import heard
    from wasl.intake import listening as kept

    monkeypatch.setattr(heard, "SPAN", 10**10)  # no edge between two spans
    keep, cut = kept.keep, [1]

    def then_the_line_breaks(*args: Any) -> None:
        keep(*args)
        if args[2] and cut and cut.pop():
            centre.hang_up()

    monkeypatch.setattr(kept, "keep", then_the_line_breaks)
    ears = listening()
    centre.bring(short("Are you open today?"))
    assert centre.wait(lambda: not centre.sessions(), 90)
    assert centre.undelivered == 1
    end = time.monotonic() + 90
    while centre.undelivered and time.monotonic() < end:
        owner.execute("UPDATE intake_listening SET due_at = now()")
        ears.step()
        time.sleep(0.1)
    assert centre.undelivered == 0
    work()
    assert texts(shop) == ["Are you open today?"]
