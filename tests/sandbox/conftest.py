from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from tests.sandbox.stand import Stand, Wasl


@pytest.fixture
def stand(tmp_path: Path) -> "Iterator[Stand]":
    """The customers' provider on free ports, with a folder of its own."""
    from tests.sandbox.stand import standing

    with standing(tmp_path / "sandbox") as made:
        yield made


@pytest.fixture
def wasl() -> "Iterator[Wasl]":
    """Where webhooks of the stand-ins go."""
    from tests.sandbox.stand import listening

    with listening() as made:
        yield made
