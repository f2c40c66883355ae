"""X's direct messages, as they look from outside: the API v2 and the Account Activity webhook.

Source: X Developer Platform, "X API v2: Manage Direct Messages, Media upload, Users lookup", "Account Activity API:
Activity data objects, Securing webhooks", "Response codes and errors", "Rate limits"; RFC 5849.
"""

import base64
import hashlib
import hmac
import json
import re
import secrets
import time
from collections.abc import Mapping, Sequence
from typing import Any
from urllib.parse import unquote, urlencode

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import BaseRoute, Route

from wasl.channels.x.oauth import Keys, base_string, signature
from wasl.kit.clock import now
from wasl.sandbox import forms
from wasl.sandbox.chats import End, Item, Who
from wasl.sandbox.courier import Webhook
from wasl.sandbox.network import Mode, Rule
from wasl.sandbox.standins import Standin
from wasl.sandbox.world import Act, State, World

NAME = "x"
LONGEST = 10_000
CLOCK = 300
"""Seconds by which a caller's clock may differ."""
_FIELD = re.compile(r'(\w+)="([^"]*)"')
_KINDS = {"image": "photo", "video": "video"}


class Refused(Exception):
    """A call that is turned away."""

    def __init__(self, status: int, kind: str, detail: str) -> None:
        super().__init__(detail)
        self.status, self.kind = status, kind


def _problem(
    status: int, kind: str, title: str, detail: str, headers: Mapping[str, str] | None = None
) -> Response:
    about = f"https://api.x.com/2/problems/{kind}" if kind else "about:blank"
    said = {"title": title, "detail": detail, "type": about, "status": status}
    return JSONResponse(said, status, headers)


def refuse(rule: Rule) -> Response:
    """The API's answer in each mode in which it refuses."""
    match rule.mode:
        case Mode.REFUSE_NOW:
            return _problem(503, "", "Service Unavailable", "Over capacity")
        case Mode.REFUSE:
            return _problem(403, "", "Forbidden", "You cannot send messages to this person.")
        case Mode.RATE_LIMIT:
            return _problem(429, "", "Too Many Requests", "Too Many Requests")
        case Mode.RATE_LIMIT_WAIT:
            reset = {
                "x-rate-limit-reset": str(int(time.time() + rule.wait)),
                "Retry-After": str(int(rule.wait)),
            }
            return _problem(429, "", "Too Many Requests", "Too Many Requests", reset)
        case _:
            return Response("<html>Something went wrong</html>", 500, media_type="text/html")


def routes(world: World) -> Sequence[BaseRoute]:
    """`/2/…`, and the files of messages."""
    api = _Api(world)
    return [
        Route("/2/dm_conversations/with/{person}/messages", api.message, methods=["POST"]),
        Route("/2/media/upload/initialize", api.begin, methods=["POST"]),
        Route("/2/media/upload/{media}/append", api.append, methods=["POST"]),
        Route("/2/media/upload/{media}/finalize", api.finish, methods=["POST"]),
        Route("/2/users/me", api.me),
        Route("/media/{media}", api.file),
    ]


