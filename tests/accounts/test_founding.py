"""The first workspace of an installation, made at the command line: whoever it names can sign in."""

from pathlib import Path

import pytest
from django.contrib.auth import authenticate

from wasl.accounts import founding
from wasl.accounts.models import Agent, Role, User
from wasl.cli import _command, _parser, jobs
from wasl.cli.token import as_owner
from wasl.kit.db import tenant


def wasl(*arguments: str) -> int:
    parsed = _parser().parse_args(["workspace", *arguments])
    return int(parsed.run(parsed))


def test_an_installation_begins(db: None, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert "wasl workspace create" in jobs.what_is_missing()
    word = tmp_path / "word"
    word.write_text("seven purple olives\n")
    named = ("create", "--name", "Café Zaytun", "--email", "Boss@Shop.example")
    assert wasl(*named, "--language", "ar", "--timezone", "Asia/Beirut", "--password-file", str(word)) == 0
    assert "workspace cafe-zaytun" in capsys.readouterr().out
    assert jobs.what_is_missing() == ""
    owner = authenticate(None, username="boss@shop.example", password="seven purple olives")
    actor = as_owner(None)
    assert owner is not None
    assert actor is not None
    with tenant(actor.workspace_id):
        assert Agent.objects.get().role == Role.OWNER

    assert wasl(*named) == 1
    assert "--slug" in capsys.readouterr().err
    assert wasl(*named, "--slug", "second") == 0, "whoever has an account keeps it, with its password"
    assert User.objects.count() == 1
    assert wasl("list") == 0
    assert [line.split()[1] for line in capsys.readouterr().out.splitlines()[1:]] == ["cafe-zaytun", "second"]


@pytest.mark.parametrize(
    ("name", "email", "password", "reason"),
    [
        (" ", "a@b.example", "seven purple olives", "name"),
        ("متجر", "a@b.example", "seven purple olives", "slug"),
        ("Shop", "nobody", "seven purple olives", "email"),
        ("Shop", "a@b.example", "password123", "password"),
        ("Shop", "a@b.example", "short", "password"),
    ],
)
def test_what_is_not_right_makes_nothing(db: None, name: str, email: str, password: str, reason: str) -> None:
    with pytest.raises(founding.Refused, match=reason):
        founding.found(name, founding.short_name(name), email, "", password)
    assert jobs.what_is_missing()
    assert not User.objects.exists()


def test_a_name_without_a_short_one_is_said_before_a_password_is_asked_for(
    db: None, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    named = ("create", "--name", "متجر", "--email", "a@b.example", "--password-file", str(tmp_path / "none"))
    assert wasl(*named) == 1
    said = capsys.readouterr().err
    assert "“متجر”" in said
    assert "--slug" in said


def test_a_database_of_another_version_is_said_in_a_sentence(
    db: None, capsys: pytest.CaptureFixture[str]
) -> None:
    from django.db import connection

    def asks(_: object) -> int:
        with connection.cursor() as cursor:
            cursor.execute("SELECT not_yet FROM accounts_user")
        return 0

    assert _command(asks)(_parser().parse_args(["workspace", "list"])) == 1
    assert "wasl upgrade" in capsys.readouterr().err
