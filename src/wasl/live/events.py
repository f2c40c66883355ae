"""What is written on the line: server-sent events (HTML standard, §9.2), and the memory of the last of them.

An event's id is `<boot>-<microseconds>`: which process sent it, and a clock that never stands still. A count would
tell a reader how much happened that they may not see; a time tells nothing.
"""

import secrets
import time
from bisect import bisect_right
from collections.abc import Sequence
from dataclasses import dataclass
from uuid import UUID

import msgspec

from wasl.kit.signal import Signal

KEPT = 2_000_000
"""Bytes of events remembered, at least, for browsers whose line broke: some 8,000 of them; at most twice as many."""


def event(name: str, data: str = "-", at: str = "") -> bytes:
    """One event; `data` is one line and never empty (a browser swallows an event without data)."""
    head = f"id: {at}\n" if at else ""
    return f"{head}event: {name}\ndata: {data}\n\n".encode()


@dataclass(frozen=True, slots=True)
class Heard:
    """A signal (without its ids, which are many), when it was heard, and how it is written."""

    at: int
    signal: Signal
    text: bytes


class Memory:
    """The clock of one process and the last signals it heard."""

    def __init__(self, kept: int = KEPT) -> None:
        self._boot = secrets.token_hex(4)
        self._kept = kept
        self._heard: list[Heard] = []
        self._size = 0
        self._clock = 0
        self._known_from = self._tick()

    def _tick(self) -> int:
        self._clock = max(self._clock + 1, time.monotonic_ns() // 1000)
        return self._clock

    def now(self) -> str:
        """An id later than every event so far and earlier than every one to come."""
        return f"{self._boot}-{self._tick():x}"

    def note(self, signal: Signal) -> Heard:
        """Remember a signal."""
        at = self._tick()
        text = event("change", _body(signal), f"{self._boot}-{at:x}")
        heard = Heard(at, Signal(signal.kind, signal.workspace, signal.inbox, agent=signal.agent), text)
        self._heard.append(heard)
        self._size += len(text)
        if self._size > 2 * self._kept:
            self._forget_half()
        return heard

    def _forget_half(self) -> None:
        count = 0
        while self._size > self._kept:
            self._size -= len(self._heard[count].text)
            self._known_from = self._heard[count].at
            count += 1
        del self._heard[:count]

    def forget(self) -> None:
        """Something may have been missed: nobody can resume from before this moment."""
        self._heard.clear()
        self._size = 0
        self._known_from = self._tick()

    def since(self, last: str, workspace_id: UUID) -> Sequence[Heard] | None:
        """The workspace's signals after an id; None when they are not all known any more."""
        boot, _, moment = last.partition("-")
        try:
            at = int(moment, 16)
        except ValueError:
            return None
        if boot != self._boot or not self._known_from <= at <= self._clock:
            return None
        start = bisect_right(self._heard, at, key=lambda heard: heard.at)
        return [heard for heard in self._heard[start:] if heard.signal.workspace == workspace_id]


def _body(signal: Signal) -> str:
    body: dict[str, object] = {"k": signal.kind}
    if signal.conversations:
        body["c"] = signal.conversations
    if signal.customers:
        body["u"] = signal.customers
    if signal.inbox:
        body["i"] = signal.inbox
    return msgspec.json.encode(body).decode()
