"""WhatsApp's Cloud API, as it looks from outside.

Source: Meta for Developers, "WhatsApp Cloud API": Messages, Media, Business phone numbers, Message templates, Webhooks
(payload examples, messages, statuses), Error codes.
"""

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import BaseRoute, Route

from wasl.kit.clock import now
from wasl.sandbox import forms
from wasl.sandbox.chats import End, Item, Kept, Option, Thread
from wasl.sandbox.network import Mode, Rule
from wasl.sandbox.standins import Standin
from wasl.sandbox.standins._whatsapp_phone import ACTS, NAME, WORDS, new_id, number_of, status
from wasl.sandbox.world import World

WINDOW = 24 * 3600.0
MEDIA = ("image", "video", "audio", "document", "sticker")
TEXT, CAPTION, BUTTONS, TITLE, ROWS, ROW = 4096, 1024, 3, 20, 10, 24
TEMPLATES: Mapping[str, Mapping[str, str]] = {
    "follow_up": {
        "en": "Hello {{1}}, we have an answer for you. Write back and we go on here.",
        "fr": "Bonjour {{1}}, nous avons une réponse pour vous. Écrivez-nous et nous continuons ici.",
        "it": "Buongiorno {{1}}, abbiamo una risposta per lei. Ci scriva e continuiamo qui.",
        "ar": "مرحبًا {{1}}، لدينا جواب لك. اكتب لنا ونكمل حديثنا هنا.",
    },
    "order_ready": {
        "en": "Hello {{1}}, your order {{2}} is ready.",
        "fr": "Bonjour {{1}}, votre commande {{2}} est prête.",
        "it": "Buongiorno {{1}}, il suo ordine {{2}} è pronto.",
        "ar": "مرحبًا {{1}}، طلبك {{2}} جاهز.",
    },
}
_PLACE = re.compile(r"\{\{(\d+)\}\}")


class Refused(Exception):
    """A call that the provider turns away."""

    def __init__(self, code: int, details: str, status: int = 400) -> None:
        super().__init__(details)
        self.code, self.details, self.status = code, details, status


def _error(code: int, details: str, status: int, headers: Mapping[str, str] | None = None) -> Response:
    said = {
        "message": f"(#{code}) {WORDS.get(code, details)}", "type": "OAuthException", "code": code,
        "error_data": {"messaging_product": "whatsapp", "details": details}, "fbtrace_id": "Asandbox",
    }  # fmt: skip
    return JSONResponse({"error": said}, status, headers)


def refuse(rule: Rule) -> Response:
    """The provider's answer in each mode in which it refuses."""
    match rule.mode:
        case Mode.REFUSE_NOW:
            return _error(131016, "A service is temporarily unavailable.", 503)
        case Mode.REFUSE:
            return _error(131026, "The recipient cannot get messages on WhatsApp.", 400)
        case Mode.RATE_LIMIT:
            return _error(130429, "Too many messages for now.", 429)
        case Mode.RATE_LIMIT_WAIT:
            return _error(130429, "Too many messages for now.", 429, {"Retry-After": str(int(rule.wait))})
        case _:
            return Response("<html>Sorry, something went wrong.</html>", 500, media_type="text/html")


def routes(world: World) -> Sequence[BaseRoute]:
    """`/{version}/{phone number id}/messages` and the others."""
    api = _Api(world)
    return [
        Route("/download/{media}", api.download),
        Route("/{version}/{number}/messages", api.messages, methods=["POST"]),
        Route("/{version}/{number}/media", api.upload, methods=["POST"]),
        Route("/{version}/{account}/message_templates", api.templates),
        Route("/{version}/{thing}", api.thing, methods=["GET", "DELETE"]),
    ]


