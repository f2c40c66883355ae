"""What a message of WhatsApp says: its text, its kind, what else there is to show, and its files.

Source: Meta for Developers, "WhatsApp Cloud API: Webhooks, messages". What is not understood becomes content of kind
"unsupported" that carries the message as it came.
"""

from __future__ import annotations

import base64
import binascii
import json
import re
from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any

from wasl.channels import values
from wasl.channels.base import Media

MEDIA = ("image", "video", "audio", "document", "sticker")
_AROUND = frozenset(
    {"from", "id", "timestamp", "type", "context", "referral", "errors", "identity", "group_id"}
)
_ENDINGS = {
    "image/jpeg": "jpg",
    "audio/ogg": "ogg",
    "audio/mpeg": "mp3",
    "text/plain": "txt",
    "video/3gpp": "3gp",
}
_COORDINATE = re.compile(r"-?\d{1,3}(\.\d{1,20})?")

Said = tuple[str, str, dict[str, Any]]
"""Text, kind and content of a message."""


def said(message: Mapping[str, Any]) -> Said:
    """What a message says; with a file of a kind that nobody knows, what kind of file it is."""
    kind = kind_of(message)
    part = values.obj(message.get(kind))
    if kind == "text" and (words := values.body(part.get("body"))):
        return words, "", {}
    if what := _file_kind(kind, part):
        return values.body(part.get("caption")), what, {}
    reader = _READERS.get(kind)
    found = reader(part or _listed(message, kind)) if reader else None
    return found or (values.body(part.get("caption")), "unsupported", _unsupported(message, kind))


def kind_of(message: Mapping[str, Any]) -> str:
    """What it says it is; where it does not, what it has."""
    if kind := values.text(message.get("type")):
        return kind
    return next(
        (each for each in ("text", *MEDIA, *_READERS) if message.get(each) and each not in _AROUND), ""
    )


def _unsupported(message: Mapping[str, Any], kind: str) -> dict[str, Any]:
    inner = values.text(values.obj(message.get(kind)).get("type"))
    return {"type": values.line(inner or kind)[:40], "raw": values.small(message)}


def _file_kind(kind: str, part: Mapping[str, Any]) -> str:
    """The kind of a message that brings a file; '' for one that brings none."""
    if not values.text(part.get("id")):
        return ""
    if kind in MEDIA:
        return "voice" if kind == "audio" and part.get("voice") else kind
    major = values.text(part.get("mime_type")).partition("/")[0]
    if not major or kind in _READERS:
        return ""
    return major if major in ("image", "video", "audio") else "document"


def _location(part: Any) -> Said | None:
    at = [_coordinate(values.obj(part).get(name)) for name in ("latitude", "longitude")]
    if at[0] is None or at[1] is None:
        return None
    names = {name: values.body(part.get(name)) for name in ("name", "address", "url") if part.get(name)}
    text = "\n".join(filter(None, (names.get("name"), names.get("address")))) or f"{at[0]}, {at[1]}"
    return text, "location", {"latitude": at[0], "longitude": at[1], **names}


def _coordinate(value: Any) -> float | int | None:
    if isinstance(value, str) and _COORDINATE.fullmatch(value.strip()):
        return float(value)
    return value if isinstance(value, int | float) and not isinstance(value, bool) else None


def _contacts(part: Any) -> Said | None:
    people = [_person(each) for each in values.objs(part)]
    people = [each for each in people if any(each.values())]
    text = "\n".join(
        ": ".join(filter(None, (p["name"], ", ".join([*p["phones"], *p["emails"]])))) for p in people
    )
    return (text, "contacts", {"people": people}) if people else None


def _person(each: Mapping[str, Any]) -> dict[str, Any]:
    name = values.obj(each.get("name"))
    numbers = [
        values.line(values.text(p.get("phone")) or values.text(p.get("wa_id")))
        for p in values.objs(each.get("phones"))
    ]
    mails = [values.line(m.get("email")) for m in values.objs(each.get("emails"))]
    parts = " ".join(filter(None, (values.line(name.get(n)) for n in ("first_name", "last_name"))))
    firm = values.line(values.obj(each.get("org")).get("company"))
    called = values.line(name.get("formatted_name")) or parts or firm
    return {"name": called, "phones": list(filter(None, numbers)), "emails": list(filter(None, mails))}


def _order(part: Any) -> Said | None:
    items = [
        {
            "name": values.line(each.get("product_retailer_id")),
            "quantity": _count(each.get("quantity")),
            "price": _count(each.get("item_price")),
            "currency": values.line(each.get("currency")),
        }
        for each in values.objs(part.get("product_items"))
    ]
    lines = [f"{each['quantity']} × {each['name']}" for each in items]
    text = "\n".join(filter(None, (values.body(part.get("text")), *lines)))
    return (
        (text, "order", {"catalogue": values.text(part.get("catalog_id")), "items": items}) if items else None
    )


