"""What the room does when a notice has left: each live device of the account is to be rung."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from itertools import groupby
from operator import attrgetter
from typing import LiteralString, NamedTuple
from uuid import UUID

from wasl.channels.app.ring import Why
from wasl.devices.actions import QUIET
from wasl.kit.clock import now
from wasl.kit.db import Connection, as_tenant
from wasl.kit.signal import wake
from wasl.timeline.follow import Follower

WANTED = timedelta(hours=24)
"""For how long a device is tried."""


class Row(NamedTuple):
    """What the follower needs of a touchpoint."""

    workspace_id: UUID
    occurred_at: datetime
    about_id: UUID


_QUIET: LiteralString = """
UPDATE devices_device v SET target = NULL, ended_at = %(now)b, why = %(why)b
FROM delivery_delivery d JOIN customers_identity i
  ON i.workspace_id = d.workspace_id AND i.channel = d.channel AND i.address = d.payload->'chat'->>'to'
WHERE d.workspace_id = %(workspace)b AND d.id = ANY(%(ids)b::uuid[])
  AND v.workspace_id = i.workspace_id AND v.identity_id = i.id AND v.ended_at IS NULL AND v.seen_at < %(before)b
"""
_RING: LiteralString = """
INSERT INTO devices_push (workspace_id, id, device_id, delivery_id, due_at, until, attempts)
SELECT v.workspace_id, gen_random_uuid(), v.id, d.id, %(now)b, %(until)b, 0
FROM delivery_delivery d JOIN customers_identity i
  ON i.workspace_id = d.workspace_id AND i.channel = d.channel AND i.address = d.payload->'chat'->>'to'
JOIN devices_device v ON v.workspace_id = i.workspace_id AND v.identity_id = i.id
WHERE d.workspace_id = %(workspace)b AND d.id = ANY(%(ids)b::uuid[]) AND v.ended_at IS NULL
ON CONFLICT (workspace_id, device_id, delivery_id) DO NOTHING
"""


def handle(conn: Connection, rows: Sequence[Row]) -> None:
    """Have devices rung for the notices of a batch."""
    left = [row for row in rows if row.occurred_at > now() - WANTED]
    left.sort(key=attrgetter("workspace_id"))
    for workspace_id, group in groupby(left, key=attrgetter("workspace_id")):
        at = now()
        values = {
            "workspace": workspace_id, "ids": [row.about_id for row in group], "now": at, "why": str(Why.QUIET),
            "before": at - QUIET, "until": at + WANTED,
        }  # fmt: skip
        with as_tenant(conn, workspace_id):
            conn.execute(_QUIET, values)
            if conn.execute(_RING, values).rowcount:
                wake(conn, "pushes")


FOLLOWER = Follower(
    name="devices.pushes", handle=handle, row=Row,
    only="t.kind = 'delivery.sent' AND t.channel = 'app' AND t.about_id IS NOT NULL",
)  # fmt: skip
