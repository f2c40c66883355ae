"""What a print provider tells us by webhook: that a letter was printed, posted, delivered or came back.

Signed as Standard Webhooks does (`webhook.signed`).
"""

from __future__ import annotations

import hashlib
import json
from typing import Any

from wasl.channels.port import Request, Settings, Slip
from wasl.channels.webhook import signed

_MOST = 1000


class Hook:
    """Receipts by POST; there is nothing to ask for by GET."""

    def challenge(self, request: Request, inbox: Settings) -> str | None:
        """Nobody asks."""
        return None

    def genuine(self, request: Request, inbox: Settings) -> bool:
        """Whether one of the signatures is that of these bytes, lately."""
        secret = inbox.secrets.get("hook_secret", "")
        # As Standard Webhooks writes it, or, as one of ours, the text itself.
        known = signed.key(secret) if secret.startswith(signed.PREFIX) else b""
        return signed.genuine(known or secret.encode(), request.headers, request.body)

    def split(self, request: Request) -> list[Slip]:
        """One for each receipt: the body is one, or {"receipts": [...]}."""
        return slips(request.body)


def slips(body: bytes) -> list[Slip]:
    """What a body or a file brings. Raises ValueError."""
    try:
        found = json.loads(body)
    except RecursionError as error:
        raise ValueError("nested too deeply") from error
    receipts = found.get("receipts", [found]) if isinstance(found, dict) else None
    if not isinstance(receipts, list) or not all(isinstance(each, dict) for each in receipts[:_MOST]):
        raise ValueError("this is no receipt")
    return [_slip(each) for each in receipts[:_MOST]]


def _slip(receipt: dict[str, Any]) -> Slip:
    content = json.dumps(receipt, ensure_ascii=True, separators=(",", ":"), sort_keys=True).encode()
    key = f"{receipt.get('id')} {receipt.get('state')} {receipt.get('at')}"
    return Slip(hashlib.sha256(key.encode("utf-8", "replace")).hexdigest(), content)
