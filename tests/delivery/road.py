"""The OUT road for tests: messages to deliver, a sender, and how things stand."""

import threading
import time
from collections.abc import Callable, Sequence
from typing import Any
from uuid import UUID

import psycopg

from tests.worlds import Shop
from wasl.channels.base import Address, OutboundMessage
from wasl.channels.models import Inbox
from wasl.delivery import actions
from wasl.delivery.course import Limits
from wasl.delivery.payload import File, pack
from wasl.delivery.queries import AttemptView, DeliveryView, attempts, one
from wasl.delivery.work import Sender
from wasl.kit import db
from wasl.kit.clock import now
from wasl.kit.ids import uuid7

FAST = Limits(
    attempts=4, first_wait=0.02, longest_wait=0.2, doubt_wait=0.6, look_every=0.1, absence_after=0.2
)


class Road:
    """One shop's way out."""

    def __init__(self, shop: Shop, owner: psycopg.Connection[Any]) -> None:
        self.shop = shop
        self.owner = owner
        self.customer, self.conversation = uuid7(), uuid7()
        self._people(shop.id, shop.mail.id)

    def _people(self, workspace: UUID, inbox: UUID) -> None:
        at = now()
        self.owner.execute(
            "INSERT INTO customers_customer (workspace_id, id, name, language, timezone, place, created_at, root_id)"
            " VALUES (%s, %s, 'Salma', 'ar', '', '', %s, %s)",
            [workspace, self.customer, at, self.customer],
        )
        self.owner.execute(
            "INSERT INTO conversations_conversation (workspace_id, id, customer_id, inbox_id, subject, created_at,"
            " status, last_at, last_way, preview, messages, trouble)"
            " VALUES (%s, %s, %s, %s, 'Lamp', %s, 'open', %s, 'in', '', 1, '')",
            [workspace, self.conversation, self.customer, inbox, at, at],
        )

    def configure(self, config: dict[str, Any], inbox: Inbox | None = None) -> None:
        """Give an inbox its way out."""
        with db.tenant(self.shop.id):
            Inbox.objects.filter(id=(inbox or self.shop.mail).id).update(config=config)

    def inbox(self, address: str, config: dict[str, Any]) -> Inbox:
        """Another inbox."""
        with db.tenant(self.shop.id):
            return Inbox.objects.create(
                workspace_id=self.shop.id, channel="email", name=address, address=address, config=config
            )

    def send(
        self, to: str = "salma@barid.example", *, files: list[File] | None = None, inbox: Inbox | None = None
    ) -> UUID:
        """Have a message delivered; the delivery's id."""
        message_id = uuid7()
        self.owner.execute(
            "INSERT INTO conversations_message (workspace_id, id, conversation_id, customer_id, way, channel, at,"
            " subject, text, html, has_remote, language, rfc_id, auto, meta)"
            " VALUES (%s, %s, %s, %s, 'out', 'email', %s, 'Lamp', 'Hello', '', false, 'en', %s, '', '{}')",
            [
                self.shop.id,
                message_id,
                self.conversation,
                self.customer,
                now(),
                f"{message_id.hex}@shop.example",
            ],
        )
        box = inbox or self.shop.mail
        mail = OutboundMessage(
            message_id=f"{message_id.hex}@shop.example",
            date=now(),
            from_=Address("Dar Zaytun", box.address),
            to=(Address("Salma", to),),
            envelope_from=box.address,
            subject="Re: Lamp",
            text="Hello Salma",
        )
        with db.tenant(self.shop.id):
            sending = actions.Sending(
                box.id, self.customer, self.conversation, message_id, "email", to, pack(mail, files or [])
            )
            return actions.send(db.raw(), self.shop.id, [sending])[0]

    def sender(self, *, senders: int = 4, limits: Limits = FAST, lease: float = 30.0, **more: Any) -> Sender:
        """A worker's sender, with its turns in the test's hand."""
        return Sender(db.pool("queue", "test", 8), senders=senders, limits=limits, lease=lease, **more)

    def view(self, delivery_id: UUID) -> DeliveryView:
        """How a delivery stands."""
        with db.tenant(self.shop.id):
            found = one(self.shop.id, delivery_id)
        assert found is not None
        return found

    def state(self, delivery_id: UUID) -> str:
        """How a delivery stands, in a word."""
        return str(self.view(delivery_id).state)

    def unended(self, ids: Sequence[UUID]) -> int:
        """How many of these deliveries have not reached an end."""
        question = "SELECT count(*) FROM delivery_delivery WHERE id = ANY(%s) AND ended_at IS NULL"
        row = self.owner.execute(question, [list(ids)]).fetchone()
        assert row is not None
        return int(row[0])

    def attempts(self, delivery_id: UUID) -> list[AttemptView]:
        """The calls made for it."""
        with db.tenant(self.shop.id):
            return attempts(self.shop.id, delivery_id)

    def outcomes(self, delivery_id: UUID) -> list[str]:
        """How its calls ended."""
        return [attempt.outcome for attempt in self.attempts(delivery_id)]

    def touchpoints(self, delivery_id: UUID) -> list[tuple[str, dict[str, Any]]]:
        """What the timeline says of it."""
        return [
            (row[0], row[1])
            for row in self.owner.execute(
                "SELECT kind, facts FROM timeline_touchpoint WHERE about_id = %s ORDER BY id", [delivery_id]
            )
        ]

    def kinds(self, delivery_id: UUID) -> list[str]:
        """The kinds of its touchpoints."""
        return [kind.removeprefix("delivery.") for kind, _ in self.touchpoints(delivery_id)]


def turn_until(sender: Sender, done: Callable[[], bool], patience: float = 90.0) -> None:
    """Take turns until something is so."""
    end = time.monotonic() + patience
    while not done():
        assert time.monotonic() < end, "it took too long"
        sender.bell.clear()
        wait = sender.step()
        if wait and not done():
            sender.bell.wait(min(wait, 0.2))


class Working:
    """A sender at work in a thread of its own."""

    def __init__(self, sender: Sender) -> None:
        self.sender = sender
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=sender.run, args=(self._stopping,))

    def __enter__(self) -> Sender:
        self._thread.start()
        return self.sender

    def __exit__(self, *_: object) -> None:
        self._stopping.set()
        self.sender.bell.set()
        self._thread.join(30)
        assert not self._thread.is_alive()
