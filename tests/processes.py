"""Real processes for tests: a role of Wasl on free ports, stopped at the end."""

import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager


def free_port() -> int:
    """A port nobody listens on just now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def wait_for_port(
    port: int, process: "subprocess.Popen[bytes] | None" = None, patience: float = 90.0
) -> None:
    """Until something listens. Fails when the process ended instead."""
    deadline = time.monotonic() + patience
    while time.monotonic() < deadline:
        if process and process.poll() is not None:
            raise AssertionError(f"the process ended with {process.returncode}")
        try:
            socket.create_connection(("127.0.0.1", port), 0.5).close()
        except OSError:
            time.sleep(0.05)
        else:
            return
    raise AssertionError(f"nothing listens on {port}")


@contextmanager
def role(call: str, **settings: str) -> Iterator["subprocess.Popen[bytes]"]:
    """A role in a process of its own; `call` is `module:function`, `settings` are further WASL_* variables."""
    module, function = call.split(":")
    code = f"import django; django.setup(); from {module} import {function} as run; run()"
    environment = {**os.environ, **settings, "PYTHONUNBUFFERED": "1"}
    process = subprocess.Popen([sys.executable, "-c", code], env=environment)
    try:
        yield process
    finally:
        if process.poll() is None:
            process.send_signal(signal.SIGTERM)
            try:
                process.wait(30)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()
