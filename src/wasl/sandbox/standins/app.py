"""Three push services, as they look from outside: one for browsers, Firebase Cloud Messaging and Apple's. What they
take is a notification on the customer's phone.

Source: RFC 8030 (5, 7, 8.4), RFC 8292 (4.2); Google, "REST Resource: projects.messages", "ErrorCode"; Apple, "Sending
notification requests to APNs", "Handling notification responses from APNs".
"""

import json
import time
from collections.abc import Mapping, Sequence
from typing import Any

from django.utils.translation import gettext_noop as _
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import BaseRoute, Route

from wasl.channels.app.settings import Apple, Firebase, NotSet, apple, firebase
from wasl.channels.port import Settings
from wasl.kit.clock import now
from wasl.sandbox import forms
from wasl.sandbox.chats import End, Item, Who
from wasl.sandbox.network import Mode, Rule
from wasl.sandbox.standins import Standin, _push
from wasl.sandbox.world import Act, World

NAME = "app"
LARGEST = 4096
"""Bytes of a body that the services take."""


def routes(world: World) -> Sequence[BaseRoute]:
    """`/push/…` of browsers, `/tokens` and `/v1/…` of Google's, `/3/…` of Apple's."""
    api = _Api(world)
    return [
        Route("/push/{digits:int}", api.web, methods=["POST"]),
        Route("/tokens", api.tokens, methods=["POST"]),
        Route("/v1/projects/{project}/messages:send", api.fcm, methods=["POST"]),
        Route("/3/device/{token}", api.apns, methods=["POST"]),
    ]


def _settings(end: End) -> Settings:
    return Settings(end.address, end.config, end.secrets, private=True)


class _Api:
    def __init__(self, world: World) -> None:
        self._world = world

    def _ends(self) -> list[End]:
        return self._world.ends.all(NAME)

    async def _show(
        self, end: End, digits: str, id_: str, title: str, text: str, answer: Response, refuse: Any
    ) -> Response:
        thread = self._world.thread(end, Who(digits))
        before = self._world.chats.item(thread, id_)
        item = Item(id_, now().timestamp(), False, text or title, "notice")
        if before:  # the same again takes the place of the one before
            item = Item(f"{id_} {now().timestamp()}", item.at, False, item.text, item.kind)
            self._world.chats.change(thread, before.id, gone=True)
        return await self._world.take(end, digits, item, answer, receipt=lambda *_: None, refuse=refuse)

    # Browsers ------------------------------------------------------------------------------------------------

    async def web(self, request: Request) -> Response:
        """A browser's address."""
        digits, body = str(request.path_params["digits"]), await request.body()
        origin = f"http://{request.headers.get('host', '')}"
        if not _push.is_vapid(request.headers.get("authorization", ""), origin):
            return Response("VAPID public key mismatch", 403)
        if not request.headers.get("ttl", "").isdigit():
            return Response("TTL is missing", 400)
        if len(body) > LARGEST:
            return Response("the record is too large", 413)
        try:
            said = _push.opened(digits, body)
        except ValueError as error:
            return Response(str(error), 400)
        end = next(iter(self._ends()), None)
        if end is None:
            return Response("nobody subscribed here", 410)
        answer = Response(status_code=201, headers={"Location": f"{origin}/m/{said['tag']}"})
        return await self._show(end, digits, said["tag"], said["title"], said["body"], answer, refuse_web)

    # Google --------------------------------------------------------------------------------------------------

    def _account(self, wanted: Mapping[str, str]) -> tuple[End, Firebase] | None:
        for end in self._ends():
            try:
                known = firebase(_settings(end))
            except NotSet:
                continue
            if all(getattr(known, name) == value for name, value in wanted.items()):
                return end, known
        return None

    async def tokens(self, request: Request) -> Response:
        """An access token for a signed claim."""
        form = (await forms.read(request)).fields
        for end in self._ends():
            try:
                known = firebase(_settings(end))
            except NotSet:
                continue
            if _push.is_assertion(form.get("assertion", ""), known):
                said = {
                    "access_token": _push.access_token(known),
                    "expires_in": 3599,
                    "token_type": "Bearer",
                }
                return JSONResponse(said)
        said = {"error": "invalid_grant", "error_description": "Invalid JWT Signature."}
        return JSONResponse(said, 400)

    async def fcm(self, request: Request) -> Response:
        """Send a message."""
        found = self._account({"project": request.path_params["project"]})
        if found is None:
            return _google(404, "NOT_FOUND", "There is no such project.")
        end, known = found
        if request.headers.get("authorization") != f"Bearer {_push.access_token(known)}":
            return _google(401, "UNAUTHENTICATED", "Request had invalid authentication credentials.")
        try:
            asked = json.loads(await request.body())
            message = asked["message"]
            token, shown = str(message["token"]), message.get("notification", {})
        except (ValueError, KeyError, TypeError):
            return _google(400, "INVALID_ARGUMENT", "Invalid JSON payload received.")
        kind, _, digits = token.partition(":")
        if kind != "phone" or not digits.isdigit():
            text = "The registration token is not a valid FCM registration token"
            return _google(400, "INVALID_ARGUMENT", text, "INVALID_ARGUMENT", "message.token")
        name = f"projects/{known.project}/messages/{time.time_ns()}"
        answer = JSONResponse({"name": name})
        if asked.get("validate_only"):
            return answer
        id_ = str(message.get("data", {}).get("wasl") or name)
        title, text = str(shown.get("title", "")), str(shown.get("body", ""))
        return await self._show(end, digits, id_, title, text, answer, refuse_google)

    # Apple ---------------------------------------------------------------------------------------------------

    def _app(self, topic: str) -> tuple[End, Apple] | None:
        for end in self._ends():
            try:
                known = apple(_settings(end))
            except NotSet:
                continue
            if known.topic == topic:
                return end, known
        return None

    async def apns(self, request: Request) -> Response:
        """Ring a device. HTTP/2 only."""
        token, body = request.path_params["token"], await request.body()
        if request.scope["http_version"] != "2":
            return Response(status_code=505)
        found = self._app(request.headers.get("apns-topic", ""))
        if found is None or not _push.is_apples(request.headers.get("authorization", ""), found[1]):
            return _apple(403, "InvalidProviderToken")
        if len(body) > LARGEST:
            return _apple(413, "PayloadTooLarge")
        digits = token.lstrip("0")
        if len(token) != 64 or not digits.isdigit():
            return _apple(400, "BadDeviceToken")
        try:
            alert = json.loads(body)["aps"]["alert"]
        except (ValueError, KeyError, TypeError):
            return _apple(400, "PayloadEmpty")
        id_ = request.headers.get("apns-id", "")
        answer = Response(status_code=200, headers={"apns-id": id_})
        return await self._show(found[0], digits, id_, alert["title"], alert["body"], answer, refuse_apple)


