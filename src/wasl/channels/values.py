"""Values out of JSON that others write: they may be absent, of another kind, or not fit to be stored."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from typing import Any

RAW = 8_000
"""Letters of something unsupported that are kept for administrators."""

_UNWANTED = re.compile("[\x00-\x1f\x7f-\x9f\u2028\u2029]+")
_CONTROL = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f]")


def text(value: Any) -> str:
    """A text that can be stored: without NUL, and lone surrogates become question marks."""
    return value.encode("utf-8", "replace").decode().replace("\0", "") if isinstance(value, str) else ""


def line(value: Any) -> str:
    """Text of one line."""
    return _UNWANTED.sub(" ", text(value)).strip()


def body(value: Any) -> str:
    """Text of several lines."""
    return _CONTROL.sub("", text(value)).strip()


def whole(value: Any) -> int | None:
    """A whole number."""
    return value if isinstance(value, int) and not isinstance(value, bool) else None


def obj(value: Any) -> Mapping[str, Any]:
    """The object, or an empty one."""
    return value if isinstance(value, dict) else {}


def objs(value: Any) -> Sequence[Mapping[str, Any]]:
    """The objects in a list; none in what is no list."""
    return [each for each in value if isinstance(each, dict)] if isinstance(value, list) else []


def small(value: Any) -> str:
    """The raw form of something, for administrators."""
    return json.dumps(value, ensure_ascii=False, sort_keys=True)[:RAW].encode("utf-8", "replace").decode()


def filename(value: Any) -> str:
    """A name for a file that leads to no folder; '' when there is none."""
    return line(value).replace("/", "_").replace("\\", "_")[:200]


def address(typed: str) -> str:
    """An address of a program's own kind, as somebody typed it. Raises ValueError for none, or one that is too long."""
    found = line(typed)
    if not 1 <= len(found) <= 250:
        raise ValueError("no address")
    return found
