"""Telegram's Bot API, as it looks from outside: with news asked for, or handed in.

Source: Telegram Bot API, "Making requests", "Getting updates", "Available methods", "ResponseParameters"; Telegram Bot
FAQ, "Broadcasting to users".
"""

import asyncio
import json
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import replace
from typing import Any

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import BaseRoute, Route

from wasl.kit.clock import now
from wasl.sandbox import forms
from wasl.sandbox.chats import End, Item, Option, Thread, Who
from wasl.sandbox.network import Mode, Rule
from wasl.sandbox.standins import Standin
from wasl.sandbox.standins._telegram_updates import ACTS, NAME, Bots, bot_id, update_message
from wasl.sandbox.world import World

TEXT, CAPTION, KEY = 4096, 1024, 64
LOOK = 0.2
"""Seconds after which a question that is held open looks for news again."""

FILES = {
    "sendPhoto": "photo", "sendDocument": "document", "sendVideo": "video", "sendAudio": "audio", "sendVoice": "voice",
}  # fmt: skip
_KINDS = {"photo": "image", "voice": "audio"}


class Refused(Exception):
    """A call that is turned away."""

    def __init__(self, code: int, description: str) -> None:
        super().__init__(description)
        self.code = code


def _error(code: int, description: str, wait: int | None = None) -> Response:
    said: dict[str, Any] = {"ok": False, "error_code": code, "description": description}
    if wait is not None:
        said["parameters"] = {"retry_after": wait}
    return JSONResponse(said, code)


def _fine(result: Any) -> Response:
    return JSONResponse({"ok": True, "result": result})


def refuse(rule: Rule) -> Response:
    """The API's answer in each mode in which it refuses."""
    match rule.mode:
        case Mode.REFUSE_NOW:
            return Response("<html>502 Bad Gateway</html>", 502, media_type="text/html")
        case Mode.REFUSE:
            return _error(403, "Forbidden: bot was blocked by the user")
        case Mode.RATE_LIMIT:
            return _error(429, "Too Many Requests")
        case Mode.RATE_LIMIT_WAIT:
            return _error(429, f"Too Many Requests: retry after {int(rule.wait)}", int(rule.wait))
        case _:
            return _error(500, "Internal Server Error")


def routes(world: World) -> Sequence[BaseRoute]:
    """`/bot<token>/<method>` and `/file/bot<token>/<path>`."""
    api = _Api(world)
    return [
        Route("/bot{token}/{method}", api.call, methods=["GET", "POST"]),
        Route("/file/bot{token}/{path:path}", api.file),
    ]


