"""Who is signed in at the host site, as its server says: a JSON Web Token (RFC 7519) signed with HS256.

Claims: `sub` (the account's id there, required), `exp` (seconds since 1970, required), `email`, `name`, `nbf`.
"""

import hmac
import json
import re
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from wasl.kit.base64url import content, jwt

LEEWAY = 30
"""Seconds that the host's clock may differ from ours."""
LONGEST = 4096
"""Letters of a token."""
_EMAIL = re.compile(r"[^@\s<>\"\x00-\x1f\x7f\ud800-\udfff]{1,64}@[^@\s<>\"\x00-\x1f\x7f\ud800-\udfff]{3,190}")
_CONTROL = re.compile("[\x00-\x1f\x7f-\x9f\u2028\u2029\u202a-\u202e\u2066-\u2069\ud800-\udfff]+")


@dataclass(frozen=True, slots=True)
class Account:
    """Somebody who is signed in at the host site."""

    sub: str
    email: str = ""
    name: str = ""


class BadToken(Exception):
    """It proves nothing; `reason` is malformed, algorithm, signature, expired, early or subject."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


def read(token: str, secret: str, at: datetime) -> Account:
    """Whom a token names at that moment. Raises BadToken."""
    if not secret or len(token) > LONGEST or token.count(".") != 2:
        raise BadToken("malformed")
    head, body, signature = token.split(".")
    # The algorithm is ours to choose, not the token's: "none", and keys taken for others, go no further.
    if _object(head).get("alg") != "HS256":
        raise BadToken("algorithm")
    if not hmac.compare_digest(_bytes(signature), _signature(f"{head}.{body}".encode(), secret)):
        raise BadToken("signature")
    claims = _object(body)
    _in_time(claims, at.timestamp())
    sub = claims.get("sub")
    if not isinstance(sub, str | int) or not str(sub) or len(str(sub)) > 200 or _CONTROL.search(str(sub)):
        raise BadToken("subject")
    email = str(claims.get("email") or "").strip()
    name = " ".join(_CONTROL.sub(" ", str(claims.get("name") or "")).split())[:120]
    return Account(str(sub), email if is_email(email) else "", name)


def make(account: Account, secret: str, expires: datetime) -> str:
    """A token as the host's server makes it."""
    claims: dict[str, Any] = {"sub": account.sub, "exp": int(expires.timestamp())}
    claims |= {name: value for name in ("email", "name") if (value := getattr(account, name))}
    return jwt({"alg": "HS256", "typ": "JWT"}, claims, lambda said: _signature(said, secret))


def is_email(text: str) -> bool:
    """Whether it can be an e-mail address."""
    return _EMAIL.fullmatch(text) is not None and "." in text.rpartition("@")[2]


def _in_time(claims: dict[str, Any], at: float) -> None:
    expires, begins = claims.get("exp"), claims.get("nbf", 0)
    if not isinstance(expires, int | float) or isinstance(expires, bool) or not expires + LEEWAY >= at:  # NaN
        raise BadToken("expired")
    if not isinstance(begins, int | float) or not begins - LEEWAY <= at:
        raise BadToken("early")


def _signature(said: bytes, secret: str) -> bytes:
    return hmac.digest(secret.encode(), said, "sha256")


def _bytes(letters: str) -> bytes:
    try:
        return content(letters)
    except ValueError as error:
        raise BadToken("malformed") from error


def _object(letters: str) -> dict[str, Any]:
    try:
        found = json.loads(_bytes(letters))
    except (ValueError, RecursionError) as error:
        raise BadToken("malformed") from error
    if not isinstance(found, dict):
        raise BadToken("malformed")
    return found
