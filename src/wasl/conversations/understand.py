"""The IN road's last stretch: stored payloads become messages on a customer's timeline, a batch at a time.

Everything of a batch (customers, conversations, messages, touchpoints, the queue) is one transaction: either it is
all there, or the payloads still wait. Identities are locked before customers are looked up, customers before their
conversations are, so that two messages of a new customer, understood at the same moment by two workers, make one
customer and one conversation.
"""

import logging
from collections.abc import Sequence
from itertools import groupby
from typing import Any
from uuid import UUID

import psycopg

from wasl.channels.base import ParsedMessage, Unparseable, Unread
from wasl.conversations import bounces, writing
from wasl.conversations.threading import Arrived, Thread, Threads, load, tokens_in
from wasl.customers.resolve import Sender, lock_customers, resolve
from wasl.intake.claim import BATCH, Waiting, claim, finish, parse, quarantine, settle
from wasl.kit.db import Connection, as_tenant
from wasl.kit.ids import uuid7
from wasl.kit.signal import Signal, send
from wasl.timeline.actions import Touch, append

log = logging.getLogger(__name__)


class _Poisoned(Exception):
    """A batch that could not be understood; the payloads it held."""

    def __init__(self, ids: list[UUID]) -> None:
        super().__init__(len(ids))
        self.ids = ids


def step(conn: Connection, limit: int = BATCH) -> int:
    """Understand what waits, up to `limit` payloads, as the queue role; how many were taken off the queue.

    A batch that fails is tried again in halves until the payload at fault is alone; that one goes to quarantine and
    the others go on. A database that is away is not a payload's fault and raises.
    """
    try:
        return _batch(conn, limit)
    except _Poisoned as poisoned:
        log.warning("a batch of %d could not be understood", len(poisoned.ids), exc_info=poisoned.__cause__)
        return _in_halves(conn, poisoned)


def _in_halves(conn: Connection, poisoned: _Poisoned) -> int:
    if len(poisoned.ids) == 1:
        return _set_aside(conn, poisoned)
    middle, done = len(poisoned.ids) // 2, 0
    for half in (poisoned.ids[:middle], poisoned.ids[middle:]):
        try:
            done += _batch(conn, len(half), half)
        except _Poisoned as worse:
            done += _in_halves(conn, worse)
    return done


def _batch(conn: Connection, limit: int, only: list[UUID] | None = None) -> int:
    waiting: list[Waiting] = []
    try:
        with conn.transaction():
            waiting = claim(conn, limit, only)
            by_workspace = sorted(waiting, key=lambda w: w.workspace_id)
            for workspace_id, group in groupby(by_workspace, key=lambda w: w.workspace_id):
                with as_tenant(conn, workspace_id):
                    _understand(conn, workspace_id, list(group))
    except (psycopg.OperationalError, OSError):
        raise
    except Exception as error:
        raise _Poisoned([w.id for w in waiting]) from error
    return len(waiting)


def _set_aside(conn: Connection, poisoned: _Poisoned) -> int:
    """Quarantine a payload that brings even a batch of one down; by its kind of error, never by its content."""
    error = poisoned.__cause__
    with conn.transaction():
        waiting = claim(conn, 1, poisoned.ids)
        for item in waiting:
            log.error("payload %s could not be understood", item.id, exc_info=error)
            with as_tenant(conn, item.workspace_id):
                quarantine(conn, item, Unparseable(Unread.BROKEN, type(error).__name__))
    return len(waiting)


def _understand(conn: Connection, workspace_id: UUID, items: list[Waiting]) -> None:
    messages = _read(conn, items)
    messages = _from_somebody(conn, bounces.take(conn, workspace_id, messages))
    if not messages:
        return
    senders = resolve(conn, workspace_id, [_sender(item, message) for item, message in messages])
    lock_customers(conn, workspace_id, {s.root_id for s in senders})
    arrived = [
        Arrived(item, message, sender, tokens_in(item, message) if item.channel == "email" else ())
        for (item, message), sender in zip(messages, senders, strict=True)
    ]
    _place(conn, workspace_id, arrived)


