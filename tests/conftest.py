"""Shared fixtures: one real PostgreSQL for the session, really migrated; every test commits for real."""

import fcntl
import os
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from tests.schedule import longest_first

if TYPE_CHECKING:
    from tests.schedule import Scheduling
    from tests.worlds import Shop

_MEMORY = "/dev/shm" if os.access("/dev/shm", os.W_OK) else None
_DATA = Path(tempfile.mkdtemp(prefix="wasl-test-", dir=_MEMORY))
_DATA.chmod(0o711)  # as root the server runs as another user, who passes through
# The first of many workers makes a migrated database; the others, whose parent this was read in, begin with a copy.
_SHARED = Path(os.environ.setdefault("TESTS_SHARED", str(_DATA)))
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
from hypothesis import HealthCheck, settings  # noqa: E402

from wasl.kit.pglayout import SUPERUSER  # noqa: E402
from wasl.kit.postgres import Cluster  # noqa: E402

# How long an example takes is the machine's matter. In CI the examples are the same each time.
_SLOW = {"deadline": None, "suppress_health_check": [HealthCheck.too_slow]}
settings.register_profile("wasl", settings.get_profile("ci" if os.environ.get("CI") else "default"), **_SLOW)
settings.load_profile("wasl")


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
    if _cleaner is not None:
        _cleaner.close()
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
        _cluster = Cluster(_DATA, os.environ["WASL_SECRET_KEY"], fast=True)
        with (_SHARED / "lock").open("w") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            _begin(_cluster)
        _cluster.start()
    return _cluster


def _begin(cluster: Cluster) -> None:
    """A migrated database that does not run: made, and kept for the other workers, or a copy of theirs."""
    made = _SHARED / "migrated"
    if made.exists():
        subprocess.run(["cp", "-a", f"{made}/.", _DATA], check=True)
        return
    from django.db import connections

    from wasl.config import migrate

    cluster.start()
    migrate.run()
    connections.close_all()
    if _SHARED != _DATA:
        cluster.stop()
        subprocess.run(["cp", "-a", _DATA, made.with_suffix(".new")], check=True)
        made.with_suffix(".new").rename(made)


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

    empty(cluster)
    yield
    connections.close_all()


def empty(cluster: Cluster) -> None:
    """Empty the tables."""
    global _cleaner
    if _cleaner is None or _cleaner.broken or not _emptied(_cleaner):
        _cleaner = psycopg.connect(cluster.conninfo(SUPERUSER), autocommit=True)
        _cleaner.execute(
            "SET session_replication_role = replica"
        )  # no foreign key and no trigger looks at each row
        assert _emptied(_cleaner)


_cleaner: psycopg.Connection[Any] | None = None


def _emptied(conn: psycopg.Connection[Any]) -> bool:
    """Empty the tables; false when the server was restarted since."""
    try:
        conn.execute(_CLEAN)
    except psycopg.OperationalError:
        return False
    return True


# A new file for each table and index is a tenth of a second; a few rows are deleted in a hundredth of that.
_CLEAN = f"""
DO $$
DECLARE t text; filled boolean; names text[] := '{{}}';
BEGIN
  FOR t IN SELECT quote_ident(relname) FROM pg_class JOIN pg_namespace n ON n.oid = relnamespace
           WHERE nspname = 'public' AND relkind = 'r' AND relname <> ALL (ARRAY{sorted(_KEPT)}) LOOP
    EXECUTE 'SELECT EXISTS (SELECT FROM ' || t || ')' INTO filled;
    IF pg_relation_size(t::regclass) > 65536 THEN names := names || t;
    ELSIF filled THEN EXECUTE 'DELETE FROM ' || t; END IF;
  END LOOP;
  IF names <> '{{}}' THEN EXECUTE 'TRUNCATE ' || array_to_string(names, ', ') || ' CASCADE'; END IF;
  PERFORM pg_stat_force_next_flush();  -- or what was read here would be counted seconds later
END $$
"""


@pytest.fixture
def shop(db: None) -> "Shop":
    """A workspace with an e-mail inbox, an API inbox and one agent of each role."""
    from tests.worlds import Shop

    return Shop.create()


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> "Scheduling":
    """However many workers there are, and whatever `--dist` says."""
    from tests.schedule import Scheduling

    return Scheduling(config, log)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """What takes longest comes first, and a test that takes many minutes is stuck."""
    longest_first(items)
    for item in items:
        if item.get_closest_marker("timeout") is None:
            item.add_marker(pytest.mark.timeout(400))