def refuse_web(rule: Rule) -> Response:
    """A browser's push service, in each mode in which it refuses."""
    status = {Mode.REFUSE_NOW: 503, Mode.REFUSE: 410, Mode.RATE_LIMIT: 429, Mode.RATE_LIMIT_WAIT: 429}
    return Response(status_code=status.get(rule.mode, 500), headers=_wait(rule))


def refuse_google(rule: Rule) -> Response:
    """Firebase in each mode in which it refuses."""
    match rule.mode:
        case Mode.REFUSE_NOW:
            return _google(503, "UNAVAILABLE", "The service is currently unavailable.", headers=_wait(rule))
        case Mode.REFUSE:
            return _google(404, "NOT_FOUND", "Requested entity was not found.", "UNREGISTERED")
        case Mode.RATE_LIMIT | Mode.RATE_LIMIT_WAIT:
            text = "Quota exceeded for quota metric."
            return _google(429, "RESOURCE_EXHAUSTED", text, "QUOTA_EXCEEDED", headers=_wait(rule))
    return _google(500, "INTERNAL", "Internal error encountered.", "INTERNAL")


def refuse_apple(rule: Rule) -> Response:
    """Apple in each mode in which it refuses."""
    match rule.mode:
        case Mode.REFUSE_NOW:
            return _apple(503, "ServiceUnavailable", _wait(rule))
        case Mode.REFUSE:
            return JSONResponse({"reason": "Unregistered", "timestamp": int(time.time() * 1000)}, 410)
        case Mode.RATE_LIMIT | Mode.RATE_LIMIT_WAIT:
            return _apple(429, "TooManyRequests", _wait(rule))
    return _apple(500, "InternalServerError")


def _wait(rule: Rule) -> dict[str, str]:
    return {"Retry-After": str(int(rule.wait))} if rule.mode == Mode.RATE_LIMIT_WAIT else {}


def _apple(status: int, reason: str, headers: Mapping[str, str] | None = None) -> Response:
    return JSONResponse({"reason": reason}, status, headers)


def _google(
    status: int,
    name: str,
    message: str,
    code: str = "",
    field: str = "",
    *,
    headers: Mapping[str, str] | None = None,
) -> Response:
    kind = "type.googleapis.com/google"
    details: list[dict[str, Any]] = []
    if code:
        details.append({"@type": f"{kind}.firebase.fcm.v1.FcmError", "errorCode": code})
    if field:
        broken = [{"field": field, "description": message}]
        details.append({"@type": f"{kind}.rpc.BadRequest", "fieldViolations": broken})
    error = {"code": status, "message": message, "status": name} | ({"details": details} if details else {})
    return JSONResponse({"error": error}, status, headers)


def read(world: World, end: End, who: Who, _: Act) -> None:
    """A customer looks at their notifications; nobody is told of it."""
    thread = world.thread(end, who)
    for item in world.unread(thread):
        world.chats.change(thread, item.id, state="read")


STANDIN = Standin(
    channel=NAME,
    label=_("Notifications"),
    acts={"read": read},
    files=False,
    routes=routes,
)
"""Its inbox needs keys of Google’s and Apple’s kind, which the demo makes."""
