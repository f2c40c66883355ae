"""Reports about our own messages: delivery status (RFC 3464) and feedback (RFC 5965, ARF).

What mail servers write in forms of their own is read by `bounce_text`, what an answer means by `refusals`.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass, field, replace

from wasl.channels.base import BounceKind, BounceReport, Reason, Unparseable, normalise_address
from wasl.channels.email import bounce_text, certified, headers, html, refusals
from wasl.channels.email.charsets import decode
from wasl.channels.email.mime import Entity, tree

MAX_REPORT = 100_000
MAX_DIAGNOSTIC = 2_000
MAX_WRAPPED = 1_000_000

_STATUS_TYPES = frozenset(("message/delivery-status", "message/global-delivery-status"))
_FEEDBACK_TYPE = "message/feedback-report"
# Some write text/rfc822-header or message/rfc822-headers.
_RETURNED_TYPES = ("message/rfc822", "text/rfc822-header", "message/global", "message/partial")
_ACTIONS: dict[str, BounceKind] = {
    "failed": "failed",
    "failure": "failed",
    "delayed": "delayed",
    "delivered": "delivered",
    "relayed": "relayed",
    "expanded": "expanded",
}
_TYPED = re.compile(r"^[a-z0-9/-]+ ?;\s*", re.IGNORECASE)
_ADDRESS = re.compile(r'(?:"[^"\n]{1,64}"|[^\s<>()\[\],;:|"]{1,64})@[^\s<>()\[\],;:|"@]{1,255}')
_RECIPIENT = re.compile(r"^final-recipient ?:", re.IGNORECASE | re.MULTILINE)
_FATE = re.compile(r"^(?:action|status) ?:", re.IGNORECASE | re.MULTILINE)
_NOTICES = frozenset(("auth-failure", "not-spam", "fraud-not", "virus-not"))


@dataclass(slots=True)
class _Found:
    """The parts of a report."""

    status: Entity | None = None
    feedback: Entity | None = None
    returned: Entity | None = None
    texts: list[Entity] = field(default_factory=list)


def report(root: Entity, sender_shown: str, subject: str) -> BounceReport | None:
    """The report a message is, None when it is none. `sender_shown` is its From as it stands.

    Of several recipients the first that failed counts; a message of ours has one recipient.
    """
    if certified.FIELD in root.fields:
        return certified.report(root.fields, _readable(_sort(root.leaves()).texts))
    is_report = root.content_type == "multipart/report"
    daemon = bounce_text.suspect(root.fields, sender_shown, subject, strange=is_report)
    if not is_report and not daemon:
        return None
    found = _sort(root.leaves())
    if found.feedback is not None:
        return _feedback(_text(found.feedback), bounce_text.returned(_bytes(found.returned)))
    told = bounce_text.Told(
        subject=subject,
        text=_readable(found.texts),
        returned=bounce_text.returned(_bytes(found.returned)),
        failed=root.fields.plain(b"x-failed-recipients"),
        ours=root.fields.plain(b"to"),
        attached=found.returned is not None,
    )
    if found.status is not None:
        return _delivery(_text(found.status), told)
    # A gateway may have put a report into a mail of its own.
    if found.returned is not None and (inner := _inside(found.returned)):
        return inner
    if _has_fields(told.text):  # a report whose parts somebody took for text
        return _delivery(told.text, told)
    return bounce_text.read(told, daemon)


def _has_fields(text: str) -> bool:
    found = _RECIPIENT.search(text)
    if found is None:
        return False
    return _FATE.search(text[max(0, found.start() - 1_000) : found.end() + 1_000]) is not None


def _inside(entity: Entity) -> BounceReport | None:
    content = entity.content()
    if b"multipart/report" not in content[:MAX_REPORT] or len(content) > MAX_WRAPPED:
        return None
    try:
        root = tree(content, set())
    except Unparseable:
        return None
    if root.content_type != "multipart/report":
        return None
    return report(root, root.fields.plain(b"from"), root.fields.text(b"subject"))


def _sort(leaves: Iterable[Entity]) -> _Found:
    found = _Found()
    for leaf in leaves:
        if leaf.content_type in _STATUS_TYPES:
            found.status = found.status or leaf
        elif leaf.content_type == _FEEDBACK_TYPE:
            found.feedback = found.feedback or leaf
        elif leaf.content_type.startswith(_RETURNED_TYPES):
            found.returned = found.returned or leaf
        elif leaf.content_type in ("text/plain", "text/html"):
            found.texts.append(leaf)
    return found


def _bytes(entity: Entity | None) -> bytes:
    return entity.content()[:MAX_REPORT] if entity else b""


def _text(entity: Entity) -> str:
    return decode(entity.content()[:MAX_REPORT], entity.params.get("charset", ""))


def _readable(texts: list[Entity]) -> str:
    """What the report says to a person: its first text, and the next when that says nothing."""
    for entity in texts:
        text = _text(entity)
        text = html.strip_tags(text) if entity.content_type == "text/html" else text
        if text.strip():
            return text.replace("\r\n", "\n").replace("\r", "\n")
    return ""


def _feedback(text: str, returned: bounce_text.Returned) -> BounceReport:
    fields = dict(reversed(list(headers.lines(text))))
    said = fields.get("feedback-type", "").lower()
    recipient = fields.get("original-rcpt-to", "") or fields.get("removal-recipient", "")
    kind: BounceKind = "unknown" if said in _NOTICES else "complaint"
    return BounceReport(
        kind, address(recipient) or returned.recipient, "", said[:MAX_DIAGNOSTIC], returned.message_id
    )


def _delivery(text: str, told: bounce_text.Told) -> BounceReport:
    block = _block(text)
    status = refusals.STATUS.search(block.get("status", ""))
    code = status[0] if status else ""
    diagnostic = _TYPED.sub("", block.get("diagnostic-code", ""), count=1)
    recipient = _recipient(block, told)
    kind = _kind(block)
    if kind == "unknown":
        kind = bounce_text.kind(told)
    made = BounceReport(kind, recipient, code, diagnostic[:MAX_DIAGNOSTIC], told.returned.message_id)
    if kind in ("delivered", "relayed", "expanded"):
        return made
    near = bounce_text.near(told.head, recipient)
    return weigh(made, diagnostic, f"{block.get('status', '')}\n{near}", told.head)


def weigh(made: BounceReport, said: str, near: str, head: str) -> BounceReport:
    """The report with what its words come to."""
    why = refusals.reason(said, made.status, about=near)
    if why is Reason.OTHER:
        why = refusals.reason(said, made.status, about=head)
    how = refusals.permanence(said, made.status, why, head)
    return replace(made, reason=why, permanence="delayed" if made.kind == "delayed" else how)


def _block(text: str) -> dict[str, str]:
    """The fields about the first recipient that failed."""
    blocks = [dict(reversed(list(headers.lines(block)))) for block in re.split(r"\r?\n[ \t]*\r?\n", text)]
    # Some put everything into one block, or the fields of the recipient into the first.
    recipients = [b for b in blocks if "action" in b or "final-recipient" in b or "original-recipient" in b]
    chosen = next((each for each in recipients if _kind(each) == "failed"), None)
    return chosen or next(iter(recipients), None) or next((each for each in blocks if "status" in each), {})


def _kind(block: dict[str, str]) -> BounceKind:
    word = re.match(r"[a-z]*", block.get("action", "").lower())
    kind = _ACTIONS.get(word[0] if word else "")
    if kind:
        return kind
    by_class: dict[str, BounceKind] = {"5": "failed", "4": "delayed", "2": "delivered"}
    return by_class.get(block.get("status", "")[:1], "unknown")


def _recipient(block: dict[str, str], told: bounce_text.Told) -> str:
    """Whom we wrote to: what it was forwarded to is somebody else's business."""
    for name in ("original-recipient", "final-recipient", "x-actual-recipient"):
        if found := address(block.get(name, "")):
            return found
    return bounce_text.recipient(told)


def address(field: str) -> str:
    """`rfc822; <amal@example.org>` → `amal@example.org`; '' when it is none (a path, a program)."""
    value = _TYPED.sub("", field.strip(), count=1)
    if value.startswith(("|", "/", '"|')):
        return ""
    found = _ADDRESS.search(value)
    return normalise_address(found[0])[:320] if found else ""
