"""The short way of what programs bring: through the same gate, and to where the router would send it."""

import asyncio

import httpx
import pytest
from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.responses import PlainTextResponse
from starlette.routing import Route
from starlette.types import Receive, Scope, Send

from tests.api.client import Line
from wasl.doors import asgi
from wasl.doors.front import HANDLERS, Gate, Short
from wasl.doors.spool import Crowded


class Named:
    """Answers who it is, what it was asked for and how long the body was."""

    def __init__(self, name: str) -> None:
        self._name = name

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        size = len((await receive()).get("body", b""))
        if scope["query_string"] == b"crowded":
            raise Crowded
        await asgi.answer_as(send, "text/plain", f"{self._name} {scope['path_params']} {size}".encode())


@pytest.mark.parametrize(
    ("method", "path", "size", "host", "status", "said"),
    [
        ("POST", "/hooks/voice/7", 3, "here", 200, "voice {'inbox': '7'} 3"),
        ("GET", "/hooks/sms/7", 0, "here", 200, "hook {'channel': 'sms', 'inbox': '7'} 0"),
        ("POST", "/hooks/sms/7?crowded", 3, "here", 503, ""),
        ("POST", "/hooks/sms/7", 11, "here", 413, ""),
        ("POST", "/hooks/sms/7", 3, "elsewhere", 400, ""),
        ("POST", "/hooks/sms/7/more", 3, "here", 200, "the rest"),
        ("GET", "/about", 0, "here", 200, "the rest"),
        ("GET", "/about", 0, "elsewhere", 400, ""),
    ],
)
def test_each_address_leads_where_the_router_leads(
    method: str, path: str, size: int, host: str, status: int, said: str
) -> None:
    gate = Gate(["here"], 10, 5.0)
    routes = [Route("/hooks/voice/{inbox}", Named("voice")), Route("/hooks/{channel}/{inbox}", Named("hook"))]
    rest = Starlette(middleware=[Middleware(gate.around)], exception_handlers=HANDLERS)
    rest.router.default = PlainTextResponse("the rest")
    app = Short(routes, gate, rest)

    async def go() -> httpx.Response:
        async with httpx.AsyncClient(transport=Line(app, 1), base_url=f"http://{host}") as client:
            return await client.request(method, path, content=b"x" * size)

    got = asyncio.run(go())
    assert (got.status_code, got.text if said else "") == (status, said)
