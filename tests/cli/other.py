"""A second installation beside the tests' own: its own data folder, PostgreSQL and keys."""

import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import psycopg

from wasl.kit.postgres import Cluster

PASSPHRASE = "a long enough passphrase"
ROOT = Path(__file__).resolve().parents[2]


class Other:
    """An installation that is spoken to by its command alone. `settings` are WASL_…, in lower case."""

    def __init__(self, data: Path, **settings: str) -> None:
        self.data = data
        clean = {
            name: value for name, value in os.environ.items() if not name.startswith(("WASL_", "DJANGO_"))
        }
        own = {f"WASL_{name.upper()}": value for name, value in settings.items()}
        self.environment = clean | {"WASL_DATA_DIR": str(data)} | own

    def wasl(self, *arguments: object, code: int = 0) -> str:
        """Run a command; what it said on both outputs."""
        done = subprocess.run(
            [
                sys.executable,
                "-c",
                "import sys; from wasl.cli import main; sys.exit(main())",
                *map(str, arguments),
            ],
            cwd=ROOT,
            env=self.environment,
            capture_output=True,
            text=True,
            check=False,
            timeout=300,
        )
        said = done.stdout + done.stderr
        assert done.returncode == code, said
        return said

    @contextmanager
    def opened(self) -> Iterator[psycopg.Connection[Any]]:
        """Its database, as owner, with its server running."""
        secret = (
            self.environment.get("WASL_SECRET_KEY") or (self.data / "keys" / "secret").read_text().strip()
        )
        cluster = Cluster(self.data, secret)
        cluster.start()
        try:
            with psycopg.connect(cluster.owner_dsn, autocommit=True) as conn:
                yield conn
        finally:
            cluster.stop()

    def remove(self) -> None:
        """Leave nothing behind, wherever its cluster is."""
        cluster = Cluster(self.data, "")
        cluster.stop()
        cluster.remove()
