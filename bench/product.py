"""The product under measurement: its roles as real processes on a durable PostgreSQL of its own, and their CPU."""

import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, NamedTuple

from bench.house import assert_durable
from tests.processes import free_port, wait_for_port

ROLES = {
    "web": "wasl.doors.web:serve",
    "mail": "wasl.doors.mail:serve",
    "worker": "wasl.config.worker:run",
    "sandbox": "wasl.sandbox.provider:serve",
}
_TICK = os.sysconf("SC_CLK_TCK")


@dataclass
class Product:
    """Ports, processes and the owner's connection string."""

    data: Path
    http: int
    smtp: int
    lmtp: int
    outside: int
    dsn: str = ""
    cluster: Any = None
    processes: dict[str, "subprocess.Popen[bytes]"] = field(default_factory=dict)

    def start(self, role: str) -> None:
        """Start a role, or start it again."""
        module, function = ROLES[role].split(":")
        code = f"import django; django.setup(); from {module} import {function} as run; run()"
        self.processes[role] = subprocess.Popen([sys.executable, "-c", code])

    def restart(self, **settings: str) -> None:
        """Start PostgreSQL again, with these settings and no others of before; nobody is connected."""
        self.cluster.stop(600)
        os.sync()  # what a server without fsync left to the system
        own = self.cluster.directory / "own.conf"
        own.write_text("".join(f"{name} = '{value}'\n" for name, value in settings.items()))
        self.cluster.start()

    def cpu(self) -> dict[str, float]:
        """CPU seconds used so far, by role and for PostgreSQL (backends that ended included)."""
        used = {role: used_by(process.pid) for role, process in self.processes.items()}
        used["postgres"] = self._postgres()
        return used

    def _postgres(self) -> float:
        postmaster = int((self.data / "pg" / "postmaster.pid").read_text().split()[0])
        return used_by(postmaster) + _dead(postmaster) + sum(map(used_by, _children(postmaster)))

    def memory(self) -> dict[str, float]:
        """Proportional set size in MB, by role."""
        postmaster = int((self.data / "pg" / "postmaster.pid").read_text().split()[0])
        sizes = {role: _pss(process.pid) for role, process in self.processes.items()}
        sizes["postgres"] = _pss(postmaster) + sum(map(_pss, _children(postmaster)))
        return sizes


def _stat(pid: int) -> list[str]:
    return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()


def used_by(pid: int) -> float:
    """CPU seconds that a process has used so far; none of one that is gone."""
    try:
        fields = _stat(pid)
    except OSError:
        return 0.0
    return (int(fields[11]) + int(fields[12])) / _TICK


def _dead(pid: int) -> float:
    """CPU of children that ended and were waited for."""
    fields = _stat(pid)
    return (int(fields[13]) + int(fields[14])) / _TICK


def _children(pid: int) -> list[int]:
    found = []
    for task in Path(f"/proc/{pid}/task").iterdir():
        found += [int(child) for child in (task / "children").read_text().split()]
    return found


def _pss(pid: int) -> float:
    try:
        lines = Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines()
    except OSError:
        return 0.0
    return next(int(line.split()[1]) / 1024 for line in lines if line.startswith("Pss:"))


@contextmanager
def product(*roles: str, keep: Path | None = None) -> Iterator[Product]:
    """The product, running, with an empty and durable database; in a folder to `keep` with what that holds."""
    data = keep or Path(tempfile.mkdtemp(prefix="wasl-bench-"))
    data.mkdir(parents=True, exist_ok=True)
    data.chmod(0o711)
    made = Product(data, free_port(), free_port(), free_port(), free_port())
    os.environ.update(
        {
            "DJANGO_SETTINGS_MODULE": "wasl.config.settings",
            "WASL_DATA_DIR": str(data),
            "WASL_HTTP_PORT": str(made.http),
            "WASL_SMTP_PORT": str(made.smtp),
            "WASL_LMTP_PORT": str(made.lmtp),
            "WASL_SANDBOX_SMTP_PORT": str(made.outside),
            "WASL_SANDBOX": "on",
            "WASL_LOG_LEVEL": "warning",
            "WASL_API_RATE": os.environ.get("WASL_API_RATE", "1000000"),
        }
    )
    import django

    django.setup()
    from django.conf import settings

    from wasl.config import migrate
    from wasl.kit.postgres import Cluster

    cluster = Cluster(data, settings.SECRET_KEY)
    cluster.ensure_cluster()
    cluster.start()
    try:
        migrate.run()
        made.dsn, made.cluster = cluster.owner_dsn, cluster
        assert_durable(made.dsn)
        for role in roles:
            made.start(role)
        if "web" in roles:
            wait_for_port(made.http, made.processes["web"], 30)
        if "mail" in roles:
            wait_for_port(made.smtp, made.processes["mail"], 30)
        yield made
    finally:
        for process in made.processes.values():
            process.send_signal(signal.SIGTERM)
        for process in made.processes.values():
            try:
                process.wait(10)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()
        from wasl.kit import db

        for opened in db.opened():
            opened.close()
        cluster.stop()
        if not keep:
            shutil.rmtree(data, ignore_errors=True)


class Watched(NamedTuple):
    """When everything was understood, and the CPU seconds that asking took in PostgreSQL: the watcher's own."""

    at: float
    cpu: float


def settle(dsn: str, patience: float = 120.0) -> Watched:
    """Wait until nothing waits to be understood and every follower has read everything."""
    import psycopg

    from wasl.timeline.follow import lag

    end = time.monotonic() + patience
    with psycopg.connect(dsn, autocommit=True) as conn:
        while time.monotonic() < end:
            row = conn.execute("SELECT EXISTS (SELECT FROM intake_inboundqueue)").fetchone()
            if row == (False,) and all(one.rows == 0 for one in lag(conn)):
                return Watched(time.monotonic(), used_by(conn.info.backend_pid))
            time.sleep(0.05)
    raise SystemExit("the backlog did not drain")
