"""A visitor's browser without a browser: asks the chat's door, and reads its stream."""

import asyncio
import base64
import json
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any
from uuid import uuid4

import httpx
from starlette.applications import Starlette
from starlette.middleware import Middleware

from tests.api.client import Line
from tests.worlds import Shop
from wasl.channels.models import Inbox
from wasl.channels.secret import seal
from wasl.doors import chat, chat_asks, desk
from wasl.doors.front import HANDLERS, Gate
from wasl.kit.db import tenant
from wasl.kit.ids import uuid7
from wasl.kit.memory import Pace
from wasl.live.hub import Hub
from wasl.widget.place import places

SITE = "https://www.dar-zaytun.example"
SECRET = "only the shop's server knows this"
BASE = "http://testserver"


class Whole(Line):
    """The same, for answers that come in several pieces."""

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        waiting = [await request.aread()]
        sent: list[Any] = []

        async def receive() -> dict[str, Any]:
            return {"type": "http.request", "body": waiting.pop(), "more_body": False}

        async def send(message: Any) -> None:
            sent.append(message)

        await self._app(self.scope(request), receive, send)
        content = b"".join(each.get("body", b"") for each in sent[1:])
        return httpx.Response(sent[0]["status"], headers=sent[0]["headers"], content=content)


class Site:
    """The shop's website with a web chat, and the door it speaks with."""

    def __init__(self, shop: Shop) -> None:
        places.clear()
        # What other tests asked is not this one's.
        chat_asks._visitors, chat_asks._addresses, chat_asks._knocks = (
            Pace(1, 30),
            Pace(5, 200),
            Pace(20, 400),
        )
        self.shop = shop
        with tenant(shop.id):
            self.inbox = Inbox(id=uuid7(), workspace_id=shop.id, channel="webchat", name="Chat", address=SITE)
            self.inbox.config = {"origins": "http://localhost:8000 nonsense", "greeting_fr": "Bonjour !"}
            self.inbox.secret = seal(shop.id, self.inbox.id, json.dumps({"identity_secret": SECRET}))
            self.inbox.save(force_insert=True)
        self.hub = Hub(_no_connection, Any)  # type: ignore[arg-type]
        routes, self.streams = chat.routes(self.hub)
        gate = Gate(["testserver"], 30_000_000, 5.0)
        self.app = Starlette(routes=routes, middleware=[Middleware(gate.around)], exception_handlers=HANDLERS)
        self.runner = asyncio.Runner()

    @property
    def at(self) -> str:
        return f"/chat/{self.inbox.id}"

    def run(self, work: Callable[[], Any]) -> Any:
        return self.runner.run(work())

    def ask(self, method: str, path: str, content: bytes = b"", **headers: str) -> httpx.Response:
        async def go() -> httpx.Response:
            async with httpx.AsyncClient(transport=Whole(self.app, 1), base_url=BASE) as client:
                given = {name.replace("_", "-"): value for name, value in headers.items() if value}
                return await client.request(method, path, content=content, headers=given)

        answer: httpx.Response = self.run(go)
        return answer

    def close(self) -> None:
        self.runner.run(desk.close())
        self.runner.close()


async def _no_connection() -> Any:
    raise OSError


def invented() -> str:
    return base64.urlsafe_b64encode(uuid4().bytes + uuid4().bytes).rstrip(b"=").decode()


@dataclass
class Browser:
    """A visitor's browser."""

    site: Site
    token: str = ""
    language: str = "en"
    origin: str = SITE
    secret: str = field(default_factory=invented)

    def ask(self, method: str, path: str = "", body: Any = None, **more: str) -> httpx.Response:
        content = body if isinstance(body, bytes) else b"" if body is None else json.dumps(body).encode()
        mark = "&" if "?" in path else "?"
        return self.site.ask(
            method, f"{self.site.at}{path}{mark}language={self.language}", content, Origin=self.origin,
            Authorization=f"Bearer {self.secret}", X_Wasl_Identity=self.token, **more,
        )  # fmt: skip

    def hello(self) -> Any:
        answer = self.ask("GET")
        assert answer.status_code == 200, answer.text
        return answer.json()

    def write(self, text: str, key: str = "", **more: Any) -> httpx.Response:
        return self.ask("POST", "/messages", {"id": key or str(uuid4()), "text": text} | more)

    def send(self, name: str, content: bytes, kind: str = "text/plain", key: str = "") -> httpx.Response:
        place = f"/files?id={key or uuid4()}&name={name}"
        return self.ask("POST", place, content, Content_Type=kind)

    @property
    def texts(self) -> list[tuple[str, str]]:
        return [(each["way"], each["text"]) for each in self.hello()["messages"]]


class Reader:
    """An open stream; `until` reads on until an event of that name."""

    def __init__(self, browser: Browser, last: str = "") -> None:
        self.browser = browser
        self.last = last
        self.text = ""
        self.status = 0
        self.started = asyncio.Event()
        self._came: asyncio.Queue[bytes] = asyncio.Queue()
        self._gone = asyncio.Event()
        self._task: asyncio.Task[None] | None = None

    async def open(self) -> None:
        headers = [(b"host", b"testserver"), (b"authorization", f"Bearer {self.browser.secret}".encode()),
                   (b"origin", self.browser.origin.encode())]  # fmt: skip
        if self.browser.token:
            headers.append((b"x-wasl-identity", self.browser.token.encode()))
        if self.last:
            headers.append((b"last-event-id", self.last.encode()))
        scope = {"type": "http", "method": "GET", "path": f"{self.browser.site.at}/stream", "headers": headers,
                 "query_string": b"language=en", "client": ("127.0.0.1", 1), "root_path": "",
                 "raw_path": b"", "scheme": "http", "http_version": "1.1", "server": ("testserver", 80)}  # fmt: skip
        asked = False

        async def receive() -> Any:
            nonlocal asked
            if not asked:
                asked = True
                return {"type": "http.request", "body": b"", "more_body": False}
            await self._gone.wait()
            return {"type": "http.disconnect"}

        async def send(message: Any) -> None:
            self.status = message.get("status", self.status)
            self.started.set()
            await self._came.put(message.get("body", b""))

        self._task = asyncio.create_task(self.browser.site.app(scope, receive, send))

    async def until(self, name: str) -> Any:
        """The data of the next event of that name."""
        async with asyncio.timeout(10):
            while True:
                event, found, rest = self.text.partition("\n\n")
                if not found:
                    self.text += (await self._came.get()).decode()
                    continue
                self.text = rest
                lines = dict(line.partition(": ")[::2] for line in event.splitlines())
                self.last = lines.get("id", self.last)
                if lines["event"] == name:
                    return json.loads(lines["data"]) if lines["data"][:1] in '[{"' else lines["data"]

    async def close(self) -> None:
        self._gone.set()
        if self._task:
            async with asyncio.timeout(10):
                await self._task
