"""What the widget's door stored → ParsedMessage or Report. The door is ours, so its shapes are as well:

message   visitor, number, id, text, at, language, name; choice {key, title}; answers; file {name, type};
          page {url, title}; call {start, end, number}; aliases; verified {account, email}
address   visitor, number, id, email, at, language, name
delivered, read   delivery, at
"""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from wasl.channels.base import Address, ParsedMessage, Part, Unparseable, Unread
from wasl.channels.email.language import guess
from wasl.channels.port import Parsed, Report
from wasl.channels.webchat.slips import opened

CHANNEL = "webchat"


def parse(raw: bytes) -> Parsed:
    """Raises Unparseable, with the reason a person is shown, and nothing else."""
    try:
        about, file = opened(raw)
        if about["kind"] in ("delivered", "read"):
            at = datetime.fromisoformat(about["at"])
            return Report(kind=about["kind"], at=at, delivery=str(about["delivery"]))
        return _message(about, file)
    except Exception as error:
        raise Unparseable(Unread.BROKEN, f"{type(error).__name__}: {error}") from error


def _message(about: Mapping[str, Any], file: bytes) -> ParsedMessage:
    text = str(about.get("email") or about.get("text") or "")
    verified = about.get("verified") or {}
    kind, content = _beside(about)
    return ParsedMessage(
        channel=CHANNEL,
        sender=Address(str(about.get("name") or ""), str(about["visitor"])),
        text=text,
        message_id=f"{about['visitor']}:{about['id']}",
        in_reply_to=(str(about["answers"]),) if about.get("answers") else (),
        sent_at=datetime.fromisoformat(about["at"]),
        language=guess("" if kind == "address" else text) or guess("", str(about.get("language") or "")),
        aliases=tuple(map(str, about.get("aliases") or ())),
        verified=(("email", Address("", verified["email"]).identity_key),) if verified.get("email") else (),
        parts=(_part(about["file"], file),) if about.get("file") else (),
        shown=str(verified.get("account") or about.get("number") or ""),
        kind=kind,
        content=content,
    )


def _beside(about: Mapping[str, Any]) -> tuple[str, dict[str, Any]]:
    """What it is when it is more than words, and where it was written."""
    content: dict[str, Any] = {name: about[name] for name in ("page", "call") if about.get(name)}
    if account := (about.get("verified") or {}).get("account"):
        content["account"] = account
    if about["kind"] == "address":
        return "address", content | {"email": about["email"]}
    if choice := about.get("choice"):
        return "choice", content | {"key": str(choice["key"]), "title": str(choice["title"])}
    return "", content


def _part(file: Mapping[str, Any], content: bytes) -> Part:
    return Part(str(file["name"]), str(file["type"]), content)
