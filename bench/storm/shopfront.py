"""The chat channels of the storm: an inbox of each in Wasl, and the same known at its provider.

The providers are the sandbox's stand-ins; a program of the business (`elsewhere`) and a message centre stand in the
process that counts.
"""

import base64
import hashlib
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from uuid import UUID

from bench.house import House
from wasl.sandbox.chats import End, Ends

SITE = "https://www.dar-zaytun.example"
POLLED = "telegram polling"
"""The second bot, which is asked for its news."""

STANDINS = ("whatsapp", "messenger", "instagram", "telegram", POLLED, "sms", "x")
IMAP = "imap"
"""No chat, and nobody's way to write: a mailbox that is fetched from, where a mail is put after each kill."""
CHANNELS = (*STANDINS, "smpp", "webhook", "webchat", IMAP)
_KEY = "c3Rvcm0x" * 6
"""A secret in Base64."""


@dataclass(frozen=True)
class Front:
    """An inbox as the customers' side knows it. `at` is its id in Wasl; `end.webhook` where its news go."""

    name: str
    at: UUID
    end: End

    @property
    def channel(self) -> str:
        """The channel's own name."""
        return self.end.channel


@dataclass(frozen=True)
class _Shape:
    channel: str
    address: str
    config: dict[str, str] = field(default_factory=dict)
    secrets: dict[str, str] = field(default_factory=dict)


def _shapes(api: int, elsewhere: int, centre: int) -> dict[str, _Shape]:
    """`api` is the port of the road to the stand-ins."""
    graph = {"app_secret": "storm app", "verify_token": "storm verify", "access_token": "storm access"}
    home = f"http://127.0.0.1:{api}"
    return {
        "whatsapp": _Shape("whatsapp", "109000000000001", {"base_url": f"{home}/whatsapp"}, graph),
        "messenger": _Shape("messenger", "112000000000001", {"base_url": f"{home}/messenger"}, graph),
        "instagram": _Shape("instagram", "114000000000001", {"base_url": f"{home}/instagram"}, graph),
        "telegram": _Shape(
            "telegram", "storm_bot", {"base_url": f"{home}/telegram", "mode": "webhook"},
            {"token": "7000000001:storm", "secret_token": "storm-secret"},
        ),
        POLLED: _Shape(
            "telegram", "polled_bot", {"base_url": f"{home}/telegram", "mode": "polling"},
            {"token": "7000000002:storm", "secret_token": "storm-secret"},
        ),
        "sms": _Shape(
            "sms", "+33639980090", {"base_url": f"{home}/sms", "account_sid": "AC" + "5a" * 16},
            {"auth_token": "storm token"},
        ),
        "smpp": _Shape(
            "smpp", "+390612345678",
            {"host": "127.0.0.1", "port": str(centre), "system_id": "wasl", "tls": "no"}, {"password": "secret"},
        ),
        "x": _Shape(
            "x", "2244994945", {"base_url": f"{home}/x", "app_key": "storm"},
            {"app_secret": "storm app", "access_token": "storm access", "access_secret": "storm"},
        ),
        "webhook": _Shape(
            "webhook", "marketplace", {"url": f"http://127.0.0.1:{elsewhere}/program"},
            {"secret_in": _KEY, "secret_out": _KEY},
        ),
        "webchat": _Shape("webchat", SITE),
    }  # fmt: skip


def open_fronts(
    house: House, workspace: UUID, names: tuple[str, ...], *, api: int, elsewhere: int, centre: int
) -> dict[str, Front]:
    """Make these inboxes, and let the stand-ins know them. `api`, `elsewhere`, `centre`: ports of the providers."""
    from wasl.channels.chat_inboxes import webhook
    from wasl.channels.models import Inbox
    from wasl.channels.secret import seal_all
    from wasl.kit.db import tenant
    from wasl.kit.ids import uuid7

    fronts = {}
    ends = Ends(house.data / "sandbox")
    shapes = _shapes(api, elsewhere, centre)
    for name in names:
        shape = shapes[name]
        inbox = Inbox(id=uuid7(), workspace_id=workspace, channel=shape.channel, name=name.title())
        inbox.address, inbox.config = shape.address, dict(shape.config)
        inbox.secret = seal_all(workspace, inbox.id, shape.secrets)
        with tenant(workspace):
            inbox.save(force_insert=True)
        url = webhook(inbox) or f"http://127.0.0.1:{house.http}/chat/{inbox.id}"
        end = End(shape.channel, shape.address, name, url, shape.config, shape.secrets)
        fronts[name] = Front(name, inbox.id, end)
        if name in STANDINS:
            ends.put(end)
    return fronts


def sandbox(house: House) -> Path:
    """The folder of the customers' phones."""
    return house.data / "sandbox"


def address_of(name: str, person: int) -> str:
    """How a channel's provider calls its n-th customer. No two channels have the same telephone number."""
    match name:
        case "whatsapp":
            return f"33611{person:06d}"
        case "sms":
            return f"+33622{person:06d}"
        case "smpp":
            return f"33633{person:06d}"
        case "webhook":
            return f"cust-{person}"
        case "webchat":
            return f"visitor-{person}"
        case _:
            first = {"messenger": 50, "instagram": 60, "telegram": 70, POLLED: 71, "x": 90}[name]
            return f"{first}{person:08d}"


def browser_secret(person: int) -> str:
    """The secret of a visitor's browser: 32 bytes as base64url without padding."""
    return base64.urlsafe_b64encode(hashlib.sha256(b"visitor %d" % person).digest()).rstrip(b"=").decode()


def visitor_headers(person: int) -> dict[str, Any]:
    """What a visitor's browser says with everything; each has an address of its own, as behind a proxy of ours."""
    return {
        "Authorization": f"Bearer {browser_secret(person)}",
        "Content-Type": "application/json",
        "Origin": SITE,
        "X-Forwarded-For": f"10.7.{person // 250 % 250}.{person % 250 + 1}",
    }
