"""A phone that takes notices: its three addresses, and what the push services look at before they ring it.

A device is known by the digits of its telephone number, so that whoever has an address has the phone.
"""

import hashlib
import hmac
import json
import time
from typing import Any

import http_ece
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, padding
from cryptography.hazmat.primitives.asymmetric.utils import encode_dss_signature

from wasl.channels.app.settings import Apple, Firebase
from wasl.kit import webpush
from wasl.kit.base64url import content, letters

LEEWAY = 3600
_ORDER = 0xFFFFFFFF00000000FFFFFFFFFFFFFFFFBCE6FAADA7179E84F3B9CAC2FC632551  # of P-256 (SEC 2, §2.4.2)


def fcm_token(digits: str) -> str:
    """As Firebase calls a phone."""
    return f"phone:{digits}"


def apns_token(digits: str) -> str:
    """As Apple calls it: 32 bytes in hexadecimal."""
    return digits.rjust(64, "0")


def browser(base: str, digits: str) -> tuple[str, str, str]:
    """As its browser says of itself: endpoint, p256dh and auth."""
    point = _key(digits).public_key().public_bytes(
        serialization.Encoding.X962, serialization.PublicFormat.UncompressedPoint
    )  # fmt: skip
    return f"{base}/push/{digits}", letters(point), letters(_auth(digits))


def _key(digits: str) -> ec.EllipticCurvePrivateKey:
    number = int.from_bytes(hashlib.sha512(f"sandbox phone {digits}".encode()).digest())
    return ec.derive_private_key(number % (_ORDER - 1) + 1, ec.SECP256R1())


def _auth(digits: str) -> bytes:
    return hashlib.sha256(f"sandbox phone {digits}".encode()).digest()[: webpush.AUTH]


def opened(digits: str, body: bytes) -> dict[str, Any]:
    """What was meant for this browser alone (RFC 8291). Raises ValueError."""
    try:
        said = http_ece.decrypt(
            body, private_key=_key(digits), auth_secret=_auth(digits), version="aes128gcm"
        )
        found: dict[str, Any] = json.loads(said)
    except Exception as error:
        raise ValueError("not for this browser") from error
    return found


def is_vapid(header: str, origin: str) -> bool:
    """Whether a call says rightly who sends it (RFC 8292, 3): signed, for this service, for a day at most."""
    fields = dict(each.strip().partition("=")[::2] for each in header.removeprefix("vapid ").split(","))
    try:
        point = content(fields["k"])
        key = ec.EllipticCurvePublicKey.from_encoded_point(ec.SECP256R1(), point)
        claims = _es256(fields["t"], key)
        return bool(claims["aud"] == origin and time.time() - LEEWAY < claims["exp"] < time.time() + 90_000)
    except (KeyError, ValueError, TypeError, InvalidSignature):
        return False


def is_apples(header: str, known: Apple) -> bool:
    """Whether a provider token is of this team and key, and not older than an hour."""
    try:
        token = header.removeprefix("bearer ")
        head = json.loads(content(token.split(".")[0]))
        claims = _es256(token, known.key.public_key())
        fresh = abs(time.time() - claims["iat"]) < LEEWAY
        return bool(head["kid"] == known.key_id and claims["iss"] == known.team and fresh)
    except (KeyError, ValueError, TypeError, IndexError, InvalidSignature):
        return False


def _es256(token: str, key: ec.EllipticCurvePublicKey) -> dict[str, Any]:
    said, _, sign = token.rpartition(".")
    r, s = content(sign)[:32], content(sign)[32:]
    der = encode_dss_signature(int.from_bytes(r), int.from_bytes(s))
    key.verify(der, said.encode(), ec.ECDSA(hashes.SHA256()))
    found: dict[str, Any] = json.loads(content(said.partition(".")[2]))
    return found


def is_assertion(text: str, known: Firebase) -> bool:
    """Whether the service account signed this claim for an access token (RFC 7523)."""
    said, _, sign = text.rpartition(".")
    try:
        known.key.public_key().verify(content(sign), said.encode(), padding.PKCS1v15(), hashes.SHA256())
        claims = json.loads(content(said.partition(".")[2]))
        fresh = claims["iat"] <= time.time() + 60 and time.time() < claims["exp"] <= claims["iat"] + 3600
        return bool(claims["iss"] == known.email and claims["aud"] == known.tokens and fresh)
    except (KeyError, ValueError, TypeError, InvalidSignature):
        return False


def access_token(known: Firebase) -> str:
    """What is given for it: the same as long as the account has the same key."""
    return hmac.digest(b"sandbox", f"{known.project} {known.email} {known.key_id}".encode(), "sha256").hex()
