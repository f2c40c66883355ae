"""Folders that the server's user can pass through (pytest closes its own to everyone but us), in memory if possible."""

import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.cli.other import PASSPHRASE, Other
from wasl.kit.postgres import Cluster

SECRET = "k" * 40
OLD_SECRET = "o" * 40
_MEMORY = Path("/dev/shm")
_ENOUGH = 2_000_000_000


def new_folder() -> Path:
    """An empty folder, to be removed by the caller."""
    in_memory = _MEMORY.is_dir() and shutil.disk_usage(_MEMORY).free > _ENOUGH
    folder = Path(tempfile.mkdtemp(prefix="wasl-cli-", dir=_MEMORY if in_memory else None))
    folder.chmod(0o711)
    return folder


@pytest.fixture
def place() -> Iterator[Path]:
    """An empty folder, gone after the test."""
    folder = new_folder()
    yield folder
    shutil.rmtree(folder)


@pytest.fixture(scope="session")
def new_cluster() -> Iterator[Path]:
    """A data folder with a cluster that was never started, to be copied: making one takes its time."""
    folder = new_folder()
    Cluster(folder / "data", SECRET, fast=True).ensure_cluster()
    yield folder / "data"
    shutil.rmtree(folder)


@pytest.fixture
def data(place: Path, new_cluster: Path) -> Path:
    """A data folder of one's own, with a cluster that was never started."""
    subprocess.run(["cp", "-a", str(new_cluster), str(place / "data")], check=True)
    return place / "data"


@pytest.fixture
def other(place: Path) -> Iterator[Other]:
    """An installation that was never started."""
    made = Other(place / "there")
    yield made
    made.remove()


@pytest.fixture(scope="session")
def left_behind() -> Iterator[Path]:
    """The data folder of an installation that lacks the last migrations of two rooms, to be copied."""
    folder = new_folder()
    made = Other(folder / "data", secret_key=OLD_SECRET)
    made.data.mkdir(mode=0o711)
    made.data.chmod(0o711)
    with made.opened() as there:
        made.wasl("migrate")
        made.wasl("manage", "migrate", "accounts", "0002", "--database", "owner")
        made.wasl("manage", "migrate", "timeline", "0002", "--database", "owner")
        there.execute(
            "INSERT INTO accounts_workspace (id, slug, name, language, timezone, created_at) "
            "VALUES (gen_random_uuid(), 'old', 'Old', 'fr', 'UTC', now())"
        )
    yield made.data
    made.remove()
    shutil.rmtree(folder)


@pytest.fixture
def behind(other: Other, left_behind: Path) -> Other:
    """An installation that lacks the last migrations of two rooms, and with them the ring of backups."""
    subprocess.run(["cp", "-a", str(left_behind), str(other.data)], check=True)
    other.environment["WASL_SECRET_KEY"] = OLD_SECRET
    return other


@pytest.fixture
def words(place: Path) -> Path:
    """The file with the passphrase of backups."""
    path = place / "passphrase"
    path.write_text(PASSPHRASE + "\n")
    return path
