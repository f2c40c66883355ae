from collections.abc import Iterator
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest
from django.conf import settings

if TYPE_CHECKING:
    from tests.webhooks.receiver import Receiver
    from tests.webhooks.road import Road
    from tests.worlds import Shop


@pytest.fixture
def private(monkeypatch: pytest.MonkeyPatch) -> None:
    """This machine may be called."""
    monkeypatch.setattr(settings, "ENV", replace(settings.ENV, webhook_private=True))


@pytest.fixture
def receiver() -> "Iterator[Receiver]":
    """A program that is called."""
    from tests.webhooks.receiver import receiving

    with receiving() as made:
        yield made


@pytest.fixture
def road(shop: "Shop", private: None) -> "Iterator[Road]":
    """A shop, the follower and a worker whose clock can be moved."""
    from tests.webhooks.road import Road

    made = Road(shop)
    yield made
    made.caller.close(1)
