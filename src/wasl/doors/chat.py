"""The door for web chat: `/widget/<inbox>.js` and `/chat/<inbox>/…`.

    GET  /chat/<inbox>            how it stands, who one is, what was said so far
    GET  …/stream                 the same as it goes on (`chat_stream`)
    POST …/messages, …/files, …/address, …/receipts, …/typing
    …/call                        asking for a call-back (`chat_calls`)
    GET  …/files/<file>           a file, by a signed link

As every door it stores and acknowledges; what a message means is worked out afterwards. A message carries the browser's
own id, by which the same sent again is the same.
"""

import asyncio
import time
from collections.abc import Awaitable, Callable, Sequence
from datetime import UTC, datetime
from typing import Any
from urllib.parse import quote
from uuid import UUID

import msgspec
from starlette.routing import Route
from starlette.types import Receive, Scope, Send

from wasl.channels.port import Slip
from wasl.channels.webchat.parse import CHANNEL
from wasl.channels.webchat.slips import slip
from wasl.doors import app, asgi, chat_asks, desk
from wasl.doors.chat_asks import Ask
from wasl.doors.chat_calls import Calls
from wasl.doors.chat_stream import Streams
from wasl.doors.desk import Desk
from wasl.intake.slips import payloads
from wasl.intake.store import INLINE, put_aside
from wasl.kit import blobs, presence
from wasl.kit.clock import now
from wasl.kit.db import AsyncConnection
from wasl.kit.problem import Problem
from wasl.kit.scenes import MODELS
from wasl.live.hub import Hub
from wasl.widget import asks, bell, feed, files, script, tokens
from wasl.widget.place import Place
from wasl.widget.visitors import Who, browser_key

Work = Callable[[Desk, Ask, Scope, Receive], Awaitable[Any]]
OFTEN = 60
"""Seconds for which a page believes the script it has."""


class Door:
    """One address of the widget's: whose pages may ask, who asks, then the work, whose answer goes out as JSON.

    `strict`: a token of the host site that proves nothing is refused; else its bearer is a visitor like any other.
    """

    def __init__(self, method: str, work: Work, *, strict: bool = True) -> None:
        self._method = method
        self._work = work
        self._strict = strict

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        async def answer(here: Desk, place: Place, send: Send) -> None:
            ask = chat_asks.understood(scope, place, strict=self._strict)
            chat_asks.knock(scope, ask.language)
            said = await self._work(here, ask, scope, receive)
            await asgi.answer(send, 202 if self._method == "POST" else 200, msgspec.json.encode(said))

        complaint = "a widget's request could not be answered"
        await chat_asks.serve(scope, receive, send, [self._method], answer, complaint)


