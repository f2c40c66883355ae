"""The customers' side of WhatsApp's Cloud API: its webhooks, signed with the app's secret.

Source: Meta for Developers, "WhatsApp Cloud API: Webhooks, payload examples, messages and message status components".
"""

import base64
import hashlib
import hmac
import json
import os
import re
from collections.abc import Callable, Mapping
from typing import Any

from wasl.kit.clock import now
from wasl.sandbox.chats import End, Item, Who
from wasl.sandbox.courier import Webhook
from wasl.sandbox.world import Act, Doing, State, World

NAME = "whatsapp"
ACCOUNT = "104000000000001"
"""The WhatsApp Business Account that all numbers of the sandbox belong to."""

WORDS = {
    131016: "Service unavailable", 131026: "Message undeliverable", 130429: "Rate limit hit",
    131000: "Something went wrong", 131047: "Re-engagement message", 131009: "Parameter value is not valid",
    132001: "Template does not exist", 132000: "Number of parameters does not match", 100: "Invalid parameter",
}  # fmt: skip


def number_of(end: End) -> str:
    """The business's number, as it is shown."""
    return str(end.config.get("number") or end.address)


def new_id() -> str:
    """An id of a message, as WhatsApp makes them."""
    return "wamid." + base64.b64encode(b"\x1d\x0b" + os.urandom(21)).decode()


def webhook(end: End, person: str, value: Mapping[str, Any], field: str = "messages") -> Webhook:
    """One change, signed with the app's secret."""
    about = {"display_phone_number": re.sub(r"\D", "", number_of(end)), "phone_number_id": end.address}
    change = {"field": field, "value": {"messaging_product": "whatsapp", "metadata": about, **value}}
    body = json.dumps(
        {"object": "whatsapp_business_account", "entry": [{"id": ACCOUNT, "changes": [change]}]}
    ).encode()
    return Webhook(NAME, person, end.webhook, body, signed(body, end.secrets.get("app_secret", "")))


def signed(body: bytes, secret: str) -> dict[str, str]:
    """The headers of a webhook: HMAC-SHA-256 over the very bytes."""
    digest = hmac.new(secret.encode(), body, hashlib.sha256).hexdigest()
    return {
        "Content-Type": "application/json", "User-Agent": "facebookexternalua",
        "X-Hub-Signature-256": f"sha256={digest}",
    }  # fmt: skip


def status(
    end: End, to: str, item: Item, state: State, error: tuple[int, str] = (131026, "It cannot be delivered.")
) -> Webhook:
    """What became of a message of the business; `error` counts for one that failed."""
    told: dict[str, Any] = {
        "id": item.id, "status": state, "timestamp": str(int(item.at)), "recipient_id": to,
    }  # fmt: skip
    if item.data:
        told["biz_opaque_callback_data"] = item.data
    if state == "failed":
        code, details = error
        words = WORDS[code]
        told["errors"] = [
            {"code": code, "title": words, "message": words, "error_data": {"details": details}}
        ]
    else:
        told["conversation"] = {"id": f"conversation-{to}", "origin": {"type": "service"}}
        told["pricing"] = {"billable": False, "pricing_model": "PMP", "category": "service"}
    return webhook(end, to, {"statuses": [told]})


def _told(end: End, who: Who, message: Mapping[str, Any]) -> Webhook:
    contact = {"profile": {"name": who.name}, "wa_id": who.address}
    return webhook(end, who.address, {"contacts": [contact], "messages": [message]})


def _written(world: World, id_: str, now: float, act: Act) -> list[tuple[dict[str, Any], Item]]:
    """Every file is a message of its own; the words go with the first."""
    if not act.files:
        return [
            (
                {"type": "text", "text": {"body": act.text}},
                Item(id_, now, True, act.text, answers=act.answers),
            )
        ]
    made = []
    for number, kept in enumerate(filter(None, map(world.files.get, act.files))):
        kind = kind_of(kept.content_type)
        words = "" if number or kind in ("audio", "sticker") else act.text
        about: dict[str, Any] = {"id": kept.id, "mime_type": kept.content_type, "sha256": kept.sha256_base64}
        about |= {"caption": words} if words else {}
        about |= {"filename": kept.filename} if kind == "document" else {}
        about |= {"voice": False} if kind == "audio" else {}
        item = Item(id_ if not number else new_id(), now, True, words, kind, (kept.id,), answers=act.answers)
        made.append(({"type": kind, kind: about}, item))
    return made


