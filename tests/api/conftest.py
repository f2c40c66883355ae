"""Fixtures of the API's tests. Django is not ready when this is read, so the imports wait."""

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from tests.api.client import Caller, Door
    from tests.worlds import Shop


@pytest.fixture(autouse=True)
def fresh() -> None:
    """Nothing is remembered from the test before."""
    from wasl.channels import access

    access.forget()


@pytest.fixture
def door(shop: "Shop") -> Iterator["Door"]:
    """The native door of a shop, with a token that may write."""
    from tests.api.client import Door, token_of

    door = Door(shop, token_of(shop))
    yield door
    door.close()


@pytest.fixture
def message() -> dict[str, Any]:
    """A small message that is right."""
    return {"from": {"address": "customer-1042", "name": "Amal"}, "text": "Has my parcel left yet?"}


@pytest.fixture
def call(shop: "Shop") -> "Caller":
    """A client of the Django part, with an agent's token."""
    from tests.api.client import Caller, token_of

    return Caller(token_of(shop))
