"""How the text of a setting becomes a value: one `Kind` each, with the words for its documentation.

A parser raises ValueError with the rest of a sentence that starts with the setting's name and value.
"""

import re
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlsplit

CHECKOUT = Path(__file__).resolve().parents[3]
SIZES = {"": 1, "b": 1, "kb": 10**3, "mb": 10**6, "gb": 10**9, "kib": 2**10, "mib": 2**20, "gib": 2**30}
DURATIONS = {"ms": 0.001, "": 1.0, "s": 1.0, "min": 60.0, "m": 60.0, "h": 3600.0, "d": 86400.0}
ON, OFF = {"on", "true", "yes", "1"}, {"off", "false", "no", "0"}


@dataclass(frozen=True, slots=True)
class Kind:
    """`says` describes the accepted values in a word or two; `parse` turns text into a value."""

    says: str
    parse: Callable[[str], Any]


def number(least: int, most: int) -> Kind:
    """A whole number between two bounds, both included."""

    def parse(raw: str) -> int:
        if not re.fullmatch(r"\d{1,18}", raw, re.ASCII) or not least <= int(raw) <= most:
            raise ValueError(f"must be a whole number from {least} to {most}.")
        return int(raw)

    return Kind("number", parse)


def choice(*allowed: str) -> Kind:
    """One of a few words, in any case."""

    def parse(raw: str) -> str:
        if raw.lower() not in allowed:
            raise ValueError(f"must be one of {', '.join(allowed)}.")
        return raw.lower()

    return Kind(" or ".join(allowed), parse)


def _scaled(raw: str, units: dict[str, Any], example: str) -> float:
    found = re.fullmatch(r"(\d{1,15}(?:\.\d{1,9})?)\s*([a-z]*)", raw.lower(), re.ASCII)
    if not found or found[2] not in units or float(found[1]) <= 0:
        raise ValueError(f"must be {example}.")
    return float(found[1]) * float(units[found[2]])


def _size(raw: str) -> int:
    return int(_scaled(raw, SIZES, "a size above zero, such as 36 MB, 512 kB or 1 GiB"))


def _duration(raw: str) -> float:
    return _scaled(raw, DURATIONS, "a time above zero, such as 30 s, 10 min, 2 h or 3 d")


def _switch(raw: str) -> bool:
    if raw.lower() not in ON | OFF:
        raise ValueError("must be on or off.")
    return raw.lower() in ON


def _port(raw: str) -> int | None:
    if raw.lower() == "off":
        return None
    if not re.fullmatch(r"\d{1,5}", raw, re.ASCII) or int(raw) > 65535:
        raise ValueError("must be a port from 0 to 65535, or off.")
    return int(raw)


def _optional_file(raw: str) -> Path | None:
    if not raw:
        return None
    found = Path(raw).expanduser().resolve()
    if not found.is_file():
        raise ValueError("names a file that does not exist.")
    return found


def _web_url(raw: str) -> str:
    parts = urlsplit(raw)
    if raw and (parts.scheme not in {"http", "https"} or not parts.hostname):
        raise ValueError("must be an address that starts with http:// or https://.")
    return raw


@dataclass(frozen=True, slots=True)
class Relay:
    """A mail server that sends for every inbox without one of its own; `tls` as in an inbox's settings."""

    host: str
    port: int
    tls: str
    user: str
    password: str = field(repr=False)


_RELAYS = {"smtp": ("starttls", 587), "smtps": ("tls", 465), "smtp+plain": ("none", 25)}


def _relay(raw: str) -> Relay | None:
    if not raw:
        return None
    parts = urlsplit(raw)
    if parts.scheme not in _RELAYS or not parts.hostname:
        raise ValueError("must look like smtp://user:password@host:587, smtps://… or smtp+plain://….")
    tls, usual = _RELAYS[parts.scheme]
    port = parts.port or usual
    return Relay(parts.hostname, port, tls, unquote(parts.username or ""), unquote(parts.password or ""))


def _database_url(raw: str) -> str:
    parts = urlsplit(raw)
    if raw and (parts.scheme not in {"postgres", "postgresql"} or not parts.path.strip("/")):
        raise ValueError("must look like postgresql://owner:password@host:5432/database.")
    return raw


def _blob_store(raw: str) -> str:
    if raw.startswith("s3://"):
        if not urlsplit(raw).netloc:
            raise ValueError("must name a bucket, as in s3://bucket/prefix.")
        return raw.rstrip("/")
    if "://" in raw:
        raise ValueError("must be a folder, or start with s3://.")
    return str(Path(raw).expanduser().resolve()) if raw else ""


def _secret(raw: str) -> str:
    if raw and len(raw) < 32:
        raise ValueError("must have at least 32 characters.")
    return raw


def _key32(raw: str) -> str:
    if raw and not re.fullmatch(r"[0-9a-fA-F]{64}", raw):
        raise ValueError("must be 64 hexadecimal digits.")
    return raw


def _words(raw: str) -> tuple[str, ...]:
    return tuple(word for part in raw.split(",") if (word := part.strip()))


text = Kind("text", str)
path = Kind("folder", lambda raw: Path(raw).expanduser().resolve())
checkout_path = Kind("folder", lambda raw: (CHECKOUT / Path(raw).expanduser()).resolve())
optional_file = Kind("file", _optional_file)
size = Kind("size", _size)
duration = Kind("time", _duration)
switch = Kind("on or off", _switch)
port = Kind("port or off", _port)
web_url = Kind("web address", _web_url)
relay = Kind("mail server's address", _relay)
database_url = Kind("database address", _database_url)
blob_store = Kind("folder or s3 address", _blob_store)
secret = Kind("text of 32 characters or more", _secret)
key32 = Kind("64 hexadecimal digits", _key32)
words = Kind("list", _words)
