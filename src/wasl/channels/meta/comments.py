"""What is said in public: comments below a Page's or an Instagram account's posts, visitors' posts, and mentions.

Source: Meta for Developers, "Webhooks reference: Page, feed and mention", "Instagram: comments, mentions". A thread is
one author below one post; everybody can read it, and every message of it says so.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import datetime
from typing import Any

from wasl.channels.base import Address, Media, ParsedMessage, Unparseable, Unread
from wasl.channels.email.language import guess
from wasl.channels.meta.values import key, media, moment
from wasl.channels.port import Change, Nothing, Parsed
from wasl.channels.values import body, line, obj, small, text

_POSTS = frozenset({"post", "status", "photo", "video", "share", "link"})
_NO_WORDS = frozenset({"like", "reaction", "follow", "album", "event", "rating"})
_VERBS = {"hide": "hidden", "unhide": "shown", "remove": "deleted"}


def read(channel: str, about: Mapping[str, Any]) -> Parsed:
    """A change of the public side. Raises Unparseable."""
    field, value = about["field"], about["value"]
    # What happens to a comment later is dated by the notice: `created_time` may be that of the comment itself.
    moments = (value.get("created_time"), value.get("timestamp"), about.get("at"))
    if value.get("verb") not in (None, "add"):
        moments = (about.get("at"), value.get("created_time"), value.get("timestamp"))
    at = moment(next((each for each in moments if each), None))
    if channel == "instagram":
        return _instagram(about, value, at)
    if field == "feed":
        return _feed(about, value, at)
    if field == "mention":
        return _mention(about, value, at)
    return Nothing(f"change of {line(field)[:40]}")


def _feed(about: Mapping[str, Any], value: Mapping[str, Any], at: datetime) -> Parsed:
    item, verb = text(value.get("item")), text(value.get("verb"))
    author = obj(value.get("from"))
    ours = key(author.get("id")) == about["owner"]
    if item in _NO_WORDS or (item in _POSTS and ours):
        return Nothing(f"{line(item)[:40]} {line(verb)[:40]}")
    if item != "comment" and item not in _POSTS:
        return _unknown(value, author, at)
    post, id_ = key(value.get("post_id")), key(value.get("comment_id") or value.get("post_id"))
    if verb in ("hide", "unhide", "remove"):
        return _moved(_VERBS[verb], id_, at)
    if verb in ("edited", "edit"):
        by = Address("", "") if ours else _author(author)
        return Change(kind="edited", of=id_, sender=by, at=at, text=body(value.get("message")))
    if ours:
        return Nothing("our own comment")
    if verb != "add":
        return Nothing(f"{line(item)[:40]} {line(verb)[:40]}")
    parent = key(value.get("parent_id"))
    link = text(value.get("permalink_url") or obj(value.get("post")).get("permalink_url"))
    return _said(
        "messenger", "comment", _author(author), at, id_, post, body(value.get("message")),
        parent=parent if parent != post else "",
        link=link or f"https://www.facebook.com/{id_}",
        files=_files(value, at),
    )  # fmt: skip


def _moved(kind: str, of: str, at: datetime) -> Parsed:
    """The webhook does not say whether its author or the business did it; that it is gone is true of both."""
    if kind == "deleted":
        return Change(kind="deleted", of=of, sender=Address("", ""), at=at)
    return Change(kind="hidden" if kind == "hidden" else "shown", of=of, sender=Address("", ""), at=at)


def _mention(about: Mapping[str, Any], value: Mapping[str, Any], at: datetime) -> Parsed:
    """A Page was named somewhere."""
    author = {"id": value.get("sender_id"), "name": value.get("sender_name"), **obj(value.get("from"))}
    post, id_ = key(value.get("post_id")), key(value.get("comment_id") or value.get("post_id"))
    if value.get("verb") not in (None, "add") or key(author["id"]) == about["owner"]:
        return Nothing(f"mention {line(value.get('verb'))[:40]}")
    return _said(
        "messenger", "mention", _author(author), at, id_, post, body(value.get("message")),
        link=text(value.get("permalink_url")) or f"https://www.facebook.com/{id_}",
    )  # fmt: skip


def _instagram(about: Mapping[str, Any], value: Mapping[str, Any], at: datetime) -> Parsed:
    field = about["field"]
    author, post = obj(value.get("from")), obj(value.get("media"))
    if field in ("comments", "live_comments"):
        own = {key(author.get("id")), key(author.get("self_ig_scoped_id"))}
        if about["owner"] in own or author.get("self_ig_scoped_id"):
            return Nothing("our own comment")
        return _said(
            "instagram", "comment", _author(author), at, key(value.get("id")), key(post.get("id")),
            body(value.get("text")), parent=key(value.get("parent_id")), link=text(post.get("permalink")),
        )  # fmt: skip
    if field == "mentions":
        # It names the comment and nobody: who wrote what is to be looked up there.
        place = key(value.get("media_id"))
        id_ = key(value.get("comment_id")) or place
        if not id_:
            raise Unparseable(Unread.NO_SENDER)
        return _said("instagram", "mention", Address("", f"mention:{id_}"), at, id_, place, "")
    return Nothing(f"change of {line(field)[:40]}")


def _author(author: Mapping[str, Any]) -> Address:
    found = key(author.get("id"))
    if not found:
        raise Unparseable(Unread.NO_SENDER)
    return Address(line(author.get("name") or author.get("username")), found)


def _said(
    channel: str, kind: str, who: Address, at: datetime, id_: str, post: str, words: str,
    parent: str = "", link: str = "", files: tuple[Media, ...] = (),
) -> ParsedMessage:  # fmt: skip
    content: dict[str, Any] = {"public": True, "post": post, "permalink": link}
    return ParsedMessage(
        channel=channel,
        sender=who,
        subject=topic(channel, post or id_),
        text=words,
        message_id=id_,
        in_reply_to=(parent,) if parent else (),
        sent_at=at,
        language=guess(words),
        kind=kind,
        content=content,
        media=files,
    )


def topic(channel: str, post: str) -> str:
    """The subject of the conversations below a post: by it they are kept apart from private messages.

    Ids are numbers, a Page's two with a line between; of one that is not, what can stand in a subject remains.
    """
    return f"{'facebook' if channel == 'messenger' else channel}:{re.sub('[^0-9_]', '', post) or '0'}"


def _files(value: Mapping[str, Any], at: datetime) -> tuple[Media, ...]:
    kinds = (("photo", "image/jpeg"), ("video", "video/mp4"))
    found = [(text(value.get(name)), name, content_type) for name, content_type in kinds]
    return tuple(
        media(url, name, content_type, at) for url, name, content_type in found if url.startswith("https://")
    )


def _unknown(value: Mapping[str, Any], author: Mapping[str, Any], at: datetime) -> Parsed:
    if not key(author.get("id")):
        return Nothing(f"feed {line(value.get('item'))[:40]}")
    content = {"type": line(value.get("item"))[:40], "raw": small(value), "public": True}
    return ParsedMessage(
        channel="messenger", sender=_author(author), sent_at=at, kind="unsupported", content=content,
        subject=topic("messenger", key(value.get("post_id"))),
    )  # fmt: skip