class Chat:
    """What is asked of the door, one method each."""

    def __init__(self, streams: Streams) -> None:
        self._streams = streams

    async def hello(self, here: Desk, ask: Ask, scope: Scope, _: Receive) -> Any:
        """What a widget shows when it is opened."""
        place = ask.place

        async def look(conn: AsyncConnection) -> tuple[Who, feed.Feed, Any]:
            who = await ask.who(conn)
            beside = await bell.app_of(conn, place) if who.account else None
            inbox = app.shown(beside, await bell.read(conn, place, who.key)) if beside else None
            return who, await feed.read(conn, place, who), inbox

        who, found, inbox = await here.inside(place.workspace_id, look)
        return {
            "inbox": inbox,
            "visitor": {
                "verified": who.account is not None, "name": who.account.name if who.account else "",
                "spent": who.spent, "problem": ask.problem,
            },
            "standing": await self._streams.standing(place),
            "messages": found.items,
            "cursor": f"{found.newest:.6f}",
        }  # fmt: skip

    async def message(self, here: Desk, ask: Ask, scope: Scope, receive: Receive) -> Any:
        """Something written, or a button that was pressed."""
        said = await chat_asks.read(here, receive, asks.Message, ask.language)
        chat_asks.slow_down(scope, ask)
        more: dict[str, Any] = {"text": asks.words(said, ask.language), "answers": said.answers}
        if said.choice:
            more["choice"] = {"key": said.choice.key, "title": said.choice.title}
        if page := asks.tidy(said.page):
            more["page"] = page
        return await _store(here, ask, said.id, said.at, {"kind": "message"} | more)

    async def address(self, here: Desk, ask: Ask, scope: Scope, receive: Receive) -> Any:
        """An e-mail address for the case that nobody is there any more: what somebody claims, proved by nothing."""
        said = await chat_asks.read(here, receive, asks.Address, ask.language)
        chat_asks.slow_down(scope, ask)
        email = said.email.strip()
        if not tokens.is_email(email):
            raise Problem("invalid", asks.told(ask.language, asks.NO_EMAIL))
        return await _store(here, ask, said.id, said.at, {"kind": "address", "email": email})

    async def file(self, here: Desk, ask: Ask, scope: Scope, receive: Receive) -> Any:
        """A file as it is, with its name in the query and its type in the header; it becomes a message of its own."""
        chat_asks.slow_down(scope, ask)
        headers = asgi.headers(scope)
        length = headers.get(b"content-length", b"0")
        if length.isdigit() and int(length) > asks.FILE:
            raise asks.too_large(ask.language, asks.FILE)
        name = asks.file_name(ask.query.get("name", ""), ask.language)
        key = str(_uuid(ask.query.get("id", "")))
        kind = asks.file_type(headers.get(b"content-type", b"").decode("latin-1"))
        about = {"kind": "message", "text": "", "file": {"name": name, "type": kind}}
        at = float(ask.query["at"]) if ask.query.get("at", "").isdecimal() else 0.0
        body = await asgi.body(receive, here.spool)
        if isinstance(body, bytes):
            return await self._keep(here, ask, key, at, about, body)
        try:
            if body.size > asks.FILE:
                raise asks.too_large(ask.language, asks.FILE)
            async with here.heavy:
                content = await asyncio.to_thread(body.file.read)
                return await self._keep(here, ask, key, at, about, content)
        finally:
            body.close()

    async def _keep(
        self, here: Desk, ask: Ask, key: str, at: float, about: dict[str, Any], content: bytes
    ) -> Any:
        if not content:
            raise Problem("invalid", asks.told(ask.language, asks.EMPTY_FILE))
        return await _store(here, ask, key, at, about, content)

    async def receipts(self, here: Desk, ask: Ask, _scope: Scope, receive: Receive) -> Any:
        """What of ours was shown and read."""
        said = await chat_asks.read(here, receive, asks.Receipts, ask.language)
        place, at = ask.place, now().isoformat()
        wanted = [("delivered", ref) for ref in said.delivered] + [("read", ref) for ref in said.read]

        async def look(conn: AsyncConnection) -> set[UUID]:
            who = await ask.who(conn)
            return set(await feed.theirs(conn, place, who, [ref for _, ref in wanted]))

        known = await here.inside(place.workspace_id, look) if wanted else set()
        slips = [
            slip(f"{kind} {ref}", {"kind": kind, "delivery": str(ref), "at": at})
            for kind, ref in wanted
            if ref in known
        ]
        await _take(here, place, slips)
        return {"taken": len(slips)}

    async def typing(self, here: Desk, ask: Ask, _scope: Scope, receive: Receive) -> Any:
        """The visitor writes: agents who have the conversation open see it."""
        said = await chat_asks.read(here, receive, asks.Typing, ask.language)
        place = ask.place

        async def tell(conn: AsyncConnection) -> None:
            who = await ask.who(conn)
            if talk := await feed.talk(conn, place, who):
                state: presence.State = "typing" if said.on else "gone"
                name = ask.name(who)
                beat = presence.Beat(place.workspace_id, talk[1], talk[0], who.key, name, "chat", state)
                await conn.execute("SELECT pg_notify(%s, %s)", [presence.PRESENCE, beat.payload()])

        await here.inside(place.workspace_id, tell)
        return {}


def _uuid(text: str) -> UUID:
    try:
        return UUID(text)
    except ValueError as error:
        raise Problem("invalid", "The id is to be a UUID.") from error


async def _store(
    here: Desk, ask: Ask, key: str, at: float, about: dict[str, Any], file: bytes = b""
) -> dict[str, Any]:
    """Make something of the visitor's durable, and acknowledge it."""
    who = await here.inside(ask.place.workspace_id, ask.who)
    if who.spent and who.account is None:
        # Written while an account was signed in that is not any more: never as somebody else.
        raise Problem("conflict", "spent")
    common: dict[str, Any] = {
        "visitor": str(who.key), "number": who.number, "id": key, "name": ask.name(who), "language": ask.language,
        "at": _moment(at).isoformat(), "aliases": who.aliases,
    }  # fmt: skip
    if who.account:
        common["verified"] = {"account": who.account.sub, "email": who.account.email}
    # By the browser, not by who is signed in: what is sent again after signing in is still the same.
    browser = browser_key(ask.place.inbox_id, ask.secret)
    await _take(here, ask.place, [slip(f"{browser} {key}", about | common, file)])
    return {"id": key}


def _moment(at: float) -> datetime:
    """When the visitor wrote by their own clock, in milliseconds since 1970, as far as that can be true."""
    present = now()
    try:
        said = datetime.fromtimestamp(at / 1000, UTC)
    except (OverflowError, OSError, ValueError):
        return present
    return said if 0 <= (present - said).total_seconds() < 30 * 86_400 else present


async def _take(here: Desk, place: Place, slips: Sequence[Slip]) -> None:
    brought = payloads(CHANNEL, place.inbox_id, slips)
    if any(len(each.content) > INLINE for each in brought):
        brought = await asyncio.to_thread(lambda: [put_aside(place.workspace_id, each) for each in brought])
    if brought:
        await here.store(place.workspace_id, brought)


