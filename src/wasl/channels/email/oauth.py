"""Access tokens for mail servers: the refresh-token grant of OAuth 2.0 (RFC 6749 §6), used by XOAUTH2.

Tokens are kept in memory until a minute before they expire, and never written down.
"""

from __future__ import annotations

import http.client
import ipaddress
import json
import threading
import time
from dataclasses import dataclass, field
from urllib.parse import urlencode, urlsplit

from wasl.channels.email import dial
from wasl.channels.email.outside import Imap, Opening
from wasl.channels.email.trouble import Fault, Step, Trouble, said

TIMEOUT = 15.0
MARGIN = 60.0
LIMIT = 64 * 1024


@dataclass(frozen=True, slots=True)
class Token:
    """An access token; `renewed` is the refresh token that replaces the one used, '' when it stays the same."""

    access: str = field(repr=False)
    until: float
    renewed: str = field(default="", repr=False)


_kept: dict[tuple[str, str, str], Token] = {}
_lock = threading.Lock()


def token(mailbox: Imap, opening: Opening, *, private: bool = True, anew: bool = False) -> Token:
    """An access token, asked for only when none is good any more (or `anew`). Raises Trouble."""
    key = (mailbox.token_url, mailbox.client_id, opening.refresh_token)
    with _lock:
        kept = _kept.get(key)
        if kept and not anew and kept.until > time.monotonic():
            return kept
    fresh = _ask(mailbox, opening, private)
    with _lock:
        if len(_kept) > 1000:
            _kept.clear()
        _kept[key] = fresh
        if fresh.renewed:
            _kept[mailbox.token_url, mailbox.client_id, fresh.renewed] = fresh
    return fresh


def _ask(mailbox: Imap, opening: Opening, private: bool) -> Token:
    form = {
        "grant_type": "refresh_token",
        "client_id": mailbox.client_id,
        "client_secret": opening.client_secret,
        "refresh_token": opening.refresh_token,
        "scope": mailbox.scope,
    }
    status, body = _post(mailbox.token_url, {k: v for k, v in form.items() if v}, private)
    try:
        answer = json.loads(body)
    except ValueError:
        answer = None
    if not isinstance(answer, dict):
        raise Trouble(Step.SIGN_IN, Fault.TOKEN_UNREACHABLE, f"HTTP {status}")
    access = answer.get("access_token")
    if status == 200 and isinstance(access, str) and access:
        lasts = answer.get("expires_in")
        seconds = float(lasts) if isinstance(lasts, int | float | str) and str(lasts).isdigit() else 300.0
        renewed = answer.get("refresh_token")
        renewed = renewed if isinstance(renewed, str) and renewed != opening.refresh_token else ""
        return Token(access, time.monotonic() + max(0.0, seconds - MARGIN), renewed)
    raise _refused(status, str(answer.get("error") or ""), str(answer.get("error_description") or ""))


def _refused(status: int, error: str, description: str) -> Trouble:
    words = f"{error} {description}".strip() or f"HTTP {status}"
    if error in ("invalid_client", "unauthorized_client"):
        return Trouble(Step.SIGN_IN, Fault.TOKEN_CLIENT, words)
    if 400 <= status < 500 and status != 429:
        return Trouble(Step.SIGN_IN, Fault.TOKEN_REFUSED, words)
    return Trouble(Step.SIGN_IN, Fault.TOKEN_UNREACHABLE, words)


def _post(url: str, form: dict[str, str], private: bool) -> tuple[int, bytes]:
    parts = urlsplit(url)
    host, secure = parts.hostname or "", parts.scheme == "https"
    try:
        port = parts.port or (443 if secure else 80)
        addresses = dial.resolve(host, port, private=private)
        if not secure and not all(ipaddress.ip_address(a.ip).is_loopback for a in addresses):
            raise Trouble(Step.SIGN_IN, Fault.TOKEN_UNREACHABLE, "https is needed")
        sock = dial.connect(addresses, timeout=TIMEOUT)
        connection = http.client.HTTPConnection(host, port, timeout=TIMEOUT)
        connection.sock = dial.encrypt(sock, host) if secure else sock
        try:
            connection.request(
                "POST",
                parts.path or "/",
                urlencode(form),
                {"Content-Type": "application/x-www-form-urlencoded", "Accept": "application/json"},
            )
            answer = connection.getresponse()
            return answer.status, answer.read(LIMIT)
        finally:
            connection.close()
    except Trouble as trouble:
        raise Trouble(Step.SIGN_IN, Fault.TOKEN_UNREACHABLE, f"{host}: {trouble}") from trouble
    except (OSError, ValueError, http.client.HTTPException) as error:
        raise Trouble(Step.SIGN_IN, Fault.TOKEN_UNREACHABLE, f"{host}: {said(error)}") from error
