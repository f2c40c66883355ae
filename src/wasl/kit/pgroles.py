"""The database's roles as the application needs them, in our own PostgreSQL or in one that is given to us."""

from typing import Any

import psycopg
from psycopg import sql

from wasl.kit.postgres import APP_ROLE, QUEUE_ROLE, role_dsn, role_password

MINIMUM_VERSION = 15_00_00


class CannotPrepare(Exception):
    """The database cannot be brought into shape; the text says what to do, with the SQL where SQL is what helps."""


def ensure_database_and_roles(owner_dsn: str, secret: str) -> None:
    """Make the database, `wasl_app` and `wasl_queue`, and set what row-level security relies on. Safe to repeat.

    Raises CannotPrepare, or psycopg.OperationalError when the server does not answer.
    """
    with _connect(owner_dsn) as conn:
        if conn.info.server_version < MINIMUM_VERSION:
            raise CannotPrepare(
                f"PostgreSQL {conn.info.server_version // 10000} is too old: Wasl needs 15 or later."
            )
        if _in_shape(owner_dsn, secret):
            return
        # Several machines may start at once; the lock is of the session and so ends with it.
        conn.execute("SELECT pg_advisory_lock(hashtext('wasl roles'))")
        statements = _missing(conn, secret)
        try:
            with conn.transaction():
                for statement in statements:
                    conn.execute(statement)
        except psycopg.errors.InsufficientPrivilege as error:
            raise CannotPrepare(_advice(conn, statements, error)) from error


def _in_shape(owner_dsn: str, secret: str) -> bool:
    """Whether both roles get in and may do what they are for: then the owner needs no right to make roles."""
    try:
        for role in (APP_ROLE, QUEUE_ROLE):
            with psycopg.connect(role_dsn(owner_dsn, role, secret), connect_timeout=10) as conn:
                conn.execute(sql.SQL("SET LOCAL ROLE {}").format(sql.Identifier(APP_ROLE)))
                row = conn.execute("SELECT has_schema_privilege('public', 'USAGE')").fetchone()
                if row != (True,) or (role == QUEUE_ROLE and _inherits(conn)):
                    return False
    except (psycopg.OperationalError, psycopg.errors.InsufficientPrivilege):
        return False
    return True


def _inherits(conn: psycopg.Connection[Any]) -> bool:
    """Whether the queue role has the application's rights without stepping down to it."""
    row = conn.execute("SELECT pg_has_role(%s, %s, 'USAGE')", [QUEUE_ROLE, APP_ROLE]).fetchone()
    return row is None or bool(row[0])


def _connect(owner_dsn: str) -> psycopg.Connection[Any]:
    """Connect as the owner; make the database first if it is the only thing missing."""
    options = {"autocommit": True, "connect_timeout": 10, "application_name": "wasl prepare"}
    try:
        return psycopg.connect(owner_dsn, **options)  # type: ignore[arg-type]
    except psycopg.OperationalError as error:
        name = psycopg.conninfo.conninfo_to_dict(owner_dsn).get("dbname")
        if not name or f'database "{name}" does not exist' not in str(error):
            raise
    with psycopg.connect(owner_dsn, dbname="postgres", **options) as conn:  # type: ignore[arg-type]
        conn.execute(
            sql.SQL("CREATE DATABASE {} ENCODING 'UTF8' TEMPLATE template0").format(sql.Identifier(str(name)))
        )
    return psycopg.connect(owner_dsn, **options)  # type: ignore[arg-type]


def _missing(conn: psycopg.Connection[Any], secret: str) -> list[sql.Composed]:
    """The statements that bring roles and grants into shape; passwords are set each time, they may have changed."""
    statements = []
    for role in (APP_ROLE, QUEUE_ROLE):
        verb = "ALTER" if _exists(conn, role) else "CREATE"
        # SUPERUSER and BYPASSRLS may be named only by those who have them; a new role has neither.
        statements.append(
            sql.SQL(verb + " ROLE {} LOGIN PASSWORD {}").format(
                sql.Identifier(role), sql.Literal(role_password(secret, role))
            )
        )
    statements.append(_grant_membership(conn.info.server_version))
    database, owner = sql.Identifier(conn.info.dbname), sql.Identifier(conn.info.user)
    statements += [
        # An owner who does not own the database itself must not be shut out with the public.
        sql.SQL("GRANT ALL ON DATABASE {} TO {}").format(database, owner),
        sql.SQL("GRANT ALL ON SCHEMA public TO {}").format(owner),
        sql.SQL("REVOKE ALL ON DATABASE {} FROM PUBLIC").format(database),
        sql.SQL("GRANT CONNECT, TEMPORARY ON DATABASE {} TO {}, {}").format(
            database, sql.Identifier(APP_ROLE), sql.Identifier(QUEUE_ROLE)
        ),
        sql.SQL("GRANT USAGE ON SCHEMA public TO {}, {}").format(
            sql.Identifier(APP_ROLE), sql.Identifier(QUEUE_ROLE)
        ),
    ]
    return statements


def _grant_membership(version: int) -> sql.Composed:
    """The queue role may become the application's role for the work itself, and inherits nothing from it."""
    names = sql.Identifier(APP_ROLE), sql.Identifier(QUEUE_ROLE)
    if version >= 16_00_00:
        return sql.SQL("GRANT {} TO {} WITH INHERIT FALSE, SET TRUE").format(*names)
    # Before 16 inheriting is a property of the member.
    return sql.SQL("GRANT {} TO {}; ALTER ROLE {} NOINHERIT").format(*names, sql.Identifier(QUEUE_ROLE))


def _exists(conn: psycopg.Connection[Any], role: str) -> bool:
    return conn.execute("SELECT 1 FROM pg_roles WHERE rolname = %s", [role]).fetchone() is not None


def _advice(conn: psycopg.Connection[Any], statements: list[sql.Composed], error: psycopg.Error) -> str:
    return "\n".join(
        [
            f"The owner {conn.info.user} may not do what Wasl needs: {error.diag.message_primary}.",
            "Give it the right to create roles (ALTER ROLE … CREATEROLE), or run this as an administrator:",
            *(f"  {statement.as_string(conn)};" for statement in statements),
        ]
    )
