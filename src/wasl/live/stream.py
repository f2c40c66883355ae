"""`/live`: the event stream of one browser.

Events: `hello` (data: the agent's id), `change` (data: {"k": kind, "c": conversation ids, "u": customer ids,
"i": inbox id}), `presence` (data: {"c": conversation id, "p": [[agent id, name, "viewing" or "typing"], …]}, for who is
there too), `refetch` (anything may have changed), `pause` (nothing can be heard; a refetch will follow),
`beat` (the line is alive), `end` (data: stopping, moved or signed-out). A browser resumes with `Last-Event-ID`, or
with `?last=` where it cannot set the header.
"""

import asyncio
import re

import django.db
import psycopg
from django.http import parse_cookie
from starlette.datastructures import Headers, QueryParams
from starlette.types import Receive, Scope, Send

from wasl.live.events import event
from wasl.live.hub import Hub
from wasl.live.line import Line

HEARTBEAT = 15.0
SEND_PATIENCE = 30.0
"""Seconds a browser may take to accept what is sent, once the buffers between us are full."""
MOST_STREAMS = 3000
MOST_PER_AGENT = 24
RETRY = 2000
"""Milliseconds before a browser without our script comes back."""
_KEY = re.compile("[a-z0-9]{8,40}")
"""A session's. Many are looked up at once: one that the database cannot even be asked for would spoil it for all."""

HEADERS = [
    (b"content-type", b"text/event-stream; charset=utf-8"),
    (b"cache-control", b"no-store"),
    (b"x-accel-buffering", b"no"),
    (b"x-content-type-options", b"nosniff"),
]


class Refused(Exception):
    """No stream; `status` says why: 401, 403, 405, 429 or 503."""

    def __init__(self, status: int) -> None:
        super().__init__(status)
        self.status = status


class Stream:
    """The ASGI application behind `/live`. `cookie` is the name of the session's cookie."""

    def __init__(self, hub: Hub, cookie: str) -> None:
        self._hub = hub
        self._cookie = cookie

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one stream until the browser, the session or the server ends it. Raises Refused."""
        headers = Headers(scope=scope)
        if scope["method"] not in ("GET", "HEAD"):
            raise Refused(405)
        if headers.get("sec-fetch-site") == "cross-site":
            raise Refused(403)
        last = headers.get("last-event-id") or QueryParams(scope["query_string"]).get("last", "")
        line = await self._open(parse_cookie(headers.get("cookie", "")).get(self._cookie, ""), last)
        try:
            await send({"type": "http.response.start", "status": 200, "headers": HEADERS})
            if scope["method"] == "GET":
                await _serve(line, receive, send)
            await send({"type": "http.response.body", "body": b""})
        finally:
            self._hub.close(line)

    async def _open(self, key: str, last: str) -> Line:
        if not _KEY.fullmatch(key):
            raise Refused(401)
        if self._hub.count() >= MOST_STREAMS:
            raise Refused(503)
        try:
            line = await self._hub.open(key, last)
        except (django.db.Error, psycopg.Error) as error:
            raise Refused(503) from error
        if line is None:
            raise Refused(401)
        if self._hub.count(line.viewer) > MOST_PER_AGENT:
            self._hub.close(line)
            raise Refused(429)
        return line


async def _serve(line: Line, receive: Receive, send: Send) -> None:
    """Send what waits, as it comes, until one side ends it."""
    agent = str(line.viewer.agent_id) if line.viewer else ""
    watch = asyncio.create_task(_watch(receive, line))
    try:
        await _send(send, f"retry: {RETRY}\n".encode() + event("hello", agent, line.position()))
        while not line.ended:
            if line.ready.is_set():
                await _send(send, line.take())
            else:
                await _wait(line, send)
        if line.ended != "gone":
            await _send(send, line.take() + event("end", line.ended))
    except TimeoutError:
        line.end("gone")  # it does not read what it is sent
    finally:
        watch.cancel()


async def _wait(line: Line, send: Send) -> None:
    try:
        async with asyncio.timeout(HEARTBEAT):
            await line.ready.wait()
    except TimeoutError:
        if not line.ready.is_set():
            await _send(send, event("beat", at=line.position()))


async def _watch(receive: Receive, line: Line) -> None:
    while (await receive())["type"] != "http.disconnect":
        pass
    line.end("gone")


async def _send(send: Send, text: bytes) -> None:
    """Raises TimeoutError when the other side does not accept it."""
    async with asyncio.timeout(SEND_PATIENCE):
        await send({"type": "http.response.body", "body": text, "more_body": True})
