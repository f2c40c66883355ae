"""From a provider's webhook to the timeline: an inbox of any chat channel, its door, and what all came to."""

import asyncio
from typing import Any

import httpx
from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.routing import Route

from tests.api.client import Line
from tests.inbound import work
from tests.worlds import Shop
from wasl.channels.models import Inbox
from wasl.channels.secret import seal_all
from wasl.conversations.models import Conversation, Message
from wasl.customers.models import Identity
from wasl.doors import desk
from wasl.doors.front import HANDLERS, Gate
from wasl.doors.hooks import Door
from wasl.intake.models import Awaiting, Inbound, InboundQueue, Quarantine
from wasl.kit.db import tenant
from wasl.kit.ids import uuid7


class WayIn:
    """Make one, use it, close it."""

    def __init__(
        self, shop: Shop, channel: str, address: str, secrets: dict[str, str], **config: str
    ) -> None:
        self.shop = shop
        with tenant(shop.id):
            self.inbox = Inbox(
                id=uuid7(),
                workspace_id=shop.id,
                channel=channel,
                name=channel,
                address=address,
                config=config,
            )
            self.inbox.secret = seal_all(shop.id, self.inbox.id, secrets)
            self.inbox.save(force_insert=True)
        gate = Gate(["testserver"], 4_000_000, 5.0)
        routes = [Route("/hooks/{channel}/{inbox}", Door())]
        self.app = Starlette(routes=routes, middleware=[Middleware(gate.around)], exception_handlers=HANDLERS)
        self.runner = asyncio.Runner()

    @property
    def path(self) -> str:
        return f"/hooks/{self.inbox.channel}/{self.inbox.id}"

    def post(self, content: bytes, headers: dict[str, str]) -> httpx.Response:
        async def go() -> httpx.Response:
            async with httpx.AsyncClient(transport=Line(self.app, 1), base_url="http://testserver") as client:
                return await client.post(self.path, content=content, headers=headers)

        return self.runner.run(go())

    def close(self) -> None:
        self.runner.run(desk.close())
        self.runner.close()

    def stored(self) -> int:
        with tenant(self.shop.id):
            return Inbound.objects.count()

    def state(self) -> dict[str, Any]:
        """Everything that was understood, without what is another each time (our own ids and moments)."""
        work()
        with tenant(self.shop.id):
            messages = Message.objects.filter(channel=self.inbox.channel)
            return {
                "messages": sorted(
                    (m.rfc_id, m.way, m.text, str(m.sent_at), repr(sorted(m.meta.items()))) for m in messages
                ),
                "conversations": Conversation.objects.filter(inbox_id=self.inbox.id).count(),
                "people": sorted(Identity.objects.values_list("channel", "address", "customer__name")),
                "waiting": sorted(Awaiting.objects.values_list("ref", flat=True)),
                "queue": InboundQueue.objects.count(),
                "quarantine": Quarantine.objects.filter(settled_at=None).count(),
            }
