"""A provider of chats for tests: it posts webhooks to a real door, and what it brought is understood."""

import asyncio
import json
from collections.abc import Mapping
from typing import Any

import httpx
from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.routing import Route

from tests.api.client import Line
from tests.inbound import work
from tests.worlds import Shop
from wasl.channels.meta.signed import sign
from wasl.channels.models import Inbox
from wasl.channels.port import OutboundChat
from wasl.channels.secret import seal
from wasl.conversations.models import Message
from wasl.customers.models import Identity
from wasl.delivery.models import Attempt, Delivery, State
from wasl.delivery.payload import pack_chat
from wasl.doors import desk
from wasl.doors.front import HANDLERS, Gate
from wasl.doors.hooks import Door
from wasl.kit.clock import now
from wasl.kit.db import tenant
from wasl.kit.ids import uuid7

SECRETS = {"app_secret": "s3cret", "verify_token": "tok", "access_token": "t"}


class Provider:
    """One end of a channel, and a shop that is connected to it."""

    def __init__(self, shop: Shop, channel: str, address: str, secrets: Mapping[str, str] = SECRETS) -> None:
        self.shop, self.channel = shop, channel
        with tenant(shop.id):
            self.inbox = Inbox(
                id=uuid7(), workspace_id=shop.id, channel=channel, name=channel, address=address
            )
            self.inbox.secret = seal(shop.id, self.inbox.id, json.dumps(dict(secrets)))
            self.inbox.save(force_insert=True)
        gate = Gate(["testserver"], 4_000_000, 5.0)
        routes = [Route("/hooks/{channel}/{inbox}", Door())]
        self.app = Starlette(routes=routes, middleware=[Middleware(gate.around)], exception_handlers=HANDLERS)
        self.runner = asyncio.Runner()

    def ask(
        self, method: str = "POST", content: bytes = b"", query: str = "", **headers: str
    ) -> httpx.Response:
        """A request to the inbox's door."""

        async def go() -> httpx.Response:
            async with httpx.AsyncClient(transport=Line(self.app, 1), base_url="http://testserver") as client:
                given = {name.replace("_", "-"): value for name, value in headers.items()}
                place = f"/hooks/{self.channel}/{self.inbox.id}{query}"
                return await client.request(method, place, content=content, headers=given)

        return self.runner.run(go())

    def post(self, body: Any, secret: str = "s3cret") -> httpx.Response:
        """A webhook as Meta signs it."""
        raw = json.dumps(body).encode()
        return self.ask(content=raw, X_Hub_Signature_256=f"sha256={sign(raw, secret)}")

    def say(self, *bodies: Any) -> None:
        """Webhooks, each taken and understood."""
        for body in bodies:
            assert self.post(body).status_code == 200
            work()

    def sent(
        self, text: str, ref: str = "", state: str = State.SENT, at: Any = None, attempted: Any = None
    ) -> Delivery:
        """An answer of ours to who wrote last, written `at` and handed over at `attempted`; inside `tenant`."""
        asked = Message.objects.filter(way="in", channel=self.channel).latest("at")
        address = Identity.objects.get(id=asked.identity_id).address
        written = at or now()
        out = Message.objects.create(
            workspace_id=self.shop.id, conversation_id=asked.conversation_id, customer_id=asked.customer_id,
            way="out", channel=self.channel, identity_id=asked.identity_id, at=written, text=text,
        )  # fmt: skip
        id_ = uuid7()
        chat = OutboundChat(delivery=str(id_), to=address, text=text)
        made = Delivery.objects.create(
            id=id_, workspace_id=self.shop.id, inbox=self.inbox, customer_id=asked.customer_id, message_id=out.id,
            conversation_id=asked.conversation_id, channel=self.channel, address=address, payload=pack_chat(chat),
            state=state, created_at=written, due_at=now(), deadline_at=now(), ref=ref,
            doubt_until=now() if state == State.IN_DOUBT else None,
        )  # fmt: skip
        Attempt.objects.create(
            id=uuid7(),
            workspace_id=self.shop.id,
            delivery=made,
            number=1,
            started_at=attempted or written,
            detail=ref,
        )
        out.delivery_id = id_
        out.save(update_fields=["delivery_id"])
        return made

    def close(self) -> None:
        """Let go of the loop."""
        self.runner.run(desk.close())
        self.runner.close()
