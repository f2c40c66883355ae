"""The log: every touchpoint of a workspace as a leaf of one Merkle tree, whose root is signed.

No row carries its predecessor's hash, so writers never wait for each other. One follower appends the leaves in the
readers' order; a second cursor, `log.checkpoints`, comes after it once a second and signs the trees that grew.
"""

import time
from bisect import bisect_right
from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any, LiteralString, NamedTuple
from uuid import UUID

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from django.conf import settings

from wasl.kit.clock import now
from wasl.kit.db import Connection
from wasl.timeline import merkle, note
from wasl.timeline.follow import Follower, lock_cursor, move_cursor


class Leaf(NamedTuple):
    """What the log needs of a touchpoint."""

    workspace_id: UUID
    epoch: int
    tx: str
    id: UUID
    leaf: bytes


class NotLogged(Exception):
    """No such touchpoint or size in the workspace's log (yet)."""


# Appending ---------------------------------------------------------------------------------------------------------

_SIZES: LiteralString = """
SELECT w.id, COALESCE(t.number * 256 + octet_length(t.hashes) / 32, 0)::bigint
FROM unnest(%s::uuid[]) AS w (id) LEFT JOIN LATERAL (
  SELECT number, hashes FROM timeline_logtile l WHERE l.workspace_id = w.id AND level = 0 ORDER BY number DESC LIMIT 1
) t ON true
"""
_TILES: LiteralString = """
SELECT l.workspace_id, l.level, l.number, l.hashes
FROM unnest(%s::uuid[], %s::int2[], %s::int8[]) AS t (w, level, number)
JOIN timeline_logtile l ON l.workspace_id = t.w AND l.level = t.level AND l.number = t.number
"""
_WRITE: LiteralString = """
INSERT INTO timeline_logtile (workspace_id, level, number, hashes, first_epoch, first_tx, first_id)
SELECT w, level, number, hashes, epoch, tx::xid8, id
FROM unnest(%b::uuid[], %b::int2[], %b::int8[], %b::bytea[], %b::int4[], %b::text[], %b::uuid[])
     AS t (w, level, number, hashes, epoch, tx, id)
ON CONFLICT (workspace_id, level, number) DO UPDATE SET hashes = EXCLUDED.hashes
"""


def append(conn: Connection, rows: Sequence[Leaf]) -> None:
    """Grow the trees of the workspaces in a batch: three statements, and a few tiles for each workspace."""
    batches: dict[UUID, list[Leaf]] = defaultdict(list)
    for row in rows:
        batches[row.workspace_id].append(row)
    sizes = _sizes(conn, batches)
    partial = _edges(conn, sizes)
    written: list[tuple[Any, ...]] = []
    for workspace_id, leaves in batches.items():
        size = sizes[workspace_id]
        grown = merkle.grow(size, partial[workspace_id], [row.leaf for row in leaves])
        for (level, number), hashes in grown.items():
            # The place in the readers' order of a new level-0 tile's first leaf; an old tile keeps its own.
            first = leaves[max(0, number * merkle.WIDTH - size)] if level == 0 else _UPPER
            written.append((workspace_id, level, number, hashes, first.epoch, first.tx, first.id))
    conn.execute(_WRITE, [list(column) for column in zip(*written, strict=True)])


class _Nowhere(NamedTuple):
    epoch: int | None = None
    tx: str | None = None
    id: UUID | None = None


_UPPER = _Nowhere()


def _sizes(conn: Connection, workspaces: Iterable[UUID]) -> dict[UUID, int]:
    return {row[0]: row[1] for row in conn.execute(_SIZES, [list(workspaces)])}


def _edges(conn: Connection, sizes: dict[UUID, int]) -> dict[UUID, merkle.Tiles]:
    """The partly filled tiles of several trees, cut off at their sizes."""
    wanted = [(w, level, number) for w, size in sizes.items() for level, number in merkle.edge(size)]
    tiles: dict[UUID, merkle.Tiles] = {workspace_id: {} for workspace_id in sizes}
    if wanted:
        columns = [list(column) for column in zip(*wanted, strict=True)]
        for workspace_id, level, number, hashes in conn.execute(_TILES, columns, binary=True):
            filled = (sizes[workspace_id] >> (8 * level)) % merkle.WIDTH
            tiles[workspace_id][level, number] = hashes[: filled * merkle.SIZE]
    return tiles


