"""STOP, START and HELP by short message, from the door to the answer and the timeline."""

import json
from typing import Any
from uuid import UUID

import psycopg
import pytest

from tests.inbound import work
from tests.worlds import Shop
from wasl.channels.models import Inbox
from wasl.channels.port import Request
from wasl.channels.sms.hook import Hook
from wasl.conversations import consent
from wasl.conversations.models import Conversation, Message
from wasl.delivery import suppression
from wasl.delivery.models import Delivery, Suppression
from wasl.delivery.suppression import DESPITE, Why
from wasl.intake.store import Raw, store_in
from wasl.kit.clock import now
from wasl.kit.db import raw, tenant
from wasl.kit.ids import uuid7
from wasl.privacy.actions import erase
from wasl.timeline.queries import of_conversation
from wasl.workspace.shapes.events import sentence

Owner = psycopg.Connection[Any]
NUMBER = "+393331112222"
BOTH = [("smpp", NUMBER, "word"), ("sms", NUMBER, "word")]
"""Whoever says STOP to one number of the business means its short messages."""


class Telephone:
    """A customer's; what it sends comes in by the shop's number."""

    def __init__(self, shop: Shop, **config: str) -> None:
        self.shop, self.count = shop, 0
        with tenant(shop.id):
            self.inbox = Inbox.objects.create(
                workspace_id=shop.id, channel="sms", name="SMS", address="+390612345678", config=config
            )

    def says(self, *texts: str, **more: str) -> None:
        from urllib.parse import urlencode

        for text in texts:
            self.count += 1
            form = {
                "MessageSid": f"SM{self.count}",
                "SmsStatus": "received",
                "From": NUMBER,
                "Body": text,
            } | more
            (slip,) = Hook().split(Request("POST", "https://x", {}, {}, urlencode(form).encode()))
            with tenant(self.shop.id):
                store_in(raw(), self.shop.id, [Raw(self.inbox.id, "sms", slip.content, slip.key.encode())])
        work()

    def answers(self) -> list[str]:
        with tenant(self.shop.id):
            return list(Message.objects.filter(way="out").order_by("at", "id").values_list("text", flat=True))

    def timeline(self) -> list[str]:
        with tenant(self.shop.id):
            entries = of_conversation(raw(), self.shop.id, Conversation.objects.get().id, limit=50)
            return [sentence(e, {}) for e in reversed(entries) if e.kind.startswith("consent.")]

    def stopped(self) -> list[tuple[str, str, str]]:
        with tenant(self.shop.id):
            rows = Suppression.objects.order_by("channel", "why")
            return list(rows.values_list("channel", "address", "why"))


def facts(owner: Owner) -> list[tuple[str, str, bool]]:
    rows = owner.execute(
        "SELECT t.kind, t.facts->>'why', t.about_id = m.id FROM timeline_touchpoint t"
        " JOIN conversations_message m ON m.id = t.about_id WHERE t.kind LIKE 'consent.%' ORDER BY t.id"
    )
    return [(row[0], row[1], row[2]) for row in rows]


def test_stop_and_start_are_facts_of_an_address(shop: Shop, owner: Owner) -> None:
    phone = Telephone(shop)
    phone.says("Where is my parcel?", "STOP")
    assert phone.stopped() == BOTH
    phone.says("stop")  # is no news
    phone.says("Start")
    assert phone.stopped() == []
    assert facts(owner) == [("consent.withdrawn", "word", True), ("consent.given", "word", True)]
    assert phone.answers() == []  # the provider answers
    assert [each.replace("\u2068", "").replace("\u2069", "") for each in phone.timeline()] == [
        "The customer wants no more messages on SMS",
        "The customer takes messages on SMS again",
    ]


def test_within_one_batch_the_last_word_counts(shop: Shop) -> None:
    phone = Telephone(shop)
    phone.says("STOP", "START", "STOP")
    assert phone.stopped() == BOTH


@pytest.mark.parametrize(
    ("word", "start"),
    [
        ("STOP", "You will get no more messages from Dar-Zaytun"),
        ("Arrêt", "Vous ne recevrez plus"),
        ("Disiscrivimi", "Non riceverà più"),
        ("إيقاف", "لن تصلك"),
    ],
)
def test_stop_is_answered_in_its_language_where_the_provider_does_not(
    shop: Shop, word: str, start: str
) -> None:
    phone = Telephone(shop, confirms="wasl")
    phone.says(word)
    (said,) = phone.answers()
    assert said.startswith(start)
    assert not any(letter in said for letter in "\u2068\u2069\u00a0\u202f")
    with tenant(shop.id):
        delivery = Delivery.objects.get()
        message = Message.objects.get(way="out")
    assert delivery.payload[DESPITE] is True
    assert delivery.payload["chat"]["text"] == said
    assert (message.delivery_id, message.auto, message.identity_id is not None) == (
        delivery.id,
        "auto-replied",
        True,
    )
    assert (delivery.address, delivery.channel, delivery.inbox_id) == (NUMBER, "sms", phone.inbox.id)


