"""Workers that listen are killed while updates come: nothing is lost, nothing comes twice, and the next takes over."""

import signal
import threading
import time
from collections.abc import Iterator
from typing import Any

import pytest

from tests.channels.standin import Answer, Asked, StandIn, standing_in
from tests.processes import role
from tests.worlds import Shop
from wasl.channels.models import Inbox
from wasl.channels.secret import seal_all
from wasl.conversations.models import Message
from wasl.intake.models import Listening
from wasl.kit.db import tenant
from wasl.kit.ids import uuid7

COUNT = 300


class Telegram:
    """Gives what has not been asked past; a second listener ends the first one's question."""

    def __init__(self) -> None:
        self.lock = threading.Lock()
        self.waiting: list[dict[str, Any]] = []
        self.given = 0
        self.at_once = self.most = 0

    def say(self, number: int) -> None:
        person = {"id": number % 7, "is_bot": False, "first_name": "P"}
        message = {"message_id": number, "from": person, "chat": {"id": number % 7, "type": "private"},
                   "date": 1_760_000_000 + number, "text": f"number {number}"}  # fmt: skip
        with self.lock:
            self.waiting.append({"update_id": number, "message": message})

    def __call__(self, asked: Asked) -> Answer | None:
        if not asked.path.endswith("/getUpdates"):
            return 200, {"ok": True, "result": True}, {}
        with self.lock:
            self.at_once += 1
            self.most = max(self.most, self.at_once)
            offset = asked.json.get("offset", 0)
            self.waiting = [each for each in self.waiting if each["update_id"] >= offset]
            found = self.waiting[:10]
        time.sleep(0.02 if found else 0.1)
        with self.lock:
            self.at_once -= 1
            self.given += len(found)
        return 200, {"ok": True, "result": found}, {}


@pytest.fixture
def telegram() -> Iterator[tuple[Telegram, StandIn]]:
    made = Telegram()
    with standing_in(made) as server:
        yield made, server


def until(true: Any, seconds: float = 120.0) -> None:
    end = time.monotonic() + seconds
    while not true():
        assert time.monotonic() < end, "it did not come about"
        time.sleep(0.05)


@pytest.mark.timeout(600)
def test_nothing_is_lost_and_nothing_comes_twice(shop: Shop, telegram: tuple[Telegram, StandIn]) -> None:
    bots, server = telegram
    with tenant(shop.id):
        inbox = Inbox(id=uuid7(), workspace_id=shop.id, channel="telegram", name="Bot", address="shop_bot")
        inbox.config = {"base_url": server.url, "mode": "polling"}
        inbox.secret = seal_all(shop.id, inbox.id, {"token": "555:AAF"})
        inbox.save(force_insert=True)

    def holder() -> Any:
        with tenant(shop.id):
            return Listening.objects.filter(id=inbox.id).values_list("held_by", flat=True).first()

    def stored() -> int:
        with tenant(shop.id):
            return Message.objects.filter(channel="telegram", way="in").count()

    with role("wasl.config.worker:run") as first, role("wasl.config.worker:run") as second:
        until(holder)
        for number in range(1, COUNT // 2):
            bots.say(number)
        until(lambda: stored() > 20)
        first.send_signal(signal.SIGKILL)  # if it was not the one that listens, the next one is
        for number in range(COUNT // 2, COUNT + 1):
            bots.say(number)
        until(lambda: stored() == COUNT)
        second.send_signal(signal.SIGKILL)
        second.wait()
        bots.say(COUNT + 1)
        with role("wasl.config.worker:run") as third:
            until(lambda: stored() == COUNT + 1)  # the dead one's hold lapses
            third.send_signal(signal.SIGTERM)
            third.wait(90)
        assert holder() is None, "given back, and not only let lapse"
    with tenant(shop.id):
        texts = list(Message.objects.filter(channel="telegram", way="in").values_list("text", flat=True))
    assert sorted(texts) == sorted(f"number {number}" for number in range(1, COUNT + 2))
    assert bots.most == 1, "two never ask at the same moment"
