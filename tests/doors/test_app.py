"""The in-app inbox at its door: who has one, what becomes of a notice, and whose devices are rung."""

import base64
from collections.abc import Iterator
from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec

from tests.doors.chats import SITE, Browser, Reader, Site
from tests.doors.test_chat import leave, token
from tests.inbound import work
from tests.worlds import Shop
from wasl.channels.app.ring import Device as Target
from wasl.channels.app.ring import Gone, Notice, Why
from wasl.channels.base import PermanentFailure, Reason, TemporaryFailure
from wasl.channels.models import Inbox
from wasl.channels.port import Choice, Settings
from wasl.conversations.models import Conversation, Message
from wasl.conversations.reply import reply
from wasl.conversations.ways import ways
from wasl.customers.models import Customer, Identity
from wasl.delivery.models import Delivery
from wasl.delivery.queries import states
from wasl.devices import follow
from wasl.devices.actions import QUIET
from wasl.devices.models import Device, Push
from wasl.devices.work import Ringer
from wasl.kit.clock import now, travel
from wasl.kit.db import pool, tenant
from wasl.kit.ids import uuid7
from wasl.privacy.actions import erase
from wasl.timeline.follow import run_once
from wasl.timeline.models import Touchpoint
from wasl.widget import bell
from wasl.workspace.shapes.delivery import standing
from wasl.workspace.shapes.devices import told

FCM = {"kind": "fcm", "token": "fcm-token-of-a-telephone"}


@pytest.fixture
def site(shop: Shop) -> Iterator[Site]:
    bell.forget_apps()
    made = Site(shop)
    yield made
    made.close()


def opened(site: Site) -> Inbox:
    """The shop's in-app inbox."""
    with tenant(site.shop.id):
        inbox = Inbox(id=uuid7(), workspace_id=site.shop.id, channel="app", name="App", address=SITE)
        inbox.config = {"title": "Dar Zaytun"}
        inbox.save(force_insert=True)
    bell.forget_apps()
    return inbox


def box(browser: Browser) -> Any:
    answer = browser.ask("GET", "/inbox")
    assert answer.status_code == 200, answer.text
    return answer.json()


def heard(browser: Browser, **said: Any) -> int:
    taken: int = browser.ask("POST", "/inbox", said).json()["taken"]
    work()
    return taken


def tell(site: Site, account: Browser, text: str, *choices: Choice) -> UUID:
    """An agent writes into the in-app inbox of whoever chatted there."""
    with tenant(site.shop.id):
        actor = site.shop.actor()
        conversation = Conversation.objects.select_related("customer").latest("last_at")
        [way] = [each for each in ways(actor, conversation) if each.channel == "app"]
        message = reply(actor, conversation.id, text, choices=choices, via=way.via)
    leave(site)
    return message


def kinds(site: Site) -> list[str]:
    with tenant(site.shop.id):
        return list(Touchpoint.objects.filter(channel="app").order_by("id").values_list("kind", flat=True))


def test_a_notice_goes_all_the_way_and_is_nobody_elses(site: Site) -> None:
    amal = Browser(site, token("10045", "amal@example.com", "Amal Haddad"))
    other, nobody = Browser(site, token("777")), Browser(site)
    assert amal.hello()["inbox"] is None, "there is no such inbox yet"
    assert amal.ask("GET", "/inbox").status_code == 404
    opened(site)
    for asked in (nobody, Browser(site, token(secret="guessed"))):
        assert asked.ask("GET", "/inbox").status_code == 401
        assert asked.ask("POST", "/devices", FCM).status_code == 401
    assert nobody.hello()["inbox"] is None

    amal.write("Is the lamp back?")
    work()
    assert not amal.hello()["inbox"]["known"]
    for _ in range(2):
        assert heard(amal) == 0
    assert box(amal)["known"]
    with tenant(site.shop.id):
        account = Identity.objects.get(channel="app")
        assert Customer.objects.count() == 1, "whoever chats under that account has the inbox"
        assert (account.known, account.display) == ("token", "10045")

    message = tell(
        site, amal, "It is.\nShall we keep one?", Choice("yes", "Keep one"), Choice("no", "No, thanks")
    )
    [item] = box(amal)["notices"]
    assert (item["text"], item["state"], item["by"]) == ("It is.\nShall we keep one?", "new", "Agent")
    assert amal.texts == [("in", "Is the lamp back?")], "it stands in the inbox, not in the chat"
    assert box(other)["notices"] == []
    assert heard(other, read=[item["ref"]], acted=[{"ref": item["ref"], "key": "yes"}]) == 0

    words = []
    for kind in ("delivered", "seen", "seen", "read"):
        heard(amal, **{kind: [item["ref"]]})
        with tenant(site.shop.id):
            said = standing(states(site.shop.id, [message])[message])
        words.append((said.word, said.text.partition(" ")[0]) if said else None)
    assert words == [("delivered", "Arrived"), ("delivered", "Seen"), ("delivered", "Seen"), ("seen", "Read")]
    assert heard(amal, acted=[{"ref": item["ref"], "key": "maybe"}]) == 0, "there is no such button"
    for _ in range(2):
        heard(amal, acted=[{"ref": item["ref"], "key": "yes"}])
    [item] = box(amal)["notices"]
    assert (item["state"], item["chosen"], box(amal)["unread"]) == ("acted", "Keep one", 0)
    with tenant(site.shop.id):
        chosen = Message.objects.get(meta__kind="choice")
        assert (chosen.text, chosen.channel) == ("Keep one", "app")
        assert Conversation.objects.count() == 1
        said = standing(states(site.shop.id, [message])[message])
    assert said
    assert "Keep one" in said.text
    happened = kinds(site)
    assert [
        happened.count(f"delivery.{each}") for each in ("sent", "delivered", "seen", "read", "acted")
    ] == [1] * 5


