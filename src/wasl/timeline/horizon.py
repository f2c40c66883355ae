"""Who holds the followers' horizon: a transaction that has written something and is still open."""

from dataclasses import dataclass
from typing import LiteralString

from wasl.kit.db import Connection


@dataclass(frozen=True, slots=True)
class Blocker:
    """An open transaction that has an id. `pid` is None for a prepared one; `gid` then names it."""

    pid: int | None
    application: str
    database: str
    state: str
    seconds: float
    gid: str = ""


@dataclass(frozen=True, slots=True)
class Horizon:
    """`seconds`: since when the oldest committed touchpoint has been waiting to become readable; 0 when none is.
    `blockers`: oldest first."""

    seconds: float
    blockers: tuple[Blocker, ...]


# Of other databases too: transaction ids belong to the cluster.
_OPEN: LiteralString = """
SELECT pid, COALESCE(NULLIF(application_name, ''), backend_type), COALESCE(datname, ''), COALESCE(state, ''),
       COALESCE(extract(epoch FROM clock_timestamp() - xact_start), 0)::float, ''
FROM pg_stat_activity WHERE backend_xid IS NOT NULL AND pid <> pg_backend_pid()
UNION ALL
SELECT NULL, owner::text, database::text, 'prepared', extract(epoch FROM clock_timestamp() - prepared)::float, gid
FROM pg_prepared_xacts
ORDER BY 5 DESC
"""
_WAITING: LiteralString = """
SELECT COALESCE(extract(epoch FROM clock_timestamp() - min(recorded_at)), 0)::float FROM (
  SELECT recorded_at FROM timeline_touchpoint
  WHERE (epoch, tx) >= ((SELECT number FROM timeline_epoch), pg_snapshot_xmin(pg_current_snapshot()))
  ORDER BY epoch, tx, id LIMIT 1
) first
"""


def horizon(conn: Connection) -> Horizon:
    """How old the horizon is and who holds it.

    `conn` is the owner's: other roles are not shown what sessions of other roles do (they lack pg_monitor).
    """
    blockers = tuple(Blocker(*row) for row in conn.execute(_OPEN))
    row = conn.execute(_WAITING).fetchone()
    return Horizon(row[0] if row else 0.0, blockers)
