"""Addresses that nothing is sent to: by STOP, by what a provider says, and until they want messages again."""

from typing import Any
from uuid import UUID

import psycopg
import pytest

from tests.worlds import Shop
from wasl.channels.base import PermanentFailure, Reason, Sent
from wasl.channels.models import Inbox
from wasl.channels.port import OutboundChat
from wasl.channels.secret import seal_all
from wasl.channels.sms import send as sms
from wasl.delivery import suppression
from wasl.delivery.actions import receipt
from wasl.delivery.models import Suppression
from wasl.delivery.payload import pack_chat
from wasl.delivery.suppression import DESPITE, Why
from wasl.kit.clock import now
from wasl.kit.db import raw, tenant
from wasl.kit.ids import uuid7

Owner = psycopg.Connection[Any]
NUMBER = "+393331112222"
"""Of Salma, who has a conversation."""


class Wire:
    """A provider of short messages that writes down what it is asked."""

    def __init__(self) -> None:
        self.sent: list[OutboundChat] = []
        self.refuses: PermanentFailure | None = None
        self.says = ""

    def send(self, message: OutboundChat) -> Sent:
        self.sent.append(message)
        if self.refuses:
            raise self.refuses
        return Sent(f"SM{len(self.sent)}{self.says}", self.says)


@pytest.fixture
def wire(monkeypatch: pytest.MonkeyPatch) -> Wire:
    made = Wire()
    monkeypatch.setattr(sms.Line, "send", lambda _, message: made.send(message))
    return made


class Place:
    """A shop with a number, and somebody to write to."""

    def __init__(self, shop: Shop, owner: Owner) -> None:
        from tests.delivery.road import Road

        self.shop, self.owner = shop, owner
        self.road = Road(shop, owner)
        with tenant(shop.id):
            self.inbox = Inbox(id=uuid7(), workspace_id=shop.id, channel="sms", name="SMS", address="+390612345678",
                               config={"account_sid": "AC1"})  # fmt: skip
            self.inbox.secret = seal_all(shop.id, self.inbox.id, {"auth_token": "t"})
            self.inbox.save(force_insert=True)

    def write(self, to: str = NUMBER, **more: Any) -> UUID:
        from wasl.delivery import actions

        delivery_id, message_id = uuid7(), uuid7()
        self.owner.execute(
            "INSERT INTO conversations_message (workspace_id, id, conversation_id, customer_id, way, channel, at,"
            " subject, text, html, has_remote, language, rfc_id, auto, meta)"
            " VALUES (%s, %s, %s, %s, 'out', 'sms', now(), '', 'Hello', '', false, 'en', '', '', '{}')",
            [self.shop.id, message_id, self.road.conversation, self.road.customer],
        )
        chat = OutboundChat(delivery=str(delivery_id), to=to, text="Hello")
        with tenant(self.shop.id):
            sending = actions.Sending(
                self.inbox.id, self.road.customer, self.road.conversation, message_id, "sms", to,
                pack_chat(chat) | more, delivery_id,
            )  # fmt: skip
            return actions.send(raw(), self.shop.id, [sending])[0]

    def work(self, *ids: UUID) -> None:
        from tests.delivery.road import turn_until

        sender = self.road.sender()
        try:
            turn_until(sender, lambda: self.road.unended(ids) == 0)
        finally:
            sender.close()

    def reasons(self) -> dict[str, str]:
        with tenant(self.shop.id):
            return {row.address: row.why for row in Suppression.objects.all()}

    def consents(self) -> list[tuple[str, str]]:
        rows = self.owner.execute(
            "SELECT kind, facts->>'why' FROM timeline_touchpoint WHERE kind LIKE 'consent.%' ORDER BY id"
        )
        return [(row[0], row[1]) for row in rows]


@pytest.fixture
def place(shop: Shop, owner: Owner) -> Place:
    return Place(shop, owner)


