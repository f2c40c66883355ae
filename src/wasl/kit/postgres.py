"""Our own PostgreSQL: made, started, adopted and stopped as a plain child process, from the binaries of a wheel.

No psycopg and no Django here: the supervisor, which must stay small, uses this. The first roles and the database
are made in PostgreSQL's single-user mode; whatever the application needs beyond them is `pgroles`' matter.
"""

import contextlib
import hashlib
import hmac
import os
import secrets
import shutil
import signal
import subprocess
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Protocol
from urllib.parse import quote, urlsplit, urlunsplit

from wasl.kit import pghost
from wasl.kit.pghost import NoServer, Owner

DATABASE = "wasl"
SUPERUSER = "postgres"
OWNER = "wasl_owner"
APP_ROLE = "wasl_app"
QUEUE_ROLE = "wasl_queue"
SOCKET_PATH_LIMIT = 107  # bytes of sun_path in Linux, less the final NUL
PORT = 5432

# Chosen for a small machine; measured figures are in docs/operating.md. One process less each: logical launcher,
# I/O workers. max_wal_size bounds how long recovery after a kill takes. Statements and parameters are never
# logged: they hold what customers wrote.
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
    "wal_buffers": "4MB",
    "max_wal_size": "512MB",
    "min_wal_size": "80MB",
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
PASSWORD_MARK = "wasl.passwords"
# Nothing of ours leaks into the server: PGOPTIONS, PGDATA and the like would change how it starts.
ENVIRONMENT = {"PATH": os.defpath, "LC_ALL": "C", "TZ": "UTC"}
# For unit tests only: a crash may lose everything.
FAST = {"fsync": "off", "full_page_writes": "off", "synchronous_commit": "off", "autovacuum": "off"}


class Keys(Protocol):
    """The part of the keys that this file needs."""

    @property
    def secret_key(self) -> str: ...


class Installation(Protocol):
    """The part of the settings that this file needs."""

    @property
    def data_dir(self) -> Path: ...
    @property
    def database_url(self) -> str: ...
    @property
    def keys(self) -> Keys: ...


class ServerFailed(Exception):
    """The server did not start; the text ends with the last lines of its log."""


def role_password(secret: str, role: str) -> str:
    """The password of a database role: HMAC-SHA256 of its name under the secret key, as hexadecimal digits."""
    return hmac.new(secret.encode(), f"postgres role {role}".encode(), hashlib.sha256).hexdigest()


def dsn_for(env: Installation, role: str) -> str:
    """The libpq connection string of `owner`, `app` or `queue`, in our own PostgreSQL or the one that was given."""
    secret = env.keys.secret_key
    owner_dsn = env.database_url or Cluster(env.data_dir, secret).owner_dsn
    return (
        owner_dsn
        if role == "owner"
        else role_dsn(owner_dsn, {"app": APP_ROLE, "queue": QUEUE_ROLE}[role], secret)
    )


def role_dsn(owner_dsn: str, role: str, secret: str) -> str:
    """The connection string of another role in the owner's database; both forms of libpq are understood."""
    password = role_password(secret, role)
    if "://" not in owner_dsn:
        return f"{owner_dsn} user={role} password={password}"  # of two equal keywords libpq takes the last
    parts = urlsplit(owner_dsn)
    place = parts.netloc.rpartition("@")[2]
    return urlunsplit(parts._replace(netloc=f"{quote(role)}:{password}@{place}"))


