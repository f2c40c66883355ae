"""The HTTP server: uvicorn's, with the limits that it leaves to a proxy.

It runs in this process's own event loop, on a socket of ours: what a request costs beside its answer is a part of what
every message costs, and each thread that it passes through is paid for by all (decision 29).
"""

import asyncio
import contextlib
import logging
import socket
import time
from collections.abc import Iterator
from functools import partial
from typing import Any, ClassVar, cast

import httptools
import uvicorn
from starlette.types import ASGIApp, Message, Receive, Scope, Send
from uvicorn.protocols.http.flow_control import FlowControl
from uvicorn.protocols.http.httptools_impl import STATUS_LINE, HttpToolsProtocol, RequestResponseCycle

from wasl.doors.crowd import Crowd
from wasl.doors.joined import Joined

BACKLOG = 1024
CONNECTIONS = 4096
"""Connections served at one time, open streams among them; `crowd` says who makes room when they become many."""
HEAD_SECONDS = 30.0
"""For the first line and the headers of a request."""
HEAD_BYTES = 64 * 1024
"""For a head, and for whatever else is neither a head nor a body: trailers, the extensions of a chunk."""
HEADERS = 100
"""Fields of a request: some that read them take time that grows with the square of their number."""
PIECE = 4096
"""Bytes understood at one go. Requests that come together wait their turn unread, but for those in one piece: one of
another's packets holds ten thousand."""
KEEP_ALIVE = 75
"""Seconds that a connection stays open for the next request: longer than proxies keep theirs."""
LINGER = 5.0
"""Seconds for who goes on sending a body that was already answered."""
STALL = 50.0
"""Seconds in which some of what waits to be sent has to be taken; less than the doors' own patience with a download."""
VANISHED = 60
"""Seconds in which the other machine has to acknowledge something of what it was sent (TCP_USER_TIMEOUT, RFC 5482)."""
BETWEEN = 60.0
"""Seconds between two lines of the log that say that there are too many connections."""

log = logging.getLogger("wasl.web")


class Flow(FlowControl):
    """Does not read on while `full`: what was read is still to be understood."""

    full = False

    def resume_reading(self) -> None:
        if not self.full:
            super().resume_reading()