def test_nothing_is_sent_to_whoever_wants_nothing(place: Place, wire: Wire) -> None:
    with tenant(place.shop.id):
        assert suppression.stop(raw(), place.shop.id, ("sms", NUMBER), Why.WORD, now())
        assert not suppression.stop(raw(), place.shop.id, ("sms", NUMBER), Why.WORD, now())
    stopped, other, last = place.write(), place.write("+393339999999"), place.write(**{DESPITE: True})
    place.work(stopped, other, last)
    assert sorted(message.to for message in wire.sent) == [NUMBER, "+393339999999"]
    assert place.road.view(stopped).reason == "stopped"
    assert place.road.state(stopped) == "failed"
    assert place.road.state(other) == place.road.state(last) == "sent"
    assert place.consents() == []  # that is told where it was said, not with each message that is held back
    with tenant(place.shop.id):
        assert suppression.start(raw(), place.shop.id, ("sms", NUMBER))
        assert not suppression.start(raw(), place.shop.id, ("sms", NUMBER))
    again = place.write()
    place.work(again)
    assert place.road.state(again) == "sent"


def test_what_was_held_back_does_not_stop_whoever_started_meanwhile(place: Place, wire: Wire) -> None:
    with tenant(place.shop.id):
        suppression.stop(raw(), place.shop.id, ("sms", NUMBER), Why.WORD, now())
    first = place.write()
    place.work(first)
    with tenant(place.shop.id):
        suppression.start(raw(), place.shop.id, ("sms", NUMBER))
    assert place.reasons() == {}


def test_a_provider_says_so_in_its_answer(place: Place, wire: Wire) -> None:
    wire.refuses = PermanentFailure("21610", "unsubscribed", Reason.STOPPED)
    first, second = place.write(), place.write()
    place.work(first, second)
    assert place.reasons() == {NUMBER: "provider"}
    assert place.consents() == [("consent.withdrawn", "provider")]
    wire.refuses, wire.sent = None, []
    third = place.write()
    place.work(third)
    assert wire.sent == []
    assert place.road.view(third).reason == "stopped"


@pytest.mark.parametrize("odd", ["\0", "\ud83d"])
def test_what_a_provider_says_is_known_whatever_letters_it_has(place: Place, wire: Wire, odd: str) -> None:
    wire.says = odd
    first = place.write()
    place.work(first)
    assert (place.road.state(first), len(wire.sent)) == ("sent", 1), "sent once, and known to be"
    wire.refuses = PermanentFailure(f"1{odd}", f"no such number {odd}", Reason.ADDRESS_UNKNOWN)
    second = place.write()
    place.work(second)
    assert place.road.view(second).reason == Reason.ADDRESS_UNKNOWN


def test_a_provider_says_so_in_a_receipt(place: Place, wire: Wire) -> None:
    from wasl.channels.base import BounceReport

    first = place.write()
    place.work(first)
    said = BounceReport("failed", permanence="permanent", reason=Reason.STOPPED)
    with tenant(place.shop.id):
        receipt(raw(), place.shop.id, first, uuid7(), said)
        receipt(raw(), place.shop.id, first, uuid7(), said)
    assert place.reasons() == {NUMBER: "provider"}
    assert place.consents() == [("consent.withdrawn", "provider")]


def test_writing_again_undoes_what_a_provider_said_and_no_word(place: Place) -> None:
    at, mine, theirs = now(), ("sms", NUMBER), ("sms", "+393339999999")
    with tenant(place.shop.id):
        assert suppression.stop(raw(), place.shop.id, mine, Why.PROVIDER, at)
        assert suppression.stop(raw(), place.shop.id, theirs, Why.WORD, at)
        assert not suppression.stop(raw(), place.shop.id, theirs, Why.PROVIDER, at)
        assert suppression.stopped(raw(), place.shop.id, [mine, theirs, ("whatsapp", NUMBER)]) == {
            mine,
            theirs,
        }
        assert suppression.wrote(raw(), place.shop.id, [mine, theirs]) == {mine}
        assert suppression.stopped(raw(), place.shop.id, [mine, theirs]) == {theirs}
        suppression.stop(raw(), place.shop.id, mine, Why.PROVIDER, at)
        assert not suppression.stop(raw(), place.shop.id, mine, Why.WORD, at)
        assert suppression.wrote(raw(), place.shop.id, [mine]) == set()
        assert suppression.wrote(raw(), place.shop.id, []) == set()
        assert suppression.stopped(raw(), place.shop.id, []) == frozenset()


def test_another_workspace_knows_nothing_of_it(place: Place) -> None:
    other = Shop.create("other", "help@other.example")
    with tenant(place.shop.id):
        suppression.stop(raw(), place.shop.id, ("sms", NUMBER), Why.WORD, now())
    with tenant(other.id):
        assert suppression.stopped(raw(), other.id, [("sms", NUMBER)]) == frozenset()
