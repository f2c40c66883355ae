"""A socket in front of the server's own, so that the server can seem to be away, or to fall silent."""

import shutil
import socket
import tempfile
import threading
from contextlib import suppress
from pathlib import Path
from typing import Any

import psycopg

from wasl.kit import db


class Relay:
    """Passes everything on, once it is open."""

    def __init__(self) -> None:
        self._folder = Path(tempfile.mkdtemp(prefix="wasl-relay-"))
        parts: dict[str, Any] = dict(psycopg.conninfo.conninfo_to_dict(db.conninfo("app", "relay")))
        name = f".s.PGSQL.{parts['port']}"
        self._target = f"{parts['host']}/{name}"
        self._own = str(self._folder / name)
        self.conninfo = psycopg.conninfo.make_conninfo("", **(parts | {"host": str(self._folder)}))
        self._near: list[socket.socket] = []
        self._silent = threading.Event()

    def open(self) -> None:
        """Accept connections."""
        self._server = socket.socket(socket.AF_UNIX)
        self._server.bind(self._own)
        self._server.listen()
        threading.Thread(target=self._serve, daemon=True).start()

    def _serve(self) -> None:
        with suppress(OSError):
            while True:
                near, _ = self._server.accept()
                far = socket.socket(socket.AF_UNIX)
                far.connect(self._target)
                self._near.append(near)
                for source, sink in ((near, far), (far, near)):
                    threading.Thread(target=self._pump, args=(source, sink), daemon=True).start()

    def _pump(self, source: socket.socket, sink: socket.socket) -> None:
        with suppress(OSError):
            while source.recv(1, socket.MSG_PEEK) and not self._silent.is_set():
                sink.sendall(source.recv(65536))

    def silence(self) -> None:
        """From now on, read nothing that is sent."""
        self._silent.set()

    def cut(self, words: bytes) -> None:
        """Say something, and hang up without having read what was sent."""
        for near in self._near:
            near.send(words)
            near.close()

    def close(self) -> None:
        """For good."""
        self._server.close()
        shutil.rmtree(self._folder)
