"""What was stored of somebody who came → ParsedMessage of kind "visit".

Ours from end to end: {"card", "name", "text", "language", "at" (seconds since 1970), "content", "quoted"}. `card` is
the number of the customer's card (`visits.people`), by which the channel knows them; `quoted` is the last message of
the matter they came about, where that is known.
"""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import Any, cast

from wasl.channels.base import Address, Language, ParsedMessage, Unparseable, Unread
from wasl.kit.languages import CODES

CHANNEL = "visit"


def content(
    card: str, name: str, text: str, language: str, at: datetime, said: dict[str, str | int], quoted: str = ""
) -> bytes:
    """The stored form; the same visit is always the same bytes."""
    body = {
        "card": card,
        "name": name,
        "text": text,
        "language": language,
        "at": at.timestamp(),
        "content": said,
    } | ({"quoted": quoted} if quoted else {})
    return json.dumps(body, ensure_ascii=False, sort_keys=True, separators=(",", ":")).encode()


def parse(raw: bytes) -> ParsedMessage:
    """Raises Unparseable, with the reason a person is shown, and nothing else."""
    try:
        return _parsed(json.loads(raw))
    except Unparseable:
        raise
    except Exception as error:
        raise Unparseable(Unread.BROKEN, f"{type(error).__name__}: {error}") from error


def _parsed(body: dict[str, Any]) -> ParsedMessage:
    card = str(body["card"])
    if not card:
        raise Unparseable(Unread.NO_SENDER)
    language = body["language"] if body["language"] in CODES else ""
    return ParsedMessage(
        channel=CHANNEL,
        sender=Address(str(body["name"]), card),
        text=str(body["text"]),
        sent_at=datetime.fromtimestamp(body["at"], UTC),
        language=cast("Language", language),
        in_reply_to=(str(body["quoted"]),) if body.get("quoted") else (),
        kind="visit",
        content=dict(body["content"]),
    )
