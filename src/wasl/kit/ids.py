"""Identifiers: UUIDv7 (RFC 9562 §5.7), strictly increasing inside one process."""

import os
import threading
import time
from uuid import UUID

_lock = threading.Lock()
_last = 0

_VERSION = 0x7 << 76
_VARIANT = 0b10 << 62
_RANDOM_BITS = (1 << 62) - 1


def uuid7() -> UUID:
    """A new UUIDv7: 48 bits of milliseconds, 12 bits of sub-millisecond order, 62 random bits.

    Values of one process sort in the order they were made (RFC 9562 §6.2, method 3), so that rows of one
    transaction keep the order in which the code made them.
    """
    global _last
    with _lock:
        stamp = time.time_ns() * 4096 // 1_000_000
        if stamp <= _last:
            stamp = _last + 1
        _last = stamp
    high, low = stamp >> 12, stamp & 0xFFF
    random = int.from_bytes(os.urandom(8), "big") & _RANDOM_BITS
    return UUID(int=(high << 80) | _VERSION | (low << 64) | _VARIANT | random)


def milliseconds(value: UUID) -> int:
    """The Unix time in milliseconds that a UUIDv7 carries."""
    return value.int >> 80
