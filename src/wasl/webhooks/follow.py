"""Which endpoints are told of what happens: calls are written in the transaction that moves the follower's cursor."""

from datetime import datetime, timedelta
from itertools import groupby
from operator import attrgetter
from typing import Any, LiteralString, NamedTuple
from uuid import UUID

from wasl.conversations.history import brought_in
from wasl.kit.clock import now
from wasl.kit.db import Connection, as_tenant
from wasl.kit.ids import uuid7
from wasl.kit.signal import wake
from wasl.timeline.follow import Follower
from wasl.webhooks.events import kinds_of

HISTORY = timedelta(days=3)
"""What was so old already when it was written down is history, and is not told; nor is any mail that was brought in."""


class Row(NamedTuple):
    """What the follower needs of a touchpoint."""

    workspace_id: UUID
    id: UUID
    kind: str
    customer_id: UUID
    occurred_at: datetime
    recorded_at: datetime
    about_id: UUID | None


_ENDPOINTS: LiteralString = """
SELECT id, kinds, created_at FROM webhooks_endpoint WHERE workspace_id = %s AND is_active
"""
_WRITE: LiteralString = """
INSERT INTO webhooks_call (workspace_id, id, endpoint_id, kind, event_id, customer_id, occurred_at, created_at, state,
                           due_at, tries, fence, why)
SELECT %s, id, endpoint_id, kind, event_id, customer_id, occurred_at, %s, 'waiting', %s, 0, 0, ''
FROM unnest(%s::uuid[], %s::uuid[], %s::text[], %s::uuid[], %s::uuid[], %s::timestamptz[])
  AS t (id, endpoint_id, kind, event_id, customer_id, occurred_at)
ON CONFLICT (workspace_id, endpoint_id, event_id, kind) DO NOTHING
"""


def handle(conn: Connection, rows: list[Row]) -> None:
    """Write the calls of a batch, one statement for each workspace."""
    rows = sorted(rows, key=attrgetter("workspace_id"))  # stable: the order in time stays
    for workspace_id, group in groupby(rows, key=attrgetter("workspace_id")):
        with as_tenant(conn, workspace_id):
            _tell(conn, workspace_id, list(group))


def _tell(conn: Connection, workspace_id: UUID, rows: list[Row]) -> None:
    endpoints = conn.execute(_ENDPOINTS, [workspace_id]).fetchall()
    if endpoints:
        rows = _lived(conn, workspace_id, rows)
    calls: list[tuple[Any, ...]] = [
        (uuid7(), endpoint, kind, row.id, row.customer_id, row.occurred_at)
        for row in rows
        for kind in kinds_of(row.kind)
        for endpoint, kinds, since in endpoints
        if kind in kinds and row.recorded_at >= since
    ]
    if calls:
        at = now()
        columns = [list(column) for column in zip(*calls, strict=True)]
        conn.execute(_WRITE, [workspace_id, at, at, *columns])
        wake(conn, "webhooks")


def _lived(conn: Connection, workspace_id: UUID, rows: list[Row]) -> list[Row]:
    """Those that are news, inside the workspace's transaction."""
    fresh = [row for row in rows if row.recorded_at - row.occurred_at < HISTORY]
    said = [
        row.about_id for row in fresh if row.about_id and row.kind in ("message.received", "message.sent")
    ]
    old = brought_in(conn, workspace_id, said)
    return [row for row in fresh if row.about_id not in old]


FOLLOWER = Follower(name="webhooks", handle=handle, row=Row)
