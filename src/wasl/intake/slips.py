"""What a channel brought, one thing at a time, as it is stored: by webhook or by a connection of its own."""

import hashlib
from collections.abc import Iterable, Mapping
from types import MappingProxyType
from typing import Any
from uuid import UUID

from wasl.channels.base import Unread
from wasl.channels.port import Slip
from wasl.intake.store import Raw
from wasl.kit.ids import uuid7


def payloads(
    channel: str,
    inbox_id: UUID,
    slips: Iterable[Slip],
    neighbours: Mapping[str, UUID] = MappingProxyType({}),
) -> list[Raw]:
    """One for each thing, for the inbox it names among its `neighbours` by address; of the same thing twice, one."""
    made: dict[tuple[UUID, bytes], Raw] = {}
    for slip in slips:
        payload = _raw(channel, neighbours.get(slip.to, inbox_id), slip, {})
        made.setdefault((payload.inbox_id, payload.dedupe), payload)
    return list(made.values())


def whole(channel: str, inbox_id: UUID, body: bytes, why: str) -> Raw:
    """What makes no sense, as it came, for quarantine."""
    held = {"held": {"reason": str(Unread.BROKEN), "detail": why}}
    return _raw(channel, inbox_id, Slip(hashlib.sha256(body).hexdigest(), body), held)


def _raw(channel: str, inbox_id: UUID, slip: Slip, envelope: dict[str, Any]) -> Raw:
    digest = hashlib.sha256(slip.content).digest()
    dedupe = hashlib.sha256(slip.key.encode()).digest()
    return Raw(inbox_id, channel, slip.content, dedupe, envelope, digest, uuid7())
