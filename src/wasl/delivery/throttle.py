"""Which inbox may send how much now: fair shares of the free senders, and a breaker for each provider.

No clock, no die, no database: both are handed in.
"""

from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from wasl.delivery.claim import Key
from wasl.kit.pausing import Dice

FIRST_REST = 5.0
LONGEST_REST = 300.0


@dataclass(slots=True)
class Breaker:
    """Open while a provider cannot be reached; when its rest is over one delivery goes first, to see."""

    failures: int = 0
    until: datetime | None = None
    reason: str = ""

    def is_open(self, now: datetime) -> bool:
        """Whether nothing is to be tried now."""
        return self.until is not None and now < self.until

    def fail(self, reason: str, now: datetime, dice: Dice) -> datetime:
        """The provider was out of reach; rests double, with chance in them. Calls that fail together count once."""
        if not self.is_open(now):
            self.failures += 1
            rest = min(LONGEST_REST, FIRST_REST * 2 ** min(self.failures - 1, 20))
            self.until = now + timedelta(seconds=rest * (0.5 + dice() / 2))
        self.reason = reason
        assert self.until is not None
        return self.until

    def succeed(self) -> None:
        """The provider answered, whatever it said."""
        self.failures, self.until, self.reason = 0, None, ""


def share(
    due: Iterable[Key], free: int, room: Mapping[Key, int], served: Mapping[Key, int]
) -> dict[Key, int]:
    """Deal `free` senders out one by one: to each workspace in turn, and inside it to each inbox in turn.

    `room` is how many more calls each inbox may have under way; `served` the number of the turn in which each was
    last dealt one: who waited longest comes first.
    """
    inboxes: dict[UUID, list[Key]] = defaultdict(list)
    for key in sorted(due, key=lambda key: (served.get(key, 0), key)):
        if room.get(key, 0) > 0:
            inboxes[key.workspace_id].append(key)
    waited = {workspace: max(served.get(key, 0) for key in keys) for workspace, keys in inboxes.items()}
    turns = sorted(inboxes, key=lambda workspace: (waited[workspace], workspace))
    dealt: dict[Key, int] = defaultdict(int)
    while free > 0 and turns:
        for workspace in turns[:free]:
            key = inboxes[workspace].pop(0)
            dealt[key] += 1
            free -= 1
            if dealt[key] < room[key]:
                inboxes[workspace].append(key)
        turns = [workspace for workspace in turns if inboxes[workspace]]
    return dict(dealt)
