"""What the network is told to do with the next mail to a mailbox, or with what goes over a channel's provider.

Rules are for a mailbox (its address), for one customer on a channel (`person_on("sms", "+33…")`), for a whole provider
(`provider_of("sms")`) or for everybody; the nearest one counts.
"""

import fcntl
import json
from collections.abc import Collection, Iterator
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
    # Of providers only: what they answer to a call, and how their webhooks come.
    RATE_LIMIT = "rate_limit"
    RATE_LIMIT_WAIT = "rate_limit_wait"
    BREAK = "break"
    EARLY = "early"
    SLOW = "slow"
    LOSE = "lose"
    TWICE = "twice"
    SHUFFLE = "shuffle"


CALLS = frozenset(
    {
        Mode.LATE, Mode.REFUSE_NOW, Mode.REFUSE, Mode.LOSE_ANSWER, Mode.BOUNCE, Mode.RATE_LIMIT,
        Mode.RATE_LIMIT_WAIT, Mode.BREAK, Mode.EARLY,
    }
)  # fmt: skip
"""What can happen to a call of a provider's API: taken and shown late; refused for now, for good, with 429 with and
without Retry-After, with 500; taken, and the connection breaks; taken, and reported as failed later; receipts that are
quicker than the answer."""

WEBHOOKS = frozenset({Mode.SLOW, Mode.LOSE, Mode.TWICE, Mode.SHUFFLE})
"""What can happen to a webhook: late, never, twice, after the one that follows it."""

AFTER = {
    Mode.LATE: 20.0, Mode.BOUNCE: 120.0, Mode.RATE_LIMIT_WAIT: 30.0, Mode.SLOW: 20.0, Mode.SHUFFLE: 10.0,
}  # fmt: skip
"""Seconds that late deliveries and bounces take, unless a rule says otherwise."""


def provider_of(channel: str) -> str:
    """The key of the rule for all who are on a channel."""
    return f"{channel}:"


def person_on(channel: str, address: str) -> str:
    """The key of the rule for a customer on a channel."""
    return f"{channel}:{address}"


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
            if rule.mode == Mode.AT_ONCE and address != EVERYONE:  # none of its own
                rules.pop(address.lower(), None)
            else:
                rules[address.lower()] = asdict(rule)

    def rule(self, address: str) -> Rule:
        """What would be done with the next mail to a mailbox."""
        return _rule(self._read(), (address.lower(), EVERYONE), frozenset(Mode))[1]

    def take(self, address: str) -> Rule:
        """What is done with this mail; a rule for once is used up."""
        if not self._path.exists():
            return Rule()
        return self._take((address.lower(), EVERYONE), frozenset(Mode))

    def rule_on(self, channel: str, address: str) -> Rule:
        """What would be done with the next call or webhook of this person's on a channel."""
        keys = (person_on(channel, address).lower(), provider_of(channel))
        return _rule(self._read(), keys, CALLS | WEBHOOKS)[1]

    def take_on(self, channel: str, address: str, modes: Collection[Mode]) -> Rule:
        """What is done with a call or a webhook (`modes`: CALLS or WEBHOOKS); a rule for once is used up."""
        if not self._path.exists():
            return Rule()
        keys = (person_on(channel, address).lower(), provider_of(channel), EVERYONE)
        return self._take(keys, modes)

    def _take(self, keys: tuple[str, ...], modes: Collection[Mode]) -> Rule:
        key, rule = _rule(self._read(), keys, modes)
        if not rule.once:
            return rule
        with self._changing() as rules:
            key, rule = _rule(rules, keys, modes)
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


def _rule(rules: dict[str, Any], keys: tuple[str, ...], modes: Collection[Mode]) -> tuple[str, Rule]:
    for key in keys:
        if (found := rules.get(key)) and Mode(found["mode"]) in modes:
            return key, Rule(Mode(found["mode"]), found["once"], found["after"])
    return "", Rule()
