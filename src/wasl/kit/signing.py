"""Keys for signing, one for each purpose, derived from the installation's secret; and what is signed for a link."""

import hashlib
import hmac
from functools import cache
from struct import Struct
from typing import Any

from django.conf import settings

from wasl.kit.base64url import content, letters

MAC = 18
"""Bytes of a token's HMAC: nobody finds one by guessing 144 bits."""


@cache
def key(purpose: str) -> bytes:
    """32 bytes that only this installation knows, and only for this purpose."""
    return hmac.digest(settings.SECRET_KEY.encode(), f"wasl:{purpose}".encode(), hashlib.sha256)


def token(purpose: str, layout: Struct, *values: Any) -> str:
    """Values, signed, as one path segment."""
    body = layout.pack(*values)
    return letters(body + mac(purpose, body))


def read(purpose: str, layout: Struct, text: str) -> tuple[Any, ...] | None:
    """The values of a token; None when it is not one of ours, letter for letter."""
    try:
        data = content(text)
    except ValueError:
        return None
    body = data[: layout.size]
    if not hmac.compare_digest(mac(purpose, body), data[layout.size :]) or letters(data) != text:
        return None
    return layout.unpack(body)


def mac(purpose: str, body: bytes, size: int = MAC) -> bytes:
    """So many bytes that only this installation can add to that."""
    return hmac.digest(key(purpose), body, "sha256")[:size]
