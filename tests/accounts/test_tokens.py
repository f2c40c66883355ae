"""API tokens."""

import argparse
import hashlib
from typing import Any

import psycopg
import pytest

from tests.worlds import Shop
from wasl.accounts import tokens
from wasl.accounts.actor import Forbidden, NotFound
from wasl.accounts.models import ApiToken, Role
from wasl.cli import token as command
from wasl.kit.db import tenant


def test_only_the_digest_of_a_secret_is_kept(shop: Shop, owner: psycopg.Connection[Any]) -> None:
    with tenant(shop.id):
        secret, token = tokens.create(shop.actor("owner"), " Web shop ", Role.AGENT)
    assert len(secret) == 48
    assert secret.startswith("wasl_")
    row = owner.execute("SELECT t.*::text FROM accounts_apitoken t").fetchone()
    assert row
    assert secret not in row[0]
    assert (token.hint, token.name) == (secret[:12], "Web shop")
    assert token.digest == hashlib.sha256(secret.encode()).digest() == tokens.digest(secret)


def test_two_secrets_are_never_the_same(shop: Shop) -> None:
    with tenant(shop.id):
        made = {tokens.create(shop.actor("owner"), "t")[0] for _ in range(50)}
    assert len(made) == 50


@pytest.mark.parametrize(
    "text", ["", "wasl_", "wasl_" + "a" * 42, "wasl_" + "a" * 44, "wasl_" + "é" * 43, "x" * 48]
)
def test_what_cannot_be_a_token_has_no_digest(text: str) -> None:
    assert tokens.digest(text) is None


@pytest.mark.parametrize("role", [Role.AGENT, Role.READONLY])
def test_only_administrators_handle_tokens(shop: Shop, role: str) -> None:
    with tenant(shop.id):
        _, token = tokens.create(shop.actor("owner"), "t")
        actor = shop.actor(role)
        with pytest.raises(Forbidden):
            tokens.create(actor, "mine")
        with pytest.raises(Forbidden):
            tokens.revoke(actor, token.id)
        with pytest.raises(Forbidden):
            tokens.tokens(actor)


def test_nobody_makes_a_token_above_themselves(shop: Shop) -> None:
    with tenant(shop.id):
        with pytest.raises(Forbidden):
            tokens.create(shop.actor("admin"), "t", Role.OWNER)
        with pytest.raises(ValueError, match="king"):
            tokens.create(shop.actor("owner"), "t", "king")


def test_a_token_of_another_workspace_is_not_there(shop: Shop) -> None:
    other = Shop.create("other", "help@other.example")
    with tenant(other.id):
        _, token = tokens.create(other.actor("owner"), "t")
    with tenant(shop.id):
        assert tokens.tokens(shop.actor("owner")) == []
        with pytest.raises(NotFound):
            tokens.revoke(shop.actor("owner"), token.id)


def test_a_token_is_revoked_once(shop: Shop) -> None:
    with tenant(shop.id):
        owner = shop.actor("owner")
        _, token = tokens.create(owner, "t")
        tokens.revoke(owner, token.id)
        assert ApiToken.objects.get().revoked_at is not None
        with pytest.raises(NotFound):
            tokens.revoke(owner, token.id)


def run(*arguments: str) -> int:
    parser = argparse.ArgumentParser()
    command.add_to(parser)
    return command.run(parser.parse_args(arguments))


def test_the_command_makes_lists_and_revokes(shop: Shop, capsys: pytest.CaptureFixture[str]) -> None:
    assert run("create", "--workspace", "dar-zaytun", "--name", "Shop", "--role", "readonly") == 0
    secret = capsys.readouterr().out.strip()
    with tenant(shop.id):
        token = ApiToken.objects.get()
    assert bytes(token.digest) == tokens.digest(secret)
    assert run("list", "--workspace", str(shop.id)) == 0
    shown = capsys.readouterr().out
    assert f"{token.id}  {secret[:12]}…  readonly" in shown
    assert secret not in shown
    assert run("revoke", "--workspace", "dar-zaytun", str(token.id)) == 0
    assert run("revoke", "--workspace", "dar-zaytun", str(token.id)) == 1
    assert run("revoke", "--workspace", "dar-zaytun", "seven") == 1
    assert run("list", "--workspace", "nowhere") == 1
    assert "no workspace 'nowhere'" in capsys.readouterr().err
