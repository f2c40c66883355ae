"""What agents are told of, on the page, on their devices and by digest."""

import base64
import http.server
import json
import os
import threading
from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import http_ece
import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec

from tests.inbound import mail, take
from tests.worlds import Shop
from wasl.accounts.models import Agent, Team, User
from wasl.channels.models import InboxTeam
from wasl.config import telling as words
from wasl.conversations import actions
from wasl.conversations.models import Conversation
from wasl.conversations.notes import note
from wasl.desk import notices, push
from wasl.desk.models import Device, Due, Notice
from wasl.desk.telling import Teller, Told
from wasl.kit import webpush
from wasl.kit.clock import now, travel
from wasl.kit.db import pool, tenant
from wasl.timeline.follow import run_once


def follow_on() -> None:
    with pool("queue", "test", 8).connection() as conn:
        while run_once(conn, notices.FOLLOWER):
            pass


def conversation(shop: Shop, **more: str) -> Conversation:
    take(shop, mail("Where is my order?", **more))
    with tenant(shop.id):
        return Conversation.objects.latest("created_at")


def told(shop: Shop, role: str = "agent") -> list[tuple[str, int]]:
    follow_on()
    with tenant(shop.id):
        rows, _ = notices.latest(shop.actor(role))
        return [(row.kind, row.times) for row in rows]


def given(shop: Shop, role: str = "agent") -> Conversation:
    """A conversation that the admin gave to an agent, of which nobody was told."""
    found = conversation(shop)
    with tenant(shop.id):
        actions.assign(shop.actor("admin"), found.id, shop.agents[role].id)
    follow_on()
    with tenant(shop.id):
        Notice.objects.all().delete()
        Due.objects.all().delete()
    return found


def test_work_that_is_given_is_told_and_work_one_takes_is_not(shop: Shop) -> None:
    found = conversation(shop)
    with tenant(shop.id):
        actions.assign(shop.actor("agent"), found.id, shop.agents["agent"].id)
    assert told(shop) == []
    with tenant(shop.id):
        actions.assign(shop.actor("admin"), found.id, shop.agents["owner"].id)
    assert told(shop, "owner") == [("assigned", 1)]
    assert told(shop) == []


def test_a_customer_who_answers_again_and_again_is_one_notice(shop: Shop) -> None:
    given(shop)
    for _ in range(3):
        take(shop, mail("Hello?"))
    assert told(shop) == [("answered", 3)]
    with tenant(shop.id):
        actor = shop.actor("agent")
        assert notices.unseen(actor) == 1
        notices.see(actor, Conversation.objects.get().id)
        assert notices.unseen(actor) == 0
        assert not Due.objects.exists()
    take(shop, mail("Still there?"))
    assert told(shop) == [("answered", 1), ("answered", 3)]


def test_a_program_that_answers_is_no_news(shop: Shop) -> None:
    given(shop)
    take(shop, mail("I am away", Auto_Submitted="auto-replied"))
    assert told(shop) == []


def test_whoever_is_named_in_a_note_is_told(shop: Shop) -> None:
    found = conversation(shop)
    with tenant(shop.id):
        note(shop.actor("agent"), found.id, "@Admin could you look at this?")
    assert told(shop, "admin") == [("mentioned", 1)]
    assert told(shop, "owner") == []


def test_nobody_is_told_of_what_they_may_not_see(shop: Shop) -> None:
    found = given(shop)
    with tenant(shop.id):
        team = Team.objects.create(workspace_id=shop.id, name="Others")
        InboxTeam.objects.create(workspace_id=shop.id, inbox=shop.mail, team=team)
    take(shop, mail("Secret"))
    assert told(shop) == []
    with tenant(shop.id):
        assert not Notice.objects.filter(conversation=found).exists()


