"""Which cluster the transaction ids of this database were given by.

Readers go by (epoch, tx, id). A dump and restore brings old rows into a cluster whose transaction ids start
afresh, so the epoch grows when the database finds itself in another cluster than the one it last knew.
"""

from typing import LiteralString

from wasl.kit.db import Connection

# Rows of the old epoch are read without a horizon, so none may still be on its way: the lock waits for every
# writer, and lets nobody in before the new number is there to be seen.
_LOCK: LiteralString = "LOCK TABLE timeline_touchpoint IN SHARE ROW EXCLUSIVE MODE"
_RAISE: LiteralString = """
UPDATE timeline_epoch e SET number = number + 1, system_identifier = c.system_identifier
FROM pg_control_system() c WHERE e.system_identifier <> c.system_identifier OR %s
"""
_MOVED: LiteralString = """
SELECT e.system_identifier <> c.system_identifier FROM timeline_epoch e, pg_control_system() c
"""
_READ: LiteralString = "SELECT number FROM timeline_epoch"


def ensure_epoch(conn: Connection, *, restored: bool = False) -> int:
    """Raise the epoch if the cluster is another one, or if the caller knows that the database was `restored`.

    `conn` is the owner's. Returns the epoch that new touchpoints get. Called at every start, and by a
    restore to a point in time, which keeps the cluster's identifier.
    """
    with conn.transaction():
        moved = conn.execute(_MOVED).fetchone()
        if restored or (moved and moved[0]):
            conn.execute(_LOCK)
            conn.execute(_RAISE, [restored])
        row = conn.execute(_READ).fetchone()
    if row is None:
        raise LookupError("timeline_epoch has lost its row")
    return int(row[0])