def kind_of(content_type: str) -> str:
    """What WhatsApp calls a file of that type."""
    top = content_type.partition("/")[0]
    return (
        "sticker"
        if content_type == "image/webp"
        else top
        if top in ("image", "video", "audio")
        else "document"
    )


def _chosen(asked: Item | None, key: str) -> tuple[str, dict[str, Any]] | None:
    """The title of an option, and how choosing it is told; None when there is no such option."""
    option = next((each for each in asked.options if each.key == key), None) if asked else None
    if asked is None or option is None:
        return None
    if asked.kind == "template":
        return option.title, {"type": "button", "button": {"payload": key, "text": option.title}}
    kind = "list_reply" if asked.menu else "button_reply"
    chosen = {"id": option.key, "title": option.title}
    if option.detail and asked.menu:
        chosen["description"] = option.detail
    return option.title, {"type": "interactive", "interactive": {"type": kind, kind: chosen}}


def _begun(end: End, who: Who, act: Act) -> dict[str, Any]:
    """A message of a customer, without what it says."""
    message: dict[str, Any] = {"from": who.address, "id": new_id(), "timestamp": str(int(now().timestamp()))}
    if answers := act.of if act.do == "choose" else act.answers:
        message["context"] = {"from": re.sub(r"\D", "", number_of(end)), "id": answers}
    return message


def _write(world: World, end: End, who: Who, act: Act) -> None:
    message = _begun(end, who, act)
    for part, item in _written(world, message["id"], now().timestamp(), act):
        world.write(end, who, item, _told(end, who, message | part | {"id": item.id}))


def _choose(world: World, end: End, who: Who, act: Act) -> None:
    thread, message = world.thread(end, who), _begun(end, who, act)
    if chosen := _chosen(world.chats.item(thread, act.of), act.key):
        title, reply = chosen
        world.chats.change(thread, act.of, chosen=act.key)
        item = Item(message["id"], now().timestamp(), True, title, "choice", answers=act.of)
        world.write(end, who, item, _told(end, who, message | reply))


def _react(world: World, end: End, who: Who, act: Act) -> None:
    world.chats.change(world.thread(end, who), act.of, yours=act.text)
    reaction = {"message_id": act.of, "emoji": act.text}
    world.courier.send(_told(end, who, _begun(end, who, act) | {"type": "reaction", "reaction": reaction}))


def _edit(world: World, end: End, who: Who, act: Act) -> None:
    world.chats.change(world.thread(end, who), act.of, text=act.text, edited=True)
    edit = {"original_message_id": act.of, "message": {"type": "text", "text": {"body": act.text}}}
    world.courier.send(_told(end, who, _begun(end, who, act) | {"type": "edit", "edit": edit}))


def _delete(world: World, end: End, who: Who, act: Act) -> None:
    world.chats.change(world.thread(end, who), act.of, gone=True)
    revoke = {"original_message_id": act.of}
    world.courier.send(_told(end, who, _begun(end, who, act) | {"type": "revoke", "revoke": revoke}))


def _read(world: World, end: End, who: Who, _: Act) -> None:
    thread = world.thread(end, who)
    for item in world.unread(thread):
        world.chats.change(thread, item.id, state="read")
        world.courier.send(status(end, who.address, item, "read"))


ACTS: Mapping[Doing, Callable[[World, End, Who, Act], None]] = {
    "write": _write, "choose": _choose, "react": _react, "edit": _edit, "delete": _delete, "read": _read,
}  # fmt: skip
