"""The product itself, as `wasl up` runs it: everything answers, comes back, is light, and stops."""

import http.client
import json
import os
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import quote

import pytest

from tests.cli.conftest import SECRET
from tests.cli.installation import PATIENCE, ROOT, Installation, alive, free_port, until
from wasl.cli import ports, status
from wasl.config.env import Env, load
from wasl.kit.postgres import Cluster

COMMAND = [sys.executable, "-c", "import sys; from wasl.cli import main; sys.exit(main())"]
MEMORY_LIMIT = 300_000_000  # bytes of proportional set size, the whole idle product


class Product(Installation):
    """`wasl up` with its real roles."""

    def __init__(self, data: Path) -> None:
        names = ("HTTP", "SMTP", "LMTP", "SANDBOX_SMTP", "SANDBOX_HTTP")
        free = {f"WASL_{name}_PORT": str(free_port()) for name in names}
        super().__init__(data, **free, WASL_SANDBOX="on", WASL_LOG_LEVEL="warning")
        self.settings = {name: value for name, value in self.environment.items() if name.startswith("WASL_")}

    @property
    def env(self) -> Env:
        return load(self.settings)

    def start(self) -> "Product":
        with self.log.open("ab") as log:
            self.process = subprocess.Popen(
                [*COMMAND, "up"],
                cwd=ROOT,
                env=self.environment,
                stdout=log,
                stderr=log,
                start_new_session=True,
            )
        return self

    def serves(self) -> bool:
        """Pages with database and live events, and every other port."""
        try:
            connection = http.client.HTTPConnection("127.0.0.1", self.env.http_port, timeout=10)
            connection.request("GET", "/healthz")
            fine = connection.getresponse().status == 200
            connection.close()
        except OSError:
            return False
        return fine and all(ports.answers(port.host, port.number) for port in ports.wanted(self.env))

    def wasl(self, *arguments: str) -> "subprocess.CompletedProcess[str]":
        return subprocess.run(
            [*COMMAND, *arguments],
            cwd=ROOT,
            env=self.environment,
            capture_output=True,
            text=True,
            timeout=PATIENCE,
        )


@pytest.fixture
def product(data: Path) -> Iterator[Product]:
    made = Product(data).start()
    yield made
    made.end()


def test_up(product: Product) -> None:
    until(lambda: (product.state() or {}).get("ready") and product.serves())

    for name in ("web", "mail", "worker", "sandbox", "postgres", "supervisor"):
        killed = product.kill(name)
        until(lambda n=name, k=killed: product.pid(n) != k)
        until(product.serves)

    findings = {}

    def all_well() -> bool:
        nonlocal findings
        findings = {found["name"]: found for found in json.loads(product.wasl("check", "--json").stdout)}
        beside = ("disk", "workspaces")  # nobody has made one
        return all(found["state"] == "ok" for name, found in findings.items() if name not in beside)

    until(all_well)
    assert {"web", "worker", "mail", "sandbox", "postgres"} <= set(
        findings["processes"]["text"].replace(",", "").split()
    )
    state = product.state()
    assert state
    megabytes = float(findings["memory"]["text"].split(" MB")[0])
    assert 50 < megabytes < MEMORY_LIMIT / 1e6

    everything = [*status.pids(state).values(), *product.cluster.processes()]
    assert product.wasl("stop").returncode == 0
    assert not any(alive(pid) for pid in everything)
    with socket.socket() as probe:
        assert probe.connect_ex(("127.0.0.1", product.env.http_port)) != 0
    assert "Traceback" not in product.text()


def test_a_database_of_ones_own(data: Path) -> None:
    server = Cluster(data / "elsewhere", SECRET, fast=True)
    server.start()
    try:
        parts = dict(part.split("=", 1) for part in server.owner_dsn.split() if "=" in part)
        place = quote(str(server.socket_dir), safe="")
        url = f"postgresql://{parts['user']}:{parts['password']}@/shop?host={place}&port={parts['port']}"
        clean = {
            name: value for name, value in os.environ.items() if not name.startswith(("WASL_", "DJANGO_"))
        }
        mine = {"WASL_DATABASE_URL": url, "WASL_DATA_DIR": str(data / "mine"), "WASL_SECRET_KEY": "s" * 40}

        def wasl(*arguments: str) -> "subprocess.CompletedProcess[str]":
            return subprocess.run(
                [*COMMAND, *arguments],
                cwd=ROOT,
                env=clean | mine,
                capture_output=True,
                text=True,
                timeout=PATIENCE,
            )

        for _ in range(2):
            said = wasl("migrate")
            assert said.returncode == 0, said.stderr
        findings = {found["name"]: found for found in json.loads(wasl("check", "--json").stdout)}
        assert [findings[name]["state"] for name in ("database", "migrations", "roles", "live")] == ["ok"] * 4
        assert findings["durability"]["state"] == "fail", "this server was told not to be durable"
        assert not (data / "mine" / "pg").exists()
        mine["WASL_WEB_THREADS"] = "40"
        crowded = wasl("migrate")
        assert crowded.returncode == 1
        assert (
            "WASL_WEB_THREADS=40 may need 68 database connections in all, and PostgreSQL has room for 57"
            in crowded.stderr
        )
    finally:
        server.stop()


def test_a_database_that_refuses_is_explained(data: Path) -> None:
    clean = {name: value for name, value in os.environ.items() if not name.startswith(("WASL_", "DJANGO_"))}
    server = Cluster(data, SECRET, fast=True)
    server.start()
    try:
        url = f"postgresql://wasl_owner:wrong@/wasl?host={quote(str(server.socket_dir), safe='')}"
        mine = {"WASL_DATABASE_URL": url, "WASL_DATA_DIR": str(data), "WASL_SECRET_KEY": "s" * 40}
        said = subprocess.run(
            [*COMMAND, "migrate"],
            cwd=ROOT,
            env=clean | mine,
            capture_output=True,
            text=True,
            timeout=PATIENCE,
        )
    finally:
        server.stop()
    assert said.returncode == 1
    assert said.stderr.startswith("The database cannot be used:")
    assert "password authentication failed" in said.stderr
    assert "Traceback" not in said.stderr
