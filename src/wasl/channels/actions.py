"""What administrators do with inboxes."""

import re

from wasl.accounts.actor import Actor
from wasl.channels.models import Inbox

_ADDRESS = re.compile(r"[a-z0-9](?:[a-z0-9._-]{0,61}[a-z0-9])?")


class BadAddress(Exception):
    """The address cannot be an API inbox's: `reason` is shape or taken."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


def open_api_inbox(actor: Actor, address: str, name: str, language: str = "en") -> Inbox:
    """An inbox into which programs hand what customers wrote, inside `tenant(…)`. Raises Forbidden, BadAddress.

    `address` stands in the API's addresses: small letters, digits, and . _ - between them.
    """
    actor.require_admin()
    if not _ADDRESS.fullmatch(address):
        raise BadAddress("shape")
    inbox, new = Inbox.objects.get_or_create(
        workspace_id=actor.workspace_id,
        channel="api",
        address=address,
        defaults={"name": name.strip()[:80] or address, "language": language},
    )
    if not new:
        raise BadAddress("taken")
    return inbox
