"""The webhook of a Twilio-style telephone: whether it is theirs, and what it says.

Source: Twilio, "Security: Validating requests", "TwiML: Twilio's request to your application", "Call resource: status
callback", "Recording status callback".
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from urllib.parse import parse_qsl, urlsplit

from wasl.channels.port import Request, Slip
from wasl.channels.sms.hook import Hook as Signed

STEPS = frozenset(
    {
        "incoming",
        "consent",
        "dialled",
        "screen",
        "accepted",
        "left",
        "recording",
        "status",
        "bridge",
        "bridged",
    }
)
MOST = 60
"""Fields of a webhook that are kept, and 2,000 letters of each."""


@dataclass(frozen=True, slots=True)
class Told:
    """What a request says: which call (`ref`, the provider's id of its first leg), at which step, and the fields of
    its form and its address together. `key` is the same when the same comes again."""

    step: str
    ref: str
    params: Mapping[str, str]
    key: bytes


class Hook(Signed):
    """Signed as the provider's short messages are; each request is one event of a call."""

    def split(self, request: Request) -> list[Slip]:
        """Raises ValueError for what is no webhook of a call. The door stores events itself (see `told`)."""
        event = told(request)
        return [Slip(event.key.hex(), json.dumps(dict(event.params), sort_keys=True).encode())]


def told(request: Request) -> Told:
    """The event that a request tells of. Raises ValueError for what is no webhook of a call."""
    place = urlsplit(request.url).path.rstrip("/").rpartition("/")[2]
    step = place if place in STEPS else "incoming"
    form = parse_qsl(request.body.decode("utf-8", "replace"), keep_blank_values=True, max_num_fields=500)
    fields = [*form, *request.query.items()][:MOST]
    params = {name[:60].replace("\x00", ""): value[:2000].replace("\x00", "") for name, value in fields}
    ref = params.get("of") or params.get("ParentCallSid") or params.get("CallSid") or ""
    if not ref or len(ref) > 64:
        raise ValueError("no call is named")
    if step == "incoming" and params.get("CallStatus", "") in FINAL:
        step = "status"  # one address for calls and for what becomes of them
    known = json.dumps([step, sorted(params.items())]).encode()
    return Told(step, ref, params, hashlib.sha256(known).digest())


FINAL = frozenset({"completed", "busy", "failed", "no-answer", "canceled"})
"""States in which a call has ended."""


def taken(params: Mapping[str, str]) -> bool:
    """Whether a dial found somebody: it was completed, and (where the provider says so) bridged."""
    return params.get("DialCallStatus") == "completed" and params.get("DialBridged", "true") != "false"
