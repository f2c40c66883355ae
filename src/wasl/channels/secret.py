"""Passwords of inboxes, sealed under the installation's master key and bound to their inbox."""

import os
from functools import cache
from uuid import UUID

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from django.conf import settings

_NONCE = 12
_VERSION = b"\x01"


class Unreadable(Exception):
    """A password does not open: another master key, another inbox, or bytes that somebody changed."""


@cache
def _master() -> AESGCM:
    return AESGCM(settings.ENV.keys.master_key)


def _bound(workspace_id: UUID, inbox_id: UUID) -> bytes:
    return b"inbox password" + workspace_id.bytes + inbox_id.bytes


def seal(workspace_id: UUID, inbox_id: UUID, password: str) -> bytes:
    """For `Inbox.secret`: 0x01 ‖ nonce ‖ AES-256-GCM."""
    nonce = os.urandom(_NONCE)
    return _VERSION + nonce + _master().encrypt(nonce, password.encode(), _bound(workspace_id, inbox_id))


def unseal(workspace_id: UUID, inbox_id: UUID, sealed: bytes) -> str:
    """The password. Raises Unreadable."""
    version, nonce, rest = sealed[:1], sealed[1 : 1 + _NONCE], sealed[1 + _NONCE :]
    try:
        if version != _VERSION:
            raise Unreadable("sealed in a way this version does not know")
        return _master().decrypt(nonce, rest, _bound(workspace_id, inbox_id)).decode()
    except (InvalidTag, ValueError) as error:
        raise Unreadable("the password does not open with this master key") from error
