"""How Meta proves that a webhook is its own, on every product.

Source: Meta for Developers, "Graph API: Webhooks, Getting started" (verification request, X-Hub-Signature-256).
"""

from __future__ import annotations

import hmac

from wasl.channels.port import Request, Settings

_PREFIX = "sha256="


class Signed:
    """Verification by GET, and a signature on every POST."""

    def challenge(self, request: Request, inbox: Settings) -> str | None:
        """`hub.challenge`, when the token is the one that we invented."""
        asked, token = request.query, inbox.secrets.get("verify_token", "")
        if asked.get("hub.mode") != "subscribe" or not token:
            return None
        given = asked.get("hub.verify_token", "")
        return asked.get("hub.challenge", "") if same(given, token) else None

    def genuine(self, request: Request, inbox: Settings) -> bool:
        """HMAC-SHA-256 of the raw bytes under the app's secret."""
        secret, given = inbox.secrets.get("app_secret", ""), request.headers.get("x-hub-signature-256", "")
        if not secret or not given.startswith(_PREFIX):
            return False
        return same(given.removeprefix(_PREFIX).lower(), sign(request.body, secret))


def sign(body: bytes, secret: str) -> str:
    """The signature of a body, in hexadecimal."""
    return hmac.digest(secret.encode(), body, "sha256").hex()


def same(given: str, wanted: str) -> bool:
    """Whether they are equal, in a time that says nothing of where they differ."""
    return hmac.compare_digest(given.encode("utf-8", "surrogatepass"), wanted.encode())
