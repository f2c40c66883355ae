"""Logging: one line an event, for people or for programs, with secrets taken out before anything is written."""

import json
import logging
import os
import re
import traceback
from datetime import UTC, datetime
from typing import Any

from wasl.config.env import Env

# What is never written, whoever logs it: credentials in addresses, key-value pairs that name a secret, bearer
# tokens, and Wasl's own API tokens.
# Strangers choose what is looked through, an address of 64 kB for one: no part may be tried again from each letter on.
_SECRETS = re.compile(
    r"(?P<before>"
    r"(?<![a-z0-9+.-])[a-z0-9+.-]+://[^\s:/@]{0,200}:(?=[^\s@]{1,1000}@)"
    r"|(?:password|passwd|secret|token|api[_-]?key|secret[_-]?key|access[_-]?key|master[_-]?key|authorization|cookie)"
    r"[\"']?\s*[=:]\s*(?:bearer\s+|basic\s+)?[\"']?"
    r"|\bbearer\s+"
    r")(?P<secret>[^\s\"'@,;&}]{3,})",
    re.IGNORECASE,
)
HIDDEN = "[hidden]"
_STANDARD = frozenset(vars(logging.makeLogRecord({}))) | {"message", "asctime", "taskName"}


def redact(text: str) -> str:
    """The text with passwords, tokens and keys replaced."""
    return _SECRETS.sub(lambda found: found["before"] + HIDDEN, text)


class TextFormatter(logging.Formatter):
    """`2026-03-01 09:30:12.345 warning wasl.mail: text`, a traceback below."""

    def format(self, record: logging.LogRecord) -> str:
        local = datetime.fromtimestamp(record.created, UTC).astimezone().replace(tzinfo=None)
        stamp = local.isoformat(" ", "milliseconds")
        line = f"{stamp} {record.levelname.lower()} {record.name}: {record.getMessage()}"
        return redact(line + (f"\n{_trace(record)}" if record.exc_info else ""))


class JsonFormatter(logging.Formatter):
    """One JSON object a line; what was passed as `extra=` becomes fields."""

    def format(self, record: logging.LogRecord) -> str:
        event: dict[str, Any] = {
            "at": datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds"),
            "level": record.levelname.lower(),
            "role": os.environ.get("PGAPPNAME", "wasl").removeprefix("wasl "),
            "logger": record.name,
            "text": record.getMessage(),
        }
        event |= {name: value for name, value in vars(record).items() if name not in _STANDARD}
        if record.exc_info:
            event["trace"] = _trace(record)
        return json.dumps(_clean(event), ensure_ascii=False, default=str)


def _clean(value: Any) -> Any:
    if isinstance(value, str):
        return redact(value)
    if isinstance(value, dict):
        return {key: HIDDEN if _names_a_secret(str(key)) else _clean(inner) for key, inner in value.items()}
    return [_clean(inner) for inner in value] if isinstance(value, list | tuple) else value


def _names_a_secret(name: str) -> bool:
    return bool(_SECRETS.match(f"{name}=xxx"))


def _trace(record: logging.LogRecord) -> str:
    return "".join(traceback.format_exception(*record.exc_info)).rstrip() if record.exc_info else ""


def logging_config(env: Env) -> dict[str, Any]:
    """For `logging.config.dictConfig`, and Django's LOGGING: everything goes to standard error."""
    formatter = JsonFormatter if env.log_format == "json" else TextFormatter
    return {
        "version": 1,
        "disable_existing_loggers": False,
        "formatters": {"line": {"()": formatter}},
        "handlers": {"stderr": {"class": "logging.StreamHandler", "formatter": "line"}},
        "root": {"handlers": ["stderr"], "level": env.log_level.upper()},
        "loggers": {
            # Each request is not news; what goes wrong in one is.
            "django.server": {"level": "WARNING"},
            "uvicorn.error": {"level": "ERROR"},  # its warnings tell of what strangers send
            "django.request": {"level": "ERROR"},  # so do these
            "fontTools": {"level": "WARNING"},  # tells of every table of a letter's fonts
            # aiosmtpd would write every command a client sends, addresses included.
            "mail.log": {"level": "WARNING"},
        },
    }
