"""The pages of webhooks."""

from collections.abc import Iterator
from datetime import timedelta
from uuid import UUID

import pytest
from django.test import Client

from tests.inbound import mail, take
from tests.webhooks.receiver import Receiver, receiving
from tests.webhooks.road import Road
from tests.workspace.stage import Browser
from tests.worlds import Shop
from wasl.kit.db import tenant
from wasl.webhooks import actions
from wasl.webhooks.events import OFFERED
from wasl.webhooks.models import Endpoint
from wasl.workspace.shapes import webhooks as shapes

NEW = {
    "url": "https://shop.example/hook",
    "description": "The shop",
    "kinds": ["message.created", "order.placed"],
}


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    with receiving() as made:
        yield made


@pytest.fixture
def road(shop: Shop, monkeypatch: pytest.MonkeyPatch) -> Iterator[Road]:
    from dataclasses import replace

    from django.conf import settings

    monkeypatch.setattr(settings, "ENV", replace(settings.ENV, webhook_private=True))
    made = Road(shop)
    yield made
    made.caller.close(1)


@pytest.fixture
def admin(shop: Shop, browser: Browser) -> Client:
    return browser(shop, "admin")


def only(shop: Shop) -> Endpoint:
    with tenant(shop.id):
        return Endpoint.objects.get()


def test_made_on_the_page(shop: Shop, admin: Client) -> None:
    assert "No program is told anything yet" in admin.get("/webhooks").text
    answer = admin.post("/webhooks", NEW, follow=True)
    made = only(shop)
    assert (made.url, made.description, made.kinds) == (NEW["url"], NEW["description"], NEW["kinds"])
    assert "Made. Give the other program the secret" in answer.text
    assert "Nothing was told yet" in answer.text
    assert "whsec_" not in answer.text
    page = admin.get("/webhooks").text
    assert "https://shop.example/hook" in page
    assert "Not called yet" in page
    assert 'href="/webhooks"' in admin.get("/settings").text


@pytest.mark.parametrize(
    ("fields", "words"),
    [
        ({"url": "http://shop.example/"}, "The address must begin with https"),
        ({"url": "https://192.168.1.1/"}, "private network, which is not called"),
        ({"url": "shop"}, "not an address that can be called"),
        ({"kinds": []}, "Choose one event at least"),
        ({"kinds": ["nonsense"]}, "no longer exists"),
        ({"description": "x" * 300}, "too long"),
    ],
)
def test_what_is_wrong_is_said_and_what_was_typed_stays(
    admin: Client, fields: dict[str, object], words: str
) -> None:
    answer = admin.post("/webhooks", NEW | fields)
    assert answer.status_code == 422
    assert words in answer.text
    assert f'value="{fields.get("url", NEW["url"])}"' in answer.text


def test_the_secret_is_shown_when_asked_for_and_replaced(shop: Shop, admin: Client) -> None:
    admin.post("/webhooks", NEW)
    place = f"/webhooks/{only(shop).id}"
    first = actions.secret(shop.actor("admin"), only(shop).id)
    assert first not in admin.get(place).text
    assert first in admin.post(f"{place}/secret").text
    answer = admin.post(f"{place}/rotate", follow=True)
    assert "signed with both" in answer.text
    assert "The one before it still signs" in answer.text
    assert first not in admin.post(f"{place}/secret").text
    log = admin.get("/access").text
    assert "Looked at the secret of a webhook" in log
    assert "Replaced the secret of a webhook" in log


