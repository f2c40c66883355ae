"""The stand-in providers, in a thread of the test's own process, and a door for their webhooks."""

import asyncio
import http.client
import json
import threading
import time
from collections.abc import Callable, Coroutine, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any, TypeVar
from urllib.parse import parse_qsl, urlsplit

from aiosmtpd.smtp import SMTP, Envelope, Session

from wasl.channels.port import Request
from wasl.sandbox.network import EVERYONE, Mode, Rule
from wasl.sandbox.place import Entry
from wasl.sandbox.provider import Ports, Provider

T = TypeVar("T")


class _Counting(Provider):
    """Counts the sessions it opens, and can be slow to take a mail and slow to say so."""

    def __init__(self, folder: Path, ports: Ports, stand: "Stand") -> None:
        super().__init__(folder, ports)
        self._stand = stand

    def _session(self) -> SMTP:
        self._stand.sessions += 1
        return super()._session()

    async def handle_DATA(  # noqa: N802 - aiosmtpd's name
        self, server: SMTP, session: Session, envelope: Envelope
    ) -> str:
        await asyncio.sleep(self._stand.pause)
        said = await super().handle_DATA(server, session, envelope)
        await asyncio.sleep(self._stand.pause)
        return said


class Stand:
    """A running provider, and what a test wants to know of it."""

    def __init__(self, folder: Path, ports: Ports) -> None:
        self.provider = _Counting(folder, ports, self)
        self.place, self.network = self.provider.place, self.provider.network
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, name="provider")
        self._thread.start()
        self.sessions = 0
        self.pause = 0.0
        self.run(self.provider.start())
        self.smtp_port, self.http_port = self.provider.smtp_port, self.provider.http_port

    def run(self, task: Coroutine[Any, Any, T]) -> T:
        """Do something in the provider's loop."""
        return asyncio.run_coroutine_threadsafe(task, self._loop).result(60)

    def close(self) -> None:
        """Stop, as SIGTERM would."""
        self.run(self.provider.stop())
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(20)
        self._loop.close()

    def behave(self, mode: Mode, address: str = EVERYONE, *, once: bool = False, after: float = 0.2) -> None:
        """Have the network do something."""
        self.network.set(Rule(mode, once, after), address)

    def url(self, channel: str) -> str:
        """The API address of a channel's stand-in."""
        return f"http://127.0.0.1:{self.http_port}/{channel}"

    def play(self, channel: str, end: str, who: tuple[str, str], do: str, **what: Any) -> int:
        """A customer (address, name) does something on their phone, as the page has it done; the HTTP status."""
        told = {"channel": channel, "end": end, "who": dict(zip(("address", "name"), who, strict=True))}
        connection = http.client.HTTPConnection("127.0.0.1", self.http_port, timeout=10)
        connection.request("POST", "/play", json.dumps(told | {"act": {"do": do, **what}}))
        answer = connection.getresponse()
        answer.read()
        connection.close()
        return answer.status

    def wire(self) -> list[tuple[str, str]]:
        """(what, to) of everything that happened, oldest first."""
        return [(entry.what, entry.to) for entry in self.place.journal()]

    def entries(self) -> list[Entry]:
        """Everything that happened, oldest first."""
        return list(self.place.journal())

    def config(self, *, lookup: bool = True, connections: int | None = None) -> dict[str, Any]:
        """The settings of an inbox that sends by this provider."""
        smtp: dict[str, Any] = {"host": "127.0.0.1", "port": self.smtp_port, "tls": "none"}
        if connections:
            smtp["connections"] = connections
        where = {"lookup": f"http://127.0.0.1:{self.http_port}/taken"} if lookup else {}
        return {"smtp": smtp, **where}


@contextmanager
def standing(
    folder: Path, *, wasl: tuple[str, int] = ("127.0.0.1", 1), smtp: int = 0, http: int = 0
) -> Iterator[Stand]:
    """A provider, on free ports where none is said; `wasl` is where bounces go."""
    stand = Stand(folder, Ports(smtp, http, *wasl))
    try:
        yield stand
    finally:
        stand.close()


@dataclass
class Wasl:
    """Takes webhooks where Wasl would. `answers` are the statuses of the next answers; 200 when there is none."""

    url: str = ""
    got: list[Request] = field(default_factory=list)
    answers: list[int] = field(default_factory=list)
    challenge: Callable[[Request], str | None] = lambda _: None
    say: Callable[[Request], str] = lambda _: ""

    def wait(self, count: int, patience: float = 90.0) -> list[Request]:
        """What was brought, when it is so many."""
        until(lambda: len(self.got) >= count, patience)
        return self.got


def until(done: Callable[[], Any], patience: float = 90.0) -> None:
    """Wait for something to be true."""
    end = time.monotonic() + patience
    while not done():
        assert time.monotonic() < end
        time.sleep(0.02)


@contextmanager
def listening() -> Iterator[Wasl]:
    """A door on a free port."""
    made = Wasl()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            headers = {name.lower(): value for name, value in self.headers.items()}
            made.got.append(Request("POST", made.url + self.path.removeprefix("/hook"), {}, headers, body))
            said = made.say(made.got[-1]).encode()
            self.send_response(made.answers.pop(0) if made.answers else 200)
            self.send_header("Content-Length", str(len(said)))
            self.end_headers()
            self.wfile.write(said)

        def do_GET(self) -> None:
            query = dict(parse_qsl(urlsplit(self.path).query))
            said = (made.challenge(Request("GET", made.url, query, {}, b"")) or "").encode()
            self.send_response(200 if said else 403)
            self.send_header("Content-Length", str(len(said)))
            self.end_headers()
            self.wfile.write(said)

        def log_message(self, *_: Any) -> None:
            """Say nothing."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        made.url = f"http://127.0.0.1:{server.server_address[1]}/hook"
        thread = threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True)
        thread.start()
        yield made
        server.shutdown()
        thread.join()
