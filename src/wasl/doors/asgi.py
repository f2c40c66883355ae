"""The few things a native door needs of ASGI: a header, a whole body, an answer."""

from starlette.types import Message, Receive, Scope, Send

from wasl.doors.spool import Body, Spool
from wasl.kit.problem import CONTENT_TYPE, Problem


def headers(scope: Scope) -> dict[bytes, bytes]:
    """The request's headers by name in lower case; of repeated ones the last."""
    return dict(scope["headers"])


async def body(receive: Receive, spool: Spool) -> bytes | Body:
    """The whole body: its bytes when it came in one piece, as nearly every one does, else from the spool.

    Raises what `receive` and `Spool.body` raise.
    """
    first = await receive()
    if not first.get("more_body"):
        content: bytes = first.get("body", b"")
        return content
    waiting: list[Message] = [first]

    async def again() -> Message:
        return waiting.pop() if waiting else await receive()

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
