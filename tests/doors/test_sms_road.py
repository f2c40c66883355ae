"""A short message, from the provider's webhook to the timeline and from an agent's answer to its receipt."""

import asyncio
from collections.abc import Iterator
from typing import Any
from urllib.parse import urlencode

import httpx
import psycopg
import pytest
from django.conf import settings
from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.routing import Route

from tests.api.client import Line
from tests.delivery.road import FAST, turn_until
from tests.inbound import work
from tests.worlds import Shop
from wasl.accounts.actor import Actor
from wasl.channels import provider
from wasl.channels.models import Inbox
from wasl.channels.provider import Said
from wasl.channels.queries import visible_inboxes
from wasl.channels.secret import seal_all
from wasl.channels.sms.hook import sign
from wasl.conversations.models import Conversation, Message
from wasl.conversations.reply import reply
from wasl.customers.models import Identity
from wasl.delivery.models import Delivery, State
from wasl.delivery.work import Sender
from wasl.doors import desk
from wasl.doors.front import HANDLERS, Gate
from wasl.doors.hooks import Door
from wasl.intake import awaiting
from wasl.kit import db
from wasl.kit.db import tenant
from wasl.kit.ids import uuid7

Owner = psycopg.Connection[Any]
NUMBER = "+393331112222"


class Twilio:
    """The provider: posts signed forms, and takes what is sent."""

    def __init__(self, shop: Shop) -> None:
        self.shop, self.sent, self.count = shop, 0, 0
        self.forms: list[dict[str, list[str]]] = []
        with tenant(shop.id):
            self.inbox = Inbox(id=uuid7(), workspace_id=shop.id, channel="sms", name="SMS", address="+390612345678",
                               config={"account_sid": "AC1", "base_url": "https://api.example"})  # fmt: skip
            self.inbox.secret = seal_all(shop.id, self.inbox.id, {"auth_token": "tok"})
            self.inbox.save(force_insert=True)
        gate = Gate(["testserver"], 4_000_000, 5.0)
        routes = [Route("/hooks/{channel}/{inbox}", Door())]
        self.app = Starlette(routes=routes, middleware=[Middleware(gate.around)], exception_handlers=HANDLERS)
        self.runner = asyncio.Runner()
        self.place = f"/hooks/sms/{self.inbox.id}"
        self.url = settings.ENV.public_url.rstrip("/") + self.place

    def post(self, token: str = "tok", **form: str) -> httpx.Response:
        async def go() -> httpx.Response:
            async with httpx.AsyncClient(transport=Line(self.app, 1), base_url="http://testserver") as client:
                headers = {
                    "X-Twilio-Signature": sign(token, self.url, form.items()),
                    "Content-Type": "application/x-www-form-urlencoded",
                }
                return await client.post(self.place, content=urlencode(form).encode(), headers=headers)

        return self.runner.run(go())

    def says(self, text: str) -> httpx.Response:
        self.count += 1
        return self.post(MessageSid=f"SM{self.count}", SmsStatus="received", From=NUMBER, To=self.inbox.address,
                         Body=text, NumMedia="0")  # fmt: skip

    def status(self, sid: str, state: str, **more: str) -> None:
        answer = self.post(
            MessageSid=sid, SmsSid=sid, MessageStatus=state, SmsStatus=state, To=NUMBER, From=self.inbox.address, **more
        )  # fmt: skip
        assert answer.status_code == 200

    def ask(self, method: str, url: str, **call: Any) -> Said:
        from urllib.parse import parse_qs

        self.sent += 1
        self.forms.append(parse_qs(call["body"].decode()))
        return Said(201, {"sid": f"SMOUT{self.sent}", "status": "queued"}, {})


@pytest.fixture
def twilio(shop: Shop, monkeypatch: pytest.MonkeyPatch) -> Iterator[Twilio]:
    made = Twilio(shop)
    monkeypatch.setattr(provider, "ask", made.ask)
    yield made
    made.runner.run(desk.close())
    made.runner.close()


def answer(shop: Shop, text: str) -> None:
    with tenant(shop.id):
        agent = shop.agents["agent"]
        actor = Actor(shop.id, agent.role, visible_inboxes(agent.id, agent.role), agent_id=agent.id, name="A")
        reply(actor, Conversation.objects.get().id, text)


def send(shop: Shop, owner: Owner) -> None:
    sender = Sender(db.pool("queue", "test", 8), senders=2, limits=FAST, lease=30.0)

    def done() -> bool:
        row = owner.execute("SELECT count(*) FROM delivery_delivery WHERE ended_at IS NULL").fetchone()
        return row is not None and row[0] == 0

    try:
        turn_until(sender, done)
    finally:
        sender.close()


def test_what_is_not_signed_is_refused_and_nothing_kept(twilio: Twilio, owner: Owner) -> None:
    form = {"MessageSid": "SM1", "SmsStatus": "received", "From": NUMBER, "Body": "Hi"}
    assert twilio.post("wrong", **form).status_code == 401
    assert owner.execute("SELECT count(*) FROM intake_inbound").fetchone() == (0,)


def test_a_message_is_acknowledged_in_their_words_and_once_on_the_timeline(twilio: Twilio) -> None:
    first, again = twilio.says("Buongiorno, dov'è il mio ordine?"), None
    twilio.count = 0
    again = twilio.says("Buongiorno, dov'è il mio ordine?")
    for told in (first, again):
        assert (told.status_code, told.headers["content-type"].partition(";")[0]) == (200, "text/xml")
        assert "<Response/>" in told.text
    work()
    with tenant(twilio.shop.id):
        assert list(Message.objects.values_list("text", "channel", "rfc_id")) == [
            ("Buongiorno, dov'è il mio ordine?", "sms", "SM1")
        ]
        assert Identity.objects.get().address == NUMBER


@pytest.mark.parametrize("early", [False, True])
def test_an_answer_goes_out_and_its_receipts_come_in_any_order(
    twilio: Twilio, owner: Owner, early: bool
) -> None:
    twilio.says("Where is it?")
    work()
    answer(twilio.shop, "It comes tomorrow 🚚")
    if early:
        for state in ("delivered", "sent"):
            twilio.status("SMOUT1", state)
        work()
    send(twilio.shop, owner)
    assert twilio.forms == [
        {
            "To": [NUMBER],
            "From": ["+390612345678"],
            "Body": ["It comes tomorrow 🚚"],
            "StatusCallback": [twilio.url],
        }
    ]
    for state in () if early else ("queued", "delivered", "sent", "sent"):
        twilio.status("SMOUT1", state)
    owner.execute("UPDATE intake_awaiting SET due_at = now()")
    awaiting.step()
    work()
    with tenant(twilio.shop.id):
        assert Delivery.objects.get().state == State.DELIVERED


def test_why_it_did_not_arrive_is_said_in_words(twilio: Twilio, owner: Owner) -> None:
    twilio.says("Where is it?")
    work()
    answer(twilio.shop, "It comes tomorrow")
    send(twilio.shop, owner)
    twilio.status("SMOUT1", "sent")
    twilio.status("SMOUT1", "undelivered", ErrorCode="30005")
    work()
    with tenant(twilio.shop.id):
        delivery = Delivery.objects.get()
    assert (delivery.state, delivery.reason) == (State.FAILED, "address_unknown")
