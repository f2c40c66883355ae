"""What an upgrade would change: tables, settings, the timeline's epoch, room on the disk, and the last backup."""

import io
import json
import os
import shutil
from dataclasses import dataclass
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path
from typing import LiteralString

import psycopg
from django.conf import settings
from django.core.management import call_command
from django.db import connections
from django.db.migrations.executor import MigrationExecutor

from wasl.config import backup
from wasl.config.backup_tables import estimate
from wasl.config.env import table
from wasl.kit import archive
from wasl.kit.db import Connection

RECORD = "installed.json"

_EPOCH: LiteralString = """
SELECT e.number, e.system_identifier <> c.system_identifier FROM timeline_epoch e, pg_control_system() c
"""


class AheadOfProgram(Exception):
    """The database was made by a newer Wasl."""


@dataclass(frozen=True, slots=True)
class Change:
    """A migration that is not applied: its name, and what it does, step by step."""

    app: str
    name: str
    steps: tuple[str, ...]

    def sql(self) -> str:
        """Its statements."""
        out = io.StringIO()
        call_command("sqlmigrate", self.app, self.name, database="owner", stdout=out, no_color=True)
        return out.getvalue().strip()


@dataclass(frozen=True, slots=True)
class Plan:
    """`known` is false when no record of the version before was found; the settings then cannot be compared."""

    before: str
    now: str
    known: bool
    changes: tuple[Change, ...]
    settings_new: tuple[str, ...]
    settings_gone: tuple[str, ...]
    epoch: int
    epoch_grows: bool
    needed: int
    free: int
    backup: Path | None
    backup_at: datetime | None


def record(folder: Path) -> None:
    """Write down what was installed, for the next upgrade to compare with."""
    said = {"wasl": version("wasl"), "settings": [row.name for row in table()]}
    draft = folder / f".{RECORD}.{os.getpid()}"
    draft.write_text(json.dumps(said, indent=1) + "\n")
    draft.replace(folder / RECORD)


def plan(conn: Connection, folder: Path) -> Plan:
    """Look, and change nothing. `conn` is the owner's, `folder` the one of the backups. Raises AheadOfProgram."""
    before = _recorded(settings.ENV.data_dir)
    names = [row.name for row in table()]
    old = before.get("settings", names)
    number, moved = _epoch(conn)
    last, at = last_backup(folder)
    room = folder
    while not room.exists():
        room = room.parent
    return Plan(
        before=str(before.get("wasl", "")),
        now=version("wasl"),
        known=bool(before),
        changes=_changes(),
        settings_new=tuple(name for name in names if name not in old),
        settings_gone=tuple(name for name in old if name not in names),
        epoch=number,
        epoch_grows=moved,
        needed=estimate(conn),
        free=shutil.disk_usage(room).free,
        backup=last,
        backup_at=at,
    )


def _recorded(folder: Path) -> dict[str, list[str]]:
    try:
        found = json.loads((folder / RECORD).read_text())
    except (OSError, ValueError):
        return {}
    return found if isinstance(found, dict) else {}


def _epoch(conn: Connection) -> tuple[int, bool]:
    try:
        row = conn.execute(_EPOCH).fetchone()
    except psycopg.errors.UndefinedTable:
        return 0, False
    return (row[0], row[1]) if row else (0, False)


def _changes() -> tuple[Change, ...]:
    executor = MigrationExecutor(connections["owner"])
    try:
        if set(executor.loader.applied_migrations) - set(executor.loader.disk_migrations):
            raise AheadOfProgram
        waiting = executor.migration_plan(executor.loader.graph.leaf_nodes())
        return tuple(
            Change(each.app_label, each.name, tuple(str(op.describe()) for op in each.operations))
            for each, _ in waiting
        )
    finally:
        connections["owner"].close()


def last_backup(folder: Path) -> tuple[Path | None, datetime | None]:
    """The newest backup in a folder, and when it was made."""
    for path in sorted(folder.glob(f"wasl-*{backup.SUFFIX}"), reverse=True):
        try:
            return path, datetime.fromisoformat(archive.Reader(path).header["made_at"]).astimezone(UTC)
        except (archive.Damaged, OSError, ValueError, KeyError):
            continue
    return None, None
