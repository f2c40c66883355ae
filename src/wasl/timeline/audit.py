"""Compare what the timeline holds with what the log says it held.

Whoever can write to the database can change a touchpoint, and then the log's tiles and checkpoints as well. What
they cannot change is a checkpoint that somebody else has kept: its root fits one list of leaves only.
"""

from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any, LiteralString
from uuid import UUID

from wasl.kit.db import Connection
from wasl.timeline import log, merkle, note
from wasl.timeline.leaf import COLUMNS, Row, of_row


@dataclass(slots=True)
class Audit:
    """What was found. `lost`: places in the log whose touchpoint is gone or was changed; `strange`: touchpoints that
    are there and were never logged as they are (a changed one is in both). `forks`: sizes of checkpoints, kept
    elsewhere or here, that the log no longer agrees with.
    """

    size: int
    lost: list[int] = field(default_factory=list)
    strange: list[UUID] = field(default_factory=list)
    forks: list[int] = field(default_factory=list)

    @property
    def whole(self) -> bool:
        """Whether nothing was changed."""
        return not (self.lost or self.strange or self.forks)


_EXTENT: LiteralString = """
SELECT f.epoch, f.tx::text, f.last_id, COALESCE(t.number * 256 + octet_length(t.hashes) / 32, 0)::bigint
FROM timeline_follower f LEFT JOIN LATERAL (
  SELECT number, hashes FROM timeline_logtile WHERE workspace_id = %s AND level = 0 ORDER BY number DESC LIMIT 1
) t ON true WHERE f.name = %s
"""
_TILES: LiteralString = """
SELECT hashes, first_epoch, first_tx::text, first_id FROM timeline_logtile
WHERE workspace_id = %s AND level = 0 ORDER BY number
"""
# Qualified, for a bare `tx` would be the text that is selected, and sort 1000 before 999.
_ROWS: LiteralString = f"""
SELECT t.epoch, t.tx::text, {COLUMNS} FROM timeline_touchpoint t
WHERE t.workspace_id = %s AND (t.epoch, t.tx, t.id) <= (%s, %s::xid8, %s) ORDER BY t.epoch, t.tx, t.id
"""
Place = tuple[int, int, UUID]


def audit(conn: Connection, workspace_id: UUID, *, witness: str = "", verifier: str = "") -> Audit:
    """Recompute every leaf from its row and every root from the leaves.

    `conn` is inside a transaction of the workspace. `witness` is a checkpoint that was kept elsewhere, `verifier`
    the key to verify it with (this installation's own when empty); BadNote is raised if it is not one of this log.
    """
    wanted = _stated(conn, workspace_id, witness, verifier or log.verifier_key(workspace_id))
    extent = conn.execute(_EXTENT, [workspace_id, log.LOG.cursor]).fetchone()
    if extent is None:
        return Audit(0, forks=sorted(wanted))
    found = Audit(extent[3])
    frontier = merkle.Frontier()
    rows = _Rows(conn, workspace_id, extent[:3])
    for leaves, end in _tiles(conn, workspace_id, found.size):
        _compare(found, frontier.size, leaves, rows.before(end))
        for leaf in leaves:
            frontier.push(leaf)
            if wanted.get(frontier.size) == frontier.root():
                del wanted[frontier.size]
    found.forks = sorted(wanted)
    return found


def _stated(conn: Connection, workspace_id: UUID, witness: str, verifier: str) -> dict[int, bytes]:
    """The roots that must come out: of the newest checkpoint here, and of the one kept elsewhere."""
    wanted = {}
    with suppress(log.NotLogged):
        newest = log.checkpoint(conn, workspace_id)
        try:
            own = note.read(newest, log.verifier_key(workspace_id))
            wanted[own.size] = own.root
        except note.BadNote:
            wanted[int(newest.splitlines()[1])] = b""
    if witness:
        kept = note.read(witness, verifier)
        wanted[kept.size] = kept.root
    return wanted


def _compare(found: Audit, start: int, leaves: list[bytes], rows: Iterator[Row]) -> None:
    there = {of_row(row): row.id for row in rows}
    found.lost += [start + offset for offset, leaf in enumerate(leaves) if there.pop(leaf, None) is None]
    found.strange += there.values()


def _tiles(conn: Connection, workspace_id: UUID, size: int) -> Iterator[tuple[list[bytes], Place | None]]:
    """The leaves of each level-0 tile, and where in the readers' order the next one begins."""
    with conn.cursor(name="audit_tiles", binary=True) as cursor:
        cursor.itersize = 16
        cursor.execute(_TILES, [workspace_id])
        previous: list[bytes] | None = None
        for hashes, *first in cursor:
            if previous is not None:
                yield previous, (first[0], int(first[1]), first[2])
            previous = merkle.split(hashes)[:size]
            size -= len(previous)
        if previous is not None:
            yield previous, None


class _Rows:
    """The workspace's touchpoints in the readers' order, up to where the log has read."""

    def __init__(self, conn: Connection, workspace_id: UUID, end: Any) -> None:
        self._rows = self._read(conn, workspace_id, end)
        self._next = next(self._rows, None)

    def before(self, end: Place | None) -> Iterator[Row]:
        """Those that come before a place; all that are left when there is none."""
        while self._next is not None and (end is None or self._next[0] < end):
            yield self._next[1]
            self._next = next(self._rows, None)

    @staticmethod
    def _read(conn: Connection, workspace_id: UUID, end: Any) -> Iterator[tuple[Place, Row]]:
        with conn.cursor(name="audit_rows", binary=True) as cursor:
            cursor.itersize = 1000
            cursor.execute(_ROWS, [workspace_id, *end])
            for epoch, tx, *columns in cursor:
                row = Row(*columns)
                yield (epoch, int(tx), row.id), row