def _read(conn: Connection, items: list[Waiting]) -> list[tuple[Waiting, ParsedMessage]]:
    """What the payloads say; those that say nothing we understand go to quarantine at once."""
    messages = []
    for item in items:
        try:
            messages.append((item, parse(item)))
        except Unparseable as error:
            quarantine(conn, item, error)
            send(conn, [Signal("quarantine", item.workspace_id, inbox=item.inbox_id)])
    return messages


def _from_somebody(
    conn: Connection, messages: list[tuple[Waiting, ParsedMessage]]
) -> list[tuple[Waiting, ParsedMessage]]:
    """A report about a message that is not ours, from nobody who could be answered, is set aside."""
    rest = []
    for item, message in messages:
        if message.sender.address:
            rest.append((item, message))
        else:
            quarantine(conn, item, Unparseable(Unread.NO_SENDER))
            send(conn, [Signal("quarantine", item.workspace_id, inbox=item.inbox_id)])
    return rest


def _sender(item: Waiting, message: ParsedMessage) -> Sender:
    who = message.sender
    return Sender(item.channel, who.identity_key, who.address, who.name, message.language, item.received_at)


def _place(conn: Connection, workspace_id: UUID, arrived: Sequence[Arrived]) -> None:
    """Give every message its conversation, and write it all down."""
    threads = load(conn, workspace_id, arrived)
    batch = writing.Batch(workspace_id)
    touches = []
    for one in arrived:
        thread, how = _thread_of(threads, one)
        threads.joined(thread, one)
        batch.add(one, thread, opened=how == "opened")
        touches.append(_touch(one, thread, how))
    batch.write(conn)
    append(conn, workspace_id, touches)
    ids = [a.item.id for a in arrived]
    finish(conn, workspace_id, ids)
    settle(conn, workspace_id, ids)
    send(conn, _signals(workspace_id, arrived, touches))


def _thread_of(threads: Threads, one: Arrived) -> tuple[Thread, str]:
    """The conversation of a message and how it came to it: opened, reopened or joined."""
    thread = threads.find(one)
    if thread is None:
        fresh = Thread(uuid7(), one.item.inbox_id, one.sender.root_id, one.message.subject, None, "in")
        return fresh, "opened"
    return thread, "joined" if thread.status == "open" else "reopened"


def _touch(one: Arrived, thread: Thread, how: str) -> Touch:
    item, message = one.item, one.message
    facts: dict[str, Any] = {
        "opened": int(how == "opened"),
        "reopened": int(how == "reopened"),
        "new_customer": int(one.sender.created),
        "files": len(message.parts),
        "size": item.size,
        "language": message.language,
        "auto": message.auto,
    }
    return Touch(
        customer_id=one.sender.customer_id,
        kind="message.received",
        occurred_at=item.received_at,
        channel=item.channel,
        conversation_id=thread.id,
        about_id=item.id,
        facts=facts,
        detail={"subject": message.subject[:200], "from": message.sender.address},
    )


def _signals(workspace_id: UUID, arrived: Sequence[Arrived], touches: Sequence[Touch]) -> list[Signal]:
    """One signal an inbox: a message shows in the inbox of its conversation only."""
    by_inbox: dict[UUID, tuple[set[UUID], set[UUID]]] = {}
    for one, touch in zip(arrived, touches, strict=True):
        conversations, customers = by_inbox.setdefault(one.item.inbox_id, (set(), set()))
        if touch.conversation_id:
            conversations.add(touch.conversation_id)
        customers.add(one.sender.root_id)
    return [
        Signal("message", workspace_id, inbox_id, tuple(conversations), tuple(customers))
        for inbox_id, (conversations, customers) in by_inbox.items()
    ]
