"""Webhooks that were refused are counted for the administrators, a few seconds' worth in one write.

Whoever sends them is nobody we know: they must not be able to make the database work for each of them.
"""

import asyncio
import logging
from collections import Counter
from functools import partial
from typing import LiteralString
from uuid import UUID

from wasl.doors.desk import Desk
from wasl.kit.clock import now
from wasl.kit.db import AsyncConnection
from wasl.kit.problem import Problem

log = logging.getLogger(__name__)

GAP = 2.0
"""Seconds between two writes."""

_COUNT: LiteralString = """
INSERT INTO channels_refused AS r (workspace_id, id, count, first_at, last_at)
VALUES (%(workspace)s, %(inbox)s, %(count)s, %(at)s, %(at)s)
ON CONFLICT (workspace_id, id) DO UPDATE SET count = r.count + excluded.count, last_at = excluded.last_at
"""


class Refusals:
    """What was refused since the last write."""

    def __init__(self, gap: float = GAP) -> None:
        self._gap = gap
        self._counted: Counter[tuple[UUID, UUID]] = Counter()
        self._writing: asyncio.Task[None] | None = None

    def add(self, here: Desk, workspace_id: UUID, inbox_id: UUID) -> None:
        """One more for that inbox."""
        if not self._counted[workspace_id, inbox_id]:
            log.warning("webhooks for inbox %s are not signed by the provider", inbox_id)
        self._counted[workspace_id, inbox_id] += 1
        if self._writing is None or self._writing.done():
            self._writing = asyncio.create_task(self._write(here))

    async def _write(self, here: Desk) -> None:
        await asyncio.sleep(self._gap)
        counted, self._counted = self._counted, Counter()
        for (workspace_id, inbox_id), count in counted.items():
            try:
                await here.inside(workspace_id, partial(_count, inbox=(workspace_id, inbox_id), count=count))
            except Problem:
                log.warning("%s refused webhooks of inbox %s could not be counted", count, inbox_id)


async def _count(conn: AsyncConnection, inbox: tuple[UUID, UUID], count: int) -> None:
    await conn.execute(_COUNT, {"workspace": inbox[0], "inbox": inbox[1], "count": count, "at": now()})
