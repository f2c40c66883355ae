"""Fixtures of the customers' tests."""

from typing import TYPE_CHECKING, Any

import psycopg
import pytest

if TYPE_CHECKING:
    from tests.customers.world import World


@pytest.fixture
def world(db: None, owner: psycopg.Connection[Any]) -> "World":
    """A workspace to meet customers in."""
    from tests.customers.world import World

    return World(owner)
