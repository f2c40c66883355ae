"""A first message is acknowledged at once, with a promise that can be kept.

On the channels that greet (`Channel.greets`): by mail and short message once an inbox has it switched on, in chats that
cost nothing unless it is switched off. Web chat names a time in its own window, so nothing is sent there.

A follower of the timeline: the message, the promise and the reader's place are one transaction, so that a worker that
is killed in between has either done it all or will do it all, once.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import groupby
from operator import attrgetter
from typing import Any, LiteralString, NamedTuple
from uuid import UUID

from wasl.accounts import calendars
from wasl.accounts.hours import Hours
from wasl.channels.registry import greeting
from wasl.conversations import automatic, link
from wasl.conversations.auto import unanswerable
from wasl.desk import names, promise, sentences, takeover, texts, waits
from wasl.desk.models import MINUTES
from wasl.kit.clock import now
from wasl.kit.db import Connection, as_tenant
from wasl.kit.ids import uuid7
from wasl.timeline.actions import Touch, append
from wasl.timeline.follow import Follower

TOO_LATE = timedelta(hours=6)
"""A message that waited longer for us (a stopped worker, an import) is not acknowledged as if it had just come."""


ANSWERS = frozenset({"message.sent", "message.withdrawn"})
RESOLVED = "conversation.resolved"


class Row(NamedTuple):
    """What the follower needs of a touchpoint."""

    workspace_id: UUID
    occurred_at: datetime
    kind: str
    channel: str
    conversation_id: UUID | None
    about_id: UUID | None
    facts: dict[str, Any]


class Promised(NamedTuple):
    """What can be promised in an inbox at this moment; `minutes` in business time."""

    hours: Hours
    wait: promise.Wait
    due: datetime | None
    minutes: int


@dataclass(frozen=True, slots=True)
class First:
    """A first message with what its acknowledgement depends on. `owner_id`: the customer of its conversation."""

    message_id: UUID
    customer_id: UUID
    owner_id: UUID
    conversation_id: UUID
    inbox_id: UUID
    identity_id: UUID
    customer_name: str
    language: str
    minutes: int
    links: bool
    own_text: str | None
    channel: str


class Ready(NamedTuple):
    """An acknowledgement that may go out."""

    first: First
    draft: automatic.Draft
    promised: Promised


def handle(conn: Connection, rows: list[Row]) -> None:
    """Acknowledge what was opened, note which promises have been kept, and have strangers' names asked for."""
    came = sorted((row for row in rows if row.kind == "message.received"), key=attrgetter("workspace_id"))
    for workspace_id, group in groupby(came, key=attrgetter("workspace_id")):
        names.hear(workspace_id, [(row.channel, row.about_id) for row in group if row.about_id])
    wanted = sorted(filter(_concerns, rows), key=attrgetter("workspace_id"))
    for workspace_id, group in groupby(wanted, key=attrgetter("workspace_id")):
        with as_tenant(conn, workspace_id):
            here = list(group)
            _acknowledge(conn, workspace_id, [r for r in here if r.kind == "message.received"])
            _answered(conn, workspace_id, [r for r in here if r.kind in ANSWERS])
            resolved = {r.conversation_id for r in here if r.kind == RESOLVED and r.conversation_id}
            takeover.settled(conn, workspace_id, sorted(resolved))


def _concerns(row: Row) -> bool:
    if row.kind == RESOLVED:
        return row.conversation_id is not None
    if row.conversation_id is None or row.about_id is None:
        return False
    if row.kind in ANSWERS:
        return True
    return (
        row.kind == "message.received"
        and row.channel in greeting()
        and bool(row.facts.get("opened"))
        and not row.facts.get("auto")
        and now() - row.occurred_at < TOO_LATE
    )


