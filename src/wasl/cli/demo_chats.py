"""The demo shop's inboxes of chat channels, pointed at the sandbox's stand-ins, and the customers who write there.

What a customer does is told as their provider would tell it: the stand-in makes the webhook, the channel's own code
finds it genuine and takes it apart, and it is stored as the door stores it. Only nobody calls anybody for that.
"""

import asyncio
import hashlib
import json
import mimetypes
from collections.abc import Sequence
from dataclasses import dataclass, field
from importlib.resources import files
from typing import Any
from urllib.parse import urlsplit
from uuid import UUID

import psycopg
from django.conf import settings

from wasl.accounts.actor import Actor
from wasl.channels import chat_inboxes
from wasl.channels.actions import invented
from wasl.channels.chat_inboxes import ChatInbox, settings_of
from wasl.channels.models import Inbox
from wasl.channels.port import Request
from wasl.channels.registry import channels
from wasl.conversations import understand
from wasl.conversations.models import Message
from wasl.customers.models import Customer
from wasl.intake.store import Raw, store
from wasl.kit.clock import now
from wasl.kit.db import conninfo, pool, tenant
from wasl.kit.ids import uuid7
from wasl.sandbox import people, phone
from wasl.sandbox.chats import End, Thread, Who
from wasl.sandbox.courier import Courier, Webhook
from wasl.sandbox.place import Place
from wasl.sandbox.standins import Standin, standins
from wasl.sandbox.world import Act, Doing, World

_DATA = files("wasl.cli") / "demo_data"


class _Caught(Courier):
    """Keeps the webhooks instead of bringing them: nobody listens yet."""

    def __init__(self, got: list[Webhook]) -> None:
        self._got = got

    def send(self, webhook: Webhook, then: Any = None) -> None:
        self._got.append(webhook)
        if then is not None:
            then()

    def start(self) -> None:
        """There is nothing to take up."""

    async def stop(self) -> None:
        """There is nothing to leave."""


def texts() -> dict[str, Any]:
    """`customers` and `conversations` of the file."""
    found: dict[str, Any] = json.loads((_DATA / "chats.json").read_text(encoding="utf-8"))
    return found


@dataclass
class Chats:
    """The inboxes by channel, and what happens in them. `place` is the sandbox's folder."""

    workspace_id: UUID
    place: Place
    inboxes: dict[str, Inbox] = field(default_factory=dict)
    ends: dict[str, End] = field(default_factory=dict)
    got: list[Webhook] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.world = World(self.place.folder)
        self.world.courier = _Caught(self.got)

    def open(self, admin: Actor) -> None:
        """An inbox for every channel that has a stand-in which can say what to enter; inside `tenant(…)`."""
        for standin in standins().values():
            if standin.channel in channels() and standin.example:
                self.inboxes[standin.channel] = _opened(admin, standin)
        for end in phone.register(self.place.folder):
            self.ends[end.channel] = end

    def settle(self, admin: Actor, customers: Sequence[dict[str, Any]]) -> None:
        """Customers have phones, and may be played; inside `tenant(…)`."""
        numbers = phone.Numbers(self.place.folder)
        for customer in customers:
            numbers.give(customer["email"], customer["phone"])
            people.invent(admin, self.place, customer["name"], customer["email"], customer["language"])

    def stand(self, world: World) -> None:
        """Let a running sandbox keep its webhooks for us, and give receipts at once."""
        world.courier = _Caught(self.got)
        world.breath = 0.0

    def receive(self, channel: str, person: dict[str, Any], message: dict[str, Any]) -> UUID:
        """A customer reads what is there and writes; the conversation that it is in."""
        self._do(channel, person, Act("read"))
        kept = tuple(self._keep(name) for name in message.get("pictures", ()))
        self._do(channel, person, Act("write", text=message["text"], files=kept))
        payloads = self.take()
        with tenant(self.workspace_id):
            found = Message.objects.filter(id__in=payloads, way="in").latest("at", "id")
            Customer.objects.filter(id=found.conversation.customer_id, place="").update(
                name=person["name"],
                language=person["language"],
                timezone=person["timezone"],
                place=person["city"],
            )
            return found.conversation_id

    def react(self, channel: str, person: dict[str, Any], emoji: str) -> None:
        """A customer reads the last answer, and puts something below it."""
        self._do(channel, person, Act("read"))
        who = self._who(channel, person)
        items = self.world.chats.items(Thread(channel, self.ends[channel].address, who.address))
        if last := next((item for item in reversed(items) if not item.theirs), None):
            self._do(channel, person, Act("react", text=emoji, of=last.id))

    def take(self) -> list[UUID]:
        """Store what the providers told, and understand it; the ids under which it is stored."""
        told, self.got[:] = list(self.got), []
        payloads = [raw for webhook in told for raw in self._read(webhook)]
        if payloads:
            asyncio.run(self._store(payloads))
            with pool("queue", "demo").connection() as conn:
                while understand.step(conn):
                    pass
        return [raw.id for raw in payloads]

    def _do(self, channel: str, person: dict[str, Any], act: Act) -> None:
        does: Doing = act.do
        if does in standins()[channel].acts:
            standins()[channel].acts[does](self.world, self.ends[channel], self._who(channel, person), act)

    def _who(self, channel: str, person: dict[str, Any]) -> Who:
        return phone.who_on(channel, person["phone"], person["name"])

    def _keep(self, name: str) -> str:
        kind = mimetypes.guess_type(name)[0] or "application/octet-stream"
        return self.world.files.put((_DATA / "files" / name).read_bytes(), kind, name)

    def _read(self, webhook: Webhook) -> list[Raw]:
        hook, inbox = channels()[webhook.channel].hook, self.inboxes[webhook.channel]
        headers = {name.lower(): value for name, value in webhook.headers.items()}
        request = Request("POST", webhook.url, {}, headers, webhook.body)
        if hook is None or not hook.genuine(request, settings_of(inbox)):
            raise ValueError(f"the stand-in of {webhook.channel} does not sign as its provider does")
        return [
            Raw(
                inbox.id, webhook.channel, slip.content, hashlib.sha256(slip.key.encode()).digest(),
                {"path": urlsplit(webhook.url).path}, hashlib.sha256(slip.content).digest(), uuid7(), now(),
            )
            for slip in hook.split(request)
        ]  # fmt: skip

    async def _store(self, payloads: list[Raw]) -> None:
        info = conninfo("app", "demo")
        async with await psycopg.AsyncConnection.connect(info, autocommit=True) as conn:
            await store(conn, self.workspace_id, payloads)


def _opened(admin: Actor, standin: Standin) -> Inbox:
    channel = channels()[standin.channel]
    values = {each.name: each.default for each in channel.fields if each.kind != "secret"}
    values |= {each.name: invented(24) for each in channel.fields if each.kind == "secret" and not each.made}
    port = str(settings.ENV.sandbox_http_port)
    entered = {name: value.format(port=port) for name, value in standin.example.items()}
    values |= entered | {"base_url": phone.base(standin.channel)}
    inbox = chat_inboxes.open_inbox(
        admin, channel, ChatInbox(name=channel.label, language="en", values=values)
    )
    known = {each.name for each in channel.fields}
    inbox.config |= {name: value for name, value in entered.items() if name not in known}
    inbox.save(update_fields=["config"])
    return inbox
