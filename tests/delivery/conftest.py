from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import psycopg
import pytest

if TYPE_CHECKING:
    from tests.delivery.road import Road
    from tests.sandbox.stand import Stand
    from tests.worlds import Shop


@pytest.fixture
def stand(tmp_path: Path) -> "Iterator[Stand]":
    """The customers' provider."""
    from tests.sandbox.stand import standing

    with standing(tmp_path / "sandbox") as made:
        yield made


@pytest.fixture
def road(shop: "Shop", owner: psycopg.Connection[Any], stand: "Stand") -> "Road":
    """A shop whose mail leaves by the stand-in provider."""
    from tests.delivery.road import Road

    made = Road(shop, owner)
    made.configure(stand.config())
    return made