# In the order of conversations, as everybody locks them who locks several.
_FIRST: LiteralString = """
SELECT m.id, m.customer_id, c.customer_id, c.id, c.inbox_id, m.identity_id, k.name, coalesce(
    nullif(m.language, ''), nullif(c.language, ''), nullif(k.language, ''), nullif(n.language, ''), i.language),
  coalesce(a.minutes, %(minutes)s), i.links, t.text, i.channel
FROM unnest(%(ids)s::uuid[]) AS u(id)
JOIN conversations_message m ON m.workspace_id = %(workspace)s AND m.id = u.id
JOIN conversations_conversation c ON c.workspace_id = %(workspace)s AND c.id = m.conversation_id
JOIN channels_inbox i ON i.workspace_id = %(workspace)s AND i.id = c.inbox_id AND i.is_active
LEFT JOIN desk_acknowledgement a ON a.workspace_id = %(workspace)s AND a.inbox_id = c.inbox_id
JOIN customers_customer n ON n.workspace_id = %(workspace)s AND n.id = m.customer_id
JOIN customers_customer k ON k.workspace_id = %(workspace)s AND k.id = n.root_id
LEFT JOIN desk_acknowledgementtext t ON t.workspace_id = %(workspace)s AND t.inbox_id = c.inbox_id
  AND t.language = coalesce(
    nullif(m.language, ''), nullif(c.language, ''), nullif(k.language, ''), nullif(n.language, ''), i.language)
WHERE c.merged_into_id IS NULL AND m.identity_id IS NOT NULL AND m.way = 'in' AND m.channel = i.channel
  AND coalesce(a.is_on, i.channel = ANY(%(unless)s))
  AND NOT EXISTS (SELECT FROM desk_takeover h WHERE h.workspace_id = %(workspace)s AND h.id = c.id)
  AND NOT EXISTS (SELECT FROM desk_promise p WHERE p.workspace_id = %(workspace)s AND p.conversation_id = c.id)
  AND NOT EXISTS (SELECT FROM conversations_message o WHERE o.workspace_id = %(workspace)s
                  AND o.conversation_id = c.id AND o.way = 'out')
ORDER BY c.id
"""
_ON: LiteralString = "SELECT EXISTS (SELECT FROM desk_acknowledgement WHERE workspace_id = %s AND is_on)"


def _acknowledge(conn: Connection, workspace_id: UUID, rows: Sequence[Row]) -> None:
    unless = greeting("on")
    if not any(row.channel in unless for row in rows):
        rows = rows if (conn.execute(_ON, [workspace_id]).fetchone() or (False,))[0] else ()
    if not rows:
        return
    values = {
        "workspace": workspace_id, "ids": [row.about_id for row in rows], "unless": list(unless), "minutes": MINUTES,
    }  # fmt: skip
    found = [First(*row) for row in conn.execute(_FIRST, values).fetchall()]
    at, known = now(), dict[UUID, Promised]()
    for some in _of_different_people(found):
        why_not = unanswerable(conn, workspace_id, [each.message_id for each in some])
        may = [each for each in some if each.message_id not in why_not]
        _write(conn, workspace_id, _ready(conn, workspace_id, may, known, at), at)


def _of_different_people(found: Sequence[First]) -> Iterator[list[First]]:
    """In runs: whether somebody gets another one depends on what they have got."""
    run: list[First] = []
    owners: set[UUID] = set()
    for first in found:
        if owners & {first.owner_id, first.customer_id}:
            yield run
            run, owners = [], set()
        run.append(first)
        owners.add(first.owner_id)
    if run:
        yield run


def _ready(
    conn: Connection, workspace_id: UUID, firsts: Sequence[First], known: dict[UUID, Promised], at: datetime
) -> list[Ready]:  # fmt: skip
    threads: dict[UUID, automatic.Thread] = {}
    for channel in {each.channel for each in firsts}:
        wanted = {each.conversation_id: each.identity_id for each in firsts if each.channel == channel}
        threads |= automatic.threads(conn, workspace_id, wanted, channel)
    ready = []
    for first in firsts:
        if thread := threads.get(first.conversation_id):
            if first.inbox_id not in known:
                known[first.inbox_id] = _promised(conn, workspace_id, first, at)
            promised = known[first.inbox_id]
            ready.append(Ready(first, _drafted(conn, thread, first, promised, at), promised))
    return ready


def _promised(conn: Connection, workspace_id: UUID, first: First, at: datetime) -> Promised:
    hours = calendars.hours_for(conn, workspace_id, first.inbox_id)
    configured = timedelta(minutes=first.minutes)
    wait = promise.wait(waits.samples(conn, workspace_id, first.inbox_id, hours, at), configured)
    due = promise.due(hours, at, wait.time)
    minutes = round(hours.business_time_between(at, due) / timedelta(minutes=1)) if due else 0
    return Promised(hours, wait, due, minutes)


