"""Fixtures: a real Dovecot for the module, trusted by Wasl, and an inbox that fetches from it."""

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from tests.mailservers import dovecot
from tests.mailservers.certificates import Authority

if TYPE_CHECKING:
    from tests.mailservers.boxes import Box
    from tests.worlds import Shop


@pytest.fixture(scope="session")
def authority(tmp_path_factory: pytest.TempPathFactory) -> Authority:
    """Issues certificates."""
    folder: Path = tmp_path_factory.mktemp("authority")
    for each in (folder, *folder.parents):
        if each.name.startswith("pytest"):
            each.chmod(0o755)  # another user reads the certificates
    return Authority(folder)


@pytest.fixture(scope="module")
def server(authority: Authority) -> Iterator[dovecot.Dovecot]:
    """A running Dovecot."""
    with dovecot.running(authority.issue("localhost")) as running:
        yield running


@pytest.fixture
def trusted(authority: Authority, monkeypatch: pytest.MonkeyPatch) -> None:
    """Wasl trusts the tests' authority."""
    from wasl.channels.email import dial

    context = authority.trusting()
    monkeypatch.setattr(dial, "trust", lambda: context)


_users = iter(dovecot.USERS * 10)


@pytest.fixture
def box(shop: "Shop", server: dovecot.Dovecot, trusted: None) -> "Box":
    """An inbox that fetches from a mailbox of its own."""
    from tests.mailservers.boxes import Box

    return Box.create(shop, server, next(_users))
