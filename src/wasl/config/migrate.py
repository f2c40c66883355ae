"""Bring a database up to date: roles, tables, grants, epoch."""

from typing import Any, LiteralString

import psycopg
from django.conf import settings
from django.core.management import call_command
from django.db import connections
from django.db.migrations.executor import MigrationExecutor
from psycopg import sql

from wasl.config import upgrade
from wasl.kit import pgroles
from wasl.kit.tenancy import APP_ROLE
from wasl.timeline.epoch import ensure_epoch

# Tables of Django and allauth: they know no workspace and belong to the pages alone.
_FRAMEWORK = ("django\\_session", "django\\_content\\_type", "auth\\_%", "account\\_%", "mfa\\_%")

_RING = ("timeline", "0003_backup_ring")
_LACKS_RING: LiteralString = """
SELECT to_regclass('timeline_ringnode') IS NULL AND to_regclass('timeline_touchpoint') IS NOT NULL
"""


def run(verbosity: int = 0) -> None:
    """Create what is missing and apply what is new. Safe to run again."""
    dsn: str = settings.WASL_DSN["owner"]
    pgroles.ensure_database_and_roles(dsn, settings.SECRET_KEY)
    call_command("migrate", database="owner", verbosity=verbosity, interactive=False)
    with psycopg.connect(dsn) as conn:
        _open_framework_tables(conn)
        ensure_epoch(conn)
    upgrade.record(settings.ENV.data_dir)


def make_room_for_ring() -> None:
    """Make the one table that a backup cannot do without, where the database is older than backups are.

    Nothing else changes: the program of that database goes on working, and a restore makes the tables as they were.
    """
    dsn: str = settings.WASL_DSN["owner"]
    with psycopg.connect(dsn) as conn:
        if conn.execute(_LACKS_RING).fetchone() != (True,):
            return
    executor = MigrationExecutor(connections["owner"])
    try:
        executor.migrate([_RING])
    finally:
        connections["owner"].close()


def _open_framework_tables(conn: psycopg.Connection[Any]) -> None:
    names = conn.execute(
        "SELECT relname FROM pg_class JOIN pg_namespace n ON n.oid = relnamespace"
        " WHERE nspname = 'public' AND relkind = 'r' AND relname LIKE ANY(%s)",
        [list(_FRAMEWORK)],
    ).fetchall()
    for (name,) in names:
        conn.execute(
            sql.SQL("GRANT SELECT, INSERT, UPDATE, DELETE ON {} TO {}").format(
                sql.Identifier(name), sql.Identifier(APP_ROLE)
            )
        )
    conn.execute(
        sql.SQL("GRANT USAGE ON ALL SEQUENCES IN SCHEMA public TO {}, wasl_queue").format(
            sql.Identifier(APP_ROLE)
        )
    )
    conn.execute(sql.SQL("GRANT SELECT ON django_migrations TO {}").format(sql.Identifier(APP_ROLE)))