def _drafted(
    conn: Connection, thread: automatic.Thread, first: First, promised: Promised, at: datetime
) -> automatic.Draft:
    language = first.language if first.language in texts.DEFAULT else "en"
    named = Named(texts.said_name(first.customer_name), thread.business, thread.subject)
    address = ""
    if first.links:
        address = link.address(conn, thread.workspace_id, first.conversation_id, first.identity_id)
    words = texts.fill(
        first.own_text or texts.default(first.channel, language),
        values_of(language, promised.hours, at, promised.due, named, address),
        language,
    )
    text = words.text if first.channel == "email" else texts.plain(words.text, first.channel)
    return automatic.Draft(thread, text, words.html, language)


_PROMISE: LiteralString = """
INSERT INTO desk_promise
  (workspace_id, id, conversation_id, customer_id, inbox_id, message_id, made_at, due_at, minutes, basis, samples)
SELECT %b, id, conversation_id, customer_id, inbox_id, message_id, %b, due_at, minutes, basis, samples
FROM unnest(%b::uuid[], %b::uuid[], %b::uuid[], %b::uuid[], %b::uuid[], %s::timestamptz[], %s::int[], %b::text[],
            %s::int[])
     AS t (id, conversation_id, customer_id, inbox_id, message_id, due_at, minutes, basis, samples)
"""


def _write(conn: Connection, workspace_id: UUID, ready: Sequence[Ready], at: datetime) -> None:
    """The messages, the promises in them, and their touchpoints."""
    if not ready:
        return
    message_ids = automatic.write(conn, [each.draft for each in ready], at)
    columns = (
        [uuid7() for _ in ready],
        [each.first.conversation_id for each in ready],
        [each.draft.thread.customer_id for each in ready],
        [each.first.inbox_id for each in ready],
        message_ids,
        [each.promised.due for each in ready],
        [each.promised.minutes for each in ready],
        [each.promised.wait.basis for each in ready],
        [each.promised.wait.samples for each in ready],
    )
    conn.execute(_PROMISE, [workspace_id, at, *columns])
    touches = [_touch(each, message_id, at) for each, message_id in zip(ready, message_ids, strict=True)]
    append(conn, workspace_id, touches)


def _touch(ready: Ready, message_id: UUID, at: datetime) -> Touch:
    hours, wait, due, minutes = ready.promised
    facts: dict[str, int | str] = {
        "due": int(due.timestamp()) if due else 0,
        "minutes": minutes,
        "basis": wait.basis,
        "samples": wait.samples,
        "open": int(hours.open_at(at)),
        "language": ready.draft.language,
    }
    thread, first = ready.draft.thread, ready.first
    return Touch(
        thread.customer_id, "promise.made", at, first.channel, first.conversation_id, message_id, facts,
        {"subject": thread.subject[:200]},
    )  # fmt: skip


class Named(NamedTuple):
    """Who is spoken to, by whom, of what."""

    customer: str
    business: str
    subject: str


def values_of(
    language: str, hours: Hours, at: datetime, due: datetime | None, named: Named, address: str
) -> dict[str, str]:
    """What the variables of a text stand for at that moment; '' where there is nothing to say."""
    opens = None if hours.open_at(at) else hours.next_opening(at)
    return {
        "greeting": texts.greeting(language, named.customer),
        "promise": sentences.promise(language, due, at, hours.zone) if due else "",
        "opening": sentences.opening(language, opens, at, hours.zone) if opens else "",
        "link": address,
        "business": named.business,
        "customer.name": named.customer,
        "conversation.subject": named.subject,
    }


_ANSWERED: LiteralString = """
UPDATE desk_promise p SET answered_at = (
  SELECT min(m.at) FROM conversations_message m
  WHERE m.workspace_id = %(workspace)s AND m.conversation_id = p.conversation_id AND m.way = 'out' AND m.auto = '')
WHERE p.workspace_id = %(workspace)s AND p.conversation_id = ANY(%(conversations)s::uuid[])
"""


def _answered(conn: Connection, workspace_id: UUID, rows: Sequence[Row]) -> None:
    """Note the first answer of a person, which keeps a promise or breaks it; it may have been taken back since."""
    if conversations := sorted({row.conversation_id for row in rows if row.conversation_id}):
        conn.execute(_ANSWERED, {"workspace": workspace_id, "conversations": conversations})


FOLLOWER = Follower(
    name="desk.acknowledge",
    handle=handle,
    row=Row,
    batch=200,
    only="t.kind <> 'message.received' OR t.facts->>'opened' <> '0'",
)
