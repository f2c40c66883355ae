"""The one port: who answers what, and what every request goes through first."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from functools import lru_cache, partial
from typing import Any

from django.conf import settings
from django.core.wsgi import get_wsgi_application
from django.http import parse_cookie
from django.http.request import split_domain_port, validate_host
from starlette.applications import Starlette
from starlette.datastructures import Headers
from starlette.exceptions import HTTPException
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Match, Mount, Route
from starlette.types import ASGIApp, Receive, Scope, Send

from wasl.config.env import Env
from wasl.doors import api, chat, desk, hooks, voice
from wasl.doors.bridge import Bridge
from wasl.doors.peer import behind
from wasl.doors.problems import problem
from wasl.doors.spool import BodyTooLarge, BodyTooSlow, Crowded, Incoming, SenderGone, Spool
from wasl.doors.static import Static
from wasl.live.hub import Hub
from wasl.live.stream import Refused, Stream

SPOOL_ROOM = 1_000_000_000
"""Bytes on disk for all uploads that are under way at one time."""
GRACE = 4.0
"""Seconds for what is being answered when we are told to stop."""
HEALTH = "/healthz"


class Front:
    """The ASGI application of the port, and its end."""

    def __init__(self, env: Env, hub: Hub) -> None:
        self._hub = hub
        self._spool = Spool(env.run_dir / "uploads", SPOOL_ROOM)
        self._spool.clear()
        # Django's own files of an upload go there too: in many places /tmp is memory.
        settings.FILE_UPLOAD_TEMP_DIR = str(self._spool.folder)
        self._bridge = Bridge(
            get_wsgi_application(),
            env.web_threads,
            self._spool,
            secure=env.public_url.startswith("https://"),
            seen=self._answered,
        )
        self._gate = Gate(env.allowed_hosts, env.http_body_limit, env.body_timeout)
        chats, self._streams = chat.routes(hub)
        taken = [*api.routes, *voice.routes, *hooks.routes]
        pages = Starlette(
            routes=[
                Route("/live", Stream(hub, settings.SESSION_COOKIE_NAME)),
                Route(HEALTH, self._health),
                Mount("/static", Static()),
                *taken,
                *chats,
            ],
            middleware=[Middleware(self._gate.around)],
            exception_handlers=HANDLERS,
        )
        pages.router.redirect_slashes = False
        pages.router.default = self._bridge
        self.app = behind(Short(taken, self._gate, pages), env.proxies)

    def _answered(self, scope: Scope, headers: list[tuple[bytes, bytes]]) -> None:
        """A page that touches the session's cookie signed someone in or out, or moved them: look at their streams."""
        if any(name == b"set-cookie" and value.startswith(_SESSION_COOKIE) for name, value in headers):
            cookies = parse_cookie(Headers(scope=scope).get("cookie", ""))
            if key := cookies.get(settings.SESSION_COOKIE_NAME):
                self._hub.review_session(key)

    async def _health(self, _request: Request) -> Response:
        """For load balancers: whether this process serves, database and live events included."""
        fine = self._hub.listening and not self._gate.closing
        return JSONResponse(
            {"status": "ok" if fine else "unavailable"}, 200 if fine else 503, {"Cache-Control": "no-store"}
        )

    async def close(self) -> bool:
        """Let streams end themselves and answers be finished; whether all were within the grace."""
        self._gate.closing = True
        self._hub.end_all()
        self._streams.end_all()
        finished = await self._gate.empty(GRACE)
        await desk.close()
        self._bridge.close()
        self._spool.close()
        return finished


_SESSION_COOKIE = f"{settings.SESSION_COOKIE_NAME}=".encode()


