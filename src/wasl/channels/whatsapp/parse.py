"""What a door stored of a webhook → ParsedMessage, Report, Change or Nothing.

Source: Meta for Developers, "WhatsApp Cloud API: Webhooks, messages and message status components". Fields come and
go: whatever is not understood becomes a message of kind "unsupported" that carries it, and is never dropped.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from typing import Any

from wasl.channels import values
from wasl.channels.base import Address, ParsedMessage, Unparseable, Unread
from wasl.channels.email.language import guess
from wasl.channels.port import Change, Nothing, Parsed, Report, ReportKind
from wasl.channels.whatsapp import contents
from wasl.channels.whatsapp.errors import reason_of

CHANNEL = "whatsapp"
_STATES: dict[str, ReportKind] = {
    "sent": "sent", "delivered": "delivered", "read": "read", "played": "read", "failed": "failed",
}  # fmt: skip


def parse(raw: bytes) -> Parsed:
    """Raises Unparseable, with the reason a person is shown, and nothing else."""
    try:
        about = json.loads(raw)
        return _KINDS[about["kind"]](about)
    except Unparseable:
        raise
    except Exception as error:
        raise Unparseable(Unread.BROKEN, f"{type(error).__name__}: {error}") from error


def _message(about: Mapping[str, Any]) -> Parsed:
    message = about["message"]
    who, aliases = _sender(message, about["contact"], "from")
    return _read(about, message, who, aliases)


def _echo(about: Mapping[str, Any]) -> Parsed:
    """What the business wrote in WhatsApp's own app."""
    message = about["echo"]
    who, aliases = _sender(message, about["contact"], "to")
    return _read(about, message, who, aliases, ours=True)


def _read(
    about: Mapping[str, Any],
    message: Mapping[str, Any],
    who: Address,
    aliases: tuple[str, ...],
    *,
    ours: bool = False,
) -> Parsed:
    kind, at = contents.kind_of(message), _moment(message.get("timestamp"))
    part = values.obj(message.get(kind))
    by = Address("", "") if ours else who
    if kind == "reaction":
        emoji = values.line(part.get("emoji"))
        return Change(kind="reacted", of=values.text(part.get("message_id")), sender=by, at=at, emoji=emoji)
    if kind == "revoke":
        return Change(kind="deleted", of=values.text(part.get("original_message_id")), sender=by, at=at)
    if kind == "edit":
        return Change(
            kind="edited", of=values.text(part.get("original_message_id")), sender=by, at=at,
            text=contents.said(values.obj(part.get("message")))[0],
        )  # fmt: skip
    text, said, content = contents.said(message)
    if about["errors"] and said == "unsupported":
        content = {**content, "errors": about["errors"]}
    if said == "system":
        part = values.obj(message.get("system"))
        new = [values.line(part.get(name)) for name in ("wa_id", "new_wa_id", "user_id")]
        aliases = tuple(dict.fromkeys([*aliases, *(key for key in new if key and key != who.address)]))
    return ParsedMessage(
        channel=CHANNEL,
        sender=who,
        text=text,
        message_id=values.line(message.get("id")),
        in_reply_to=tuple(filter(None, (values.line(values.obj(message.get("context")).get("id")),))),
        sent_at=at,
        language=guess(text),
        auto="auto-generated" if said == "system" else "",
        aliases=aliases,
        kind=said,
        content=content | contents.around(message),
        media=contents.media(message, at),
        written_by_us=ours,
    )


def _sender(
    message: Mapping[str, Any], contact: Mapping[str, Any], which: str
) -> tuple[Address, tuple[str, ...]]:
    """Who writes, by number where there is one, and the other keys of theirs. Raises Unparseable without any."""
    numbers = [_number(message.get(which)), _number(contact.get("wa_id"))]
    ids = [values.text(message.get(f"{which}_user_id")), values.text(contact.get("user_id"))]
    keys = [key for key in map(values.line, (*numbers[:1], *numbers[1:], *ids)) if key]
    if not keys:
        raise Unparseable(Unread.NO_SENDER)
    profile = values.obj(contact.get("profile"))
    name = (
        values.text(profile.get("name"))
        or values.text(profile.get("username"))
        or values.text(contact.get("username"))
    )
    return Address(values.line(name), keys[0]), tuple(
        key for key in dict.fromkeys(keys[1:]) if key != keys[0]
    )


