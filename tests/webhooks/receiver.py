"""A program that is called: it keeps what it was told and answers as it is asked to."""

import threading
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import msgspec


@dataclass
class Heard:
    """One call."""

    headers: Mapping[str, str]
    body: bytes

    @property
    def json(self) -> dict[str, Any]:
        """The body."""
        return msgspec.json.decode(self.body)  # type: ignore[no-any-return]


@dataclass
class Receiver:
    """`status`, `answer` and `pause` say how it answers; `heard` is what it was told."""

    url: str = ""
    status: int = 204
    answer: bytes = b""
    pause: float = 0.0
    extra: dict[str, str] = field(default_factory=dict)
    heard: list[Heard] = field(default_factory=list)
    most: int = 0
    _now: int = 0
    _lock: threading.Lock = field(default_factory=threading.Lock)

    @property
    def kinds(self) -> list[str]:
        """The types of the events, in the order in which they came."""
        return [each.json["type"] for each in self.heard]

    def take(self, headers: Mapping[str, str], body: bytes) -> None:
        """Note a call."""
        with self._lock:
            self.heard.append(Heard(headers, body))
            self._now += 1
            self.most = max(self.most, self._now)
        time.sleep(self.pause)
        with self._lock:
            self._now -= 1


@contextmanager
def receiving(**how: Any) -> Iterator[Receiver]:
    """A receiver on this machine."""
    made = Receiver(**how)

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            made.take({name.lower(): value for name, value in self.headers.items()}, body)
            try:
                self.send_response(made.status)
                for name, value in made.extra.items():
                    self.send_header(name, value)
                self.send_header("Content-Length", str(len(made.answer)))
                self.end_headers()
                self.wfile.write(made.answer)
            except OSError:
                pass

        def log_message(self, *_: Any) -> None:
            """Nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    made.url = f"http://127.0.0.1:{server.server_address[1]}/hook"
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield made
    finally:
        server.shutdown()
        server.server_close()
        thread.join(5)
