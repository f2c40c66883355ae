"""What a fetched message is stored as: its bytes, what makes it the same as another, and the envelope it came in."""

from __future__ import annotations

import io
import re
from dataclasses import dataclass
from email.utils import parseaddr
from typing import IO, Any
from uuid import UUID

from wasl.channels.email.imap import Brief
from wasl.intake.store import Raw, mail_dedupe_key, put_aside
from wasl.kit import blobs
from wasl.kit.clock import now

_HEAD = 64 * 1024
_INT4 = 2**31 - 1
_DELIVERED = re.compile(
    rb"^(?:delivered-to|x-original-to|x-delivered-to|envelope-to)[ \t]*:[ \t]*(\S+)",
    re.IGNORECASE | re.MULTILINE,
)
_RETURN_PATH = re.compile(rb"^return-path[ \t]*:[ \t]*<([^>\n]*)>", re.IGNORECASE | re.MULTILINE)
_FROM = re.compile(rb"^from[ \t]*:((?:.*\n[ \t])*.*)$", re.IGNORECASE | re.MULTILINE)


@dataclass(frozen=True, slots=True)
class Place:
    """The mailbox that a message lies in."""

    workspace_id: UUID
    inbox_id: UUID
    uidvalidity: int


def from_bytes(place: Place, brief: Brief, body: bytes) -> Raw:
    """A message that is in memory. It came in when it arrived at its own server."""
    arrived = min(brief.arrived or now(), now())
    dedupe = mail_dedupe_key(io.BytesIO(body), arrived)
    envelope = _envelope(place, brief, body[:_HEAD])
    return put_aside(
        place.workspace_id, Raw(place.inbox_id, "email", body, dedupe, envelope, received_at=arrived)
    )


def from_file(place: Place, brief: Brief, file: IO[bytes]) -> Raw:
    """A large message, from an open file at its start; its bytes go to the blob store."""
    start = file.read(_HEAD)
    file.seek(0)
    arrived = min(brief.arrived or now(), now())
    dedupe = mail_dedupe_key(file, arrived)
    file.seek(0)
    digest, size = blobs.put_stream(place.workspace_id, file)
    return Raw(
        place.inbox_id,
        "email",
        b"",
        dedupe,
        _envelope(place, brief, start),
        received_at=arrived,
        blob=digest,
        size=size,
    )


def note(place: Place, brief: Brief, header: bytes, reason: str, detail: str) -> Raw:
    """A message that stays where it is: its header, and why. Whoever understands it sets it aside at once."""
    envelope = _envelope(place, brief, header) | {"held": {"reason": reason, "detail": detail}}
    envelope["from"] = envelope["from"] or _author(header)
    key = mail_dedupe_key(io.BytesIO(header + f"\r\n\r\n{reason} {brief.size}".encode()), now())
    size = min(max(brief.size, len(header)), _INT4)
    return Raw(place.inbox_id, "email", header, key, envelope, size=size)


def _envelope(place: Place, brief: Brief, start: bytes) -> dict[str, Any]:
    """The envelope as the mailbox's own server wrote it down when it delivered."""
    head = re.split(rb"\r?\n\r?\n", start, maxsplit=1)[0]
    written = [_text(value).strip("<>") for value in _DELIVERED.findall(head)][:10]
    sender = _RETURN_PATH.search(head)
    return {
        "door": "imap",
        "from": _text(sender[1]) if sender else "",
        "to": [address for address in dict.fromkeys(written) if "@" in address],
        "uid": brief.uid,
        "uidvalidity": place.uidvalidity,
    }


def _author(header: bytes) -> str:
    """Who a header says has written, for a person who looks through what was set aside."""
    found = _FROM.search(header)
    return parseaddr(" ".join(_text(found[1]).split()))[1] if found else ""


def _text(value: bytes) -> str:
    return value.replace(b"\0", b"").decode("utf-8", "replace")[:1000]
