"""Shared fixtures: one real PostgreSQL for the session, really migrated; every test commits for real."""

import os
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from tests.worlds import Shop

_MEMORY = "/dev/shm" if os.access("/dev/shm", os.W_OK) else None
_DATA = Path(tempfile.mkdtemp(prefix="wasl-test-", dir=_MEMORY))
_DATA.chmod(0o711)  # as root the server runs as another user, who passes through
os.environ.update(
    {
        "DJANGO_SETTINGS_MODULE": "wasl.config.settings",
        "WASL_DATA_DIR": str(_DATA),
        "WASL_SANDBOX": "on",
        "WASL_SECRET_KEY": "test-secret-key-that-is-long-enough-for-anyone",
        "WASL_ALLOWED_HOSTS": "testserver",
        "WASL_LOG_LEVEL": "warning",
    }
)

import psycopg  # noqa: E402
from django.apps import apps  # noqa: E402

from wasl.kit.postgres import Cluster  # noqa: E402


def pytest_configure() -> None:
    """Django is set up once; nothing is asked of the database yet."""
    import django

    django.setup()


def pytest_unconfigure() -> None:
    """Leave nothing behind."""
    if apps.ready:
        from django.db import connections

        for connection in connections.all():
            connection.close()
            if getattr(connection, "pool", None):
                connection.close_pool()
        from wasl.kit import db

        for pool in db.opened():
            pool.close()
    if _cluster is not None:
        _cluster.stop()
        _cluster.remove()
    shutil.rmtree(_DATA, ignore_errors=True)


_cluster: Cluster | None = None


@pytest.fixture(scope="session")
def cluster() -> Cluster:
    """A running, migrated PostgreSQL. fsync is off: durability has tests of its own."""
    global _cluster
    if _cluster is None:
        from wasl.config import migrate

        _cluster = Cluster(_DATA, os.environ["WASL_SECRET_KEY"], fast=True)
        _cluster.ensure_cluster()
        _cluster.start()
        migrate.run()
    return _cluster


_KEPT = {"django_migrations", "timeline_epoch", "django_content_type", "auth_permission"}


@pytest.fixture
def owner(cluster: Cluster) -> Iterator[psycopg.Connection[Any]]:
    """A connection of the owner, who sees every row: for arranging and for looking, never for the code under test."""
    with psycopg.connect(cluster.owner_dsn, autocommit=True) as conn:
        yield conn


@pytest.fixture
def db(cluster: Cluster) -> Iterator[None]:
    """Empty tables."""
    from django.db import connections

    with psycopg.connect(cluster.owner_dsn, autocommit=True) as conn:
        conn.execute(_CLEAN)
    yield
    connections.close_all()


_CLEAN = f"""
DO $$
DECLARE t text; filled boolean; names text[] := '{{}}';
BEGIN
  FOR t IN SELECT relname FROM pg_class JOIN pg_namespace n ON n.oid = relnamespace
           WHERE nspname = 'public' AND relkind = 'r' AND relname <> ALL (ARRAY{sorted(_KEPT)}) LOOP
    EXECUTE format('SELECT EXISTS (SELECT FROM %I)', t) INTO filled;
    IF filled THEN names := names || quote_ident(t); END IF;
  END LOOP;
  IF names <> '{{}}' THEN EXECUTE 'TRUNCATE ' || array_to_string(names, ', ') || ' CASCADE'; END IF;
END $$
"""


@pytest.fixture
def shop(db: None) -> "Shop":
    """A workspace with an e-mail inbox, an API inbox and one agent of each role."""
    from tests.worlds import Shop

    return Shop.create()


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """A test that takes more than two minutes is stuck."""
    for item in items:
        if item.get_closest_marker("timeout") is None:
            item.add_marker(pytest.mark.timeout(120))
