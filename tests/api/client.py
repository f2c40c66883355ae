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


class Door:
    """The native door behind the front's gate, in a loop of its own."""

    def __init__(self, shop: Shop, secret: str) -> None:
        gate = Gate(["testserver"], LIMIT, 5.0)
        self.app = Starlette(routes=routes, middleware=[Middleware(gate.around)], exception_handlers=HANDLERS)
        self.runner = asyncio.Runner()
        self.shop = shop
        self.secret = secret

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
        transport = httpx.ASGITransport(self.app)
        async with httpx.AsyncClient(transport=transport, base_url="http://testserver") as client:
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
