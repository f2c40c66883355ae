"""The webhook of a Twilio-style provider: whether it is theirs, and what it brings.

Source: Twilio, "Security: Validating requests", "Messaging webhooks", "Track outbound message status".
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
from collections.abc import Iterable, Iterator, Mapping
from typing import Any
from urllib.parse import parse_qsl, urlsplit, urlunsplit

from wasl.channels.port import Request, Settings, Slip
from wasl.kit.clock import now

RECEIVED = frozenset({"received", "receiving"})
_PORTS = {"https": 443, "http": 80}


class Hook:
    """Messages and their receipts, by POST to the same address."""

    def challenge(self, request: Request, inbox: Settings) -> str | None:
        """Nobody asks whether we are there."""
        return None

    def genuine(self, request: Request, inbox: Settings) -> bool:
        """HMAC-SHA-1 of the address and what the form says, under the account's token; the address of a body that is
        no form carries the body's SHA-256."""
        token, given = inbox.secrets.get("auth_token", ""), request.headers.get("x-twilio-signature", "")
        if not token or not given:
            return False
        form: list[tuple[str, str]] = []
        digest = request.query.get("bodySHA256")
        if digest is not None:
            if not _same(digest.lower(), hashlib.sha256(request.body).hexdigest()):
                return False
        else:
            form = _form(request.body)
        return any(_same(given, sign(token, url, form)) for url in _spellings(request.url))

    def split(self, request: Request) -> list[Slip]:
        """One thing a request: a message or a receipt. When it came is written down, for a receipt does not say."""
        said = _said(request)
        sid = said.get("MessageSid") or said.get("SmsMessageSid") or said.get("SmsSid") or ""
        state = (said.get("MessageStatus") or said.get("SmsStatus") or "").lower()
        if not sid:
            raise ValueError("neither a message nor a receipt")
        kind = "message" if state in RECEIVED or not state else "status"
        key = f"message:{sid}" if kind == "message" else f"status:{sid}:{state}"
        about = {"kind": kind, "at": now().isoformat(), "said": said}
        content = json.dumps(about, separators=(",", ":"), sort_keys=True).encode()
        return [Slip(key, content, said.get("To", "") if kind == "message" else "")]


def sign(token: str, url: str, form: Iterable[tuple[str, str]]) -> str:
    """The signature of a request: names and values in the order of the names, of equal pairs one."""
    text = url + "".join(f"{name}{value}" for name, value in sorted(set(form)))
    made = hmac.new(token.encode(), text.encode("utf-8", "surrogatepass"), hashlib.sha1)
    return base64.b64encode(made.digest()).decode()


def _said(request: Request) -> Mapping[str, str]:
    if "bodySHA256" not in request.query:
        return {name: _plain(value) for name, value in _form(request.body)}
    try:
        body: Any = json.loads(request.body)
    except (ValueError, RecursionError) as error:
        raise ValueError("not JSON") from error
    if not isinstance(body, dict):
        raise ValueError("not an object")
    return {str(name): _plain(str(value)) for name, value in body.items() if isinstance(value, str | int)}


def _form(body: bytes) -> list[tuple[str, str]]:
    """What a form says; what is none says nothing, and is signed as nothing. Raises nothing."""
    try:
        return parse_qsl(body.decode("utf-8", "replace"), keep_blank_values=True, max_num_fields=500)
    except ValueError:
        return []


def _plain(value: str) -> str:
    return value.replace("\x00", "")


def _spellings(url: str) -> Iterator[str]:
    """The address with and without the port that goes without saying: which of the two is signed has changed."""
    yield url
    parts = urlsplit(url)
    port = _PORTS.get(parts.scheme)
    if not port:
        return
    host = parts.netloc
    bare = host.removesuffix(f":{port}")
    other = bare if bare != host else f"{host}:{port}" if parts.port is None else host
    if other != host:
        yield urlunsplit(parts._replace(netloc=other))


def _same(given: str, wanted: str) -> bool:
    return hmac.compare_digest(given.encode("utf-8", "surrogatepass"), wanted.encode())