class _Api:
    def __init__(self, world: World) -> None:
        self._world = world

    def _end(self, request: Request, number: str = "") -> End:
        """The number a call is for, or any that its token opens. Raises Refused."""
        token = request.headers.get("authorization", "").removeprefix("Bearer ")
        mine = [end for end in self._world.ends.all(NAME) if end.secrets.get("access_token") == token]
        if not token or not mine:
            raise Refused(190, "Invalid OAuth access token - Cannot parse access token", 401)
        for end in mine:
            if not number or end.address == number:
                return end
        raise Refused(100, f"Unsupported post request. Object with ID '{number}' does not exist", 400)

    async def messages(self, request: Request) -> Response:
        """Send a message, or say that the customer's was read."""
        try:
            end = self._end(request, request.path_params["number"])
            try:
                body = json.loads(await request.body())
            except ValueError as error:
                raise Refused(100, "The body is not JSON") from error
            if body.get("messaging_product") != "whatsapp":
                raise Refused(100, "messaging_product must be whatsapp")
            if body.get("status") == "read":
                return self._read(end, str(body.get("message_id", "")))
            return await self._send(end, body)
        except Refused as error:
            return _error(error.code, error.details, error.status)

    def _read(self, end: End, message_id: str) -> Response:
        """Everything of that customer up to this message was read."""
        for person in self._world.chats.people(NAME, end.address):
            thread = Thread(NAME, end.address, person)
            if found := self._world.chats.item(thread, message_id):
                for item in self._world.chats.items(thread):
                    if item.theirs and item.at <= found.at and item.state != "read":
                        self._world.chats.change(thread, item.id, state="read")
                return JSONResponse({"success": True})
        raise Refused(131009, "There is no such message")

    async def _send(self, end: End, body: Mapping[str, Any]) -> Response:
        to = re.sub(r"\D", "", str(body.get("to") or "")) or str(body.get("recipient") or "")
        if not to:
            raise Refused(131009, "The recipient is missing")
        thread = Thread(NAME, end.address, to)
        kind = str(body.get("type") or "text")
        part = body.get(kind)
        answer = {
            "messaging_product": "whatsapp", "contacts": [{"input": body.get("to") or to, "wa_id": to}],
            "messages": [{"id": (id_ := new_id())} | ({"message_status": "accepted"} if kind == "template" else {})],
        }  # fmt: skip
        if not isinstance(part, dict):
            raise Refused(100, f"The parameter {kind} is required")
        if kind == "reaction":
            self._world.chats.change(thread, str(part.get("message_id")), ours=str(part.get("emoji") or ""))
            return JSONResponse(answer)
        item = _item(self._world, id_, kind, part, body)
        late = kind != "template" and not _is_open(self._world.chats.items(thread))
        error = (131047, "More than 24 hours have passed since the recipient last replied.")
        return await self._world.take(
            end, to, item, JSONResponse(answer), refuse=refuse, fails=late,
            receipt=lambda item, state: status(
                end, to, item, state, *([error] if late else [])
            ),
        )  # fmt: skip

    async def upload(self, request: Request) -> Response:
        """Keep a file; its id."""
        try:
            self._end(request, request.path_params["number"])
            form = await forms.read(request)
            file = form.files.get("file")
            if file is None or form.fields.get("messaging_product") != "whatsapp":
                raise Refused(100, "file and messaging_product are required")
            kind = form.fields.get("type") or file.content_type
            return JSONResponse({"id": self._world.files.put(file.content, kind, file.filename)})
        except Refused as error:
            return _error(error.code, error.details, error.status)

    async def download(self, request: Request) -> Response:
        """A file's bytes."""
        try:
            self._end(request)
        except Refused as error:
            return _error(error.code, error.details, error.status)
        kept = self._world.files.get(request.path_params["media"])
        if kept is None:
            return Response(status_code=404)
        return Response(kept.read(), media_type=kept.content_type)

    async def templates(self, request: Request) -> Response:
        """The texts that were approved."""
        try:
            self._end(request)
        except Refused as error:
            return _error(error.code, error.details, error.status)
        listed = [
            {
                "name": name, "language": language, "status": "APPROVED", "category": "UTILITY",
                "id": str(abs(hash((name, language)))), "components": [{"type": "BODY", "text": text}],
            }
            for name, by_language in TEMPLATES.items()
            for language, text in by_language.items()
        ]  # fmt: skip
        return JSONResponse({"data": listed, "paging": {"cursors": {"before": "", "after": ""}}})

    async def thing(self, request: Request) -> Response:
        """A phone number or a file, by id."""
        id_ = request.path_params["thing"]
        try:
            if kept := self._world.files.get(id_):
                self._end(request)
                return JSONResponse(_about(request, kept))
            end = self._end(request, id_)
        except Refused as error:
            return _error(error.code, error.details, error.status)
        return JSONResponse(
            {
                "id": end.address, "display_phone_number": number_of(end), "verified_name": end.name,
                "quality_rating": "GREEN",
            }
        )  # fmt: skip


