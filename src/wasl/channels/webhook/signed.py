"""How either side knows the other: Standard Webhooks (https://www.standardwebhooks.com), version 1.

HMAC-SHA256 under a secret that both know, over `id.timestamp.body`. Each way has a secret of its own, so that nothing
that was sent one way can be handed in the other.
"""

from __future__ import annotations

import binascii
import hmac
from base64 import b64decode, b64encode
from collections.abc import Iterable, Mapping
from datetime import datetime, timedelta

from wasl.kit.clock import now

PREFIX = "whsec_"
TOLERANCE = timedelta(minutes=5)
"""By how much the other's clock may differ from ours; what is older was recorded and is sent again."""


def key(secret: str) -> bytes:
    """The bytes that a secret stands for; none for what is no secret."""
    try:
        return b64decode(secret.strip().removeprefix(PREFIX), validate=True)
    except (binascii.Error, ValueError):
        return b""


def headers(secret: str, name: str, body: bytes) -> dict[str, str]:
    """What a call carries. `name` is the same when the same thing is said again. Raises ValueError without a secret."""
    known = key(secret)
    if not known:
        raise ValueError("no secret to sign with")
    return made([known], name, now(), body)


def made(secrets: Iterable[bytes], name: str, at: datetime, body: bytes) -> dict[str, str]:
    """The three headers of a call, with a signature under each secret."""
    moment = str(int(at.timestamp()))
    return {
        "webhook-id": name,
        "webhook-timestamp": moment,
        "webhook-signature": " ".join(_sign(each, name, moment, body) for each in secrets),
    }


def verify(secret: str, given: Mapping[str, str], body: bytes) -> bool:
    """Whether who knows the secret signed these very bytes, and lately."""
    return genuine(key(secret), given, body)


def genuine(known: bytes, given: Mapping[str, str], body: bytes) -> bool:
    """The same for the secret's bytes. Of several signatures one is enough."""
    name, moment = given.get("webhook-id", ""), given.get("webhook-timestamp", "")
    if not known or not name or not moment.isascii() or not moment.isdigit() or len(moment) > 12:
        return False
    if abs(now().timestamp() - int(moment)) > TOLERANCE.total_seconds():
        return False
    wanted = _sign(known, name, moment, body).encode()
    return any(
        hmac.compare_digest(each.encode("utf-8", "surrogatepass"), wanted)
        for each in given.get("webhook-signature", "").split(" ")[:20]
    )


def _sign(known: bytes, name: str, moment: str, body: bytes) -> str:
    signed = name.encode("utf-8", "surrogatepass") + f".{moment}.".encode() + body
    return "v1," + b64encode(hmac.digest(known, signed, "sha256")).decode()
