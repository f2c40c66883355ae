"""What the network is told to do with the next mail to a mailbox."""

import fcntl
import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from enum import StrEnum
from pathlib import Path
from typing import Any

EVERYONE = "*"


class Mode(StrEnum):
    """How the provider behaves."""

    AT_ONCE = "at_once"
    LATE = "late"
    REFUSE_NOW = "refuse_now"
    REFUSE = "refuse"
    LOSE_ANSWER = "lose_answer"
    BOUNCE = "bounce"


AFTER = {Mode.LATE: 20.0, Mode.BOUNCE: 120.0}
"""Seconds that late deliveries and bounces take, unless a rule says otherwise."""


@dataclass(frozen=True, slots=True)
class Rule:
    """A mode; `once`: for the next mail only. `after` in seconds, where the mode waits."""

    mode: Mode = Mode.AT_ONCE
    once: bool = False
    after: float | None = None

    @property
    def wait(self) -> float:
        """Seconds the mode waits."""
        return AFTER.get(self.mode, 0.0) if self.after is None else self.after


class Network:
    """Rules in a file that the pages write and the provider reads; a mailbox's own rule goes before everyone's."""

    def __init__(self, folder: Path) -> None:
        self._path = folder / "network.json"

    def set(self, rule: Rule, address: str = EVERYONE) -> None:
        """Have the network follow a rule for one mailbox, or for all that have none of their own."""
        with self._changing() as rules:
            if rule.mode == Mode.AT_ONCE and address != EVERYONE:
                rules.pop(address.lower(), None)
            else:
                rules[address.lower()] = asdict(rule)

    def rule(self, address: str) -> Rule:
        """What would be done with the next mail to a mailbox."""
        return _rule(self._read(), address.lower())[1]

    def take(self, address: str) -> Rule:
        """What is done with this mail; a rule for once is used up."""
        if not self._path.exists():
            return Rule()
        key, rule = _rule(self._read(), address.lower())
        if not rule.once:
            return rule
        with self._changing() as rules:
            key, rule = _rule(rules, address.lower())
            if rule.once:
                del rules[key]
            return rule

    def _read(self) -> dict[str, Any]:
        try:
            found: dict[str, Any] = json.loads(self._path.read_text())
        except FileNotFoundError:
            return {}
        return found

    @contextmanager
    def _changing(self) -> Iterator[dict[str, Any]]:
        self._path.parent.mkdir(parents=True, exist_ok=True)
        with self._path.with_suffix(".lock").open("w") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            rules = self._read()
            yield rules
            draft = self._path.with_suffix(".draft")
            draft.write_text(json.dumps(rules))
            draft.replace(self._path)


def _rule(rules: dict[str, Any], address: str) -> tuple[str, Rule]:
    for key in (address, EVERYONE):
        if found := rules.get(key):
            return key, Rule(Mode(found["mode"]), found["once"], found["after"])
    return "", Rule()
