"""The signed link to one 3D model, for programs that are handed an address and bring no cookie: Android's Scene Viewer.

It opens that file alone, until a day or two from now, for whoever has it.
"""

import struct
import time
from typing import NamedTuple
from uuid import UUID

from wasl.kit import signing

DAY = 86_400
_LAYOUT = struct.Struct("!16s16sI")
_PURPOSE = "loose-file"


class Loose(NamedTuple):
    """A file, by its workspace and the attachment's id."""

    workspace_id: UUID
    file_id: UUID


def token(loose: Loose, at: float | None = None) -> str:
    """72 letters, the same all day, so that a page that is asked for again is the same."""
    until = int((time.time() if at is None else at) // DAY + 2) * DAY
    return signing.token(_PURPOSE, _LAYOUT, loose.workspace_id.bytes, loose.file_id.bytes, until)


def read(text: str, at: float | None = None) -> Loose | None:
    """What a token opens; None when it is not one of ours, or has ended."""
    found = signing.read(_PURPOSE, _LAYOUT, text)
    if found is None:
        return None
    workspace, file, until = found
    return Loose(UUID(bytes=workspace), UUID(bytes=file)) if until > (at or time.time()) else None
