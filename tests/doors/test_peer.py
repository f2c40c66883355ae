"""Whoever asks is known by their own address, also behind other servers, and cannot choose it."""

import asyncio
from typing import Any

import pytest
from starlette.types import Receive, Scope, Send

from wasl.doors.peer import behind

SERVER = ("10.0.0.1", 5000)


@pytest.mark.parametrize(
    ("proxies", "said", "taken"),
    [
        (0, ["203.0.113.9"], "10.0.0.1"),
        (1, ["203.0.113.9"], "203.0.113.9"),
        (1, ["1.2.3.4, 203.0.113.9"], "203.0.113.9"),
        (1, ["1.2.3.4", "203.0.113.9"], "203.0.113.9"),
        (2, ["1.2.3.4, 203.0.113.9, 192.0.2.7"], "203.0.113.9"),
        (2, ["203.0.113.9"], "10.0.0.1"),
        (1, ["[2001:db8::1]:4711"], "2001:db8::1"),
        (1, ["2001:DB8::1"], "2001:db8::1"),
        (1, ["203.0.113.9:4711"], "203.0.113.9"),
        (1, ["unknown"], "10.0.0.1"),
        (1, ["203.0.113.9, "], "10.0.0.1"),
        (1, [], "10.0.0.1"),
    ],
)
def test_the_address_is_what_the_outermost_server_saw(proxies: int, said: list[str], taken: str) -> None:
    seen: list[Any] = []

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        seen.append(scope["client"][0])

    async def nothing(*_: Any) -> Any:
        raise AssertionError

    scope = {
        "type": "http",
        "client": SERVER,
        "headers": [(b"host", b"x"), *((b"x-forwarded-for", one.encode()) for one in said)],
    }

    async def ask() -> None:
        await behind(app, proxies)(scope, nothing, nothing)

    asyncio.run(ask())
    assert seen == [taken]
    assert scope["client"] == SERVER
