"""Django's pages behind the asynchronous front: requests are complete when Django sees them, answers when they leave.

A thread is held while Django thinks, and never while someone sends or receives slowly.
"""

import asyncio
import contextvars
import sys
import tempfile
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import Any, Protocol, cast
from urllib.parse import unquote_to_bytes

from django.db import close_old_connections
from starlette.types import Receive, Scope, Send

from wasl.doors.spool import Body, Crowded, Spool

PIECE = 128 * 1024
IN_MEMORY = 2 * 1024 * 1024
"""Bytes of a streamed answer kept in memory; a larger one becomes a file."""
SEND_PATIENCE = 60.0
"""Seconds a client may take to accept one piece, once the buffers between us are full."""
MOST_WAITING = 500
LARGE = 1024 * 1024
"""Bytes of a body from which a request is an upload. A quarter of the threads does these: eight people who hand over
a film each do not hold up what others click, and need no eight connections to the database."""
REFRESH = "HTTP_WASL_REFRESH"
"""A page that reads itself again because of a live event. A quarter of the threads does these: when every open page
does so at once, what someone clicks does not queue behind them."""

Environ = dict[str, Any]
Wsgi = Callable[[Environ, Callable[..., Any]], Iterable[bytes]]
Headers = list[tuple[bytes, bytes]]


class Readable(Protocol):
    """The part of a file that is needed."""

    def read(self, size: int, /) -> bytes: ...
    def close(self) -> None: ...


@dataclass(slots=True)
class FileToSend:
    """WSGI's `file_wrapper` (PEP 3333): Django hands over the file instead of reading it."""

    file: Readable
    block_size: int = PIECE

    def __iter__(self) -> Iterator[bytes]:
        return iter(lambda: self.file.read(self.block_size), b"")


@dataclass(slots=True)
class Answer:
    """A whole response, its body in memory or in a file."""

    status: int = 500
    headers: Headers = field(default_factory=list)
    body: bytes = b""
    file: Readable | None = None

    def start(
        self, status: str, headers: list[tuple[str, str]], _exc_info: object = None
    ) -> Callable[..., None]:
        """WSGI's `start_response`; Django never uses the function that it returns."""
        self.status = int(status[:3])
        self.headers = [
            (name.lower().encode("latin-1"), value.strip().encode("latin-1")) for name, value in headers
        ]
        return _no_write


def _no_write(_data: bytes) -> None:
    raise NotImplementedError("the write() of PEP 3333 is not offered")


