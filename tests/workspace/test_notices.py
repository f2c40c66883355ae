"""The page of notices, the choices, and what makes Wasl an app that can be installed."""

import json
import re

from django.test import Client

from tests.inbound import mail, take
from tests.workspace.stage import Browser, Known
from tests.worlds import Shop
from wasl.accounts.models import User
from wasl.conversations import actions
from wasl.desk import notices
from wasl.desk.models import Device
from wasl.kit.db import pool, tenant
from wasl.timeline.follow import run_once


def told(shop: Shop, known: Known) -> None:
    with tenant(shop.id):
        actions.assign(shop.actor("admin"), known.conversation, shop.agents["agent"].id)
    with pool("queue", "test", 8).connection() as conn:
        while run_once(conn, notices.FOLLOWER):
            pass


def _waiting(client: Client) -> str:
    """The count beside the notices' place of the rail."""
    found = re.search(r'href="/notices".*?</a>', client.get("/places?at=all").text, re.DOTALL)
    assert found
    counted = re.search(r'class="count"><bdi>(\d+)', found[0])
    return counted[1] if counted else ""


def test_a_notice_stands_on_the_page_until_its_conversation_is_opened(
    shop: Shop, known: Known, browser: Browser
) -> None:
    told(shop, known)
    agent = browser(shop, "agent")
    assert "was given to you" in agent.get("/notices").text
    assert _waiting(agent) == "1"
    agent.post(f"/conversations/{known.conversation}/seen")
    assert _waiting(agent) == ""
    assert 'class="unseen"' not in agent.get("/notices").text
    assert "Nothing to tell you" in browser(shop, "owner").get("/notices").text


def test_all_are_seen_at_once(shop: Shop, known: Known, browser: Browser) -> None:
    told(shop, known)
    agent = browser(shop, "agent")
    assert "I have seen them all" in agent.get("/notices").text
    agent.post("/notices/seen")
    assert "I have seen them all" not in agent.get("/notices").text


def test_choices_are_kept(shop: Shop, browser: Browser) -> None:
    agent = browser(shop, "agent")
    assert (
        agent.post("/notices/choices", {"new": ["page", "mail"], "assigned": ["nonsense"]}).status_code == 302
    )
    with tenant(shop.id):
        chosen = notices.choices(shop.actor("agent"))
    assert chosen["new"] == {"page", "mail"}
    assert chosen["assigned"] == chosen["mentioned"] == frozenset()


def test_a_device_is_kept_and_forgotten_and_nonsense_refused(shop: Shop, browser: Browser) -> None:
    from tests.desk.test_notices import PushService

    service = PushService()
    key, auth = service.keys()
    service.server_close()
    agent = browser(shop, "agent")
    said = {"endpoint": "https://push.example/1", "keys": {"p256dh": key, "auth": auth}}
    assert agent.post("/notices/device", said, content_type="application/json").status_code == 204
    for wrong in (
        {},
        {"endpoint": 1},
        {"endpoint": "https://127.0.0.1/", "keys": {}},
        {"endpoint": "x", "keys": 1},
        [],
    ):
        answer = agent.post("/notices/device", json.dumps(wrong), content_type="application/json")
        assert answer.status_code == 400, wrong
    with tenant(shop.id):
        assert Device.objects.count() == 1
    agent.post("/notices/device", {"endpoint": said["endpoint"]}, content_type="application/json")
    with tenant(shop.id):
        assert not Device.objects.exists()


def test_the_app_can_be_installed(shop: Shop, browser: Browser) -> None:
    page = browser(shop, "agent").get("/all").text
    assert 'rel="manifest"' in page
    manifest = Client().get("/manifest.webmanifest")
    assert manifest.headers["Content-Type"] == "application/manifest+json"
    body = manifest.json()
    assert {icon["sizes"] for icon in body["icons"]} == {"192x192", "512x512"}
    for icon in body["icons"]:
        found = Client().get(icon["src"])
        assert found.headers["Content-Type"] == "image/png"
        found.close()
    script = Client().get("/sw.js")
    assert script.headers["Content-Type"].startswith("text/javascript")
    assert script.headers["Cache-Control"] == "no-cache"
    script.close()
    assert "Not connected" in Client().get("/offline").text
    User.objects.filter(id=shop.users["agent"].id).update(language="ar")
    assert browser(shop, "agent").get("/manifest.webmanifest").json()["dir"] == "rtl"


def test_news_of_others_is_not_shown(shop: Shop, known: Known, browser: Browser) -> None:
    told(shop, known)
    other = Shop.create("other", "help@other.example")
    take(other, mail("Hello"), to="help@other.example")
    assert "was given to you" not in browser(other, "agent").get("/notices").text
