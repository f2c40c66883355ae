"""Sending by the Send API of Messenger and Instagram, answering comments, and fetching what was sent to us.

Source: Meta for Developers, "Messenger Platform: Send API, Attachment Upload API, Private replies", "Instagram
Platform: Comment moderation". A message carries words or one file: several things are several calls, of which the
last also carries the buttons.
"""

from __future__ import annotations

import json
import uuid
from collections import OrderedDict
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from threading import Lock
from typing import Any

from wasl.channels import provider
from wasl.channels.base import InDoubt, PermanentFailure, Reason, Sent, TemporaryFailure, Unreached
from wasl.channels.meta.errors import fail
from wasl.channels.meta.graph import GRAPH, base, signed
from wasl.channels.meta.read import OURS
from wasl.channels.port import Choice, Fetched, OutboundChat, Settings, Upload
from wasl.channels.provider import Said
from wasl.kit.clock import now

WINDOW, LATE = timedelta(hours=24), timedelta(days=7)
"""After the customer's last message: how long anything may be sent, and how long what a person writes may be."""
CHOICES, TITLE = 13, 20
KINDS = (
    *((f"image/{each}", 8_000_000) for each in ("png", "jpeg", "gif")),
    ("audio/", 25_000_000),
    ("video/", 25_000_000),
    ("application/pdf", 25_000_000),
)
"""What Instagram takes, in bytes."""
REDIRECTS = 3


@dataclass(frozen=True, slots=True)
class Platform:
    """In what the two differ. `most` is the length of a text, in bytes where `in_bytes`, else in letters."""

    name: str
    most: int
    in_bytes: bool
    reacts: bool
    comments: str
    """Below which edge of a comment answers to it are made."""


MESSENGER = Platform("messenger", 2000, in_bytes=False, reacts=False, comments="comments")
INSTAGRAM = Platform("instagram", 1000, in_bytes=True, reacts=True, comments="replies")


class Line:
    """A Page's or an account's end."""

    def __init__(self, inbox: Settings, platform: Platform) -> None:
        if not inbox.address or not inbox.secrets.get("access_token"):
            raise Unreached("", "The id or the access token is missing.", reason=Reason.SIGN_IN)
        self._inbox, self._platform = inbox, platform

    def send(self, message: OutboundChat) -> Sent:
        """All parts of a message, in order; after a failure in between a retry goes on where it stopped, as long as
        this process remembers. Raises as `port.Line` says, and ValueError for a message with nothing in it."""
        if message.comment == "public":
            return self._below(message)
        media = [self._upload(file) for file in message.files]
        parts = compose(message, self._platform, media)
        if message.mark_read:
            self._mark_read(message.to)
        done = _begun.refs(message.delivery)
        for part in parts[len(done) :]:
            done.append(self._message(part))
            _begun.keep(message.delivery, done)
        _begun.forget(message.delivery)
        return Sent(done[-1], " ".join(done[:-1]))

    def close(self) -> None:
        """Nothing is kept between calls."""

    def _post(self, path: str, data: Mapping[str, Any]) -> Said:
        return provider.ask(
            "POST",
            f"{base(self._inbox)}/{path}",
            data=data,
            headers=signed(self._inbox),
            private=self._inbox.private,
        )

    def _message(self, part: Mapping[str, Any]) -> str:
        said = self._post("me/messages", part)
        mid = said.body.get("message_id")
        if said.status == 200 and "sender_action" in part:
            return ""
        if said.status != 200 or not isinstance(mid, str):
            fail(said)
        return mid

    def _mark_read(self, to: str) -> None:
        """The customer sees that it was read; that this fails is nobody's loss."""
        try:
            self._post("me/messages", {"recipient": {"id": to}, "sender_action": "mark_seen"})
        except (Unreached, InDoubt):
            return

    def _below(self, message: OutboundChat) -> Sent:
        """An answer that everybody can read. Pictures do not go there."""
        if message.files or not message.text:
            raise PermanentFailure("", "an answer in public is text alone", Reason.BAD_MESSAGE)
        if message.to.startswith("mention:"):  # Instagram: what is answered is named, not opened
            named = {
                "comment_id" if message.to != f"mention:{message.answers}" else "media_id": message.answers
            }
            said = self._post(f"{self._inbox.address}/mentions", {**named, "message": message.text})
        else:
            said = self._post(f"{message.answers}/{self._platform.comments}", {"message": message.text})
        id_ = said.body.get("id")
        if said.status != 200 or not isinstance(id_, str):
            fail(said)
        return Sent(id_)

    def _upload(self, file: Upload) -> str:
        """Hand a file over; the id under which it can be sent. Nothing reaches the customer by that."""
        with file.read() as source:
            content = source.read()
        boundary = uuid.uuid4().hex
        attachment = {"type": kind_of(file), "payload": {"is_reusable": True}}
        fields = {"message": json.dumps({"attachment": attachment})}
        if self._platform is INSTAGRAM:
            fields["platform"] = "instagram"
        said = provider.ask(
            "POST",
            f"{base(self._inbox)}/me/message_attachments",
            body=multipart(boundary, fields, "filedata", file, content),
            headers={**signed(self._inbox), "Content-Type": f"multipart/form-data; boundary={boundary}"},
            private=self._inbox.private,
            changes=False,
        )
        id_ = said.body.get("attachment_id")
        if said.status != 200 or not isinstance(id_, str):
            fail(said, sure=True)
        return id_


