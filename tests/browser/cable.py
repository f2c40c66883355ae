"""A cable between a browser and the demo that can be pulled.

`context.set_offline` reaches pages and not shared workers, which hold the event stream: a browser that is to be cut off
whole goes through this as well.
"""

import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress


class Cable:
    """Passes everything on, both ways, while it is plugged in."""

    def __init__(self, to: int) -> None:
        self._to = to
        self._server = socket.create_server(("127.0.0.1", 0), backlog=128)
        self._plugged = True
        self._lock = threading.Lock()
        self._open: list[socket.socket] = []
        threading.Thread(target=self._serve, daemon=True).start()

    @property
    def address(self) -> str:
        """Where the demo's pages are, through this cable."""
        return f"http://localhost:{self._server.getsockname()[1]}"

    def pull(self) -> None:
        """Hang up on everybody; whoever calls is hung up on at once."""
        with self._lock:
            self._plugged = False
            for each in self._open:
                _hang_up(each)
            self._open.clear()

    def plug(self) -> None:
        """Let it pass again."""
        with self._lock:
            self._plugged = True

    def close(self) -> None:
        """For good."""
        self.pull()
        _hang_up(self._server)

    def _serve(self) -> None:
        with suppress(OSError):
            while True:
                near, _ = self._server.accept()
                self._join(near)

    def _join(self, near: socket.socket) -> None:
        with self._lock:
            if not self._plugged:
                near.close()
                return
            far = socket.create_connection(("127.0.0.1", self._to))
            self._open += [near, far]
        for source, sink in ((near, far), (far, near)):
            threading.Thread(target=_pump, args=(source, sink), daemon=True).start()


def _pump(source: socket.socket, sink: socket.socket) -> None:
    with suppress(OSError):
        while data := source.recv(65536):
            sink.sendall(data)
    _hang_up(source)
    _hang_up(sink)


def _hang_up(line: socket.socket) -> None:
    """`close` alone would leave a thread waiting in `recv`, and the line open."""
    with suppress(OSError):
        line.shutdown(socket.SHUT_RDWR)
    line.close()


@contextmanager
def cable(to: int) -> Iterator[Cable]:
    """A cable, gone afterwards."""
    made = Cable(to)
    try:
        yield made
    finally:
        made.close()
