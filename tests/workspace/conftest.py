"""Fixtures of the pages' tests; what they are made of is in `stage`."""

from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from tests.workspace.stage import Browser, Known
    from tests.worlds import Shop


@pytest.fixture
def browser() -> "Browser":
    """`browser(shop, "agent")`: signed in as the agent of that role."""
    from tests.workspace.stage import signed_in

    return signed_in


@pytest.fixture
def known(shop: "Shop") -> "Known":
    """What `shop` holds."""
    from tests.workspace.stage import furnish

    return furnish(shop)


@pytest.fixture
def elsewhere(shop: "Shop") -> "Known":
    """The same in another workspace."""
    from tests.workspace.stage import furnish
    from tests.worlds import Shop

    return furnish(Shop.create("elsewhere", "support@elsewhere.example"), "support@elsewhere.example")
