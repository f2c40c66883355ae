"""The few things a native door needs of ASGI: a header, a whole body, an answer."""

from starlette.types import Message, Receive, Scope, Send

from wasl.doors.spool import Body, Spool
from wasl.kit.problem import CONTENT_TYPE, Problem


def headers(scope: Scope) -> dict[bytes, bytes]:
    """The request's headers by name in lower case; of repeated ones the last."""
    return dict(scope["headers"])


SMALL = 1_000_000
"""Bodies up to this many bytes stay in memory while they arrive."""


async def body(receive: Receive, spool: Spool) -> bytes | Body:
    """The whole body: its bytes, or when it is large the file that it was collected in (the caller closes it).

    Raises what `receive` and `Spool.body` raise.
    """
    parts: list[Message] = []
    size = 0
    while size <= SMALL:
        part = await receive()
        parts.append(part)
        if not part.get("more_body"):
            return b"".join([part.get("body", b"") for part in parts])
        size += len(part.get("body", b""))
    parts.reverse()

    async def again() -> Message:
        return parts.pop() if parts else await receive()

    return await spool.body(again)


async def answer(send: Send, status: int, content: bytes, *more: tuple[bytes, bytes]) -> None:
    """Send JSON."""
    await _send(send, status, content, b"application/json", more)


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
