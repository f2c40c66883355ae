"""The Graph API's Send API for Messenger and Instagram, as it looks from outside, and its webhooks.

Source: Meta for Developers, "Messenger Platform: Send API, Attachment Upload API, Webhook events, Error codes",
"Instagram Platform: Webhooks, messaging".
"""

import base64
import json
import os
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import BaseRoute, Route

from wasl.kit.clock import now
from wasl.sandbox import forms
from wasl.sandbox.chats import End, Item, Option, Thread, Who
from wasl.sandbox.courier import Webhook
from wasl.sandbox.network import Mode, Rule
from wasl.sandbox.standins import Standin
from wasl.sandbox.standins._whatsapp_phone import signed
from wasl.sandbox.world import Act, Doing, State, World

WINDOW, LATE = 24 * 3600.0, 7 * 24 * 3600.0
QUICK, TITLE = 13, 20
Acts = Mapping[Doing, Callable[[World, End, Who, Act], None]]


@dataclass(frozen=True, slots=True)
class Platform:
    """In what the two differ. `watermarks`: deliveries are told, and reading by the moment up to which."""

    name: str
    object_: str
    most: int
    in_bytes: bool
    watermarks: bool


MESSENGER = Platform("messenger", "page", 2000, in_bytes=False, watermarks=True)
INSTAGRAM = Platform("instagram", "instagram", 1000, in_bytes=True, watermarks=False)
PLATFORMS = {each.name: each for each in (MESSENGER, INSTAGRAM)}


class Refused(Exception):
    """A call that is turned away."""

    def __init__(self, code: int, message: str, subcode: int = 0, status: int = 400) -> None:
        super().__init__(message)
        self.code, self.subcode, self.status = code, subcode, status


def _error(code: int, message: str, status: int, subcode: int = 0, wait: float | None = None) -> Response:
    said: dict[str, Any] = {"message": f"(#{code}) {message}", "type": "OAuthException", "code": code}
    said |= {"error_subcode": subcode} if subcode else {}
    headers = {} if wait is None else {"Retry-After": str(int(wait))}
    return JSONResponse({"error": said | {"fbtrace_id": "Asandbox"}}, status, headers)


def refuse(rule: Rule) -> Response:
    """The API's answer in each mode in which it refuses."""
    match rule.mode:
        case Mode.REFUSE_NOW:
            return _error(1200, "Temporary send message failure. Please try again later.", 400)
        case Mode.REFUSE:
            return _error(551, "This person isn't available right now.", 400, 1545041)
        case Mode.RATE_LIMIT:
            return _error(613, "Calls to this api have exceeded the rate limit.", 429)
        case Mode.RATE_LIMIT_WAIT:
            return _error(613, "Calls to this api have exceeded the rate limit.", 429, 0, rule.wait)
        case _:
            return Response("<html>Sorry, something went wrong.</html>", 500, media_type="text/html")


def routes(platform: Platform) -> Callable[[World], Sequence[BaseRoute]]:
    """`/{version}/me/messages` and the others."""

    def made(world: World) -> Sequence[BaseRoute]:
        api = _Api(world, platform)
        return [
            Route("/cdn/{media}/{name}", api.download),
            Route("/{version}/{page}/messages", api.messages, methods=["POST"]),
            Route("/{version}/{page}/message_attachments", api.upload, methods=["POST"]),
            Route("/{version}/{page}/subscribed_apps", api.apps),
            Route("/{version}/{page}", api.page),
        ]

    return made


