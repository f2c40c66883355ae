"""One LISTEN connection for each process; every open stream is served from memory."""

import asyncio
import contextlib
import logging
from collections.abc import Awaitable, Callable, Collection, Iterable
from typing import Any, Protocol
from uuid import UUID

import django.db
import psycopg

from wasl.kit.presence import PRESENCE, Beat
from wasl.kit.signal import LIVE, Signal
from wasl.live.events import Memory, event
from wasl.live.line import Line
from wasl.live.presence import Board, Room
from wasl.live.roster import Roster
from wasl.live.viewers import Viewer

log = logging.getLogger("wasl.live")

Connect = Callable[[], Awaitable[psycopg.AsyncConnection[Any]]]

PROBE_EVERY = 10.0
PROBE_PATIENCE = 5.0
FIRST_PAUSE, LONGEST_PAUSE = 0.05, 0.4
SWEEP_EVERY = 1.0
REVIEW_EVERY = 30.0
"""Seconds between two looks at every session: those who change access send a signal; this finds what they forgot."""

PAUSE = event("pause")
"""Nothing can be heard just now; a refetch follows when it can be again."""


class Ear(Protocol):
    """Somebody else in this process who wants to hear what the database signals."""

    def hear(self, signal: Signal) -> None:
        """A signal of any workspace."""

    def beat(self, beat: Beat) -> None:
        """Somebody is at a conversation."""

    def again(self) -> None:
        """Something may have been missed."""


