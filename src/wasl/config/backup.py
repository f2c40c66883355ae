"""Making a backup: what lies in the database at one moment, and the files it speaks of.

Two files in a folder: the archive (`kit/archive.py`), which is sealed and holds what is known of each customer once
more sealed under that customer's key of the ring; and the key file, `wasl.keys`, which holds the ring and, under a
passphrase, the installation's keys. Every run, and every erasure that is followed by one, replaces the key file.
Docs: decisions/0011-backups-and-erasure.md.

Frames of an archive, payloads in MessagePack:

    T  a table begins: {table, columns, sealed: the columns that follow them sealed, blanks: what these are in the
       rows of somebody who was erased; none when the whole row goes}
    R  rows in COPY's text format: [lines without the sealed part, joined by newlines; for each line the number of
       its group, or -1; groups: [workspace, customer, the sealed parts of its lines joined by newlines, zlib, sealed]]
    S  sequences: [[name, last value, whether it was used]]
    B  a blob begins: [workspace, [[customer, the blob's key sealed]], key or nil, [digest, size] sealed]
    P  the next piece of it, sealed under its key
    X  the blob that was begun is not to be used: its bytes are not what they were
    E  the end: {tables: {name: rows}, blobs, bytes, missing}
"""

import fcntl
import hashlib
import os
import zlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime
from importlib.metadata import version
from pathlib import Path
from typing import Any, LiteralString
from uuid import UUID

import msgspec
import psycopg
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from django.conf import settings
from psycopg import sql

from wasl.config import backup_keys
from wasl.config.backup_tables import Table, every_file, select, tables
from wasl.kit import archive, blobs
from wasl.kit.archive import Writer
from wasl.kit.clock import now
from wasl.kit.db import Connection, conninfo
from wasl.timeline import ring
from wasl.timeline.ring import Ring

SUFFIX = ".backup"
ROWS = 1_000_000
"""Bytes of rows in a frame, about."""
PIECE = 1_000_000

Advance = Callable[[int, str], None]
"""Told after each step: the bytes that are done, and what is being done."""

pack = msgspec.msgpack.encode


class CannotBackUp(Exception):
    """Nothing was written; the text says why."""


@dataclass
class Report:
    """What a backup holds. `missing` names files that could not be read, each with the reason."""

    path: Path
    size: int = 0
    tables: dict[str, int] = field(default_factory=dict)
    blobs: int = 0
    bytes: int = 0
    missing: list[str] = field(default_factory=list)
    with_keys: bool = False