def test_everybody_hears_of_new_ones_who_asked_to(shop: Shop) -> None:
    conversation(shop)
    assert told(shop) == []
    with tenant(shop.id):
        notices.choose(shop.actor("agent"), {"new": ["page", "smoke"]})
    take(shop, mail("A new one", sender="new@people.example"))
    assert told(shop) == [("new", 1)]
    assert told(shop, "admin") == []


def test_what_is_told_on_the_page_can_be_chosen(shop: Shop) -> None:
    given(shop)
    with tenant(shop.id):
        notices.choose(shop.actor("agent"), {kind: [] for kind in notices.KINDS})
    take(shop, mail("Hello?"))
    assert told(shop) == []
    with tenant(shop.id):
        assert not Due.objects.exists()


def test_old_news_is_none(shop: Shop) -> None:
    given(shop)
    take(shop, mail("Hello?"))
    with travel(now() + timedelta(hours=7)):
        assert told(shop) == []


def teller(letters: list[Told] | None = None) -> Teller:
    return Teller(
        lambda: pool("queue", "test", 8),
        letter=letters.append if letters is not None else words.letter,
        words=words.words,
        subject="mailto:postmaster@dar-zaytun.example",
        private=True,
    )


def test_a_digest_tells_once_of_what_was_not_seen(shop: Shop) -> None:
    found = conversation(shop, subject="Broken plate")
    with tenant(shop.id):
        actions.assign(shop.actor("admin"), found.id, shop.agents["agent"].id)
    follow_on()
    letters: list[Told] = []
    teller(letters).step()
    assert letters == [], "not before its time"
    with travel(now() + notices.MAIL_AFTER + timedelta(seconds=1)):
        teller(letters).step()
        teller(letters).step()
    (one,) = letters
    assert (one.agent_id, [item.kind for item in one.items]) == (shop.agents["agent"].id, ["assigned"])
    User.objects.filter(id=shop.users["agent"].id).update(language="fr")
    subject, body = words.digest(one)
    assert "Camille" in body
    assert "Broken plate" in body
    assert f"/conversations/{found.id}" in body
    assert subject


def test_what_was_seen_in_time_is_not_written_of(shop: Shop) -> None:
    found = conversation(shop)
    with tenant(shop.id):
        actions.assign(shop.actor("admin"), found.id, shop.agents["agent"].id)
    follow_on()
    with tenant(shop.id):
        notices.see(shop.actor("agent"))
    letters: list[Told] = []
    with travel(now() + notices.MAIL_AFTER + timedelta(seconds=1)):
        teller(letters).step()
    assert letters == []


def test_a_letter_that_fails_is_written_again_later(shop: Shop) -> None:
    found = conversation(shop)
    with tenant(shop.id):
        actions.assign(shop.actor("admin"), found.id, shop.agents["agent"].id)
    follow_on()
    tries: list[Told] = []

    def fail(told: Told) -> None:
        tries.append(told)
        if len(tries) == 1:
            raise OSError("no way out")

    one = Teller(
        lambda: pool("queue", "test", 8), letter=fail, words=words.words, subject="mailto:a@b.example"
    )
    for minutes in (16, 17, 25, 40):
        with travel(now() + timedelta(minutes=minutes)):
            one.step()
    assert len(tries) == 2


class PushService(http.server.ThreadingHTTPServer):
    """A push service and a browser in one: it checks who calls, and reads what only it can read."""

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.private = ec.generate_private_key(ec.SECP256R1())
        self.secret = os.urandom(16)
        self.answer = 201
        self.heard: list[dict[str, Any]] = []
        self.headers: list[dict[str, str]] = []

    @property
    def endpoint(self) -> str:
        return f"http://127.0.0.1:{self.server_address[1]}/push/1"

    def keys(self) -> tuple[str, str]:
        point = self.private.public_key().public_bytes(
            serialization.Encoding.X962, serialization.PublicFormat.UncompressedPoint
        )
        return tuple(base64.urlsafe_b64encode(part).rstrip(b"=").decode() for part in (point, self.secret))  # type: ignore[return-value]


