"""A stored event → ParsedMessage, Change, Report or Nothing. Their shape is ours: docs/channels/webhook.md.

Fields that we do not know are passed over; an event of another type that names who sent it becomes a message of kind
"unsupported" that carries it.
"""

from __future__ import annotations

import base64
import binascii
import json
import re
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from wasl.channels.base import Address, Media, ParsedMessage, Part, Reason, Unparseable, Unread
from wasl.channels.email.language import guess
from wasl.channels.port import Change, ChangeKind, Nothing, Parsed, Report, ReportKind
from wasl.channels.values import body, filename, line, obj, objs, small, text, whole
from wasl.kit.languages import CODES
from wasl.kit.phones import e164

CHANNEL = "webhook"
FILES = 20
_MAIL = re.compile(r"[^@\s]{1,64}@[^@\s]{1,180}")
_CHANGES: dict[str, ChangeKind] = {"edit": "edited", "delete": "deleted", "reaction": "reacted"}
_STATES: dict[str, ReportKind] = {
    "sent": "sent",
    "delivered": "delivered",
    "read": "read",
    "failed": "failed",
}


def parse(raw: bytes) -> Parsed:
    """Raises Unparseable, with the reason a person is shown, and nothing else."""
    try:
        event = json.loads(raw)
        kind = line(event["type"])
        if kind in _CHANGES:
            return _change(event, _CHANGES[kind])
        if kind == "receipt":
            return _receipt(event)
        if kind == "message" or line(obj(event.get("from")).get("id")):
            return _message(event, kind)
        return Nothing(f"an event of another type: {kind[:40]}")
    except Unparseable:
        raise
    except Exception as error:
        raise Unparseable(Unread.BROKEN, f"{type(error).__name__}: {error}") from error


def _message(event: Mapping[str, Any], kind: str) -> ParsedMessage:
    id_, words = line(event.get("id"))[:250], body(event.get("text"))
    if kind == "message" and not id_:
        raise Unparseable(Unread.BROKEN, "a message has an id")
    said, content = (
        _content(event) if kind == "message" else ("unsupported", {"type": kind[:40], "raw": small(event)})
    )
    if not words and said == "choice":
        words = content["title"]
    if not words and said == "location":
        words = "\n".join(filter(None, (content.get("name"), content.get("address"))))
        words = words or f"{content['latitude']}, {content['longitude']}"
    parts, media = _files(event)
    spoken = line(event.get("language"))[:2].lower()
    answered = line(event.get("in_reply_to"))[:250]
    return ParsedMessage(
        channel=CHANNEL,
        sender=_sender(event),
        text=words,
        message_id=id_,
        in_reply_to=(answered,) if answered else (),
        sent_at=_moment(event.get("at")) if event.get("at") else None,
        language=spoken if spoken in CODES else guess(words),
        kind=said,
        content=content,
        parts=parts,
        media=media,
        written_by_us=event.get("by") == "business",
        verified=_vouched(event),
    )


def _content(event: Mapping[str, Any]) -> tuple[str, dict[str, Any]]:
    if chosen := obj(event.get("choice")):
        return "choice", {
            "key": text(chosen.get("key")),
            "title": body(chosen.get("title")) or line(chosen.get("key")),
        }
    place = obj(event.get("location"))
    at = {name: place.get(name) for name in ("latitude", "longitude")}
    if place and all(isinstance(each, int | float) and not isinstance(each, bool) for each in at.values()):
        return "location", at | {
            name: body(place.get(name)) for name in ("name", "address") if place.get(name)
        }
    return "", {}


def _files(event: Mapping[str, Any]) -> tuple[tuple[Part, ...], tuple[Media, ...]]:
    """Files that came along, and those that are to be fetched."""
    parts, media = [], []
    for each in objs(event.get("files"))[:FILES]:
        name, kind = filename(each.get("name")) or "file", line(each.get("type")).partition(";")[0].lower()
        kind = kind or "application/octet-stream"
        url = line(each.get("url"))
        if isinstance(each.get("content"), str):
            parts.append(Part(name, kind, _bytes(each["content"])))
        elif url:
            media.append(Media({"url": url, "type": kind}, kind, name, whole(each.get("size")) or 0))
    return tuple(parts), tuple(media)


def _bytes(content: str) -> bytes:
    try:
        return base64.b64decode(content, validate=True)
    except (binascii.Error, ValueError) as error:
        raise Unparseable(Unread.BROKEN, "a file’s content is not Base64") from error


def _change(event: Mapping[str, Any], kind: ChangeKind) -> Change:
    of = line(event.get("of"))[:250]
    if not of:
        raise Unparseable(Unread.BROKEN, "a change says of which message")
    who = Address("", "") if event.get("by") == "business" else _sender(event)
    return Change(
        kind=kind, of=of, sender=who, at=_moment(event.get("at")), text=body(event.get("text")),
        emoji=line(event.get("emoji"))[:32],
    )  # fmt: skip


def _receipt(event: Mapping[str, Any]) -> Parsed:
    state, of, ours = (
        _STATES.get(line(event.get("state"))),
        line(event.get("of"))[:250],
        line(event.get("delivery")),
    )
    if state is None:
        return Nothing(f"a receipt of another state: {line(event.get('state'))[:40]}")
    if not of and not ours:
        raise Unparseable(Unread.BROKEN, "a receipt says of which message")
    return Report(
        kind=state, at=_moment(event.get("at")), ref=of, delivery=ours[:64], code=line(event.get("code"))[:20],
        detail=line(event.get("detail"))[:500], reason=reason(event.get("reason")),
        temporary=event.get("temporary") is True,
    )  # fmt: skip


def reason(value: Any) -> Reason:
    """One of our own words for why something did not arrive."""
    try:
        return Reason(line(value))
    except ValueError:
        return Reason.OTHER


def _sender(event: Mapping[str, Any]) -> Address:
    who = obj(event.get("from"))
    id_ = line(who.get("id"))[:250]
    if not id_:
        raise Unparseable(Unread.NO_SENDER)
    return Address(line(who.get("name"))[:200], id_)


def _vouched(event: Mapping[str, Any]) -> tuple[tuple[str, str], ...]:
    """Where the program says that the same person can be reached: it is the business's own, and it signs."""
    said = obj(obj(event.get("from")).get("verified"))
    mail, phone = Address("", line(said.get("email"))).identity_key, e164(line(said.get("phone")))
    known = [("email", mail)] if _MAIL.fullmatch(mail) else []
    return (*known, ("sms", phone)) if phone else tuple(known)


def _moment(value: Any) -> datetime:
    """A moment of RFC 3339, with its offset. Raises Unparseable."""
    try:
        found = datetime.fromisoformat(line(value))
        if found.tzinfo is None:
            raise ValueError
        return found.astimezone(UTC)
    except (ValueError, OverflowError) as error:
        raise Unparseable(Unread.BROKEN, "a moment is written as 2026-11-22T14:07:07Z") from error
