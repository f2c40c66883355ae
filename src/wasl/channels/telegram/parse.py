"""A stored update → ParsedMessage, Change or Nothing.

Source: Telegram Bot API, "Update", "Message", "MessageReactionUpdated", "CallbackQuery", "ChatMemberUpdated". Whatever
a customer sends that is not understood becomes a message of kind "unsupported" that carries it.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

from wasl.channels.base import Address, Language, ParsedMessage, Unparseable, Unread
from wasl.channels.email.language import guess
from wasl.channels.port import Change, Nothing, Parsed
from wasl.channels.telegram.contents import CHANNEL, media_of, said_in
from wasl.channels.telegram.hook import ref
from wasl.channels.values import body, line, obj, objs, text, whole
from wasl.kit.languages import CODES

STAR = "⭐"
"""For a reaction that is no emoji: a picture of Telegram's own, or a paid one."""


def parse(raw: bytes) -> Parsed:
    """Raises Unparseable, with the reason a person is shown, and nothing else."""
    try:
        about = json.loads(raw)
        update, inbox = about["update"], line(about["inbox"])
        for kind, reader in _KINDS.items():
            if isinstance(update.get(kind), dict):
                return reader(update[kind], inbox, int(update["update_id"]))
        return Nothing("an update of another kind: " + ", ".join(sorted(set(update) - {"update_id"}))[:80])
    except Unparseable:
        raise
    except Exception as error:
        raise Unparseable(Unread.BROKEN, f"{type(error).__name__}: {error}") from error


def _message(message: Mapping[str, Any], inbox: str, _: int) -> Parsed:
    if other := _not_private(message):
        return other
    who, language = _sender(message.get("from"))
    at = _moment(message.get("date"))
    words, kind, content = said_in(message)
    chat, quoted = _chat(message), obj(message.get("reply_to_message"))
    answered = whole(quoted.get("message_id"))
    return ParsedMessage(
        channel=CHANNEL,
        sender=who,
        text=words,
        message_id=ref(chat, _id(message), inbox),
        in_reply_to=(ref(chat, answered, inbox),) if answered is not None else (),
        sent_at=at,
        language=guess(words) or language,
        kind=kind,
        content={**content, **_around(message)},
        media=media_of(message, at),
    )


def _edited(message: Mapping[str, Any], inbox: str, update: int) -> Parsed:
    if other := _not_private(message):
        return other
    who, _ = _sender(message.get("from"))
    at = _moment(message.get("edit_date") or message.get("date"), update)
    of = ref(_chat(message), _id(message), inbox)
    return Change(kind="edited", of=of, sender=who, at=at, text=said_in(message)[0])


def _reaction(reaction: Mapping[str, Any], inbox: str, update: int) -> Parsed:
    if other := _not_private(reaction):
        return other
    who, _ = _sender(reaction.get("user"))
    given = [line(each.get("emoji")) or STAR for each in objs(reaction.get("new_reaction"))]
    return Change(
        kind="reacted", of=ref(_chat(reaction), _id(reaction), inbox), sender=who,
        at=_moment(reaction.get("date"), update), emoji=given[-1] if given else "",
    )  # fmt: skip


def _choice(query: Mapping[str, Any], inbox: str, _: int) -> Parsed:
    """A button below a message of ours was pressed."""
    message = obj(query.get("message"))
    if message and (other := _not_private(message)):
        return other
    who, language = _sender(query.get("from"))
    key = text(query.get("data"))
    title = _title(message, key) or line(key)
    pressed = whole(message.get("message_id"))
    return ParsedMessage(
        channel=CHANNEL,
        sender=who,
        text=title,
        message_id=f"choice:{line(query.get('id'))}:{inbox}",
        in_reply_to=(ref(_chat(message), pressed, inbox),) if pressed is not None else (),
        language=language,
        kind="choice",
        content={"key": key, "title": title},
    )


def _title(message: Mapping[str, Any], key: str) -> str:
    """What stood on the button."""
    rows = obj(message.get("reply_markup")).get("inline_keyboard")
    for row in rows if isinstance(rows, list) else []:
        for button in objs(row):
            if key and button.get("callback_data") == key:
                return body(button.get("text"))
    return ""


def _member(change: Mapping[str, Any], _inbox: str, _update: int) -> Parsed:
    if other := _not_private(change):
        return other
    state = line(obj(change.get("new_chat_member")).get("status"))
    return Nothing(
        "the customer has blocked the bot" if state == "kicked" else f"the bot is now: {state[:40]}"
    )


_KINDS: dict[str, Callable[[Mapping[str, Any], str, int], Parsed]] = {
    "message": _message, "edited_message": _edited, "message_reaction": _reaction, "callback_query": _choice,
    "my_chat_member": _member,
}  # fmt: skip


def _not_private(about: Mapping[str, Any]) -> Nothing | None:
    """A customer's own chat with the bot is what an inbox is for."""
    kind = line(obj(about.get("chat")).get("type"))
    if kind == "private":
        return None
    if kind in ("group", "supergroup"):
        return Nothing("from a group: a conversation is with one customer")
    if kind == "channel":
        return Nothing("from a channel: nobody there can be answered")
    raise Unparseable(Unread.BROKEN, "no chat")


def _sender(person: Any) -> tuple[Address, Language]:
    found = obj(person)
    id_ = whole(found.get("id"))
    if id_ is None:
        raise Unparseable(Unread.NO_SENDER)
    name = f"{line(found.get('first_name'))} {line(found.get('last_name'))}".strip()
    spoken = line(found.get("language_code"))[:2].lower()
    return Address(name or line(found.get("username")), str(id_)), spoken if spoken in CODES else ""


def _around(message: Mapping[str, Any]) -> dict[str, Any]:
    """What a page says beside the words: that it was passed on, and which words of ours were quoted."""
    found: dict[str, Any] = {}
    if message.get("forward_origin") or message.get("forward_date"):
        found["forwarded"] = "once"
    if quote := body(obj(message.get("quote")).get("text")):
        found["quote"] = quote
    return found


def _chat(about: Mapping[str, Any]) -> int:
    found = whole(obj(about.get("chat")).get("id"))
    if found is None:
        raise Unparseable(Unread.BROKEN, "no chat")
    return found


def _id(message: Mapping[str, Any]) -> int:
    found = whole(message.get("message_id"))
    if found is None:
        raise Unparseable(Unread.BROKEN, "no message id")
    return found


def _moment(value: Any, update: int = 0) -> datetime:
    """Seconds since 1970. Of changes within one second the one with the later update is the later. Raises
    Unparseable."""
    seconds = whole(value)
    try:
        if seconds is None:
            raise ValueError
        return datetime.fromtimestamp(seconds, UTC) + timedelta(microseconds=update % 1_000_000)
    except (ValueError, OverflowError, OSError) as error:
        raise Unparseable(Unread.BROKEN, "no moment") from error
