"""Pools of connections, when the database was away for a moment."""

import socket
import threading
import time
from contextlib import suppress
from typing import Any

import psycopg
from psycopg_pool import ConnectionPool

from wasl.kit import db


class Relay:
    """A TCP port in front of the server's socket, so that the server can seem to be away."""

    def __init__(self, target: str) -> None:
        with socket.create_server(("127.0.0.1", 0)) as probe:
            self.port: int = probe.getsockname()[1]
        self._target = target

    def open(self) -> None:
        """The server is back."""
        self._server = socket.create_server(("127.0.0.1", self.port))
        threading.Thread(target=self._serve, daemon=True).start()

    def _serve(self) -> None:
        with suppress(OSError):
            while True:
                near, _ = self._server.accept()
                far = socket.socket(socket.AF_UNIX)
                far.connect(self._target)
                for source, sink in ((near, far), (far, near)):
                    threading.Thread(target=_pump, args=(source, sink), daemon=True).start()

    def close(self) -> None:
        """For good."""
        self._server.close()


def _pump(source: socket.socket, sink: socket.socket) -> None:
    with suppress(OSError):
        while data := source.recv(65536):
            sink.sendall(data)
        sink.shutdown(socket.SHUT_WR)


def test_a_pool_is_back_soon_after_the_server(cluster: Any) -> None:
    parts = psycopg.conninfo.conninfo_to_dict(db.conninfo("app", "pool test"))
    relay = Relay(f"{parts['host']}/.s.PGSQL.{parts['port']}")
    info = psycopg.conninfo.make_conninfo("", **(parts | {"host": "127.0.0.1", "port": relay.port}))
    away = 1.2
    with ConnectionPool(info, min_size=1, open=True, timeout=10) as pool:
        began = time.monotonic()
        timer = threading.Timer(away, relay.open)
        timer.start()
        with pool.connection() as conn:
            took = time.monotonic() - began
            assert conn.execute("SELECT 1").fetchone() == (1,)
        timer.join()
    relay.close()
    assert away <= took < away + 1.2, "the pool's own wait would have been for 3 s"
