"""Opening API inboxes."""

import argparse

import pytest

from tests.worlds import Shop
from wasl.accounts.actor import Forbidden
from wasl.channels.actions import BadAddress, open_api_inbox
from wasl.cli import inbox as command
from wasl.kit.db import tenant


def test_an_inbox_is_opened_once(shop: Shop) -> None:
    owner = shop.actor("owner")
    with tenant(shop.id):
        inbox = open_api_inbox(owner, "web-shop", " Web shop ")
        assert (inbox.channel, inbox.address, inbox.name, inbox.is_active) == (
            "api",
            "web-shop",
            "Web shop",
            True,
        )
        with pytest.raises(BadAddress, match="taken"):
            open_api_inbox(owner, "web-shop", "Another")
        assert open_api_inbox(owner, "app", "").name == "app"


@pytest.mark.parametrize("address", ["", "A", "a b", "é", "-a", "a-", "a/b", "a" * 64, "a\n"])
def test_addresses_have_a_shape(shop: Shop, address: str) -> None:
    with tenant(shop.id), pytest.raises(BadAddress, match="shape"):
        open_api_inbox(shop.actor("owner"), address, "x")


@pytest.mark.parametrize("role", ["agent", "readonly"])
def test_only_administrators_open_inboxes(shop: Shop, role: str) -> None:
    with tenant(shop.id), pytest.raises(Forbidden):
        open_api_inbox(shop.actor(role), "app", "App")


def test_the_command(shop: Shop, capsys: pytest.CaptureFixture[str]) -> None:
    parser = argparse.ArgumentParser()
    command.add_to(parser)

    def run(*arguments: str) -> int:
        return command.run(parser.parse_args(arguments))

    assert run("create", "--workspace", "dar-zaytun", "--address", "app", "--name", "App") == 0
    assert "app " in capsys.readouterr().out
    assert run("create", "--workspace", "dar-zaytun", "--address", "app") == 1
    assert run("create", "--workspace", "dar-zaytun", "--address", "A B") == 1
    assert run("list", "--workspace", "nowhere") == 1
    assert run("list", "--workspace", str(shop.id)) == 0
    assert len(capsys.readouterr().out.splitlines()) == 3
