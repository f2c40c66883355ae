"""Calls to the Bot API and what its answers mean. The bot's token stands in every address: it goes into no error.

Source: Telegram Bot API, "Making requests", "ResponseParameters"; Telegram Bot FAQ, "Broadcasting to users".
"""

from __future__ import annotations

import json
import uuid
from collections.abc import Mapping
from typing import Any, NoReturn

from wasl.channels import provider
from wasl.channels.base import InDoubt, PermanentFailure, Reason, TemporaryFailure, Unreached
from wasl.channels.port import Settings, Upload
from wasl.channels.provider import Said
from wasl.channels.values import line, obj

API = "https://api.telegram.org"
DOWNLOAD = 20_000_000
"""Bytes of the largest file that a bot may download."""

_GONE = ("deactivated", "chat not found", "user not found", "peer_id_invalid")
_LARGE = ("too big", "too large", "too long", "too much")


def base(inbox: Settings) -> str:
    """Where the API is."""
    return inbox.text("base_url", API).rstrip("/")


def token(inbox: Settings) -> str:
    """The bot's token. Raises Unreached when there is none."""
    found = inbox.secrets.get("token", "")
    if not found:
        raise Unreached("", "The bot token is missing.", reason=Reason.SIGN_IN)
    return found


def ask(
    inbox: Settings, method: str, data: Mapping[str, Any] | None = None, file: tuple[str, Upload] | None = None,
    *, changes: bool = True, most: int = provider.ANSWER,
) -> Said:  # fmt: skip
    """Call a method, with `file` as the form's part of that name. Raises Unreached, or InDoubt when it `changes`."""
    url = f"{base(inbox)}/bot{token(inbox)}/{method}"
    if file is None:
        return get(inbox, "POST", url, data or {}, most=most, changes=changes)
    headers, body = form(data or {}, *file)
    return get(inbox, "POST", url, None, body, headers, changes=changes)


def get(
    inbox: Settings, verb: str, url: str, data: Mapping[str, Any] | None = None, body: bytes | None = None,
    headers: Mapping[str, str] | None = None, *, most: int = provider.ANSWER, changes: bool = False,
) -> Said:  # fmt: skip
    """`provider.ask`, without the token in what it raises."""
    private, secret = inbox.private, token(inbox)
    try:
        return provider.ask(
            verb,
            url,
            data=data,
            body=body,
            headers=headers or {},
            private=private,
            most=most,
            changes=changes,
        )
    except Unreached as error:
        raise Unreached(error.code, error.detail.replace(secret, "…"), reason=error.reason) from None
    except InDoubt as error:
        raise InDoubt(error.detail.replace(secret, "…")) from None


def result(said: Said, *, sure: bool = False) -> Any:
    """What the method gives back. `sure`: nothing can have reached the customer, whatever went wrong."""
    if said.status != 200 or said.body.get("ok") is not True:
        fail(said, sure=sure)
    return said.body.get("result")


def words(said: Said) -> str:
    """What the API says went wrong."""
    return line(said.body.get("description"))[:500]


def fail(said: Said, *, sure: bool = False) -> NoReturn:
    """Raise what an answer means that is no success."""
    detail, code = words(said), str(said.body.get("error_code") or said.status)[:20]
    wait = obj(said.body.get("parameters")).get("retry_after")
    after = float(wait) if isinstance(wait, int | float) and not isinstance(wait, bool) else said.retry_after
    if said.status == 429:
        raise TemporaryFailure(code, detail, after)
    if said.status == 413:
        raise PermanentFailure(code, detail, Reason.TOO_LARGE)
    if said.status >= 500 or not said.body:
        if sure or said.status in (502, 503):  # the gateway took nothing
            raise TemporaryFailure(code, detail or "no explanation", after)
        raise InDoubt(f"HTTP {said.status} {detail}".strip())
    if said.status in (401, 404):  # 404: what stands where the token should is none
        raise Unreached(code, detail, reason=Reason.SIGN_IN)
    if said.status == 409:
        raise TemporaryFailure(code, detail, after)
    raise PermanentFailure(code, detail, reason_of(said.status, detail))


def reason_of(status: int, description: str) -> Reason:
    """Why a message was refused, for people."""
    lower = description.lower()
    if any(each in lower for each in _GONE):
        return Reason.ADDRESS_UNKNOWN
    if status == 403:  # blocked, or they never wrote to the bot
        return Reason.STOPPED
    if any(each in lower for each in _LARGE):
        return Reason.TOO_LARGE
    return Reason.BAD_MESSAGE if status == 400 else Reason.OTHER


def form(data: Mapping[str, Any], name: str, file: Upload) -> tuple[dict[str, str], bytes]:
    """Headers and body of a form with a file (RFC 7578); what is no text is JSON."""
    boundary = uuid.uuid4().hex
    with file.read() as source:
        content = source.read()
    parts = [
        f'--{boundary}\r\nContent-Disposition: form-data; name="{key}"\r\n\r\n'
        f"{value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)}\r\n"
        for key, value in data.items()
    ]
    called = "".join("_" if each in '"\\\r\n' else each for each in file.filename) or "file"
    parts.append(
        f'--{boundary}\r\nContent-Disposition: form-data; name="{name}"; filename="{called}"\r\n'
        f"Content-Type: {file.content_type}\r\n\r\n"
    )
    body = "".join(parts).encode("utf-8", "replace") + content + f"\r\n--{boundary}--\r\n".encode()
    return {"Content-Type": f"multipart/form-data; boundary={boundary}"}, body
