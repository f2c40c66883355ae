"""A folder that the server's user can pass through; pytest closes its own to everyone but us."""

import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest


@pytest.fixture
def place() -> Iterator[Path]:
    """An empty folder, gone after the test."""
    folder = Path(tempfile.mkdtemp(prefix="wasl-cli-"))
    folder.chmod(0o711)
    yield folder
    shutil.rmtree(folder)
