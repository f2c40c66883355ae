"""One open stream, seen from inside: what waits to be sent on it."""

import asyncio
from typing import Literal

from wasl.kit.signal import Signal
from wasl.live.events import Heard, Memory, event
from wasl.live.viewers import Viewer

WAITING = 256
"""Events a slow browser may be behind; then it is told once to read everything again."""

HELD = 4096
"""Signals a line collects while it is held, before it gives up and lets everything be read again."""

End = Literal["stopping", "signed-out", "moved", "gone"]


class Line:
    """The waiting events of one stream.

    A line starts out *held*: it collects what is signalled, and lets nothing through until it is known what its
    viewer may see. It is held again whenever that may have changed.
    """

    def __init__(self, key: str, memory: Memory) -> None:
        self.key = key
        self.viewer: Viewer | None = None
        self.ended: End | None = None
        self.ready = asyncio.Event()
        self.holds = 0
        self._memory = memory
        self._held: list[Heard] | None = []
        self._waiting: list[bytes] = []
        self._lapsed = False

    def offer(self, heard: Heard) -> None:
        """Something was signalled in the viewer's workspace."""
        if self._held is not None:
            self._held.append(heard)
            if len(self._held) > HELD:
                self._held.clear()
                self.refetch()
        elif self.viewer is not None and self.viewer.may_hear(heard.signal):
            self._push(heard.text)

    def show(self, text: bytes, about: Signal) -> None:
        """Something passing that need not arrive: dropped while the line is held, and when it is far behind."""
        near = self._held is None and not self._lapsed and len(self._waiting) < WAITING // 2
        if near and self.viewer is not None and self.viewer.may_hear(about):
            self.say(text)

    def hold(self) -> int:
        """Let nothing through until `release`; returns a number that tells this hold from later ones."""
        if self._held is None:
            self._held = []
        self.holds += 1
        return self.holds

    def release(self, viewer: Viewer) -> None:
        """What the viewer may see is known (again)."""
        held, self._held = self._held or [], None
        changed, self.viewer = self.viewer is not None and self.viewer != viewer, viewer
        if changed:
            self.refetch()
        for heard in held:
            self.offer(heard)

    def refetch(self) -> None:
        """Everything on the page may be out of date; says so once, however often it is true."""
        self._waiting = [event("refetch", at=self._memory.now())]
        self._lapsed = True
        self.ready.set()

    def say(self, text: bytes) -> None:
        """Send something that is for everyone."""
        self._waiting.append(text)
        self.ready.set()

    def end(self, why: End) -> None:
        """Send what waits, say why, and end."""
        self.ended = self.ended or why
        self.ready.set()

    def take(self) -> bytes:
        """All that waits, as one piece."""
        text, self._waiting = b"".join(self._waiting), []
        self._lapsed = False
        self.ready.clear()
        return text

    def position(self) -> str:
        """An id to resume from that skips nothing; empty while something waits."""
        return "" if self._waiting or self._held is not None else self._memory.now()

    def _push(self, text: bytes) -> None:
        if self._lapsed:
            return
        if len(self._waiting) >= WAITING:
            self.refetch()
            return
        self._waiting.append(text)
        self.ready.set()
