"""Mail for tests: made, stored as a door stores it, understood as the worker does."""

import asyncio
import io
import itertools
from datetime import datetime
from email.message import EmailMessage
from typing import Any
from uuid import UUID

import psycopg

from tests.worlds import Shop
from wasl.channels.models import Inbox
from wasl.conversations import understand
from wasl.intake.store import Raw, mail_dedupe_key, put_aside, store
from wasl.kit.clock import now
from wasl.kit.db import conninfo, pool

_number = itertools.count(1)


def mail(
    text: str = "Bonjour",
    *,
    sender: str = "Camille Moreau <camille@atelier.example>",
    to: str = "support@dar-zaytun.example",
    subject: str = "Facture",
    **headers: str,
) -> bytes:
    """A simple mail; keyword arguments become headers (In_Reply_To → In-Reply-To)."""
    message = EmailMessage()
    message["From"], message["To"], message["Subject"] = sender, to, subject
    headers.setdefault("Message_ID", f"<m{next(_number)}@customer.example>")
    for name, value in headers.items():
        message[name.replace("_", "-")] = value
    message.set_content(text)
    return message.as_bytes()


def receive(
    shop: Shop, *raws: bytes, to: str = "support@dar-zaytun.example", inbox: Inbox | None = None,
    at: datetime | None = None,
) -> list[UUID]:  # fmt: skip
    """Store mails for an inbox (the shop's mail inbox unless told otherwise); the ids of their messages."""
    inbox = inbox or shop.mail
    at = at or now()

    def payload(raw: bytes) -> Raw:
        if inbox.channel != "email":
            return Raw(inbox.id, inbox.channel, raw, str(next(_number)).encode(), {}, received_at=at)
        dedupe = mail_dedupe_key(io.BytesIO(raw), at)
        made = Raw(inbox.id, "email", raw, dedupe, {"from": "", "to": [to]}, received_at=at)
        return put_aside(shop.id, made)

    async def go() -> list[UUID]:
        async with await psycopg.AsyncConnection.connect(
            conninfo("app", "test door"), autocommit=True
        ) as conn:
            return [s.id for s in await store(conn, shop.id, [payload(raw) for raw in raws])]

    return asyncio.run(go())


def work(limit: int = 500) -> int:
    """Understand everything that waits; how many payloads that were."""
    done = 0
    while True:
        with pool("queue", "test", 8).connection() as conn:
            taken = understand.step(conn, limit)
        if not taken:
            return done
        done += taken


def take(shop: Shop, *raws: bytes, **options: Any) -> list[UUID]:
    """Receive and understand."""
    ids = receive(shop, *raws, **options)
    work()
    return ids
