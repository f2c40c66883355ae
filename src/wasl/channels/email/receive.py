"""The SMTP and LMTP protocol as we speak it (RFC 5321, RFC 2033), on top of aiosmtpd.

aiosmtpd reads DATA line by line, keeps it in memory, refuses lines over 1,000 octets and answers a message that is
too large only at its end. Here DATA is read in pieces, goes to disk beyond 1 MB, may have lines of any length (real
mail has them), and is refused with 552 as soon as it is too large. What still comes is thrown away for a while: a
sender whose connection breaks while it writes never reads the answer, and comes again for days.
"""

import asyncio
import re
import tempfile
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cache
from typing import IO, Any

from aiosmtpd.smtp import SMTP, syntax

IN_MEMORY = 1024 * 1024
STALL = 60.0
"""Seconds in which a sender in the middle of DATA has to bring the next kilobyte, or the end."""
LINGER = 4
"""How many times the largest message is read in all of one that is too large, so that its sender sees the answer."""

_END = b"\r\n.\r\n"
_PLAIN = re.compile(r"\s*<([\w.+=!#$%&'*/?^`{|}~-]+@[\w.-]+|)>\s*(.*)", re.DOTALL)
_LOCAL_PART = 64


@cache
def _commands(bases: tuple[type, ...]) -> list[str]:
    return sorted({name for base in bases for name in vars(base) if name.startswith("smtp_")})


class Unstuffer:
    """Undoes dot-stuffing (RFC 5321 §4.5.2) in a stream that arrives in pieces and starts with CRLF."""

    def __init__(self) -> None:
        self._carry = b""

    def feed(self, piece: bytes) -> bytes:
        """The part that is certain; what could be the start of CRLF-dot-dot waits for the next piece."""
        piece = self._carry + piece
        keep = next((n for n, end in ((3, b"\r\n."), (2, b"\r\n"), (1, b"\r")) if piece.endswith(end)), 0)
        cut = len(piece) - keep
        self._carry = piece[cut:]
        return piece[:cut].replace(b"\r\n..", b"\r\n.")

    def rest(self) -> bytes:
        """What is still held back, at the end."""
        return self._carry


@dataclass(frozen=True, slots=True)
class TooLarge(Exception):
    """The message is larger than the listener takes."""

    limit: int
    ended: bool


class Protocol(SMTP):
    """SMTP; the handler's `handle_DATA` finds the message in `envelope.content`, an open file at its start."""

    __ident__ = "Wasl"

    def __init__(self, handler: Any, *, folder: str, **options: Any) -> None:
        super().__init__(handler, **{"ident": "Wasl"} | options)
        self._folder = folder
        self._held: list[bytes] | None = None

    async def push(self, status: Any) -> None:
        """Send a reply, or hold it while a longer one is being put together."""
        if self._held is None:
            await super().push(status)
        else:
            self._held.append(status.encode() + b"\r\n")

    async def smtp_EHLO(self, arg: str) -> None:
        """The greeting, its lines in one packet."""
        held: list[bytes] = []
        self._held = held
        try:
            await super().smtp_EHLO(arg)
        finally:
            self._held = None
        self._writer.write(b"".join(held))
        await self._writer.drain()

    def _timeout_cb(self) -> None:
        """Say why, and hang up; what had come so far is given up (RFC 5321 §3.8)."""
        if self._writer is not None:
            self._writer.write(b"421 4.4.2 Nothing came for too long, closing the connection\r\n")
        super()._timeout_cb()  # type: ignore[no-untyped-call]

    def __dir__(self) -> Iterable[str]:
        """Commands only: aiosmtpd asks for every attribute by name in each session, for 0.5 ms."""
        return _commands(type(self).__mro__)

    def _getaddr(self, arg: str) -> tuple[str | None, str | None]:
        """An address as nearly everyone writes it, at once; any other by the full grammar (0.3 ms)."""
        plain = _PLAIN.fullmatch(arg)
        if plain is None or len(plain[1].rpartition("@")[0]) > _LOCAL_PART:
            parsed: tuple[str | None, str | None] = super()._getaddr(arg)
            return parsed
        return plain[1] or "<>", plain[2]

    @syntax("DATA")
    async def smtp_DATA(self, arg: str) -> None:
        """Receive a message, hand it to the handler, and say what the handler says."""
        if await self.check_helo_needed():
            return
        envelope: Any = self.envelope
        if not envelope.rcpt_tos:
            await self.push("503 5.5.1 Error: need RCPT command")
            return
        if arg or vars(self._reader)["_buffer"]:
            # Whoever talks before 354 is not waiting for us: a broken client, or one that smuggles commands.
            await self.push("503 5.5.1 Error: wait for 354")
            self._writer.close()
            return
        # A CRLF in front makes a lone dot on the first line an end like any other.
        self._reader.feed_data(b"\r\n")
        await self.push("354 End data with <CR><LF>.<CR><LF>")
        with tempfile.SpooledTemporaryFile(IN_MEMORY, dir=self._folder) as file:
            try:
                await self._receive(file)
            except TooLarge as error:
                await self.push(f"552 5.3.4 Message is larger than {error.limit} bytes")
                if not error.ended:
                    await self._discard(error.limit)
                self._writer.close()
                return
            envelope.content = file
            status = await self._call_handler_hook("DATA")
        self._set_post_data_state()  # type: ignore[no-untyped-call]
        await self.push(status)

    async def _receive(self, file: IO[bytes]) -> None:
        unstuffer, size = Unstuffer(), -len(_END)
        ended = False
        while not ended:
            piece, ended = await self._piece()
            size += len(piece)
            if self.data_size_limit and size > self.data_size_limit:
                raise TooLarge(self.data_size_limit, ended)
            file.write(unstuffer.feed(piece))
        file.write(unstuffer.rest())
        _trim(file)
        self._reset_timeout()

    async def _piece(self) -> tuple[bytes, bool]:
        """What comes next of a message, and whether it ends with it."""
        self._reset_timeout(STALL)
        try:
            return await self._reader.readuntil(_END), True
        except asyncio.LimitOverrunError as error:
            return await self._reader.readexactly(error.consumed), False

    async def _discard(self, limit: int) -> None:
        """Read on without keeping anything, to the end of the message or until it is far too much."""
        left, ended = LINGER * limit, False
        try:
            while left > 0 and not ended:
                piece, ended = await self._piece()
                left -= len(piece)
        except (asyncio.IncompleteReadError, ConnectionError):
            return


def _trim(file: IO[bytes]) -> None:
    """Take off what was ours to put in: the CRLF in front and the dot at the end; leave the file at its start."""
    end = file.tell() - 3
    file.seek(0)
    if end <= 2:
        file.truncate(0)
        return
    file.truncate(end)
    file.seek(2)


class Lmtp(Protocol):
    """LMTP (RFC 2033): LHLO instead of EHLO, and one answer for each recipient, which the handler gives as lines."""

    @syntax("LHLO hostname")
    async def smtp_LHLO(self, arg: str) -> None:
        """The greeting of LMTP."""
        await super().smtp_EHLO(arg)

    async def smtp_HELO(self, arg: str) -> None:
        """Not in LMTP."""
        await self.push("500 5.5.1 This is LMTP: say LHLO")

    async def smtp_EHLO(self, arg: str) -> None:
        """Not in LMTP."""
        await self.push("500 5.5.1 This is LMTP: say LHLO")
