"""Small things a process keeps in memory: answers for a few seconds, and how fast someone may go on."""

import ctypes
import threading
import time
from collections.abc import Hashable
from typing import Generic, TypeVar

K = TypeVar("K", bound=Hashable)
V = TypeVar("V")


class Recent(Generic[K, V]):
    """Values that are good for `seconds`; at most `limit` of them, the oldest go first. Safe between threads."""

    def __init__(self, seconds: float, limit: int) -> None:
        self._seconds = seconds
        self._limit = limit
        self._values: dict[K, tuple[float, V]] = {}
        self._lock = threading.Lock()

    def get(self, key: K) -> V | None:
        """The value while it is good, else None."""
        found = self._values.get(key)
        if found is None or found[0] < time.monotonic():
            return None
        return found[1]

    def put(self, key: K, value: V) -> None:
        """Keep a value from now on."""
        with self._lock:
            self._values.pop(key, None)
            while len(self._values) >= self._limit:
                del self._values[next(iter(self._values))]
            self._values[key] = (time.monotonic() + self._seconds, value)

    def clear(self) -> None:
        """Forget everything."""
        with self._lock:
            self._values.clear()


class Pace(Generic[K]):
    """A token bucket a key: `rate` a second, and `burst` at once after a rest. A rate of 0 lets everything pass."""

    def __init__(self, rate: float, burst: float, limit: int = 10_000) -> None:
        self._rate = rate
        self._burst = max(burst, 1.0)
        self._limit = limit
        self._buckets: dict[K, tuple[float, float]] = {}
        self._lock = threading.Lock()

    def take(self, key: K) -> float:
        """Take one; 0.0 when that was free, else the seconds until one is (and nothing is taken)."""
        if not self._rate:
            return 0.0
        now = time.monotonic()
        with self._lock:
            level = self._level(key, now)
            self._buckets.pop(key, None)
            free = level >= 1.0
            self._buckets[key] = (level - 1.0 if free else level, now)
            if len(self._buckets) > self._limit:
                del self._buckets[next(iter(self._buckets))]
        return 0.0 if free else (1.0 - level) / self._rate

    def wait(self, key: K) -> float:
        """The seconds until one is free; 0.0 when one is."""
        level = self._level(key, time.monotonic())
        return 0.0 if level >= 1.0 or not self._rate else (1.0 - level) / self._rate

    def _level(self, key: K, now: float) -> float:
        level, since = self._buckets.get(key, (self._burst, now))
        return min(self._burst, level + (now - since) * self._rate)


def give_back() -> None:
    """Let blocks of a megabyte and more go back to the system as soon as they are free.

    glibc raises its threshold to 32 MB once such blocks were used, and keeps what it got: after eight uploads of
    25 MB a web process stayed 65 MB larger than before them, with this 5 MB. Elsewhere this does nothing.
    """
    mallopt = getattr(ctypes.CDLL(None), "mallopt", None)
    if mallopt is not None:
        mallopt(_M_MMAP_THRESHOLD, 1_000_000)


_M_MMAP_THRESHOLD = -3  # malloc.h
