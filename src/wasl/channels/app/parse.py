"""What the in-app inbox's door stored → ParsedMessage or Report. The door is ours, so its shapes are as well:

acted                     delivery, key, title, at, visitor, number, id, name, language, verified {account, email}
delivered, seen, read     delivery, at
told                      delivery, title, at: the same button as a receipt
"""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from wasl.channels.base import Address, ParsedMessage, Unparseable, Unread
from wasl.channels.email.language import guess
from wasl.channels.port import Parsed, Report
from wasl.channels.webchat.slips import opened

CHANNEL = "app"


def parse(raw: bytes) -> Parsed:
    """Raises Unparseable, with the reason a person is shown, and nothing else."""
    try:
        about, _ = opened(raw)
        at = datetime.fromisoformat(about["at"])
        match about["kind"]:
            case "delivered" | "seen" | "read" as kind:
                return Report(kind=kind, at=at, delivery=str(about["delivery"]))
            case "told":
                return Report(
                    kind="acted", at=at, delivery=str(about["delivery"]), detail=str(about["title"])
                )
        return _chosen(about, at)
    except Exception as error:
        raise Unparseable(Unread.BROKEN, f"{type(error).__name__}: {error}") from error


def _chosen(about: Mapping[str, Any], at: datetime) -> ParsedMessage:
    verified = about["verified"]
    title, email = str(about["title"]), str(verified.get("email") or "")
    return ParsedMessage(
        channel=CHANNEL,
        sender=Address(str(about.get("name") or ""), str(about["visitor"])),
        text=title,
        message_id=f"{about['visitor']}:{about['delivery']}",
        in_reply_to=(str(about["delivery"]),),
        sent_at=at,
        language=guess("", str(about.get("language") or "")),
        verified=(("email", Address("", email).identity_key),) if email else (),
        shown=str(verified["account"]),
        kind="choice",
        content={"key": str(about["key"]), "title": title, "account": str(verified["account"])},
    )
