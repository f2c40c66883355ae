"""Request bodies are received here, in async land, so that a slow sender never holds a thread.

Small bodies stay in memory, larger ones go to an unnamed file in the data folder (on many systems /tmp is memory).
"""

import asyncio
import io
import os
import tempfile
from collections import Counter
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

from starlette.types import Message, Receive, Scope

from wasl.doors.crowd import NARROW, SHARE
from wasl.doors.peer import network

IN_MEMORY = 64 * 1024
PIECE = 256 * 1024
"""Bytes collected before a thread writes them: fewer hops than one for each packet."""
HELD = 64_000_000
"""Bytes collected of all bodies together; beyond that they are written as they come. Four thousand that stop short of
their end would be a gigabyte of pieces."""
DRAIN = 4
"""How many times the limit is still read, and dropped, so that the sender gets to read the answer."""


class BodyTooLarge(Exception):
    """The request's body is over the limit."""


class BodyTooSlow(Exception):
    """The request's body did not arrive in time."""


class SenderGone(Exception):
    """The sender hung up before the body was complete: there is nobody to answer."""


class Crowded(Exception):
    """No room for another body just now."""


class Incoming:
    """A `receive` that lets through at most `limit` bytes of body, for at most `seconds`.

    Also turns the server's awaitables into coroutines, which `asyncio.run_coroutine_threadsafe` insists on.
    Raises BodyTooLarge, BodyTooSlow or SenderGone; once the body is complete it passes everything on.
    `sender` is the network that it comes from, '' where that is not known.
    """

    def __init__(self, scope: Scope, receive: Receive, limit: int, seconds: float) -> None:
        self.complete = False
        self.sender = network(str((scope.get("client") or ("",))[0]))
        self._receive = receive
        self._limit = limit
        self._timeout: asyncio.Timeout | None = None
        self._end = asyncio.get_running_loop().time() + seconds
        self._size = 0
        self._declared, self._asks_first = 0, False
        for name, value in scope["headers"]:
            if name == b"content-length":
                self._declared = int(value) if value.isdigit() else 0
            elif name == b"expect":
                self._asks_first = True

    async def __call__(self) -> Message:
        """The next message."""
        if self.complete:
            return await self._receive()
        if self._declared > self._limit:
            if not self._asks_first and self._declared <= DRAIN * self._limit:
                await self.drain()
            raise BodyTooLarge
        message = await self._next()
        self._size += len(message.get("body", b""))
        if self._size > self._limit:
            await self.drain()
            raise BodyTooLarge
        if self._declared and self._size == self._declared:
            # Nothing more can come: to ask for the end costs as much as the whole of a small request.
            message["more_body"] = False
        self.complete = not message.get("more_body", False)
        return message

    async def drain(self) -> None:
        """Read on and drop it: a sender that is cut off in the middle reports a broken line, not our answer."""
        more = not self.complete
        while more and self._size <= DRAIN * self._limit:
            try:
                message = await self._next()
            except BodyTooSlow:
                return
            self._size += len(message.get("body", b""))
            more = message.get("more_body", False)

    def hurry(self) -> None:
        """A body that is still on its way is out of time now."""
        self._end = 0.0
        if self._timeout:
            self._timeout.reschedule(self._end)

    async def _next(self) -> Message:
        try:
            async with asyncio.timeout_at(self._end) as self._timeout:
                message = await self._receive()
        except TimeoutError:
            raise BodyTooSlow from None
        finally:
            self._timeout = None
        if message["type"] == "http.disconnect":
            raise SenderGone
        return message


@dataclass(slots=True)
class Body:
    """A complete request body, at its start."""

    file: BinaryIO
    size: int
    _release: Callable[[], None]

    def close(self) -> None:
        """Give its room back."""
        self.file.close()
        self._release()


class Spool:
    """Room for bodies: `room` bytes on disk for all that are being received or read at one time.

    While there is room, one sender may have as much as they like; once it is narrow, no more than their share (as of
    connections, see `crowd`): who sends much and never to its end keeps nobody else from sending.
    """

    def __init__(self, folder: Path, room: int) -> None:
        self.folder = folder
        self.collected = 0
        self._room = room
        self._used = 0
        self._held: Counter[str] = Counter()
        # Two threads: a slow disk makes uploads wait, and nothing else.
        self._threads = ThreadPoolExecutor(2, "spool")

    def clear(self) -> None:
        """Make the folder, and remove what a killed process left in it."""
        self.folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        for entry in self.folder.iterdir():
            entry.unlink(missing_ok=True)

    async def body(self, receive: Receive, begun: bytes | bytearray = b"") -> Body:
        """Receive a body in full, whose beginning may have been received already. Raises Crowded, and what `receive`
        raises."""
        intake = _Intake(self, getattr(receive, "sender", ""))
        try:
            await intake.add(begun)
            more = True
            while more:
                message = await receive()
                await intake.add(message.get("body", b""))
                more = message.get("more_body", False)
            return await intake.done()
        except OSError as error:
            intake.drop()
            raise Crowded from error
        except BaseException:
            intake.drop()
            raise

    def take(self, size: int, sender: str) -> None:
        """Claim room. Raises Crowded."""
        greedy = sender and self._held[sender] + size > self._room * SHARE
        if self._used + size > self._room * (NARROW if greedy else 1):
            raise Crowded
        self._used += size
        self._held[sender] += size

    def give(self, size: int, sender: str) -> None:
        """Give room back."""
        self._used -= size
        self._held[sender] -= size
        if not self._held[sender]:
            del self._held[sender]

    def open(self) -> BinaryIO:
        """A file that vanishes with its last reader, however that ends."""
        return tempfile.TemporaryFile(dir=self.folder)

    async def write(self, file: BinaryIO, piece: bytes) -> None:
        """Write in a thread."""
        await asyncio.get_running_loop().run_in_executor(self._threads, file.write, piece)

    def close(self) -> None:
        """End the threads."""
        self._threads.shutdown(wait=False, cancel_futures=True)


class _Intake:
    """A body on its way in."""

    def __init__(self, spool: Spool, sender: str) -> None:
        self._spool = spool
        self._sender = sender
        self._piece = bytearray()
        self._file: BinaryIO | None = None
        self._size = 0
        self._claimed = 0

    async def add(self, data: bytes | bytearray) -> None:
        self._piece += data
        self._size += len(data)
        self._spool.collected += len(data)
        most = PIECE if self._file else IN_MEMORY
        if len(self._piece) > most or (self._piece and self._spool.collected > HELD):
            await self._flush()

    async def _flush(self) -> None:
        piece = self._collected()
        self._spool.take(len(piece), self._sender)
        self._claimed += len(piece)
        self._file = self._file or self._spool.open()
        await self._spool.write(self._file, piece)

    def _collected(self) -> bytes:
        piece, self._piece = bytes(self._piece), bytearray()
        self._spool.collected -= len(piece)
        return piece

    async def done(self) -> Body:
        if self._file is None:
            return Body(io.BytesIO(self._collected()), self._size, _nothing)
        if self._piece:
            await self._flush()
        self._file.seek(0, os.SEEK_SET)
        return Body(self._file, self._size, self._release)

    def drop(self) -> None:
        self._collected()
        if self._file:
            self._file.close()
        self._release()

    def _release(self) -> None:
        if self._claimed:
            self._spool.give(self._claimed, self._sender)
            self._claimed = 0


def _nothing() -> None:
    """A body in memory holds no room."""
