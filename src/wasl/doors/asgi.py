"""The few things a native door needs of ASGI: a header, a whole body, an answer."""

import logging

from starlette.types import ASGIApp, Receive, Scope, Send

from wasl.doors.spool import Body, BodyTooLarge, BodyTooSlow, Crowded, SenderGone, Spool
from wasl.kit.problem import CONTENT_TYPE, Problem

log = logging.getLogger(__name__)


def headers(scope: Scope) -> dict[bytes, bytes]:
    """The request's headers by name in lower case; of repeated ones the last."""
    return dict(scope["headers"])


SMALL = 1_000_000
"""Bodies up to this many bytes stay in memory while they arrive."""
HELD = 64_000_000
"""Bytes of all bodies that arrive at one time and are kept there; beyond that they go to files, small as they are.
Three thousand that stop short of their end would be gigabytes, and nobody has to prove anything to begin one."""


class _Held:
    """What is kept in memory just now."""

    size = 0


async def body(receive: Receive, spool: Spool) -> bytes | Body:
    """The whole body: its bytes, or the file that it was collected in when it, or all that arrive together, are large
    (the caller closes it).

    Raises what `receive` and `Spool.body` raise.
    """
    part = await receive()
    came = part.get("body", b"")
    if not part.get("more_body"):
        return bytes(came)
    # Not a list of the pieces: of a body that comes byte by byte each would take three hundred.
    held, counted = bytearray(came), 0
    try:
        while True:
            _Held.size += len(held) - counted
            counted = len(held)
            if counted > SMALL or _Held.size > HELD:
                break
            part = await receive()
            held += part.get("body", b"")
            if not part.get("more_body"):
                return bytes(held)
    finally:
        _Held.size -= counted
    return await spool.body(receive, held)


async def answer(send: Send, status: int, content: bytes, *more: tuple[bytes, bytes]) -> None:
    """Send JSON."""
    await _send(send, status, content, b"application/json", more)


async def guarded(answer: ASGIApp, scope: Scope, receive: Receive, send: Send, complaint: str) -> None:
    """Answer a request; a Problem is said, and whatever nobody foresaw goes to the log under `complaint`."""
    try:
        await answer(scope, receive, send)
    except Problem as problem:
        if drain := getattr(receive, "drain", None):
            await drain()
        await refuse(send, problem, head=scope["method"] == "HEAD")
    except (BodyTooLarge, BodyTooSlow, Crowded, SenderGone):
        raise  # the front's to answer
    except Exception:
        log.exception(complaint)
        await refuse(send, Problem("broken", "Nothing was accepted. Please send the same again."))


async def answer_as(send: Send, kind: str, content: bytes) -> None:
    """Send content of that type."""
    await _send(send, 200, content, kind.encode(), ())


async def refuse(send: Send, problem: Problem, *, head: bool = False) -> None:
    """Send a problem."""
    more = tuple((name.lower().encode(), value.encode()) for name, value in problem.headers.items())
    await _send(send, problem.status, problem.body(), CONTENT_TYPE.encode(), more, head=head)


async def _send(
    send: Send,
    status: int,
    content: bytes,
    kind: bytes,
    more: tuple[tuple[bytes, bytes], ...],
    *,
    head: bool = False,
) -> None:
    fields = [
        (b"content-type", kind),
        (b"content-length", str(len(content)).encode()),
        (b"cache-control", b"no-store"),
        (b"x-content-type-options", b"nosniff"),
        *more,
    ]
    await send({"type": "http.response.start", "status": status, "headers": fields})
    await send({"type": "http.response.body", "body": b"" if head else content})
