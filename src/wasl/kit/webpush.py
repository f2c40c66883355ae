"""Web push (RFC 8030): a text that only the browser can read (RFC 8291), signed by this installation (RFC 8292).

The push service of the browser's maker carries it and learns nothing but when and how large. The signing key is derived
from the installation's secret key: nothing to back up, and devices stay subscribed after a restore.
"""

from functools import cache
from urllib.parse import urlsplit

import http_ece
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec
from py_vapid import Vapid02

from wasl.kit import base64url, outside, signing
from wasl.kit.clock import now

_ORDER = 0xFFFFFFFF00000000FFFFFFFFFFFFFFFFBCE6FAADA7179E84F3B9CAC2FC632551  # of P-256 (SEC 2, §2.4.2)
AUTH = 16
"""Bytes of a browser's authentication secret."""
LONGEST = 3000
"""Bytes of a text, so that a record of 4096 holds it whatever the service adds."""


@cache
def _identity() -> Vapid02:
    number = int.from_bytes(signing.key("web-push") + signing.key("web-push 2")) % (_ORDER - 1) + 1
    return Vapid02(private_key=ec.derive_private_key(number, ec.SECP256R1()))


def public_key() -> str:
    """What browsers subscribe with: an uncompressed point in base64url."""
    point = _identity().public_key.public_bytes(
        serialization.Encoding.X962, serialization.PublicFormat.UncompressedPoint
    )
    return base64url.letters(point)


def subscription(endpoint: str, key: str, auth: str, *, private: bool = False) -> tuple[bytes, bytes]:
    """A browser's key and secret, of what it says of itself. Raises ValueError for what cannot be used."""
    try:
        outside.check(endpoint, private=private)
        point, secret = base64url.content(key), base64url.content(auth)
        ec.EllipticCurvePublicKey.from_encoded_point(ec.SECP256R1(), point)
    except outside.NotCalled as error:
        raise ValueError(str(error)) from error
    if len(secret) != AUTH:
        raise ValueError("auth")
    return point, secret


def request(
    endpoint: str, key: bytes, auth: bytes, text: bytes, *, subject: str, topic: str, life: int
) -> tuple[bytes, dict[str, str]]:
    """Body and headers of a call to a browser. `text` has at most `LONGEST` bytes; `subject` is a mailto: or https:
    address of ours; a text of the same `topic` takes the place of one that was not delivered yet (RFC 8030, §5.4), kept
    for `life` seconds."""
    parts = urlsplit(endpoint)
    claims = {
        "aud": f"{parts.scheme}://{parts.netloc}",
        "sub": subject,
        "exp": int(now().timestamp()) + 12 * 3600,
    }
    private_key = ec.generate_private_key(ec.SECP256R1())
    body: bytes = http_ece.encrypt(
        text, private_key=private_key, dh=key, auth_secret=auth, version="aes128gcm"
    )
    headers: dict[str, str] = _identity().sign(claims) | {
        "Content-Encoding": "aes128gcm",
        "Content-Type": "application/octet-stream",
        "TTL": str(life),
        "Urgency": "normal",
        "Topic": topic,
    }
    return body, headers
