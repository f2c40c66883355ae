"""Somebody whom a provider knows by another key from now on: the new one is the same customer's."""

from collections.abc import Sequence
from datetime import datetime
from typing import LiteralString
from uuid import UUID

from wasl.customers.actions import CannotMerge, join
from wasl.customers.points import CHANNEL
from wasl.customers.resolve import Sender, resolve
from wasl.kit.db import Connection

_UNDONE: LiteralString = """
SELECT FROM customers_merge WHERE workspace_id = %s AND merged_id = %s AND undone_at IS NOT NULL LIMIT 1
"""


def succeed(
    conn: Connection,
    workspace_id: UUID,
    channel: str,
    earlier: Sequence[str],
    new: str,
    name: str,
    at: datetime,
) -> UUID | None:
    """Make whoever has the `new` key one with whoever had the `earlier` ones (at least one); the id of the merge.

    A merge, so that it stands on the timeline and can be taken back; None where they are one already, or a person has
    said that they are not. Who is not known yet is made: what comes later, in any order, finds them. Inside a
    READ COMMITTED transaction of the workspace.
    """
    old, *others = earlier
    before = Sender(channel, old, old, name, "", at, aliases=tuple(others), known=CHANNEL)
    (kept,) = resolve(conn, workspace_id, [before])
    (fresh,) = resolve(conn, workspace_id, [Sender(channel, new, new, name, "", at, known=CHANNEL)])
    if conn.execute(_UNDONE, [workspace_id, fresh.customer_id]).fetchone() is not None:
        return None
    try:
        return join(conn, workspace_id, kept.customer_id, fresh.customer_id)
    except CannotMerge:
        return None
