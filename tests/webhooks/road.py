"""The way of an event from the timeline to a receiver, step by step."""

import time
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from tests.worlds import Shop
from wasl.kit.clock import now
from wasl.kit.db import pool, tenant
from wasl.timeline.follow import run_once
from wasl.webhooks import actions, follow
from wasl.webhooks.claim import Key
from wasl.webhooks.events import CREATED
from wasl.webhooks.models import Call, Endpoint, Try
from wasl.webhooks.work import Caller


class Road:
    """`ahead` moves the worker's clock; `off` are the endpoints it switched off."""

    def __init__(self, shop: Shop, size: int = 8, timeout: float = 2.0) -> None:
        self.shop = shop
        self.ahead = timedelta(0)
        self.off: list[tuple[Key, str]] = []
        self.caller = self.worker(size, timeout)

    def worker(self, size: int = 8, timeout: float = 2.0, *, private: bool = True) -> Caller:
        """Another worker."""
        return Caller(
            lambda: pool("queue", "test", 8),
            size=size,
            private=private,
            timeout=timeout,
            on_off=lambda key, why: self.off.append((key, str(why))),
            clock=self.now,
            dice=lambda: 0.5,
        )

    def now(self) -> datetime:
        """The worker's present."""
        return now() + self.ahead

    def endpoint(self, url: str, *kinds: str) -> tuple[Endpoint, str]:
        """A new endpoint, and its secret."""
        return actions.create(self.shop.actor("admin"), url, "", kinds or (CREATED,))

    def follow(self) -> None:
        """Let the follower read to the end."""
        with pool("queue", "test", 8).connection() as conn:
            while run_once(conn, follow.FOLLOWER):
                pass

    def work(self, caller: Caller | None = None) -> None:
        """Turns until nothing is due and nothing under way."""
        caller = caller or self.caller
        end = time.monotonic() + 90
        while caller.step() < 0.06:
            assert time.monotonic() < end, "it does not come to rest"

    def go(self) -> None:
        """Follow, and work."""
        self.follow()
        self.work()

    def calls(self, endpoint: Endpoint | None = None) -> list[Call]:
        """The calls, oldest first."""
        with tenant(self.shop.id):
            found = Call.objects.order_by("created_at", "id")
            return list(found.filter(endpoint=endpoint) if endpoint else found)

    def tries(self, call_id: UUID) -> list[Try]:
        """The tries of a call, oldest first."""
        with tenant(self.shop.id):
            return list(Try.objects.filter(call_id=call_id).order_by("at", "id"))

    def seen(self, endpoint: Endpoint) -> Endpoint:
        """The endpoint as it is now."""
        with tenant(self.shop.id):
            return Endpoint.objects.get(id=endpoint.id)


def until(what: Callable[[], Any], seconds: float = 90) -> None:
    """Wait for something to become true."""
    end = time.monotonic() + seconds
    while not what():
        assert time.monotonic() < end, "it did not happen"
        time.sleep(0.02)
