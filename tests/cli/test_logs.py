"""The log never holds a secret, and JSON lines are JSON."""

import json
import logging
import sys

import pytest

from wasl.config.env import load
from wasl.config.logs import JsonFormatter, TextFormatter, logging_config, redact


@pytest.mark.parametrize(
    "line",
    [
        "postgresql://owner:S3CRET@db/wasl refused",
        "smtp://user:S3CRET@host:587",
        "password=S3CRET&next=/",
        "password = 'S3CRET'",
        '{"token": "S3CRET", "id": 1}',
        "Authorization: Bearer S3CRET",
        "sent header bearer S3CRET",
        "Set-Cookie: S3CRET; Path=/",
        "secret_key=S3CRET",
        "WASL_S3_SECRET_KEY=S3CRET",
        "api-key: S3CRET",
    ],
)
def test_secrets_are_taken_out(line: str) -> None:
    assert "S3CRET" not in redact(line)
    assert "[hidden]" in redact(line)


@pytest.mark.parametrize(
    "line",
    [
        "listening on http://localhost:8025/inbox?page=2",
        "delivery 0190 is delivered after 3 tries, 250 2.0.0 OK",
        "the password was changed",
        "from: amal@example.com at 10:31:05",
    ],
)
def test_everything_else_is_left_alone(line: str) -> None:
    assert redact(line) == line


def record(text: str, *arguments: object, **extra: object) -> logging.LogRecord:
    made = logging.LogRecord("wasl.mail", logging.WARNING, "x.py", 1, text, arguments, None)
    vars(made).update(extra)
    return made


def test_a_json_line_is_one_object_with_its_fields(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PGAPPNAME", "wasl mail")
    line = JsonFormatter().format(
        record("said %s", "token=S3CRET", inbox="help", reply={"cookie": "S3CRET", "n": 1})
    )
    event = json.loads(line)
    assert "\n" not in line
    assert "S3CRET" not in line
    assert (event["role"], event["level"], event["inbox"], event["reply"]["n"]) == (
        "mail",
        "warning",
        "help",
        1,
    )


def test_a_traceback_is_cleaned_too() -> None:
    made = record("it failed")
    try:
        raise ValueError("postgresql://a:S3CRET@b/c")
    except ValueError:
        made.exc_info = sys.exc_info()
    for formatter in (TextFormatter(), JsonFormatter()):
        text = formatter.format(made)
        assert "ValueError" in text
        assert "S3CRET" not in text


def test_the_format_follows_the_setting() -> None:
    for name, formatter in (("text", TextFormatter), ("json", JsonFormatter)):
        config = logging_config(load({"WASL_LOG_FORMAT": name, "WASL_LOG_LEVEL": "error"}))
        assert config["formatters"]["line"]["()"] is formatter
        assert config["root"]["level"] == "ERROR"
