"""What a program of the business hands in: one event, or up to 500 of them as {"events": […]}."""

from __future__ import annotations

import hashlib
import json
from typing import Any

from wasl.channels.port import Request, Settings, Slip
from wasl.channels.values import line
from wasl.channels.webhook import signed

MOST = 500
"""Events in one call."""


class Hook:
    """Events by POST, signed."""

    def challenge(self, request: Request, inbox: Settings) -> str | None:
        """There is none: the signature says enough."""
        return None

    def genuine(self, request: Request, inbox: Settings) -> bool:
        """Whether the program signed these very bytes, within the last minutes."""
        return signed.verify(inbox.secrets.get("secret_in", ""), request.headers, request.body)

    def split(self, request: Request) -> list[Slip]:
        """Every event of the call."""
        try:
            found = json.loads(request.body)
        except (ValueError, RecursionError) as error:
            raise ValueError("not JSON") from error
        events = found.get("events", [found]) if isinstance(found, dict) else None
        if not isinstance(events, list) or not events or not all(_is_event(each) for each in events):
            raise ValueError("no event: each has a type")
        if len(events) > MOST:
            raise ValueError(f"more than {MOST} events in one call")
        return [_slip(each) for each in events]


def _is_event(found: Any) -> bool:
    return isinstance(found, dict) and isinstance(found.get("type"), str) and bool(found["type"])


def _slip(event: dict[str, Any]) -> Slip:
    """A message comes once under its id; everything else as often as it says something else."""
    stored = json.dumps(event, ensure_ascii=True, separators=(",", ":"), sort_keys=True).encode()
    id_ = line(event.get("id"))
    if event["type"] == "message" and id_:
        return Slip(f"message:{id_}", stored)
    return Slip(f"event:{hashlib.sha256(stored).hexdigest()}", stored)
