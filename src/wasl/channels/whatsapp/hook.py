"""The webhook of the Cloud API: whether it is Meta's, and what it brings.

Source: Meta for Developers, "WhatsApp Cloud API: Webhooks" (verification request, payload, X-Hub-Signature-256).
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator, Mapping
from typing import Any

import msgspec

from wasl.channels.meta.signed import Signed, sign
from wasl.channels.port import Request, Slip
from wasl.channels.values import objs

__all__ = ["Hook", "sign"]
PAST = "history"
"""What was written before the inbox was connected, from the app: kept as it came, and no news for anybody."""
_LISTS = {
    "messages": "message", "statuses": "status", "message_echoes": "echo", "calls": "call",
    "user_preferences": "preference", "user_id_update": "moved",
}  # fmt: skip


_quick = msgspec.json.Encoder(order="deterministic").encode


def _decode(body: bytes) -> Any:
    """What JSON says. Raises ValueError. A third of the time of `json`, which is asked about what is unusual."""
    try:
        return msgspec.json.decode(body)
    except (ValueError, RecursionError):
        pass
    try:
        return json.loads(body)
    except ValueError as error:
        raise ValueError("not JSON") from error


def _content(value: Any) -> bytes:
    """JSON, the same for the same value."""
    try:
        return _quick(value)
    except (ValueError, OverflowError):  # half a surrogate pair, a very long number
        return _encode(value)


def _encode(value: Any) -> bytes:
    """The same in the form that keys were always made of: what came once must be known again."""
    return json.dumps(value, ensure_ascii=True, separators=(",", ":"), sort_keys=True).encode()


class Hook(Signed):
    """Verification by GET, events by POST."""

    def split(self, request: Request) -> list[Slip]:
        """Every message, status, echo, call and notice of every change of every entry."""
        try:
            slips = list(_everything(_decode(request.body)))
        except RecursionError as error:
            raise ValueError("nested too deeply") from error
        if not slips:
            raise ValueError("a webhook that brings nothing")
        return slips


def _everything(body: Any) -> Iterator[Slip]:
    if not isinstance(body, dict) or body.get("object") != "whatsapp_business_account":
        raise ValueError("not a WhatsApp webhook")
    for entry in objs(body.get("entry")):
        for change in objs(entry.get("changes")):
            yield from _slips(str(entry.get("id", "")), change)


def _slips(account: str, change: Mapping[str, Any]) -> Iterator[Slip]:
    value = change.get("value")
    value = value if isinstance(value, dict) else {}
    number = _number(value)
    found = False
    for name, kind in _LISTS.items() if change.get("field") != PAST else ():
        for each in objs(value.get(name)):
            found = True
            about = {
                "kind": kind,
                "metadata": value.get("metadata") or {},
                "contact": _contact(value.get("contacts"), each),
                "errors": value.get("errors") or [],
                kind: each,
            }
            yield Slip(_key(kind, each), _content(about), number)
    if not found:
        notice = {"kind": "notice", "account": account, "field": str(change.get("field", "")), "value": value}
        content = _encode(notice)
        yield Slip(f"notice:{hashlib.sha256(content).hexdigest()}", content, number)


def _number(value: Mapping[str, Any]) -> str:
    metadata = value.get("metadata")
    number = metadata.get("phone_number_id") if isinstance(metadata, dict) else None
    return number if isinstance(number, str) else ""


def _key(kind: str, each: Mapping[str, Any]) -> str:
    """What tells it apart. A message comes once; a status, an event of a call or a choice as often as it changes."""
    id_ = each.get("id")
    if kind in ("message", "echo") and isinstance(id_, str) and id_:
        return f"{kind}:{id_}"
    if kind == "status" and isinstance(id_, str) and id_:
        who = each.get("recipient_participant_user_id") or each.get("recipient_participant_id") or ""
        return f"status:{id_}:{each.get('status', '')}:{who}"
    return f"{kind}:{hashlib.sha256(_encode(each)).hexdigest()}"


def _contact(contacts: Any, each: Mapping[str, Any]) -> Mapping[str, Any]:
    """The contact whom it concerns; the only one there is, when nothing says otherwise."""
    known = objs(contacts)
    for mine, theirs in (
        (("from", "to", "recipient_id", "wa_id"), "wa_id"),
        (("from_user_id", "to_user_id", "recipient_user_id", "user_id"), "user_id"),
    ):
        keys = {each[name] for name in mine if isinstance(each.get(name), str)}
        for contact in known:
            if contact.get(theirs) in keys:
                return contact
    named = any(isinstance(each.get(name), str) for name in ("from", "from_user_id", "recipient_id", "to"))
    first = known[0] if len(known) == 1 else {}
    return first if not named or _compatible(first, each) else {}


def _compatible(contact: Mapping[str, Any], each: Mapping[str, Any]) -> bool:
    """A contact and a message that each say only one of number and id may well be the same person's."""
    number = each.get("from") or each.get("recipient_id")
    return not (contact.get("wa_id") and number)
