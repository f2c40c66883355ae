"""Making our own PostgreSQL: folders, initdb, settings, and the first roles in its single-user mode."""

import hmac
import os
import shutil
import subprocess
import tempfile
from collections.abc import Sequence
from pathlib import Path

from wasl.kit import pghost
from wasl.kit.pghost import Owner
from wasl.kit.pglayout import DATABASE, OWNER, SUPERUSER, Layout, ServerFailed, role_password, tail

# Chosen for a small machine; measured figures are in docs/operating.md. One process less each: logical launcher,
# I/O workers. max_wal_size bounds how long recovery after a kill takes; before that, what the killed server wrote
# is synced as one file system (0.1–0.7 s beside other writers) and not as 1,500 files (0.2–3.0 s). Statements and
# parameters are never logged: they hold what customers wrote.
SETTINGS = {
    "listen_addresses": "",
    "unix_socket_permissions": "0700",
    "max_connections": "60",
    "shared_buffers": "64MB",
    "work_mem": "4MB",
    "maintenance_work_mem": "32MB",
    "effective_cache_size": "512MB",
    "random_page_cost": "1.1",
    "jit": "off",
    "io_method": "sync",
    "max_worker_processes": "2",
    "max_parallel_workers_per_gather": "0",
    "max_parallel_maintenance_workers": "0",
    "max_logical_replication_workers": "0",
    "max_wal_senders": "2",
    "autovacuum_max_workers": "2",
    "autovacuum_naptime": "10s",
    "wal_buffers": "4MB",
    "max_wal_size": "512MB",
    "min_wal_size": "80MB",
    "recovery_init_sync_method": "syncfs",
    "fsync": "on",
    "full_page_writes": "on",
    "synchronous_commit": "on",
    "password_encryption": "scram-sha-256",
    "client_connection_check_interval": "5s",
    "timezone": "UTC",
    "log_timezone": "UTC",
    "log_line_prefix": "%m [%p] %a ",
    "log_min_error_statement": "panic",
    "log_checkpoints": "off",
}
INITDB_OPTIONS = (
    f"--username={SUPERUSER}",
    "--auth=scram-sha-256",
    "--encoding=UTF8",
    "--locale-provider=builtin",
    "--builtin-locale=C.UTF-8",
    "--locale=C",
    "--data-checksums",
    "--no-instructions",
)
FIRST_STATEMENTS = (
    f"CREATE ROLE {OWNER} LOGIN CREATEROLE CREATEDB NOSUPERUSER NOBYPASSRLS",
    f"GRANT pg_monitor TO {OWNER}",
    f"CREATE DATABASE {DATABASE} OWNER {OWNER}",
    f"REVOKE ALL ON DATABASE {DATABASE} FROM PUBLIC",
)
PASSWORD_MARK = "wasl.passwords"  # noqa: S105 - a file name
# For unit tests only: a crash may lose everything.
FAST = {"fsync": "off", "full_page_writes": "off", "synchronous_commit": "off", "autovacuum": "off"}


def ensure(cluster: Layout) -> None:
    """Make the folders, the cluster, its owner role and database; bring passwords and settings up to date.

    Safe to repeat, and to repeat after it was cut short: a new cluster is made aside and moved into place
    whole, and one that is in place is never deleted. The server must not be running.
    Raises NoServer or ServerFailed.
    """
    if not (cluster.directory / "PG_VERSION").exists():
        owner = _place(cluster)
        _make_folders(cluster, owner)
        draft = cluster.directory.with_name("pg.new")
        shutil.rmtree(draft, ignore_errors=True)
        _initdb(cluster, owner, draft)
        _write_settings(cluster, owner, draft)
        _single(owner, draft, FIRST_STATEMENTS)
        _sync_passwords(cluster, owner, draft)
        draft.rename(cluster.directory)
    owner = pghost.owner_of(cluster.directory)
    _make_folders(cluster, owner)
    _write_settings(cluster, owner, cluster.directory)
    _sync_passwords(cluster, owner, cluster.directory)