class Backup:
    """One run. `connection` is the owner's, in the transaction whose snapshot is written."""

    def __init__(self, conn: Connection, out: Writer, archive_id: bytes, advance: Advance) -> None:
        self._conn = conn
        self._out = out
        self._id = archive_id
        self._advance = advance
        self._rings = ring.rings(conn)
        self._ciphers: dict[tuple[UUID, UUID], AESGCM] = {}
        self._done = 0
        self.report = Report(out.path)

    def run(self) -> None:
        """Write everything but the end."""
        for table in tables(self._conn):
            self._table(table)
        self._sequences()
        for workspace, digest, customers in self._files():
            self._blob(workspace, digest, customers)

    def end(self) -> None:
        """Write the end."""
        found = self.report
        self._out.write(
            archive.END,
            pack(
                {"tables": found.tables, "blobs": found.blobs, "bytes": found.bytes, "missing": found.missing}
            ),
        )

    def _step(self, size: int, what: str) -> None:
        self._done += size
        self._advance(self._done, what)

    # Rows ----------------------------------------------------------------------------------------------------

    def _table(self, table: Table) -> None:
        self._out.write("T", pack(table.described))
        frame, count = _Rows(self, table), 0
        with self._conn.cursor() as cursor, cursor.copy(select(table)) as rows:
            for line in rows:
                frame.add(bytes(line).rstrip(b"\n"))
                count += 1
                if frame.size >= ROWS:
                    frame.write(self._out)
                    self._step(frame.size, table.name)
                    frame = _Rows(self, table)
        frame.write(self._out)
        self._step(frame.size, table.name)
        self.report.tables[table.name] = count

    def cipher(self, workspace: UUID, customer: UUID) -> AESGCM | None:
        """The customer's key; None when it was taken out of the ring."""
        place = (workspace, customer)
        if place not in self._ciphers:
            # A workspace that is younger than this run has no ring yet, and the snapshot none of its rows.
            key = self._rings.get(workspace, Ring(())).key(customer)
            if key is None:
                return None
            if len(self._ciphers) >= 5_000:
                self._ciphers.clear()
            self._ciphers[place] = AESGCM(key)
        return self._ciphers[place]

    def seal(self, cipher: AESGCM, plain: bytes) -> bytes:
        """nonce ‖ AES-256-GCM, bound to this archive."""
        nonce = os.urandom(12)
        return nonce + cipher.encrypt(nonce, plain, self._id)

    def _sequences(self) -> None:
        found = []
        names = "SELECT sequencename FROM pg_sequences WHERE schemaname = 'public' ORDER BY 1"
        for (name,) in self._conn.execute(names).fetchall():
            query = sql.SQL("SELECT last_value, is_called FROM {}").format(sql.Identifier(name))
            found.append([name, *(self._conn.execute(query).fetchone() or ())])
        self._out.write("S", pack(found))

    # Blobs ---------------------------------------------------------------------------------------------------

    def _files(self) -> Iterator[tuple[UUID, bytes, list[UUID | None]]]:
        """Every blob that a row speaks of, once, with the customers it belongs to (None: rows of nobody)."""
        with self._conn.cursor("files") as cursor:  # on the server: however many there are
            cursor.execute(every_file({table.name for table in tables(self._conn)}))
            for workspace, digest, customers in cursor:
                yield workspace, bytes(digest), customers

    def _blob(self, workspace: UUID, digest: bytes, customers: list[UUID | None]) -> None:
        key = AESGCM.generate_key(256)
        whose = [
            [customer.bytes, self.seal(cipher, key)]
            for customer in customers
            if customer and (cipher := self.cipher(workspace, customer))
        ]
        if not whose and None not in customers:
            return  # all of them are erased
        name = f"{workspace}/{digest.hex()}"
        try:
            source = blobs.stream(workspace, digest)
        except blobs.MissingBlob:
            if not _erased_since(workspace, customers):
                self.report.missing.append(f"{name} is not in the store")
            return
        cipher, size, found = AESGCM(key), 0, hashlib.sha256()
        open_to_all = key if None in customers else None
        self._out.write("B", pack([workspace.bytes, whose, open_to_all, self.seal(cipher, digest)]))
        for piece in source:
            found.update(piece)
            size += len(piece)
            self._out.write("P", self.seal(cipher, piece), level=0)
            self._step(len(piece), "files")
        if found.digest() != digest:
            self._out.write("X", b"")
            self.report.missing.append(f"{name} is damaged in the store")
            return
        self.report.blobs += 1
        self.report.bytes += size


def _erased_since(workspace: UUID, customers: list[UUID | None]) -> bool:
    """Whether everybody a file belonged to was erased while the backup was made."""
    with connect() as conn:
        query = """
SELECT count(*) FROM timeline_subjectkey
WHERE workspace_id = %s AND customer_id = ANY(%s::uuid[]) AND destroyed_at IS NOT NULL
"""
        row = conn.execute(query, [workspace, [c for c in customers if c]]).fetchone()
    return bool(row and row[0] == len(customers))