def multipart(boundary: str, fields: Mapping[str, str], name: str, file: Upload, content: bytes) -> bytes:
    """A form with a file (RFC 7578)."""
    called = file.filename.encode("ascii", "replace").decode().replace('"', "_") or "file"
    lines = [
        f'--{boundary}\r\nContent-Disposition: form-data; name="{each}"\r\n\r\n{value}\r\n'
        for each, value in fields.items()
    ]
    lines.append(
        f'--{boundary}\r\nContent-Disposition: form-data; name="{name}"; filename="{called}"\r\n'
        f"Content-Type: {file.content_type}\r\n\r\n"
    )
    return "".join(lines).encode() + content + f"\r\n--{boundary}--\r\n".encode()


def kind_of(file: Upload) -> str:
    """What the platform calls such a file."""
    kind = file.content_type.partition("/")[0]
    return kind if kind in ("image", "video", "audio") else "file"


def compose(
    message: OutboundChat, platform: Platform, media: list[str], at: datetime | None = None
) -> list[dict[str, Any]]:
    """The bodies of the calls. Raises ValueError for a message without anything in it."""
    whom = {"comment_id": message.answers} if message.comment == "private" else {"id": message.to}
    if message.reaction or (message.answers and not (message.text or media)):
        return [_reaction(message, platform)]
    around = {"recipient": whom, **_permission(message, at or now())}
    if message.answers and not message.comment:
        around["reply_to"] = {"mid": message.answers}
    contents: list[dict[str, Any]] = [{"text": text} for text in cut(message.text, platform)]
    contents += [
        {"attachment": {"type": kind_of(file), "payload": {"attachment_id": id_}}}
        for file, id_ in zip(message.files, media, strict=True)
    ]
    if not contents:
        raise ValueError("a message without words or file")
    if message.choices:
        contents[-1]["quick_replies"] = [_quick(each) for each in message.choices[:CHOICES]]
    mark = {"metadata": f"{OURS}{message.delivery}"} if message.delivery else {}
    return [{**around, "message": {**each, **mark}} for each in contents]


def _permission(message: OutboundChat, at: datetime) -> dict[str, str]:
    """Within a day of the customer's message it is an answer; later, what a person writes, and says so."""
    if message.wrote_at is None or message.comment or at - message.wrote_at < WINDOW:
        return {"messaging_type": "RESPONSE"}
    return {"messaging_type": "MESSAGE_TAG", "tag": "HUMAN_AGENT"}


def _quick(choice: Choice) -> dict[str, str]:
    return {"content_type": "text", "title": choice.title[:TITLE], "payload": choice.key}


def _reaction(message: OutboundChat, platform: Platform) -> dict[str, Any]:
    if not platform.reacts:
        raise PermanentFailure("", "no reactions can be sent here", Reason.BAD_MESSAGE)
    payload = {"message_id": message.answers} | ({"reaction": "love"} if message.reaction else {})
    action = "react" if message.reaction else "unreact"
    return {"recipient": {"id": message.to}, "sender_action": action, "payload": payload}


def cut(text: str, platform: Platform) -> list[str]:
    """A text in pieces that the platform takes, cut between words where there are any; [] for ''."""
    pieces = []
    while text:
        end = _fitting(text, platform)
        if end < len(text) and (space := max(text.rfind(" ", 1, end), text.rfind("\n", 1, end))) > end // 2:
            end = space
        pieces.append(text[:end].strip())
        text = text[end:].lstrip()
    return [piece for piece in pieces if piece]


def _fitting(text: str, platform: Platform) -> int:
    """How many letters of it fit."""
    if not platform.in_bytes:
        return min(len(text), platform.most)
    return max(
        1, len(text[: platform.most].encode("utf-8", "replace")[: platform.most].decode("utf-8", "ignore"))
    )


class _Begun:
    """The parts of messages that went out before another part failed, by delivery; the newest thousand."""

    def __init__(self) -> None:
        self._refs: OrderedDict[str, list[str]] = OrderedDict()
        self._lock = Lock()

    def refs(self, delivery: str) -> list[str]:
        with self._lock:
            return list(self._refs.get(delivery, ()))

    def keep(self, delivery: str, refs: list[str]) -> None:
        with self._lock:
            self._refs[delivery] = list(refs)
            while len(self._refs) > 1000:
                self._refs.popitem(last=False)

    def forget(self, delivery: str) -> None:
        with self._lock:
            self._refs.pop(delivery, None)


_begun = _Begun()


def fetch(inbox: Settings, ref: Mapping[str, Any]) -> Fetched:
    """A file that was sent to us, from the address that the webhook gave: it needs no token, and gets none.

    Such an address never leads into one's own network, unless the provider itself stands there (a sandbox).
    Raises Unreached, TemporaryFailure or PermanentFailure.
    """
    url, private = str(ref["url"]), inbox.private and inbox.text("base_url", GRAPH) != GRAPH
    for _ in range(REDIRECTS + 1):
        said = provider.ask(
            "GET", url, headers={"Accept": "*/*"}, private=private, most=provider.FILE, changes=False
        )
        moved = said.headers.get("location", "")
        if said.status not in (301, 302, 303, 307, 308) or not moved:
            break
        url = moved
    if said.status != 200:
        if said.status in (400, 401, 403, 404, 410):  # the address is good for some days
            raise PermanentFailure(str(said.status), "the file is gone", Reason.OTHER)
        raise TemporaryFailure(str(said.status), "no explanation", said.retry_after)
    kind = (said.headers.get("content-type") or "application/octet-stream").partition(";")[0].strip().lower()
    if kind == "text/html":  # a page about the file, or about why there is none
        raise PermanentFailure("", "a page instead of a file", Reason.OTHER)
    return Fetched(said.raw, kind)
