"""The door for providers' webhooks: `/hooks/<channel>/<inbox>`.

Is it the provider, what does it bring, store it, say 200. Everything is durable when we say so, and what it means is
worked out afterwards. What is signed and makes no sense is kept whole, in quarantine.
"""

import asyncio
import logging
import time
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, LiteralString
from urllib.parse import parse_qsl
from uuid import UUID

from django.conf import settings
from starlette.routing import Route
from starlette.types import Receive, Scope, Send

from wasl.channels.port import Channel, Hook, Settings
from wasl.channels.port import Request as Came
from wasl.channels.registry import channels
from wasl.channels.secret import unseal_all
from wasl.doors import asgi, chat_asks, desk
from wasl.doors.desk import Desk
from wasl.doors.refusals import Refusals
from wasl.intake.slips import payloads, whole
from wasl.intake.store import INLINE, Raw, put_aside
from wasl.kit.memory import Pace
from wasl.kit.problem import Problem

log = logging.getLogger(__name__)

REMEMBERED = 5.0
"""Seconds for which an inbox's settings are believed."""
_ENTRIES = 2000
_searches: Pace[str] = Pace(5.0, 100)
"""How fast the database is asked from one address of the network for webhooks that there are not."""
_QUESTION: LiteralString = (
    "SELECT workspace_id, inbox_id, address, config, secret FROM wasl_hook_inboxes(%b, %b)"
)


@dataclass(frozen=True, slots=True)
class Place:
    """The inbox that a webhook's address names, and its neighbours on the same channel by address."""

    workspace_id: UUID
    inbox_id: UUID
    settings: Settings
    neighbours: Mapping[str, UUID]


class Door:
    """An ASGI endpoint."""

    def __init__(self) -> None:
        self._known: dict[tuple[str, UUID], tuple[float, Place | None]] = {}
        self._refusals = Refusals()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        await asgi.guarded(self._answer, scope, receive, send, "a webhook could not be taken")

    async def _answer(self, scope: Scope, receive: Receive, send: Send) -> None:
        channel = channels().get(scope["path_params"]["channel"])
        here = await desk.of_this_loop()
        place = await self._place(here, channel, scope) if channel else None
        if channel is None or channel.hook is None or place is None:
            raise Problem("not-found", "There is no webhook at this address.")
        if scope["method"] == "POST":
            body = await asgi.body(receive, here.spool)
            if isinstance(body, bytes):
                await self._take(here, channel, place, _request(scope, body), send)
                return
            try:
                async with here.heavy:
                    content = await asyncio.to_thread(body.file.read)
                    await self._take(here, channel, place, _request(scope, content), send)
            finally:
                body.close()
            return
        if scope["method"] not in ("GET", "HEAD"):
            raise Problem("wrong-method", "Webhooks are posted here.", headers={"Allow": "GET, HEAD, POST"})
        said = channel.hook.challenge(_request(scope, b""), place.settings)
        if said is None:
            raise Problem("not-allowed", "This is not the verify token that Wasl made for the inbox.")
        # Some providers want the bare text back, some an object.
        kind = "application/json" if said.startswith("{") else "text/plain; charset=utf-8"
        await asgi.answer_as(send, kind, said.encode())

    async def _take(self, here: Desk, channel: Channel, place: Place, request: Came, send: Send) -> None:
        hook = channel.hook
        assert hook
        if not hook.genuine(request, place.settings):
            self._refusals.add(here, place.workspace_id, place.inbox_id)
            raise Problem("not-signed", "The signature is missing or wrong.")
        brought = _payloads(channel.name, hook, place, request)
        if any(len(each.content) > INLINE for each in brought):
            brought = await asyncio.to_thread(
                lambda: [put_aside(place.workspace_id, each) for each in brought]
            )
        await here.store(place.workspace_id, brought)
        kind, said = channel.said(request) if callable(channel.said) else channel.said
        await asgi.answer_as(send, kind, said)

    async def _place(self, here: Desk, channel: Channel, scope: Scope) -> Place | None:
        try:
            key = (channel.name, UUID(scope["path_params"]["inbox"]))
        except ValueError:
            return None
        found = self._known.get(key)
        if found and found[0] > time.monotonic():
            return found[1]
        who = chat_asks.address(scope)
        if wait := _searches.wait(who):
            after = {"Retry-After": str(max(1, round(wait + 0.5)))}
            raise Problem("too-many", "Too many webhooks were asked for that there are not.", headers=after)
        place = _read(await here.rows(_QUESTION, list(key)))
        if place is None:
            _searches.take(who)
        if len(self._known) >= _ENTRIES:
            self._known.clear()
        self._known[key] = (time.monotonic() + REMEMBERED, place)
        return place


def _read(rows: list[tuple[Any, ...]]) -> Place | None:
    if not rows:
        return None
    workspace_id, inbox_id, address, config, sealed = rows[0]
    secrets = unseal_all(workspace_id, inbox_id, sealed)
    known = Settings(address, config, secrets, private=settings.ENV.private_servers)
    return Place(workspace_id, inbox_id, known, {row[2]: row[1] for row in reversed(rows)})


def _request(scope: Scope, body: bytes) -> Came:
    query = scope["query_string"].decode("latin-1")
    path = scope["path"] + (f"?{query}" if query else "")
    return Came(
        method=scope["method"],
        url=settings.ENV.public_url.rstrip("/") + path,
        query=dict(parse_qsl(query, keep_blank_values=True)),
        headers={name.decode("latin-1"): value.decode("latin-1") for name, value in scope["headers"]},
        body=body,
    )


def _payloads(name: str, hook: Hook, place: Place, request: Came) -> list[Raw]:
    """One for each thing it brings; what makes no sense is kept whole."""
    try:
        slips = hook.split(request)
    except (ValueError, RecursionError) as error:
        return [whole(name, place.inbox_id, request.body, str(error))]
    return payloads(name, place.inbox_id, slips, place.neighbours)


routes = [Route("/hooks/{channel}/{inbox}", Door(), name="hook")]
