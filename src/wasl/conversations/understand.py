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
from wasl.channels.port import Change, Parsed, Report
from wasl.conversations import (
    amend,
    auto,
    bounces,
    consent,
    echoes,
    flood,
    forwards,
    pieces,
    proof,
    receipts,
    writing,
)
from wasl.conversations.forwards import Passed
from wasl.conversations.threading import Arrived, Thread, Threads, is_chat, load, tokens_in
from wasl.customers import linking
from wasl.customers.points import TELEPHONES
from wasl.customers.resolve import Sender, lock_customers, resolve
from wasl.intake.awaiting import came
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
    said = pieces.join(conn, workspace_id, echoes.read(conn, workspace_id, _read(conn, items)))
    messages = [(item, one) for item, one in said if isinstance(one, ParsedMessage)]
    ready = flood.put_off(conn, messages)
    _take_in(conn, workspace_id, ready)
    if len(ready) < len(messages):
        known = {item.id for item, _ in ready}
        finish(conn, workspace_id, [item.id for item, _ in messages if item.id not in known])
    if others := [item.id for item, one in said if not isinstance(one, ParsedMessage)]:
        receipts.take(conn, workspace_id, [(item, one) for item, one in said if isinstance(one, Report)])
        amend.take(conn, workspace_id, [(item, one) for item, one in said if isinstance(one, Change)])
        finish(conn, workspace_id, others)
        settle(conn, workspace_id, others)


def _take_in(conn: Connection, workspace_id: UUID, messages: list[tuple[Waiting, ParsedMessage]]) -> None:
    """What customers wrote becomes messages on their timelines; reports by mail go to their deliveries."""
    messages, about = bounces.take(conn, workspace_id, messages)
    messages, passed = forwards.take(conn, workspace_id, _from_others(conn, messages))
    if not messages:
        return
    senders = resolve(conn, workspace_id, [_sender(item, message) for item, message in messages])
    if any(item.channel in TELEPHONES for item, _ in messages):
        senders = linking.at_once(conn, workspace_id, senders)
    lock_customers(conn, workspace_id, {s.root_id for s in senders})
    arrived = [
        Arrived(item, message, sender, _tokens(item, message, about))
        for (item, message), sender in zip(messages, senders, strict=True)
    ]
    _place(conn, workspace_id, arrived, passed)


def _read(conn: Connection, items: list[Waiting]) -> list[tuple[Waiting, Parsed]]:
    """What the payloads say; those that say nothing we understand go to quarantine at once."""
    messages = []
    for item in items:
        try:
            messages.append((item, parse(item)))
        except Unparseable as error:
            quarantine(conn, item, error)
            send(conn, [Signal("quarantine", item.workspace_id, inbox=item.inbox_id)])
    return messages


def _tokens(item: Waiting, message: ParsedMessage, about: dict[UUID, UUID]) -> tuple[UUID, ...]:
    """The conversations that the addresses a mail was sent to speak of."""
    if item.channel != "email":
        return ()
    known = about.get(item.id)
    return (known, *tokens_in(item, message)) if known else tokens_in(item, message)


def _from_others(
    conn: Connection, messages: list[tuple[Waiting, ParsedMessage]]
) -> list[tuple[Waiting, ParsedMessage]]:
    """Set aside what is from nobody who could be answered (a report about a message that is not ours), and mails of
    our own that came round: taken for a customer's, they would be answered, and come round again."""
    rest = []
    for item, message in messages:
        reason = Unread.OURS if auto.is_own(item, message) else Unread.NO_SENDER
        if message.sender.address and reason is not Unread.OURS:
            rest.append((item, message))
        else:
            quarantine(conn, item, Unparseable(reason))
            send(conn, [Signal("quarantine", item.workspace_id, inbox=item.inbox_id)])
    return rest


def _sender(item: Waiting, message: ParsedMessage) -> Sender:
    who = message.sender
    return Sender(item.channel, who.identity_key, message.shown or who.address, who.name, message.language,
                  item.received_at, message.aliases, message.verified, proof.known(message),
                  proof.left(message))  # fmt: skip


def _place(
    conn: Connection, workspace_id: UUID, arrived: Sequence[Arrived], passed: dict[UUID, Passed]
) -> None:
    """Give every message its conversation, and write it all down."""
    threads = load(conn, workspace_id, arrived)
    batch = writing.Batch(workspace_id)
    touches, inboxes, notes, threads_of = [], [], [], []
    for one in arrived:
        thread, how = _thread_of(threads, one)
        threads.joined(thread, one)
        batch.add(one, thread, opened=how == "opened")
        touches.append(_touch(one, thread, how))
        if by := passed.get(one.item.id):
            notes.append((thread, one, by))
        inboxes.append(thread.inbox_id)
        threads_of.append(thread)
    batch.write(conn)
    said = [forwards.note(conn, workspace_id, *each) for each in notes]
    heard = consent.hear(conn, workspace_id, list(zip(arrived, threads_of, strict=True)))
    append(conn, workspace_id, [*touches, *said, *heard])
    ids = [a.item.id for a in arrived]
    finish(conn, workspace_id, ids)
    settle(conn, workspace_id, ids)
    came(conn, workspace_id, [a.message.message_id for a in arrived if is_chat(a.item)])
    send(conn, _signals(workspace_id, arrived, touches, inboxes))


def _thread_of(threads: Threads, one: Arrived) -> tuple[Thread, str]:
    """The conversation of a message and how it came to it: opened, reopened or joined."""
    thread = threads.find(one)
    if thread is None:
        fresh = Thread(uuid7(), one.item.inbox_id, one.sender.root_id, one.message.subject, None, "in")
        return fresh, "opened"
    return thread, "joined" if thread.status == "open" or not one.message.is_news else "reopened"


def _touch(one: Arrived, thread: Thread, how: str) -> Touch:
    item, message = one.item, one.message
    if message.written_by_us:
        return _sent_elsewhere(one, thread)
    facts: dict[str, Any] = {
        "opened": int(how == "opened"),
        "reopened": int(how == "reopened"),
        "new_customer": int(one.sender.created),
        "files": len(message.parts) + len(message.media),
        "size": item.size,
        "language": message.language,
        "auto": message.auto,
    }
    if one.sender.learnt:
        facts["learnt"] = 1
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


def _sent_elsewhere(one: Arrived, thread: Thread) -> Touch:
    facts = {
        "files": len(one.message.media), "size": one.item.size, "language": one.message.language, "by": "api",
    }  # fmt: skip
    return Touch(
        one.sender.customer_id,
        "message.sent",
        one.item.received_at,
        one.item.channel,
        thread.id,
        one.item.id,
        facts,
    )


def _signals(
    workspace_id: UUID, arrived: Sequence[Arrived], touches: Sequence[Touch], inboxes: Sequence[UUID]
) -> list[Signal]:
    """One signal an inbox: a message shows where its conversation lies, which may not be where it came in."""
    by_inbox: dict[UUID, tuple[set[UUID], set[UUID]]] = {}
    for one, touch, inbox_id in zip(arrived, touches, inboxes, strict=True):
        conversations, customers = by_inbox.setdefault(inbox_id, (set(), set()))
        if touch.conversation_id:
            conversations.add(touch.conversation_id)
        customers.add(one.sender.root_id)
    return [
        Signal("message", workspace_id, inbox_id, tuple(conversations), tuple(customers))
        for inbox_id, (conversations, customers) in by_inbox.items()
    ]