def test_help_is_answered_with_the_inboxs_text_or_ours(shop: Shop) -> None:
    phone = Telephone(shop)
    phone.says("Aide")
    assert phone.answers()[0].startswith("Ici Dar-Zaytun")
    with tenant(shop.id):
        Inbox.objects.filter(id=phone.inbox.id).update(config={"help_text": " Dar Zaytun, +39 06 1234. "})
    phone.says("HELP")
    assert phone.answers()[1:] == ["Dar Zaytun, +39 06 1234."]
    assert phone.stopped() == []


def test_what_the_provider_has_answered_is_not_answered_again(shop: Shop) -> None:
    phone = Telephone(shop, confirms="wasl")
    phone.says("HELP", OptOutType="HELP")
    phone.says("quiero parar", OptOutType="STOP")
    assert phone.answers() == []
    assert phone.stopped() == BOTH


def test_two_programs_do_not_talk_for_ever(shop: Shop) -> None:
    phone = Telephone(shop)
    for _ in range(5):
        phone.says("HELP")
    assert len(phone.answers()) == consent.AN_HOUR


def test_a_word_within_a_message_is_none(shop: Shop) -> None:
    phone = Telephone(shop, confirms="wasl")
    phone.says("Please stop the delivery to the old address")
    assert (phone.stopped(), phone.answers()) == ([], [])


def test_whoever_writes_again_wants_an_answer(shop: Shop, owner: Owner) -> None:
    who = "393331112222"
    with tenant(shop.id):
        inbox = Inbox.objects.create(workspace_id=shop.id, channel="whatsapp", name="W", address="1")
        suppression.stop(raw(), shop.id, ("whatsapp", who), Why.PROVIDER, now())
        suppression.stop(raw(), shop.id, ("whatsapp", "390000000000"), Why.PROVIDER, now())
        store_in(raw(), shop.id, [_whatsapp(inbox.id, "Hello again")])
    work()
    with tenant(shop.id):
        assert [row.address for row in Suppression.objects.all()] == ["390000000000"]
    assert facts(owner) == [("consent.given", "wrote", True)]


def test_by_short_message_only_the_word_counts(shop: Shop, owner: Owner) -> None:
    phone = Telephone(shop)
    with tenant(shop.id):
        suppression.stop(raw(), shop.id, ("sms", NUMBER), Why.PROVIDER, now())
    phone.says("Hello again", "Are you there?")
    assert phone.stopped() == [("sms", NUMBER, "provider")]  # the provider would hold the answer back
    phone.says("START")
    assert phone.stopped() == []
    assert facts(owner) == [("consent.given", "word", True)]


def test_the_words_mean_nothing_on_other_channels(shop: Shop) -> None:
    with tenant(shop.id):
        inbox = Inbox.objects.create(workspace_id=shop.id, channel="whatsapp", name="W", address="1")
        store_in(raw(), shop.id, [_whatsapp(inbox.id)])
    work()
    with tenant(shop.id):
        assert Message.objects.get().text == "STOP"
        assert not Suppression.objects.exists()


def test_an_erasure_takes_it_along(shop: Shop) -> None:
    phone = Telephone(shop)
    phone.says("STOP")
    with tenant(shop.id):
        suppression.stop(raw(), shop.id, ("sms", "+393339999999"), Why.WORD, now())
        erase(shop.actor("owner"), Conversation.objects.get().customer_id)
    assert [address for _, address, _ in phone.stopped()] == ["+393339999999"]


def _whatsapp(inbox_id: UUID, words: str = "STOP") -> Raw:
    said = {
        "from": "393331112222",
        "id": "wamid.1",
        "timestamp": "1760000000",
        "type": "text",
        "text": {"body": words},
    }
    about = {"kind": "message", "metadata": {}, "contact": {}, "errors": [], "message": said}
    return Raw(inbox_id, "whatsapp", json.dumps(about).encode(), b"1", id=uuid7())