class Connection(HttpToolsProtocol):
    """One client's connection, with what uvicorn leaves open closed:

    - headers come to an end, in time, in size and in number (RFC 9110 section 15.5.9, RFC 6585 section 5);
    - requests that come together are understood as their turn comes, and not all at once;
    - who takes nothing of an answer is given up, and so is who vanished, whichever request is being answered;
    - who waits between two requests makes room when there are too many, and who finds none is told 503;
    - HTTP/1.0 is sent no chunks (RFC 9112 section 6.1);
    - what follows the body is no header: trailers are dropped;
    - who asks to go on in another protocol is answered in this one (RFC 9110 section 7.8), and a body that came along
      is read: Java's own client asks so in each first request.
    """

    def __init__(self, *arguments: Any, crowd: Crowd, **named: Any) -> None:
        super().__init__(*arguments, **named)
        self._crowd = crowd
        self._in_head = True
        self._loose = 0  # bytes since a head, a piece of a body, or a request came to its end
        self._held = b""
        self._again = False
        self._refused = False
        self._fault = 400
        self._answering: RequestResponseCycle | None = None
        self._patience: asyncio.TimerHandle | None = None
        self._stall: asyncio.TimerHandle | None = None
        self._unsent = 0

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._line = cast("asyncio.Transport", transport)
        super().connection_made(Joined(self._line, self.loop))
        self.flow = Flow(self.transport)
        place = self._crowd.come(self, self.client[0] if self.client else "")
        self._turned_away = not place
        if place is None:
            self._line.abort()
        self._wait(HEAD_SECONDS if place else LINGER)
        self._rest()

    def connection_lost(self, exc: Exception | None) -> None:
        self._crowd.leave(self)
        self._settle()
        self._unwatch()
        self._held = b""
        if (now := self._answering) is not None and not now.response_complete:
            # uvicorn tells the latest request alone, which may still wait for its turn.
            now.disconnected = True
            now.message_event.set()
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        if self._held:
            self._held += data
        elif not self._refused:
            self._understand(data)

    def _understand(self, data: bytes) -> None:
        """Parse, until a request has to wait for its turn: the rest is kept as it is till then."""
        self._unset_keepalive_if_required()
        if not self._loose:
            self._rest()
        at = 0
        while at < len(data) and not self._refused:
            if self.pipeline:
                self._held = data[at:]
                cast("Flow", self.flow).full = True
                self.flow.pause_reading()
                return
            at += self._parse(data if len(data) <= PIECE and not at else data[at : at + PIECE])
        self._look()

    def _parse(self, piece: bytes) -> int:
        """How many bytes of it were understood."""
        self._loose += len(piece)
        try:
            self.parser.feed_data(piece)
        except httptools.HttpParserUpgrade as asked:
            self._stay()
            return int(asked.args[0])
        except httptools.HttpParserError:
            self._refuse(self._fault)
        else:
            if self._loose > HEAD_BYTES:
                self._refuse(431)
        return len(piece)

    def _look(self) -> None:
        """What is not being answered comes to its end in time."""
        if self._in_head and self._patience is None and not self._refused and self._idle():
            self._wait(HEAD_SECONDS if self._loose else KEEP_ALIVE)
            self._rest()

    def _rest(self) -> None:
        """Nothing is under way now; the beginning of a head is nothing yet."""
        if self._in_head and self._idle() and not self._turned_away:
            self._crowd.rest(self)

    def make_room(self) -> None:
        """Somebody else needs the place; what is still to be sent is sent."""
        self.transport.close()

    def _idle(self) -> bool:
        cycle = cast("RequestResponseCycle | None", self.cycle)
        return cycle is None or cycle.response_complete

    def _stay(self) -> None:
        """Read on as if no other protocol had been asked for: the parser takes a body for the first of that one."""
        framing = (n + b": " + v + b"\r\n" for n, v in self.headers if n in _FRAMING)
        self.parser = httptools.HttpRequestParser(self)
        self.parser.set_dangerous_leniencies(lenient_data_after_close=True)  # as uvicorn's
        self._again = True
        try:
            self.parser.feed_data(b"POST / HTTP/1.1\r\n" + b"".join(framing) + b"\r\n")
        except httptools.HttpParserError:
            self._refuse(400)
        self._again = False

    def on_message_begin(self) -> None:
        if not self._again:
            super().on_message_begin()

    def on_url(self, url: bytes) -> None:
        if not self._again:
            super().on_url(url)

    def on_header(self, name: bytes, value: bytes) -> None:
        if self._in_head and not self._again:
            if len(self.headers) >= HEADERS:
                self._fault = 431
                raise ValueError("too many headers")
            super().on_header(name, value)

    def on_headers_complete(self) -> None:
        if not self._again:
            self._in_head, self._loose = False, 0
            self._settle()
            self._crowd.stir(self)
            super().on_headers_complete()

    def on_body(self, body: bytes) -> None:
        self._loose = 0
        super().on_body(body)

    def on_message_complete(self) -> None:
        if not self.parser.should_upgrade():
            self._in_head, self._loose = True, 0
            self._settle()
            super().on_message_complete()

    def _start_asgi_task(self, cycle: RequestResponseCycle, app: Any) -> None:
        self._answering = cycle
        if self._turned_away:
            app = _turn_away
            self._complain()
        if cycle.scope["http_version"] != "1.1" or cycle.waiting_for_100_continue:
            app = _framed(app, cycle)
        super()._start_asgi_task(cycle, app)

    _complained: ClassVar[float] = -BETWEEN

    def _complain(self) -> None:
        if time.monotonic() - Connection._complained >= BETWEEN:
            Connection._complained = time.monotonic()
            log.warning("requests are turned away: %s connections are open", len(self._crowd))

    def on_response_complete(self) -> None:
        super().on_response_complete()
        if self._line.get_write_buffer_size():
            self._watch()
        if self.transport.is_closing():
            return
        if self._held and not self.pipeline:
            held, self._held = self._held, b""
            cast("Flow", self.flow).full = False
            self.flow.resume_reading()
            self._understand(held)
        elif self._idle() and not self._in_head:
            self._wait(LINGER)
        elif self._idle():
            if self._loose:
                self._wait(HEAD_SECONDS)
            self._rest()

    def pause_writing(self) -> None:
        super().pause_writing()
        self._watch()

    def resume_writing(self) -> None:
        super().resume_writing()
        self._unwatch()

    def _watch(self) -> None:
        """From here on something of what waits has to be taken, again and again, until all is."""
        self._unwatch()
        self._unsent = self._line.get_write_buffer_size()
        self._stall = self.loop.call_later(STALL, self._look_out)

    def _unwatch(self) -> None:
        if self._stall is not None:
            self._stall.cancel()
            self._stall = None

    def _look_out(self) -> None:
        unsent = self._line.get_write_buffer_size()
        if unsent >= self._unsent:
            self.transport.abort()  # to close it would be to wait until all is taken
        elif unsent:
            self._watch()

    def _wait(self, seconds: float) -> None:
        self._settle()
        self._patience = self.loop.call_later(seconds, self._give_up)

    def _settle(self) -> None:
        if self._patience is not None:
            self._patience.cancel()
            self._patience = None

    def _give_up(self) -> None:
        if self._in_head and self._loose and not self._refused:
            self._refuse(408)
        else:
            self.transport.close()

    def _refuse(self, status: int) -> None:
        """End it; with a word, unless another request's answer is under way. What still comes is dropped for a while:
        who is cut off in the middle of sending reads no answer."""
        self._refused = True
        if self._idle() and not self.transport.is_closing():
            self.transport.write(STATUS_LINE[status] + b"content-length: 0\r\nconnection: close\r\n\r\n")
            self.transport.write_eof()
            self._wait(LINGER)
        else:
            self.transport.close()


