"""Pages of long lists: where the next one begins, opaque to clients, and the links that lead there."""

from datetime import datetime
from typing import Annotated, Any, TypeVar
from urllib.parse import urlencode
from uuid import UUID

import msgspec
from django.http import HttpRequest, HttpResponse

from wasl.kit.base64url import content, letters
from wasl.kit.problem import Fault, Problem

LIMIT = 50
MOST = 200
T = TypeVar("T")

AtTime = tuple[datetime, UUID]
AtName = tuple[str, UUID]
_time = msgspec.json.Decoder(tuple[Annotated[datetime, msgspec.Meta(tz=True)], UUID])
_name = msgspec.json.Decoder(tuple[Annotated[str, msgspec.Meta(pattern=r"^[^\x00]*$")], UUID])


def write(place: AtTime | AtName) -> str:
    """The cursor of a place; its form is ours to change."""
    return letters(msgspec.json.encode(place))


def at_time(cursor: str | None) -> AtTime | None:
    """The place in a list by time, None without a cursor. Raises Problem when it is none of ours."""
    return _read(cursor, _time) if cursor else None


def at_name(cursor: str | None) -> AtName | None:
    """The place in a list by name, None without a cursor. Raises Problem when it is none of ours."""
    return _read(cursor, _name) if cursor else None


def _read(cursor: str, decoder: "msgspec.json.Decoder[T]") -> T:
    try:
        return decoder.decode(content(cursor))
    except (msgspec.MsgspecError, ValueError, RecursionError):
        wrong = "This is not a cursor of this list. Take it from 'next' of the page before, or leave it out."
        raise Problem("invalid", wrong, [Fault(wrong, parameter="cursor")]) from None


def answer(
    request: HttpRequest, response: HttpResponse, rows: list[Any], after: AtTime | AtName | None
) -> dict[str, Any]:
    """A page's JSON; the next page is linked in the body and in the header Link (RFC 8288)."""
    following = None
    if after:
        query = {name: value for name, value in request.GET.items() if name != "cursor"}
        following = f"{request.path}?{urlencode({**query, 'cursor': write(after)})}"
        response.headers["Link"] = f'<{following}>; rel="next"'
    return {"items": rows, "next": following}
