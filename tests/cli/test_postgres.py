"""Our own PostgreSQL: made whole, started, adopted, brought back after a kill, and never open to strangers."""

import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest

from tests.cli.conftest import SECRET, new_folder
from tests.cli.installation import ROOT, alive, until
from wasl.kit import pghost, pglayout, pgroles
from wasl.kit.pglayout import SUPERUSER, dsn_for, role_dsn
from wasl.kit.postgres import APP_ROLE, QUEUE_ROLE, Cluster, ServerFailed


@pytest.fixture(scope="module")
def made(new_cluster: Path) -> Iterator[Cluster]:
    folder = new_folder()
    subprocess.run(["cp", "-a", str(new_cluster), str(folder / "data")], check=True)
    cluster = Cluster(folder / "data", SECRET, fast=True)
    yield cluster
    cluster.stop()
    shutil.rmtree(folder)


@pytest.fixture
def server(made: Cluster) -> Cluster:
    """One for all tests of this file, running again after a test that stopped it."""
    made.start()
    return made


def ask(dsn: str, query: str) -> object:
    with psycopg.connect(dsn) as conn:
        row = conn.execute(query.encode()).fetchone()
        return row[0] if row else None


def test_what_it_is_made_of(server: Cluster) -> None:
    owner = server.owner_dsn
    assert int(str(ask(owner, "SELECT current_setting('server_version_num')"))) >= 180000
    assert ask(owner, "SELECT current_setting('server_encoding')") == "UTF8"
    assert (
        ask(owner, "SELECT datlocprovider::text || datlocale FROM pg_database WHERE datname = 'wasl'")
        == "bC.UTF-8"
    )
    assert ask(owner, "SELECT current_setting('data_checksums')") == "on"
    assert ask(owner, "SELECT current_setting('listen_addresses')") == ""
    assert (
        ask(
            owner,
            "SELECT rolsuper OR rolbypassrls OR rolreplication FROM pg_roles WHERE rolname = current_user",
        )
        is False
    )
    assert ask(owner, "SELECT lower('ÀÉÎ')") == "àéî"


def test_a_real_one_keeps_what_was_committed_through_a_kill(data: Path) -> None:
    real = Cluster(data, SECRET)
    first = real.start()
    try:
        for name in ("fsync", "full_page_writes", "synchronous_commit"):
            assert ask(real.owner_dsn, f"SELECT current_setting('{name}')") == "on"
        with psycopg.connect(real.owner_dsn, autocommit=True) as conn:
            conn.execute("CREATE TABLE kept AS SELECT 1 AS x")
        os.kill(first, signal.SIGKILL)
        until(lambda: not alive(first))
        assert real.start() != first
        assert ask(real.owner_dsn, "SELECT x FROM kept") == 1
    finally:
        real.stop()
        real.remove()


def test_nobody_gets_in_without_the_password(server: Cluster) -> None:
    for user in (SUPERUSER, "wasl_owner"):
        with pytest.raises(psycopg.OperationalError, match="password authentication failed"):
            psycopg.connect(server.conninfo(user), password="guess")
        with pytest.raises(psycopg.OperationalError, match="no password supplied"):
            psycopg.connect(server.conninfo(user), password="")
    methods = {
        line.split()[-1]
        for line in (server.directory / "pg_hba.conf").read_text().splitlines()
        if line.strip() and not line.startswith("#")
    }
    assert methods == {"scram-sha-256"}
    assert server.directory.stat().st_mode & 0o077 == 0


def test_roles_are_bound_and_only_the_queue_may_step_down(server: Cluster) -> None:
    for _ in range(2):
        pgroles.ensure_database_and_roles(server.owner_dsn, SECRET)
    app, queue = (role_dsn(server.owner_dsn, role, SECRET) for role in (APP_ROLE, QUEUE_ROLE))
    for dsn in (app, queue):
        assert (
            ask(
                dsn,
                "SELECT rolsuper OR rolbypassrls OR rolcreaterole FROM pg_roles WHERE rolname = current_user",
            )
            is False
        )
        with pytest.raises(psycopg.errors.InsufficientPrivilege):
            ask(dsn, "CREATE TABLE mine (x int)")
    with psycopg.connect(server.owner_dsn, autocommit=True) as conn:
        conn.execute("DROP TABLE IF EXISTS for_app")
        conn.execute("CREATE TABLE for_app (x int)")
        conn.execute(f"GRANT SELECT ON for_app TO {APP_ROLE}")
    with pytest.raises(psycopg.errors.InsufficientPrivilege):
        ask(queue, "SELECT count(*) FROM for_app")
    with psycopg.connect(queue) as conn:
        conn.execute(f"SET LOCAL ROLE {APP_ROLE}")
        assert conn.execute("SELECT count(*) FROM for_app").fetchone() == (0,)
    with pytest.raises(psycopg.errors.InsufficientPrivilege):
        ask(app, f"SET ROLE {QUEUE_ROLE}")


