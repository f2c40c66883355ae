"""Places in long lists, as they stand in addresses."""

from datetime import UTC, datetime, timedelta
from uuid import UUID

from django.core.exceptions import BadRequest
from django.http import HttpRequest

from wasl.kit.clock import micros

Cursor = tuple[datetime, UUID]

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def write(cursor: Cursor) -> str:
    """`1760000000000000-<uuid>`, exact to the microsecond."""
    return f"{micros(cursor[0])}-{cursor[1]}"


def read(text: str) -> Cursor:
    """The cursor in an address. Raises BadRequest when it is none."""
    stamp, _, key = text.partition("-")
    try:
        return _EPOCH + timedelta(microseconds=int(stamp)), UUID(key)
    except (ValueError, OverflowError) as error:
        raise BadRequest("cursor") from error


def asked(request: HttpRequest) -> Cursor | None:
    """Where the reader wants to go on, from `?before=`. Raises BadRequest."""
    text = request.GET.get("before", "")
    return read(text) if text else None


def counted(request: HttpRequest, least: int, most: int) -> int:
    """How many rows a page that is read again should hold: as many as are shown (`?count=`), within bounds."""
    text = request.GET.get("count", "")
    wanted = int(text) if text.isascii() and text.isdigit() and len(text) < 6 else least
    return max(least, min(wanted, most))
