"""Followers: whatever reacts to the timeline reads it here, each touchpoint exactly once and in one order.

The order is (epoch, tx, id). Transaction ids are given when a transaction begins to write, not when it commits, so
rows of a transaction that is still open may yet appear *behind* a reader. A reader therefore stops at the horizon:
the oldest transaction that is still running (`pg_snapshot_xmin`), below which everything has ended. Rows of earlier
epochs, from before a dump and restore, have all ended.

A follower's cursor moves in the transaction that holds its effects: both happen, or neither.
"""

import logging
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from functools import cached_property
from operator import itemgetter
from typing import Any, LiteralString, NamedTuple
from uuid import UUID

import psycopg

from wasl.kit.db import Connection

log = logging.getLogger(__name__)


class Seen(NamedTuple):
    """What a follower sees of a touchpoint. The detail stays sealed; who needs it reads it with `queries`."""

    workspace_id: UUID
    id: UUID
    customer_id: UUID
    occurred_at: datetime
    recorded_at: datetime
    kind: str
    channel: str
    conversation_id: UUID | None
    about_id: UUID | None
    facts: dict[str, Any]


Position = tuple[int, str, UUID]
"""A place in the readers' order: epoch, tx, id."""

Handle = Callable[[Connection, list[Any]], None]
"""Takes the connection, as queue role inside the transaction, and a batch in the readers' order. For the work of a
workspace it steps down with `as_tenant`. It may be called again with parts of a batch that it failed on."""


@dataclass(frozen=True, kw_only=True)
class Follower:
    """A name, a function that takes a batch, and a cursor under that name.

    `row` is a NamedTuple of the touchpoint's columns that the function wants. With `parks` a touchpoint it fails on
    is set aside for a person; without, it stops there until it succeeds. `then` is called after each look, for what
    is due by the clock. `only` is a condition on the touchpoint `t`: what does not meet it is passed and never handed
    over (a Company hands over everything). Of a follower that is `split`, each part reads the customers whose hash
    falls to it.
    """

    name: str
    handle: Handle
    row: Any = Seen
    batch: int = 500
    parks: bool = True
    then: Callable[[Connection], object] | None = None
    only: LiteralString = "true"
    part: int = 0
    parts: int = 1

    @cached_property
    def cursor(self) -> str:
        """The key of its row in timeline_follower."""
        return self.name if self.parts == 1 else f"{self.name}/{self.part}of{self.parts}"

    @cached_property
    def query(self) -> Any:
        """Its next rows: transaction, position (three), workspace, customer, then the columns of `row`; last of all
        whether it is to be handed over, and how many are passed. What is not handed over is left out, but the last."""
        # The number is written out: as a parameter it would have the statement planned anew each time.
        take = _TAKE.replace("COLUMNS", self.columns).replace("BATCH", str(self.batch))
        return take.replace("ONLY", self.only)

    @cached_property
    def columns(self) -> str:
        """The columns of `row`; transaction ids as text, which psycopg knows no type for."""
        return ", ".join("t.tx::text" if name == "tx" else f"t.{name}" for name in self.row._fields)

    def split(self, parts: int) -> "list[Follower]":
        """Followers that share the work, for as many workers. The number is chosen once, before the first run."""
        return [replace(self, part=part, parts=parts) for part in range(parts)]


