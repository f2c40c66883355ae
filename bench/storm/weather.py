"""What goes wrong at the providers meanwhile: the sandbox's network is told something else every moment.

Each fault strikes once. How many of them leave it open whether a message was taken is counted, for as many calls more
may end in doubt.
"""

import random
import threading
from collections import Counter
from pathlib import Path

from bench.storm.shopfront import STANDINS
from tests.channels.centre import Centre
from wasl.sandbox.network import CALLS, EVERYONE, WEBHOOKS, Mode, Network, Rule, provider_of

AFTER = {Mode.LATE: 1.0, Mode.BOUNCE: 1.0, Mode.RATE_LIMIT_WAIT: 1.0, Mode.SLOW: 2.0, Mode.SHUFFLE: 1.0}
UNCLEAR = frozenset({Mode.LOSE_ANSWER, Mode.BREAK, Mode.REFUSE_NOW})
"""After which it is, or may be, open whether the message was taken: no answer, or one without an explanation."""
FINAL = frozenset({Mode.REFUSE, Mode.BOUNCE})
MAIL = (Mode.REFUSE_NOW, Mode.LOSE_ANSWER)
INVALID_DESTINATION = 0x0B
"""SMPP 3.4, 5.1.3: ESME_RINVDSTADR."""
CENTRE = ("throttle", "refuse", "drop_after_accept", "drop_before", "receipt_first", "delay")
"""Attributes of a message centre's faults."""


class Weather(threading.Thread):
    """Changes until it is told to stop, `every` so many seconds. `struck` counts faults by name."""

    def __init__(
        self, phones: Path, names: tuple[str, ...], centre: Centre | None, seed: int, *, every: float
    ) -> None:
        super().__init__(name="weather", daemon=True)
        self._every = every
        self.struck: Counter[str] = Counter()
        self._network = Network(phones)
        self._channels = sorted({name.split()[0] for name in names if name in STANDINS})
        self._centre = centre
        self._dice = random.Random(f"{seed} weather")
        self._set: dict[str, Mode] = {}
        self._stopping = threading.Event()

    @property
    def unclear(self) -> int:
        """Faults so far that may leave calls in doubt."""
        return sum(count for name, count in self.struck.items() if name in UNCLEAR or name.startswith("drop"))

    @property
    def final(self) -> int:
        """Faults so far after which a message has failed for good."""
        return sum(self.struck[name] for name in (*FINAL, "refuse"))

    def run(self) -> None:
        """Set a fault wherever the last one has struck."""
        places = [*self._channels, *(["smpp"] if self._centre else []), "mail"]
        while not self._stopping.wait(self._every):
            place = self._dice.choice(places)
            if place == "smpp":
                self._at_centre()
            else:
                self._at(place)

    def _at(self, place: str) -> None:
        key = EVERYONE if place == "mail" else provider_of(place)
        if not self._free(key):
            return
        # Telegram tells nothing of what it sent, and what the bot is to fetch comes through the same rules.
        webhooks = () if place == "telegram" else sorted(WEBHOOKS)
        mode = self._dice.choice(MAIL if place == "mail" else [*sorted(CALLS), *webhooks])
        self._network.set(Rule(mode, once=True, after=AFTER.get(mode)), key)
        self._set[key] = mode

    def _free(self, key: str) -> bool:
        """Whether nothing is to strike there; what was has struck."""
        if (mode := self._set.get(key)) is None:
            return True
        if key in self._network._read():
            return False
        self.struck[mode] += 1
        del self._set[key]
        return True

    def _at_centre(self) -> None:
        assert self._centre
        faults, name = self._centre.faults, self._dice.choice(CENTRE)
        if name == "delay":
            faults.delay = self._dice.choice((0.0, 0.05, 0.3))
            return
        self.struck[name] += 1
        if name == "refuse":
            faults.refuse.append(INVALID_DESTINATION)
        elif name == "receipt_first":
            faults.receipt_first = not faults.receipt_first
        else:
            setattr(faults, name, getattr(faults, name) + 1)

    def clear(self) -> None:
        """Fine weather from now on; what was to strike and did not is forgotten."""
        self._stopping.set()
        if self.is_alive():
            self.join(10)
        for key in list(self._set):
            if self._free(key):
                continue
            with self._network._changing() as rules:
                rules.pop(key, None)
        if self._centre:
            faults = self._centre.faults
            faults.throttle = faults.drop_after_accept = faults.drop_before = 0
            faults.delay, faults.receipt_first = 0.0, False
            faults.refuse.clear()
