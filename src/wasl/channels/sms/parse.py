"""What the door stored of a Twilio-style webhook → ParsedMessage, Report or Nothing.

Source: Twilio, "Twilio's request to your webhook URL", "Message status changes triggering status callbacks".
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any, Final

from wasl.channels.base import Address, Media, ParsedMessage, Unparseable, Unread
from wasl.channels.email.language import guess
from wasl.channels.port import Nothing, Parsed, Report, ReportKind
from wasl.channels.sms.errors import reason_of
from wasl.channels.sms.words import recognise
from wasl.channels.values import body, line
from wasl.kit.phones import e164

CHANNEL = "sms"
FILES = 20
_STATES: Final[dict[str, ReportKind]] = {
    "sent": "sent", "delivered": "delivered", "read": "read", "undelivered": "failed", "failed": "failed",
    "canceled": "failed",
}  # fmt: skip
_UNDER_WAY = frozenset({"accepted", "scheduled", "queued", "sending"})
_ENDINGS = {"image/jpeg": "jpg", "audio/mpeg": "mp3", "text/plain": "txt", "video/3gpp": "3gp", "text/vcard": "vcf",
            "text/x-vcard": "vcf"}  # fmt: skip


def parse(raw: bytes) -> Parsed:
    """Raises Unparseable, with the reason a person is shown, and nothing else."""
    try:
        about = json.loads(raw)
        said, at = about["said"], datetime.fromisoformat(about["at"])
        return _message(said, at) if about["kind"] == "message" else _status(said, at)
    except Unparseable:
        raise
    except Exception as error:
        raise Unparseable(Unread.BROKEN, f"{type(error).__name__}: {error}") from error


def _message(said: Mapping[str, str], at: datetime) -> ParsedMessage:
    sender = said.get("From", "")
    address = e164(sender) or line(sender)
    if not address:
        raise Unparseable(Unread.NO_SENDER)
    text = body(said.get("Body", ""))
    media = _media(said, at)
    kind, content = "", _asked(text, said)
    if not text and not media:
        kind, content = "unsupported", {"type": "empty", "raw": json.dumps(dict(said), sort_keys=True)[:8000]}
    elif media and not text:
        kind = _kind_of(media[0].content_type)
    return ParsedMessage(
        channel=CHANNEL,
        sender=Address(line(said.get("ProfileName", "")), address),
        to=(Address("", e164(said.get("To", "")) or line(said.get("To", ""))),),
        text=text,
        message_id=line(said.get("MessageSid") or said.get("SmsMessageSid") or said.get("SmsSid") or ""),
        in_reply_to=tuple(filter(None, (line(said.get("OriginalRepliedMessageSid", "")),))),
        sent_at=at,
        language=guess(text),
        kind=kind,
        content=content,
        media=media,
    )


def _asked(text: str, said: Mapping[str, str]) -> dict[str, Any]:
    """STOP, START or HELP. A provider that names it has recognised a word of its own, and answered it."""
    named = said.get("OptOutType", "").lower()
    found = recognise(text)
    if named in ("stop", "start", "help"):
        return {"word": named, "language": found.language if found else "", "answered": True}
    return {"word": found.what, "language": found.language} if found else {}


def _media(said: Mapping[str, str], at: datetime) -> tuple[Media, ...]:
    count = said.get("NumMedia", "0")
    found = []
    for n in range(min(int(count), FILES) if count.isascii() and count.isdigit() else 0):
        url = line(said.get(f"MediaUrl{n}", ""))
        if not url:
            continue
        kind = said.get(f"MediaContentType{n}", "").partition(";")[0].strip().lower()
        kind = line(kind)[:100] or "application/octet-stream"
        ending = _ENDINGS.get(kind) or re.sub(r"[^a-z0-9]", "", kind.partition("/")[2])[:8] or "bin"
        name = f"{_kind_of(kind)}-{at:%Y%m%d-%H%M%S}{f'-{n + 1}' if n else ''}.{ending}"
        found.append(Media({"url": url}, kind, name))
    return tuple(found)


def _kind_of(content_type: str) -> str:
    kind = content_type.partition("/")[0]
    return kind if kind in ("image", "video", "audio") else "document"


def _status(said: Mapping[str, str], at: datetime) -> Parsed:
    state = (said.get("MessageStatus") or said.get("SmsStatus") or "").lower()
    if state not in _STATES:
        why = "under way" if state in _UNDER_WAY else "unknown"
        return Nothing(f"status {why}: {line(state)[:40]}")
    code = line(said.get("ErrorCode", ""))[:20]
    return Report(
        kind=_STATES[state],
        at=_done(said.get("RawDlrDoneDate", ""), at),
        ref=line(said.get("MessageSid") or said.get("SmsSid") or ""),
        recipient=line(said.get("To", "")),
        code=code,
        detail=body(said.get("ErrorMessage", ""))[:500],
        reason=reason_of(code)[0],
    )


def _done(text: str, otherwise: datetime) -> datetime:
    """When the network says it was done: YYMMDDhhmm, in UTC."""
    try:
        return datetime.strptime(text, "%y%m%d%H%M").replace(tzinfo=UTC)
    except ValueError:
        return otherwise
