"""The signed link with which a customer opens their conversation, without an account.

What is signed: workspace, conversation, the customer's identity, the moment until which it opens, and the version of
the conversation's links, so that all of them can be taken back at once.
"""

import re
import struct
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import LiteralString
from uuid import UUID

from django.conf import settings

from wasl.kit import signing
from wasl.kit.clock import now
from wasl.kit.db import Connection

LENGTH = 96
"""Letters of a token."""
PATH = "/c/"

_LAYOUT = struct.Struct("!16s16s16sIH")
_PURPOSE = "conversation-link"
_WRITTEN_HERE = re.compile(r"[0-9a-f-]{32,36}\.page@")


@dataclass(frozen=True, slots=True)
class Claim:
    """What a genuine token says. It may have expired, and its version may have been taken back."""

    workspace_id: UUID
    conversation_id: UUID
    identity_id: UUID
    until: datetime
    version: int

    @property
    def expired(self) -> bool:
        """Whether it opens no more by its date."""
        return self.until <= now()


def token(claim: Claim) -> str:
    """The claim, signed, as one path segment of LENGTH letters."""
    return signing.token(
        _PURPOSE,
        _LAYOUT,
        claim.workspace_id.bytes,
        claim.conversation_id.bytes,
        claim.identity_id.bytes,
        int(claim.until.timestamp()),
        claim.version,
    )


def read(text: str) -> Claim | None:
    """What a token says; None when it is not one of ours, letter for letter."""
    found = signing.read(_PURPOSE, _LAYOUT, text)
    if found is None:
        return None
    workspace, conversation, identity, until, version = found
    return Claim(
        UUID(bytes=workspace),
        UUID(bytes=conversation),
        UUID(bytes=identity),
        datetime.fromtimestamp(until, UTC),
        version,
    )


_VERSION: LiteralString = (
    "SELECT link_version FROM conversations_conversation WHERE workspace_id = %s AND id = %s"
)


def address(conn: Connection, workspace_id: UUID, conversation_id: UUID, identity_id: UUID) -> str:
    """The whole address of a fresh link, inside the workspace's transaction. Raises LookupError."""
    found = conn.execute(_VERSION, [workspace_id, conversation_id]).fetchone()
    if found is None:
        raise LookupError(conversation_id)
    until = now() + timedelta(seconds=settings.ENV.link_lifetime)
    claim = Claim(workspace_id, conversation_id, identity_id, until, found[0])
    return f"{settings.ENV.public_url}{PATH}{token(claim)}"


_REVOKE: LiteralString = """
UPDATE conversations_conversation SET link_version = link_version %% 32767 + 1 WHERE workspace_id = %s AND id = %s
"""


def revoke(conn: Connection, workspace_id: UUID, conversation_id: UUID) -> None:
    """Close every link that was ever given out for a conversation, inside the workspace's transaction."""
    conn.execute(_REVOKE, [workspace_id, conversation_id])


def message_id(key: str, domain: str) -> str:
    """The Message-ID of what a customer writes on the page that the link opens; the same for the same form."""
    return f"{key}.page@{domain}"


def written_here(rfc_id: str) -> bool:
    """Whether a message of theirs was written on that page, by its Message-ID: for what it is called, no proof."""
    return _WRITTEN_HERE.match(rfc_id) is not None