class Hub:
    """Hears what the database signals and offers it to the lines of that workspace."""

    def __init__(self, connect: Connect, roster: Roster) -> None:
        self.memory = Memory()
        self.board = Board()
        self.listening = False
        self.ears: list[Ear] = []
        self._connect = connect
        self._roster = roster
        self._rooms: dict[UUID, set[Line]] = {}
        self._new: set[Line] = set()
        self._tasks: set[asyncio.Task[None]] = set()

    # Lines ----------------------------------------------------------------------------------------------

    def lines(self) -> list[Line]:
        """Every open stream."""
        return [*self._new, *(line for room in self._rooms.values() for line in room)]

    def count(self, viewer: Viewer | None = None) -> int:
        """The number of open streams, of all or of one agent."""
        if viewer is None:
            return len(self._new) + sum(len(room) for room in self._rooms.values())
        room = self._rooms.get(viewer.workspace_id, ())
        return sum(line.viewer is not None and line.viewer.agent_id == viewer.agent_id for line in room)

    def attended(self, workspace_id: UUID, inbox_id: UUID) -> bool:
        """Whether an agent who sees that inbox has a page of ours open, as far as this process knows."""
        about = Signal("conversation", workspace_id, inbox_id)
        return any(line.viewer and line.viewer.may_hear(about) for line in self._rooms.get(workspace_id, ()))

    async def open(self, key: str, last: str) -> Line | None:
        """Open a line for a session, resumed after the event id `last`; None when nobody is behind the session.

        Raises django.db.Error when the database does not answer.
        """
        line = Line(key, self.memory)
        begun = self.memory.now()
        self._new.add(line)
        try:
            viewer = await self._roster.viewer(key)
        finally:
            self._new.discard(line)
        if viewer is None:
            return None
        self._rooms.setdefault(viewer.workspace_id, set()).add(line)
        self._resume(line, viewer, last or begun)
        return line

    def _resume(self, line: Line, viewer: Viewer, last: str) -> None:
        """Catch up from memory: with what was missed, or with the word that too much was."""
        missed = self.memory.since(last, viewer.workspace_id)
        unsure = missed is None or any(heard.signal.kind == "access" for heard in missed)
        line.release(viewer)
        if unsure:
            line.refetch()
        for heard in () if unsure else missed or ():
            line.offer(heard)
        if unsure:
            self._review([line])
        if not self.listening:
            line.say(PAUSE)

    def close(self, line: Line) -> None:
        """Forget a line."""
        if line.viewer and (room := self._rooms.get(line.viewer.workspace_id)):
            room.discard(line)
            if not room:
                del self._rooms[line.viewer.workspace_id]

    # Signals --------------------------------------------------------------------------------------------

    def hear(self, signal: Signal) -> None:
        """A signal of any workspace."""
        heard = self.memory.note(signal)
        for ear in self.ears:
            ear.hear(signal)
        room = self._rooms.get(signal.workspace, ())
        if signal.kind == "access":
            self._review(room)
            return
        for line in room:
            line.offer(heard)

    # Presence -------------------------------------------------------------------------------------------

    def beat(self, beat: Beat) -> None:
        """A page of an agent is at a conversation. Who is there hears of changes; the page itself always hears."""
        changed = self.board.hear(beat)
        self._show((beat.workspace, beat.conversation), beat.inbox, None if changed else beat.agent)
        for ear in self.ears:
            ear.beat(beat)

    def _show(self, room: Room, inbox: UUID, only: UUID | None = None) -> None:
        text, there = self.board.text(room), self.board.agents(room)
        about = Signal("conversation", room[0], inbox)
        for line in self._rooms.get(room[0], ()):
            agent = line.viewer.agent_id if line.viewer else None
            if agent in there and only in (None, agent):
                line.show(text, about)

    async def _forget_the_silent(self) -> None:
        while True:
            await asyncio.sleep(SWEEP_EVERY)
            for room, inbox in self.board.sweep():
                self._show(room, inbox)

    # Access ---------------------------------------------------------------------------------------------

    def review_session(self, key: str) -> None:
        """A session was changed or ended in this very process: look at its lines at once, and at those that the same
        agent has open elsewhere, which may have been opened with a password that is another now."""
        lines = self.lines()
        whose = {line.viewer.agent_id for line in lines if line.key == key and line.viewer}
        self._review(
            line for line in lines if line.key == key or (line.viewer and line.viewer.agent_id in whose)
        )

    def _review(self, lines: Iterable[Line]) -> None:
        """Hold lines until it is known again what their viewers may see."""
        holds = {line: line.hold() for line in lines}
        if holds:
            task = asyncio.create_task(self._look(holds))
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)

    async def _look(self, holds: dict[Line, int]) -> None:
        pause = FIRST_PAUSE
        while True:
            try:
                found = await self._roster.viewers({line.key for line in holds})
                break
            except (django.db.Error, psycopg.Error):
                await asyncio.sleep(pause)
                pause = min(2 * pause, LONGEST_PAUSE)
        for line, number in holds.items():
            if line.holds == number:
                self._settle(line, found.get(line.key))

    def _settle(self, line: Line, viewer: Viewer | None) -> None:
        if viewer is None:
            line.end("signed-out")
        elif line.viewer and (viewer.workspace_id, viewer.agent_id) != (
            line.viewer.workspace_id,
            line.viewer.agent_id,
        ):
            line.end("moved")
        else:
            line.release(viewer)

    async def _review_all(self) -> None:
        while True:
            await asyncio.sleep(REVIEW_EVERY)
            with contextlib.suppress(django.db.Error, psycopg.Error):
                lines = {line: line.holds for line in self.lines() if line.viewer}
                found = await self._roster.viewers({line.key for line in lines})
                for line, holds in lines.items():
                    if line.holds == holds:
                        self._settle(line, found.get(line.key))

    # The connection -------------------------------------------------------------------------------------

    async def run(self) -> None:
        """Listen until cancelled, through every restart of the database."""
        async with asyncio.TaskGroup() as group:
            group.create_task(self._review_all())
            group.create_task(self._forget_the_silent())
            group.create_task(self._keep_listening())

    async def _keep_listening(self) -> None:
        pause = 0.0
        while True:
            try:
                async with await self._connect() as conn:
                    await conn.execute(f"LISTEN {LIVE}")
                    await conn.execute(f"LISTEN {PRESENCE}")
                    self._connected()
                    pause = 0.0
                    await self._listen(conn)
            except (psycopg.Error, OSError, TimeoutError) as error:
                if not pause:
                    log.warning("no live events until the database answers again: %s", error)
            if self.listening:
                self._broken()
            pause = min(2 * pause or FIRST_PAUSE, LONGEST_PAUSE)
            await asyncio.sleep(pause)

    async def _listen(self, conn: psycopg.AsyncConnection[Any]) -> None:
        while True:
            async for note in conn.notifies(timeout=PROBE_EVERY):
                self._read(note.channel, note.payload)
            async with asyncio.timeout(PROBE_PATIENCE):
                await conn.execute("SELECT 1")

    def _read(self, channel: str, payload: str) -> None:
        try:
            if channel == PRESENCE:
                self.beat(Beat.read(payload))
            else:
                self.hear(Signal.read(payload))
        except (ValueError, KeyError, TypeError, AttributeError):
            log.warning("a signal that is none was ignored")

    def _connected(self) -> None:
        """Whatever was signalled while nobody listened is lost: everyone reads again, as what they may be now."""
        self.listening = True
        self.memory.forget()
        lines = self.lines()
        for line in lines:
            line.refetch()
        self._review(line for line in lines if line.viewer)
        for ear in self.ears:
            ear.again()

    def _broken(self) -> None:
        self.listening = False
        for line in self.lines():
            line.say(PAUSE)

    def end_all(self) -> Collection[Line]:
        """Tell every stream to end by itself; returns them."""
        lines = self.lines()
        for line in lines:
            line.end("stopping")
        return lines
