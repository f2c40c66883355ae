"""What a message on Telegram holds: words, files, a place, a contact, a poll.

Source: Telegram Bot API, "Message" and the types of its fields.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any

from wasl.channels.base import Media
from wasl.channels.values import body, filename, line, obj, objs, small, text, whole

CHANNEL = "telegram"

_FILES = {
    "animation": ("video", "video/mp4"),
    "audio": ("audio", "audio/mpeg"),
    "document": ("document", "application/octet-stream"),
    "sticker": ("sticker", "image/webp"),
    "video": ("video", "video/mp4"),
    "video_note": ("video", "video/mp4"),
    "voice": ("voice", "audio/ogg"),
}
"""Fields with a file: what a page calls it, and its type where Telegram does not say."""

_ENDINGS = {
    "image/jpeg": "jpg", "audio/mpeg": "mp3", "audio/ogg": "ogg", "video/mp4": "mp4", "video/webm": "webm",
    "application/x-tgsticker": "tgs", "application/octet-stream": "bin", "text/plain": "txt",
}  # fmt: skip

_ABOUT = frozenset(
    {
        "message_id", "message_thread_id", "direct_messages_topic", "from", "sender_chat", "sender_boost_count",
        "sender_business_bot", "date", "business_connection_id", "chat", "forward_origin", "forward_date",
        "forward_from", "is_topic_message", "is_automatic_forward", "reply_to_message", "external_reply", "quote",
        "reply_to_story", "reply_to_checklist_task_id", "via_bot", "edit_date", "has_protected_content",
        "is_from_offline", "is_paid_post", "media_group_id", "author_signature", "paid_star_count", "entities",
        "caption_entities", "link_preview_options", "effect_id", "show_caption_above_media", "has_media_spoiler",
        "reply_markup",
    }
)  # fmt: skip
"""Fields that say something about a message and nothing in it."""

Said = tuple[str, str, dict[str, Any]]
"""Text, kind and content of a message."""


def said_in(message: Mapping[str, Any]) -> Said:
    """What was said, in the words of the page."""
    if isinstance(message.get("text"), str):
        return _text(body(message["text"]))
    if message.get("photo"):
        return body(message.get("caption")), "image", {}
    for name, (kind, _) in _FILES.items():
        if isinstance(message.get(name), dict):
            words = body(message.get("caption")) or (
                line(message[name].get("emoji")) if kind == "sticker" else ""
            )
            return words, kind, {}
    for name, reader in _READERS.items():
        if isinstance(message.get(name), dict) and (found := reader(message[name])):
            return found
    kind = ", ".join(sorted(set(message) - _ABOUT))[:80]
    return body(message.get("caption")), "unsupported", {"type": line(kind), "raw": small(message)}


def _text(words: str) -> Said:
    """Words; `/start` is what a link to the bot sends, with what stood in the link (deep linking)."""
    command, _, payload = words.partition(" ")
    if command == "/start":
        return words, "start", {"payload": line(payload)[:64]}
    return words, "", {}


def _location(part: Mapping[str, Any]) -> Said | None:
    at = part.get("latitude"), part.get("longitude")
    if not all(isinstance(each, int | float) and not isinstance(each, bool) for each in at):
        return None
    return f"{at[0]}, {at[1]}", "location", {"latitude": at[0], "longitude": at[1]}


def _venue(part: Mapping[str, Any]) -> Said | None:
    place = _location(obj(part.get("location")))
    names = {
        name: body(part.get(key))
        for name, key in (("name", "title"), ("address", "address"))
        if part.get(key)
    }
    if place is None:
        return None
    return "\n".join(names.values()) or place[0], "location", {**place[2], **names}


def _contact(part: Mapping[str, Any]) -> Said | None:
    name = f"{line(part.get('first_name'))} {line(part.get('last_name'))}".strip()
    phone = line(part.get("phone_number"))
    people = [{"name": name, "phones": [phone] if phone else [], "emails": []}]
    words = ": ".join(filter(None, (name, phone)))
    return (words, "contacts", {"people": people}) if words else None


def _poll(part: Mapping[str, Any]) -> Said | None:
    question = body(part.get("question"))
    options = [body(each.get("text")) for each in objs(part.get("options"))]
    words = "\n".join([question, *(f"– {option}" for option in options)])
    return (words, "poll", {"question": question, "options": options}) if question else None


def _dice(part: Mapping[str, Any]) -> Said | None:
    thrown, value = line(part.get("emoji")), whole(part.get("value"))
    return (f"{thrown} {value}", "", {}) if thrown and value is not None else None


_READERS: dict[str, Callable[[Mapping[str, Any]], Said | None]] = {
    "venue": _venue,  # before its location, which comes beside it
    "location": _location,
    "contact": _contact,
    "poll": _poll,
    "dice": _dice,
}


def media_of(message: Mapping[str, Any], at: datetime) -> tuple[Media, ...]:
    """The file of a message, if it has one; of a photo the largest of its sizes."""
    if photos := [each for each in objs(message.get("photo")) if text(each.get("file_id"))]:
        largest = max(
            photos, key=lambda each: (whole(each.get("width")) or 0) * (whole(each.get("height")) or 0)
        )
        return (_media(largest, "image", "image/jpeg", at),)
    for name, (kind, usual) in _FILES.items():
        part = obj(message.get(name))
        if text(part.get("file_id")):
            return (_media(part, kind, _type(part, name) or usual, at),)
    return ()


def _type(part: Mapping[str, Any], name: str) -> str:
    if name == "sticker":
        animated, video = part.get("is_animated") is True, part.get("is_video") is True
        return "application/x-tgsticker" if animated else "video/webm" if video else "image/webp"
    return line(part.get("mime_type")).partition(";")[0].strip().lower()


def _media(part: Mapping[str, Any], kind: str, content_type: str, at: datetime) -> Media:
    size = whole(part.get("file_size")) or 0
    ending = (
        _ENDINGS.get(content_type) or re.sub(r"[^a-z0-9]", "", content_type.partition("/")[2])[:8] or "bin"
    )
    name = filename(part.get("file_name")) or f"{kind}-{at:%Y%m%d-%H%M%S}.{ending}"
    return Media(
        {"id": text(part["file_id"]), "size": str(size), "type": content_type}, content_type, name, size
    )