# Signing -----------------------------------------------------------------------------------------------------------

CHECKPOINTS = "log.checkpoints"
EVERY = 1.0
"""Seconds between two checkpoints of a workspace, at least."""

_DUE: LiteralString = """
SELECT l.epoch, l.tx::text, l.last_id FROM timeline_follower l
LEFT JOIN timeline_follower c ON c.name = %s
WHERE l.name = %s AND (c.name IS NULL OR (l.epoch, l.tx, l.last_id) > (c.epoch, c.tx, c.last_id)
                                         AND c.updated_at < clock_timestamp() - make_interval(secs => %s))
"""
_GROWN: LiteralString = """
SELECT DISTINCT workspace_id FROM timeline_touchpoint
WHERE (epoch, tx, id) > (%s, %s::xid8, %s) AND (epoch, tx, id) <= (%s, %s::xid8, %s)
"""
_SIGNED: LiteralString = """
INSERT INTO timeline_checkpoint (workspace_id, size, root, signed_at, key_id, signature)
SELECT * FROM unnest(%b::uuid[], %b::int8[], %b::bytea[], %b::timestamptz[], %b::text[], %b::bytea[])
ON CONFLICT (workspace_id, size) DO NOTHING
"""


@cache
def signing_key() -> Ed25519PrivateKey:
    """The key of this installation's logs."""
    return Ed25519PrivateKey.from_private_bytes(settings.ENV.log_seed)


_looked = -EVERY


def sign_sometimes(conn: Connection) -> None:
    """`sign_due`, once in EVERY seconds of this process; the database is not asked more often."""
    global _looked
    if time.monotonic() - _looked >= EVERY:
        _looked = time.monotonic()
        sign_due(conn)


def sign_due(conn: Connection) -> int:
    """Sign a checkpoint for every workspace whose tree grew since the last time, if that was a second ago.

    `conn` is a queue role's, outside a transaction. Returns how many were signed.
    """
    with conn.transaction():
        due = conn.execute(_DUE, [CHECKPOINTS, LOG.cursor, EVERY]).fetchone()
    if not due:
        return 0
    with conn.transaction():
        since = lock_cursor(conn, CHECKPOINTS)
        if since is None:
            return 0
        grown = [row[0] for row in conn.execute(_GROWN, [*since, *due])]
        if grown:
            _sign(conn, grown)
        move_cursor(conn, CHECKPOINTS, (due[0], due[1], due[2]))
    return len(grown)


def _sign(conn: Connection, workspaces: list[UUID]) -> None:
    sizes = _sizes(conn, workspaces)
    edges = _edges(conn, sizes)
    key, at = signing_key(), now()
    public = key.public_key().public_bytes_raw()
    rows = []
    for workspace_id, size in sizes.items():
        tiles, name = edges[workspace_id], note.origin(workspace_id)
        checkpoint = note.Checkpoint(name, size, merkle.root(size, _reader_of(tiles)), at)
        key_id = note.key_hash(name, public).hex()
        rows.append((workspace_id, size, checkpoint.root, at, key_id, note.sign(key, checkpoint)))
    conn.execute(_SIGNED, [list(column) for column in zip(*rows, strict=True)])


def _reader_of(tiles: merkle.Tiles) -> merkle.Read:
    return lambda level, number: tiles[level, number]


LOG = Follower(name="log", handle=append, row=Leaf, batch=2000, parks=False, then=sign_sometimes)
"""Stops rather than leave a touchpoint out."""

# Reading -----------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Inclusion:
    """That a touchpoint is in the log: `checkpoint.includes(leaf, index, path)` for the checkpoint of `size`."""

    touchpoint_id: UUID
    leaf: bytes
    index: int
    size: int
    path: tuple[bytes, ...]


