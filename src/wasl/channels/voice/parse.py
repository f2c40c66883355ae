"""What of a call becomes a message: that it was missed, and what was said after the tone.

The payload is our own: the worker writes it when a call has ended (`calls.course`), and it goes the way of everything
that customers send, so that it can be read again.
"""

from __future__ import annotations

import json
from datetime import datetime
from typing import Any

from wasl.channels.base import Address, Media, ParsedMessage, Unparseable, Unread
from wasl.channels.port import Parsed

CHANNEL = "voice"
MISSED, VOICEMAIL = "missed_call", "voicemail"


def payload(
    *, ref: str, number: str, at: datetime, why: str = "", recording: str = "", seconds: int = 0
) -> bytes:
    """What `parse` reads: a call that was missed, with its recording where they left a message."""
    about = {
        "ref": ref, "from": number, "at": at.isoformat(), "why": why, "recording": recording, "seconds": seconds,
    }  # fmt: skip
    return json.dumps(about, sort_keys=True, separators=(",", ":")).encode()


def parse(content: bytes) -> Parsed:
    """A message of kind missed_call or voicemail. Raises Unparseable."""
    try:
        about: Any = json.loads(content)
        ref, number = str(about["ref"]), str(about["from"])
        at = datetime.fromisoformat(str(about["at"]))
        seconds, recording = int(about["seconds"]), str(about["recording"])
    except (ValueError, KeyError, TypeError, RecursionError) as error:
        raise Unparseable(Unread.BROKEN, "no call") from error
    said = bool(recording)
    name = f"{at:%Y-%m-%d-%H%M}.mp3"
    return ParsedMessage(
        channel=CHANNEL,
        sender=Address("", number),
        subject=number if number.startswith("+") else "",
        message_id=ref,
        sent_at=at,
        kind=VOICEMAIL if said else MISSED,
        content={"seconds": seconds, "why": str(about.get("why") or "")},
        media=(Media({"url": recording}, "audio/mpeg", name),) if said else (),
    )
