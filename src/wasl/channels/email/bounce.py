"""Reports about our own messages: delivery status (RFC 3464) and feedback (RFC 5965, ARF)."""

from __future__ import annotations

import re
from collections.abc import Iterable

from wasl.channels.base import BounceKind, BounceReport, normalise_address
from wasl.channels.email import headers
from wasl.channels.email.charsets import decode
from wasl.channels.email.mime import Entity

MAX_REPORT = 100_000
MAX_DIAGNOSTIC = 2_000

_STATUS_TYPES = {"message/delivery-status", "message/global-delivery-status"}
# Some write text/rfc822-header or message/rfc822-headers.
_RETURNED_TYPES = ("message/rfc822", "text/rfc822-header", "message/global", "message/partial")
_ACTIONS: dict[str, BounceKind] = {
    "failed": "failed",
    "delayed": "delayed",
    "delivered": "delivered",
    "relayed": "relayed",
    "expanded": "expanded",
}
_MESSAGE_ID = re.compile(rb"^message-id[ \t]*:\s*<?([^\s<>]+)", re.IGNORECASE | re.MULTILINE)
_DAEMON = re.compile(r"\bmailer-daemon\b|^\s*<>\s*$", re.IGNORECASE)
_STATUS = re.compile(r"[245]\.\d{1,3}\.\d{1,3}")


def report(leaves: Iterable[Entity]) -> BounceReport | None:
    """The report a message carries, None when it carries none.

    Of several recipients the first that failed counts; a message of ours has one recipient.
    """
    status = feedback = None
    original = ""
    for leaf in leaves:
        if leaf.content_type in _STATUS_TYPES:
            status = status or leaf
        elif leaf.content_type == "message/feedback-report":
            feedback = feedback or leaf
        elif leaf.content_type.startswith(_RETURNED_TYPES):
            original = original or _returned_id(leaf.content())
    if status is None and feedback is None:
        return None
    if feedback is not None:
        return _feedback(_text(feedback), original)
    assert status is not None
    return _delivery(_text(status), original)


def _text(entity: Entity) -> str:
    return decode(entity.content()[:MAX_REPORT], "")


def _feedback(text: str, original: str) -> BounceReport:
    fields = dict(reversed(list(headers.lines(text))))
    recipient = fields.get("original-rcpt-to", "") or fields.get("removal-recipient", "")
    kind: BounceKind = "unknown" if fields.get("feedback-type", "").lower() == "not-spam" else "complaint"
    return BounceReport(
        kind, _address(recipient), "", fields.get("feedback-type", "")[:MAX_DIAGNOSTIC], original
    )


def _delivery(text: str, original: str) -> BounceReport:
    blocks = [dict(reversed(list(headers.lines(block)))) for block in re.split(r"\r?\n[ \t]*\r?\n", text)]
    recipients = [block for block in blocks if "action" in block or "final-recipient" in block]
    # Some put everything into one block, or the fields of the recipient into the first.
    chosen = next((each for each in recipients if _kind(each) == "failed"), None)
    block = chosen or next(iter(recipients), None) or next((each for each in blocks if "status" in each), {})
    recipient = block.get("original-recipient", "") or block.get("final-recipient", "")
    status = _STATUS.search(block.get("status", ""))
    diagnostic = block.get("diagnostic-code", "")
    return BounceReport(
        _kind(block),
        _address(recipient),
        status[0] if status else "",
        re.sub(r"^[a-z0-9-]+;\s*", "", diagnostic, count=1, flags=re.IGNORECASE)[:MAX_DIAGNOSTIC],
        original,
    )


def _kind(block: dict[str, str]) -> BounceKind:
    word = re.match(r"[a-z]*", block.get("action", "").lower())
    kind = _ACTIONS.get(word[0] if word else "")
    if kind:
        return kind
    by_class: dict[str, BounceKind] = {"5": "failed", "4": "delayed", "2": "delivered"}
    return by_class.get(block.get("status", "")[:1], "unknown")


def _address(field: str) -> str:
    """`rfc822; <amal@example.org>` → `amal@example.org`."""
    value = field.rpartition(";")[2].strip()
    inside = re.search(r"<([^<>]*)>", value)
    return normalise_address((inside[1] if inside else value).strip())[:320]


def _returned_id(returned: bytes) -> str:
    """The Message-ID of the message, or of the headers, that came back, folded and broken as they are."""
    found = _MESSAGE_ID.search(returned[:MAX_REPORT])
    return headers.one_line(decode(found[1]))[:998] if found else ""


def from_daemon(sender_shown: str, raw: bytes) -> BounceReport | None:
    """What mail servers write in words of their own, known by who signs it; None when it is not that.

    The message it is about is the last one whose Message-ID it quotes, if it quotes any but its own.
    """
    if not _DAEMON.search(sender_shown):
        return None
    quoted = _MESSAGE_ID.findall(raw[-MAX_REPORT:])
    own = _MESSAGE_ID.search(raw[:MAX_REPORT])
    last = quoted[-1] if quoted and own and quoted[-1] != own[1] else b""
    return BounceReport("unknown", original_message_id=headers.one_line(decode(last))[:998])
