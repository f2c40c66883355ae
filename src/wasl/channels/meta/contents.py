"""What a message of Messenger or Instagram holds: words, files, places, what was chosen, and which story it is about.

Source: Meta for Developers, "Messenger Platform: message webhook event", "Instagram Platform: messages webhook".
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from wasl.channels.base import Media
from wasl.channels.meta.values import key, media
from wasl.channels.values import body, line, obj, objs, small, text

_FILES = {
    "image": ("image", "image/jpeg"),
    "video": ("video", "video/mp4"),
    "audio": ("audio", "audio/mp4"),
    "file": ("document", "application/octet-stream"),
}
# What people pass on of the platform itself: a post, a reel, a page. Instagram gives the picture, Messenger a link.
_SHARES = frozenset({"share", "ig_post", "ig_reel", "reel", "post", "fallback"})


@dataclass(frozen=True, slots=True)
class Contents:
    """The parts of a ParsedMessage that say what it is."""

    text: str
    kind: str = ""
    content: Mapping[str, Any] = field(default_factory=dict)
    media: tuple[Media, ...] = ()


def contents_of(message: Mapping[str, Any], at: datetime) -> Contents:
    """What a `message` says."""
    said, words = _said(message, at), body(message.get("text"))
    found = Contents(_joined(words, said.text), said.kind, said.content, said.media)
    if chosen := obj(message.get("quick_reply")):
        found = Contents(words, "choice", {"key": text(chosen.get("payload")), "title": words}, said.media)
    if story := obj(obj(message.get("reply_to")).get("story")):
        found = _to_story(found, story, at)
    return Contents(found.text, found.kind, {**found.content, **_around(message)}, found.media)


def _joined(words: str, more: str) -> str:
    """Both, without the lines that the words hold already: a link is often the text itself."""
    return "\n".join(filter(None, (words, *(each for each in more.splitlines() if each not in words))))


def _said(message: Mapping[str, Any], at: datetime) -> Contents:
    attachments = objs(message.get("attachments"))
    if message.get("is_unsupported") or (not attachments and not body(message.get("text"))):
        return Contents("", "unsupported", {"type": "message", "raw": small(message)})
    parts = [_attachment(each, at) for each in attachments]
    if not parts:
        return Contents("")
    kinds = list(dict.fromkeys(part.kind for part in parts))
    # Of several kinds in one message, the one that needs words is said.
    told = next((part for part in parts if part.kind not in dict(_FILES.values())), parts[0])
    content = told.content if len(kinds) == 1 or told.content else {}
    return Contents(
        "\n".join(dict.fromkeys(part.text for part in parts if part.text)),
        told.kind,
        content,
        tuple(file for part in parts for file in part.media),
    )


def _attachment(each: Mapping[str, Any], at: datetime) -> Contents:
    kind, payload = text(each.get("type")), obj(each.get("payload"))
    url = text(payload.get("url") or each.get("url"))
    if kind in _FILES and url:
        what, content_type = _FILES[kind]
        if payload.get("sticker_id"):
            what, content_type = "sticker", "image/png"
        return Contents("", what, {}, (media(url, what, content_type, at),))
    if kind == "location":
        return _place(each, payload)
    if kind == "story_mention":
        files = (media(url, "story", "image/jpeg", at),) if url else ()
        return Contents("", "story_mention", {}, files)
    if kind in _SHARES:
        return _share(kind, each, payload, url, at)
    return Contents(_titles(payload), "unsupported", {"type": line(kind)[:40], "raw": small(each)})


def _place(each: Mapping[str, Any], payload: Mapping[str, Any]) -> Contents:
    at = obj(payload.get("coordinates"))
    found = [at.get("lat"), at.get("long")]
    if not all(isinstance(value, int | float) and not isinstance(value, bool) for value in found):
        return Contents("", "unsupported", {"type": "location", "raw": small(each)})
    name = body(each.get("title"))
    content = {"latitude": found[0], "longitude": found[1]} | ({"name": name} if name else {})
    return Contents(name or f"{found[0]}, {found[1]}", "location", content)


def _share(
    kind: str, each: Mapping[str, Any], payload: Mapping[str, Any], url: str, at: datetime
) -> Contents:
    title = body(payload.get("title") or each.get("title"))
    content = {"type": kind, "title": title, "url": url if url.startswith("https://") else ""}
    # Instagram's address is the picture's own and good for some days; Messenger's is a page that stays.
    if kind in ("fallback", "post"):
        return Contents("\n".join(filter(None, (title, url))), "share", content)
    files = (media(url, "share", "image/jpeg", at),) if url else ()
    return Contents(title, "share", {**content, "url": ""}, files)


def _titles(payload: Mapping[str, Any]) -> str:
    """The words of a template or a product, as far as they are told."""
    told = [payload, *objs(payload.get("elements")), *objs(obj(payload.get("product")).get("elements"))]
    lines = [body(each.get(name)) for each in told for name in ("text", "title", "subtitle")]
    return "\n".join(dict.fromkeys(filter(None, lines)))


def _to_story(found: Contents, story: Mapping[str, Any], at: datetime) -> Contents:
    url = text(story.get("url"))
    shown = (media(url, "story", "image/jpeg", at),) if url else ()
    content = {**found.content, "story": key(story.get("id"))}
    kind = found.kind if found.kind == "unsupported" else "story_reply"
    return Contents(found.text, kind, content, (*found.media, *shown))


def _around(message: Mapping[str, Any]) -> dict[str, Any]:
    """The advertisement, the product or the shop that led here."""
    referral = obj(message.get("referral"))
    ad = obj(referral.get("ads_context_data"))
    known = {
        "headline": body(ad.get("ad_title")),
        "source": line(referral.get("source")),
        "source_url": text(referral.get("referer_uri")),
        "ref": line(referral.get("ref"))[:200],
        "product": key(obj(referral.get("product")).get("id")),
    }
    told = {name: value for name, value in known.items() if value}
    return {"referral": told} if told else {}
