"""The chats of a storm: an inbox of every channel, its provider, the customers who write there, and what goes wrong."""

import random
from collections.abc import Callable
from multiprocessing.context import SpawnContext
from pathlib import Path
from typing import Any
from uuid import UUID

from bench.house import House
from bench.storm import crowd
from bench.storm.crowd import Callers, Crowd, Talk
from bench.storm.elsewhere import Elsewhere
from bench.storm.mailbox import Outside
from bench.storm.shopfront import IMAP, POLLED, Front, open_fronts, sandbox
from bench.storm.slow import SlowRoad
from bench.storm.weather import Weather
from bench.storm.webhooks import Said, Wire, bring
from tests.channels.centre import Centre
from wasl.sandbox.world import World

WAITS = 20.0
"""Seconds a message centre waits for a deliver_sm_resp on a connection that stands."""


class Fair:
    """`begin` when the customers may come, `clear` when they have gone, `close` when everything is counted.

    `count` messages, and at most about `faults` faults, over `seconds`.
    """

    def __init__(
        self, house: House, workspace: UUID, names: tuple[str, ...], count: int, *, seconds: float, seed: int,
        faults: float, ledgers: Path,
    ) -> None:  # fmt: skip
        self.road = SlowRoad(house.asked, seed, http=True)
        self.elsewhere = Elsewhere(seed, faults=faults > 0)
        self.centre = Centre()
        self.centre.patience = WAITS
        ports = {"api": self.road.port, "elsewhere": self.elsewhere.port, "centre": self.centre.port}
        self.mailbox = Outside(house, workspace) if IMAP in names and Outside.there() else None
        names = tuple(name for name in names if name != IMAP)
        self.fronts = open_fronts(house, workspace, names, **ports)
        if "webhook" in self.fronts:
            self.elsewhere.program = self.fronts["webhook"].end
        shares = _shares(count, names)
        talks = {name: Talk(front, shares[name], seconds, seed) for name, front in self.fronts.items()}
        phones = sandbox(house)
        called = talks.pop("smpp", None)
        self.callers = Callers(self.centre, called) if called else None
        self.crowd = Crowd(tuple(talks.values()), ledgers / "chats", phones, house.asked)
        self._count = count
        self._world = World(phones)
        every, centre = seconds / max(1.0, faults), self.centre if called else None
        self.weather = Weather(phones, names, centre, seed, every=every) if faults else None

    def begin(self, context: SpawnContext) -> list[Any]:
        """Let them come; the processes in which they write."""
        people = [context.Process(target=crowd.write, args=(self.crowd,))] if self.crowd.talks else []
        for thread in (self.callers, self.weather):
            if thread:
                thread.start()
        for each in people:
            each.start()
        return people

    def clear(self) -> None:
        """Everybody has written: from now on nothing goes wrong any more."""
        if self.callers:
            self.callers.join()
        if self.weather:
            self.weather.clear()

    @property
    def under_way(self) -> int:
        """Calls that providers are answering."""
        return self.road.under_way + self.elsewhere.under_way

    @property
    def called(self) -> list[str]:
        """What was written by way of the message centre."""
        return self.callers.keys if self.callers else []

    @property
    def unclear(self) -> int:
        """Calls that providers left open, at most."""
        return self.elsewhere.unclear + (self.weather.unclear if self.weather else 0)

    @property
    def refused(self) -> int:
        """Messages that providers refused for good, at most."""
        return self.weather.final if self.weather else 0

    @property
    def struck(self) -> dict[str, int]:
        """How often what went wrong."""
        return dict(sorted(((self.weather.struck if self.weather else {}) | self.elsewhere.faults).items()))

    def unfinished(self) -> str:
        """What providers still hold for us; '' when that is nothing."""
        waits = [
            talk.front.name
            for talk in self.crowd.talks
            if talk.front.name == POLLED and not self._wire(talk.front).told()
        ]
        if self.centre.undelivered:
            waits.append("the message centre")
        if any((self.crowd.phones / "webhooks").glob("*.json")):
            waits.append("the couriers")
        return ", ".join(waits)

    def close(self) -> None:
        """Every provider goes home."""
        if self.mailbox:
            self.mailbox.close()
        self.elsewhere.close()
        self.road.close()
        self.centre.close()

    def _wire(self, front: Front) -> Wire:
        return Wire(front, self._world)

    # Whether they are served -----------------------------------------------------------------------------------

    def questions(self) -> dict[str, Callable[[], Callable[[], bool]]]:
        """What is asked after a kill, by service; each makes a question of its own, once for every kill."""
        asked = {
            "hooks": ("webhook", self._hook),
            "polling": (POLLED, self._poll),
            "smpp": ("smpp", self._bring),
        }
        imap = {IMAP: self.mailbox.question} if self.mailbox else {}
        return imap | {
            name: (lambda front=self.fronts[on], begin=begin: begin(front))
            for name, (on, begin) in asked.items()
            if on in self.fronts
        }

    def _hook(self, front: Front) -> Callable[[], bool]:
        """A webhook is acknowledged."""
        one = _probe()
        return lambda: 200 <= bring(self._wire(front).of([one])) < 300

    def _poll(self, front: Front) -> Callable[[], bool]:
        """A bot's news are asked for, and that they were stored is told by asking for the next."""
        self._wire(front).hand_out(_probe())
        return self._wire(front).told

    def _bring(self, front: Front) -> Callable[[], bool]:
        """What the message centre brings is acknowledged."""
        message = crowd.short(_probe(), front)
        self.centre.bring(message)
        body = message.encode()
        return lambda: body not in self.centre.waiting()


_NUMBERS = iter(range(1, 1_000_000))


def _probe() -> Said:
    number = next(_NUMBERS)
    return Said(f"probe-{number}", 900_000 + number, 0)


def _shares(count: int, names: tuple[str, ...]) -> dict[str, int]:
    """How many each channel brings; together they are `count`."""
    order = sorted(names, key=lambda name: random.Random(name).random())
    return {name: len(range(number, count, len(order))) for number, name in enumerate(order)}
