"""Who is at which conversation, as this process has heard: a small table that forgets by itself."""

import time
from collections.abc import Callable
from dataclasses import dataclass
from uuid import UUID

import msgspec

from wasl.kit.presence import LASTS, Beat, State
from wasl.live.events import event

MOST_PAGES = 60
"""Pages remembered of one conversation; further ones are not shown."""
MOST_CONVERSATIONS = 5000

Room = tuple[UUID, UUID]
"""Workspace and conversation."""


@dataclass(frozen=True, slots=True)
class Page:
    """One page of an agent."""

    inbox: UUID
    name: str
    state: State
    until: float


class Board:
    """The table."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._rooms: dict[Room, dict[tuple[UUID, str], Page]] = {}

    def __len__(self) -> int:
        return sum(len(pages) for pages in self._rooms.values())

    def hear(self, beat: Beat) -> bool:
        """Take a beat in; whether what colleagues are shown has changed."""
        room = (beat.workspace, beat.conversation)
        pages = self._rooms.get(room, {})
        before = _people(pages)
        key = (beat.agent, beat.tab)
        if beat.state == "gone":
            pages.pop(key, None)
        elif key in pages or (len(pages) < MOST_PAGES and (pages or len(self._rooms) < MOST_CONVERSATIONS)):
            pages[key] = Page(beat.inbox, beat.name, beat.state, self._clock() + LASTS)
            self._rooms[room] = pages
        if not pages:
            self._rooms.pop(room, None)
        return _people(pages) != before

    def sweep(self) -> list[tuple[Room, UUID]]:
        """Forget who fell silent; the rooms in which that changed what is shown, each with its inbox."""
        now, changed = self._clock(), []
        for room, pages in list(self._rooms.items()):
            silent = [key for key, page in pages.items() if page.until <= now]
            if not silent:
                continue
            before, inbox = _people(pages), pages[silent[0]].inbox
            for key in silent:
                del pages[key]
            if not pages:
                del self._rooms[room]
            if _people(pages) != before:
                changed.append((room, inbox))
        return changed

    def agents(self, room: Room) -> set[UUID]:
        """Who is there."""
        return {agent for agent, _ in self._rooms.get(room, ())}

    def text(self, room: Room) -> bytes:
        """What the people of a room are told: `presence`, {"c": conversation, "p": [[agent, name, state], …]}."""
        body = {"c": room[1], "p": _people(self._rooms.get(room, {}))}
        return event("presence", msgspec.json.encode(body).decode())


def _people(pages: dict[tuple[UUID, str], Page]) -> list[tuple[UUID, str, str]]:
    """Each agent once, as writing when they write in any of their pages; who came first is first."""
    found: dict[UUID, tuple[UUID, str, str]] = {}
    for (agent, _), page in pages.items():
        if agent not in found or page.state == "typing":
            found[agent] = (agent, page.name, page.state)
    return list(found.values())
