"""What the widget's door stores: one line of JSON, and behind it the bytes of a file where there is one.

So a file is no third larger for being told of, and reading it back needs no second place.
"""

import json
from collections.abc import Mapping
from typing import Any

from wasl.channels.port import Slip


def slip(key: str, about: Mapping[str, Any], file: bytes = b"") -> Slip:
    """`about` has a `kind`: message, address, delivered or read; see `parse` for the rest."""
    head = json.dumps(about, ensure_ascii=False, separators=(",", ":"))
    return Slip(key, head.encode() + b"\n" + file)


def opened(raw: bytes) -> tuple[dict[str, Any], bytes]:
    """The two again. Raises ValueError."""
    head, line_break, file = raw.partition(b"\n")
    about = json.loads(head)
    if not line_break or not isinstance(about, dict):
        raise ValueError("not what the widget's door stores")
    return about, file