class _Api:
    def __init__(self, world: World) -> None:
        self._world = world
        self._uploads: dict[str, tuple[str, dict[int, bytes]]] = {}
        self._whole: dict[str, str] = {}

    def _end(self, request: Request) -> End:
        """The account that a call is signed for. Raises Refused."""
        said = {
            name: unquote(value) for name, value in _FIELD.findall(request.headers.get("authorization", ""))
        }
        given = said.pop("oauth_signature", "")
        raw, query = request.scope["raw_path"].decode(), request.scope["query_string"].decode()
        url = f"http://{request.headers.get('host', '')}{raw}" + (f"?{query}" if query else "")
        for end in self._world.ends.all(NAME):
            keys = Keys(
                str(end.config.get("app_key", "")),
                end.secrets.get("app_secret", ""),
                end.secrets.get("access_token", ""),
                end.secrets.get("access_secret", ""),
            )
            if (keys.app, keys.token) != (said.get("oauth_consumer_key"), said.get("oauth_token")):
                continue
            stamp = said.get("oauth_timestamp", "")
            wanted = signature(base_string(request.method, url, said.items()), keys)
            if stamp.isdigit() and abs(int(stamp) - now().timestamp()) < CLOCK and given == wanted:
                return end
        raise Refused(401, "", "Unauthorized")

    async def message(self, request: Request) -> Response:
        """Send a direct message."""
        try:
            end = self._end(request)
            item = self._item(await _json(request))
        except Refused as error:
            return _problem(error.status, error.kind, "Error", str(error))
        to = request.path_params["person"]
        said = {"dm_conversation_id": f"{to}-{end.address}", "dm_event_id": item.id}
        return await self._world.take(
            end, to, item, JSONResponse({"data": said}, 201), refuse=refuse,
            receipt=lambda item, state: _echo(end, to, item, state),
        )  # fmt: skip

    def _item(self, told: Mapping[str, Any]) -> Item:
        text = str(told.get("text") or "")
        named = [self._whole.get(str(each.get("media_id")), "") for each in told.get("attachments") or ()]
        files = [kept for kept in map(self._world.files.get, named) if kept]
        if len(files) != len(named) or len(named) > 1:
            raise Refused(400, "invalid-request", "There is no such media.")
        if not (text or files):
            raise Refused(400, "invalid-request", "A message needs text or an attachment.")
        if len(text) > LONGEST:
            raise Refused(400, "invalid-request", "The text is too long.")
        kind = files[0].content_type.partition("/")[0] if files else "text"
        return Item(new_id(), now().timestamp(), False, text, kind, tuple(each.id for each in files))

    async def begin(self, request: Request) -> Response:
        """A file is to come."""
        try:
            self._end(request)
            told = await _json(request)
        except Refused as error:
            return _problem(error.status, error.kind, "Error", str(error))
        id_ = new_id()
        self._uploads[id_] = (str(told.get("media_type") or "application/octet-stream"), {})
        return JSONResponse({"data": {"id": id_, "media_key": f"3_{id_}", "expires_after_secs": 86400}})

    async def append(self, request: Request) -> Response:
        """A piece of it."""
        try:
            self._end(request)
            _, pieces = self._upload(request)
        except Refused as error:
            return _problem(error.status, error.kind, "Error", str(error))
        form = await forms.read(request)
        pieces[int(form.fields["segment_index"])] = form.files["media"].content
        return JSONResponse({"data": {"expires_at": int(time.time()) + 86400}})

    async def finish(self, request: Request) -> Response:
        """The file is whole."""
        try:
            self._end(request)
            kind, pieces = self._upload(request)
        except Refused as error:
            return _problem(error.status, error.kind, "Error", str(error))
        whole = b"".join(pieces[number] for number in sorted(pieces))
        id_ = request.path_params["media"]
        self._whole[id_] = self._world.files.put(whole, kind)
        del self._uploads[id_]
        return JSONResponse({"data": {"id": id_, "media_key": f"3_{id_}", "size": len(whole)}})

    def _upload(self, request: Request) -> tuple[str, dict[int, bytes]]:
        found = self._uploads.get(request.path_params["media"])
        if found is None:
            raise Refused(400, "invalid-request", "media id is not known")
        return found

    async def me(self, request: Request) -> Response:
        """Whose the keys are."""
        try:
            end = self._end(request)
        except Refused as error:
            return _problem(error.status, error.kind, "Unauthorized", str(error))
        return JSONResponse({"data": {"id": end.address, "name": end.name, "username": "darzaytun"}})

    async def file(self, request: Request) -> Response:
        """A file of a message."""
        try:
            self._end(request)
        except Refused as error:
            return _problem(error.status, error.kind, "Unauthorized", str(error))
        kept = self._world.files.get(request.path_params["media"])
        if kept is None:
            return _problem(404, "resource-not-found", "Not Found", "There is no such file.")
        return Response(kept.read(), media_type=kept.content_type)


async def _json(request: Request) -> dict[str, Any]:
    try:
        found = json.loads(await request.body())
    except ValueError as error:
        raise Refused(400, "invalid-request", "The body is not JSON.") from error
    if not isinstance(found, dict):
        raise Refused(400, "invalid-request", "The body is not an object.")
    return found


def new_id() -> str:
    """Nineteen digits that grow with time."""
    return str(time.time_ns())


