"""What the worker does for calls: a loop that looks when it is woken, and from time to time by itself.

It reads as the queue role which rows wait, in every workspace, and does the work of each in a transaction of its own.
"""

import logging
from collections.abc import Callable
from typing import Any, LiteralString
from uuid import UUID

from django.db import connection

from wasl.calls import actions, offers, placing, taking
from wasl.calls.models import Call, CallEvent, Offer
from wasl.kit.clock import now
from wasl.kit.db import AWAY, pool, tenant

log = logging.getLogger(__name__)

REST = 15.0
"""Seconds between two looks by itself."""
SLICE = 100

_CHOSEN: LiteralString = """
SELECT workspace_id, id FROM calls_offer WHERE chosen IS NOT NULL AND settled_at IS NULL ORDER BY made_at LIMIT %s
"""
_UNREAD: LiteralString = (
    "SELECT workspace_id, id FROM calls_callevent WHERE read_at IS NULL ORDER BY at, id LIMIT %s"
)
_DUE: LiteralString = "SELECT workspace_id, id FROM calls_call WHERE due_at <= %s ORDER BY due_at LIMIT %s"
_NEXT: LiteralString = "SELECT min(due_at) FROM calls_call"


def step() -> float:
    """Do what waits; the seconds until the next look."""
    connection.close_if_unusable_or_obsolete()
    with pool("queue", "worker", 6).connection() as conn:
        unread = conn.execute(_UNREAD, [SLICE]).fetchall()
        chosen = conn.execute(_CHOSEN, [SLICE]).fetchall()
    each(unread, taking.take, _leave_event)
    each(chosen, _settle, _leave_offer)
    with pool("queue", "worker", 6).connection() as conn:
        due = conn.execute(_DUE, [now(), SLICE]).fetchall()
    for workspace_id, call_id in due:
        _by_the_clock(workspace_id, call_id)
    if len(unread) == SLICE or len(chosen) == SLICE:
        return 0.0
    return _rest()


def _rest() -> float:
    with pool("queue", "worker", 6).connection() as conn:
        row = conn.execute(_NEXT).fetchone()
    if row is None or row[0] is None:
        return REST
    wait: float = (row[0] - now()).total_seconds()
    return min(REST, max(0.2, wait))


def _by_the_clock(workspace_id: UUID, call_id: UUID) -> None:
    try:
        placing.work(workspace_id, call_id)
    except AWAY:
        raise
    except Exception:
        log.exception("call %s could not be worked on", call_id)
        with tenant(workspace_id):
            Call.objects.filter(id=call_id).update(due_at=None)


def each(
    rows: list[tuple[Any, ...]], work: Callable[[UUID, UUID], None], leave: Callable[[UUID], object]
) -> None:
    """Do the work of each row; one at which it stumbles is left, with a word in the log, and the others go on."""
    for workspace_id, key, *_ in rows:
        try:
            with tenant(workspace_id):
                work(workspace_id, key)
        except AWAY:
            raise
        except Exception:
            log.exception("row %s of the calls could not be worked on", key)
            with tenant(workspace_id):
                leave(key)


def _settle(workspace_id: UUID, offer_id: UUID) -> None:
    offers.settle(actions.system(workspace_id), offer_id)


def _leave_event(event_id: UUID) -> None:
    CallEvent.objects.filter(id=event_id).update(read_at=now())


def _leave_offer(offer_id: UUID) -> None:
    Offer.objects.filter(id=offer_id).update(settled_at=now())
