"""Putting a backup into an empty database: all of it in one transaction, or nothing.

The tables are made by the migrations that the backup had, filled, and then migrated forward, so that an older backup
goes into a newer Wasl. The epoch of the timeline grows with the same commit: transaction ids start afresh here, and
with a new epoch each follower finds everything it had not read, and nothing twice.
"""

from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import dataclass, field
from typing import Any, LiteralString
from uuid import UUID

import psycopg
from django.conf import settings
from django.db import connections
from django.db.migrations.executor import MigrationExecutor
from django.db.migrations.loader import MigrationLoader
from psycopg import sql

from wasl.config import migrate
from wasl.config.backup_keys import KeyFile
from wasl.config.restore_frames import Blob, Opener, Shape, unpack
from wasl.kit import archive, pgroles
from wasl.kit.archive import Reader
from wasl.kit.clock import now
from wasl.kit.db import Connection, conninfo
from wasl.privacy.subjects import LEFT_OUT
from wasl.timeline import ring
from wasl.timeline.actions import Touch, append
from wasl.timeline.epoch import ensure_epoch
from wasl.timeline.ring import Ring

Advance = Callable[[int, str], None]


class CannotRestore(Exception):
    """Nothing was changed; the text says why and what to do."""


@dataclass
class Restored:
    """What was put back. `erased`: customers who were erased after the backup and so came back without a word."""

    tables: dict[str, int] = field(default_factory=dict)
    blobs: int = 0
    erased: int = 0
    epoch: int = 0
    missing: list[str] = field(default_factory=list)


def check_version(header: dict[str, Any]) -> None:
    """Raises CannotRestore for a backup that this version cannot read."""
    newer = f"This backup was made by a newer Wasl ({header.get('wasl', '?')}). Upgrade this one first."
    if header.get("format", 0) > 1:
        raise CannotRestore(newer)
    known = MigrationLoader(None).disk_migrations
    if any((app, name) not in known for app, name in header["migrations"]):
        raise CannotRestore(newer)


def verify(reader: Reader, advance: Advance) -> None:
    """Read the whole file without changing anything. Raises archive.Damaged, with the part."""
    reader.place = "its first part"
    for kind, payload, end in reader.frames():
        if kind == "T":
            reader.place = f"the table {Shape.of(payload).table}"
        elif kind == "B":
            reader.place = "the files"
        advance(end, "checking")


# Where it goes ----------------------------------------------------------------------------------------------------

_FILLED: LiteralString = """
SELECT relname::text FROM pg_class JOIN pg_namespace n ON n.oid = relnamespace
WHERE nspname = 'public' AND relkind IN ('r', 'p') ORDER BY relname
"""
_USED: LiteralString = """
SELECT DISTINCT application_name FROM pg_stat_activity
WHERE datname = current_database() AND pid <> pg_backend_pid() AND application_name LIKE 'wasl %'
"""


def check_target(dsn: str, header: dict[str, Any]) -> None:
    """Raises CannotRestore unless the database is empty and nobody works with it; one that is not there is empty."""
    try:
        conn = psycopg.connect(dsn, autocommit=True, connect_timeout=10)
    except psycopg.OperationalError as error:
        name = psycopg.conninfo.conninfo_to_dict(dsn).get("dbname")
        if name and f'database "{name}" does not exist' in str(error):
            return
        raise
    with conn:
        if working := users(conn):
            raise CannotRestore(f"The database is in use ({', '.join(working)}). Stop Wasl first.")
        _check_empty(conn)
        _check_ahead(conn, header)


def users(conn: Connection) -> list[str]:
    """What of Wasl is connected to the database, besides `conn`."""
    return [row[0] for row in conn.execute(_USED)]


def _check_empty(conn: Connection) -> None:
    for (name,) in conn.execute(_FILLED).fetchall():
        if name in LEFT_OUT or name == "timeline_epoch":
            continue
        query = sql.SQL("SELECT EXISTS (SELECT FROM {})").format(sql.Identifier(name))
        if (conn.execute(query).fetchone() or (False,))[0]:
            raise CannotRestore(
                f"The database is not empty ({name} has rows). A backup is restored into an empty one only: give "
                "restore a fresh data folder (WASL_DATA_DIR) or an empty database (WASL_DATABASE_URL)."
            )


def _check_ahead(conn: Connection, header: dict[str, Any]) -> None:
    if conn.execute("SELECT to_regclass('django_migrations') IS NULL").fetchone() == (True,):
        return
    ahead = {tuple(row) for row in conn.execute("SELECT app, name FROM django_migrations")}
    if ahead - {(app, name) for app, name in header["migrations"]}:
        raise CannotRestore(
            "The database is empty, but its tables are those of a later version than the backup's. Give restore a "
            "database without tables."
        )


def _tables_of(header: dict[str, Any]) -> None:
    """Make the tables as they were when the backup was made."""
    wanted = {(app, name) for app, name in header["migrations"]}
    executor = MigrationExecutor(connections["owner"])
    graph = executor.loader.graph
    targets = [
        node
        for node in sorted(wanted)
        if not any(child.key in wanted and child.key[0] == node[0] for child in graph.node_map[node].children)
    ]
    executor.migrate(targets)
    connections["owner"].close()


# Filling it -------------------------------------------------------------------------------------------------------

_FOREIGN_KEYS: LiteralString = """
SELECT conrelid::regclass::text, quote_ident(conname), pg_get_constraintdef(c.oid) FROM pg_constraint c
JOIN pg_namespace n ON n.oid = c.connamespace WHERE nspname = 'public' AND contype = 'f' ORDER BY 1, 2
"""
_FORCED: LiteralString = """
SELECT quote_ident(relname) FROM pg_class JOIN pg_namespace n ON n.oid = relnamespace
WHERE nspname = 'public' AND relforcerowsecurity ORDER BY 1
"""