class Cluster:
    """One PostgreSQL under a data folder. `fast` gives up durability and is for unit tests only."""

    def __init__(self, data_dir: Path, secret: str, *, fast: bool = False) -> None:
        self.data_dir = data_dir
        self.secret = secret
        self.fast = fast

    @property
    def directory(self) -> Path:
        """The cluster itself; outside the data folder when the server's user cannot reach into that."""
        return (self.data_dir / "pg").resolve()

    @property
    def log(self) -> Path:
        """What the server has to say."""
        return self.data_dir / "log" / "postgres.log"

    @property
    def socket_dir(self) -> Path:
        """Folder of the server's socket: in the data folder where its path is short enough and in reach."""
        if self.directory.parent != self.data_dir.resolve():
            return self.directory.with_name("sock")
        inside = self.data_dir.resolve() / "run" / "pg"
        if len(os.fsencode(inside / f".s.PGSQL.{PORT}.lock")) <= SOCKET_PATH_LIMIT:
            return inside
        name = hashlib.sha256(os.fsencode(inside)).hexdigest()[:16]
        return Path(tempfile.gettempdir()) / f"wasl-{os.geteuid()}-{name}"

    def conninfo(self, user: str, database: str = DATABASE) -> str:
        """A libpq connection string for one role."""
        password = role_password(self.secret, user)
        host = str(self.socket_dir).replace("\\", "\\\\").replace("'", "\\'")
        return f"host='{host}' port={PORT} dbname={database} user={user} password={password}"

    @property
    def owner_dsn(self) -> str:
        """The owner of database `wasl`: may create roles and databases, is no superuser."""
        return self.conninfo(OWNER)

    # Making it ---------------------------------------------------------------------------------------------

    def ensure_cluster(self) -> None:
        """Make the folders, the cluster, its owner role and database; bring passwords and settings up to date.

        Safe to repeat, and to repeat after it was cut short. The server must not be running.
        Raises NoServer or ServerFailed.
        """
        new = not self.made
        if new:
            self._initdb(self._place())
        owner = pghost.owner_of(self.directory)
        self._make_folders(owner)
        self._write_settings(owner)
        if new:
            self._single(owner, FIRST_STATEMENTS)
        self._sync_passwords(owner)

    @property
    def made(self) -> bool:
        """Whether the cluster exists, complete: the mark of its passwords is written last."""
        return (self.directory / PASSWORD_MARK).exists()

    def _place(self) -> Owner:
        """Decide where the cluster goes, and clear away one that was cut short while being made."""
        shutil.rmtree(self.directory, ignore_errors=True)
        owner = pghost.owner_of(self.directory)
        link = self.data_dir / "pg"
        # Passing through is all that others may do in a folder of root's: the server runs as another user.
        self.data_dir.mkdir(mode=0o711 if owner.switch else 0o700, parents=True, exist_ok=True)
        if link.is_symlink():
            self.directory.parent.mkdir(mode=0o711, parents=True, exist_ok=True)
        elif not owner.reaches(self.data_dir):
            place = pghost.SHARED_PLACE / f"cluster-{secrets.token_hex(6)}"
            pghost.SHARED_PLACE.mkdir(mode=0o755, parents=True, exist_ok=True)
            place.mkdir(mode=0o711)
            link.symlink_to(place / "pg")
        return owner

    def _make_folders(self, owner: Owner) -> None:
        self.log.parent.mkdir(mode=0o700, exist_ok=True)
        passage = 0o711 if owner.switch else 0o700
        (self.data_dir / "run").mkdir(mode=passage, exist_ok=True)
        sockets = self.socket_dir
        sockets.mkdir(mode=passage, exist_ok=True)
        if sockets.is_symlink() or sockets.stat().st_uid not in {owner.uid, os.geteuid()}:
            raise ServerFailed(
                f"{sockets} belongs to someone else. Remove it, or choose a shorter WASL_DATA_DIR."
            )
        owner.give(sockets)

    def _initdb(self, owner: Owner) -> None:
        self.directory.mkdir(mode=0o700)
        owner.give(self.directory)
        with tempfile.NamedTemporaryFile("w", encoding="ascii") as password:
            password.write(role_password(self.secret, SUPERUSER))
            password.flush()
            owner.give(Path(password.name))
            places = [f"--pgdata={self.directory}", f"--pwfile={password.name}"]
            self._run(owner, "initdb", [*places, *INITDB_OPTIONS, *(["--no-sync"] if self.fast else [])])
        (self.directory / "postgresql.conf").write_text("include 'wasl.conf'\ninclude 'own.conf'\n")
        own = self.directory / "own.conf"
        own.write_text(
            "# Settings of your own for PostgreSQL. They win over Wasl's and are kept over updates.\n"
        )
        owner.give(own)

    def _write_settings(self, owner: Owner) -> None:
        values = SETTINGS | (FAST if self.fast else {}) | {"unix_socket_directories": str(self.socket_dir)}
        lines = [f"{name} = {_quoted(value)}" for name, value in values.items()]
        path = self.directory / "wasl.conf"
        path.write_text(
            "\n".join(["# Written by Wasl at every start. Your own settings go into own.conf.", *lines, ""])
        )
        owner.give(path)

    def _sync_passwords(self, owner: Owner) -> None:
        """Passwords follow the secret key; after a change of the key they are set anew from within."""
        mark = self.directory / PASSWORD_MARK
        wanted = role_password(self.secret, "fingerprint")
        if mark.exists() and hmac.compare_digest(mark.read_text("ascii"), wanted):
            return
        passwords = {role: role_password(self.secret, role) for role in (SUPERUSER, OWNER)}
        self._single(owner, [f"ALTER ROLE {role} PASSWORD '{word}'" for role, word in passwords.items()])
        mark.touch(mode=0o600)
        mark.write_text(wanted, "ascii")
        owner.give(mark)

    def _single(self, owner: Owner, statements: Sequence[str]) -> None:
        """Run statements in single-user mode, each on a line of its own."""
        arguments = ["--single", "-D", str(self.directory), "-c", "exit_on_error=on", SUPERUSER]
        self._run(owner, "postgres", arguments, "\n".join(statements) + "\n")

    def _run(self, owner: Owner, program: str, arguments: list[str], text: str = "") -> None:
        result = subprocess.run(
            [str(pghost.programs(owner) / program), *arguments],
            check=False,
            input=text,
            capture_output=True,
            text=True,
            cwd=self.directory,
            env=ENVIRONMENT,
            **owner.spawn_options(),
        )
        if result.returncode:
            raise ServerFailed(f"{program} failed: {_tail(result.stderr or result.stdout)}")

    # Running it --------------------------------------------------------------------------------------------

    def pid(self) -> int | None:
        """The process id of the running server, whoever started it; None when it does not run."""
        fields = self._pidfile()
        if not fields or not fields[0].isdigit():
            return None
        return int(fields[0]) if self._is_ours(int(fields[0])) else None

    def ready(self) -> bool:
        """Whether the running server accepts connections."""
        fields = self._pidfile()
        return len(fields) >= 8 and fields[7].strip() == "ready" and self.pid() is not None

    def _pidfile(self) -> list[str]:
        try:
            return (self.directory / "postmaster.pid").read_text().split("\n")
        except OSError:
            return []

    def _is_ours(self, pid: int) -> bool:
        """A process id may have been given to another program since: ours works in our folder."""
        try:
            return Path(f"/proc/{pid}/cwd").readlink() == self.directory
        except OSError:
            return False

    def spawn(self) -> "subprocess.Popen[bytes]":
        """Start the server without waiting for it; the folders and the cluster must be there (`ensure_cluster`)."""
        owner = pghost.owner_of(self.directory)
        if self.log.exists() and self.log.stat().st_size > 10_000_000:
            self.log.replace(self.log.with_suffix(".log.1"))
        self.log.touch(mode=0o600)
        with self.log.open("ab") as log:
            return subprocess.Popen(
                [str(pghost.programs(owner) / "postgres"), "-D", str(self.directory)],
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                cwd=self.directory,
                env=ENVIRONMENT,
                start_new_session=True,  # a Ctrl-C in the terminal is the supervisor's to pass on, in order
                **owner.spawn_options(),
            )

    def start(self, patience: float = 60.0) -> int:
        """Make what is missing, adopt a running server or start one, and wait until it accepts connections.

        Returns its process id. Raises ServerFailed after `patience` seconds.
        """
        end = time.monotonic() + patience
        if self.pid() is None:
            self.ensure_cluster()
        child: subprocess.Popen[bytes] | None = None
        while not self.ready():
            if self.pid() is None and (child is None or child.poll() is not None):
                self.clear_leftovers()
                time.sleep(0.2 if child else 0)
                child = self.spawn()
            if time.monotonic() > end:
                raise ServerFailed(f"PostgreSQL did not start within {patience:.0f} s.\n{self.last_words()}")
            time.sleep(0.03)
        found = self.pid()
        if found is None:
            raise ServerFailed(self.last_words())
        return found

    def stop(self, patience: float = 30.0) -> None:
        """Fast shutdown: open transactions are rolled back, everything committed is on disk."""
        pid = self.pid()
        if pid is None:
            return
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid, signal.SIGINT)
        end = time.monotonic() + patience
        while self._is_ours(pid):
            _reap(self._pidfile())
            if time.monotonic() > end:
                raise ServerFailed(f"PostgreSQL (process {pid}) did not stop within {patience:.0f} s.")
            time.sleep(0.02)

    def clear_leftovers(self) -> None:
        """End server processes whose parent was killed: a busy one would hold the shared memory for long.

        They can no longer commit anything safely and the next start recovers from the write-ahead log;
        SIGQUIT is what the parent itself would have sent them.
        """
        if self.pid() is not None:
            return
        _reap(self._pidfile())
        for pid in self.processes():
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGQUIT)

    def processes(self) -> list[int]:
        """Every process that works in the cluster's folder."""
        return [int(entry) for entry in os.listdir("/proc") if entry.isdigit() and self._is_ours(int(entry))]

    def last_words(self) -> str:
        """The last lines of the server's log."""
        try:
            return _tail(self.log.read_text(errors="replace"))
        except OSError:
            return "(it left no log)"

    def remove(self) -> None:
        """Delete the cluster, wherever it is. The server must not be running."""
        place = self.directory.parent
        shutil.rmtree(self.directory, ignore_errors=True)
        if (self.data_dir / "pg").is_symlink():
            shutil.rmtree(place, ignore_errors=True)
            (self.data_dir / "pg").unlink()


def _reap(pidfile: list[str]) -> None:
    """Collect a dead server that had become our child: a new one takes an uncollected process for a live server."""
    if pidfile and pidfile[0].isdigit():
        with contextlib.suppress(ChildProcessError):
            os.waitpid(int(pidfile[0]), os.WNOHANG)


def _quoted(value: str) -> str:
    return "'" + value.replace("'", "''") + "'"


def _tail(text: str, lines: int = 8) -> str:
    return "\n".join(text.strip().splitlines()[-lines:])


__all__ = ["Cluster", "NoServer", "ServerFailed", "dsn_for", "role_password"]
