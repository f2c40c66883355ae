"""What a door stored of a Page's or an Instagram account's webhook → ParsedMessage, Report, Change or Nothing.

Source: Meta for Developers, "Messenger Platform: Webhook events", "Instagram Platform: Webhooks, messaging". Ids are
of the person as this Page or account knows them (PSID, IGSID). Whatever is not understood becomes a message of kind
"unsupported" that carries it, and is never dropped.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from wasl.channels.base import Address, ParsedMessage, Unparseable, Unread
from wasl.channels.email.language import guess
from wasl.channels.meta import comments
from wasl.channels.meta.contents import Contents, contents_of
from wasl.channels.meta.values import key, moment
from wasl.channels.port import Change, Nothing, Parsed, Report, ReportKind
from wasl.channels.values import body, line, obj, small, text

OURS = "wasl:"
"""What our own messages carry in `metadata`, before the delivery's id: their echo is known by it."""

_SILENT = {
    "optin": "opt-in",
    "referral": "referral",
    "account_linking": "account linking",
    "pass_thread_control": "hand-over",
    "take_thread_control": "hand-over",
    "request_thread_control": "hand-over",
    "app_roles": "hand-over",
    "policy_enforcement": "policy",
    "typing": "typing",
    "game_play": "game",
}


def reader(channel: str) -> Callable[[bytes], Parsed]:
    """How a channel's payloads are read. It raises Unparseable, with the reason a person is shown, and nothing else."""

    def parse(raw: bytes) -> Parsed:
        try:
            about = json.loads(raw)
            if about["kind"] == "change":
                return comments.read(channel, about)
            return _event(
                Event(channel, about["owner"], about["event"], about.get("at"), key(about.get("mid")))
            )
        except Unparseable:
            raise
        except Exception as error:
            raise Unparseable(Unread.BROKEN, f"{type(error).__name__}: {error}") from error

    return parse


@dataclass(frozen=True, slots=True)
class Event:
    """A messaging event of the Page or account `owner`; `mid` is the one of its messages that is meant, '' for all."""

    channel: str
    owner: str
    said: Mapping[str, Any]
    noticed: Any
    mid: str = ""

    @property
    def at(self) -> datetime:
        """When it happened. Raises Unparseable."""
        return moment(self.said.get("timestamp") or self.noticed)

    @property
    def ours(self) -> bool:
        """Whether the business did it."""
        return bool(self.owner) and key(obj(self.said.get("sender")).get("id")) == self.owner

    def person(self, side: str = "sender") -> Address:
        """The customer. Raises Unparseable where no id says who it is."""
        who = obj(self.said.get(side))
        found = key(who.get("id")) or key(who.get("user_ref"))
        if not found:
            raise Unparseable(Unread.NO_SENDER)
        return Address(line(who.get("name") or who.get("username")), found)

    @property
    def by(self) -> Address:
        """Who changed something; nobody's address when it was the business."""
        return Address("", "") if self.ours else self.person()


def _event(event: Event) -> Parsed:
    for name, read in _EVENTS.items():
        if isinstance(event.said.get(name), dict):
            return read(event, event.said[name])
    for name, why in _SILENT.items():
        if name in event.said:
            return Nothing(why)
    return _unknown(event)


def _message(event: Event, message: Mapping[str, Any]) -> Parsed:
    mid, at = key(message.get("mid")), event.at
    echo = bool(message.get("is_echo"))
    if message.get("is_deleted"):
        return Change(kind="deleted", of=mid, sender=Address("", "") if echo else event.by, at=at)
    who = event.person("recipient" if echo else "sender")
    if echo and (delivery := own_delivery(text(message.get("metadata")))):
        return Report(kind="sent", at=at, ref=mid, delivery=delivery, recipient=who.address)
    answers = key(obj(message.get("reply_to")).get("mid"))
    return _made(event, contents_of(message, at), who, mid, answers=answers, ours=echo)


def own_delivery(metadata: str) -> str:
    """The id of the delivery that wrote this into a message; '' when none of ours did."""
    if not metadata.startswith(OURS):
        return ""
    try:
        return str(UUID(metadata.removeprefix(OURS)))
    except ValueError:
        return ""


def _made(
    event: Event, said: Contents, who: Address, mid: str, *, answers: str = "", ours: bool = False
) -> ParsedMessage:
    return ParsedMessage(
        channel=event.channel,
        sender=who,
        text=said.text,
        message_id=mid,
        in_reply_to=(answers,) if answers else (),
        sent_at=event.at,
        language=guess(said.text),
        kind=said.kind,
        content=said.content,
        media=said.media,
        written_by_us=ours,
    )


def _postback(event: Event, pressed: Mapping[str, Any]) -> Parsed:
    """A button of the menu, of a template or "Get started" was pressed."""
    title = body(pressed.get("title"))
    content = {"key": text(pressed.get("payload")), "title": title}
    return _made(event, Contents(title, "choice", content), event.person(), key(pressed.get("mid")))


def _reaction(event: Event, reaction: Mapping[str, Any]) -> Parsed:
    # Without the emoji itself there is only its name in English; some products say no more.
    shown = line(reaction.get("emoji")) or _EMOJI.get(text(reaction.get("reaction")), "👍")
    emoji = "" if reaction.get("action") == "unreact" else shown[:16]
    return Change(kind="reacted", of=key(reaction.get("mid")), sender=event.by, at=event.at, emoji=emoji)


_EMOJI = {"love": "❤️", "smile": "😆", "wow": "😮", "sad": "😢", "angry": "😠", "like": "👍", "dislike": "👎"}


def _edit(event: Event, edit: Mapping[str, Any]) -> Parsed:
    words = body(edit.get("text"))
    return Change(kind="edited", of=key(edit.get("mid")), sender=event.by, at=event.at, text=words)


def _delivered(event: Event, delivery: Mapping[str, Any]) -> Parsed:
    """By the message, where the slip names one; else up to a moment."""
    if event.mid:
        return Report(
            kind="delivered", at=_when(event, delivery), ref=event.mid, recipient=event.person().address
        )
    return _up_to(event, "delivered", delivery)


def _seen(event: Event, read: Mapping[str, Any]) -> Parsed:
    """Messenger says up to when, Instagram which message."""
    if mid := key(read.get("mid")):
        return Report(kind="read", at=_when(event, read), ref=mid, recipient=event.person().address)
    return _up_to(event, "read", read)


def _when(event: Event, said: Mapping[str, Any]) -> datetime:
    return moment(event.said.get("timestamp") or said.get("watermark") or event.noticed)


def _up_to(event: Event, kind: ReportKind, said: Mapping[str, Any]) -> Parsed:
    if said.get("watermark") is None:
        return Nothing(f"{kind}, and no moment")
    upto = moment(said["watermark"])
    return Report(kind=kind, at=_when(event, said), recipient=event.person().address, upto=upto)


def _unknown(event: Event) -> Parsed:
    names = sorted(set(event.said) - {"sender", "recipient", "timestamp"})
    if not names or event.ours:
        return Nothing("nothing of the customer's: " + line(", ".join(names))[:60])
    content = {"type": line(names[0])[:40], "raw": small(event.said)}
    return _made(event, Contents("", "unsupported", content), event.person(), "")


_EVENTS: dict[str, Callable[[Event, Mapping[str, Any]], Parsed]] = {
    "message": _message,
    "postback": _postback,
    "reaction": _reaction,
    "message_edit": _edit,
    "delivery": _delivered,
    "read": _seen,
}