def _count(value: Any) -> Any:
    """A number, which some write as a text."""
    return value if isinstance(value, int | float) else values.line(value) or None


def _interactive(part: Any) -> Said | None:
    for name in ("button_reply", "list_reply"):
        if chosen := values.obj(part.get(name)):
            title, detail = values.body(chosen.get("title")), values.body(chosen.get("description"))
            content = {"key": values.text(chosen.get("id")), "title": title}
            return title, "choice", content | ({"detail": detail} if detail else {})
    if allowed := values.obj(part.get("call_permission_reply")):
        answer = values.line(allowed.get("response"))
        return answer, "permission", {"answer": answer, "until": allowed.get("expiration_timestamp")}
    form = values.obj(part.get("nfm_reply"))
    return _form(form) if form else None


def _form(form: Mapping[str, Any]) -> Said | None:
    """What was filled in in a Flow; its token is nobody's business."""
    try:
        given = json.loads(values.text(form.get("response_json")) or "{}")
    except (ValueError, RecursionError):
        given = {}
    answers = {
        values.line(str(k)): values.body(_answer(v))
        for k, v in values.obj(given).items()
        if k != "flow_token"
    }
    text = "\n".join(f"{name}: {value}" for name, value in answers.items()) or values.body(form.get("body"))
    name = values.line(form.get("name"))
    content: dict[str, Any] = {"name": name, "answers": answers}
    if not answers:
        content["raw"] = values.small(form)
    return (text, "form", content) if text or name else None


def _answer(value: Any) -> str:
    """An answer in a form as people read it: what was chosen one after the other, what is nested in brackets."""
    if isinstance(value, str):
        return value
    if isinstance(value, list):
        return ", ".join(map(_answer, value))
    if isinstance(value, dict):
        return ", ".join(
            f"{k}: {_answer(v) if not isinstance(v, dict) else f'({_answer(v)})'}" for k, v in value.items()
        )
    return "" if value is None else json.dumps(value)


def _button(part: Any) -> Said | None:
    title, key = values.body(part.get("text")), values.text(part.get("payload"))
    return (title or values.line(key), "choice", {"key": key, "title": title}) if title or key else None


def _system(part: Any) -> Said | None:
    return values.body(part.get("body")), "system", {"type": values.line(part.get("type"))}


_READERS: dict[str, Callable[[Any], Said | None]] = {
    "location": _location,
    "live_location": _location,
    "contacts": _contacts,
    "order": _order,
    "interactive": _interactive,
    "button": _button,
    "system": _system,
}


def around(message: Mapping[str, Any]) -> dict[str, Any]:
    """What a page says beside the words: that it was forwarded, the advertisement that led here, the product that is
    asked about, the group it was written in."""
    context, referral = values.obj(message.get("context")), values.obj(message.get("referral"))
    found: dict[str, Any] = {}
    if context.get("forwarded") or context.get("frequently_forwarded"):
        found["forwarded"] = "often" if context.get("frequently_forwarded") else "once"
    if referral:
        found["referral"] = {
            n: values.body(referral.get(n)) for n in ("headline", "body", "source_url") if referral.get(n)
        }
    if product := values.obj(context.get("referred_product")):
        names = {"catalogue": "catalog_id", "id": "product_retailer_id"}
        found["product"] = {name: values.line(product.get(theirs)) for name, theirs in names.items()}
    if group := values.line(message.get("group_id")):
        found["group"] = group
    return found


def media(message: Mapping[str, Any], at: datetime) -> tuple[Media, ...]:
    """The file that a message brings, which the provider holds."""
    kind = kind_of(message)
    part = values.obj(message.get(kind))
    if not _file_kind(kind, part):
        return ()
    content_type = (
        values.text(part.get("mime_type")).partition(";")[0].strip().lower() or "application/octet-stream"
    )
    ending = (
        _ENDINGS.get(content_type) or re.sub(r"[^a-z0-9]", "", content_type.partition("/")[2])[:8] or "bin"
    )
    name = values.filename(part.get("filename"))
    plain = re.sub(r"[^a-z0-9_]", "", kind)[:20] or "file"
    made = name or f"{plain}-{at:%Y%m%d-%H%M%S}.{ending}"
    return (Media({"id": values.text(part.get("id"))}, content_type, made, 0, _digest(part.get("sha256"))),)


def _digest(value: Any) -> bytes:
    """SHA-256, which comes in base64; empty when it is none."""
    try:
        found = base64.b64decode(values.text(value), validate=True)
    except (binascii.Error, ValueError):
        return b""
    return found if len(found) == 32 else b""


def _listed(message: Mapping[str, Any], kind: str) -> Any:
    """Contacts come as a list where others come as an object."""
    value = message.get(kind)
    return value if isinstance(value, list) else {}
