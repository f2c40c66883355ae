"""Values as Meta and X write them: ids, moments, files that lie at an address."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from typing import Any
from urllib.parse import unquote, urlsplit

from wasl.channels.base import Media, Unparseable, Unread
from wasl.channels.values import line

_ENDING = re.compile(r"\.[A-Za-z0-9]{1,8}\Z")


def key(value: Any) -> str:
    """An id, which providers also write as a number; '' when there is none."""
    if isinstance(value, int) and not isinstance(value, bool):
        return str(value)
    return line(value)[:250]


def moment(value: Any) -> datetime:
    """Seconds or milliseconds since 1970, as number or text. Raises Unparseable."""
    try:
        number = int(value)
        # Seconds reach this number in the year 5138; milliseconds had it in 1973.
        return datetime.fromtimestamp(number / 1000 if number >= 100_000_000_000 else number, UTC)
    except (TypeError, ValueError, OverflowError, OSError) as error:
        raise Unparseable(Unread.BROKEN, "no moment") from error


def media(url: str, kind: str, content_type: str, at: datetime) -> Media:
    """A file that lies at an address; named by it where it has an ending, else by what it is and when it came."""
    last = line(unquote(urlsplit(url).path.rpartition("/")[2]))[-120:]
    known = last if _ENDING.search(last) else ""
    ending = {"image/jpeg": "jpg", "video/mp4": "mp4", "audio/mp4": "m4a", "image/gif": "gif"}
    return Media(
        {"url": url},
        content_type,
        known or f"{kind}-{at:%Y%m%d-%H%M%S}.{ending.get(content_type, 'bin')}",
    )
