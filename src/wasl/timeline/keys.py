"""The keys under which customers' details are sealed: one for each customer, wrapped by the master key.

Destroying a customer's key erases every detail ever sealed with it, while every hash still holds. Reading
unwraps from the row each time, so that a destroyed key opens nothing anywhere. Writing keeps unwrapped keys
in the process for five minutes at most: whatever it still seals with a key that is gone, nobody can open.
"""

import os
import threading
import time
from collections.abc import Iterable, Mapping
from functools import cache
from typing import LiteralString
from uuid import UUID

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from django.conf import settings

from wasl.kit.db import Connection

NONCE = 12
_KEPT_SECONDS = 300
_KEPT_KEYS = 20_000
_VERSION = b"\x01"


class Unreadable(Exception):
    """A key or a detail does not open: another master key, or bytes that somebody changed."""


@cache
def _master() -> AESGCM:
    return AESGCM(settings.ENV.keys.master_key)


def wrap(workspace_id: UUID, customer_id: UUID, key: bytes) -> bytes:
    """A customer's key under the master key: 0x01 ‖ nonce ‖ AES-256-GCM, bound to that customer."""
    nonce = os.urandom(NONCE)
    return _VERSION + nonce + _master().encrypt(nonce, key, workspace_id.bytes + customer_id.bytes)


def unwrap(workspace_id: UUID, customer_id: UUID, wrapped: bytes) -> AESGCM:
    """The key in `wrapped`, ready for use. Raises Unreadable."""
    return AESGCM(opened(workspace_id, customer_id, wrapped))


def opened(workspace_id: UUID, customer_id: UUID, wrapped: bytes) -> bytes:
    """The 32 bytes in `wrapped`. Raises Unreadable."""
    if wrapped[:1] != _VERSION:
        raise Unreadable(f"the key of customer {customer_id} is wrapped in a way this version does not know")
    nonce, rest = wrapped[1 : 1 + NONCE], wrapped[1 + NONCE :]
    try:
        return _master().decrypt(nonce, rest, workspace_id.bytes + customer_id.bytes)
    except (InvalidTag, ValueError) as error:
        raise Unreadable(f"the key of customer {customer_id} does not open with this master key") from error


class _Kept:
    """Unwrapped keys of this process, forgotten all at once when they are too many or too old.

    As bytes: ready for use a key takes 2.5 kB, 50 MB in all, and making it ready 2 µs.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._keys: dict[bytes, bytes] = {}
        self._born = 0.0

    def get(self, workspace_id: UUID, customer_ids: Iterable[UUID]) -> dict[UUID, AESGCM]:
        with self._lock:
            if len(self._keys) > _KEPT_KEYS or time.monotonic() - self._born > _KEPT_SECONDS:
                self._keys.clear()
                self._born = time.monotonic()
            known = self._keys
            place = workspace_id.bytes
            return {c: AESGCM(found) for c in customer_ids if (found := known.get(place + c.bytes))}

    def put(self, workspace_id: UUID, keys: Mapping[UUID, bytes]) -> None:
        with self._lock:
            self._keys.update({workspace_id.bytes + customer.bytes: key for customer, key in keys.items()})

    def drop(self, workspace_id: UUID, customer_id: UUID) -> None:
        with self._lock:
            self._keys.pop(workspace_id.bytes + customer_id.bytes, None)

    def clear(self) -> None:
        with self._lock:
            self._keys.clear()


kept = _Kept()

# A key made by this very transaction may yet be rolled back; kept in the process it would then seal details
# that nobody could ever open. `created_at` is the start of the transaction that made it, so it tells.
_READ: LiteralString = """
SELECT customer_id, wrapped, created_at <> now() FROM timeline_subjectkey
WHERE workspace_id = %b AND customer_id = ANY(%b::uuid[])
"""
_MAKE: LiteralString = """
INSERT INTO timeline_subjectkey (workspace_id, customer_id, wrapped, created_at)
SELECT %b, t.customer_id, t.wrapped, now() FROM unnest(%b::uuid[], %b::bytea[]) AS t(customer_id, wrapped)
ON CONFLICT (workspace_id, customer_id) DO NOTHING RETURNING customer_id
"""


def for_writing(conn: Connection, workspace_id: UUID, customer_ids: set[UUID]) -> dict[UUID, AESGCM]:
    """The keys of these customers, made where there is none; those of erased customers are left out.

    `conn` is inside a transaction of the workspace. Raises Unreadable.
    """
    keys = kept.get(workspace_id, customer_ids)
    if len(keys) == len(customer_ids):
        return keys
    unknown = customer_ids - keys.keys()
    missing = sorted(unknown - _read(conn, workspace_id, unknown, keys))
    if missing:
        # Sorted, so that two transactions that make the same keys never wait for each other in a circle.
        fresh = {customer: AESGCM.generate_key(256) for customer in missing}
        wrapped = [wrap(workspace_id, customer, key) for customer, key in fresh.items()]
        made = {row[0] for row in conn.execute(_MAKE, [workspace_id, missing, wrapped])}
        keys.update((customer, AESGCM(fresh[customer])) for customer in made)
        if len(made) < len(missing):
            _read(conn, workspace_id, set(missing) - made, keys)
    return keys


def _read(conn: Connection, workspace_id: UUID, wanted: set[UUID], into: dict[UUID, AESGCM]) -> set[UUID]:
    """Unwrap what is stored into `into`; returns the customers that have a row, erased ones included."""
    seen, safe = set(), {}
    for customer, wrapped, committed in conn.execute(_READ, [workspace_id, list(wanted)]):
        seen.add(customer)
        if wrapped is not None:
            key = opened(workspace_id, customer, wrapped)
            into[customer] = AESGCM(key)
            if committed:
                safe[customer] = key
    kept.put(workspace_id, safe)
    return seen


def destroy(conn: Connection, workspace_id: UUID, customer_id: UUID) -> None:
    """Erase: from the commit on, nothing that was sealed for this customer can be opened any more.

    Leaves the row behind, so that no new key is ever made for the customer.
    """
    conn.execute(
        "INSERT INTO timeline_subjectkey (workspace_id, customer_id, wrapped, created_at, destroyed_at) "
        "VALUES (%s, %s, NULL, now(), now()) ON CONFLICT (workspace_id, customer_id) "
        "DO UPDATE SET wrapped = NULL, destroyed_at = COALESCE(timeline_subjectkey.destroyed_at, now())",
        [workspace_id, customer_id],
    )
    kept.drop(workspace_id, customer_id)


def seal(key: AESGCM, nonce: bytes, touchpoint_id: UUID, plain: bytes) -> bytes:
    """nonce ‖ AES-256-GCM(plain), bound to its touchpoint."""
    return nonce + key.encrypt(nonce, plain, touchpoint_id.bytes)


def unseal(key: AESGCM, touchpoint_id: UUID, sealed: bytes) -> bytes:
    """The plaintext. Raises Unreadable if it was sealed with another key or touchpoint, or changed."""
    try:
        return key.decrypt(sealed[:NONCE], sealed[NONCE:], touchpoint_id.bytes)
    except (InvalidTag, ValueError) as error:
        raise Unreadable(f"the detail of touchpoint {touchpoint_id} does not open") from error