def test_the_stream_brings_notices(site: Site) -> None:
    opened(site)
    amal = Browser(site, token())
    amal.write("Hello")
    heard(amal)

    tell(site, amal, "Your lamp is ready")

    async def read() -> Any:
        reader = Reader(amal)
        await reader.open()
        found = await reader.until("inbox")
        await reader.close()
        return found

    [item] = site.run(read)
    assert (item["text"], item["state"]) == ("Your lamp is ready", "new")


def browser_device() -> dict[str, Any]:
    point = ec.generate_private_key(ec.SECP256R1()).public_key().public_bytes(
        serialization.Encoding.X962, serialization.PublicFormat.UncompressedPoint
    )  # fmt: skip
    keys = {"p256dh": base64.urlsafe_b64encode(point).rstrip(b"=").decode(), "auth": "A" * 22}
    return {"kind": "web", "endpoint": "https://push.example.net/a1", "keys": keys, "label": "Linux"}


def rung(site: Site, *ends: Exception | None) -> list[tuple[Target, Notice]]:
    """One turn of the worker's, whose calls end so."""
    calls, left = list[tuple[Target, Notice]](), list(ends)

    def ring(_: Settings, target: Target, notice: Notice) -> str:
        calls.append((target, notice))
        if end := left.pop(0):
            raise end
        return ""

    with pool("queue", "test", 8).connection() as conn:
        while run_once(conn, follow.FOLLOWER):
            pass
    ringer = Ringer(lambda: pool("queue", "test", 8), dice=lambda: 0.5, ring=ring)
    ringer.step()
    ringer.close()
    return calls


def test_devices_are_rung_and_end_cleanly(site: Site) -> None:
    opened(site)
    amal, other = Browser(site, token("10045")), Browser(site, token("777"))
    amal.write("Hello")
    work()
    wrong: list[dict[str, Any]] = [{"kind": "fcm", "token": "x"}, {"kind": "pager", "token": "12345678"}]
    wrong += [{"kind": "apns", "token": "x" * 64}, browser_device() | {"keys": {}}]
    for device in [*wrong, browser_device() | {"endpoint": "ftp://push.example.net/a1"}]:
        assert amal.ask("POST", "/devices", device).status_code == 422
    web = browser_device()
    for device in (web, web, FCM):
        assert amal.ask("POST", "/devices", device).status_code == 200
    with tenant(site.shop.id):
        assert Device.objects.count() == 2
        assert not any(b"fcm-token" in bytes(each.target or b"") for each in Device.objects.all()), (
            "it is sealed"
        )

    tell(site, amal, "Your lamp is ready")
    calls = rung(site, TemporaryFailure("429", "busy", 120.0), None)
    assert {target.token for target, _ in calls} == {web["endpoint"], FCM["token"]}
    assert {(n.title, n.text, n.page, n.unread) for _, n in calls} == {
        ("Dar Zaytun", "Your lamp is ready", SITE, 1)
    }
    with tenant(site.shop.id):
        assert Delivery.objects.get(channel="app").state == "delivered"
        waiting = Push.objects.get()
        assert 110 < (waiting.due_at - now()).total_seconds() < 130, (
            "as long as the service asks, and some more"
        )
    assert rung(site) == []
    with travel(now() + timedelta(seconds=150)):
        [(late, _)] = rung(site, Gone(Why.GONE, "410"))
    with tenant(site.shop.id):
        ended = Device.objects.get(ended_at__isnull=False)
        assert (ended.why, ended.target, Push.objects.count()) == ("gone", None, 0)
    # One that has come back is rung again; one that somebody else signed in on rings for them alone.
    device = web if late.kind == "web" else FCM
    assert amal.ask("POST", "/devices", device).status_code == 200
    other.ask("POST", "/devices", FCM)
    tell(site, amal, "And wrapped")
    [(target, notice)] = rung(site, PermanentFailure("403", "no", Reason.SIGN_IN))
    assert (target.kind, notice.text) == ("web", "And wrapped")
    with tenant(site.shop.id):
        assert Device.objects.get(kind="web").trouble == "sign_in"
    assert other.ask("DELETE", "/devices", web).json() == {"forgotten": False}
    # Whoever reads it before is not rung; nor is what has been quiet for long.
    tell(site, amal, "And brought")
    [item, *_] = box(amal)["notices"]
    heard(amal, read=[item["ref"]])
    assert rung(site) == []
    with tenant(site.shop.id):
        Device.objects.filter(kind="web").update(seen_at=now() - QUIET - timedelta(days=1))
    tell(site, amal, "Hello?")
    assert rung(site) == []
    with tenant(site.shop.id):
        assert Device.objects.get(kind="web").why == "quiet"
    amal.ask("POST", "/devices", web)
    assert amal.ask("DELETE", "/devices", web).json() == {"forgotten": True}
    with tenant(site.shop.id):
        assert Device.objects.get(kind="web").why == "signed_out"
        account = Identity.objects.get(channel="app", display="10045")
        customer = account.customer_id
        [said] = told([account])[account.id]
        assert said == "\u2068Linux\u2069: ended: they signed out or turned notices off here"
    erase(site.shop.actor("admin"), customer)
    with tenant(site.shop.id):
        assert list(Device.objects.values_list("kind", flat=True)) == ["fcm"]
    assert box(amal)["notices"] == []
