"""Touchpoints that a follower could not digest, set aside for a person: what waits, and giving it again."""

from datetime import datetime
from typing import Any, LiteralString, NamedTuple
from uuid import UUID

from wasl.kit.db import Connection
from wasl.timeline.follow import Follower


class Parked(NamedTuple):
    """What was set aside: its number, whose touchpoint of which kind, what failed and where."""

    id: int
    follower: str
    parked_at: datetime
    workspace_id: UUID
    touchpoint_id: UUID
    kind: str
    error: str


_WAITING: LiteralString = """
SELECT p.id, p.follower, p.parked_at, p.workspace_id, p.touchpoint_id, t.kind, p.error
FROM timeline_parked p JOIN timeline_touchpoint t ON t.workspace_id = p.workspace_id AND t.id = p.touchpoint_id
WHERE p.settled_at IS NULL AND p.id > %s ORDER BY p.id LIMIT %s
"""


def waiting(conn: Connection, after: int = 0, limit: int = 100) -> list[Parked]:
    """The next that wait, oldest first, with a number above `after`. `conn` is a queue role's."""
    return [Parked(*row) for row in conn.execute(_WAITING, [after, limit])]


_TAKE_BACK: LiteralString = """
UPDATE timeline_parked p SET settled_at = now() FROM timeline_touchpoint t
WHERE p.id = %s AND p.follower = %s AND p.settled_at IS NULL
  AND t.workspace_id = p.workspace_id AND t.id = p.touchpoint_id RETURNING COLUMNS
"""


def retry(conn: Connection, follower: Follower, parked_id: int) -> bool:
    """Give a parked touchpoint to its follower again, after a fix; false when there is nothing to retry.

    Raises what the function raises; the touchpoint then stays parked.
    """
    take: Any = _TAKE_BACK.replace("COLUMNS", follower.columns)
    with conn.transaction():
        found = conn.execute(take, [parked_id, follower.cursor], binary=True).fetchone()
        if found:
            follower.handle(conn, [follower.row._make(found)])
    return found is not None
