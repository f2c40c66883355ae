"""Saying that a role is alive, so that `wasl check` can tell when one is not."""

import contextlib
import os
import socket
import threading
from types import TracebackType
from typing import Any, LiteralString

import psycopg

from wasl.kit.clock import now
from wasl.kit.db import conninfo

EVERY = 5.0
FORGOTTEN = "1 day"

_BEAT: LiteralString = """
INSERT INTO timeline_heartbeat (role, host, pid, at) VALUES (%s, %s, %s, %s)
ON CONFLICT (role, host, pid) DO UPDATE SET at = excluded.at
"""


def beat(conn: psycopg.Connection[Any], role: str) -> None:
    """Write down that this process, in this role, is alive now; forget processes silent for a day."""
    conn.execute(_BEAT, [role, socket.gethostname(), os.getpid(), now()])
    conn.execute(f"DELETE FROM timeline_heartbeat WHERE at < now() - interval '{FORGOTTEN}'")


class Heart:
    """Beats every five seconds, in a thread, for as long as the `with` block runs; a database that is away is borne."""

    def __init__(self, role: str) -> None:
        self._role = role
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, name="heart", daemon=True)

    def __enter__(self) -> "Heart":
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._stop.set()
        self._thread.join(2)

    def _run(self) -> None:
        while not self._stop.is_set():
            with contextlib.suppress(psycopg.Error):
                self._while_connected()
            self._stop.wait(EVERY)

    def _while_connected(self) -> None:
        info = conninfo("app", f"{self._role} heart")
        with psycopg.connect(info, autocommit=True, connect_timeout=3) as conn:
            while True:
                beat(conn, self._role)
                if self._stop.wait(EVERY):
                    return
