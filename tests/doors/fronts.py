"""A web front in a process of its own, and a plain client for it."""

import json
import socket
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from http.client import HTTPConnection, HTTPResponse
from typing import Any

from tests.processes import free_port, role, wait_for_port

SITE = {"DJANGO_SETTINGS_MODULE": "tests.doors.site"}
SERVE = "wasl.doors.web:serve"


@dataclass
class Front:
    port: int
    process: "subprocess.Popen[bytes]"

    def ask(self, method: str, path: str, body: Any = None, headers: dict[str, str] | None = None) -> "Got":
        line = HTTPConnection("127.0.0.1", self.port, timeout=60)
        try:
            line.request(method, path, body, headers or {})
            return Got.of(line.getresponse())
        finally:
            line.close()

    def get(self, path: str, **headers: str) -> "Got":
        return self.ask(
            "GET", path, headers={name.replace("_", "-"): value for name, value in headers.items()}
        )

    def open(self, text: str) -> socket.socket:
        """A connection on which this was sent; `Host` and the end of a line are filled in."""
        line = socket.create_connection(("127.0.0.1", self.port), 10)
        line.sendall(text.replace("\n", "\r\n").replace("HOST", "Host: 127.0.0.1").encode())
        return line


@dataclass
class Got:
    status: int
    headers: dict[str, str]
    body: bytes

    @classmethod
    def of(cls, response: HTTPResponse) -> "Got":
        return cls(response.status, {k.lower(): v for k, v in response.getheaders()}, response.read())

    @property
    def json(self) -> Any:
        return json.loads(self.body)


@contextmanager
def front(**settings: str) -> Iterator[Front]:
    port = free_port()
    with role(SERVE, **SITE, WASL_HTTP_PORT=str(port), **settings) as process:
        wait_for_port(port, process)
        started = Front(port, process)
        while started.get("/healthz").status != 200:
            time.sleep(0.01)
        yield started