def _place(cluster: Layout) -> Owner:
    """Decide where the cluster goes: the data folder, unless the server's user cannot reach into it."""
    owner = pghost.owner_of(cluster.directory)
    link = cluster.data_dir / "pg"
    # Passing through is all that others may do in a folder of root's: the server runs as another user.
    pghost.make_folder(cluster.data_dir, 0o711 if owner.switch else 0o700, parents=True)
    if link.is_symlink():
        pghost.make_folder(pghost.SHARED_PLACE, 0o755, parents=True)
        pghost.make_folder(cluster.directory.parent, 0o711)
    elif not owner.reaches(cluster.data_dir):
        place = pghost.SHARED_PLACE / f"cluster-{os.urandom(6).hex()}"
        pghost.make_folder(pghost.SHARED_PLACE, 0o755, parents=True)
        pghost.make_folder(place, 0o711)
        link.symlink_to(place / "pg")
    return owner


def _make_folders(cluster: Layout, owner: Owner) -> None:
    pghost.make_folder(cluster.log.parent, 0o700)
    passage = 0o711 if owner.switch else 0o700
    run, sockets = cluster.data_dir / "run", cluster.socket_dir
    pghost.make_folder(run, passage)
    if owner.switch and not sockets.is_relative_to(pghost.SHARED_PLACE):
        run.chmod(passage)  # whoever made it, the server's user passes through it to its socket
    pghost.make_folder(sockets, passage)
    if sockets.is_symlink() or sockets.stat().st_uid not in {owner.uid, os.geteuid()}:
        raise ServerFailed(
            f"{sockets} belongs to someone else. Remove it, or choose a shorter WASL_DATA_DIR."
        )
    owner.give(sockets)


def _initdb(cluster: Layout, owner: Owner, place: Path) -> None:
    place.mkdir(mode=0o700)
    owner.give(place)
    with tempfile.NamedTemporaryFile("w", encoding="ascii") as password:
        password.write(role_password(cluster.secret, SUPERUSER))
        password.flush()
        owner.give(Path(password.name))
        places = [f"--pgdata={place}", f"--pwfile={password.name}"]
        _run(owner, place, "initdb", [*places, *INITDB_OPTIONS, *(["--no-sync"] if cluster.fast else [])])
    (place / "postgresql.conf").write_text("include 'wasl.conf'\ninclude 'own.conf'\n")
    own = place / "own.conf"
    own.write_text("# Settings of your own for PostgreSQL. They win over Wasl's and are kept over updates.\n")
    owner.give(own)


def _write_settings(cluster: Layout, owner: Owner, place: Path) -> None:
    values = SETTINGS | (FAST if cluster.fast else {}) | {"unix_socket_directories": str(cluster.socket_dir)}
    lines = [f"{name} = {_quoted(value)}" for name, value in values.items()]
    path = place / "wasl.conf"
    path.write_text(
        "\n".join(["# Written by Wasl at every start. Your own settings go into own.conf.", *lines, ""])
    )
    owner.give(path)


def _sync_passwords(cluster: Layout, owner: Owner, place: Path) -> None:
    """Passwords follow the secret key; after a change of the key they are set anew from within."""
    mark = place / PASSWORD_MARK
    wanted = role_password(cluster.secret, "fingerprint")
    if mark.exists() and hmac.compare_digest(mark.read_text("ascii"), wanted):
        return
    passwords = {role: role_password(cluster.secret, role) for role in (SUPERUSER, OWNER)}
    _single(owner, place, [f"ALTER ROLE {role} PASSWORD '{word}'" for role, word in passwords.items()])
    mark.touch(mode=0o600)
    mark.write_text(wanted, "ascii")
    owner.give(mark)


def _single(owner: Owner, place: Path, statements: Sequence[str]) -> None:
    """Run statements in single-user mode, each on a line of its own."""
    arguments = ["--single", "-D", str(place), "-c", "exit_on_error=on", SUPERUSER]
    _run(owner, place, "postgres", arguments, "\n".join(statements) + "\n")


def _run(owner: Owner, place: Path, program: str, arguments: list[str], text: str = "") -> None:
    result = subprocess.run(
        [str(pghost.programs(owner) / program), *arguments],
        check=False,
        input=text,
        capture_output=True,
        text=True,
        cwd=place,
        env=pghost.ENVIRONMENT,
        **owner.spawn_options(),
    )
    if result.returncode:
        raise ServerFailed(f"{program} failed: {tail(result.stderr or result.stdout)}")


def _quoted(value: str) -> str:
    return "'" + value.replace("'", "''") + "'"