def _number(value: Any) -> str:
    """A telephone number, which is text; some programs in between make a number of it."""
    return str(value) if values.whole(value) is not None else values.text(value)


def _status(about: Mapping[str, Any]) -> Parsed:
    status = about["status"]
    state = _STATES.get(values.text(status.get("status")))
    ref = values.line(status.get("id"))
    about_what = values.line(
        status.get("type")
    )  # of a payment or a call; the message's own have none, or "message"
    if state is None or not ref or about_what not in ("", "message"):
        return Nothing(f"status {about_what} {values.line(status.get('status'))}".replace("  ", " ")[:60])
    error = next(iter(values.objs(status.get("errors"))), {})
    code = str(error.get("code") or "")[:20]
    details = values.body(values.obj(error.get("error_data")).get("details")) or values.body(
        error.get("title")
    )
    return Report(
        kind=state,
        at=_moment(status.get("timestamp")),
        ref=ref,
        delivery=values.line(status.get("biz_opaque_callback_data"))[:64],
        recipient=values.line(
            values.text(status.get("recipient_id")) or values.text(status.get("recipient_user_id"))
        ),
        code=code,
        detail=details[:500],
        reason=reason_of(code)[0],
    )


def _call(about: Mapping[str, Any]) -> Parsed:
    """A customer who rings is news; how a call goes on is the telephone's matter."""
    call = about["call"]
    if call.get("event") != "connect" or call.get("direction") != "USER_INITIATED":
        return Nothing(f"call {values.line(call.get('event'))[:40]}")
    who, aliases = _sender(call, about["contact"], "from")
    at = _moment(call.get("timestamp"))
    return ParsedMessage(
        channel=CHANNEL, sender=who, message_id=values.line(call.get("id")), sent_at=at, aliases=aliases,
        kind="call", content={"direction": "in"},
    )  # fmt: skip


def _notice(about: Mapping[str, Any]) -> Parsed:
    return Nothing(f"notice {values.line(about.get('field'))[:40]}")


def _preference(about: Mapping[str, Any]) -> Parsed:
    return Nothing("preference " + values.line(values.obj(about["preference"]).get("value"))[:40])


def _moved(about: Mapping[str, Any]) -> Parsed:
    """The business-scoped id of a customer is another one from now on."""
    moved, contact = about["moved"], about["contact"]
    ids = values.obj(moved.get("user_id"))
    new, old = (values.line(values.text(ids.get(name))) for name in ("current", "previous"))
    keys = [values.line(_number(moved.get("wa_id") or contact.get("wa_id"))), old]
    keys = [key for key in keys if key and key != new]
    if not new or not keys:
        return Nothing("notice user_id_update")
    name = values.line(values.text(values.obj(contact.get("profile")).get("name")))
    return Change(
        kind="moved", of="", sender=Address(name, keys[0]), at=_moment(moved.get("timestamp")), text=new,
        aliases=tuple(keys[1:]),
    )  # fmt: skip


_KINDS: dict[str, Callable[[Mapping[str, Any]], Parsed]] = {
    "message": _message, "echo": _echo, "status": _status, "call": _call, "notice": _notice,
    "preference": _preference, "moved": _moved,
}  # fmt: skip


def _moment(value: Any) -> datetime:
    """Seconds since 1970, which come as text. Raises Unparseable."""
    try:
        seconds = int(value)
        return datetime.fromtimestamp(seconds / 1000 if seconds > 10**11 else seconds, UTC)
    except (TypeError, ValueError, OverflowError, OSError) as error:
        raise Unparseable(Unread.BROKEN, "no moment") from error
