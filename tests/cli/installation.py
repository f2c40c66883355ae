"""Running an installation of stand-in roles from a test, and looking at what it does."""

import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from wasl.cli import status
from wasl.kit.postgres import Cluster

ROOT = Path(__file__).resolve().parents[2]


PATIENCE = 90.0  # s; how soon is measured under bench/, on a machine that does nothing else


def until(what: Callable[[], Any]) -> None:
    """Wait for something to be true."""
    began = time.monotonic()
    while not what():
        assert time.monotonic() - began < PATIENCE, f"not within {PATIENCE} s"
        time.sleep(0.02)


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as server:
        port: int = server.getsockname()[1]
        return port


def alive(pid: int) -> bool:
    """Whether a process runs; one that has ended but was not collected does not."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False


class Installation:
    """`python -m tests.cli.standin …` on a data folder of its own."""

    def __init__(self, data: Path, *names: str, **settings: str) -> None:
        self.data = data
        self.port = free_port()
        clean = {
            name: value for name, value in os.environ.items() if not name.startswith(("WASL_", "DJANGO_"))
        }
        self.environment = clean | {
            "WASL_DATA_DIR": str(self.data),
            "WASL_HTTP_PORT": str(self.port),
            "WASL_SMTP_PORT": "off",
            "WASL_LMTP_PORT": "off",
            "WASL_SECRET_KEY": "k" * 40,
            **settings,
        }
        self.names = names
        self.log = data / "output"
        self.cluster = Cluster(self.data, "k" * 40)

    def start(self) -> "Installation":
        with self.log.open("ab") as log:
            self.process = subprocess.Popen(
                [sys.executable, "-m", "tests.cli.standin", *self.names],
                cwd=ROOT,
                env=self.environment,
                stdout=log,
                stderr=log,
                start_new_session=True,
            )
        return self

    def ready(self) -> "Installation":
        listening = "web" in self.names
        until(lambda: (state := self.state()) and state["ready"] and (self.answers() or not listening))
        return self

    def state(self) -> dict[str, Any] | None:
        return status.read(self.data / "run")

    def pid(self, name: str) -> int:
        """The process id of a role as it is now."""
        found = 0

        def known() -> bool:
            nonlocal found
            state = self.state()
            found = status.pids(state).get(name, 0) if state else 0
            return found > 0 and alive(found)

        until(known)
        return found

    def pids(self) -> list[int]:
        """Every process of the installation."""
        state = self.state()
        return [*(status.pids(state).values() if state else []), *self.cluster.processes()]

    def kill(self, name: str) -> int:
        pid = self.pid(name)
        os.kill(pid, signal.SIGKILL)
        return pid

    def answers(self) -> int:
        """The process id with which the web role answers; 0 when nobody does."""
        try:
            with socket.create_connection(("127.0.0.1", self.port), timeout=5) as connection:
                return int(connection.recv(64) or b"0")
        except OSError:
            return 0

    def stop(self) -> int:
        self.process.send_signal(signal.SIGTERM)
        return self.process.wait(PATIENCE)

    def text(self) -> str:
        return self.log.read_text()

    def end(self) -> None:
        """Whatever the test did: leave nothing behind."""
        if (state := self.state()) and alive(supervisor := status.pids(state)["supervisor"]):
            os.kill(supervisor, signal.SIGTERM)
            until(lambda: not alive(supervisor))
        if self.process.poll() is None:
            self.process.terminate()
            self.process.wait(PATIENCE)
        until(lambda: not self.cluster.processes())
