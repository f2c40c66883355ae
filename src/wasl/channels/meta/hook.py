"""What a webhook of a Page or of an Instagram account brings: messaging events and changes of its public side.

Source: Meta for Developers, "Messenger Platform: Webhooks", "Instagram Platform: Webhooks", "Webhooks reference:
Page, Instagram". Messages come in `messaging` (and `standby`, while another program has the conversation), what is
public in `changes`; Instagram's test events, and some products, put messages into `changes` too.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator, Mapping
from typing import Any

from wasl.channels.meta.signed import Signed
from wasl.channels.meta.values import key
from wasl.channels.port import Request, Slip
from wasl.channels.values import obj, objs, text


class Hook(Signed):
    """Verification by GET, events by POST. `object_` is "page" or "instagram"."""

    def __init__(self, object_: str) -> None:
        self._object = object_

    def split(self, request: Request) -> list[Slip]:
        """Every event and every change of every entry."""
        try:
            came = json.loads(request.body)
        except (ValueError, RecursionError) as error:
            raise ValueError("not JSON") from error
        if not isinstance(came, dict) or came.get("object") != self._object:
            raise ValueError(f"not a webhook of a {self._object}")
        slips = [slip for entry in objs(came.get("entry")) for slip in _slips(entry)]
        if not slips:
            raise ValueError("a webhook that brings nothing")
        return slips


def _slips(entry: Mapping[str, Any]) -> Iterator[Slip]:
    owner, at = key(entry.get("id")), entry.get("time")
    for name in ("messaging", "standby"):
        for event in objs(entry.get(name)):
            yield from _events(owner, at, event)
    for change in objs(entry.get("changes")):
        value = obj(change.get("value"))
        if isinstance(value.get("sender"), dict) and isinstance(value.get("recipient"), dict):
            yield from _events(owner, at, value)
            continue
        field = text(change.get("field"))
        about = {"kind": "change", "owner": owner, "at": at, "field": field, "value": value}
        yield Slip(_changed(field, value, at), encode(about), owner)


def _events(owner: str, at: Any, event: Mapping[str, Any]) -> Iterator[Slip]:
    """One; a delivery one for each message that it names, and one for the moment up to which it speaks."""
    about = {"kind": "event", "owner": owner, "at": at, "event": event}
    mids = obj(event.get("delivery")).get("mids")
    for mid in mids if isinstance(mids, list) else ():
        if isinstance(mid, str) and mid:
            yield Slip(f"delivered:{mid}", encode(about | {"mid": mid}), owner)
    yield Slip(_key(event), encode(about), owner)


def _key(event: Mapping[str, Any]) -> str:
    """What tells it apart. A message comes once, and once more when it is taken back; all else as it is."""
    message = obj(event.get("message"))
    if mid := text(message.get("mid")):
        what = "echo" if message.get("is_echo") else "message"
        return f"{'deleted' if message.get('is_deleted') else what}:{mid}"
    return _hashed("event", event)


def _changed(field: str, value: Mapping[str, Any], at: Any) -> str:
    """What is new comes once; it may be hidden and shown again many times, each told at a time of its own."""
    id_ = key(value.get("comment_id") or value.get("id"))
    verb = text(value.get("verb")) or "add"
    if verb == "add" and id_ and value.get("item", "comment") == "comment":
        return f"{field}:{id_}"
    return _hashed("change", [field, value, None if verb == "add" else at])


def _hashed(kind: str, value: Any) -> str:
    return f"{kind}:{hashlib.sha256(encode(value)).hexdigest()}"


def encode(value: Any) -> bytes:
    """JSON, the same for the same value."""
    return json.dumps(value, ensure_ascii=True, separators=(",", ":"), sort_keys=True).encode()
