"""Running processes say that they are alive, so that `wasl check` can tell which are not."""

import logging
import os
import socket
import threading
from types import TracebackType
from typing import LiteralString, Self

import psycopg

from wasl.kit.db import Connection, conninfo

log = logging.getLogger(__name__)

EVERY = 10.0
"""Seconds between two beats."""

_BEAT: LiteralString = """
INSERT INTO timeline_heartbeat (role, host, pid, at) VALUES (%s, %s, %s, now())
ON CONFLICT (role, host, pid) DO UPDATE SET at = now()
"""
_FORGET_OLD: LiteralString = "DELETE FROM timeline_heartbeat WHERE at < now() - interval '1 hour'"


def beat(conn: Connection, role: str) -> None:
    """This process, in this role, is alive."""
    conn.execute(_BEAT, [role, socket.gethostname(), os.getpid()])


class Heart(threading.Thread):
    """Beats for a process while it runs: `with Heart("worker"): …`. Forgets processes that fell silent an hour ago."""

    def __init__(self, role: str) -> None:
        super().__init__(name="heart", daemon=True)
        self._role = role
        self._stopping = threading.Event()

    def run(self) -> None:
        self._say(_FORGET_OLD)
        while not self._stopping.is_set():
            self._say()
            self._stopping.wait(EVERY)

    def _say(self, also: LiteralString = "SELECT") -> None:
        # A connection for the moment: one that stays would be idle for all but a millisecond of its life.
        try:
            info = conninfo("queue", f"{self._role} heart")
            with psycopg.connect(info, autocommit=True, connect_timeout=5) as conn:
                conn.execute(also)
                beat(conn, self._role)
        except psycopg.Error as error:
            log.debug("no beat: %s", error)

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._stopping.set()
        self.join(timeout=6)
