"""Folders that the server's user can pass through (pytest closes its own to everyone but us), in memory if possible."""

import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from wasl.kit.postgres import Cluster

SECRET = "k" * 40
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