class _Api:
    def __init__(self, world: World, platform: Platform) -> None:
        self._world, self._platform = world, platform

    def _end(self, request: Request) -> End:
        token = request.headers.get("authorization", "").removeprefix("Bearer ")
        token = request.query_params.get("access_token", "") or token
        for end in self._world.ends.all(self._platform.name):
            if token and end.secrets.get("access_token") == token:
                page = request.path_params["page"]
                if page in ("me", end.address):
                    return end
                raise Refused(100, f"Object with ID '{page}' does not exist", 33)
        raise Refused(190, "Invalid OAuth access token.", status=401)

    async def messages(self, request: Request) -> Response:
        """Send a message, or say that theirs was seen."""
        try:
            end = self._end(request)
            try:
                body = json.loads(await request.body())
            except ValueError as error:
                raise Refused(100, "The body is not JSON") from error
            to = str((body.get("recipient") or {}).get("id") or "")
            thread = Thread(self._platform.name, end.address, to)
            if not any(each.theirs for each in self._world.chats.items(thread)):
                raise Refused(100, "No matching user found", 2018001)
            if action := body.get("sender_action"):
                return self._act(thread, str(action), body.get("payload") or {})
            return await self._send(end, thread, body)
        except Refused as error:
            return _error(error.code, str(error), error.status, error.subcode)

    def _act(self, thread: Thread, action: str, payload: Mapping[str, Any]) -> Response:
        if action == "mark_seen":
            for item in self._world.chats.items(thread):
                if item.theirs and item.state != "read":
                    self._world.chats.change(thread, item.id, state="read")
        elif action in ("react", "unreact"):
            emoji = "❤️" if action == "react" else ""
            self._world.chats.change(thread, str(payload.get("message_id")), ours=emoji)
        return JSONResponse({"recipient_id": thread.person})

    async def _send(self, end: End, thread: Thread, body: Mapping[str, Any]) -> Response:
        self._allowed(thread, body)
        message = body.get("message") or {}
        quoted = str((body.get("reply_to") or {}).get("mid") or "")
        item = self._item(message, quoted)
        answer = JSONResponse({"recipient_id": thread.person, "message_id": item.id})
        return await self._world.take(
            end, thread.person, item, answer, refuse=refuse,
            receipt=lambda item, state: receipt(self._platform, end, thread.person, item, state),
        )  # fmt: skip

    def _allowed(self, thread: Thread, body: Mapping[str, Any]) -> None:
        """Within a day anything; within a week what a person writes."""
        last = max(each.at for each in self._world.chats.items(thread) if each.theirs)
        human = body.get("messaging_type") == "MESSAGE_TAG" and body.get("tag") == "HUMAN_AGENT"
        if now().timestamp() - last > (LATE if human else WINDOW):
            raise Refused(10, "This message is sent outside of allowed window.", 2018278)

    def _item(self, message: Mapping[str, Any], quoted: str) -> Item:
        text, files = str(message.get("text") or ""), tuple[str, ...]()
        length = len(text.encode()) if self._platform.in_bytes else len(text)
        if length > self._platform.most:
            raise Refused(
                100, f"Length of param message[text] must be less than or equal to {self._platform.most}"
            )
        attachment = message.get("attachment") or {}
        kind = "text"
        if attachment:
            kept = self._world.files.get(str((attachment.get("payload") or {}).get("attachment_id")))
            if kept is None:
                raise Refused(100, "The attachment id is not valid", 2018074)
            kind, files = str(attachment.get("type")), (kept.id,)
        elif not text:
            raise Refused(100, "The message must have text or an attachment")
        options = tuple(
            Option(str(each.get("payload") or ""), str(each.get("title") or ""))
            for each in message.get("quick_replies") or ()
        )
        if len(options) > QUICK or any(not 1 <= len(each.title) <= TITLE for each in options):
            raise Refused(100, "Invalid quick replies")
        return Item(
            new_id(), now().timestamp(), False, text, kind, files, options, answers=quoted,
            data=str(message.get("metadata") or ""),
        )  # fmt: skip

    async def upload(self, request: Request) -> Response:
        """Keep a file; its id."""
        try:
            self._end(request)
            form = await forms.read(request)
            file = form.files.get("filedata")
            if file is None or "message" not in form.fields:
                raise Refused(100, "filedata and message are required")
            kept = self._world.files.put(file.content, file.content_type, file.filename)
            return JSONResponse({"attachment_id": kept})
        except Refused as error:
            return _error(error.code, str(error), error.status, error.subcode)

    async def download(self, request: Request) -> Response:
        """A file that a customer sent: whoever knows the address may have it."""
        kept = self._world.files.get(request.path_params["media"])
        return Response(kept.read(), media_type=kept.content_type) if kept else Response(status_code=404)

    async def apps(self, request: Request) -> Response:
        """What the app is told of."""
        try:
            self._end(request)
        except Refused as error:
            return _error(error.code, str(error), error.status, error.subcode)
        fields = ["messages", "message_echoes", "message_deliveries", "message_reads", "message_reactions"]
        return JSONResponse({"data": [{"id": "1", "name": "Wasl", "subscribed_fields": fields}]})

    async def page(self, request: Request) -> Response:
        """The page or the account."""
        try:
            end = self._end(request)
        except Refused as error:
            return _error(error.code, str(error), error.status, error.subcode)
        about: dict[str, Any] = {"id": end.address, "name": end.name}
        if self._platform.name == "instagram":
            account = {"id": end.address, "username": "dar.zaytun"}
            about = {"id": f"1{end.address}", "name": end.name, "instagram_business_account": account}
        return JSONResponse(about)


def new_id() -> str:
    """An id of a message."""
    return "m_" + base64.urlsafe_b64encode(os.urandom(33)).decode()


