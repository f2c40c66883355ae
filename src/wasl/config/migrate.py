"""Bring a database up to date: roles, tables, grants, epoch."""

from typing import Any

import psycopg
from django.conf import settings
from django.core.management import call_command
from psycopg import sql

from wasl.config import upgrade
from wasl.kit import pgroles
from wasl.kit.tenancy import APP_ROLE
from wasl.timeline.epoch import ensure_epoch

# Tables of Django and allauth: they know no workspace and belong to the pages alone.
_FRAMEWORK = ("django\\_session", "django\\_content\\_type", "auth\\_%", "account\\_%", "mfa\\_%")


def run(verbosity: int = 0) -> None:
    """Create what is missing and apply what is new. Safe to run again."""
    dsn: str = settings.WASL_DSN["owner"]
    pgroles.ensure_database_and_roles(dsn, settings.SECRET_KEY)
    call_command("migrate", database="owner", verbosity=verbosity, interactive=False)
    with psycopg.connect(dsn) as conn:
        _open_framework_tables(conn)
        ensure_epoch(conn)
    upgrade.record(settings.ENV.data_dir)


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
