"""Talking to PostgreSQL: the workspace of a transaction, and raw connections where the ORM is too slow."""

from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from typing import Any, LiteralString
from uuid import UUID

import django.db
import msgspec
import psycopg
from django.conf import settings
from django.db import connection, transaction
from psycopg.rows import tuple_row
from psycopg.types.json import set_json_loads
from psycopg_pool import ConnectionPool
from psycopg_pool.base import AttemptWithBackoff

from wasl.kit import arrays  # noqa: F401 - registers how lists are sent
from wasl.kit.tenancy import APP_ROLE

Connection = psycopg.Connection[tuple[Any, ...]]
AsyncConnection = psycopg.AsyncConnection[tuple[Any, ...]]

# A PostgreSQL that was killed is back in half a second. Pools (Django's too) would try after 1, 3 and 7 s; so they do
# after 0.1, 0.25, 0.5, 0.8, 1.3, 2.1, 3.2 … s.
AttemptWithBackoff.INITIAL_DELAY = 0.1
AttemptWithBackoff.DELAY_BACKOFF = 1.5

set_json_loads(msgspec.json.decode)  # a fifth of the time of `json.loads`, for every touchpoint that is read

AWAY = (
    django.db.OperationalError,
    django.db.InterfaceError,
    psycopg.OperationalError,
    psycopg.InterfaceError,
)
"""What is raised while the database does not answer: through the ORM, or on a raw connection."""

SET_WORKSPACE: LiteralString = "SELECT set_config('wasl.workspace', %s, true)"


@contextmanager
def tenant(workspace_id: UUID) -> Iterator[None]:
    """A transaction of the ORM's connection that may touch one workspace's rows, and no other's."""
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(SET_WORKSPACE, [str(workspace_id)])
        yield


def enter(workspace_id: UUID) -> None:
    """Set the workspace of the ORM's transaction that is already open."""
    with connection.cursor() as cursor:
        cursor.execute(SET_WORKSPACE, [str(workspace_id)])


def raw() -> Connection:
    """The psycopg connection under the ORM, for set-based statements inside `tenant(…)`."""
    connection.ensure_connection()
    return connection.connection  # type: ignore[no-any-return]


@contextmanager
def as_tenant(conn: Connection, workspace_id: UUID) -> Iterator[None]:
    """Inside a transaction of the queue role: do one workspace's work as the application's role.

    The queue role sees queues, timeline and cursors of every workspace and nothing else; for the work itself it
    steps down to the role that row-level security binds to this workspace.
    """
    conn.execute(_ENTER, [str(workspace_id)])
    yield
    conn.execute(_LEAVE)


# One round trip: the role is switched by set_config, which SET LOCAL ROLE is an alias of.
_ENTER: LiteralString = (
    f"SELECT set_config('wasl.workspace', %s, true), set_config('role', '{APP_ROLE}', true)"
)
_LEAVE: LiteralString = "SELECT set_config('role', 'none', true), set_config('wasl.workspace', '', true)"


def prepare(conn: psycopg.Connection[Any]) -> None:
    """Configure a raw connection: statements of every loop are prepared on first use."""
    conn.prepare_threshold = 0
    conn.row_factory = tuple_row


async def prepare_async(conn: psycopg.AsyncConnection[Any]) -> None:
    """The same for the connection of an event loop."""
    conn.prepare_threshold = 0


def conninfo(role: str, application: str) -> str:
    """The connection string of `app` or `queue`, named after who asks so that `wasl check` can tell."""
    base: str = settings.WASL_DSN[role]
    return psycopg.conninfo.make_conninfo(base, application_name=f"wasl {application}")


def _planned_once(info: str) -> str:
    given = psycopg.conninfo.conninfo_to_dict(info).get("options") or ""
    return psycopg.conninfo.make_conninfo(
        info, options=f"{given} -c plan_cache_mode=force_generic_plan".strip()
    )


_opened: list[ConnectionPool[psycopg.Connection[Any]]] = []


@cache
def pool(
    role: str, application: str, size: int = 4, *, planned_once: bool = False
) -> ConnectionPool[psycopg.Connection[Any]]:
    """A process-wide pool of raw connections of one role.

    `planned_once`: a statement keeps the plan it was given first. For loops whose every statement is about rows that
    it names by their ids: PostgreSQL would go on planning them at each call, for a fifth of what they cost.
    """
    made: ConnectionPool[psycopg.Connection[Any]] = ConnectionPool(
        _planned_once(conninfo(role, application)) if planned_once else conninfo(role, application),
        min_size=1,
        max_size=size,
        configure=prepare,
        kwargs={"autocommit": False},
        check=ConnectionPool.check_connection,
        timeout=10,
        open=True,
        name=f"{role}:{application}",
    )
    _opened.append(made)
    return made


def opened() -> list[ConnectionPool[psycopg.Connection[Any]]]:
    """The pools this process has opened."""
    return list(_opened)
