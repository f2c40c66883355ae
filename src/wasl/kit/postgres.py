"""Our own PostgreSQL: started, adopted and stopped as a plain child process, from the binaries of a wheel.

No psycopg and no Django here: the supervisor, which must stay small, uses this. Making the cluster is `pgmake`'s
matter, and whatever the application needs beyond an owner and a database is `pgroles`'.
"""

import contextlib
import os
import shutil
import signal
import subprocess
import time
from pathlib import Path

from wasl.kit import pghost, prctl
from wasl.kit.pghost import NoServer
from wasl.kit.pglayout import (
    APP_ROLE,
    QUEUE_ROLE,
    Layout,
    ServerFailed,
    dsn_for,
    role_dsn,
    role_password,
    tail,
)


class Cluster(Layout):
    """A server under a data folder, whoever started it."""

    def ensure_cluster(self) -> None:
        """Make what is missing, bring passwords and settings up to date; the server must not be running.

        Raises NoServer or ServerFailed.
        """
        from wasl.kit import pgmake  # not in the supervisor's memory: it calls this in a fork

        pgmake.ensure(self)

    def pid(self) -> int | None:
        """The process id of the running server, whoever started it; None when it does not run."""
        return self._running(self._pidfile())

    def ready(self) -> bool:
        """Whether the running server accepts connections."""
        fields = self._pidfile()  # read once: the next server may be writing its own
        return len(fields) >= 8 and fields[7].strip() == "ready" and self._running(fields) is not None

    def _running(self, fields: list[str]) -> int | None:
        if not fields or not fields[0].isdigit():
            return None
        return int(fields[0]) if self._is_ours(int(fields[0])) else None

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

    def spawn(self) -> int:
        """Start the server without waiting for it; the folders and the cluster must be there (`ensure_cluster`).

        Returns the id of a child process, which the caller collects when it ends. A fast one ends with the process
        that started it, so that a test run cut short leaves nothing behind.
        """
        parent = os.getpid()
        owner = pghost.owner_of(self.directory)
        if self.log.exists() and self.log.stat().st_size > 10_000_000:
            self.log.replace(self.log.with_suffix(".log.1"))
        self.log.touch(mode=0o600)
        with self.log.open("ab") as log:
            process = subprocess.Popen(
                [str(pghost.programs(owner) / "postgres"), "-D", str(self.directory)],
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                cwd=self.directory,
                env=pghost.ENVIRONMENT,
                start_new_session=True,  # a Ctrl-C in the terminal is the supervisor's to pass on, in order
                # The other threads of a test run hold nothing that this one call needs.
                preexec_fn=(lambda: prctl.die_with_parent(parent, signal.SIGQUIT)) if self.fast else None,  # noqa: PLW1509
                **owner.spawn_options(),
            )
        process.returncode = 0  # so that nobody but the caller waits for it
        return process.pid

    def start(self, patience: float = 60.0) -> int:
        """Make what is missing, adopt a running server or start one, and wait until it accepts connections.

        Returns its process id. Raises ServerFailed after `patience` seconds.
        """
        end = time.monotonic() + patience
        if self.pid() is None:
            self.ensure_cluster()
        child = 0
        while not self.ready():
            if self.pid() is None and not _runs(child):
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
        """Clear the way after the server's first process was killed; does nothing while it runs.

        Its children may be busy and hold the shared memory for long: they can no longer commit anything, and
        SIGQUIT is what their parent itself would have sent. A dead parent that nobody collected looks alive to
        the next server: once no child is left, its mark is taken away.
        """
        fields = self._pidfile()
        if self.pid() is not None:
            return
        _reap(fields)
        leftovers = self.processes()
        for pid in leftovers:
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGQUIT)
        if not leftovers and fields and fields[0].isdigit() and _uncollected(int(fields[0])):
            (self.directory / "postmaster.pid").unlink(missing_ok=True)

    def processes(self) -> list[int]:
        """Every process that works in the cluster's folder."""
        return [int(entry) for entry in os.listdir("/proc") if entry.isdigit() and self._is_ours(int(entry))]

    def last_words(self) -> str:
        """The last lines of the server's log."""
        try:
            return tail(self.log.read_text(errors="replace"))
        except OSError:
            return "(it left no log)"

    def remove(self) -> None:
        """Delete the cluster, wherever it is. The server must not be running."""
        place = self.directory.parent
        shutil.rmtree(self.socket_dir, ignore_errors=True)
        shutil.rmtree(self.directory, ignore_errors=True)
        if (self.data_dir / "pg").is_symlink():
            shutil.rmtree(place, ignore_errors=True)
            (self.data_dir / "pg").unlink()


def _runs(child: int) -> bool:
    """Whether a child of ours (0: none yet) has not ended; collects it when it has."""
    if not child:
        return False
    try:
        return os.waitpid(child, os.WNOHANG)[0] == 0
    except ChildProcessError:
        return False


def _uncollected(pid: int) -> bool:
    """Whether a process has ended but its parent has not taken note (a zombie)."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] == "Z"
    except OSError:
        return False


def _reap(pidfile: list[str]) -> None:
    """Collect a dead server that had become our child: a new one takes an uncollected process for a live server."""
    if pidfile and pidfile[0].isdigit():
        with contextlib.suppress(ChildProcessError):
            os.waitpid(int(pidfile[0]), os.WNOHANG)


__all__ = [
    "APP_ROLE",
    "QUEUE_ROLE",
    "Cluster",
    "NoServer",
    "ServerFailed",
    "dsn_for",
    "role_dsn",
    "role_password",
]
