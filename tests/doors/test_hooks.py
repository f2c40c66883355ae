"""A provider's webhook, from its door to the timeline: signed or refused, stored once, in any order the same."""

import asyncio
import json
from collections.abc import Iterator
from typing import Any

import httpx
import psycopg
import pytest
from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.routing import Route

from tests.api.client import Line
from tests.inbound import work
from tests.worlds import Shop
from wasl.channels.models import Inbox, Refused
from wasl.channels.port import OutboundChat
from wasl.channels.secret import seal
from wasl.channels.whatsapp.hook import sign
from wasl.conversations.follow import FOLLOWER
from wasl.conversations.models import Conversation, Message
from wasl.customers.models import Identity
from wasl.delivery.models import Delivery, State
from wasl.delivery.payload import pack_chat
from wasl.doors import desk, hooks
from wasl.doors.front import HANDLERS, Gate
from wasl.doors.hooks import Door
from wasl.doors.refusals import GAP
from wasl.intake import awaiting
from wasl.intake.models import Awaiting, Quarantine
from wasl.kit.clock import now
from wasl.kit.db import pool, raw, tenant
from wasl.kit.ids import uuid7
from wasl.kit.memory import Pace
from wasl.timeline.actions import Touch, append
from wasl.timeline.follow import run_once

Owner = psycopg.Connection[Any]
SECRETS = {"app_secret": "s3cret", "verify_token": "tok", "access_token": "t"}


class Meta:
    """The provider: posts webhooks to an inbox."""

    def __init__(self, shop: Shop) -> None:
        self.shop = shop
        with tenant(shop.id):
            self.inbox = Inbox(
                id=uuid7(), workspace_id=shop.id, channel="whatsapp", name="WhatsApp", address="111"
            )
            self.inbox.secret = seal(shop.id, self.inbox.id, json.dumps(SECRETS))
            self.inbox.save(force_insert=True)
        gate = Gate(["testserver"], 4_000_000, 5.0)
        routes = [Route("/hooks/{channel}/{inbox}", Door())]
        self.app = Starlette(routes=routes, middleware=[Middleware(gate.around)], exception_handlers=HANDLERS)
        self.runner = asyncio.Runner()

    def ask(
        self, method: str = "POST", content: bytes = b"", path: str = "", **headers: str
    ) -> httpx.Response:
        async def go() -> httpx.Response:
            async with httpx.AsyncClient(transport=Line(self.app, 1), base_url="http://testserver") as client:
                given = {name.replace("_", "-"): value for name, value in headers.items()}
                place = path or f"/hooks/whatsapp/{self.inbox.id}"
                return await client.request(method, place, content=content, headers=given)

        return self.runner.run(go())

    def post(self, body: Any, secret: str = "s3cret") -> httpx.Response:
        raw = json.dumps(body).encode()
        return self.ask(content=raw, X_Hub_Signature_256=f"sha256={sign(raw, secret)}")

    def say(self, *things: dict[str, Any], status: bool = False) -> None:
        """Messages, or statuses of ours."""
        value: dict[str, Any] = {
            "metadata": {"phone_number_id": "111"},
            "contacts": [{"profile": {"name": "Giulia"}, "wa_id": "393331112222", "user_id": "IT.1"}],
            "statuses" if status else "messages": list(things),
        }
        entry = {"id": "9", "changes": [{"field": "messages", "value": value}]}
        assert self.post({"object": "whatsapp_business_account", "entry": [entry]}).status_code == 200

    def close(self) -> None:
        self.runner.run(desk.close())
        self.runner.close()


@pytest.fixture
def meta(shop: Shop) -> Iterator[Meta]:
    made = Meta(shop)
    yield made
    made.close()