class _Api:
    def __init__(self, world: World) -> None:
        self._world, self._bots = world, Bots(world)
        self._methods: dict[str, Callable[[End, dict[str, Any]], Awaitable[Response]]] = {
            "getMe": self._me,
            "getUpdates": self._updates,
            "setWebhook": self._set,
            "deleteWebhook": self._delete,
            "getWebhookInfo": self._info,
            "sendMessage": self._message,
            "setMessageReaction": self._react,
            "getFile": self._path,
            "answerCallbackQuery": self._yes,
            "sendChatAction": self._yes,
        }

    def _end(self, request: Request) -> End:
        token = request.path_params["token"]
        for end in self._world.ends.all(NAME):
            if end.secrets.get("token") == token:
                return end
        raise Refused(401, "Unauthorized")

    async def call(self, request: Request) -> Response:
        """Any method, by GET or POST."""
        method = request.path_params["method"]
        try:
            end = self._end(request)
            data, file = await _read(request)
            if method in FILES:
                return await self._send_file(end, data, FILES[method], file)
            if method not in self._methods:
                raise Refused(404, "Not Found")
            return await self._methods[method](end, data)
        except Refused as error:
            return _error(error.code, str(error))

    async def file(self, request: Request) -> Response:
        """A file's bytes."""
        try:
            self._end(request)
        except Refused as error:
            return _error(error.code, str(error))
        kept = self._world.files.get(request.path_params["path"].rpartition("/")[2])
        return (
            Response(kept.read(), media_type="application/octet-stream") if kept else _error(404, "Not Found")
        )

    async def _me(self, end: End, _: dict[str, Any]) -> Response:
        return _fine({"id": bot_id(end), "is_bot": True, "first_name": end.name, "username": end.address})

    async def _updates(self, end: End, data: dict[str, Any]) -> Response:
        if self._bots.hook(end)[0]:
            raise Refused(409, "Conflict: can't use getUpdates method while webhook is active")
        offset, limit = int(data.get("offset") or 0), min(100, int(data.get("limit") or 100))
        self._bots.forget(end, offset)
        looks = int(min(50.0, float(data.get("timeout") or 0)) / LOOK)
        for _ in range(looks + 1):
            if found := self._bots.waiting(end)[:limit]:
                return _fine(found)
            await asyncio.sleep(LOOK if looks else 0)
        return _fine([])

    async def _set(self, end: End, data: dict[str, Any]) -> Response:
        self._bots.set(
            end, str(data.get("url") or ""), str(data.get("secret_token") or ""), data.get("allowed_updates")
        )
        return JSONResponse({"ok": True, "result": True, "description": "Webhook was set"})

    async def _delete(self, end: End, _: dict[str, Any]) -> Response:
        self._bots.set(end, "", "", None)
        return JSONResponse({"ok": True, "result": True, "description": "Webhook was deleted"})

    async def _info(self, end: End, _: dict[str, Any]) -> Response:
        known = self._bots.read(end)
        about = {"url": known.get("url", ""), "has_custom_certificate": False}
        more = {"allowed_updates": known["allowed"]} if known.get("allowed") else {}
        return _fine(about | {"pending_update_count": len(self._bots.waiting(end))} | more)

    async def _yes(self, _: End, __: dict[str, Any]) -> Response:
        return _fine(True)

    async def _path(self, _: End, data: dict[str, Any]) -> Response:
        kept = self._world.files.get(str(data.get("file_id")))
        if kept is None:
            raise Refused(400, "Bad Request: invalid file_id")
        about = {"file_id": kept.id, "file_unique_id": kept.id, "file_size": kept.size}
        return _fine(about | {"file_path": f"files/{kept.id}"})

    async def _react(self, end: End, data: dict[str, Any]) -> Response:
        thread = self._thread(end, data)
        given = data.get("reaction") or []
        emoji = str(given[0].get("emoji") or "") if given else ""
        self._world.chats.change(thread, str(data.get("message_id")), ours=emoji)
        return _fine(True)

    async def _message(self, end: End, data: dict[str, Any]) -> Response:
        text = str(data.get("text") or "")
        if not text:
            raise Refused(400, "Bad Request: message text is empty")
        if len(text) > TEXT:
            raise Refused(400, "Bad Request: message is too long")
        return await self._take(end, data, Item("", now().timestamp(), False, text))

    async def _send_file(
        self, end: End, data: dict[str, Any], kind: str, file: forms.Posted | None
    ) -> Response:
        caption = str(data.get("caption") or "")
        if len(caption) > CAPTION:
            raise Refused(400, "Bad Request: message caption is too long")
        if file is None or not file.content:
            raise Refused(400, f"Bad Request: there is no {kind} in the request")
        kept = self._world.files.put(file.content, file.content_type, file.filename)
        item = Item("", now().timestamp(), False, caption, _KINDS.get(kind, kind), (kept,))
        return await self._take(end, data, item)

    async def _take(self, end: End, data: dict[str, Any], item: Item) -> Response:
        thread = self._thread(end, data)
        options = _buttons(data.get("reply_markup") or {})
        answered = (data.get("reply_parameters") or {}).get("message_id")
        made = replace(item, id=self._bots.next_id(thread), options=options, answers=str(answered or ""))
        return await self._world.take(
            end, thread.person, made, _fine(update_message(self._world, end, Who(thread.person), made)), refuse=refuse,
            receipt=lambda *_: None,
        )  # fmt: skip

    def _thread(self, end: End, data: Mapping[str, Any]) -> Thread:
        """A chat with somebody who wrote before: a bot may not begin one."""
        thread = Thread(NAME, end.address, str(data.get("chat_id") or ""))
        if not any(each.theirs for each in self._world.chats.items(thread)):
            raise Refused(400, "Bad Request: chat not found")
        return thread


async def _read(request: Request) -> tuple[dict[str, Any], forms.Posted | None]:
    """The parameters, from wherever they stand, and the file."""
    if request.headers.get("content-type", "").startswith("application/json"):
        try:
            found = json.loads(await request.body() or b"{}")
        except ValueError as error:
            raise Refused(400, "Bad Request: can't parse JSON object") from error
        return (found if isinstance(found, dict) else {}), None
    form = await forms.read(request)
    data: dict[str, Any] = dict(request.query_params) | form.fields
    for name in ("reply_parameters", "reply_markup", "reaction", "allowed_updates"):
        if isinstance(data.get(name), str):
            data[name] = json.loads(data[name])
    return data, next(iter(form.files.values()), None)


def _buttons(markup: Mapping[str, Any]) -> tuple[Option, ...]:
    """The buttons below a message; what they send back has 1 to 64 bytes."""
    rows = [button for row in markup.get("inline_keyboard") or () for button in row]
    options = tuple(Option(str(b.get("callback_data") or ""), str(b.get("text") or "")) for b in rows)
    if any(not 1 <= len(each.key.encode()) <= KEY for each in options):
        raise Refused(400, "Bad Request: BUTTON_DATA_INVALID")
    return options


STANDIN = Standin(
    channel=NAME,
    label="Telegram",
    acts=ACTS,
    address_of=lambda number: f"7{number[-9:]}",
    example={"address": "dar_zaytun_bot", "mode": "webhook"},
    routes=routes,
)