class _Handler(http.server.BaseHTTPRequestHandler):
    server: PushService

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"]))
        self.server.headers.append(dict(self.headers))
        if self.server.answer == 201:
            text = http_ece.decrypt(
                body, private_key=self.server.private, auth_secret=self.server.secret, version="aes128gcm"
            )
            self.server.heard.append(json.loads(text))
        self.send_response(self.server.answer)
        self.end_headers()

    def log_message(self, *args: Any) -> None:
        pass


@pytest.fixture
def service() -> Iterator[PushService]:
    made = PushService()
    threading.Thread(target=made.serve_forever, daemon=True).start()
    yield made
    made.shutdown()
    made.server_close()


def test_a_device_rings_with_words_only_it_can_read(shop: Shop, service: PushService) -> None:
    given(shop)
    User.objects.filter(id=shop.users["agent"].id).update(language="ar")
    with tenant(shop.id):
        push.subscribe(shop.actor("agent"), service.endpoint, *service.keys(), "Chromium", private=True)
    take(shop, mail("My card number is 4111"))
    follow_on()
    with travel(now() + notices.PUSH_AFTER + timedelta(seconds=1)):
        teller([]).step()
        teller([]).step()
    (said,) = service.heard
    assert "Camille" in said["title"]
    assert said["dir"] == "rtl"
    assert "4111" not in json.dumps(said), "nothing that was written"
    header = service.headers[0]
    scheme, _, rest = header["Authorization"].partition(" ")
    assert scheme.lower() == "vapid"
    assert f"k={webpush.public_key()}" in rest
    claims = rest.split("t=")[1].split(",")[0].split(".")[1]
    assert json.loads(base64.urlsafe_b64decode(claims + "=="))["aud"] == service.endpoint.removesuffix(
        "/push/1"
    )


def test_a_device_that_is_gone_is_forgotten_and_a_service_that_is_busy_is_asked_again(
    shop: Shop, service: PushService
) -> None:
    given(shop)
    with tenant(shop.id):
        push.subscribe(shop.actor("agent"), service.endpoint, *service.keys(), private=True)
    take(shop, mail("Hello?"))
    follow_on()
    service.answer = 503
    with travel(now() + timedelta(seconds=6)):
        teller([]).step()
    service.answer = 410
    with travel(now() + timedelta(minutes=5)):
        teller([]).step()
    assert len(service.headers) == 2
    with tenant(shop.id):
        assert not Device.objects.exists()


@pytest.mark.parametrize(
    "endpoint", ["http://push.example/1", "https://127.0.0.1/1", "https://user@push.example/1", "ftp://x", ""]
)
def test_a_device_must_be_one(shop: Shop, service: PushService, endpoint: str) -> None:
    with pytest.raises(push.BadDevice), tenant(shop.id):
        push.subscribe(shop.actor("agent"), endpoint, *service.keys())
    with pytest.raises(push.BadDevice), tenant(shop.id):
        push.subscribe(shop.actor("agent"), "https://push.example/1", "AAAA", service.keys()[1])


def test_an_agent_has_ten_devices_at_most(shop: Shop, service: PushService) -> None:
    with tenant(shop.id):
        for number in range(12):
            push.subscribe(shop.actor("agent"), f"https://push.example/{number}", *service.keys())
        assert Device.objects.count() == push.MOST
        assert not Device.objects.filter(endpoint="https://push.example/0").exists()


def test_who_left_is_told_nothing(shop: Shop) -> None:
    found = conversation(shop)
    with tenant(shop.id):
        actions.assign(shop.actor("admin"), found.id, shop.agents["agent"].id)
    follow_on()
    with tenant(shop.id):
        Agent.objects.filter(id=shop.agents["agent"].id).update(is_active=False)
    letters: list[Told] = []
    with travel(now() + notices.MAIL_AFTER + timedelta(seconds=1)):
        teller(letters).step()
    assert letters == []
