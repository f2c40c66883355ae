"""A shop whose messages are searchable."""

from typing import Any
from uuid import UUID

from tests.inbound import mail, take
from tests.worlds import Shop
from wasl.conversations import indexing
from wasl.conversations.asking import read
from wasl.conversations.searching import Found, search
from wasl.kit.db import pool, tenant
from wasl.timeline.follow import run_once


def follow() -> None:
    """Let the follower read everything."""
    with pool("queue", "test", 8).connection() as conn:
        while run_once(conn, indexing.FOLLOWER):
            pass


def arrive(shop: Shop, *raws: bytes, **options: Any) -> list[UUID]:
    """Mails received, understood and searchable; the ids of their messages."""
    ids = take(shop, *raws, **options)
    follow()
    return ids


def letter(text: str, who: str = "camille", **more: str) -> bytes:
    """A mail from somebody at atelier.example."""
    more.setdefault("sender", f"{who.title()} Moreau <{who}@atelier.example>")
    return mail(text, **more)


def find(shop: Shop, text: str, role: str = "agent", **options: Any) -> Found:
    """A search as the agent of that role."""
    actor = shop.actor(role)
    with tenant(shop.id):
        return search(actor, read(text), **options)


def found(shop: Shop, text: str, role: str = "agent") -> set[UUID]:
    """The messages found."""
    return {hit.message_id or hit.id for hit in find(shop, text, role).rows}
