"""Passwords of inboxes, sealed under the installation's master key and bound to their inbox."""

import json
import logging
import os
from collections.abc import Mapping
from functools import cache
from uuid import UUID

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from django.conf import settings

log = logging.getLogger(__name__)

_NONCE = 12
_VERSION = b"\x01"

SENDING = b"inbox password"
"""The password of the mail server that sends for the inbox (`Inbox.secret`)."""

MAILBOX = b"mailbox secret"
"""What opens the outside mailbox (`Inbox.incoming_secret`)."""


class Unreadable(Exception):
    """A password does not open: another master key, another inbox, or bytes that somebody changed."""


@cache
def _master() -> AESGCM:
    return AESGCM(settings.ENV.keys.master_key)


def _bound(workspace_id: UUID, inbox_id: UUID, purpose: bytes) -> bytes:
    return purpose + workspace_id.bytes + inbox_id.bytes


def seal(workspace_id: UUID, inbox_id: UUID, password: str, purpose: bytes = SENDING) -> bytes:
    """As an inbox keeps it: 0x01 ‖ nonce ‖ AES-256-GCM."""
    nonce = os.urandom(_NONCE)
    sealed = _master().encrypt(nonce, password.encode(), _bound(workspace_id, inbox_id, purpose))
    return _VERSION + nonce + sealed


def unseal(workspace_id: UUID, inbox_id: UUID, sealed: bytes, purpose: bytes = SENDING) -> str:
    """The password. Raises Unreadable."""
    version, nonce, rest = sealed[:1], sealed[1 : 1 + _NONCE], sealed[1 + _NONCE :]
    try:
        if version != _VERSION:
            raise Unreadable("sealed in a way this version does not know")
        return _master().decrypt(nonce, rest, _bound(workspace_id, inbox_id, purpose)).decode()
    except (InvalidTag, ValueError) as error:
        raise Unreadable("the password does not open with this master key") from error


def seal_all(workspace_id: UUID, inbox_id: UUID, secrets: Mapping[str, str]) -> bytes:
    """Secrets by name, as a chat channel's inbox keeps them."""
    return seal(workspace_id, inbox_id, json.dumps(dict(secrets)))


def unseal_all(workspace_id: UUID, inbox_id: UUID, sealed: bytes | None) -> dict[str, str]:
    """The same opened; none, and a word in the log, where they cannot be read."""
    if sealed is None:
        return {}
    try:
        found: dict[str, str] = json.loads(unseal(workspace_id, inbox_id, sealed))
    except (Unreadable, ValueError):
        log.exception("the secrets of inbox %s cannot be read", inbox_id)
        return {}
    return found
