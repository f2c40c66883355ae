"""The demo shop, started by its own command."""

import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from tests.processes import free_port
from wasl.sandbox.place import Place

PASSWORD = "olives-and-lamps"
PATIENCE = 400.0
_PORTS = ("HTTP_PORT", "SMTP_PORT", "LMTP_PORT", "SANDBOX_SMTP_PORT", "SANDBOX_HTTP_PORT")


@dataclass(frozen=True, slots=True)
class Demo:
    """A running demo: where its pages are, where it takes mail, and the customers' mailboxes."""

    http: int
    smtp: int
    place: Place

    @property
    def address(self) -> str:
        """Of its pages."""
        return f"http://localhost:{self.http}"


@contextmanager
def running() -> Iterator[Demo]:
    """A demo of its own, gone afterwards."""
    folder = Path(tempfile.mkdtemp(prefix="wasl-browser-"))
    folder.chmod(0o711)  # as root the server runs as another user, who passes through
    ports = {f"WASL_{name}": str(free_port()) for name in _PORTS}
    clean = {k: v for k, v in os.environ.items() if not k.startswith(("WASL_", "DJANGO_"))}
    environment = clean | ports | {"WASL_DATA_DIR": str(folder / "demo"), "WASL_UNDO_SECONDS": "12"}
    log = folder.with_suffix(".log")
    with log.open("wb") as out:
        command = [str(Path(sys.executable).with_name("wasl")), "demo"]
        process = subprocess.Popen(command, env=environment, stdout=out, stderr=out)
    try:
        _wait_until_ready(process, log)
        place = Place(folder / "demo" / "sandbox")
        yield Demo(int(ports["WASL_HTTP_PORT"]), int(ports["WASL_SMTP_PORT"]), place)
    finally:
        process.send_signal(signal.SIGTERM)
        process.wait(60)
        shutil.rmtree(folder, ignore_errors=True)
        log.unlink()


def _wait_until_ready(process: "subprocess.Popen[bytes]", log: Path) -> None:
    end = time.monotonic() + PATIENCE
    while b"Wasl is ready" not in log.read_bytes():
        assert process.poll() is None, log.read_text()
        assert time.monotonic() < end, log.read_text()
        time.sleep(0.1)
