"""A real HTTP server for tests, which stands in for a provider, keeps what it was asked and answers as it is told."""

import json
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any


@dataclass(frozen=True)
class Asked:
    """A request. `path` is without its query."""

    method: str
    path: str
    query: str
    headers: dict[str, str]
    body: bytes

    @property
    def json(self) -> Any:
        return json.loads(self.body)


Answer = tuple[int, Any, dict[str, str]]
"""Status, body (bytes, or what becomes JSON), further headers."""


@dataclass
class StandIn:
    """`answer` says what to answer to a request; None: the connection is closed without a word."""

    answer: Callable[[Asked], Answer | None]
    port: int = 0
    asked: list[Asked] = field(default_factory=list)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def to(self, ending: str) -> list[Asked]:
        """What was asked of paths that end so."""
        return [each for each in self.asked if each.path.endswith(ending)]


@dataclass
class InTurn(StandIn):
    """`answers` are given in turn, by the path or by its last part."""

    answer: Callable[[Asked], Answer | None] = field(init=False)
    answers: dict[str, list[Answer | None]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.answer = self._next

    def _next(self, asked: Asked) -> Answer | None:
        waiting = self.answers.get(asked.path) or self.answers[asked.path.rpartition("/")[2]]
        return waiting.pop(0)


@contextmanager
def answering_in_turn() -> Iterator[InTurn]:
    """One that is told its answers while it stands."""
    made = InTurn()
    with _served(made):
        yield made


@contextmanager
def standing_in(answer: Callable[[Asked], Answer | None]) -> Iterator[StandIn]:
    """One that makes an answer of what it is asked."""
    made = StandIn(answer)
    with _served(made):
        yield made


@contextmanager
def _served(made: StandIn) -> Iterator[None]:
    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
            path, _, query = self.path.partition("?")
            headers = {name.lower(): value for name, value in self.headers.items()}
            asked = Asked(self.command, path, query, headers, body)
            made.asked.append(asked)
            found = made.answer(asked)
            if found is None:
                self.connection.close()
                return
            status, content, more = found
            raw = content if isinstance(content, bytes) else json.dumps(content).encode()
            self.send_response(status)
            for name, value in {"Content-Length": str(len(raw)), **more}.items():
                self.send_header(name, value)
            self.end_headers()
            self.wfile.write(raw)

        def do_GET(self) -> None:
            self.do_POST()

        def log_message(self, *_: Any) -> None:
            """Say nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    made.port = server.server_address[1]
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True)
    thread.start()
    try:
        yield
    finally:
        server.shutdown()
        server.server_close()
