"""A small HTTP/1.1 server for the stand-ins, in the sandbox's own event loop: an ASGI application behind a socket.

It is ours because stand-ins must be able to do what a good server never does: hang up on a caller whose request was
taken (`HangUp`). Requests are read whole, answers are sent whole, connections are kept open. Not for strangers: the
sandbox listens on this machine only. Source: RFC 9112.
"""

import asyncio
import contextlib
import logging
from collections.abc import Awaitable, Callable, Mapping, MutableMapping
from functools import partial
from http import HTTPStatus
from typing import Any
from urllib.parse import unquote

from starlette.responses import Response
from starlette.types import ASGIApp, Receive, Scope, Send

from wasl.sandbox import http2

HEAD = 64 * 1024
BODY = 120_000_000
"""Bytes of a request's head and body that are read at most."""

IDLE = 75.0
"""Seconds for which a silent connection is kept."""

log = logging.getLogger(__name__)


class HangUp(Response):
    """No answer: the connection is cut, as when it breaks after a request was taken."""

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        await send({"type": "sandbox.hang_up"})


class Unclear(Exception):
    """A request that cannot be read; the status says why."""

    def __init__(self, status: HTTPStatus) -> None:
        super().__init__(status.phrase)
        self.status = status


Talk = Callable[[asyncio.StreamReader, asyncio.StreamWriter, bytes], Awaitable[None]]
"""Talks to a caller whose first bytes were read already."""


class Server:
    """One listening socket. Whose first byte is a zero speaks no HTTP: `other` tells who talks to them. HTTP/2 is
    spoken with whoever begins with it."""

    def __init__(self, app: ASGIApp, other: Callable[[], Talk | None] = lambda: None) -> None:
        self._app, self._other = app, other
        self._server: asyncio.Server | None = None
        self._open: set[asyncio.Task[None]] = set()

    async def start(self, host: str, port: int) -> None:
        """Listen. Raises OSError."""
        self._server = await asyncio.start_server(self._connected, host, port, limit=HEAD)

    @property
    def port(self) -> int:
        """The port it listens on."""
        assert self._server is not None
        return int(self._server.sockets[0].getsockname()[1])

    async def stop(self) -> None:
        """Stop listening and hang up on everybody."""
        if self._server is not None:
            self._server.close()
        for task in list(self._open):
            task.cancel()
        await asyncio.gather(*self._open, return_exceptions=True)

    async def _connected(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        self._open.add(task)
        try:
            while await self._one(reader, writer):
                pass
        except (OSError, EOFError, TimeoutError, asyncio.LimitOverrunError, asyncio.CancelledError):
            pass
        finally:
            self._open.discard(task)
            with contextlib.suppress(OSError):
                writer.close()

    async def _one(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> bool:
        """Answer one request; whether another may follow."""
        try:
            async with asyncio.timeout(IDLE):
                first = await reader.readexactly(4)
                if first[0] == 0 and (talk := self._other()):
                    talks = talk
                elif first == http2.PREFACE[:4]:
                    talks = partial(http2.talk, ask=self._ask)
                else:
                    talks, head = None, first + await reader.readuntil(b"\r\n\r\n")
            if talks:
                await talks(reader, writer, first)
                return False
            scope = _scope(head)
            body = await _body(reader, dict(scope["headers"]))
        except Unclear as error:
            writer.write(_answer(error.status, {}, b""))
            await writer.drain()
            return False
        answer = await self._ask(scope, body)
        if answer is None:
            writer.transport.abort()
            return False
        status, headers, content = answer
        writer.write(_answer(status, headers, b"" if scope["method"] == "HEAD" else content))
        await writer.drain()
        return bool(dict(scope["headers"]).get(b"connection", b"").lower() != b"close")

    async def _ask(self, scope: Scope, body: bytes) -> tuple[int, Mapping[bytes, bytes], bytes] | None:
        """What the application answers; None when it hangs up."""
        started: MutableMapping[str, Any] = {}
        parts: list[bytes] = []
        heard = False

        async def receive() -> MutableMapping[str, Any]:
            nonlocal heard
            if heard:
                return {"type": "http.disconnect"}
            heard = True
            return {"type": "http.request", "body": body, "more_body": False}

        async def send(message: MutableMapping[str, Any]) -> None:
            if message["type"] == "http.response.body":
                parts.append(message.get("body", b""))
            else:
                started.update(message)

        try:
            await self._app(scope, receive, send)
        except Exception:
            log.exception("a stand-in failed at %s %s", scope["method"], scope["path"])
        if started.get("type") != "http.response.start":
            return None
        return started["status"], dict(started["headers"]), b"".join(parts)


def _scope(head: bytes) -> Scope:
    """An ASGI scope. Raises Unclear."""
    first, *lines = head.decode("latin-1").rstrip("\r\n").split("\r\n")
    try:
        method, target, version = first.split(" ")
        headers = [
            (name.strip().lower().encode("latin-1"), value.strip().encode("latin-1"))
            for name, colon, value in (line.partition(":") for line in lines)
            if colon
        ]
    except ValueError as error:
        raise Unclear(HTTPStatus.BAD_REQUEST) from error
    path, _, query = target.partition("?")
    return {
        "type": "http", "asgi": {"version": "3.0"}, "http_version": version.removeprefix("HTTP/"), "method": method,
        "scheme": "http", "path": unquote(path), "raw_path": path.encode("latin-1"), "root_path": "",
        "query_string": query.encode("latin-1"), "headers": headers, "client": ("127.0.0.1", 0), "server": None,
    }  # fmt: skip


async def _body(reader: asyncio.StreamReader, headers: Mapping[bytes, bytes]) -> bytes:
    if headers.get(b"transfer-encoding", b"").lower() == b"chunked":
        return await _chunks(reader)
    try:
        length = int(headers.get(b"content-length", b"0"))
    except ValueError as error:
        raise Unclear(HTTPStatus.BAD_REQUEST) from error
    if not 0 <= length <= BODY:
        raise Unclear(HTTPStatus.REQUEST_ENTITY_TOO_LARGE)
    return await reader.readexactly(length)


async def _chunks(reader: asyncio.StreamReader) -> bytes:
    parts: list[bytes] = []
    while True:
        try:
            length = int((await reader.readuntil(b"\r\n")).partition(b";")[0], 16)
        except ValueError as error:
            raise Unclear(HTTPStatus.BAD_REQUEST) from error
        if length == 0:
            while (await reader.readuntil(b"\r\n")).strip():
                pass
            return b"".join(parts)
        if sum(map(len, parts)) + length > BODY:
            raise Unclear(HTTPStatus.REQUEST_ENTITY_TOO_LARGE)
        parts.append((await reader.readexactly(length + 2))[:-2])


def _answer(status: int, headers: Mapping[bytes, bytes], content: bytes) -> bytes:
    known = dict(headers) | {b"content-length": str(len(content)).encode()}
    lines = b"".join(b"%b: %b\r\n" % each for each in known.items())
    return f"HTTP/1.1 {int(status)} {HTTPStatus(status).phrase}\r\n".encode() + lines + b"\r\n" + content
