"""The ring of backup keys: one key for each customer, of which single ones can be taken out for ever.

A backup seals what it holds of a customer under that customer's key of the ring, and does not hold the ring. Taking
a customer's key out of the ring therefore erases them from every backup that was ever made, while all others still
open. The ring of a workspace is a binary tree of hashes (a puncturable function, after Goldreich, Goldwasser and
Micali): a node's children are SHA-256(node ‖ 0x00) and SHA-256(node ‖ 0x01), a customer's key is the leaf that a hash
of their id chooses. At first the ring is the root, 32 bytes for any number of customers, present and future. To take
out a leaf, the node above it is replaced by the up to 48 siblings along the way, from which everything but that leaf
can be made. Docs: decisions/0011-backups-and-erasure.md.
"""

import os
from collections.abc import Iterable, Iterator, Mapping
from hashlib import sha256
from typing import LiteralString, NamedTuple
from uuid import UUID

from wasl.kit.db import Connection
from wasl.timeline import keys

DEPTH = 48
"""Levels: with a million customers, two share a leaf with a chance of 1 in 560."""

_KEPT = 20_000


class Node(NamedTuple):
    """A node: how many bits of a leaf's number it stands for, those bits, and its key (32 bytes)."""

    depth: int
    prefix: int
    key: bytes


def leaf_of(customer_id: UUID) -> int:
    """The number of a customer's leaf."""
    return int.from_bytes(sha256(b"wasl ring leaf" + customer_id.bytes).digest()[: DEPTH // 8], "big")


def _child(key: bytes, bit: int) -> bytes:
    return sha256(key + (b"\x01" if bit else b"\x00")).digest()


class Ring:
    """The keys of one workspace, as far as they were not taken out."""

    def __init__(self, nodes: Iterable[Node]) -> None:
        self._nodes = {(node.depth, node.prefix): node.key for node in nodes}
        self._made: dict[UUID, bytes | None] = {}

    def __iter__(self) -> Iterator[Node]:
        return (Node(*place, key) for place, key in self._nodes.items())

    def key(self, customer_id: UUID) -> bytes | None:
        """The customer's key; None when it was taken out."""
        if customer_id not in self._made:
            if len(self._made) >= _KEPT:
                self._made.clear()
            self._made[customer_id] = self._make(leaf_of(customer_id))
        return self._made[customer_id]

    def _make(self, leaf: int) -> bytes | None:
        for depth in range(DEPTH + 1):
            key = self._nodes.get((depth, leaf >> (DEPTH - depth)))
            if key is not None:
                for level in range(DEPTH - depth - 1, -1, -1):
                    key = _child(key, leaf >> level & 1)
                return key
        return None


def without(node: Node, leaf: int) -> list[Node]:
    """What takes the place of a node when one leaf below it is taken out."""
    siblings, key = [], node.key
    for depth in range(node.depth + 1, DEPTH + 1):
        bits = leaf >> (DEPTH - depth)
        siblings.append(Node(depth, bits ^ 1, _child(key, bits & 1 ^ 1)))
        key = _child(key, bits & 1)
    return siblings


# In the database, each node is wrapped by the master key, as customers' keys are.

_BEGIN: LiteralString = """
INSERT INTO timeline_ringnode (workspace_id, depth, prefix, wrapped) VALUES (%s, 0, 0, %s)
"""
_WITHOUT_RING: LiteralString = """
SELECT id FROM accounts_workspace w
WHERE NOT EXISTS (SELECT FROM timeline_ringnode r WHERE r.workspace_id = w.id)
"""
_ALL: LiteralString = "SELECT workspace_id, depth, prefix, wrapped FROM timeline_ringnode"
_ABOVE: LiteralString = """
SELECT depth, prefix, wrapped FROM timeline_ringnode
WHERE workspace_id = %s AND (depth, prefix) IN (SELECT * FROM unnest(%s::int2[], %s::int8[])) FOR UPDATE
"""
_DELETE: LiteralString = (
    "DELETE FROM timeline_ringnode WHERE workspace_id = %s AND depth = %s AND prefix = %s"
)
_INSERT: LiteralString = """
INSERT INTO timeline_ringnode (workspace_id, depth, prefix, wrapped)
SELECT %s, * FROM unnest(%s::int2[], %s::int8[], %s::bytea[])
"""


def _bound(depth: int, prefix: int) -> UUID:
    return UUID(
        bytes=sha256(b"wasl ring node" + depth.to_bytes(1, "big") + prefix.to_bytes(8, "big")).digest()[:16]
    )


def ensure(conn: Connection) -> None:
    """Give every workspace a ring that has none. `conn` is the owner's, outside a transaction."""
    with conn.transaction():
        conn.execute("LOCK TABLE timeline_ringnode IN SHARE ROW EXCLUSIVE MODE")
        for (workspace_id,) in conn.execute(_WITHOUT_RING).fetchall():
            root = keys.wrap(workspace_id, _bound(0, 0), os.urandom(32))
            conn.execute(_BEGIN, [workspace_id, root])


def rings(conn: Connection) -> dict[UUID, Ring]:
    """Every workspace's ring. `conn` is the owner's. Raises keys.Unreadable with another master key."""
    nodes: dict[UUID, list[Node]] = {}
    for workspace_id, depth, prefix, wrapped in conn.execute(_ALL):
        key = keys.opened(workspace_id, _bound(depth, prefix), wrapped)
        nodes.setdefault(workspace_id, []).append(Node(depth, prefix, key))
    return {workspace_id: Ring(found) for workspace_id, found in nodes.items()}


def store(conn: Connection, held: Mapping[UUID, Iterable[Node]]) -> None:
    """Put rings that came with a backup in place. `conn` is the owner's; the table is empty."""
    for workspace_id, nodes in held.items():
        _insert(conn, workspace_id, list(nodes))


def _insert(conn: Connection, workspace_id: UUID, nodes: list[Node]) -> None:
    wrapped = [keys.wrap(workspace_id, _bound(node.depth, node.prefix), node.key) for node in nodes]
    conn.execute(_INSERT, [workspace_id, [n.depth for n in nodes], [n.prefix for n in nodes], wrapped])


def take_out(conn: Connection, workspace_id: UUID, customer_id: UUID) -> bool:
    """Take a customer's key out of the ring: from the commit on no backup made before opens for them.

    `conn` is inside a transaction of the workspace. False when it was not in it (no backup was ever made, or it was
    taken out before).
    """
    leaf = leaf_of(customer_id)
    depths = list(range(DEPTH + 1))
    above = [workspace_id, depths, [leaf >> (DEPTH - depth) for depth in depths]]
    # One who waited for another erasure finds the node gone, and its place taken by nodes further down.
    for _ in range(DEPTH):
        found = conn.execute(_ABOVE, above).fetchone()
        if found is not None:
            depth, prefix, wrapped = found
            node = Node(depth, prefix, keys.opened(workspace_id, _bound(depth, prefix), wrapped))
            conn.execute(_DELETE, [workspace_id, depth, prefix])
            _insert(conn, workspace_id, without(node, leaf))
            return True
        if not conn.execute(_ABOVE.removesuffix("FOR UPDATE\n"), above).fetchone():
            return False
    return False
