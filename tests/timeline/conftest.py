"""A workspace without anybody in it, and ways to write on its timeline and to follow it."""

from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

import psycopg
import pytest

from tests.timeline.people import make_customers, make_workspace
from wasl.kit.db import SET_WORKSPACE, Connection, conninfo, prepare
from wasl.timeline.actions import Touch, append

AT = datetime(2026, 3, 1, 12, 30, 15, 123456, tzinfo=UTC)


class Place:
    """One workspace with customers, and a writer for it."""

    def __init__(self, owner: psycopg.Connection[Any], conn: Connection) -> None:
        self.owner, self.conn = owner, conn
        self.id = make_workspace(owner)
        self.people = make_customers(owner, self.id, 5)

    def write(self, count: int, kind: str = "message.sent", **more: Any) -> list[UUID]:
        """Commit touchpoints, the customers taking turns."""
        people = self.people
        touches = [
            Touch(people[n % len(people)], kind, AT, about_id=UUID(int=n), **more) for n in range(count)
        ]
        with self.conn.transaction():
            self.enter()
            return append(self.conn, self.id, touches)

    def enter(self) -> None:
        """Set the workspace of the transaction that is open."""
        self.conn.execute(SET_WORKSPACE, [str(self.id)])


@pytest.fixture
def app(db: None) -> Iterator[Connection]:
    """A connection of the application's role."""
    with psycopg.connect(conninfo("app", "test"), autocommit=True) as conn:
        prepare(conn)
        yield conn


@pytest.fixture
def queue(db: None) -> Iterator[Connection]:
    """A connection of the queue role."""
    with psycopg.connect(conninfo("queue", "test"), autocommit=True) as conn:
        prepare(conn)
        yield conn


@pytest.fixture
def place(owner: psycopg.Connection[Any], app: Connection) -> Place:
    """A workspace to write in."""
    return Place(owner, app)