class Bridge:
    """The ASGI application that is Django. `threads` pages are made at one time; others wait their turn.

    `secure`: people come over HTTPS, through a proxy. `seen` is told of every answer before it leaves.
    """

    def __init__(
        self, wsgi: Wsgi, threads: int, spool: Spool, *, secure: bool, seen: Callable[[Scope, Headers], None]
    ) -> None:
        self._wsgi = wsgi
        self._spool = spool
        self._secure = secure
        self._seen = seen
        few = max(1, threads // 4)
        self._pages = ThreadPoolExecutor(max(1, threads - 2 * few), "page")
        self._refreshes = ThreadPoolExecutor(few, "refresh")
        self._uploads = ThreadPoolExecutor(few, "upload")
        self._files = ThreadPoolExecutor(2, "file")
        self._waiting = 0

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request. Raises what `Spool.body` raises."""
        if self._waiting >= MOST_WAITING:
            raise Crowded
        body = await self._spool.body(receive)
        self._waiting += 1
        try:
            environ = environ_of(scope, body, secure=self._secure)
            work = contextvars.copy_context().run
            threads = self._threads_for(environ, body)
            answer = await asyncio.get_running_loop().run_in_executor(threads, work, self._page, environ)
        finally:
            self._waiting -= 1
            body.close()
        self._seen(scope, answer.headers)
        if answer.file is None:
            await _send_whole(answer, send)
        else:
            await self._send_file(answer, answer.file, scope, receive, send)

    def _threads_for(self, environ: Environ, body: Body) -> ThreadPoolExecutor:
        if body.size >= LARGE:
            return self._uploads
        return self._refreshes if REFRESH in environ else self._pages

    def _page(self, environ: Environ) -> Answer:
        """In a thread: run Django to the end of what it has to do."""
        answer = Answer()
        result = self._wsgi(environ, answer.start)
        if isinstance(result, FileToSend):
            close_old_connections()  # the request ends, for Django, when the file is sent
            answer.file = result.file
            return answer
        try:
            if getattr(result, "streaming", True):
                answer.file = self._collect(result)
            else:
                answer.body = b"".join(result)
        finally:
            if close := getattr(result, "close", None):
                close()
        return answer

    def _collect(self, result: Iterable[bytes]) -> Readable:
        file = tempfile.SpooledTemporaryFile(IN_MEMORY, dir=str(self._spool.folder))  # noqa: SIM115 - sent later
        for piece in result:
            file.write(piece)
        file.seek(0)
        return cast("Readable", file)

    async def _send_file(
        self, answer: Answer, file: Readable, scope: Scope, receive: Receive, send: Send
    ) -> None:
        loop = asyncio.get_running_loop()
        gone = asyncio.ensure_future(_until_gone(receive))
        try:
            await send({"type": "http.response.start", "status": answer.status, "headers": answer.headers})
            more = scope["method"] != "HEAD"
            while more and not gone.done():
                piece = await loop.run_in_executor(self._files, file.read, PIECE)
                more = bool(piece)
                async with asyncio.timeout(SEND_PATIENCE):
                    await send({"type": "http.response.body", "body": piece, "more_body": more})
            if scope["method"] == "HEAD":
                await send({"type": "http.response.body", "body": b""})
        finally:
            gone.cancel()
            try:
                await loop.run_in_executor(self._files, file.close)
            except RuntimeError:  # the threads have ended, as everything does
                file.close()

    def close(self) -> None:
        """End the threads, once they are done."""
        for threads in (self._pages, self._refreshes, self._uploads, self._files):
            threads.shutdown(wait=False, cancel_futures=True)


async def _send_whole(answer: Answer, send: Send) -> None:
    headers = answer.headers
    if not any(name == b"content-length" for name, _ in headers) and answer.status not in (204, 304):
        headers = [*headers, (b"content-length", str(len(answer.body)).encode())]
    await send({"type": "http.response.start", "status": answer.status, "headers": headers})
    await send({"type": "http.response.body", "body": answer.body})


async def _until_gone(receive: Receive) -> None:
    while (await receive())["type"] != "http.disconnect":
        pass


def environ_of(scope: Scope, body: Body, *, secure: bool) -> Environ:
    """The WSGI environment (PEP 3333) of a complete request."""
    server, port = scope.get("server") or ("localhost", 80)
    client = scope.get("client") or ("", 0)
    environ: Environ = {
        "REQUEST_METHOD": scope["method"],
        "SCRIPT_NAME": "",
        "PATH_INFO": unquote_to_bytes(scope["raw_path"]).decode("latin-1"),
        "QUERY_STRING": scope["query_string"].decode("latin-1"),
        "SERVER_PROTOCOL": f"HTTP/{scope['http_version']}",
        "SERVER_NAME": server,
        "SERVER_PORT": str(port or 0),
        "REMOTE_ADDR": client[0],
        "REMOTE_PORT": str(client[1]),
        "CONTENT_LENGTH": str(body.size),
        "wsgi.version": (1, 0),
        "wsgi.url_scheme": "https" if secure else scope["scheme"],
        "wsgi.input": body.file,
        "wsgi.errors": sys.stderr,
        "wsgi.multithread": True,
        "wsgi.multiprocess": False,
        "wsgi.run_once": False,
        "wsgi.file_wrapper": FileToSend,
    }
    for name, value in scope["headers"]:
        _add_header(environ, name.decode("latin-1"), value.decode("latin-1"))
    return environ


# The body is complete: how it came, and how long it said it would be, is no longer true.
_SPENT = frozenset({"content-length", "transfer-encoding", "expect"})


def _add_header(environ: Environ, name: str, value: str) -> None:
    # WSGI makes X_Real_Ip and X-Real-Ip one name: who could send the first would forge the second.
    if name in _SPENT or "_" in name:
        return
    key = "CONTENT_TYPE" if name == "content-type" else f"HTTP_{name.upper().replace('-', '_')}"
    if key in environ:
        value = f"{environ[key]}{'; ' if name == 'cookie' else ','}{value}"
    environ[key] = value
