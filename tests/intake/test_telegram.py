"""Telegram from its server to the timeline: by webhook or asked for, once or twice, in whatever order."""

import json
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.channels.standin import Answer, Asked, StandIn, standing_in
from tests.channels.wayin import WayIn
from tests.worlds import Shop
from wasl.intake.listeners import Listeners
from wasl.intake.models import Listening
from wasl.kit.db import tenant

SAMPLES = Path(__file__).parents[1] / "channels" / "samples" / "telegram"
UPDATES: list[dict[str, Any]] = [
    update for name in ("messages", "changes", "others")
    for update in json.loads((SAMPLES / f"{name}.json").read_text()).values()
]  # fmt: skip
SECRET = "s3cret"


@pytest.fixture
def road(shop: Shop) -> Iterator[WayIn]:
    made = WayIn(shop, "telegram", "shop_bot", {"token": "555:AAF", "secret_token": SECRET}, mode="webhook")
    yield made
    made.close()


def bring(road: WayIn, *updates: dict[str, Any]) -> None:
    for update in updates:
        answer = road.post(json.dumps(update).encode(), {"X-Telegram-Bot-Api-Secret-Token": SECRET})
        assert answer.status_code == 200


def plain(state: dict[str, Any], road: WayIn) -> str:
    """The ids of messages name the inbox, which is another in each test."""
    return json.dumps(state, ensure_ascii=False).replace(str(road.inbox.id)[-12:], "INBOX")


def test_twice_and_backwards_is_the_same(db: None) -> None:
    states: list[str] = []
    for order in (UPDATES, UPDATES[::-1], [*UPDATES, *UPDATES], [*UPDATES[::-1], *UPDATES]):
        shop = Shop.create(f"shop{len(states)}", f"help@{len(states)}.example")
        road = WayIn(shop, "telegram", "shop_bot", {"secret_token": SECRET})
        try:
            bring(road, *order)
            state = road.state()
            assert road.state() == state
            states.append(plain(state, road))
        finally:
            road.close()
    assert len({*states}) == 1
    found = json.loads(states[0])
    assert len(found["messages"]) == 21
    assert (found["conversations"], found["queue"], found["quarantine"]) == (1, 0, 0)
    assert found["people"] == [["telegram", "700100", "Giulia Neri"]]
    by_id = {each[0]: each for each in found["messages"]}
    assert by_id["700100:1:INBOX"][2] == "Buongiorno, dov'è il mio ordine DZ-1041?"
    assert by_id["700100:3:INBOX"][2] == "Ecco la scatola aperta"
    assert found["waiting"] == ["700100:20:INBOX"] * 3  # reactions to a message of ours that nobody sent


def test_unsigned_is_refused_and_nothing_kept(road: WayIn) -> None:
    body = json.dumps(UPDATES[0]).encode()
    for headers in ({}, {"X-Telegram-Bot-Api-Secret-Token": "other"}):
        assert road.post(body, headers).status_code == 401
    assert road.stored() == 0
    assert road.post(b"{}", {"X-Telegram-Bot-Api-Secret-Token": SECRET}).status_code == 200
    assert road.state()["quarantine"] == 1


def test_a_pressed_button_is_confirmed_in_the_answer(road: WayIn) -> None:
    choice = next(each for each in UPDATES if "callback_query" in each)
    answer = road.post(json.dumps(choice).encode(), {"X-Telegram-Bot-Api-Secret-Token": SECRET})
    assert answer.json()["method"] == "answerCallbackQuery"


@pytest.fixture
def bot() -> Iterator[StandIn]:
    waiting = list(UPDATES)

    def answer(asked: Asked) -> Answer:
        if not asked.path.endswith("/getUpdates"):
            return 200, {"ok": True, "result": True}, {}
        offset = asked.json.get("offset", 0)
        waiting[:] = [each for each in waiting if each["update_id"] >= offset]
        if not waiting:
            time.sleep(0.05)
        return 200, {"ok": True, "result": waiting[:10]}, {}

    with standing_in(answer) as made:
        yield made


def test_what_is_asked_for_is_the_same_as_what_is_brought(road: WayIn, bot: StandIn) -> None:
    bring(road, *UPDATES)
    brought = plain(road.state(), road)
    with tenant(road.shop.id):
        road.inbox.is_active = False
        road.inbox.save()
    shop = Shop.create("other", "help@other.example")
    other = WayIn(shop, "telegram", "other_bot", {"token": "555:AAF"}, mode="polling", base_url=bot.url)
    listeners = Listeners()
    try:
        listeners.step()
        end = time.monotonic() + 90
        while other.stored() < len(UPDATES):
            assert time.monotonic() < end
            time.sleep(0.05)
        assert plain(other.state(), other) == brought
        began = time.monotonic()
    finally:
        listeners.close()
        other.close()
    assert time.monotonic() - began < 20
    with tenant(shop.id):
        row = Listening.objects.get(id=other.inbox.id)
    assert (row.taken, row.problem, row.held_by) == (len(UPDATES), "", None)
    assert [each.json["callback_query_id"] for each in bot.to("answerCallbackQuery")] == [
        "4382bfdwdsb323b2d9", "4382bfdwdsb323b2da"
    ]  # fmt: skip