HORIZON: LiteralString = "((SELECT number FROM timeline_epoch), pg_snapshot_xmin(pg_current_snapshot()))"
# One statement holds the cursor, unless another process does, and reads on from it. An idle follower finds nothing
# and so locks nothing: a row lock is a write. LATERAL keeps the walk along the index; a join would sort all there is.
_TAKE: LiteralString = f"""
WITH pending AS (
  SELECT name FROM timeline_follower f WHERE name = %s AND EXISTS (
    SELECT FROM timeline_touchpoint t
    WHERE (t.epoch, t.tx, t.id) > (f.epoch, f.tx, f.last_id) AND (t.epoch, t.tx) < {HORIZON})
), f AS MATERIALIZED (
  SELECT epoch, tx, last_id FROM timeline_follower WHERE name = (TABLE pending) FOR UPDATE SKIP LOCKED
)
SELECT n.* FROM (
  SELECT n.*, count(*) OVER () AS passed,
    row_number() OVER (ORDER BY n.at_epoch, n.at, n.at_id) = count(*) OVER () AS is_last
  FROM f CROSS JOIN LATERAL (
    SELECT t.tx, t.epoch, t.tx::text, t.id, t.workspace_id, t.customer_id, COLUMNS, (ONLY) IS TRUE AS wanted
    FROM timeline_touchpoint t
    WHERE (t.epoch, t.tx, t.id) > (f.epoch, f.tx, f.last_id) AND (t.epoch, t.tx) < {HORIZON}
    ORDER BY t.epoch, t.tx, t.id LIMIT BATCH
  ) n (at, at_epoch, at_tx, at_id)
) n WHERE n.wanted OR n.is_last ORDER BY n.at_epoch, n.at, n.at_id
"""
_KNOWN: LiteralString = "SELECT 1 FROM timeline_follower WHERE name = %s"
_LOCK: LiteralString = """
SELECT epoch, tx::text, last_id FROM timeline_follower WHERE name = %s FOR UPDATE SKIP LOCKED
"""
_WAIT: LiteralString = "SELECT epoch, tx::text, last_id FROM timeline_follower WHERE name = %s FOR UPDATE"
_BEGIN: LiteralString = """
INSERT INTO timeline_follower (name, epoch, tx, last_id, updated_at)
VALUES (%s, 0, '0', '00000000-0000-0000-0000-000000000000', now())
ON CONFLICT (name) DO NOTHING RETURNING epoch, tx::text, last_id
"""
_RELATED: LiteralString = """
SELECT name FROM timeline_follower
WHERE split_part(name, '/', 1) = %s AND split_part(name, 'of', 2) <> %s LIMIT 1
"""
_MOVE: LiteralString = """
UPDATE timeline_follower SET epoch = %s, tx = %s::xid8, last_id = %s, updated_at = now() WHERE name = %s
"""


def run_once(conn: Connection, follower: Follower) -> int:
    """Let a follower read one batch; returns how many touchpoints it passed, 0 when there is nothing (or somebody
    else is at it).

    `conn` is a queue role's, outside a transaction. Raises what the function raised if that has to be tried again.
    """
    try:
        passed = _pass(conn, follower, _hand_over)
    except Exception as error:
        if not follower.parks or _passing(error):
            raise
        passed = _pass(conn, follower, _digest)
    if follower.then:
        follower.then(conn)
    return passed


# The same for several that stand at one place: held together, read once.
_TAKE_TOGETHER: LiteralString = f"""
WITH pending AS (
  SELECT f.epoch, f.tx, f.last_id FROM timeline_follower f WHERE name = %(first)s AND EXISTS (
    SELECT FROM timeline_touchpoint t
    WHERE (t.epoch, t.tx, t.id) > (f.epoch, f.tx, f.last_id) AND (t.epoch, t.tx) < {HORIZON})
), f AS MATERIALIZED (
  SELECT f.name, f.epoch, f.tx, f.last_id FROM timeline_follower f JOIN pending p USING (epoch, tx, last_id)
  WHERE f.name = ANY(%(names)s::text[]) ORDER BY f.name FOR UPDATE OF f SKIP LOCKED
)
SELECT n.*, g.names FROM (SELECT array_agg(name) AS names FROM f) g
CROSS JOIN (SELECT epoch, tx, last_id FROM f LIMIT 1) f CROSS JOIN LATERAL (
  SELECT t.tx, t.epoch, t.tx::text, t.id, t.workspace_id, t.customer_id, COLUMNS
  FROM timeline_touchpoint t
  WHERE (t.epoch, t.tx, t.id) > (f.epoch, f.tx, f.last_id) AND (t.epoch, t.tx) < {HORIZON}
  ORDER BY t.epoch, t.tx, t.id LIMIT BATCH
) n (at, at_epoch, at_tx, at_id) ORDER BY n.at_epoch, n.at, n.at_id
"""
_MOVE_TOGETHER: LiteralString = """
UPDATE timeline_follower SET epoch = %s, tx = %s::xid8, last_id = %s, updated_at = now() WHERE name = ANY(%s::text[])
"""


