"""Addresses that say what an incoming message is about: `help+r<token>@shop.example`.

A token is a kind and 26 bytes in base32: the UUID of a conversation or of a delivery, and 10 bytes
of HMAC-SHA256 over both. It is read without regard to case, for some mail programs lower or raise
local parts, and only in the one spelling it was written in otherwise.
"""

from __future__ import annotations

import hmac
import re
from base64 import b32decode, b32encode
from typing import Literal
from uuid import UUID

Kind = Literal["reply", "bounce"]

MAX_LOCAL = 64  # octets, RFC 5321, 4.5.3.1.1
_MAC = 10
_LETTER: dict[Kind, str] = {"reply": "r", "bounce": "b"}
_KIND: dict[str, Kind] = {letter: kind for kind, letter in _LETTER.items()}
_TOKEN = re.compile(r"\+([rb])([a-z2-7]{42})\Z", re.IGNORECASE | re.ASCII)


def reply_address(base_address: str, conversation_id: UUID, key: bytes) -> str:
    """Where an answer in this conversation is to be sent. ValueError when the local part gets too long."""
    return _address("reply", base_address, conversation_id, key)


def bounce_address(base_address: str, delivery_id: UUID, key: bytes) -> str:
    """The envelope sender of one delivery, to which its bounces come. ValueError as above."""
    return _address("bounce", base_address, delivery_id, key)


def read_token(address: str, key: bytes) -> tuple[Kind, UUID] | None:
    """What the address says, None when it says nothing or was forged or damaged."""
    found = _TOKEN.search(address.strip().strip("<>").rpartition("@")[0])
    if found is None:
        return None
    kind, text = _KIND[found[1].lower()], found[2].upper()
    data = b32decode(text + "======")
    identifier = data[:16]
    # 42 letters hold two bits more than 26 bytes: other spellings of them would pass.
    if not hmac.compare_digest(_mac(kind, identifier, key), data[16:]) or _base32(data) != text.lower():
        return None
    return kind, UUID(bytes=identifier)


def base_address(address: str) -> str:
    """The address without what follows a plus sign: `help+r…@shop.example` → `help@shop.example`."""
    local, at, domain = address.rpartition("@")
    plain = local.partition("+")[0]
    return f"{plain or local}{at}{domain}"


def _address(kind: Kind, base: str, identifier: UUID, key: bytes) -> str:
    local, at, domain = base_address(base).rpartition("@")
    if not at or not local or not domain:
        raise ValueError(f"not a mail address: {base!r}")
    token = _base32(identifier.bytes + _mac(kind, identifier.bytes, key))
    local = f"{local}+{_LETTER[kind]}{token}"
    if len(local.encode()) > MAX_LOCAL:
        room = MAX_LOCAL - len(token) - 2
        raise ValueError(f"the part before the @ may have {room} letters at most: {base!r}")
    return f"{local}@{domain}"


def _base32(data: bytes) -> str:
    return b32encode(data).decode("ascii").rstrip("=").lower()


def _mac(kind: Kind, identifier: bytes, key: bytes) -> bytes:
    return hmac.digest(key, f"wasl {kind} address\n".encode() + identifier, "sha256")[:_MAC]
