"""The API's Django part, put together."""

from typing import Any

import msgspec
from django.http import HttpRequest
from ninja import NinjaAPI
from ninja.renderers import BaseRenderer

from wasl.api import errors
from wasl.api.gate import Decoded, gate
from wasl.api.views import callbacks, conversations, customers, log, messages, orders, webhooks

DESCRIPTION = """\
Everything a business and its customers say to each other, for programs.

Every request carries a token: `Authorization: Bearer wasl_…`. A token belongs to one workspace and has a role; what
it may not see is not there for it (404). Bodies and answers are JSON in UTF-8; times are RFC 3339 with an offset.
Whatever goes wrong is answered as `application/problem+json` (RFC 9457), in words that say what to do.

A POST may carry an `Idempotency-Key`. The same request under the same key is done once and answered alike each time;
another request under the same key is refused (422). Lists come in pages: follow `next`, or the header `Link`, until
there is none.
"""


class Json(BaseRenderer):
    """Answers are written by what writes those of the native doors."""

    media_type = "application/json"

    def render(self, request: HttpRequest, data: Any, *, response_status: int) -> bytes:
        """The bytes of an answer."""
        return msgspec.json.encode(data)


api = NinjaAPI(
    title="Wasl",
    version="1",
    description=DESCRIPTION,
    openapi_url=None,
    docs_url=None,
    parser=Decoded(),
    renderer=Json(),
    urls_namespace="api-v1",
)
api.add_decorator(gate, mode="view")
errors.install(api)
for router in (
    conversations.router,
    messages.router,
    customers.router,
    orders.router,
    callbacks.router,
    webhooks.router,
    log.router,
):
    api.add_router("", router)