_ONE_PLACE: LiteralString = """
SELECT count(*), count(DISTINCT (epoch, tx, last_id)) FROM timeline_follower WHERE name = ANY(%s::text[])
"""


class Company:
    """Followers that usually stand at one place, and then read once for all of them.

    For those that write only what is theirs: what they do is one transaction. When one of them fails, or stands
    elsewhere, or another worker has it, each goes its own way for that batch.
    """

    def __init__(self, followers: Sequence[Follower]) -> None:
        self._followers = {follower.cursor: follower for follower in followers}
        batch = min(follower.batch for follower in followers)
        columns = list(dict.fromkeys(name for follower in followers for name in follower.row._fields))
        wanted = ", ".join("t.tx::text" if name == "tx" else f"t.{name}" for name in columns)
        self._query: Any = _TAKE_TOGETHER.replace("COLUMNS", wanted).replace("BATCH", str(batch))
        self._values = {"first": followers[0].cursor, "names": list(self._followers)}
        self._picks = {
            follower.cursor: itemgetter(*(6 + columns.index(name) for name in follower.row._fields), 0)
            for follower in followers
        }

    @property
    def cursors(self) -> frozenset[str]:
        """The names under which they read."""
        return frozenset(self._followers)

    def run_once(self, conn: Connection) -> int:
        """As the function of that name, for all of them: the touchpoints that were passed."""
        try:
            passed, names = self._pass(conn)
        except Exception as error:
            if _passing(error):
                raise
            log.warning("followers go their own way for a batch", exc_info=error)
            passed, names = 0, frozenset()
        for cursor, follower in self._followers.items():
            if cursor not in names:
                passed += run_once(conn, follower)
            elif follower.then:
                follower.then(conn)
        return passed

    def _pass(self, conn: Connection) -> tuple[int, frozenset[str]]:
        with conn.transaction():
            rows = conn.execute(self._query, self._values, binary=True).fetchall()
            if not rows:
                found = conn.execute(_ONE_PLACE, [self._values["names"]]).fetchone()
                together = found == (len(self._followers), 1)
                return 0, frozenset(self._followers if together else ())
            names = frozenset(rows[0][-1])
            for cursor in sorted(names):
                follower, pick = self._followers[cursor], self._picks[cursor]
                follower.handle(conn, [follower.row._make(pick(row)[:-1]) for row in rows])
            conn.execute(_MOVE_TOGETHER, [*rows[-1][1:4], sorted(names)])
        return len(rows), names


Rows = list[tuple[Any, ...]]
_WANTED, _PASSED, _ENDS = -3, -2, -3
"""Places in a row of `Follower.query`; the columns of the follower's own rows end before the third."""


def _pass(conn: Connection, follower: Follower, digest: Callable[[Connection, Follower, Rows], None]) -> int:
    """Read a batch, let it be digested, move the cursor: one transaction."""
    with conn.transaction():
        rows = _take(conn, follower)
        if not rows and not conn.execute(_KNOWN, [follower.cursor]).fetchone():
            _make_cursor(conn, follower)
            rows = _take(conn, follower)
        if rows:
            digest(conn, follower, [row for row in rows if row[_WANTED]])
            move_cursor(conn, follower.cursor, rows[-1][1:4])
    return rows[-1][_PASSED] if rows else 0


def _take(conn: Connection, follower: Follower) -> Rows:
    return conn.execute(follower.query, [follower.cursor], binary=True).fetchall()


def _make_cursor(conn: Connection, follower: Follower) -> None:
    """Made at the first run, unless the follower is already read in another number of parts."""
    total = "" if follower.parts == 1 else str(follower.parts)
    other = conn.execute(_RELATED, [follower.name, total]).fetchone()
    if other:
        raise RuntimeError(f"{follower.cursor}: this follower is already read as {other[0]}")
    conn.execute(_BEGIN, [follower.cursor])