def _about(request: Request, kept: Kept) -> dict[str, Any]:
    return {
        "messaging_product": "whatsapp", "id": kept.id, "mime_type": kept.content_type, "sha256": kept.sha256,
        "file_size": kept.size, "url": f"http://{request.headers.get('host', '')}/{NAME}/download/{kept.id}",
    }  # fmt: skip


def _is_open(items: list[Item]) -> bool:
    """Whether the customer wrote within a day."""
    return any(item.theirs and item.at > now().timestamp() - WINDOW for item in items)


def _item(world: World, id_: str, kind: str, part: Mapping[str, Any], body: Mapping[str, Any]) -> Item:
    """What is shown on the phone. Raises Refused as the provider does."""
    quoted = str((body.get("context") or {}).get("message_id") or "")
    item = Item(
        id_, now().timestamp(), False, answers=quoted, data=str(body.get("biz_opaque_callback_data") or "")
    )
    more: dict[str, Any] = {}
    if kind == "text":
        more["text"] = _bounded(part.get("body"), TEXT)
    elif kind in MEDIA:
        kept = world.files.get(str(part.get("id") or ""))
        if kept is None:
            raise Refused(131009, "There is no such media")
        more |= {
            "kind": kind,
            "files": (kept.id,),
            "text": _bounded(part.get("caption") or " ", CAPTION).strip(),
        }
    elif kind == "interactive":
        more |= _interactive(part)
    elif kind == "template":
        more |= {"kind": "template", "text": _filled(part)}
    elif kind == "location":
        more |= {"kind": "location", "text": f"{part.get('latitude')}, {part.get('longitude')}"}
    else:
        raise Refused(100, f"{kind} is not a type of message")
    return replace(item, **more)


def _bounded(value: Any, most: int) -> str:
    text = str(value or "")
    if not text:
        raise Refused(100, "The text is empty")
    if len(text) > most:
        raise Refused(131009, f"The text is longer than {most} characters")
    return text


def _interactive(part: Mapping[str, Any]) -> dict[str, Any]:
    text, action = _bounded((part.get("body") or {}).get("text"), TEXT), part.get("action") or {}
    if part.get("type") == "button":
        replies = [each.get("reply") or {} for each in action.get("buttons") or ()]
        options = tuple(Option(str(r.get("id")), _bounded(r.get("title"), TITLE)) for r in replies)
        most, menu = BUTTONS, ""
    elif part.get("type") == "list":
        rows = [row for section in action.get("sections") or () for row in section.get("rows") or ()]
        options = tuple(
            Option(str(r.get("id")), _bounded(r.get("title"), ROW), str(r.get("description") or ""))
            for r in rows
        )
        most, menu = ROWS, _bounded(action.get("button"), TITLE)
    else:
        raise Refused(131009, "interactive.type is not known")
    if not 1 <= len(options) <= most or len({each.key for each in options}) != len(options):
        raise Refused(131009, f"There must be 1 to {most} different options")
    return {"text": text, "kind": "interactive", "options": options, "menu": menu}


def _filled(part: Mapping[str, Any]) -> str:
    """An approved text with its places filled."""
    language = str((part.get("language") or {}).get("code") or "")
    text = TEMPLATES.get(str(part.get("name")), {}).get(language.partition("_")[0])
    if text is None:
        raise Refused(132001, f"There is no approved template {part.get('name')} in {language}", 404)
    bodies = [each for each in part.get("components") or () if each.get("type") == "body"]
    values = [str(each.get("text")) for body in bodies for each in body.get("parameters") or ()]
    if len(values) != len(set(_PLACE.findall(text))):
        raise Refused(132000, "The number of parameters does not match the template")
    return _PLACE.sub(lambda found: values[int(found[1]) - 1], text)


STANDIN = Standin(
    channel=NAME,
    label="WhatsApp",
    routes=routes,
    acts=ACTS,
    example={"address": "109000000000001", "number": "+33 6 39 98 00 90"},
)
