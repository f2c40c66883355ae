"""A connection on which the head of an answer leaves together with its body.

uvicorn writes them one after the other, and each write is a packet of its own that wakes whoever asked: on a virtual
machine, of what a small answer costs, nearly half.
"""

import asyncio
from typing import Any

HEAD = b"HTTP/1.1 "
SMALL = 16 * 1024
"""Bytes up to which copying a body behind its head is cheaper than handing both over."""


class Joined(asyncio.Transport):
    """Holds back what begins as the head of an answer: until the next piece, and no longer than to the end of the
    event loop's turn (the head of an event stream has nothing to wait for)."""

    def __init__(self, transport: asyncio.Transport, loop: asyncio.AbstractEventLoop) -> None:
        super().__init__()
        self._transport = transport
        self._loop = loop
        self._held = b""

    def write(self, data: bytes | bytearray | memoryview) -> None:
        """Send, in order."""
        if self._held:
            held, self._held = self._held, b""
            if len(data) <= SMALL:
                self._transport.write(held + data)
            else:
                self._transport.writelines([held, data])
        elif data[: len(HEAD)] == HEAD:
            self._held = bytes(data)
            self._loop.call_soon(self._let_go)
        else:
            self._transport.write(data)

    def _let_go(self) -> None:
        if self._held:
            held, self._held = self._held, b""
            self._transport.write(held)

    def close(self) -> None:
        """Close when all is sent."""
        self._let_go()
        self._transport.close()

    def write_eof(self) -> None:
        """Send all, and that nothing more comes."""
        self._let_go()
        self._transport.write_eof()

    def abort(self) -> None:
        """Close at once."""
        self._transport.abort()

    def is_closing(self) -> bool:
        """Whether it is closed, or will be."""
        return self._transport.is_closing()

    def pause_reading(self) -> None:
        """Let the sender wait."""
        self._transport.pause_reading()

    def resume_reading(self) -> None:
        """Let the sender go on."""
        self._transport.resume_reading()

    def get_extra_info(self, name: str, default: Any = None) -> Any:
        """What is known of the connection."""
        return self._transport.get_extra_info(name, default)
