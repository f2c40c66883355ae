"""Projections: tables that can be made anew from the base tables and the timeline, and are checked by doing so."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, NamedTuple
from uuid import UUID

from psycopg import sql

from wasl.kit.db import Connection, as_tenant
from wasl.timeline.follow import hold_cursor


@dataclass(frozen=True, slots=True)
class Projection:
    """What a room derives.

    `rebuild(conn, workspace_id)` makes the workspace's rows in `tables` anew, inside its transaction (application's
    role). `followers` are the cursors of those who keep the tables up to date; they are held meanwhile, so that it
    can derive exactly what they have derived so far. Of an erased customer it finds touchpoints without details,
    and goes by their facts.
    """

    name: str
    tables: tuple[str, ...]
    rebuild: Callable[[Connection, UUID], None]
    followers: tuple[str, ...] = ()


class Difference(NamedTuple):
    """How many rows of a table were not what they should have been: gone or changed, and new or changed."""

    table: str
    before: int
    after: int


def rebuild(conn: Connection, projection: Projection, workspace_id: UUID) -> list[Difference]:
    """Rebuild one projection of one workspace, in one transaction; what came out differently than it was.

    `conn` is a queue role's, outside a transaction. All followers wait for a transaction that writes: of a large
    workspace this takes seconds, and they catch up afterwards.
    """
    with conn.transaction():
        for cursor in sorted(projection.followers):
            hold_cursor(conn, cursor)
        with as_tenant(conn, workspace_id):
            for table in projection.tables:
                _run(conn, _KEEP, table, workspace_id)
            projection.rebuild(conn, workspace_id)
            found = [
                Difference(table, *row)
                for table in projection.tables
                for row in _run(conn, _COMPARE, table, workspace_id)
            ]
    return [one for one in found if one.before or one.after]


_KEEP = sql.SQL(
    "CREATE TEMP TABLE {copy} ON COMMIT DROP AS SELECT * FROM {table} WHERE workspace_id = {workspace}"
)
_COMPARE = sql.SQL("""
WITH now AS (SELECT * FROM {table} WHERE workspace_id = {workspace})
SELECT (SELECT count(*) FROM (TABLE {copy} EXCEPT TABLE now) gone),
       (SELECT count(*) FROM (TABLE now EXCEPT TABLE {copy}) new)
""")


def _run(conn: Connection, statement: sql.SQL, table: str, workspace_id: UUID) -> list[tuple[Any, ...]]:
    names = {"copy": sql.Identifier(f"was_{table}"), "table": sql.Identifier(table)}
    # Not prepared: the temporary table is another one each time.
    cursor = conn.execute(statement.format(**names, workspace=sql.Literal(workspace_id)), prepare=False)
    return cursor.fetchall() if cursor.description else []
