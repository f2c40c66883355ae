"""Which inboxes an address belongs to, asked of the database and remembered for a moment."""

import time
from uuid import UUID

from wasl.intake.door import Door

REMEMBERED = 5.0
"""Seconds; so long may a new inbox take to be known, and a closed one to be refused."""

_ENTRIES = 5000

_QUESTION = "SELECT workspace_id, inbox_id FROM wasl_inboxes_at('email', %b)"


class Recipients:
    """A small cache in front of `wasl_inboxes_at`."""

    def __init__(self, door: Door) -> None:
        self._door = door
        self._known: dict[str, tuple[float, list[tuple[UUID, UUID]]]] = {}

    async def inboxes(self, address: str) -> list[tuple[UUID, UUID]]:
        """(workspace, inbox) pairs for a base address; empty when it is nobody's. Raises Unavailable."""
        found = self._known.get(address)
        if found and found[0] > time.monotonic():
            return found[1]
        rows = await self._door.ask(_QUESTION, [address])
        if len(self._known) >= _ENTRIES:
            self._known.clear()
        places = [(row[0], row[1]) for row in rows]
        self._known[address] = (time.monotonic() + REMEMBERED, places)
        return places