def test_the_log_shows_what_was_told_and_tells_it_again(
    road: Road, receiver: Receiver, admin: Client
) -> None:
    endpoint, _ = road.endpoint(receiver.url)
    place = f"/webhooks/{endpoint.id}"
    receiver.status, receiver.answer = 500, b"<b>no</b> room"
    take(road.shop, mail())
    road.go()
    page = admin.get(place).text
    assert "New message, in or out" in page
    assert "Will be tried again" in page
    assert "HTTP 500" in page
    assert "&lt;b&gt;no&lt;/b&gt; room" in page
    assert "Failing" in page
    assert 'hx-trigger="every 3s"' in page
    receiver.status = 204
    road.ahead = timedelta(seconds=10)
    road.work()
    page = admin.get(place).text
    assert "Delivered" in page
    assert "Works" in page
    assert "hx-trigger" not in page[page.index('id="log"') : page.index("</section>", page.index('id="log"'))]
    answer = admin.post(f"/webhooks/calls/{road.calls()[0].id}/replay", follow=True)
    assert "told again, under the same id" in answer.text
    road.work()
    assert len(receiver.heard) == 3
    admin.post(f"{place}/test")
    road.work()
    assert receiver.kinds[-1] == "webhook.test"


def test_one_that_redirects_or_hangs_says_so_in_plain_words(
    road: Road, receiver: Receiver, admin: Client
) -> None:
    endpoint, _ = road.endpoint(receiver.url)
    receiver.status, receiver.extra = 302, {"Location": "http://169.254.169.254/"}
    take(road.shop, mail())
    road.go()
    page = admin.get(f"/webhooks/{endpoint.id}").text
    assert "That is not followed" in page
    assert "http://169.254.169.254/" in page
    with receiving(pause=5) as stuck:
        other, _ = road.endpoint(stuck.url)
        road.caller._timeout = 0.3
        take(road.shop, mail())
        road.go()
        assert "There was no answer within ten seconds" in admin.get(f"/webhooks/{other.id}").text


def test_one_that_was_switched_off_is_said_to_be_and_switched_on_again(
    road: Road, receiver: Receiver, admin: Client
) -> None:
    endpoint, _ = road.endpoint(receiver.url)
    receiver.status = 410
    take(road.shop, mail())
    road.go()
    place = f"/webhooks/{endpoint.id}"
    page = admin.get(place).text
    assert "Switched off" in page
    assert "gone for good" in page
    assert "The webhook is off" in admin.post(f"{place}/replay").text
    admin.post(place, {"url": receiver.url, "kinds": ["message.created"], "active": "on"})
    assert road.seen(endpoint).is_active
    receiver.status = 200
    assert "1 event is told again" in admin.post(f"{place}/replay", follow=True).text
    road.work()
    assert road.calls()[0].state == "done"


def test_removed_once_its_name_is_typed(shop: Shop, admin: Client) -> None:
    admin.post("/webhooks", NEW)
    place = f"/webhooks/{only(shop).id}"
    answer = admin.post(f"{place}/remove", {"name": "another"})
    assert answer.status_code == 422
    assert "type the name" in answer.text
    admin.post(f"{place}/remove", {"name": "shop.example"})
    assert admin.get(place).status_code == 404


def test_only_administrators_see_any_of_it(shop: Shop, admin: Client, browser: Browser) -> None:
    admin.post("/webhooks", NEW)
    for role in ("agent", "readonly"):
        client = browser(shop, role)
        assert client.get("/webhooks").status_code == 403
        assert client.get(f"/webhooks/{only(shop).id}").status_code == 403
        assert client.post(f"/webhooks/{only(shop).id}/secret").status_code == 403


def test_every_event_has_a_name() -> None:
    assert set(OFFERED) <= set(shapes.kinds())
    offered = [code for _, rows in shapes.groups() for code, _ in rows]
    assert sorted(offered) == sorted(OFFERED)
    assert UUID(int=0) not in offered


@pytest.mark.parametrize("language", ["ar", "fr", "it"])
def test_the_letter_is_in_the_readers_language(shop: Shop, admin: Client, language: str) -> None:
    from django.utils import translation

    from wasl.config.notices import letter

    admin.post("/webhooks", NEW)
    with translation.override("en"):
        english = letter(only(shop), "failing")
    with translation.override(language):
        subject, body = letter(only(shop), "failing")
    assert subject != english[0]
    assert f"/webhooks/{only(shop).id}" in body
