"""Webhooks over the API."""

from collections.abc import Iterator
from typing import Any

import pytest
from standardwebhooks import Webhook

from tests.api.client import Caller, problem, token_of
from tests.inbound import mail, take
from tests.webhooks.receiver import Receiver, receiving
from tests.webhooks.road import Road
from tests.worlds import Shop

NEW = {"url": "https://shop.example/hook", "kinds": ["message.created"]}


@pytest.fixture
def admin(shop: Shop) -> Caller:
    return Caller(token_of(shop, "admin"))


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


def made(admin: Caller, **fields: Any) -> dict[str, Any]:
    answer = admin("POST", "/webhooks", NEW | fields)
    assert answer.status_code == 201, answer.content
    found: dict[str, Any] = answer.json()
    return found


def test_made_changed_and_removed(admin: Caller) -> None:
    hook = made(admin, description="The shop")
    assert hook["secret"].startswith("whsec_")
    listed = admin.get("/webhooks")
    assert [each["id"] for each in listed["items"]] == [hook["id"]]
    assert "message.created" in listed["kinds"]
    assert "secret" not in listed["items"][0]
    place = f"/webhooks/{hook['id']}"
    changed = admin("PATCH", place, {"kinds": ["delivery.failed", "message.sent"], "is_active": False}).json()
    assert changed["kinds"] == ["delivery.failed", "message.sent"]
    assert (changed["is_active"], changed["description"], changed["off_why"]) == (False, "The shop", "")
    assert admin.get(place) == changed
    rotated = admin("POST", f"{place}/secret", {}).json()
    assert rotated["secret"] != hook["secret"]
    assert rotated["old_until"]
    assert admin("DELETE", place).status_code == 204
    problem(admin("GET", place), 404, "not-found")


def test_deliveries_are_listed_shown_and_made_again(admin: Caller, road: Road, receiver: Receiver) -> None:
    hook = made(admin, url=receiver.url)
    receiver.status, receiver.answer = 500, b"not today"
    take(road.shop, mail(), mail())
    road.go()
    page = admin.get(f"/webhooks/{hook['id']}/deliveries?limit=1")
    assert page["next"]
    (newest,) = page["items"]
    assert (newest["state"], newest["status"], newest["why"]) == ("waiting", 500, "status")
    rest = admin.get(page["next"].removeprefix("/api/v1"))
    assert len(rest["items"]) == 1
    shown = admin.get(f"/webhook-deliveries/{newest['id']}")
    assert [(each["status"], each["answer"]) for each in shown["attempts"]] == [(500, "not today")]
    assert len(admin.get(f"/webhooks/{hook['id']}/deliveries?failed=true")["items"]) == 2
    receiver.status = 200
    assert admin("POST", f"/webhooks/{hook['id']}/test", {}).status_code == 202
    road.work()
    assert Webhook(hook["secret"]).verify(receiver.heard[-1].body, dict(receiver.heard[-1].headers))[
        "type"
    ] == ("webhook.test")
    done = admin.get(f"/webhooks/{hook['id']}/deliveries")["items"][0]
    assert (done["kind"], done["state"]) == ("webhook.test", "done")
    before = len(receiver.heard)
    assert admin("POST", f"/webhook-deliveries/{done['id']}/replay", {}).json()["state"] == "waiting"
    road.work()
    assert len(receiver.heard) == before + 1
    answer = admin("POST", f"/webhooks/{hook['id']}/replay", {"since": "2020-01-01T00:00:00Z"})
    assert answer.json() == {"deliveries": 0}


@pytest.mark.parametrize(
    ("fields", "words", "pointer"),
    [
        ({"url": "http://shop.example/"}, "https://", "#/url"),
        ({"url": "https://127.0.0.1/"}, "private network", "#/url"),
        ({"url": "shop"}, "not an address", "#/url"),
        ({"kinds": []}, "at least", "#/kinds"),
        ({"kinds": ["message.shouted"]}, "does not exist", "#/kinds"),
        ({"colour": "red"}, "no field of this name", "#/colour"),
    ],
)
def test_what_is_wrong_is_said_and_where(
    admin: Caller, fields: dict[str, Any], words: str, pointer: str
) -> None:
    found = problem(admin("POST", "/webhooks", NEW | fields), 422, "invalid")
    assert words in found["detail"]
    assert found["errors"][0]["pointer"] == pointer


def test_they_are_for_administrators_of_the_same_workspace(shop: Shop, admin: Caller) -> None:
    hook = made(admin)
    agent = Caller(token_of(shop, "agent"))
    problem(agent("GET", "/webhooks"), 403, "not-allowed")
    problem(agent("POST", "/webhooks", NEW), 403, "not-allowed")
    problem(agent("POST", f"/webhooks/{hook['id']}/secret", {}), 403, "not-allowed")
    stranger = Caller(token_of(Shop.create("other", "help@other.example"), "admin"))
    assert stranger.get("/webhooks")["items"] == []
    for method, path in (("GET", ""), ("PATCH", ""), ("DELETE", ""), ("POST", "/test"), ("POST", "/secret")):
        problem(stranger(method, f"/webhooks/{hook['id']}{path}", {}), 404, "not-found")


def test_one_that_is_off_is_not_told_again(admin: Caller) -> None:
    hook = made(admin)
    admin("PATCH", f"/webhooks/{hook['id']}", {"is_active": False})
    found = problem(admin("POST", f"/webhooks/{hook['id']}/replay", {}), 409, "conflict")
    assert "switched off" in found["detail"]
