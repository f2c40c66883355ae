"""Checks of the database: version, durability, migrations, roles, connections, clock."""

import time
from collections.abc import Iterator
from typing import Any

import psycopg
from django.db import connections as django_connections
from django.db.migrations.executor import MigrationExecutor

from wasl.cli.finding import Finding, fail, graded, ok, span, warn
from wasl.config.env import Env
from wasl.kit.pgroles import MINIMUM_VERSION
from wasl.kit.postgres import APP_ROLE, QUEUE_ROLE, dsn_for

Connection = psycopg.Connection[Any]
SAFE_COMMITS = {"on", "remote_write", "remote_apply", "local"}
CLOCK_WARN, CLOCK_FAIL = 1.0, 30.0


def findings(env: Env, conn: Connection) -> Iterator[Finding]:
    """What can be asked as the owner, and whether the other roles get in."""
    yield version(conn)
    yield durability(conn)
    yield migrations()
    yield from roles(env, conn)
    yield connections(conn)
    yield clock(conn)
    yield from workspaces(conn)


def workspaces(conn: Connection) -> Iterator[Finding]:
    """Somebody can sign in; nothing is said where that is so."""
    if _row(conn, "SELECT EXISTS (SELECT FROM accounts_workspace)") != (True,):
        yield warn("workspaces", "there is none: nobody can sign in.", "Make one: `wasl workspace create`.")


def version(conn: Connection) -> Finding:
    """PostgreSQL 15 or later, UTF-8."""
    began = time.perf_counter()
    name, encoding = _row(
        conn, "SELECT current_setting('server_version'), current_setting('server_encoding')"
    )
    took = span(time.perf_counter() - began)
    if encoding != "UTF8":
        return fail("database", f"its encoding is {encoding}.", "Make a database with ENCODING 'UTF8'.")
    text = f"PostgreSQL {name}, answers in {took}"
    old = conn.info.server_version < MINIMUM_VERSION
    return graded("database", text, "Wasl needs PostgreSQL 15 or later.", warn_if=old, fail_if=old)


def durability(conn: Connection) -> Finding:
    """What was committed survives a power cut."""
    names = ("fsync", "full_page_writes", "synchronous_commit")
    values = dict(
        zip(names, _row(conn, "SELECT " + ", ".join(f"current_setting('{n}')" for n in names)), strict=True)
    )
    bad = [name for name in names[:2] if values[name] != "on"]
    bad += [] if values["synchronous_commit"] in SAFE_COMMITS else ["synchronous_commit"]
    if bad:
        return fail(
            "durability",
            f"{', '.join(bad)} is off: a power cut may lose messages that were acknowledged.",
            "Turn it on in the settings of PostgreSQL and reload them.",
        )
    return ok("durability", "what was acknowledged survives a power cut (fsync, full_page_writes, commits)")


def migrations() -> Finding:
    """Every migration of this version is applied, and none of a later version."""
    executor = MigrationExecutor(django_connections["owner"])
    loader = executor.loader
    waiting = [migration for migration, _ in executor.migration_plan(loader.graph.leaf_nodes())]
    unknown = set(loader.applied_migrations) - set(loader.disk_migrations)
    django_connections["owner"].close()
    if waiting:
        return fail("migrations", f"{len(waiting)} are not applied.", "Run `wasl migrate`.")
    if unknown:
        text = "the database was made by a later version of Wasl."
        return fail("migrations", text, "Run that version, or go back to a backup of before.")
    return ok("migrations", f"all {len(loader.applied_migrations)} applied")


def roles(env: Env, conn: Connection) -> Iterator[Finding]:
    """The roles that row-level security is made for: they get in, and can see no more than they should."""
    for short, role in (("app", APP_ROLE), ("queue", QUEUE_ROLE)):
        found = conn.execute(
            "SELECT rolsuper, rolbypassrls FROM pg_roles WHERE rolname = %s", [role]
        ).fetchone()
        if found is None:
            yield fail("roles", f"{role} is missing.", "Run `wasl migrate`.")
        elif any(found):
            yield fail(
                "roles",
                f"{role} passes over row-level security: one workspace could see another's data.",
                f"ALTER ROLE {role} NOSUPERUSER NOBYPASSRLS",
            )
        else:
            yield _gets_in(env, short, role)


def _gets_in(env: Env, short: str, role: str) -> Finding:
    try:
        with psycopg.connect(dsn_for(env, short), connect_timeout=5, application_name="wasl check") as conn:
            if role == QUEUE_ROLE:
                conn.execute(f"SET LOCAL ROLE {APP_ROLE}")
    except psycopg.Error as error:
        return fail(
            "roles", f"{role} cannot work: {str(error).strip()}", "Run `wasl migrate`; it sets the password."
        )
    return ok("roles", f"{role} gets in and is bound by row-level security")


def connections(conn: Connection) -> Finding:
    """Room for everyone who may want to connect."""
    used, most = _row(conn, "SELECT count(*), current_setting('max_connections')::int FROM pg_stat_activity "
                      "WHERE backend_type = 'client backend'")  # fmt: skip
    advice = "Lower WASL_WEB_THREADS, run fewer processes, or raise max_connections."
    return graded("connections", f"{used} of {most} in use", advice, warn_if=used > 0.8 * most)


def clock(conn: Connection) -> Finding:
    """This machine and the database agree on the time, less half the way there and back."""
    before = time.time()
    there = float(_row(conn, "SELECT extract(epoch FROM clock_timestamp())")[0])
    after = time.time()
    off = abs(there - (before + after) / 2)
    text = f"differs from the database's by {span(off)}"
    advice = "Let both machines set their clocks over the network (systemd-timesyncd or chrony)."
    return graded("clock", text, advice, warn_if=off > CLOCK_WARN, fail_if=off > CLOCK_FAIL)


def _row(conn: Connection, query: str) -> tuple[Any, ...]:
    row: tuple[Any, ...] | None = conn.execute(query.encode()).fetchone()
    if row is None:
        raise LookupError(query)
    return row
