"""Signing of requests by OAuth 1.0a with HMAC-SHA1 (RFC 5849), which X wants of whoever acts for an account.

Only what X needs: parameters of the address and of the header. Bodies are JSON or multipart here, which are not signed
(RFC 5849, 3.4.1.3.1).
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import secrets
from collections.abc import Iterable
from dataclasses import dataclass, field
from urllib.parse import parse_qsl, quote, urlsplit

from wasl.kit.clock import now


@dataclass(frozen=True, slots=True)
class Keys:
    """Of the app and of the account that it acts for."""

    app: str
    app_secret: str = field(repr=False)
    token: str
    token_secret: str = field(repr=False)

    @property
    def whole(self) -> bool:
        """Whether none is missing."""
        return all((self.app, self.app_secret, self.token, self.token_secret))


def authorization(method: str, url: str, keys: Keys, *, nonce: str = "", at: int = 0, realm: str = "") -> str:
    """The header `Authorization` of a request; `nonce` and `at` (seconds) are made up unless given."""
    said = {
        "oauth_consumer_key": keys.app,
        "oauth_nonce": nonce or secrets.token_hex(16),
        "oauth_signature_method": "HMAC-SHA1",
        "oauth_timestamp": str(at or int(now().timestamp())),
        "oauth_token": keys.token,
    }
    signed = said | {"oauth_signature": signature(base_string(method, url, said.items()), keys)}
    shown = [f'realm="{realm}"'] if realm else []
    return "OAuth " + ", ".join([*shown, *(f'{name}="{_escaped(signed[name])}"' for name in sorted(signed))])


def signature(base: str, keys: Keys) -> str:
    """HMAC-SHA1 of the base string under both secrets (RFC 5849, 3.4.2)."""
    key = f"{_escaped(keys.app_secret)}&{_escaped(keys.token_secret)}"
    return base64.b64encode(hmac.new(key.encode(), base.encode(), hashlib.sha1).digest()).decode()


def base_string(method: str, url: str, said: Iterable[tuple[str, str]]) -> str:
    """What is signed (RFC 5849, 3.4.1). `said`: parameters besides those of the address."""
    parts = urlsplit(url)
    port = parts.port if parts.port not in (None, {"http": 80, "https": 443}.get(parts.scheme)) else None
    host = (parts.hostname or "") + (f":{port}" if port else "")
    every = [*parse_qsl(parts.query, keep_blank_values=True), *said]
    pairs = sorted((_escaped(name), _escaped(value)) for name, value in every)
    together = "&".join(f"{name}={value}" for name, value in pairs)
    whole = (method.upper(), f"{parts.scheme.lower()}://{host}{parts.path or '/'}", together)
    return "&".join(_escaped(each) for each in whole)


def _escaped(text: str) -> str:
    return quote(text, safe="-._~")