def test_an_owner_who_may_not_make_roles_gets_the_statements(server: Cluster) -> None:
    with psycopg.connect(server.owner_dsn, autocommit=True) as conn:
        conn.execute("CREATE ROLE small LOGIN PASSWORD 'small'")
        conn.execute("CREATE DATABASE small")
    dsn = f"{server.owner_dsn} user=small password=small dbname=small"
    other = "z" * 40  # the roles may be there from another test, with another password
    with pytest.raises(pgroles.CannotPrepare) as caught:
        pgroles.ensure_database_and_roles(dsn, other)
    assert "CREATEROLE" in str(caught.value)
    with psycopg.connect(f"{server.conninfo(SUPERUSER)} dbname=small", autocommit=True) as conn:
        for line in str(caught.value).splitlines():
            if line.startswith("  "):
                conn.execute(line.encode())
    assert ask(role_dsn(dsn, APP_ROLE, other), "SELECT current_user") == APP_ROLE
    pgroles.ensure_database_and_roles(dsn, other)  # there is nothing left that it may not do


def test_a_missing_database_is_made(server: Cluster) -> None:
    dsn = f"{server.owner_dsn} dbname=another"
    pgroles.ensure_database_and_roles(dsn, SECRET)
    assert ask(role_dsn(dsn, QUEUE_ROLE, SECRET), "SELECT current_database()") == "another"


def test_it_is_adopted_not_started_twice(server: Cluster) -> None:
    pid = server.pid()
    again = Cluster(server.data_dir, SECRET)
    assert again.start() == pid
    assert again.pid() == pid


def test_a_fast_one_ends_with_the_process_that_started_it(data: Path) -> None:
    code = (
        "import sys, time; from pathlib import Path; from wasl.kit.postgres import Cluster\n"
        f"print(Cluster(Path({str(data)!r}), {SECRET!r}, fast=True).start(), flush=True); time.sleep(60)"
    )
    with subprocess.Popen(
        [sys.executable, "-c", code], stdout=subprocess.PIPE, cwd=ROOT, text=True
    ) as process:
        assert process.stdout
        pid = int(process.stdout.readline())
        assert alive(pid)
        process.kill()
    until(lambda: not alive(pid))
    Cluster(data, SECRET).remove()


def test_a_new_secret_key_changes_the_passwords(server: Cluster) -> None:
    server.stop()
    other = Cluster(server.data_dir, "y" * 40, fast=True)
    other.start()
    assert ask(other.owner_dsn, "SELECT 1") == 1
    with pytest.raises(psycopg.OperationalError, match="password authentication failed"):
        psycopg.connect(server.owner_dsn)
    other.stop()


def test_an_interrupted_making_is_made_again(place: Path) -> None:
    made = Cluster(place / "data", SECRET, fast=True)
    half = place / "data" / "pg.new"
    half.mkdir(parents=True)
    (place / "data").chmod(0o711)
    (half / "PG_VERSION").write_text("18\n")
    made.ensure_cluster()
    assert not half.exists()
    made.start()
    assert ask(made.owner_dsn, "SELECT 1") == 1
    made.stop()


def test_one_that_is_in_place_is_never_deleted(data: Path) -> None:
    made = Cluster(data, SECRET, fast=True)
    (made.directory / "wasl.passwords").unlink()
    (made.directory / "wasl.conf").unlink()
    inode = (made.directory / "base").stat().st_ino
    made.ensure_cluster()
    assert (made.directory / "base").stat().st_ino == inode