class Loading:
    """The one transaction. `conn` is the owner's, inside it."""

    def __init__(self, conn: Connection, opener: Opener, advance: Advance) -> None:
        self._conn = conn
        self._opener = opener
        self._advance = advance
        self._copy = ExitStack()
        self._rows: Any = None
        self._shape: Shape | None = None
        self._blob: Blob | None = None
        self.found = Restored()
        self.manifest: dict[str, Any] = {}

    def run(self, reader: Reader) -> None:
        """Take in every frame."""
        keys = self._conn.execute(_FOREIGN_KEYS).fetchall()
        forced = [row[0] for row in self._conn.execute(_FORCED)]
        # COPY is refused where row-level security binds the owner too, and rows come in the order of table names.
        for table in forced:
            self._conn.execute(f"ALTER TABLE {table} NO FORCE ROW LEVEL SECURITY".encode())
        for table, name, _ in keys:
            self._conn.execute(f"ALTER TABLE {table} DROP CONSTRAINT {name}".encode())
        with self._copy:
            for kind, payload, end in reader.frames():
                getattr(self, f"_take_{kind.lower()}")(payload)
                self._advance(end, self._shape.table if self._shape else "files")
        for table, name, definition in keys:
            self._conn.execute(f"ALTER TABLE {table} ADD CONSTRAINT {name} {definition}".encode())
        for table in forced:
            self._conn.execute(f"ALTER TABLE {table} FORCE ROW LEVEL SECURITY".encode())

    def _take_t(self, payload: bytes) -> None:
        self._copy.close()
        self._shape = shape = Shape.of(payload)
        table = sql.Identifier(shape.table)
        self._conn.execute(sql.SQL("DELETE FROM {}").format(table))  # what migrations have put there
        columns = sql.SQL(", ").join(sql.Identifier(c) for c in (*shape.columns, *shape.sealed))
        cursor = self._copy.enter_context(self._conn.cursor())
        self._rows = self._copy.enter_context(
            cursor.copy(sql.SQL("COPY {} ({}) FROM STDIN").format(table, columns))
        )
        self.found.tables[shape.table] = 0

    def _take_r(self, payload: bytes) -> None:
        assert self._shape
        for lines in self._opener.lines(self._shape, payload):
            self._rows.write(lines)
            self.found.tables[self._shape.table] += lines.count(b"\n")

    def _take_s(self, payload: bytes) -> None:
        self._copy.close()
        self._shape = None
        for name, last, used in unpack(payload):
            self._conn.execute("SELECT setval(%s::regclass, %s, %s)", [f'"{name}"', last, used])

    def _take_b(self, payload: bytes) -> None:
        self._store()
        self._blob = self._opener.blob(payload, settings.ENV.run_dir)

    def _take_p(self, payload: bytes) -> None:
        if self._blob:
            self._blob.add(payload)

    def _take_x(self, _: bytes) -> None:
        if self._blob:
            self._blob.close()
        self._blob = None

    def _take_e(self, payload: bytes) -> None:
        self._store()
        self.manifest = unpack(payload)
        self.found.missing = self.manifest["missing"]

    def _store(self) -> None:
        if self._blob:
            self._blob.store()
            self.found.blobs += 1
        self._blob = None


def load(reader: Reader, keys: KeyFile, advance: Advance) -> Restored:
    """Make the tables, fill them, raise the epoch, migrate forward. The target was looked at by `check_target`.

    Raises archive.Damaged, psycopg.Error, OSError; the tables are then still empty, and it can be tried again.
    """
    dsn: str = settings.WASL_DSN["owner"]
    pgroles.ensure_database_and_roles(dsn, settings.SECRET_KEY)
    settings.ENV.run_dir.mkdir(parents=True, exist_ok=True)
    _tables_of(reader.header)
    opener = Opener(
        bytes.fromhex(reader.header["id"]), {where: Ring(nodes) for where, nodes in keys.rings.items()}
    )
    options = "-c statement_timeout=0 -c idle_in_transaction_session_timeout=0 -c maintenance_work_mem=128MB"
    with psycopg.connect(conninfo("owner", "restore"), autocommit=True, options=options) as conn:
        with conn.transaction():
            _check_empty(conn)
            loading = Loading(conn, opener, advance)
            loading.run(reader)
            loading.found.epoch = ensure_epoch(conn, restored=True)
            conn.execute("DELETE FROM timeline_ringnode")
            ring.store(conn, keys.rings)
            _say_erased(conn, opener.erased)
            _compare(loading)
        loading.found.erased = sum(len(gone) for gone in opener.erased.values())
        conn.execute("ANALYZE")
    migrate.run()
    return loading.found


def _say_erased(conn: Connection, erased: dict[UUID, set[UUID]]) -> None:
    """The timeline says it again, for those whose erasure came after the backup."""
    for workspace, gone in erased.items():
        touches = [
            Touch(customer, "customer.erased", now(), facts={"by": "system"}) for customer in sorted(gone)
        ]
        append(conn, workspace, touches)


def _compare(loading: Loading) -> None:
    """What arrived is what the manifest counts; rows of erased customers may have gone. Raises archive.Damaged."""
    wanted, found = loading.manifest["tables"], loading.found.tables
    short = [name for name, rows in wanted.items() if found.get(name, 0) > rows or name not in found]
    if not loading._opener.erased:
        short += [name for name, rows in wanted.items() if found.get(name) != rows]
    if short:
        raise archive.Damaged(
            f"the backup's own count does not fit what is in it: {', '.join(sorted(set(short)))}"
        )
