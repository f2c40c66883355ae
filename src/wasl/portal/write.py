"""What a customer writes on the page: a mail like any other of theirs, stored raw before anything is made of it."""

import hashlib
import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from django.core.files.uploadedfile import UploadedFile

from wasl.channels.base import Address, OutboundMessage, Part
from wasl.channels.email.compose import compose
from wasl.channels.email.tokens import reply_address
from wasl.conversations import automatic, link
from wasl.conversations.auto import A_DAY
from wasl.conversations.models import Conversation, Message
from wasl.conversations.threading import bare_subject
from wasl.desk import texts
from wasl.intake.store import Raw, put_aside, store_in
from wasl.kit import scenes, signing
from wasl.kit.clock import now
from wasl.kit.db import raw
from wasl.kit.signal import wake
from wasl.portal.gate import Opened

LONGEST = 20_000
FILES = 10
FILE_BYTES = 20_000_000
KEY = re.compile(r"[0-9a-f]{32}\Z")


class CannotWrite(Exception):
    """Why it is not taken: empty, too_long, too_many, too_large, model, key."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


@dataclass(frozen=True, slots=True)
class Written:
    """A message as it came from the form. `key` is the form's own: the same form sent twice is one message."""

    key: str
    text: str
    files: "Sequence[UploadedFile[Any]]"

    def check(self) -> None:
        """Raise CannotWrite."""
        if not KEY.match(self.key):
            raise CannotWrite("key")
        if not self.text.strip() and not self.files:
            raise CannotWrite("empty")
        if len(self.text) > LONGEST:
            raise CannotWrite("too_long")
        if len(self.files) > FILES:
            raise CannotWrite("too_many")
        if any(_unshowable(file) for file in self.files):
            raise CannotWrite("model")
        if sum(file.size or 0 for file in self.files) > FILE_BYTES:
            raise CannotWrite("too_large")


def _unshowable(file: "UploadedFile[Any]") -> bool:
    """Whether it is a 3D model that leaves out part of itself, or none at all under that name."""
    found = scenes.recognise(file.file, file.name or "", file.content_type or "") if file.file else None
    file.seek(0)
    return found is not None and bool(found.fault)


def write(opened: Opened, written: Written) -> UUID:
    """Store a message of the customer's, durable when the transaction commits; the id it will have. Raises CannotWrite.

    It takes the road of every mail: from the address the link was sent to, to the conversation's own reply address.
    """
    written.check()
    to = reply_address(opened.inbox.address, opened.conversation.id, signing.key("reply-address"))
    content = _mail(opened, written, to)
    key = f"{opened.conversation.id.hex} {opened.identity.id.hex} {written.key}"
    payload = Raw(
        opened.inbox.id,
        "email",
        content,
        hashlib.sha256(b"portal " + key.encode()).digest(),
        {"door": "portal", "from": opened.identity.display, "to": [to]},
    )
    store_in(raw(), opened.claim.workspace_id, [put_aside(opened.claim.workspace_id, payload)])
    wake(raw(), "intake")
    return payload.id


def _mail(opened: Opened, written: Written, to: str) -> bytes:
    identity = opened.identity
    domain = opened.inbox.address.rpartition("@")[2]
    last = (
        Message.objects.filter(conversation=opened.conversation, way="out")
        .exclude(rfc_id="")
        .order_by("-at", "-id")
        .values_list("rfc_id", flat=True)
        .first()
    )
    answered = (last,) if last else ()
    text = written.text.replace("\r\n", "\n").replace("\x00", "").encode("utf-8", "replace").decode().strip()
    parts = tuple(
        Part(_file_name(file.name or ""), file.content_type or "application/octet-stream", file.read())
        for file in written.files
    )
    return compose(
        OutboundMessage(
            message_id=link.message_id(written.key, domain),
            date=now(),
            from_=Address(identity.name, identity.display),
            to=(Address(opened.business, to),),
            subject=_subject(opened.conversation),
            text=text,
            in_reply_to=answered,
            references=answered,
            parts=parts,
        )
    )


def _subject(conversation: Conversation) -> str:
    words, folded = " ".join(conversation.subject.split()), bare_subject(conversation.subject)
    bare = words[len(words) - len(folded) :] if len(folded) <= len(words) else words
    return f"Re: {bare}" if bare else ""


def _file_name(name: str) -> str:
    """Without folders and control characters."""
    return (
        re.sub(r"[\x00-\x1f\x7f-\x9f\u2028\u2029]+", " ", re.split(r"[\\/]", name)[-1]).strip()[:150]
        or "file"
    )


RENEW_EVERY = "10 minutes"
_RECENT = f"""
SELECT count(*) FILTER (WHERE m.at > now() - interval '{RENEW_EVERY}' AND m.id <> coalesce(
    (SELECT p.message_id FROM desk_promise p WHERE p.workspace_id = m.workspace_id
     AND p.conversation_id = m.conversation_id), m.conversation_id)),
  count(*) FILTER (WHERE m.at > now() - interval '1 day')
FROM conversations_message m
WHERE m.workspace_id = %s AND m.conversation_id = %s AND m.way = 'out' AND m.auto <> ''
"""


def renew(opened: Opened, language: str) -> bool:
    """Mail a new link to the address that the old one was for, and to no other; False when one went out just now."""
    conn, workspace_id = raw(), opened.claim.workspace_id
    Conversation.objects.select_for_update().get(id=opened.conversation.id)
    lately, today = conn.execute(_RECENT, [workspace_id, opened.conversation.id]).fetchone() or (0, 0)
    if lately or today >= A_DAY:
        return False
    wanted = {opened.conversation.id: opened.identity.id}
    thread = automatic.threads(conn, workspace_id, wanted).get(opened.conversation.id)
    if thread is None:
        return False
    values = {
        "greeting": texts.greeting(language, texts.said_name(opened.customer.name)),
        "link": link.address(conn, workspace_id, opened.conversation.id, opened.identity.id),
        "business": thread.business,
    }
    words = texts.fill(texts.RENEWED[language], values, language)
    automatic.write(conn, [automatic.Draft(thread, words.text, words.html, language)], now())
    return True
