"""A sender who writes faster than anybody reads is slowed, so that nobody else waits behind them.

Everything is kept and nothing is refused: what is too much goes on a little later. Counted in each worker, over what
people write; forms and programs of the business's own (`api`), reports and automatic mail are not counted.
"""

from collections import OrderedDict
from collections.abc import Sequence
from datetime import datetime, timedelta
from uuid import UUID

from wasl.channels.base import ParsedMessage
from wasl.intake import awaiting
from wasl.intake.claim import Waiting
from wasl.kit.clock import now
from wasl.kit.db import Connection

BURST = 200
RATE = 2.0
"""Messages in a row that are nobody's flood, and how many a second after that."""
LONGEST = timedelta(hours=1)
_KNOWN = 20_000


class Flood:
    """Who wrote how much lately, and what was put off already."""

    def __init__(self, burst: float = BURST, rate: float = RATE) -> None:
        self._burst = burst
        self._rate = rate
        self._left: OrderedDict[tuple[UUID, str], tuple[float, datetime]] = OrderedDict()
        self._put_off: OrderedDict[UUID, None] = OrderedDict()

    def wait(self, item: UUID, who: tuple[UUID, str], at: datetime) -> timedelta:
        """How long this message of theirs is to wait; once at most."""
        if item in self._put_off:
            del self._put_off[item]
            return timedelta()
        left, since = self._left.pop(who, (self._burst, at))
        left = min(self._burst, left + max(0.0, (at - since).total_seconds()) * self._rate) - 1
        self._left[who] = left, at
        if len(self._left) > _KNOWN:
            self._left.popitem(last=False)
        if left >= 0:
            return timedelta()
        self._put_off[item] = None
        if len(self._put_off) > _KNOWN:
            self._put_off.popitem(last=False)
        return min(LONGEST, timedelta(seconds=-left / self._rate))


_FLOOD = Flood()


def put_off(
    conn: Connection, messages: Sequence[tuple[Waiting, ParsedMessage]], flood: Flood = _FLOOD
) -> list[tuple[Waiting, ParsedMessage]]:
    """Those of the messages whose turn it is; the others wait, inside the transaction that takes them off the queue.

    The caller takes them off.
    """
    at, rest = now(), []
    for item, message in messages:
        wait = timedelta()
        if item.channel != "api" and message.is_news and not message.auto and message.bounce is None:
            wait = flood.wait(item.id, (item.inbox_id, message.sender.identity_key), at)
        if wait:
            awaiting.put_off(conn, item, at + wait)
        else:
            rest.append((item, message))
    return rest
