"""Keys for signing, one for each purpose, derived from the installation's secret."""

import hashlib
import hmac
from functools import cache

from django.conf import settings


@cache
def key(purpose: str) -> bytes:
    """32 bytes that only this installation knows, and only for this purpose."""
    return hmac.digest(settings.SECRET_KEY.encode(), f"wasl:{purpose}".encode(), hashlib.sha256)
