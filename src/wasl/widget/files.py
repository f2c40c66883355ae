"""Links to files that need no header: a browser's `<img>` and a download carry none. They are signed, for one file of
one inbox, and end by themselves."""

import hmac
from uuid import UUID

from wasl.kit import signing

DAY = 86_400

PICTURES = frozenset({"image/png", "image/jpeg", "image/gif", "image/webp", "image/avif"})
"""What a browser is let show in its place; everything else is downloaded."""


def link(inbox_id: UUID, file_id: UUID, at: float) -> str:
    """The path and query of a file, good for one to two days; the same all day, so that browsers keep it."""
    until = int(at // DAY + 2) * DAY
    return f"/chat/{inbox_id}/files/{file_id}?until={until}&sign={_sign(inbox_id, file_id, until)}"


def genuine(inbox_id: UUID, file_id: UUID, until: str, sign: str, at: float) -> bool:
    """Whether it is a link of ours that has not ended."""
    if not (until.isascii() and until.isdigit() and len(until) < 12):
        return False
    wanted = _sign(inbox_id, file_id, int(until)).encode()
    return hmac.compare_digest(wanted, sign.encode("utf-8", "surrogatepass")) and int(until) > at


def _sign(inbox_id: UUID, file_id: UUID, until: int) -> str:
    said = inbox_id.bytes + file_id.bytes + str(until).encode()
    return signing.mac("chat-file", said, 20).hex()
