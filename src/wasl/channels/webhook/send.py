"""Handing a message to a program of the business, and fetching the files that it names. The shapes are ours:
docs/channels/webhook.md."""

from __future__ import annotations

import base64
import hashlib
import json
from collections.abc import Iterator, Mapping
from typing import Any, NoReturn
from urllib.parse import urlsplit

from django.utils.translation import gettext_noop as _

from wasl.channels import provider
from wasl.channels.base import InDoubt, PermanentFailure, Reason, Sent, TemporaryFailure, Unreached
from wasl.channels.port import Fetched, OutboundChat, Settings, Step, Upload
from wasl.channels.provider import Said
from wasl.channels.values import line
from wasl.channels.webhook import signed
from wasl.channels.webhook.parse import reason

_LATER = frozenset({408, 425, 429, 500, 502, 503, 504})


class Line:
    """A program at an address."""

    def __init__(self, inbox: Settings) -> None:
        if not inbox.text("url"):
            raise Unreached("", "There is no address to send to.", reason=Reason.UNREACHABLE)
        self._inbox = inbox

    def send(self, message: OutboundChat) -> Sent:
        """Hand it over. The program knows the same message again by `webhook-id`, so that a call whose end is not
        known is simply made once more. Raises as `port.Line` says, but never InDoubt."""
        if message.template:
            raise PermanentFailure("", "A webhook knows no templates.", Reason.TEMPLATE)
        said = post(self._inbox, f"msg_{message.delivery}", compose(message))
        if not 200 <= said.status < 300:
            fail(said)
        return Sent(line(said.body.get("id"))[:250] or message.delivery)

    def close(self) -> None:
        """Nothing is kept between calls."""


def post(inbox: Settings, name: str, data: Mapping[str, Any]) -> Said:
    """A signed call. Raises Unreached, TemporaryFailure."""
    body = json.dumps(data, ensure_ascii=False, separators=(",", ":")).encode("utf-8", "replace")
    headers = {"Content-Type": "application/json", **_signed(inbox, name, body)}
    try:
        return provider.ask("POST", inbox.text("url"), body=body, headers=headers, private=inbox.private)
    except InDoubt as error:
        raise TemporaryFailure("", error.detail) from error


def _signed(inbox: Settings, name: str, body: bytes) -> dict[str, str]:
    try:
        return signed.headers(inbox.secrets.get("secret_out", ""), name, body)
    except ValueError as error:
        raise Unreached("", "There is no secret to sign with.", reason=Reason.SIGN_IN) from error


def compose(message: OutboundChat) -> dict[str, Any]:
    """What a message says to the program. Raises ValueError for one without anything in it."""
    if not (message.text or message.files or message.reaction):
        raise ValueError("a message without words, file or reaction")
    data: dict[str, Any] = {
        "type": "reaction.send" if message.reaction else "message.send",
        "delivery": message.delivery,
        "to": message.to,
        "text": message.text,
        "language": message.language,
        "in_reply_to": message.answers,
        "read_up_to": message.mark_read,
        "choices": [{"key": c.key, "title": c.title, "detail": c.detail} for c in message.choices],
        "files": [_file(each) for each in message.files],
        "emoji": message.reaction,
    }
    return {name: value for name, value in data.items() if value}


def _file(file: Upload) -> dict[str, Any]:
    with file.read() as source:
        content = source.read()
    kept = base64.b64encode(content).decode()
    return {"name": file.filename, "type": file.content_type, "size": len(content), "content": kept}


def fail(said: Said) -> NoReturn:
    """What an answer means that is no success."""
    code, detail = str(said.status), line(said.body.get("detail"))[:500]
    named = said.body.get("reason")
    if said.status in _LATER:
        raise TemporaryFailure(code, detail, said.retry_after)
    if isinstance(named, str) and 400 <= said.status < 500:
        raise PermanentFailure(code, detail, reason(named))
    if said.status in (401, 403):
        raise Unreached(code, detail or "the program refuses the signature", reason=Reason.SIGN_IN)
    if said.status in (400, 413, 422):
        raise PermanentFailure(code, detail, Reason.TOO_LARGE if said.status == 413 else Reason.BAD_MESSAGE)
    # A redirect, or nobody at this address: the settings are at fault and not the message.
    raise Unreached(code, detail or "nobody takes messages at this address", reason=Reason.UNREACHABLE)


def fetch(inbox: Settings, ref: Mapping[str, Any]) -> Fetched:
    """A file that an event named; signed, as a call with an empty body. Only the program's own host may be inside our
    network: addresses of files may come from anybody. Raises Unreached, TemporaryFailure, PermanentFailure."""
    url = str(ref["url"])
    own = _host(url) != "" and _host(url) == _host(inbox.text("url"))
    headers = {
        "Accept": "*/*",
        **(_signed(inbox, f"file_{hashlib.sha256(url.encode()).hexdigest()[:32]}", b"") if own else {}),
    }
    said = provider.ask(
        "GET", url, headers=headers, private=inbox.private and own, most=provider.FILE, changes=False
    )
    if said.status != 200:
        if said.status in _LATER:
            raise TemporaryFailure(str(said.status), "", said.retry_after)
        raise PermanentFailure(str(said.status), "The file is not there.", Reason.OTHER)
    kind = line(said.headers.get("content-type")).partition(";")[0].strip().lower()
    return Fetched(said.raw, kind or str(ref.get("type") or "application/octet-stream"))


def _host(url: str) -> str:
    try:
        return urlsplit(url).netloc.lower()
    except ValueError:
        return ""


def probe(inbox: Settings) -> Iterator[Step]:
    """Whether the program answers, and takes what we sign."""
    try:
        said = post(inbox, "msg_ping", {"type": "ping"})
    except (Unreached, TemporaryFailure) as error:
        yield Step(
            _("Reach your program"), False, _("Check the address, and whether the program runs."), str(error)
        )
        return
    yield Step(_("Reach your program"), True)
    if 200 <= said.status < 300:
        yield Step(_("It takes what Wasl signs"), True)
    elif said.status in (401, 403):
        advice = _("Give it the secret for what Wasl sends: it is shown once the inbox is kept.")
        yield Step(_("It takes what Wasl signs"), False, advice, f"HTTP {said.status}")
    else:
        advice = _("It should answer a ping with 200 or 204.")
        yield Step(_("It takes what Wasl signs"), False, advice, f"HTTP {said.status}")
