"""How a call proves where it comes from: the Standard Webhooks scheme (https://www.standardwebhooks.com), version 1.

The signature is HMAC-SHA256 under the endpoint's secret over `id.timestamp.body`. While a secret is replaced there are
two signatures, of which the receiver needs to know one.
"""

import os
from base64 import b64encode
from collections.abc import Sequence
from datetime import datetime, timedelta
from uuid import UUID

from wasl.channels.webhook.signed import PREFIX, made

BOTH = timedelta(hours=24)
"""How long a secret that was replaced still signs."""


def new_secret() -> bytes:
    """32 random bytes."""
    return os.urandom(32)


def shown(secret: bytes) -> str:
    """A secret as receivers are given it."""
    return PREFIX + b64encode(secret).decode()


def headers(secrets: Sequence[bytes], call_id: UUID, at: datetime, body: bytes) -> dict[str, str]:
    """The three headers of a call. The id stays the same when the same event is told again."""
    return made(secrets, f"msg_{call_id.hex}", at, body)