class Short:
    """The short way for what programs bring: looking for their route among all of them, behind every layer that a page
    needs, costs more than their answer. An address means the same here as there, and goes through the same gate."""

    def __init__(self, routes: Sequence[Route], gate: "Gate", rest: ASGIApp) -> None:
        self._routes = routes
        self._rest = rest
        self._gated = gate.around(self._answer)
        # A provider calls one address again and again.
        self._found = lru_cache(1000)(self._find)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        path = scope.get("path", "")
        here = path.startswith(SHORT) and self._found(path) is not None
        await (self._gated if here else self._rest)(scope, receive, send)

    def _find(self, path: str) -> tuple[ASGIApp, dict[str, Any]] | None:
        scope = {"type": "http", "method": "POST", "path": path, "root_path": ""}
        for route in self._routes:
            match, found = route.matches(scope)
            if match is Match.FULL:
                return route.app, found["path_params"]
        return None

    async def _answer(self, scope: Scope, receive: Receive, send: Send) -> None:
        found = self._found(scope["path"])
        assert found
        app, scope["path_params"] = found
        try:
            await app(scope, receive, send)
        except (BodyTooLarge, BodyTooSlow, Crowded, SenderGone) as error:
            response = await HANDLERS[type(error)](Request(scope), error)
            await response(scope, receive, send)


SHORT = ("/hooks/", "/api/v1/inboxes/")


class Gate:
    """What every request goes through: the host's name, the body's limits, and the count of what is under way."""

    def __init__(self, hosts: Sequence[str], limit: int, seconds: float) -> None:
        self.closing = False
        self._hosts = list(hosts)
        self._limit = limit
        self._seconds = seconds
        self._under_way: set[Incoming] = set()
        # Nearly every request names the same host.
        self._is_ours = lru_cache(256)(self._allowed)

    def around(self, app: ASGIApp) -> ASGIApp:
        """The middleware."""
        return partial(self._pass, app)

    async def _pass(self, app: ASGIApp, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await app(scope, receive, send)
            return
        if status := self._refusal(scope):
            await problem(scope, status, {"Connection": "close"})(scope, receive, send)
            return
        incoming = Incoming(scope, receive, self._limit, self._seconds)
        self._under_way.add(incoming)
        try:
            await app(scope, incoming, send)
        finally:
            self._under_way.discard(incoming)

    def _refusal(self, scope: Scope) -> int | None:
        if scope["path"] == HEALTH:
            return None
        if self.closing:
            return 503
        host = next((value for name, value in scope["headers"] if name == b"host"), b"")
        return None if self._is_ours(host) else 400

    def _allowed(self, host: bytes) -> bool:
        domain, _port = split_domain_port(host.decode("latin-1"))
        return bool(domain) and validate_host(domain, self._hosts)

    async def empty(self, patience: float) -> bool:
        """Wait for what is being answered; a request whose body is still on its way is given up."""
        for incoming in self._under_way:
            if not incoming.complete:
                incoming.hurry()
        end = asyncio.get_running_loop().time() + patience
        while self._under_way:
            if asyncio.get_running_loop().time() > end:
                return False
            await asyncio.sleep(0.01)
        return True


def _answers(status: int, **headers: str) -> Callable[[Request, Exception], Awaitable[Response]]:
    async def handler(request: Request, _error: Exception) -> Response:
        return problem(
            request.scope, status, {name.replace("_", "-"): value for name, value in headers.items()}
        )

    return handler


async def _http_error(request: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException)
    return problem(request.scope, error.status_code, dict(error.headers or {}))


async def _refused(request: Request, error: Exception) -> Response:
    assert isinstance(error, Refused)
    more = {405: {"Allow": "GET, HEAD"}, 429: {"Retry-After": "60"}, 503: {"Retry-After": "2"}}
    return problem(request.scope, error.status, more.get(error.status))


HANDLERS: dict[Any, Callable[[Request, Exception], Awaitable[Response]]] = {
    BodyTooLarge: _answers(413, Connection="close"),
    BodyTooSlow: _answers(408, Connection="close"),
    Crowded: _answers(503, Retry_After="5"),
    SenderGone: _answers(400, Connection="close"),
    Refused: _refused,
    HTTPException: _http_error,
    Exception: _answers(500),
}
