"""Work, counted: the same on a busy machine and an idle one."""

import sys
from collections.abc import Callable
from types import FrameType
from typing import Any


def calls(function: Callable[[str], Any], text: str) -> int:
    """How many function calls it takes, ours and the interpreter's."""
    count = 0

    def note(_frame: FrameType, event: str, _arg: Any) -> None:
        nonlocal count
        count += event in ("call", "c_call")

    sys.setprofile(note)
    try:
        function(text)
    finally:
        sys.setprofile(None)
    return count
