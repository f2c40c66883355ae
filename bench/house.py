"""A whole installation as people run it: `wasl up` or `wasl demo` on a folder and ports of its own."""

import contextlib
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, TypeVar

from tests.processes import free_port
from wasl.cli import memory, status
from wasl.kit.postgres import Cluster

T = TypeVar("T")

SECRET = "bench" * 10
START_PATIENCE = 180.0


class House:
    """The installation. Its processes are known by the names in the supervisor's status file."""

    def __init__(self, data: Path, **more: str) -> None:
        self.data = data
        self.http, self.smtp, self.lmtp, self.outside, self.asked = (free_port() for _ in range(5))
        self.settings = {
            "DJANGO_SETTINGS_MODULE": "wasl.config.settings",
            "WASL_DATA_DIR": str(data),
            "WASL_HTTP_PORT": str(self.http),
            "WASL_SMTP_PORT": str(self.smtp),
            "WASL_LMTP_PORT": str(self.lmtp),
            "WASL_SANDBOX": "on",
            "WASL_SANDBOX_SMTP_PORT": str(self.outside),
            "WASL_SANDBOX_HTTP_PORT": str(self.asked),
            "WASL_SECRET_KEY": SECRET,
            **more,
        }
        self.cluster = Cluster(data, SECRET)
        self.log = data.with_suffix(".log")
        self.program = [str(Path(sys.executable).with_name("wasl"))]

    @property
    def dsn(self) -> str:
        """The owner's connection string: sees every row."""
        return self.cluster.owner_dsn

    @property
    def environment(self) -> dict[str, str]:
        """Ours, with its settings and no others."""
        return {name: v for name, v in os.environ.items() if not name.startswith("WASL_")} | self.settings

    def start(self, command: str = "up") -> None:
        """Start, and wait until it says that it is ready. Raises SystemExit with what it said instead."""
        with self.log.open("ab") as log:
            self.process = subprocess.Popen(
                [*self.program, command],
                env=self.environment,
                stdout=log,
                stderr=log,
                start_new_session=True,
            )
        end = time.monotonic() + START_PATIENCE
        while not (state := self.state()) or not state["ready"]:
            if self.process.poll() is not None or time.monotonic() > end:
                raise SystemExit(f"wasl {command} did not come up:\n{self.words()}")
            time.sleep(0.05)

    def state(self) -> dict[str, Any] | None:
        """What the supervisor wrote down last."""
        return status.read(self.data / "run")

    def pids(self) -> dict[str, int]:
        """Process ids by name, of what runs now."""
        state = self.state()
        return {name: pid for name, pid in status.pids(state).items() if alive(pid)} if state else {}

    def pid(self, name: str, patience: float = 60.0) -> int:
        """The id of a process, waiting for it to be started again."""
        return wait_for(lambda: self.pids().get(name), patience, f"no {name} runs")

    def memory(self) -> dict[str, float]:
        """Proportional set size in MB (10^6 bytes), by name."""
        named = {name: pid for name, pid in self.pids().items() if name != "postgres"}
        return {name: size / 1e6 for name, size in memory.by_process(named, self.cluster.processes()).items()}

    def words(self, lines: int = 30) -> str:
        """The last lines that it printed."""
        return "\n".join(self.log.read_text(errors="replace").splitlines()[-lines:])

    def stop(self) -> int:
        """Stop as a person would; the exit code. (Whom we started may long have been replaced.)"""
        return subprocess.run(
            [*self.program, "stop"], env=self.environment, timeout=90, check=False
        ).returncode

    def end(self) -> None:
        """Whatever happened: leave nothing running and nothing behind."""
        everything = [self.process.pid, *self.pids().values(), *self.cluster.processes()]
        for number in (signal.SIGSTOP, signal.SIGKILL):  # or they would bring each other back
            for pid in everything:
                with contextlib.suppress(ProcessLookupError):
                    os.kill(pid, number)
        self.process.wait()
        wait_for(lambda: not any(alive(pid) for pid in everything), 30, "something still runs")
        self.cluster.remove()
        shutil.rmtree(self.data, ignore_errors=True)
        self.log.unlink(missing_ok=True)


@contextmanager
def house(command: str = "up", **settings: str) -> Iterator[House]:
    """A running installation; this process has its settings too, so that Django can be set up for it."""
    folder = Path(tempfile.mkdtemp(prefix="wasl-house-"))
    folder.chmod(0o711)
    made = House(folder / "data", **settings)
    os.environ.update(made.settings)
    try:
        made.start(command)
        yield made
    finally:
        made.end()
        shutil.rmtree(folder, ignore_errors=True)


def alive(pid: int) -> bool:
    """Whether a process runs; one that has ended but was not collected does not."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False


def wait_for(what: Callable[[], T | None], patience: float, otherwise: str) -> T:
    """What it says as soon as that is true. Raises TimeoutError with the words of `otherwise`."""
    end = time.monotonic() + patience
    while not (found := what()):
        if time.monotonic() > end:
            raise TimeoutError(f"{otherwise} after {patience:.0f} s")
        time.sleep(0.01)
    return found


def assert_durable(dsn: str) -> None:
    """A figure without durability is no figure."""
    import psycopg

    with psycopg.connect(dsn) as conn:
        for name in ("fsync", "full_page_writes", "synchronous_commit"):
            row = conn.execute("SELECT current_setting(%s)", [name]).fetchone()
            if row != ("on",):
                raise SystemExit(f"{name} is {row}; figures are taken with it on")
