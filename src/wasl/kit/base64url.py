"""base64url without padding (RFC 4648, §5), and what is written in it: JSON Web Tokens (RFC 7519)."""

import json
from base64 import b64decode, urlsafe_b64encode
from collections.abc import Callable, Mapping
from typing import Any


def letters(content: bytes) -> str:
    """Bytes as letters."""
    return urlsafe_b64encode(content).rstrip(b"=").decode()


def content(text: str) -> bytes:
    """The bytes again, of letters with or without padding. Raises ValueError."""
    return b64decode(text + "=" * (-len(text) % 4), b"-_", validate=True)


def jwt(head: Mapping[str, Any], claims: Mapping[str, Any], sign: Callable[[bytes], bytes]) -> str:
    """A token in three parts, with the signature of the first two (RFC 7515, §7.1)."""
    said = ".".join(letters(json.dumps(part).encode()) for part in (head, claims))
    return f"{said}.{letters(sign(said.encode()))}"