def lock_cursor(conn: Connection, cursor: str) -> Position | None:
    """Where the follower of that name is, held until the transaction ends; None if another process holds it."""
    found = conn.execute(_LOCK, [cursor]).fetchone() or conn.execute(_BEGIN, [cursor]).fetchone()
    return (found[0], found[1], found[2]) if found else None


def hold_cursor(conn: Connection, cursor: str) -> Position:
    """As `lock_cursor`, but wait for whoever holds it: for work that the follower must not do meanwhile."""
    conn.execute(_BEGIN, [cursor])
    found = conn.execute(_WAIT, [cursor]).fetchone()
    if found is None:
        raise LookupError(f"the cursor {cursor} is gone")
    return found[0], found[1], found[2]


def move_cursor(conn: Connection, cursor: str, position: Position) -> None:
    """Remember that everything up to `position` was read."""
    conn.execute(_MOVE, [*position, cursor])


def _hand_over(conn: Connection, follower: Follower, rows: Rows) -> None:
    if follower.parts > 1:
        rows = [row for row in rows if row[5].int % follower.parts == follower.part]
    if rows:
        follower.handle(conn, [follower.row._make(row[6:_ENDS]) for row in rows])


def _digest(conn: Connection, follower: Follower, rows: Rows) -> None:
    """Hand the rows of a batch that failed over again; halve until the row that fails is alone, and park it."""
    try:
        with conn.transaction():
            _hand_over(conn, follower, rows)
    except Exception as error:
        if _passing(error):
            raise
        if len(rows) == 1:
            _park(conn, follower, rows[0], error)
            return
        middle = len(rows) // 2
        _digest(conn, follower, rows[:middle])
        _digest(conn, follower, rows[middle:])


def _passing(error: Exception) -> bool:
    """Whether the fault lies in the moment and not in the rows. A statement that took too long may be a row's."""
    return isinstance(error, psycopg.OperationalError) and not isinstance(error, psycopg.errors.QueryCanceled)


_PARK: LiteralString = """
INSERT INTO timeline_parked (follower, workspace_id, touchpoint_id, error, parked_at) VALUES (%s, %s, %s, %s, now())
"""


def _park(conn: Connection, follower: Follower, row: tuple[Any, ...], error: Exception) -> None:
    log.error("%s could not digest touchpoint %s; it is set aside", follower.cursor, row[3], exc_info=error)
    conn.execute(_PARK, [follower.cursor, row[4], row[3], words(error)])


def words(error: Exception) -> str:
    """What failed and where; never the values of a row, which may be somebody's words."""
    trace, where = error.__traceback__, ""
    while trace:
        where = f" at {trace.tb_frame.f_globals.get('__name__', '?')}:{trace.tb_lineno}"
        trace = trace.tb_next
    said = (error.diag.message_primary or "") if isinstance(error, psycopg.Error) else ""
    return f"{type(error).__name__}{where} {said}".strip()


class Lag(NamedTuple):
    """How far behind a follower is: touchpoints it has not read (counted to COUNTED), the age of the oldest of
    them in seconds, and how many are parked."""

    name: str
    rows: int
    seconds: float
    parked: int


COUNTED = 10_000
_LAG: LiteralString = """
SELECT f.name, l.rows, l.seconds::float, (SELECT count(*) FROM timeline_parked p
                                          WHERE p.follower = f.name AND p.settled_at IS NULL)
FROM timeline_follower f CROSS JOIN LATERAL (
  SELECT count(*) AS rows, COALESCE(extract(epoch FROM clock_timestamp() - min(recorded_at)), 0) AS seconds
  FROM (SELECT recorded_at FROM timeline_touchpoint t WHERE (t.epoch, t.tx, t.id) > (f.epoch, f.tx, f.last_id)
        ORDER BY t.epoch, t.tx, t.id LIMIT %s) unread
) l ORDER BY f.name
"""


def lag(conn: Connection) -> list[Lag]:
    """Every follower's lag, committed touchpoints above the horizon included. `conn` is a queue role's."""
    return [Lag(*row) for row in conn.execute(_LAG, [COUNTED])]
