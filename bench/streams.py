"""Many browsers in one process: they keep event streams open and note when a word arrives, and may read a page then."""

import asyncio
import multiprocessing
import os
import time
from dataclasses import dataclass, field
from multiprocessing.connection import Connection
from typing import Any, cast

import uvloop

COOKIE = "wasl_session"


class Stream(asyncio.Protocol):
    """One event stream. Notes the first arrival of the needle after it was armed."""

    def __init__(self, crowd: "Crowd", number: int, key: str) -> None:
        self.crowd, self.number, self.key = crowd, number, key
        self.greeted = False

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        # uvloop's transports are none by name
        self.transport = cast(asyncio.Transport, transport)
        self.transport.write(self.crowd.request("/live", self.key, "Accept: text/event-stream"))

    def data_received(self, data: bytes) -> None:
        if not self.greeted and b"event: hello" in data:
            self.greeted = True
            self.crowd.greeted += 1
        elif self.crowd.needle in data and self.number not in self.crowd.heard:
            self.crowd.heard[self.number] = time.monotonic()
            if self.crowd.path:
                self.crowd.reader(self.number, self.key).read()

    def connection_lost(self, exc: Exception | None) -> None:
        self.crowd.lost += 1


class Reader(asyncio.Protocol):
    """The connection on which one browser reads a fragment again; one request at a time, the last wins."""

    def __init__(self, crowd: "Crowd", number: int, key: str) -> None:
        self.crowd, self.number, self.key = crowd, number, key
        self.transport: asyncio.Transport | None = None
        self.buffer = b""
        self.busy = self.again = False

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        # uvloop's transports are none by name
        self.transport = cast(asyncio.Transport, transport)
        if self.again:
            self.again = False
            self.read()

    def connection_lost(self, exc: Exception | None) -> None:
        self.transport = None

    def read(self) -> None:
        """Ask now, or once more when the present answer is there."""
        if self.transport is None or self.busy:
            self.again = True
            if self.transport is None and not self.busy:
                self.busy = True
                self.crowd.connect(self)
            return
        self.busy = True
        self.transport.write(
            self.crowd.request(
                self.crowd.path, self.key, "HX-Request: true\r\nHX-Target: list\r\nWasl-Refresh: 1"
            )
        )

    def data_received(self, data: bytes) -> None:
        self.buffer += data
        head, separator, body = self.buffer.partition(b"\r\n\r\n")
        if not separator:
            return
        length = int(head.lower().partition(b"content-length: ")[2].split(b"\r\n")[0])
        if len(body) < length:
            return
        self.crowd.answers.append(int(head.split()[1]))
        self.crowd.read[self.number] = time.monotonic()
        self.buffer, self.busy = b"", False
        if self.again:
            self.again = False
            self.read()


@dataclass
class Crowd:
    """All browsers of this process."""

    port: int
    needle: bytes = b'"k":"message"'
    path: str = ""
    greeted: int = 0
    lost: int = 0
    heard: dict[int, float] = field(default_factory=dict)
    read: dict[int, float] = field(default_factory=dict)
    answers: list[int] = field(default_factory=list)
    readers: dict[int, Reader] = field(default_factory=dict)
    tasks: set[asyncio.Task[Any]] = field(default_factory=set)

    def request(self, path: str, key: str, header: str) -> bytes:
        """A GET with a session."""
        return (
            f"GET {path} HTTP/1.1\r\nHost: 127.0.0.1:{self.port}\r\nCookie: {COOKIE}={key}\r\n{header}\r\n\r\n"
        ).encode()

    def reader(self, number: int, key: str) -> Reader:
        """The reading connection of a browser."""
        if number not in self.readers:
            self.readers[number] = Reader(self, number, key)
        return self.readers[number]

    def connect(self, reader: Reader) -> None:
        """Open a reading connection."""

        async def work() -> None:
            await asyncio.get_running_loop().create_connection(lambda: reader, "127.0.0.1", self.port)
            reader.busy = False
            if reader.again:
                reader.again = False
                reader.read()

        task = asyncio.create_task(work())
        self.tasks.add(task)
        task.add_done_callback(self.tasks.discard)

    async def open(self, keys: list[str]) -> float:
        """Open a stream for each key; seconds until all were greeted."""
        loop, started = asyncio.get_running_loop(), time.monotonic()
        want = self.greeted + len(keys)
        for number, key in enumerate(keys, self.greeted):
            await loop.create_connection(
                lambda number=number, key=key: Stream(self, number, key),  # type: ignore[misc]
                "127.0.0.1",
                self.port,
            )
        while self.greeted < want:
            await asyncio.sleep(0.01)
            if time.monotonic() - started > 60:
                raise SystemExit(f"only {self.greeted} of {want} streams were greeted, {self.lost} were cut")
        return time.monotonic() - started

    async def wait(self, count: int, patience: float) -> dict[str, Any]:
        """When each browser heard the needle and, if they read, had read."""
        end = time.monotonic() + patience
        whole = self.read if self.path else self.heard
        while len(whole) < count and time.monotonic() < end:  # noqa: ASYNC110 - counted by protocols
            await asyncio.sleep(0.005)
        return {"heard": list(self.heard.values()), "read": list(self.read.values()), "answers": self.answers}


async def _serve(port: int, pipe: Connection) -> None:
    crowd = Crowd(port)
    loop = asyncio.get_running_loop()
    ready = asyncio.Event()
    loop.add_reader(pipe.fileno(), ready.set)
    os.set_blocking(pipe.fileno(), True)  # uvloop does otherwise, and a request may come in pieces
    while True:
        await ready.wait()
        ready.clear()
        while pipe.poll():
            verb, *values = pipe.recv()
            if verb == "open":
                pipe.send(await crowd.open(values[0]))
            elif verb == "arm":
                crowd.path = values[0]
                crowd.heard, crowd.read, crowd.answers = {}, {}, []
                pipe.send(None)
            elif verb == "wait":
                pipe.send(await crowd.wait(*values))
            else:
                return


def _main(port: int, pipe: Connection) -> None:
    uvloop.run(_serve(port, pipe))


class Browsers:
    """The crowd, seen from the benchmark's process."""

    def __init__(self, port: int) -> None:
        spawn = multiprocessing.get_context("spawn")
        self._pipe, theirs = spawn.Pipe()
        self._process = spawn.Process(target=_main, args=(port, theirs), daemon=True)
        self._process.start()

    def _ask(self, *request: Any) -> Any:
        self._pipe.send(request)
        return self._pipe.recv()

    def open(self, keys: list[str]) -> float:
        """Open streams; seconds until all were greeted."""
        return float(self._ask("open", keys))

    def arm(self, path: str = "") -> None:
        """Forget what was heard; `path` is read by each when it hears the next."""
        self._ask("arm", path)

    def wait(self, count: int, patience: float = 10.0) -> dict[str, Any]:
        """`heard` and `read`: moments of the monotonic clock."""
        found: dict[str, Any] = self._ask("wait", count, patience)
        return found

    def close(self) -> None:
        """Hang up."""
        self._pipe.send(("close",))
        self._process.join(5)
