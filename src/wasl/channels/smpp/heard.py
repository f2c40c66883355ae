"""What was heard from a message centre: whether a message that comes again is the same, or the same words once more.

A centre brings a message again when it has no answer to it. So what matters is which answers it has:

- Within a connection it has them all, but for one that came so slowly that it may have given up waiting.
- When a connection ends, it may lack the last ones. Those of which it is not proven that they came (`proven`) may come
  again on the next connection, once each, for as long as `SPAN`; everything else there is new, whatever it says.

This is remembered for as long as the process runs. After a new start nobody knows what the centre was told, and equal
content within the same `SPAN` is taken for the same: rather than to say a thing twice to an agent whenever a worker is
killed, a customer who says the very same on both sides of the start is heard once.
"""

from __future__ import annotations

import hashlib
import time
from collections.abc import Sequence
from datetime import datetime
from threading import Lock

from wasl.channels.port import Settings

SPAN = 300
"""Seconds within which a message may come again after its connection broke."""
GRACE = 10.0
"""Seconds after a slow answer in which the copies still come that the centre sent meanwhile."""
MOST = 20_000


class Heard:
    """What one centre brought, over all connections of this process; for one thread at a time."""

    def __init__(self) -> None:
        self._counts: dict[tuple[bytes, int], int] = {}
        self._slow: dict[bytes, float] = {}
        """Content that was answered slowly, and until when more of it is taken for the same."""
        self._fresh: list[tuple[bytes, str]] = []
        """Answered since the centre was last asked, by content and key."""
        self._asked: list[tuple[bytes, str]] = []
        """Answered before that."""
        self._open: dict[bytes, list[tuple[str, float]]] = {}
        """What may come again on this connection: keys, and until when."""

    def key(self, body: bytes, at: datetime) -> str:
        """Under which a message is stored: that of an earlier one if it is that."""
        digest = hashlib.sha256(body).digest()
        key = self._again(digest) or self._new(digest, int(at.timestamp()) // SPAN)
        self._fresh.append((digest, key))
        return key

    def _again(self, digest: bytes) -> str:
        waiting = [each for each in self._open.pop(digest, ()) if each[1] > time.monotonic()]
        if len(waiting) > 1:
            self._open[digest] = waiting[1:]
        return waiting[0][0] if waiting else ""

    def _new(self, digest: bytes, span: int) -> str:
        nth = self._counts.get((digest, span), 0)
        if self._slow.get(digest, 0.0) > time.monotonic():
            nth = max(0, nth - 1)
        if len(self._counts) > MOST:
            self._counts = {key: count for key, count in self._counts.items() if key[1] == span}
        self._counts[digest, span] = nth + 1
        return f"{digest.hex()}:{span}:{nth}"

    def answered_slowly(self, bodies: Sequence[bytes]) -> None:
        """The centre may have given up waiting for these answers."""
        at = time.monotonic()
        self._slow = {digest: until for digest, until in self._slow.items() if until > at}
        self._slow |= {hashlib.sha256(body).digest(): at + GRACE for body in bodies}

    def asking(self) -> bool:
        """The centre is about to be asked: whether there is anything to prove by that."""
        self._asked, self._fresh = (self._asked + self._fresh)[-MOST:], []
        return bool(self._asked)

    def proven(self) -> None:
        """It answered: it has all answers that were given before it was asked."""
        self._asked = []

    @property
    def unproven(self) -> int:
        """How many answers the centre may not have."""
        return len(self._asked) + len(self._fresh)

    def connection_ended(self) -> None:
        """What is not proven may come again on the next one."""
        until = time.monotonic() + SPAN
        waiting: dict[bytes, list[tuple[str, float]]] = {}
        for digest, key in (*self._asked, *self._fresh):
            known = waiting.setdefault(digest, [])
            if all(key != each for each, _ in known):
                known.append((key, until))
        for digest, earlier in self._open.items():
            known = waiting.setdefault(digest, [])
            known += [each for each in earlier if all(each[0] != key for key, _ in known)]
        self._open, self._asked, self._fresh = waiting, [], []


_known: dict[tuple[str, ...], Heard] = {}
_lock = Lock()


def heard_of(inbox: Settings) -> Heard:
    """What was heard by way of an inbox, under the account that it has with its centre."""
    account = (inbox.address, *(inbox.text(name) for name in ("host", "port", "system_id")))
    with _lock:
        return _known.setdefault(account, Heard())