class _Rows:
    """The rows of one frame, those of each customer together so that they are compressed and sealed at once."""

    def __init__(self, backup: Backup, table: Table) -> None:
        self._backup = backup
        self._table = table
        self._lines: list[bytes] = []
        self._groups: list[int] = []
        self._whose: dict[tuple[bytes, bytes], int] = {}
        self._parts: list[list[bytes]] = []
        self.size = 0

    def add(self, line: bytes) -> None:
        """A line of COPY; of a table with personal columns, workspace and customer come first."""
        self.size += len(line) + 1
        if self._table.personal is None:
            self._lines.append(line)
            return
        workspace, customer, rest = line.split(b"\t", 2)
        if customer == b"\\N":
            self._put(rest, -1)
            return
        fields = rest.split(b"\t")
        edge = len(fields) - len(self._table.sealed)
        group = self._whose.get((workspace, customer))
        if group is None:
            group = self._whose[workspace, customer] = len(self._parts)
            self._parts.append([])
        self._put(b"\t".join(fields[:edge]), group)
        self._parts[group].append(b"\t".join(fields[edge:]))

    def _put(self, line: bytes, group: int) -> None:
        self._lines.append(line)
        self._groups.append(group)

    def write(self, out: Writer) -> None:
        """Seal and write."""
        if not self._lines:
            return
        groups = [self._seal(*whose, parts) for whose, parts in zip(self._whose, self._parts, strict=True)]
        out.write("R", pack([b"\n".join(self._lines), self._groups, groups]))

    def _seal(self, workspace: bytes, customer: bytes, parts: list[bytes]) -> list[bytes]:
        """Of an erased customer nothing is written, whatever a row may still hold."""
        place, who = UUID(workspace.decode()), UUID(customer.decode())
        cipher = self._backup.cipher(place, who)
        sealed = self._backup.seal(cipher, zlib.compress(b"\n".join(parts), 1)) if cipher else b""
        return [place.bytes, who.bytes, sealed]


# A run ------------------------------------------------------------------------------------------------------------

_SNAPSHOT: LiteralString = "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY"
_ABOUT: LiteralString = """
SELECT (SELECT number FROM timeline_epoch), (SELECT system_identifier FROM pg_control_system())::text,
       current_setting('server_version'),
       (SELECT count(*) FROM timeline_subjectkey WHERE destroyed_at IS NOT NULL),
       (SELECT array_agg(ARRAY[app, name] ORDER BY id) FROM django_migrations)
"""


def connect() -> Connection:
    """The owner's connection for a long look: nothing ends it, and it holds up nobody."""
    options = "-c statement_timeout=0 -c idle_in_transaction_session_timeout=0"
    return psycopg.connect(conninfo("owner", "backup"), autocommit=True, options=options)


@contextmanager
def alone(folder: Path) -> Iterator[None]:
    """Nobody else writes into the folder: a key file must never be replaced by an older one. Raises CannotBackUp."""
    lock = os.open(folder, os.O_RDONLY)
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        for left in folder.glob(f".*{archive.ASIDE}"):  # of one that was killed
            left.unlink()
        yield
    except BlockingIOError as error:
        raise CannotBackUp(f"Another backup is being written into {folder}.") from error
    finally:
        os.close(lock)


def make(folder: Path, passphrase: str | None, advance: Advance, at: datetime | None = None) -> Report:
    """Write a backup into a folder, and the key file beside it. Raises CannotBackUp, OSError, psycopg.Error."""
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    with alone(folder), connect() as conn:
        backup_keys.same_installation(folder)
        at = at or now()
        path = folder / f"wasl-{at:%Y%m%d-%H%M%S}{SUFFIX}"
        if path.exists():
            raise CannotBackUp(f"{path} is there already.")
        ring.ensure(conn)
        conn.execute(_SNAPSHOT)
        try:
            report = _write(conn, path, at, advance)
        finally:
            conn.execute("ROLLBACK")
        # After the archive, so that whoever was erased meanwhile is not in it either.
        report.with_keys = backup_keys.write(conn, folder, passphrase, at)
    return report


def _write(conn: Connection, path: Path, at: datetime, advance: Advance) -> Report:
    key, archive_id = AESGCM.generate_key(256), os.urandom(16)
    master = settings.ENV.keys.master_key
    epoch, identifier, server, erasures, migrations = conn.execute(_ABOUT).fetchone() or ()
    header: dict[str, Any] = {
        "format": 1,
        "id": archive_id.hex(),
        "made_at": at.isoformat(),
        "wasl": version("wasl"),
        "installation": backup_keys.installation(master),
        "key": archive.seal_key(key, archive.derive(master, "backup archive")),
        "epoch": epoch,
        "system_identifier": identifier,
        "postgres": server,
        "erasures": erasures,
        "migrations": migrations,
    }
    with Writer(path, header, key) as out:
        backup = Backup(conn, out, archive_id, advance)
        backup.run()
        backup.end()
    backup.report.size = out.size
    return backup.report
