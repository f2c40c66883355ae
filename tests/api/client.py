"""The API as a client sees it: the native door and the Django part, called in this process."""

import asyncio
import json as json_
from typing import Any

import httpx
from django.test import Client
from starlette.applications import Starlette
from starlette.middleware import Middleware

from tests.worlds import Shop
from wasl.accounts import tokens
from wasl.accounts.models import Role
from wasl.doors import desk
from wasl.doors.api import routes
from wasl.doors.front import HANDLERS, Gate
from wasl.kit.db import tenant

LIMIT = 2_000_000


class Line(httpx.AsyncBaseTransport):
    """Into the application as the server calls it: the body in one piece, or in several."""

    def __init__(self, app: Any, pieces: int) -> None:
        self._app = app
        self._pieces = pieces

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        body = await request.aread()
        step = -(-len(body) // self._pieces) or 1
        waiting = [body[at : at + step] for at in range(0, len(body), step)] or [b""]
        sent: list[Any] = []

        async def receive() -> dict[str, Any]:
            return {"type": "http.request", "body": waiting.pop(0), "more_body": bool(waiting)}

        async def send(message: Any) -> None:
            sent.append(message)

        await self._app(self.scope(request), receive, send)
        start, end = sent
        return httpx.Response(start["status"], headers=start["headers"], content=end["body"])

    @staticmethod
    def scope(request: httpx.Request) -> dict[str, Any]:
        """What the server says of a request."""
        raw_path, _, query = request.url.raw_path.partition(b"?")
        return {
            "type": "http",
            "http_version": "1.1",
            "method": request.method,
            "scheme": "http",
            "path": request.url.path,
            "raw_path": raw_path,
            "query_string": query,
            "root_path": "",
            "headers": [(name.lower(), value) for name, value in request.headers.raw],
            "server": ("testserver", 80),
            "client": ("127.0.0.1", 1),
        }


class Door:
    """The native door behind the front's gate, in a loop of its own."""

    def __init__(self, shop: Shop, secret: str) -> None:
        gate = Gate(["testserver"], LIMIT, 5.0)
        self.app = Starlette(routes=routes, middleware=[Middleware(gate.around)], exception_handlers=HANDLERS)
        self.runner = asyncio.Runner()
        self.shop = shop
        self.secret = secret
        self.pieces = 1

    def __call__(
        self,
        json: Any = None,
        *,
        path: str = "/api/v1/inboxes/forms/messages",
        method: str = "POST",
        content: bytes | None = None,
        **headers: str,
    ) -> httpx.Response:
        """One request; keyword arguments become headers (Idempotency_Key → Idempotency-Key), '' leaves one out."""
        return self.runner.run(self.send(json, path, method, content, headers))

    def batch(self, messages: list[Any], **headers: str) -> httpx.Response:
        """A batch."""
        return self({"messages": messages}, path="/api/v1/inboxes/forms/messages/batch", **headers)

    def together(self, bodies: list[Any], **headers: str) -> list[httpx.Response]:
        """Many requests at the same moment."""

        async def go() -> list[httpx.Response]:
            path = "/api/v1/inboxes/forms/messages"
            return await asyncio.gather(*(self.send(body, path, "POST", None, headers) for body in bodies))

        return self.runner.run(go())

    async def send(
        self, json: Any, path: str, method: str, content: bytes | None, more: dict[str, str]
    ) -> httpx.Response:
        headers = {"Authorization": f"Bearer {self.secret}", "Content-Type": "application/json"}
        headers |= {name.replace("_", "-"): value for name, value in more.items()}
        body = json_.dumps(json).encode() if content is None else content
        line = Line(self.app, self.pieces)
        async with httpx.AsyncClient(transport=line, base_url="http://testserver") as client:
            given = {name: value.encode("latin-1") for name, value in headers.items() if value}
            return await client.request(method, path, content=body, headers=given)

    def close(self) -> None:
        self.runner.run(desk.close())
        self.runner.close()


class Caller:
    """A client of the Django part with one token. Answers are Django's own response objects."""

    def __init__(self, secret: str) -> None:
        self._client = Client(raise_request_exception=False)
        self.secret = secret

    def __call__(
        self, method: str, path: str, body: Any = None, *, content: bytes | None = None, **headers: str
    ) -> Any:
        """One request below /api/v1; keyword arguments become headers, '' leaves one out."""
        sent = json_.dumps(body).encode() if content is None and body is not None else content or b""
        given = {"Authorization": f"Bearer {self.secret}", "Content-Type": "application/json"}
        given |= {name.replace("_", "-"): value for name, value in headers.items()}
        kind = given.pop("Content-Type")
        return self._client.generic(
            method,
            f"/api/v1{path}",
            sent,
            content_type=kind,
            headers={name: value for name, value in given.items() if value},
        )

    def get(self, path: str, status: int = 200) -> Any:
        """The JSON of a GET."""
        answer = self("GET", path)
        assert answer.status_code == status, answer.content
        return answer.json()

    def post(self, path: str, body: Any, status: int = 201, **headers: str) -> Any:
        """The JSON of a POST."""
        answer = self("POST", path, body, **headers)
        assert answer.status_code == status, answer.content
        return answer.json()


def problem(response: Any, status: int, slug: str) -> dict[str, Any]:
    """The problem a response holds, after checking that it is one."""
    assert response.status_code == status, response.content
    assert response.headers["content-type"] == "application/problem+json"
    body: dict[str, Any] = response.json()
    assert body["type"] == f"/api/v1/problems/{slug}"
    assert body["status"] == status
    assert body["title"]
    assert body["detail"].endswith((".", ")"))
    return body


def token_of(shop: Shop, role: str = Role.AGENT) -> str:
    """The secret of a new token."""
    with tenant(shop.id):
        secret, _ = tokens.create(shop.actor("owner"), f"{role} token", role)
    return secret