class Files:
    """`/chat/<inbox>/files/<file>`: a file by its signed link, which is all the proof a browser's `<img>` can bring."""

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        await asgi.guarded(self._answer, scope, receive, send, "a file of a web chat could not be given")

    async def _answer(self, scope: Scope, _receive: Receive, send: Send) -> None:
        here = await desk.of_this_loop()
        place = await chat_asks.find(here, scope)
        query = chat_asks.query_of(scope)
        file_id = _uuid(scope["path_params"]["file"])
        if not files.genuine(
            place.inbox_id, file_id, query.get("until", ""), query.get("sign", ""), time.time()
        ):
            raise Problem("not-found", "This link has ended. Open the chat again.")

        async def look(conn: AsyncConnection) -> Any:
            return await feed.file(conn, place, file_id)

        found = await here.inside(place.workspace_id, look)
        if found is None:
            raise Problem("not-found", "There is no such file.")
        name, kind, size, digest = found
        try:
            pieces = await asyncio.to_thread(blobs.stream, place.workspace_id, digest)
        except blobs.MissingBlob as error:
            raise Problem("not-found", "There is no such file.") from error
        await send({"type": "http.response.start", "status": 200, "headers": _headers(name, kind, size)})
        while piece := await asyncio.to_thread(next, pieces, b""):
            await send({"type": "http.response.body", "body": piece, "more_body": True})
        await send({"type": "http.response.body", "body": b""})


def _headers(name: str, kind: str, size: int) -> list[tuple[bytes, bytes]]:
    shown = kind in files.PICTURES
    known = shown or kind in MODELS
    manner = "inline" if shown else "attachment"
    fields = {
        "content-type": kind if known else "application/octet-stream",
        "content-length": str(size),
        "content-disposition": f"{manner}; filename*=UTF-8''{quote(name, safe='')}",
        "content-security-policy": "default-src 'none'; sandbox",
        "cross-origin-resource-policy": "cross-origin",
        "access-control-allow-origin": "*",
        "x-content-type-options": "nosniff",
        "cache-control": "private, max-age=3600",
    }
    return [(name.encode(), value.encode()) for name, value in fields.items()]


class Script:
    """`/widget/<inbox>.js`: the widget with the inbox's title, colour and greetings."""

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        await asgi.guarded(self._answer, scope, receive, send, "the widget could not be given")

    async def _answer(self, scope: Scope, _receive: Receive, send: Send) -> None:
        place = await chat_asks.find(await desk.of_this_loop(), scope)
        made = script.of(place)
        headers = asgi.headers(scope)
        fields = [(b"etag", made.tag), (b"cache-control", f"public, max-age={OFTEN}".encode()),
                  (b"content-type", b"text/javascript; charset=utf-8"), (b"vary", b"accept-encoding"),
                  (b"access-control-allow-origin", b"*"), (b"cross-origin-resource-policy", b"cross-origin"),
                  (b"x-content-type-options", b"nosniff")]  # fmt: skip
        if headers.get(b"if-none-match") == made.tag:
            await send({"type": "http.response.start", "status": 304, "headers": fields})
            await send({"type": "http.response.body", "body": b""})
            return
        small = b"gzip" in headers.get(b"accept-encoding", b"")
        body = made.gzipped if small else made.plain
        fields += [(b"content-length", str(len(body)).encode())] + (
            [(b"content-encoding", b"gzip")] if small else []
        )
        await send({"type": "http.response.start", "status": 200, "headers": fields})
        await send({"type": "http.response.body", "body": b"" if scope["method"] == "HEAD" else body})


def routes(hub: Hub) -> tuple[list[Route], Streams]:
    """The door's addresses, and its open streams, which are to be ended before the process is."""
    streams = Streams(hub)
    hub.ears.append(streams)
    chat, calls = Chat(streams), Calls(_store)
    at = "/chat/{inbox}"
    return [
        *app.routes,
        Route("/widget/{inbox}.js", Script()),
        Route(at, Door("GET", chat.hello, strict=False)),
        Route(f"{at}/stream", streams),
        Route(f"{at}/messages", Door("POST", chat.message)),
        Route(f"{at}/files", Door("POST", chat.file)),
        Route(f"{at}/address", Door("POST", chat.address)),
        Route(f"{at}/receipts", Door("POST", chat.receipts)),
        Route(f"{at}/typing", Door("POST", chat.typing)),
        Route(f"{at}/files/{{file}}", Files()),
        Route(f"{at}/call", Door("GET", calls.shown)),
        Route(f"{at}/call/ask", Door("POST", calls.ask)),
        Route(f"{at}/call/withdraw", Door("POST", calls.withdraw)),
    ], streams
