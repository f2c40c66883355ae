"""Who is connected, and who makes room when it gets narrow: a few who hold many connections keep nobody else out.

While there is room, anybody may hold as many as they like. From `NARROW` of the room on, each newcomer's place is that
of the connection that has waited longest for a request, or for the rest of one's head; an address that holds more than
its `SHARE` makes room among its own, and is turned away when all of those are in use. Nothing that is being answered,
and no open stream, is ever ended for somebody else.
"""

from collections import Counter
from typing import Protocol

from wasl.doors.peer import network

NARROW = 0.75
"""Of the room: from here on there is not room for everyone."""
SHARE = 0.25
"""Of the room: what one address (of the network, RFC 4291: a /64 is one household) may hold while it is narrow."""
QUEUE = 1024
"""Connections beyond the room that are let in to be told so; further ones are closed without a word."""


class Guest(Protocol):
    """A connection."""

    def make_room(self) -> None:
        """End: nothing is under way."""


class Crowd:
    """The connections of one process. `known`: their addresses are those of who asks, and not of servers of ours."""

    def __init__(self, room: int, *, known: bool) -> None:
        self.room = room
        self._known = known
        self._at: dict[Guest, str] = {}
        self._held: Counter[str] = Counter()
        self._resting: dict[Guest, None] = {}

    def __len__(self) -> int:
        return len(self._at)

    def come(self, guest: Guest, address: str) -> bool | None:
        """Whether there is a place for one more; None when there is not even one to be told that in."""
        at = self._at[guest] = network(address) if self._known else ""
        self._held[at] += 1
        if len(self) <= self.room * NARROW:
            return True
        greedy = self._known and self._held[at] > self.room * SHARE
        found = self._longest(at if greedy else None)
        if found is not None:
            self.leave(found)
            found.make_room()
        if found is not None or (not greedy and len(self) <= self.room):
            return True
        return False if len(self) <= self.room + QUEUE else None

    def leave(self, guest: Guest) -> None:
        """It is gone, or as good as gone."""
        self.stir(guest)
        at = self._at.pop(guest, None)
        if at is not None:
            self._held[at] -= 1
            if not self._held[at]:
                del self._held[at]

    def rest(self, guest: Guest) -> None:
        """From now on it waits for a request, or for more of one."""
        if guest in self._at:
            self.stir(guest)
            self._resting[guest] = None

    def stir(self, guest: Guest) -> None:
        """A request has come."""
        self._resting.pop(guest, None)

    def _longest(self, at: str | None) -> Guest | None:
        """Who has waited longest, of all or at one address."""
        return next((each for each in self._resting if at is None or self._at[each] == at), None)
