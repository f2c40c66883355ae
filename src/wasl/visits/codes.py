"""What is scanned at the door, and what opens a kiosk: tokens of ours, and their pictures.

A customer's code says who they are and until when, and on the page of a conversation also which one: 56 or 80 capital
letters and digits (RFC 4648, base 32), so that a scanner that types them is understood whatever its keyboard calls
capitals. A kiosk's token says which branch it stands in, and which version of that branch's kiosk: raising the version
closes the kiosk.
"""

import base64
import hmac
import io
import struct
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from uuid import UUID

from markupsafe import Markup

from wasl.kit import signing
from wasl.kit.clock import now

LENGTHS = (56, 80)
SHOWN = timedelta(hours=24)
"""How long a code is good that is shown on a page, made anew whenever that is opened."""
SENT = timedelta(days=30)
"""The same of one that an agent hands out."""

_CODE = struct.Struct("!16sI")
_CODE_MAC = 15
_MATTER = struct.Struct("!16sI16s")
_MATTER_MAC = 14
_KIOSK = struct.Struct("!16s16sI")
_OPENS = "visit-kiosk"


class WrongCode(Exception):
    """It does not say who came: `reason` is bad_code or old_code."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


@dataclass(frozen=True, slots=True)
class Said:
    """What a code says: whose it is, and on the page of which conversation it was."""

    identity_id: UUID
    conversation_id: UUID | None


def code(
    workspace_id: UUID, identity_id: UUID, lifetime: timedelta = SHOWN, conversation_id: UUID | None = None
) -> str:
    """What a customer shows at the door."""
    until = int((now() + lifetime).timestamp())
    if conversation_id:
        body, size = _MATTER.pack(identity_id.bytes, until, conversation_id.bytes), _MATTER_MAC
    else:
        body, size = _CODE.pack(identity_id.bytes, until), _CODE_MAC
    return base64.b32encode(body + _code_mac(workspace_id, body)[:size]).decode("ascii")


def is_code(text: str) -> bool:
    """Whether a scanner may have typed this; whether it is one of ours, `read` knows."""
    return len(text) in LENGTHS and text.isascii() and text.isalnum()


def read(workspace_id: UUID, text: str) -> Said:
    """What a code says. Raises WrongCode."""
    try:
        data = base64.b32decode(text.upper()) if is_code(text) else b""
    except ValueError:
        data = b""
    form, size = (_CODE, _CODE_MAC) if len(text) == LENGTHS[0] else (_MATTER, _MATTER_MAC)
    body, mac = data[: form.size], data[form.size :]
    known = _code_mac(workspace_id, body)[:size]
    if len(data) != form.size + size or not hmac.compare_digest(known, mac):
        raise WrongCode("bad_code")
    identity, until, *matter = form.unpack(body)
    if datetime.fromtimestamp(until, UTC) <= now():
        raise WrongCode("old_code")
    return Said(UUID(bytes=identity), UUID(bytes=matter[0]) if matter else None)


def _code_mac(workspace_id: UUID, body: bytes) -> bytes:
    return hmac.digest(signing.key("visit-code"), workspace_id.bytes + body, "sha256")


@dataclass(frozen=True, slots=True)
class Kiosk:
    """What a kiosk's token says."""

    workspace_id: UUID
    branch_id: UUID
    version: int


def kiosk(claim: Kiosk) -> str:
    """The token of a kiosk, as one path segment."""
    return signing.token(_OPENS, _KIOSK, claim.workspace_id.bytes, claim.branch_id.bytes, claim.version)


def read_kiosk(text: str) -> Kiosk | None:
    """What a token says; None when it is not one of ours, letter for letter."""
    found = signing.read(_OPENS, _KIOSK, text)
    if found is None:
        return None
    workspace, branch, version = found
    return Kiosk(UUID(bytes=workspace), UUID(bytes=branch), version)


def picture(text: str, title: str) -> Markup:
    """A QR code (ISO 18004) as an element of a page, on white whatever the page's ground."""
    import segno  # drawn rarely, and not needed to read a code

    drawn = segno.make(text, error="m", boost_error=False)
    width = drawn.symbol_size(border=4)[0]
    path = " ".join(
        f"M{x} {y}h{length}" for y, row in enumerate(drawn.matrix_iter(border=4)) for x, length in _runs(row)
    )
    return Markup(
        '<svg class="qr" viewBox="0 0 {w} {w}" role="img" aria-label="{t}" shape-rendering="crispEdges">'
        '<rect width="{w}" height="{w}" fill="#fff"/><path d="{p}" stroke="#000" transform="translate(0 .5)"/></svg>'
    ).format(w=width, t=title, p=path)


def _runs(row: Iterable[int]) -> list[tuple[int, int]]:
    """(start, length) of what is dark in a line."""
    runs: list[tuple[int, int]] = []
    for x, dark in enumerate(row):
        if not dark:
            continue
        if runs and sum(runs[-1]) == x:
            runs[-1] = (runs[-1][0], runs[-1][1] + 1)
        else:
            runs.append((x, 1))
    return runs


def png(text: str) -> bytes:
    """The same as a picture to send or to print."""
    import segno

    out = io.BytesIO()
    segno.make(text, error="m", boost_error=False).save(out, kind="png", scale=8, border=4)
    return out.getvalue()
