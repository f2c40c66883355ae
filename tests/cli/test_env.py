"""Settings: understood as a person writes them, refused all at once with plain words, documented completely."""

import dataclasses
import os
import re
from pathlib import Path

import pytest

from wasl.cli import main, show
from wasl.config.env import BadSettings, Env, load, table
from wasl.config.rules import CLIENTS
from wasl.config.settings import ENV

OPERATING = Path(__file__).resolve().parents[2] / "docs" / "operating.md"


def problems(**settings: str) -> list[str]:
    with pytest.raises(BadSettings) as caught:
        load(settings)
    return caught.value.problems


def test_an_empty_environment_gives_the_defaults(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    env = load({})
    assert (env.http_host, env.http_port, env.smtp_port, env.lmtp_port) == ("127.0.0.1", 8025, 2525, 2424)
    assert env.data_dir == tmp_path / "data"
    assert env.blob_store == str(tmp_path / "data" / "blobs")
    assert env.public_url == "http://localhost:8025"
    assert env.sandbox is False
    assert list(tmp_path.iterdir()) == [], "reading settings leaves nothing behind"


@pytest.mark.parametrize(
    ("name", "written", "attribute", "value"),
    [
        ("WASL_HTTP_BODY_LIMIT", "36 MB", "http_body_limit", 36_000_000),
        ("WASL_HTTP_BODY_LIMIT", "1.5gib", "http_body_limit", 1_610_612_736),
        ("WASL_SMTP_SIZE_LIMIT", "512", "smtp_size_limit", 512),
        ("WASL_BODY_TIMEOUT", "2 min", "body_timeout", 120.0),
        ("WASL_DELIVERY_DEADLINE", "3d", "delivery_deadline", 259_200.0),
        ("WASL_DELIVERY_IN_DOUBT_WAIT", "250ms", "delivery_in_doubt_wait", 0.25),
        ("WASL_SANDBOX", "Yes", "sandbox", True),
        ("WASL_SANDBOX", "0", "sandbox", False),
        ("WASL_SMTP_PORT", "OFF", "smtp_port", None),
        ("WASL_LMTP_PORT", "24", "lmtp_port", 24),
        ("WASL_LOG_FORMAT", "JSON", "log_format", "json"),
        ("WASL_BLOB_STORE", "s3://bucket/letters/", "blob_store", "s3://bucket/letters"),
        ("WASL_HTTP_PORT", " 9000 ", "http_port", 9000),
        ("WASL_PUBLIC_URL", "https://desk.example.com/", "public_url", "https://desk.example.com"),
    ],
)
def test_values_are_understood(name: str, written: str, attribute: str, value: object) -> None:
    assert getattr(load({name: written}), attribute) == value


@pytest.mark.parametrize(
    ("settings", "sentence"),
    [
        ({"WASL_HTTP_PORT": "80a"}, "WASL_HTTP_PORT='80a' must be a whole number from 0 to 65535."),
        ({"WASL_HTTP_PORT": "65536"}, "WASL_HTTP_PORT='65536' must be a whole number from 0 to 65535."),
        ({"WASL_HTTP_PORT": "٨٠"}, "WASL_HTTP_PORT='٨٠' must be a whole number from 0 to 65535."),
        ({"WASL_SMTP_PORT": "none"}, "WASL_SMTP_PORT='none' must be a port from 0 to 65535, or off."),
        ({"WASL_SANDBOX": "maybe"}, "WASL_SANDBOX='maybe' must be on or off."),
        ({"WASL_LOG_LEVEL": "loud"}, "WASL_LOG_LEVEL='loud' must be one of debug, info, warning, error."),
        ({"WASL_BLOB_STORE": "gs://x"}, "WASL_BLOB_STORE='gs://x' must be a folder, or start with s3://."),
        (
            {"WASL_BLOB_STORE": "s3:///x"},
            "WASL_BLOB_STORE='s3:///x' must name a bucket, as in s3://bucket/prefix.",
        ),
        ({"WASL_PUBLIC_URL": "desk.example.com"}, "must be an address that starts with http:// or https://."),
        (
            {"WASL_SMTP_TLS_CERT": "/nowhere"},
            "WASL_SMTP_TLS_CERT='/nowhere' names a file that does not exist.",
        ),
        ({"WASL_HTP_PORT": "1"}, "WASL_HTP_PORT is not a setting of Wasl. Did you mean WASL_HTTP_PORT?"),
        ({"WASL_XYZZY": "1"}, "WASL_XYZZY is not a setting of Wasl. `wasl check --settings` lists them all."),
        (
            {"WASL_HTTP_PORT": "2525"},
            "WASL_HTTP_PORT and WASL_SMTP_PORT are both 2525: give each a port of its own.",
        ),
        (
            {"WASL_S3_ACCESS_KEY": "a"},
            "WASL_S3_ACCESS_KEY and WASL_S3_SECRET_KEY belong together: set both, or neither.",
        ),
        ({"WASL_DEBUG": "on", "WASL_HTTP_HOST": "0.0.0.0"}, "WASL_DEBUG shows secrets"),
        ({"WASL_DEBUG": "on", "WASL_HTTP_HOST": "[::]"}, "WASL_DEBUG shows secrets"),
    ],
)
def test_what_cannot_be_used_is_said_in_a_sentence(settings: dict[str, str], sentence: str) -> None:
    (said,) = problems(**settings)
    assert sentence in said


def test_the_variables_of_the_examples_are_let_be() -> None:
    shown = "".join(
        path.read_text() for path in OPERATING.parent.rglob("*") if path.suffix in {".md", ".py", ".sh"}
    )
    named = set(re.findall(r"\b(WASL_[A-Z_]*[A-Z])\b", shown)) - {row.name for row in table()}
    assert named == CLIENTS, "a stranger exports these, and then gives a command of wasl"
    assert load(dict.fromkeys(CLIENTS, "x")) == load({})


@pytest.mark.parametrize("size", ["", "0", "-1", "36 XB", "1e9", "a lot", "9" * 400])
def test_a_size_is_a_size(size: str) -> None:
    if size:
        assert "such as 36 MB" in problems(WASL_HTTP_BODY_LIMIT=size)[0]
    else:
        assert load({"WASL_HTTP_BODY_LIMIT": size}).http_body_limit == 36_000_000, "empty means the default"


def test_all_problems_come_at_once_and_secrets_stay_secret() -> None:
    found = problems(WASL_HTTP_PORT="x", WASL_SECRET_KEY="hunter2", WASL_DATABASE_URL="mysql://u:pw@h/d")
    assert len(found) == 3
    assert "hunter2" not in str(found)
    assert "pw@" not in str(found)


def test_secrets_do_not_show_in_a_printed_env() -> None:
    env = load({"WASL_SECRET_KEY": "k" * 40, "WASL_DATABASE_URL": "postgresql://owner:pw@host/wasl"})
    assert "kkkk" not in repr(env)
    assert "pw@" not in repr(env)


def test_hosts_follow_the_public_address() -> None:
    env = load(
        {
            "WASL_PUBLIC_URL": "https://desk.example.com:8443",
            "WASL_ALLOWED_HOSTS": "help.example.com, ,x.example.com",
            "WASL_HTTP_HOST": "0.0.0.0",
        }
    )
    assert env.allowed_hosts[0] == "desk.example.com"
    assert {"help.example.com", "x.example.com", "localhost"} < set(env.allowed_hosts)
    assert "0.0.0.0" not in env.allowed_hosts


def test_keys_are_made_once_and_kept_to_their_owner(tmp_path: Path) -> None:
    env = load({"WASL_DATA_DIR": str(tmp_path)})
    first = env.keys
    assert load({"WASL_DATA_DIR": str(tmp_path)}).keys == first
    assert len(first.master_key) == 32
    assert len(first.secret_key) >= 32
    for file in (tmp_path / "keys").iterdir():
        assert file.stat().st_mode & 0o777 == 0o600
    assert (tmp_path / "keys").stat().st_mode & 0o777 == 0o700


def test_given_keys_are_used_and_nothing_is_written(tmp_path: Path) -> None:
    env = load({"WASL_DATA_DIR": str(tmp_path), "WASL_SECRET_KEY": "s" * 32, "WASL_MASTER_KEY": "0f" * 32})
    assert env.keys.master_key == b"\x0f" * 32
    assert env.keys.secret_key == "s" * 32
    assert not (tmp_path / "keys").exists()


def test_keys_made_by_several_processes_at_once_are_one(tmp_path: Path) -> None:
    env = load({"WASL_DATA_DIR": str(tmp_path)})
    reader, writer = os.pipe()
    children = []
    for _ in range(12):
        child = os.fork()
        if child == 0:
            os.write(writer, env.keys.secret_key.encode() + b"\n")
            os._exit(0)
        children.append(child)
    for child in children:
        os.waitpid(child, 0)
    os.close(writer)
    with open(reader) as answers:
        assert len(set(answers.read().split())) == 1
    assert sorted(path.name for path in (tmp_path / "keys").iterdir()) == ["master", "secret"]


def test_bad_settings_end_a_command_with_code_2(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("WASL_SANDBOX", "perhaps")
    monkeypatch.setenv("WASL_SMTP_PRT", "1")
    assert main(["up"]) == 2
    said = capsys.readouterr().err
    assert "WASL_SANDBOX='perhaps' must be on or off." in said
    assert "Did you mean WASL_SMTP_PORT?" in said


def test_every_setting_has_a_row_an_attribute_and_words() -> None:
    attributes = {field.name for field in dataclasses.fields(Env)}
    for row in table():
        assert row.attribute in attributes
        assert re.fullmatch(r"WASL_[A-Z0-9_]+", row.name)
        assert row.help.endswith("."), row.name
    assert len({row.name for row in table()}) == len(attributes)


def test_the_manual_has_exactly_the_table_of_settings() -> None:
    text = OPERATING.read_text()
    inside = text.partition("<!-- settings -->\n")[2].partition("<!-- end of settings -->")[0]
    assert inside.strip() == show.markdown().strip(), "`make docs` writes it"


def test_django_and_the_supervisor_read_the_same_settings() -> None:
    assert load() == ENV
