"""Customers who write by chat, and their providers, which bring every webhook again until it is taken.

As providers do, they bring things twice, out of order, several at a time, and hang up before they hear the answer. A
ledger has a line for each message that was acknowledged.
"""

import contextlib
import http.client
import json
import random
import threading
import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from bench.storm.shopfront import POLLED, Front, address_of
from bench.storm.webhooks import Said, Wire, bring
from tests.channels.centre import Centre
from wasl.channels.smpp.pdu import Place, Short
from wasl.channels.sms import alphabet
from wasl.sandbox.world import World

HANDS = 6
"""Webhooks that are brought at the same time."""
TURNS = 3
"""Messages of each customer."""
PAUSE = 0.1
HUNG_UP, TWICE, TOGETHER, READS = 0.04, 0.1, 0.15, 0.3
"""Shares of webhooks whose answer is not heard, that come again although they were taken, and that bring another
message as well; and of customers who then read what they were answered."""
WINDOW = 6
"""Messages among which the order is any."""


@dataclass(frozen=True)
class Talk:
    """What the customers of one inbox do: `count` messages spread over `seconds`."""

    front: Front
    count: int
    seconds: float
    seed: int


@dataclass(frozen=True)
class Crowd:
    """The customers of every inbox. `phones`: the sandbox's folder; `play`: the port on which they read."""

    talks: tuple[Talk, ...]
    ledger: Path
    phones: Path
    play: int

    @property
    def count(self) -> int:
        """How many messages they write."""
        return sum(talk.count for talk in self.talks)


def said(talk: Talk, index: int) -> Said:
    """The n-th message to an inbox."""
    name = talk.front.name.replace(" ", "-")
    return Said(f"{name}-{index}", index // TURNS, index % TURNS)


def write(crowd: Crowd) -> None:
    """Write everything; ends when all of it was acknowledged (or, by a bot that is asked, handed out)."""
    lock = threading.Lock()
    with crowd.ledger.open("a", buffering=1) as ledger, ThreadPoolExecutor(HANDS) as hands:
        hand = _Hand(crowd, ledger, lock)
        began = time.monotonic()
        due = sorted(
            (number * talk.seconds / talk.count, talk.front.name, talk, indexes)
            for talk in crowd.talks
            for number, indexes in _order(talk, hand.wire(talk).several)
        )
        for at, _, talk, indexes in due:
            time.sleep(max(0.0, began + at - time.monotonic()))
            hands.submit(hand.bring, talk, [said(talk, index) for index in indexes])
    if hand.errors:
        raise SystemExit(f"a provider failed: {hand.errors[0]!r}")


def _order(talk: Talk, several: bool) -> list[tuple[int, tuple[int, ...]]]:
    """When what is brought: any order within a window, some of it together."""
    dice = random.Random(f"{talk.seed} crowd {talk.front.name}")
    indexes = [
        each
        for first in range(0, talk.count, WINDOW)
        for each in dice.sample(
            range(first, min(first + WINDOW, talk.count)), k=min(WINDOW, talk.count - first)
        )
    ]
    brought: list[tuple[int, tuple[int, ...]]] = []
    while indexes:
        number = talk.count - len(indexes)
        many = 2 if several and len(indexes) > 1 and dice.random() < TOGETHER else 1
        brought.append((number, tuple(indexes[:many])))
        del indexes[:many]
    return brought


class _Hand:
    """Brings webhooks; used by several threads."""

    def __init__(self, crowd: Crowd, ledger: Any, lock: threading.Lock) -> None:
        self._crowd, self._ledger, self._lock = crowd, ledger, lock
        self._dice = random.Random(f"{crowd.talks[0].seed} hand")
        world = World(crowd.phones)
        self._wires = {talk.front.name: Wire(talk.front, world) for talk in crowd.talks}
        self.errors: list[BaseException] = []

    def wire(self, talk: Talk) -> Wire:
        """That of an inbox."""
        return self._wires[talk.front.name]

    def bring(self, talk: Talk, messages: Sequence[Said]) -> None:
        """Until it is taken. Never raises."""
        try:
            tries = self._until_taken(talk, messages)
            with self._lock:
                for each in messages:
                    line = {"key": each.key, "id": "", "channel": talk.front.name, "tries": tries}
                    self._ledger.write(json.dumps(line) + "\n")
            if self._dice.random() < READS:
                self._read(talk, messages[0])
        except BaseException as error:
            self.errors.append(error)

    def _until_taken(self, talk: Talk, messages: Sequence[Said]) -> int:
        wire = self.wire(talk)
        if talk.front.name == POLLED:
            with self._lock:
                wire.hand_out(messages[0])
            return 1
        hang_up, twice = self._dice.random() < HUNG_UP, self._dice.random() < TWICE
        for tries in range(1, 100_000):
            with self._lock:
                webhook = wire.of(messages)
            if hang_up:
                hang_up = False
                bring(webhook, hear=False)
                continue
            status = bring(webhook)
            if 200 <= status < 300:
                if twice:
                    bring(webhook)
                return tries
            if status not in (0, 429, 500, 503):
                raise SystemExit(f"{talk.front.name}: a webhook was answered {status}")
            time.sleep(PAUSE if status != 429 else 1.0)
        raise AssertionError

    def _read(self, talk: Talk, one: Said) -> None:
        """They look at their phone. When the sandbox is away they do not."""
        who = self.wire(talk).who(one)
        act = {
            "channel": talk.front.channel, "end": talk.front.end.address, "act": {"do": "read"},
            "who": {"address": who.address, "name": who.name},
        }  # fmt: skip
        connection = http.client.HTTPConnection("127.0.0.1", self._crowd.play, timeout=5)
        with contextlib.suppress(OSError, http.client.HTTPException):
            connection.request("POST", "/play", json.dumps(act))
            connection.getresponse().read()
        connection.close()


class Callers(threading.Thread):
    """Customers who write by SMPP: their message centre is in this process."""

    def __init__(self, centre: Centre, talk: Talk) -> None:
        super().__init__(name="callers", daemon=True)
        self._centre, self._talk = centre, talk
        self.keys: list[str] = []

    def run(self) -> None:
        """Write everything."""
        began, talk = time.monotonic(), self._talk
        for index in range(talk.count):
            time.sleep(max(0.0, began + index * talk.seconds / talk.count - time.monotonic()))
            one = said(talk, index)
            self.keys.append(one.key)
            self._centre.bring(short(one, talk.front))


def short(one: Said, front: Front) -> Short:
    """A customer's short message, on its way to the business."""
    here = Place(front.end.address.removeprefix("+"), 1, 1)
    return Short(
        source=Place(address_of("smpp", one.person), 1, 1),
        destination=here,
        content=alphabet.encode(one.text),
    )