def test_who_asks_for_one_webhook_after_another_does_not_keep_the_database_busy(
    meta: Meta, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(hooks, "_searches", Pace(0.01, 2), raising=False)
    known = "?hub.mode=subscribe&hub.verify_token=tok&hub.challenge=1"
    path = f"/hooks/whatsapp/{meta.inbox.id}{known}"
    assert meta.ask("GET", path=path).status_code == 200
    asked = [meta.ask(path=f"/hooks/whatsapp/{uuid7()}").status_code for _ in range(4)]
    assert asked == [404, 404, 429, 429]
    assert meta.ask("GET", path=path).status_code == 200, "what is known is not searched for"


def text(number: int, words: str, at: int = 1_760_000_000, **more: Any) -> dict[str, Any]:
    return {"from": "393331112222", "id": f"wamid.{number}", "timestamp": str(at), "type": "text",
            "text": {"body": words}} | more  # fmt: skip


def status(ref: str, state: str, **more: Any) -> dict[str, Any]:
    return {"id": ref, "status": state, "timestamp": "1760000000", "recipient_id": "393331112222"} | more


def count(owner: Owner, table: str) -> int:
    row = owner.execute(f"SELECT count(*) FROM {table}").fetchone()
    assert row
    return int(row[0])


def test_what_is_refused_is_counted_for_the_administrators(meta: Meta, owner: Owner) -> None:
    for _ in range(3):
        assert (
            meta.post({"object": "whatsapp_business_account", "entry": []}, secret="other").status_code == 401
        )
    meta.runner.run(asyncio.sleep(GAP + 0.5))
    meta.ask(content=b"{}")
    meta.runner.run(asyncio.sleep(GAP + 0.5))
    with tenant(meta.shop.id):
        found = Refused.objects.get(id=meta.inbox.id)
    assert (found.count, found.last_at > found.first_at) == (4, True)
    assert count(owner, "intake_inbound") == 0


def test_what_is_not_signed_is_refused_and_nothing_kept(meta: Meta, owner: Owner) -> None:
    body = {"object": "whatsapp_business_account", "entry": []}
    assert meta.post(body, secret="other").status_code == 401
    assert meta.ask(content=b"{}").status_code == 401
    assert meta.ask(content=b"{}", path=f"/hooks/whatsapp/{uuid7()}").status_code == 404
    assert meta.ask(content=b"{}", path=f"/hooks/nothing/{meta.inbox.id}").status_code == 404
    assert meta.ask(content=b"{}", path=f"/hooks/email/{meta.shop.mail.id}").status_code == 404
    assert meta.ask("PUT", b"{}").status_code == 405
    assert count(owner, "intake_inbound") == 0


def test_the_provider_is_told_that_we_are_there(meta: Meta) -> None:
    place = f"/hooks/whatsapp/{meta.inbox.id}?hub.mode=subscribe&hub.challenge=1158201444&hub.verify_token="
    told = meta.ask("GET", path=place + "tok")
    assert (told.status_code, told.text) == (200, "1158201444")
    assert meta.ask("GET", path=place + "no").status_code == 403


def test_a_message_is_a_conversation_and_the_next_one_joins_it(meta: Meta, owner: Owner) -> None:
    meta.say(text(1, "Buongiorno, dov'è il mio ordine?"))
    meta.say(text(1, "Buongiorno, dov'è il mio ordine?"), text(2, "È urgente"))
    assert count(owner, "intake_inboundqueue") == 2
    work()
    with tenant(meta.shop.id):
        conversation = Conversation.objects.get()
        messages = list(Message.objects.order_by("at", "id").values_list("text", "channel", "way"))
        keys = set(Identity.objects.values_list("channel", "address", "customer__name"))
    assert messages == [
        ("Buongiorno, dov'è il mio ordine?", "whatsapp", "in"),
        ("È urgente", "whatsapp", "in"),
    ]
    assert conversation.inbox_id == meta.inbox.id
    assert conversation.language == "it"
    assert keys == {("whatsapp", "393331112222", "Giulia"), ("whatsapp", "IT.1", "Giulia")}


def test_somebody_who_hides_their_number_later_is_the_same(meta: Meta) -> None:
    meta.say(text(1, "Ciao"))
    work()
    hidden = text(2, "Sono ancora io", **{"from": None, "from_user_id": "IT.1"})
    value = {"metadata": {"phone_number_id": "111"}, "messages": [hidden],
             "contacts": [{"profile": {"name": "Giulia"}, "user_id": "IT.1"}]}  # fmt: skip
    entry = {"changes": [{"field": "messages", "value": value}]}
    assert meta.post({"object": "whatsapp_business_account", "entry": [entry]}).status_code == 200
    work()
    with tenant(meta.shop.id):
        assert Conversation.objects.count() == 1
        assert Message.objects.count() == 2


def test_what_makes_no_sense_is_kept_whole(meta: Meta) -> None:
    assert meta.post({"object": "page", "entry": []}).status_code == 200
    for deep in (b"[" * 100_000, b"[" * 100_000 + b"]" * 100_000):
        signed = f"sha256={sign(deep, 's3cret')}"
        assert meta.ask(content=deep, X_Hub_Signature_256=signed).status_code == 200
    work()
    with tenant(meta.shop.id):
        assert [row.reason for row in Quarantine.objects.all()] == ["broken"] * 3


def sent(meta: Meta, ref: str = "", state: str = State.SENT) -> Delivery:
    """An answer of ours, as far as the provider has taken it."""
    message = Message.objects.filter(way="in").latest("at")
    out = Message.objects.create(
        workspace_id=meta.shop.id, conversation_id=message.conversation_id, customer_id=message.customer_id,
        way="out", channel="whatsapp", identity_id=message.identity_id, at=now(), text="Arriva domani",
    )  # fmt: skip
    id_ = uuid7()
    chat = OutboundChat(delivery=str(id_), to="393331112222", text=out.text)
    made = Delivery.objects.create(
        id=id_, workspace_id=meta.shop.id, inbox=meta.inbox, customer_id=message.customer_id, message_id=out.id,
        conversation_id=message.conversation_id, channel="whatsapp", address="393331112222", payload=pack_chat(chat),
        state=state, created_at=now(), due_at=now(), deadline_at=now(), ref=ref, ended_at=now(),
    )  # fmt: skip
    out.delivery_id = id_
    out.save(update_fields=["delivery_id"])
    return made


@pytest.mark.parametrize(
    "order", [("sent", "delivered", "read"), ("read", "delivered", "sent"), ("delivered", "read")]
)
def test_states_come_in_any_order(meta: Meta, order: tuple[str, ...]) -> None:
    meta.say(text(1, "Ciao"))
    work()
    with tenant(meta.shop.id):
        delivery = sent(meta, "wamid.out")
    for state in (*order, *order):
        meta.say(status("wamid.out", state), status=True)
        work()
    with tenant(meta.shop.id):
        delivery.refresh_from_db()
    assert delivery.state == State.READ


def test_a_receipt_by_our_own_id_needs_no_other(meta: Meta) -> None:
    meta.say(text(1, "Ciao"))
    work()
    with tenant(meta.shop.id):
        delivery = sent(meta)
    meta.say(status("wamid.unknown", "failed", biz_opaque_callback_data=str(delivery.id),
                    errors=[{"code": 131047, "title": "Re-engagement"}]), status=True)  # fmt: skip
    work()
    with tenant(meta.shop.id):
        delivery.refresh_from_db()
    assert (delivery.state, delivery.reason) == (State.FAILED, "window_closed")


@pytest.mark.parametrize("by_clock", [True, False])
def test_a_receipt_that_is_too_early_waits(meta: Meta, owner: Owner, by_clock: bool) -> None:
    meta.say(text(1, "Ciao"))
    work()
    meta.say(status("wamid.out", "delivered"), status=True)
    work()
    with tenant(meta.shop.id):
        assert Awaiting.objects.count() == 1
        delivery = sent(meta, "wamid.out")
        if by_clock:
            assert (
                awaiting.step() <= awaiting.FIRST.total_seconds()
            )  # it is looked at again soon, not at some time
            owner.execute("UPDATE intake_awaiting SET due_at = now()")
            awaiting.step()
        else:  # the worker has recorded what the call came to
            touch = Touch(delivery.customer_id, "delivery.sent", now(), "whatsapp", None, delivery.id)
            append(raw(), meta.shop.id, [touch])
    if not by_clock:
        with pool("queue", "test", 8).connection() as conn:
            while run_once(conn, FOLLOWER):
                pass
    work()
    with tenant(meta.shop.id):
        delivery.refresh_from_db()
        assert Awaiting.objects.count() == 0
    assert delivery.state == State.DELIVERED


EDIT = {"from": "393331112222", "id": "wamid.e", "timestamp": "1760000060", "type": "edit",
        "edit": {"original_message_id": "wamid.1",
                 "message": {"type": "text", "text": {"body": "corretto"}}}}  # fmt: skip
REVOKE = {"from": "393331112222", "id": "wamid.r", "timestamp": "1760000090", "type": "revoke",
          "revoke": {"original_message_id": "wamid.1"}}  # fmt: skip
HEART = {"from": "393331112222", "id": "wamid.h", "timestamp": "1760000030", "type": "reaction",
         "reaction": {"message_id": "wamid.1", "emoji": "❤️"}}  # fmt: skip


@pytest.mark.parametrize("reverse", [False, True])
def test_edits_and_reactions_come_in_any_order(meta: Meta, reverse: bool) -> None:
    things = [text(1, "sbagliato"), HEART, EDIT]
    for thing in reversed(things) if reverse else things:
        meta.say(thing)
        work()
    with tenant(meta.shop.id):
        message = Message.objects.get()
        assert Conversation.objects.get().preview == "corretto"
    assert message.text == "corretto"
    assert message.meta["earlier"] == ["sbagliato"]
    assert message.meta["reactions"]["393331112222"][0] == "❤️"


@pytest.mark.parametrize("reverse", [False, True])
def test_what_was_deleted_stays_deleted(meta: Meta, reverse: bool) -> None:
    things = [text(1, "segreto"), EDIT, REVOKE]
    for thing in reversed(things) if reverse else things:
        meta.say(thing)
        work()
    with tenant(meta.shop.id):
        message = Message.objects.get()
    assert message.text == ""
    assert message.meta["deleted_at"]
    assert "segreto" not in json.dumps(message.meta)


def test_nobody_changes_what_another_wrote(meta: Meta) -> None:
    meta.say(text(1, "mio"))
    meta.say(EDIT | {"from": "390000000000"}, text(2, "altro", **{"from": "390000000000"}))
    work()
    with tenant(meta.shop.id):
        assert sorted(Message.objects.values_list("text", flat=True)) == ["altro", "mio"]


def test_what_the_business_writes_in_its_own_app_is_on_the_timeline(meta: Meta) -> None:
    meta.say(text(1, "Ciao"))
    echo = {"from": "390612345", "to": "393331112222", "id": "wamid.app", "timestamp": "1760000100", "type": "text",
            "text": {"body": "Risposto dal telefono"}}  # fmt: skip
    value = {"metadata": {"phone_number_id": "111"}, "message_echoes": [echo]}
    entry = {"changes": [{"field": "smb_message_echoes", "value": value}]}
    assert meta.post({"object": "whatsapp_business_account", "entry": [entry]}).status_code == 200
    work()
    with tenant(meta.shop.id):
        found = list(Message.objects.order_by("sent_at").values_list("way", "text"))
        assert Conversation.objects.count() == 1
    assert found == [("in", "Ciao"), ("out", "Risposto dal telefono")]


def test_what_it_brings_for_a_neighbour_goes_there(meta: Meta) -> None:
    with tenant(meta.shop.id):
        other = Inbox.objects.create(
            id=uuid7(), workspace_id=meta.shop.id, channel="whatsapp", name="Second", address="222"
        )
    value = {"metadata": {"phone_number_id": "222"}, "messages": [text(5, "Per l'altro")],
             "contacts": [{"profile": {"name": "G"}, "wa_id": "393331112222"}]}  # fmt: skip
    entry = {"changes": [{"field": "messages", "value": value}]}
    assert meta.post({"object": "whatsapp_business_account", "entry": [entry]}).status_code == 200
    work()
    with tenant(meta.shop.id):
        assert Conversation.objects.get().inbox_id == other.id