_CHECKPOINT: LiteralString = """
SELECT size, root, signed_at, key_id, signature FROM timeline_checkpoint
WHERE workspace_id = %s AND (%s::bigint IS NULL OR size = %s) ORDER BY size DESC LIMIT 1
"""
_PLACE: LiteralString = """
SELECT epoch, tx::text, id, leaf FROM timeline_touchpoint WHERE workspace_id = %s AND id = %s
"""
_TILE: LiteralString = """
SELECT hashes FROM timeline_logtile WHERE workspace_id = %s AND level = %s AND number = %s
"""
_FIRST: LiteralString = """
SELECT first_epoch, first_tx::text, first_id FROM timeline_logtile
WHERE workspace_id = %s AND level = 0 AND number = %s
"""


def verifier_key(workspace_id: UUID) -> str:
    """The public key with which the workspace's checkpoints are verified, as text to hand out."""
    return note.verifier_key(note.origin(workspace_id), signing_key())


def checkpoint(conn: Connection, workspace_id: UUID, size: int | None = None) -> str:
    """The newest checkpoint as a signed note, or that of exactly `size` leaves. Raises NotLogged.

    For this and the following, `conn` is inside a transaction of the workspace.
    """
    row = conn.execute(_CHECKPOINT, [workspace_id, size, size]).fetchone()
    if row is None:
        raise NotLogged("there is no such checkpoint")
    stated = note.Checkpoint(note.origin(workspace_id), row[0], row[1], row[2])
    return note.write(stated, bytes.fromhex(row[3]), row[4])


def inclusion(
    conn: Connection, workspace_id: UUID, touchpoint_id: UUID, size: int | None = None
) -> Inclusion:
    """The proof that a touchpoint is in the log of the newest checkpoint, or in that of `size`. Raises NotLogged."""
    signed = conn.execute(_CHECKPOINT, [workspace_id, size, size]).fetchone()
    place = conn.execute(_PLACE, [workspace_id, touchpoint_id]).fetchone()
    if signed is None or place is None:
        raise NotLogged("there is no such touchpoint or checkpoint")
    total, leaf = signed[0], place[3]
    number = _tile_of(conn, workspace_id, -(-total // merkle.WIDTH), place[:3])
    read = _reader(conn, workspace_id)
    try:
        index = number * merkle.WIDTH + merkle.split(read(0, number)).index(leaf)
        path = merkle.inclusion(index, total, read)
    except ValueError as error:
        raise NotLogged(f"touchpoint {touchpoint_id} is not in the log of {total} leaves") from error
    return Inclusion(touchpoint_id, leaf, index, total, tuple(path))


def consistency(conn: Connection, workspace_id: UUID, old: int, new: int) -> list[bytes]:
    """The proof that the log of `new` leaves begins with the log of `old` leaves, both signed. Raises NotLogged."""
    for size in {old, new} - {0}:
        checkpoint(conn, workspace_id, size)
    return merkle.consistency(old, new, _reader(conn, workspace_id))


def _tile_of(conn: Connection, workspace_id: UUID, tiles: int, place: tuple[int, str, UUID]) -> int:
    """The number of the level-0 tile that holds a place in the readers' order: tiles come in that order."""

    def first(number: int) -> tuple[int, int, UUID]:
        row = conn.execute(_FIRST, [workspace_id, number]).fetchone()
        if row is None:
            raise NotLogged(f"tile {number} is missing")
        return row[0], int(row[1]), row[2]

    return max(0, bisect_right(range(tiles), (place[0], int(place[1]), place[2]), key=first) - 1)


def _reader(conn: Connection, workspace_id: UUID) -> merkle.Read:
    def read(level: int, number: int) -> bytes:
        row = conn.execute(_TILE, [workspace_id, level, number]).fetchone()
        if row is None:
            raise NotLogged(f"tile {level}/{number} is missing")
        return bytes(row[0])

    return read
