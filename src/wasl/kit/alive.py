"""Whether a process of ours still lives, as the database sees it.

A process holds a lock for as long as its connection stands, and what it holds in rows it holds under tokens that name
that lock. When the process is killed its connection breaks, the lock is gone, and others need not wait until its holds
have lapsed. Where a whole machine goes, and nobody tells the database, they lapse as before.
"""

import os
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, Final, LiteralString
from uuid import UUID, uuid4

import psycopg

LOCKS: Final = 1_463_898_956
"""The class of such locks (PostgreSQL, "Advisory Locks": a key of two numbers)."""

AGAIN: Final = 3.0
"""Seconds for which a token is put off until the connection stands, or stands again."""

_stands = threading.Event()
_shows = False
_lock = 0


def _anew() -> None:
    """A forked process is another one."""
    global _lock, _shows
    _lock, _shows = int.from_bytes(os.urandom(4)), False
    _stands.clear()


_anew()
os.register_at_fork(after_in_child=_anew)


@contextmanager
def shown(conn: psycopg.Connection[Any]) -> Iterator[None]:
    """Show that this process lives for as long as the block and the connection last. Not on a pooled connection."""
    signed = _lock - (_lock >> 31 << 32)
    conn.execute("SELECT pg_advisory_lock_shared(%s, %s)", [LOCKS, signed])
    expect()
    _stands.set()
    try:
        yield
    finally:
        _stands.clear()


def expect() -> None:
    """This process is about to show that it lives: tokens wait for that."""
    global _shows
    _shows = True


def token() -> UUID:
    """A new token (UUIDv8, RFC 9562, 5.8: the lock first, the rest random); one of no process (UUIDv4) while it is not
    shown that this one lives. When a process or the database begins, who takes work may be quicker than who shows that
    it lives: then it waits a moment, as what is held under a token of no process is free only when its time is over."""
    made = uuid4()
    if not _stands.wait(AGAIN if _shows else 0.0):
        return made
    return UUID(int=_lock << 96 | made.int & ((1 << 96) - 1) & ~(0xF << 76) | 0x8 << 76)


def gone(token: LiteralString) -> LiteralString:
    """Whether a token's process is known to be dead, as SQL. `token` is a column of UUIDs."""
    return (
        f"(substr({token}::text, 15, 1) = '8' AND ('x' || left({token}::text, 8))::bit(32)::bigint::oid NOT IN ("
        "SELECT k.objid FROM pg_locks k WHERE k.locktype = 'advisory' AND k.granted AND k.objsubid = 2"
        f" AND k.classid = {LOCKS}"
        " AND k.database = (SELECT d.oid FROM pg_database d WHERE d.datname = current_database())))"
    )
