"""Addresses that nothing is sent to, because their owners said so.

What they said themselves (STOP) holds until they say otherwise (START). What a provider said of them (it took a message
for one that its customer wants no more of, or blocked us) holds until they write to us again: then they want an answer.
"""

from collections.abc import Iterable, Sequence
from datetime import datetime
from enum import StrEnum
from typing import LiteralString
from uuid import UUID

from wasl.kit.db import Connection
from wasl.kit.ids import uuid7

Point = tuple[str, str]
"""A channel, and an address on it as its identities are compared."""

DESPITE = "despite_stop"
"""In a delivery's payload: it is the answer to STOP itself, which is the last that goes out."""


class Why(StrEnum):
    """Who said it."""

    WORD = "word"
    PROVIDER = "provider"


_STOP: LiteralString = """
INSERT INTO delivery_suppression (workspace_id, id, channel, address, at, why) VALUES (%s, %s, %s, %s, %s, %s)
ON CONFLICT (workspace_id, channel, address) DO UPDATE SET why = excluded.why, at = excluded.at
  WHERE delivery_suppression.why = 'provider' AND excluded.why = 'word'
RETURNING xmax = 0
"""
_START: LiteralString = """
DELETE FROM delivery_suppression WHERE workspace_id = %s AND channel = %s AND address = %s
"""
_WROTE: LiteralString = """
DELETE FROM delivery_suppression s USING unnest(%(channels)b::text[], %(addresses)b::text[]) AS u (channel, address)
WHERE s.workspace_id = %(workspace)b AND s.channel = u.channel AND s.address = u.address AND s.why = 'provider'
RETURNING s.channel, s.address
"""
_STOPPED: LiteralString = """
SELECT s.channel, s.address FROM unnest(%(channels)b::text[], %(addresses)b::text[]) AS u (channel, address)
JOIN delivery_suppression s ON s.workspace_id = %(workspace)b AND s.channel = u.channel AND s.address = u.address
"""


def stop(conn: Connection, workspace_id: UUID, point: Point, why: Why, at: datetime) -> bool:
    """Send nothing more there, inside the workspace's transaction; whether that is news."""
    row = conn.execute(_STOP, [workspace_id, uuid7(), *point, at, str(why)]).fetchone()
    return row is not None and bool(row[0])


def start(conn: Connection, workspace_id: UUID, point: Point) -> bool:
    """They want messages again; whether they had said that they want none."""
    return conn.execute(_START, [workspace_id, *point]).rowcount == 1


def wrote(conn: Connection, workspace_id: UUID, points: Sequence[Point]) -> set[Point]:
    """These have written to us: what providers said of them is over; of whom that was so."""
    return (
        {(row[0], row[1]) for row in conn.execute(_WROTE, _columns(workspace_id, points))}
        if points
        else set()
    )


def stopped(conn: Connection, workspace_id: UUID, points: Iterable[Point]) -> frozenset[Point]:
    """Which of these addresses want nothing more."""
    wanted = list(points)
    if not wanted:
        return frozenset()
    return frozenset((row[0], row[1]) for row in conn.execute(_STOPPED, _columns(workspace_id, wanted)))


def _columns(workspace_id: UUID, points: Sequence[Point]) -> dict[str, UUID | list[str]]:
    return {
        "workspace": workspace_id,
        "channels": [channel for channel, _ in points],
        "addresses": [address for _, address in points],
    }
