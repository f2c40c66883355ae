"""Filling our own tables as fast as one machine can: no keys or indexes meanwhile, rows frozen as they are written.

Two connections work at a time. Nothing of it is left when it ends: keys, indexes and the force of row-level security
are as they were, every foreign key was checked again, and the statistics are fresh.
"""

import threading
import time
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any, NamedTuple

import psycopg

Owner = psycopg.Connection[Any]
Say = Callable[[str], None]

HANDS = 2
SETTINGS = {
    "wal_level": "minimal", "max_wal_senders": "0", "fsync": "off", "full_page_writes": "off",
    "synchronous_commit": "off", "autovacuum": "off", "max_wal_size": "32GB", "checkpoint_timeout": "1h",
    "shared_buffers": "1GB", "max_worker_processes": "6", "max_parallel_maintenance_workers": "2",
}  # fmt: skip
"""A server with these writes no log of what is loaded; they are for the time of loading, never for measuring. The index
of words takes longest, more than half of all: several processes sort its entries and write them in their order."""

_SESSION = "SET maintenance_work_mem = '1GB'; SET work_mem = '256MB'; SET statement_timeout = 0"


class Shed(NamedTuple):
    """What was taken off tables: definitions of indexes, keys that stand on one of them, foreign keys (table, name,
    definition each), and the tables whose row-level security is forced."""

    indexes: list[tuple[str, str, str]]
    keys: list[tuple[str, str, str]]
    foreign: list[tuple[str, str, str]]
    forced: list[str]


_CONSTRAINTS = """
SELECT conrelid::regclass::text, conname, pg_get_constraintdef(oid), contype::text FROM pg_constraint
WHERE conrelid::regclass::text = ANY(%(t)s) AND contype IN ('f', 'p', 'u')
  OR contype = 'f' AND confrelid::regclass::text = ANY(%(t)s)
ORDER BY contype = 'f' DESC, 1, 2
"""
# What takes longest comes first, so that both hands end at about the same time.
_INDEXES = """
SELECT tablename, indexname, indexdef FROM pg_indexes WHERE tablename = ANY(%s)
ORDER BY indexdef LIKE '%%USING gin%%' DESC, array_position(%s, tablename::text) DESC
"""


def shed(owner: Owner, tables: Sequence[str]) -> Shed:
    """Take everything off these tables that costs when a row is written; they are emptied by `fill`."""
    constraints = owner.execute(_CONSTRAINTS, {"t": list(tables)}).fetchall()
    indexes = owner.execute(_INDEXES, [list(tables), list(tables)]).fetchall()
    forced = owner.execute(
        "SELECT relname FROM pg_class WHERE relname = ANY(%s) AND relforcerowsecurity", [list(tables)]
    ).fetchall()
    for table, name, *_ in constraints:
        _run(owner, f"ALTER TABLE {table} DROP CONSTRAINT {name}")
    for _, name, _ in indexes:
        _run(owner, f"DROP INDEX IF EXISTS {name}")
    for (table,) in forced:
        _run(owner, f"ALTER TABLE {table} NO FORCE ROW LEVEL SECURITY")
    keys = [(table, name, kind) for table, name, _, kind in constraints if kind != "f"]
    foreign = [(table, name, what) for table, name, what, kind in constraints if kind == "f"]
    return Shed(indexes, keys, foreign, [table for (table,) in forced])


def restore(dsn: str, taken: Shed, say: Say) -> None:
    """Put everything back."""
    made = _timed(dsn, "index", [(name, what) for _, name, what in taken.indexes], say)
    made()
    with _connected(dsn) as owner:
        for table, name, kind in taken.keys:
            form = {"p": "PRIMARY KEY", "u": "UNIQUE"}[kind]
            _run(owner, f"ALTER TABLE {table} ADD CONSTRAINT {name} {form} USING INDEX {name}")
        for table, name, what in taken.foreign:
            _run(owner, f"ALTER TABLE {table} ADD CONSTRAINT {name} {what} NOT VALID")
    # One table's keys in a row, for two at a time would wait for each other.
    checks: dict[str, str] = {}
    for table, name, _ in taken.foreign:
        checks[table] = checks.get(table, "") + f"ALTER TABLE {table} VALIDATE CONSTRAINT {name};"
    _timed(dsn, "foreign keys", list(checks.items()), say)()
    with _connected(dsn) as owner:
        for table in taken.forced:
            _run(owner, f"ALTER TABLE {table} FORCE ROW LEVEL SECURITY")


def analyse(dsn: str, tables: Sequence[str], say: Say) -> None:
    """Fresh statistics, and nothing left for a first reader to tidy."""
    _timed(dsn, "vacuum", [(table, f"VACUUM (ANALYZE) {table}") for table in tables], say)()


def fill(dsn: str, filled: Iterable[tuple[str, str, Sequence[str]]], say: Say) -> None:
    """Fill tables, two at a time, each with what its query gives for its columns."""
    _together(filled, lambda one: _copy(dsn, one[0], one[1], one[2], say))


def _copy(dsn: str, table: str, query: str, columns: Sequence[str], say: Say) -> None:
    """One connection reads, another writes. Raises SystemExit when the table holds rows already.

    Frozen rows need no second pass by VACUUM, nor the first reader to mark them.
    """
    start = time.monotonic()
    with _connected(dsn) as source, _connected(dsn) as target, target.transaction():
        row = target.execute(_whole(f"SELECT EXISTS (SELECT FROM {table})")).fetchone()
        if row != (False,):
            raise SystemExit(f"{table} is not empty")
        _run(target, f"TRUNCATE {table}")
        target_columns = ", ".join(columns)
        with (
            source.cursor().copy(_whole(f"COPY ({query}) TO STDOUT (FORMAT binary)")) as out,
            target.cursor().copy(
                _whole(f"COPY {table} ({target_columns}) FROM STDIN (FORMAT binary, FREEZE)")
            ) as into,
        ):
            held = bytearray()
            for part in out:
                held += part
                if len(held) > 1 << 18:
                    into.write(bytes(held))
                    held.clear()
            into.write(bytes(held))
    say(f"{table}: {time.monotonic() - start:.0f} s")


def _timed(dsn: str, kind: str, work: Sequence[tuple[str, str]], say: Say) -> Callable[[], None]:
    def one(named: tuple[str, str]) -> None:
        start = time.monotonic()
        with _connected(dsn) as owner:
            for statement in named[1].split(";"):
                if statement.strip():
                    _run(owner, statement)
        if (took := time.monotonic() - start) >= 1:
            say(f"{kind} {named[0]}: {took:.0f} s")

    return lambda: _together(work, one)


def _together(work: Iterable[Any], one: Callable[[Any], None]) -> None:
    """Everything, by two hands; the first failure stops what was not begun."""
    with ThreadPoolExecutor(HANDS) as pool:
        waiting = [pool.submit(one, each) for each in work]
        try:
            for each in waiting:
                each.result()
        except BaseException:
            pool.shutdown(cancel_futures=True)
            raise


_starting = threading.Lock()


def _connected(dsn: str) -> Owner:
    with _starting:
        owner = psycopg.connect(dsn, autocommit=True)
    owner.execute(_SESSION)
    return owner


def _run(owner: Owner, statement: str) -> None:
    owner.execute(_whole(statement))


def _whole(statement: str) -> Any:
    return statement
