"""What a door stored of X's webhook → ParsedMessage, Report or Nothing.

Source: X Developer Platform, "Account Activity API: Activity data objects", "Direct Messages: message create object,
message attachments". Whatever is not understood becomes a message of kind "unsupported", and is never dropped.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import datetime
from typing import Any

from wasl.channels.base import Address, Media, ParsedMessage, Unparseable, Unread
from wasl.channels.email.language import guess
from wasl.channels.meta.values import key, media, moment
from wasl.channels.port import Nothing, Parsed, Report
from wasl.channels.values import body, line, obj, objs, small, text

CHANNEL = "x"
_KINDS = {
    "photo": ("image", "image/jpeg"),
    "animated_gif": ("video", "video/mp4"),
    "video": ("video", "video/mp4"),
}


def parse(raw: bytes) -> Parsed:
    """Raises Unparseable, with the reason a person is shown, and nothing else."""
    try:
        about = json.loads(raw)
        if about["kind"] == "direct_message_events":
            return _message(about)
        if about["kind"] == "direct_message_mark_read_events":
            return _read(about)
        return Nothing(line(about["kind"])[:60])
    except Unparseable:
        raise
    except Exception as error:
        raise Unparseable(Unread.BROKEN, f"{type(error).__name__}: {error}") from error


def _message(about: Mapping[str, Any]) -> Parsed:
    event = about["event"]
    made, at = obj(event.get("message_create")), moment(event.get("created_timestamp"))
    sender = key(made.get("sender_id"))
    ours = bool(sender) and sender == about["owner"]
    who = _person(about, key(obj(made.get("target")).get("recipient_id")) if ours else sender)
    data = obj(made.get("message_data"))
    known = event.get("type") == "message_create" and bool(data)
    said, kind, content, files = _said(data, at) if known else ("", "unsupported", {}, ())
    if kind == "unsupported":
        content = {"type": line(event.get("type"))[:40], "raw": small(event)}
    if post := key(obj(event.get("initiated_via")).get("tweet_id")):
        content = {**content, "referral": {"source_url": f"https://x.com/i/status/{post}"}}
    return ParsedMessage(
        channel=CHANNEL,
        sender=who,
        text=said,
        message_id=key(event.get("id")),
        sent_at=at,
        language=guess(said),
        kind=kind,
        content=content,
        media=files,
        written_by_us=ours,
    )


def _person(about: Mapping[str, Any], id_: str) -> Address:
    if not id_:
        raise Unparseable(Unread.NO_SENDER)
    user = obj(about["users"].get(id_))
    screen = line(user.get("screen_name"))
    return Address(line(user.get("name")) or (f"@{screen}" if screen else ""), id_)


Said = tuple[str, str, dict[str, Any], tuple[Media, ...]]


def _said(data: Mapping[str, Any], at: datetime) -> Said:
    attachment = obj(data.get("attachment"))
    words = _words(data, text(obj(attachment.get("media")).get("url")))
    if chosen := obj(data.get("quick_reply_response")):
        return words, "choice", {"key": text(chosen.get("metadata")), "title": words}, ()
    if not attachment:
        return words, "" if words else "unsupported", {}, ()
    if attachment.get("type") == "media":
        kind, files = _media(obj(attachment.get("media")), at)
        return words, kind, {}, files
    if attachment.get("type") == "location":
        return _place(words, obj(attachment.get("location")))
    return words, "unsupported", {}, ()


def _words(data: Mapping[str, Any], own: str) -> str:
    """The text with its links as they were written; the link that X adds for a file is nobody's words."""
    words = text(data.get("text"))
    for each in objs(obj(data.get("entities")).get("urls")):
        short, full = text(each.get("url")), text(each.get("expanded_url"))
        if short and full:
            words = words.replace(short, "" if short == own else full)
    if own:
        words = words.replace(own, "")
    # These three, and no other, are escaped in messages.
    return body(words.replace("&lt;", "<").replace("&gt;", ">").replace("&amp;", "&"))


def _media(found: Mapping[str, Any], at: datetime) -> tuple[str, tuple[Media, ...]]:
    kind, content_type = _KINDS.get(text(found.get("type")), ("unsupported", ""))
    url = text(found.get("media_url_https"))
    if kind == "video":
        films = [
            v
            for v in objs(obj(found.get("video_info")).get("variants"))
            if v.get("content_type") == content_type
        ]
        best = max(films, key=lambda v: v["bitrate"] if isinstance(v.get("bitrate"), int) else 0, default={})
        url = text(best.get("url"))
    return (
        (kind, (media(url, kind, content_type, at),))
        if kind != "unsupported" and url
        else ("unsupported", ())
    )


def _place(words: str, location: Mapping[str, Any]) -> Said:
    """A point, or a place with the box that it lies in."""
    point = obj(obj(location.get("shared_coordinate")).get("coordinates")).get("coordinates")
    place = obj(obj(location.get("shared_place")).get("place"))
    name = body(place.get("full_name"))
    if point is None and place:
        corners = obj(place.get("bounding_box")).get("coordinates")
        point = corners[0][0] if isinstance(corners, list) and corners and corners[0] else None
    if not isinstance(point, list) or len(point) != 2 or not all(isinstance(n, int | float) for n in point):
        return words, "unsupported", {}, ()
    content = {"latitude": point[1], "longitude": point[0]} | ({"name": name} if name else {})
    return words or name or f"{point[1]}, {point[0]}", "location", content, ()


def _read(about: Mapping[str, Any]) -> Parsed:
    """Whoever it was has read all that there was by then."""
    event = about["event"]
    who, at = key(event.get("sender_id")), moment(event.get("created_timestamp"))
    if not who or who == about["owner"]:
        return Nothing("read by us")
    return Report(kind="read", at=at, recipient=who, upto=at)