def webhook(
    platform: Platform, end: End, person: str, event: Mapping[str, Any], *, ours: bool = False
) -> Webhook:
    """One messaging event, signed with the app's secret. `ours`: the business did it."""
    at = int(now().timestamp() * 1000)
    sender, recipient = (
        ({"id": end.address}, {"id": person}) if ours else ({"id": person}, {"id": end.address})
    )
    told = {"sender": sender, "recipient": recipient, "timestamp": at, **event}
    body = json.dumps(
        {"object": platform.object_, "entry": [{"id": end.address, "time": at, "messaging": [told]}]}
    ).encode()
    return Webhook(platform.name, person, end.webhook, body, signed(body, end.secrets.get("app_secret", "")))


def receipt(platform: Platform, end: End, to: str, item: Item, state: State) -> Webhook | None:
    """An echo when it was taken; Messenger says as well that it arrived. That it failed nobody says."""
    if state == "sent":
        echo: dict[str, Any] = {"mid": item.id, "is_echo": True, "app_id": 1, "text": item.text}
        echo |= {"metadata": item.data} if item.data else {}
        return webhook(platform, end, to, {"message": echo}, ours=True)
    if state == "delivered" and platform.watermarks:
        told = {"mids": [item.id], "watermark": int(item.at * 1000)}
        return webhook(platform, end, to, {"delivery": told})
    return None


def _tell(world: World, end: End, who: Who, event: Mapping[str, Any], item: Item | None = None) -> None:
    made = webhook(PLATFORMS[end.channel], end, who.address, event)
    if item is None:
        world.courier.send(made)
    else:
        world.write(end, who, item, made)


def _write(world: World, end: End, who: Who, act: Act) -> None:
    quoted = {"reply_to": {"mid": act.answers}} if act.answers else {}
    if act.text:
        item = Item(new_id(), now().timestamp(), True, act.text, answers=act.answers)
        _tell(world, end, who, {"message": {"mid": item.id, "text": act.text, **quoted}}, item)
    for kept in filter(None, map(world.files.get, act.files)):
        top = kept.content_type.partition("/")[0]
        kind = top if top in ("image", "video", "audio") else "file"
        item = Item(new_id(), now().timestamp(), True, "", kind, (kept.id,))
        base = str(end.config.get("base_url", "")).rstrip("/")
        url = f"{base}/cdn/{kept.id}/{kept.filename or kind}"
        attachment = {"type": kind, "payload": {"url": url}}
        _tell(world, end, who, {"message": {"mid": item.id, "attachments": [attachment]}}, item)


def _choose(world: World, end: End, who: Who, act: Act) -> None:
    thread = world.thread(end, who)
    asked = world.chats.item(thread, act.of)
    if option := next((each for each in asked.options if each.key == act.key), None) if asked else None:
        world.chats.change(thread, act.of, chosen=act.key)
        item = Item(new_id(), now().timestamp(), True, option.title, "choice")
        reply = {"mid": item.id, "text": option.title, "quick_reply": {"payload": act.key}}
        _tell(world, end, who, {"message": reply}, item)


def _react(world: World, end: End, who: Who, act: Act) -> None:
    world.chats.change(world.thread(end, who), act.of, yours=act.text)
    told = {"mid": act.of, "action": "react" if act.text else "unreact"}
    told |= {"reaction": "other", "emoji": act.text} if act.text else {}
    _tell(world, end, who, {"reaction": told})


def _delete(world: World, end: End, who: Who, act: Act) -> None:
    world.chats.change(world.thread(end, who), act.of, gone=True)
    _tell(world, end, who, {"message": {"mid": act.of, "is_deleted": True}})


def _read(world: World, end: End, who: Who, _: Act) -> None:
    thread = world.thread(end, who)
    seen, by_moment = world.unread(thread), PLATFORMS[end.channel].watermarks
    for item in seen:
        world.chats.change(thread, item.id, state="read")
        if not by_moment:
            _tell(world, end, who, {"read": {"mid": item.id}})
    if seen and by_moment:
        _tell(world, end, who, {"read": {"watermark": int(now().timestamp() * 1000)}})


_ACTS: Acts = {"write": _write, "choose": _choose, "react": _react, "read": _read}


def standin(platform: Platform, label: str, address: str, prefix: str) -> Standin:
    """The stand-in of one of the two: `prefix` makes a telephone number the id of a person there."""
    return Standin(
        channel=platform.name,
        label=label,
        acts=_ACTS if platform.watermarks else {**_ACTS, "delete": _delete},
        address_of=lambda number: f"{prefix}{number}",
        example={"address": address},
        routes=routes(platform),
    )
