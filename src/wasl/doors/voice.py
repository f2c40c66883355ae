"""The door for telephone calls: `/hooks/voice/<inbox>` and its steps.

Other webhooks are acknowledged; this one is answered with what the provider is to do next. What it says is durable
before we answer, and the answer does not wait for the worker.
"""

import asyncio
import logging
from dataclasses import replace

import psycopg
from django.conf import settings
from psycopg_pool import PoolTimeout
from starlette.routing import Route
from starlette.types import Receive, Scope, Send

from wasl.calls import answering
from wasl.channels.port import Channel
from wasl.channels.port import Request as Came
from wasl.channels.port import Settings as Inbox
from wasl.channels.voice.hook import told
from wasl.doors import asgi, hooks
from wasl.doors.desk import Desk
from wasl.doors.hooks import Place
from wasl.kit.problem import Problem

log = logging.getLogger(__name__)


class Door(hooks.Door):
    """An ASGI endpoint."""

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        scope["path_params"]["channel"] = "voice"
        await super().__call__(scope, receive, send)

    async def _take(self, here: Desk, channel: Channel, place: Place, request: Came, send: Send) -> None:
        hook = channel.hook
        assert hook
        if not hook.genuine(request, place.settings):
            log.warning("a webhook for voice inbox %s was not signed by the provider", place.inbox_id)
            raise Problem("not-signed", "The signature is missing or wrong.")
        try:
            said = told(request)
        except ValueError as error:
            raise Problem("bad-request", "This is no webhook of a call.") from error
        try:
            document = await asyncio.to_thread(
                answering.answer, place.workspace_id, place.inbox_id, _known(place), said
            )
        except (psycopg.OperationalError, PoolTimeout) as error:
            raise Problem(
                "not-now", "The database cannot be reached just now.", headers={"Retry-After": "1"}
            ) from error
        await asgi.answer_as(send, "text/xml; charset=utf-8", document.encode())


def _known(place: Place) -> Inbox:
    """The inbox with the address at which the provider goes on."""
    base = settings.ENV.public_url.rstrip("/")
    return replace(place.settings, webhook=f"{base}/hooks/voice/{place.inbox_id}")


_door = Door()
routes = [
    Route("/hooks/voice/{inbox}", _door, name="voice"),
    Route("/hooks/voice/{inbox}/{step}", _door, name="voice_step"),
]
