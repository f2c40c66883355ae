"""The worker's loop that rings customers' devices: a few at a time, each with patience, none longer than wanted.

A call is taken off the queue by moving its `due_at` to the end of a lease, made outside of any transaction, and then
noted. A worker that dies in between rings twice rather than never; the notice's id has the second take the first one's
place on the screen.
"""

import logging
import random
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, LiteralString
from uuid import UUID

from django.conf import settings
from django.db import connection
from psycopg_pool import ConnectionPool

from wasl.channels.app import apns, fcm, web
from wasl.channels.app.ring import Device as Target
from wasl.channels.app.ring import Gone, Notice
from wasl.channels.app.settings import page
from wasl.channels.base import BounceReport, InDoubt, PermanentFailure, Reason, TemporaryFailure
from wasl.channels.chat_inboxes import settings_of
from wasl.channels.models import Inbox
from wasl.channels.port import Settings
from wasl.delivery import actions as delivery
from wasl.delivery.models import Delivery, State
from wasl.devices.actions import end, target_of
from wasl.devices.models import Device, Push
from wasl.devices.texts import NEW, said_in
from wasl.kit.clock import now
from wasl.kit.db import raw, tenant
from wasl.kit.pausing import Dice, pause

log = logging.getLogger(__name__)

AT_ONCE = 16
"""Calls under way at one time."""
LEASE = timedelta(minutes=2)
REST = 15.0
TRIES = 6
FIRST_WAIT = 10.0
LONGEST_WAIT = 1800.0

_CLAIM: LiteralString = """
UPDATE devices_push p SET due_at = %s, attempts = p.attempts + 1
FROM (SELECT workspace_id, id FROM devices_push WHERE due_at <= %s
      ORDER BY due_at, id LIMIT %s FOR UPDATE SKIP LOCKED) c
WHERE p.workspace_id = c.workspace_id AND p.id = c.id RETURNING p.workspace_id, p.id
"""
_NEXT: LiteralString = "SELECT min(due_at) FROM devices_push"

Ring = Callable[[Settings, Target, Notice], str]


@dataclass(frozen=True, slots=True)
class Job:
    """A call to make."""

    push: Push
    device: Device
    target: Target
    inbox: Settings
    notice: Notice
    address: str


class Ringer:
    """`step` takes one turn."""

    def __init__(
        self, pool: Callable[[], ConnectionPool[Any]], *, dice: Dice = random.random, ring: Ring | None = None
    ) -> None:
        self._pool, self._dice, self._ring = pool, dice, ring or call
        self._crew = ThreadPoolExecutor(AT_ONCE, "devices")

    def step(self) -> float:
        """Seconds until it wants to be called again."""
        connection.close_if_unusable_or_obsolete()
        at = now()
        with self._pool().connection() as conn:
            due = conn.execute(_CLAIM, [at + LEASE, at, AT_ONCE]).fetchall()
        jobs = [job for workspace_id, id_ in due if (job := _job(workspace_id, id_))]
        for job, came in zip(jobs, self._crew.map(self._try, jobs), strict=True):
            with tenant(job.push.workspace_id):
                note(job, came, now(), self._dice)
        return 0.0 if len(due) == AT_ONCE else self._rest()

    def _rest(self) -> float:
        with self._pool().connection() as conn:
            row = conn.execute(_NEXT).fetchone()
        if row is None or row[0] is None:
            return REST
        wait: float = (row[0] - now()).total_seconds()
        return min(REST, max(0.2, wait))

    def _try(self, job: Job) -> Exception | None:
        try:
            self._ring(job.inbox, job.target, job.notice)
        except Exception as error:
            return error
        return None

    def close(self) -> None:
        """Let the calls in hand return."""
        self._crew.shutdown()


def call(inbox: Settings, target: Target, notice: Notice) -> str:
    """Ring a device. Raises what `web`, `fcm` and `apns` raise."""
    match target.kind:
        case "web":
            return web.ring(inbox, target, notice, settings.ENV.public_url)
        case "fcm":
            return fcm.ring(inbox, target, notice)
        case "apns":
            return apns.ring(inbox, target, notice)


def _job(workspace_id: UUID, push_id: UUID) -> Job | None:
    """A call that was taken; None, and it is off the queue, when nobody wants it any more."""
    with tenant(workspace_id):
        push = Push.objects.select_related("device").filter(id=push_id).first()
        if push is None:
            return None
        row = Delivery.objects.filter(id=push.delivery_id).first()
        inbox = Inbox.objects.filter(id=push.device.inbox_id, is_active=True).first()
        target = target_of(push.device)
        wanted = row is not None and row.state in (State.SENT, State.DELIVERED) and now() < push.until
        if not wanted or row is None or inbox is None or target is None:
            push.delete()
            return None
        known = settings_of(inbox)
        return Job(
            push, push.device, target, known, _notice(row, push.device, known, inbox.name), row.address
        )


_UNREAD: LiteralString = """
SELECT count(*) FROM (SELECT FROM conversations_message m
  JOIN delivery_delivery d ON d.workspace_id = m.workspace_id AND d.id = m.delivery_id
  WHERE m.identity_id = %s AND m.way = 'out' AND d.channel = 'app' AND d.state IN ('sent', 'delivered') LIMIT 99) x
"""


def _notice(row: Delivery, device: Device, inbox: Settings, name: str) -> Notice:
    language = device.language or row.payload["chat"]["language"]
    text = str(row.payload["chat"]["text"])
    hidden = inbox.text("shows") == "hint" or not text
    unread: Any = raw().execute(_UNREAD, [device.identity_id]).fetchone()
    return Notice(
        id=str(row.id),
        title=inbox.text("title") or name,
        text=said_in(language, NEW) if hidden else text,
        language=language,
        page=page(inbox),
        unread=unread[0],
    )


def note(job: Job, came: Exception | None, at: datetime, dice: Dice) -> None:
    """What came of a call, inside `tenant(…)`."""
    push, device = job.push, job.device
    if came is None:
        push.delete()
        Device.objects.filter(id=device.id).update(rung_at=at, trouble="")
        said = BounceReport("delivered", recipient=job.address)
        delivery.receipt(raw(), push.workspace_id, push.delivery_id, None, said)
    elif isinstance(came, Gone):
        end(device, came.why)
    elif isinstance(came, TemporaryFailure | InDoubt) and push.attempts < TRIES and at < push.until:
        asked = came.retry_after if isinstance(came, TemporaryFailure) else None
        Push.objects.filter(id=push.id).update(due_at=at + wait(push.attempts, asked, dice))
        _trouble(device, came)
    else:
        if not isinstance(came, TemporaryFailure | PermanentFailure | InDoubt):
            log.error("nobody foresaw how the call of device %s ended", device.id, exc_info=came)
        push.delete()
        _trouble(device, came)


def _trouble(device: Device, came: Exception) -> None:
    reason = came.reason if isinstance(came, TemporaryFailure | PermanentFailure) else Reason.NOT_NOW
    Device.objects.filter(id=device.id).update(trouble=str(reason))


def wait(attempt: int, asked: float | None, dice: Dice) -> timedelta:
    """The wait after the n-th try (from 1). Those whom a service asks to wait do not all come back at once."""
    seconds = pause(attempt - 1, FIRST_WAIT, LONGEST_WAIT, asked=asked, dice=dice)
    return timedelta(seconds=seconds + (dice() * FIRST_WAIT if asked else 0.0))