def test_settings_of_ones_own_win(server: Cluster) -> None:
    server.stop()
    with (server.directory / "own.conf").open("a") as file:
        file.write("work_mem = '7MB'\n")
    server.start()
    assert ask(server.owner_dsn, "SELECT current_setting('work_mem')") == "7MB"


def test_a_deep_folder_gets_its_socket_elsewhere(data: Path) -> None:
    deep = data.parent / ("d" * 60) / ("e" * 60)
    deep.parent.mkdir(mode=0o711)
    data.rename(deep)
    made = Cluster(deep, SECRET, fast=True)
    assert len(os.fsencode(made.socket_dir / ".s.PGSQL.5432.lock")) <= pglayout.SOCKET_PATH_LIMIT
    made.start()
    assert ask(made.owner_dsn, "SELECT 1") == 1
    assert made.socket_dir.stat().st_mode & 0o066 == 0
    made.stop()
    made.remove()
    assert not made.socket_dir.exists()


def test_a_server_that_cannot_start_says_why(data: Path) -> None:
    made = Cluster(data, SECRET, fast=True)
    made.ensure_cluster()
    (made.directory / "own.conf").write_text("shared_buffers = 'a lot'\n")
    with pytest.raises(ServerFailed, match="shared_buffers"):
        made.start(patience=1)
    made.remove()


def test_what_listens_on_the_folder_must_be_ours(server: Cluster) -> None:
    mark = server.directory / "postmaster.pid"
    server.stop()
    mark.write_text(f"{os.getpid()}\n{server.directory}\n\n\n\n\n\nready\n")
    assert server.pid() is None, "a process id that was given to another program is not our server"
    assert not server.ready()
    mark.unlink()


@pytest.mark.skipif(os.geteuid() != 0, reason="only root runs the server as someone else")
def test_root_runs_it_as_someone_else_and_loosens_nothing(
    place: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(pghost, "SHARED_PLACE", place / "place")
    closed = place / "closed"
    closed.mkdir(mode=0o700)
    made = Cluster(closed / "data", SECRET, fast=True)
    pid = made.start()
    try:
        assert Path(f"/proc/{pid}").stat().st_uid != 0
        assert closed.stat().st_mode & 0o777 == 0o700, "a folder that is not ours keeps its mode"
        assert made.directory.is_relative_to(place / "place"), "out of reach, so placed where it is in reach"
        assert (closed / "data" / "pg").is_symlink()
        assert ask(made.owner_dsn, "SELECT 1") == 1
        assert made.directory.stat().st_mode & 0o077 == 0
    finally:
        made.stop()
        made.remove()
    assert list((place / "place").iterdir()) == []
    assert not (closed / "data" / "pg").exists()


@pytest.mark.skipif(os.geteuid() != 0, reason="only root runs the server as someone else")
def test_programs_out_of_reach_are_linked_into_reach(place: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pghost, "SHARED_PLACE", place / "place")
    owner = pghost.owner_of(place / "nothing")
    installed = pghost._installed()
    real = pghost.Owner.reaches
    monkeypatch.setattr(
        pghost.Owner,
        "reaches",
        lambda self, path, mode=os.X_OK: installed not in path.parents and real(self, path, mode),
    )
    for _ in range(2):
        folder = pghost.programs(owner)
        found = subprocess.run(
            [folder / "postgres", "--version"], capture_output=True, text=True, **owner.spawn_options()
        )
        assert found.stdout.startswith("postgres (PostgreSQL) 18")
        assert subprocess.run([folder / "initdb", "--version"], **owner.spawn_options()).returncode == 0
    assert len(list((place / "place").iterdir())) == 1


def test_an_external_address_is_used_as_it_is() -> None:
    class Keys:
        secret_key = SECRET

    class Installation:
        data_dir = Path("/nowhere")
        database_url = "postgresql://boss:p%40ss@db.example.com:5433/wasl?sslmode=require"
        keys = Keys()

    env = Installation()
    assert dsn_for(env, "owner") == env.database_url
    parts = psycopg.conninfo.conninfo_to_dict(dsn_for(env, "app"))
    assert (parts["user"], parts["host"], parts["port"], parts["dbname"]) == (
        APP_ROLE,
        "db.example.com",
        "5433",
        "wasl",
    )
    assert parts["sslmode"] == "require"
    assert parts["password"] == pglayout.role_password(SECRET, APP_ROLE)