def sign(body: bytes, end: End) -> str:
    """HMAC-SHA-256 under the app's secret, in base64."""
    digest = hmac.new(end.secrets.get("app_secret", "").encode(), body, hashlib.sha256).digest()
    return "sha256=" + base64.b64encode(digest).decode()


def _webhook(end: End, person: str, told: Mapping[str, Any]) -> Webhook:
    """Signed; and the address must know the secret as well before anything is brought there."""
    body = json.dumps({"for_user_id": end.address, **told}).encode()
    token = secrets.token_urlsafe(24)
    headers = {"Content-Type": "application/json", "X-Twitter-Webhooks-Signature": sign(body, end)}
    url = f"{end.webhook}?{urlencode({'crc_token': token})}"
    return Webhook(NAME, person, end.webhook, body, headers, (url, sign(token.encode(), end)))


def _created(end: End, who: Who, item: Item, attachment: Mapping[str, Any] | None = None) -> dict[str, Any]:
    """A message, by either side, as the webhook tells it."""
    people = {
        who.address: {"id": who.address, "name": who.name, "screen_name": f"sandbox_{who.address[-6:]}"},
        end.address: {"id": end.address, "name": end.name, "screen_name": "darzaytun"},
    }
    sender, to = (who.address, end.address) if item.theirs else (end.address, who.address)
    data: dict[str, Any] = {"text": _escaped(item.text), "entities": {"urls": [], "hashtags": []}}
    event = {
        "type": "message_create", "id": item.id, "created_timestamp": str(int(item.at * 1000)),
        "message_create": {
            "target": {"recipient_id": to}, "sender_id": sender,
            "message_data": data | ({"attachment": attachment} if attachment else {}),
        },
    }  # fmt: skip
    return {"direct_message_events": [event], "apps": {}, "users": people}


def _escaped(text: str) -> str:
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")


def _echo(end: End, to: str, item: Item, state: State) -> Webhook | None:
    """What an account sends, its own webhook tells as well; of anything else X says nothing."""
    return _webhook(end, to, _created(end, Who(to), item)) if state == "sent" else None


def write(world: World, end: End, who: Who, act: Act) -> None:
    """A customer sends a message: each picture is one of its own, the words go with the first."""
    base = str(end.config.get("base_url", "")).rstrip("/")
    parts: list[str | None] = list(act.files) or [None]
    for number, name in enumerate(parts):
        kept = world.files.get(name) if name else None
        text = act.text if number == 0 else ""
        kind = kept.content_type.partition("/")[0] if kept else "text"
        item = Item(new_id(), now().timestamp(), True, text, kind, (kept.id,) if kept else ())
        world.write(
            end, who, item, _webhook(end, who.address, _created(end, who, item, _attached(base, kept)))
        )


def _attached(base: str, kept: Any) -> dict[str, Any] | None:
    if kept is None:
        return None
    url = f"{base}/media/{kept.id}"
    kind = _KINDS.get(kept.content_type.partition("/")[0], "file")
    media: dict[str, Any] = {
        "id": kept.id,
        "type": kind,
        "media_url_https": url,
        "url": f"https://t.co/{kept.id}",
    }
    if kind == "video":
        media["video_info"] = {"variants": [{"content_type": "video/mp4", "bitrate": 832000, "url": url}]}
    return {"type": "media", "media": media}


def read(world: World, end: End, who: Who, _: Act) -> None:
    """A customer reads: everything up to the last message."""
    thread = world.thread(end, who)
    seen = world.unread(thread)
    for item in seen:
        world.chats.change(thread, item.id, state="read")
    if seen:
        event = {
            "created_timestamp": str(int(now().timestamp() * 1000)), "sender_id": who.address,
            "target": {"recipient_id": end.address}, "last_read_event_id": seen[-1].id,
        }  # fmt: skip
        world.courier.send(_webhook(end, who.address, {"direct_message_mark_read_events": [event]}))


STANDIN = Standin(
    channel=NAME,
    label="X",
    acts={"write": write, "read": read},
    address_of=lambda number: f"15{number[-9:]}",
    example={"address": "1400000000000000001", "app_key": "darzaytun-desk"},
    routes=routes,
)