async def _turn_away(_scope: Scope, _receive: Receive, send: Send) -> None:
    fields = [(b"content-length", b"0"), (b"cache-control", b"no-store"), (b"connection", b"close"),
              (b"retry-after", b"2")]  # fmt: skip
    await send({"type": "http.response.start", "status": 503, "headers": fields})
    await send({"type": "http.response.body", "body": b""})


_FRAMING = (b"content-length", b"transfer-encoding")


def _framed(app: ASGIApp, cycle: RequestResponseCycle) -> ASGIApp:
    """The application for who knows no chunks, to whom an answer of unknown length ends with its connection; and for
    who asks before a body: answered without having been asked for it, they may send it or the next request."""
    old = cycle.scope["http_version"] != "1.1"

    async def told(scope: Scope, receive: Receive, send: Send) -> None:
        endless = False

        async def framed(message: Message) -> None:
            nonlocal endless
            if message["type"] == "http.response.start":
                if cycle.waiting_for_100_continue:
                    cycle.keep_alive = False
                if old and all(name.lower() != b"content-length" for name, _ in message.get("headers", ())):
                    endless = True
                    cycle.chunked_encoding = False
            elif endless:
                cycle.expected_content_length = len(message.get("body", b""))
            await send(message)

        await app(scope, receive, framed)

    if old:
        cycle.waiting_for_100_continue = False
    return told


class Server(uvicorn.Server):
    """Serves until `finish` is called. Signals are the caller's to hear.

    `proxied`: who connects is a server of ours, and nobody else is.
    """

    def __init__(self, app: ASGIApp, listener: socket.socket, *, proxied: bool = False) -> None:
        made = partial(Connection, crowd=Crowd(CONNECTIONS, known=not proxied))
        super().__init__(
            uvicorn.Config(
                app, http=cast("type[asyncio.Protocol]", made), loop="none", lifespan="off", ws="none",
                interface="asgi3", log_config=None,
                access_log=False, proxy_headers=False, server_header=False, backlog=BACKLOG,
                timeout_keep_alive=KEEP_ALIVE, timeout_graceful_shutdown=1,
            )
        )  # fmt: skip
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
        if hasattr(socket, "TCP_USER_TIMEOUT"):
            listener.setsockopt(socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT, VANISHED * 1000)
        self._listener = listener
        self._finished = asyncio.Event()

    async def run_until_finished(self) -> None:
        """Accept and answer; when finished, what is being answered has a second to be done."""
        await self.serve([self._listener])

    def finish(self) -> None:
        """Let `run_until_finished` return."""
        self.should_exit = True
        self._finished.set()

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield

    async def main_loop(self) -> None:
        while not await self.on_tick(0):  # the Date header, second by second
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self._finished.wait(), 1)
