"""Which conversation a message belongs to.

By our own reply token, or by In-Reply-To and References, and in both cases only when whoever writes takes part in
that conversation. Never by a subject alone. Without either, a message joins the sender's open conversation of the
same inbox when it follows closely on their last one; and one of another inbox by the rule in `elsewhere`.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import LiteralString
from uuid import UUID

from wasl.channels.base import ParsedMessage
from wasl.channels.email.tokens import read_token
from wasl.conversations import elsewhere
from wasl.conversations.elsewhere import Elsewhere
from wasl.customers.resolve import Resolved
from wasl.intake.claim import Waiting
from wasl.kit import signing
from wasl.kit.db import Connection

REFERENCES = 20
"""How many of a message's references are looked at: the newest."""

# A second thought within a minute is the same matter; with the same subject, within ten.
SECOND_THOUGHT = timedelta(seconds=60)
SAME_SUBJECT = timedelta(minutes=10)
# A form or an app has no threads of its own: one matter a day.
FORM = timedelta(hours=24)
# In a chat nobody begins anew: until a conversation is resolved it goes on, unless it is long ago.
CHAT = timedelta(days=7)
# How long after our mail a program's answer that names nothing is still one to it.
ECHO = timedelta(days=3)


@dataclass(slots=True)
class Thread:
    """A conversation as far as threading needs to know it; changes while a batch is understood."""

    id: UUID
    inbox_id: UUID
    root_id: UUID
    subject: str
    last_in_at: datetime | None
    last_way: str
    status: str = "open"
    split_from: UUID | None = None
    guests: frozenset[str] = frozenset()
    writers: frozenset[UUID] = frozenset()
    """Roots of those who wrote in it: of several customers, once conversations of theirs were made one."""

    @property
    def is_public(self) -> bool:
        """Whether it is held below a post, where everybody reads along."""
        return bool(post_of(self.subject))


@dataclass(frozen=True, slots=True)
class Arrived:
    """One understood message with its sender."""

    item: Waiting
    message: ParsedMessage
    sender: Resolved
    tokens: tuple[UUID, ...]

    @property
    def way(self) -> str:
        """Whether the customer wrote it, or the business itself in another program."""
        return "out" if self.message.written_by_us else "in"

    @property
    def references(self) -> tuple[str, ...]:
        """What it answers: nearest first."""
        return (*self.message.in_reply_to, *reversed(self.message.references[-REFERENCES:]))


def tokens_in(item: Waiting, message: ParsedMessage, kind: str = "reply") -> tuple[UUID, ...]:
    """The ids in the genuine tokens among the addresses a mail was sent to; forged ones count as absent."""
    addresses = [*item.envelope.get("to", ()), *(a.address for a in (*message.to, *message.cc))]
    key = signing.key("reply-address")
    read = [token for address in addresses if "+" in address and (token := read_token(address, key))]
    return tuple(dict.fromkeys(id_ for kind_, id_ in read if kind_ == kind))


@dataclass(slots=True)
class Threads:
    """The conversations that a batch may join, kept up to date while it is worked through."""

    by_id: dict[UUID, Thread] = field(default_factory=dict)
    by_reference: dict[str, list[UUID]] = field(default_factory=dict)
    latest: dict[tuple[UUID, UUID, str], UUID] = field(default_factory=dict)
    answered: dict[tuple[UUID, UUID], UUID] = field(default_factory=dict)
    earlier: dict[tuple[UUID, UUID], tuple[Arrived, UUID]] = field(default_factory=dict)
    """The last mail of each sender that is history: of no conversation is it the last that came in."""
    elsewhere: Elsewhere = field(default_factory=Elsewhere)

    def find(self, arrived: Arrived) -> Thread | None:
        """The conversation a message joins, or None for a new one."""
        for conversation_id in arrived.tokens:
            if thread := self._takes_part(conversation_id, arrived):
                return self._split_off(thread, arrived) or thread
        for reference in arrived.references:
            for conversation_id in self.by_reference.get(reference, ()):
                if thread := self._takes_part(conversation_id, arrived):
                    return thread
        place = arrived.sender.root_id, arrived.item.inbox_id
        if arrived.message.is_echo and (told := self.answered.get(place)):
            return self.by_id[told]
        recent = self.latest.get((*place, post_of(arrived.message.subject)))
        thread = self.by_id.get(recent) if recent else None
        if thread and _follows(thread, arrived):
            return thread
        if thread := self._continued(place, arrived):
            return thread
        other = self.elsewhere.find(arrived, self.by_id)
        return self.by_id[other] if other else None

    def _continued(self, place: tuple[UUID, UUID], arrived: Arrived) -> Thread | None:
        """The conversation of the mail that old mail closely follows on, when both come in together."""
        known = self.earlier.get(place)
        if known is None or not arrived.message.is_old or arrived.references or arrived.message.auto:
            return None
        before, conversation_id = known
        since = abs(arrived.item.received_at - before.item.received_at)
        close = arrived.item.channel == "email" and _is_close(since, before.message.subject, arrived)
        return self.by_id[conversation_id] if close else None

    def _split_off(self, thread: Thread, arrived: Arrived) -> Thread | None:
        """What was split off a conversation, when the message answers one of the messages that went there."""
        for reference in arrived.message.in_reply_to:
            for conversation_id in self.by_reference.get(reference, ()):
                found = self._takes_part(conversation_id, arrived)
                if found and found.split_from == thread.id:
                    return found
        return None

    def _takes_part(self, conversation_id: UUID, arrived: Arrived) -> Thread | None:
        thread = self.by_id.get(conversation_id)
        if thread is None:
            return None
        # What is written in private stays so, also when it answers what we wrote to a comment's author.
        if thread.is_public and is_chat(arrived.item) and not post_of(arrived.message.subject):
            return None
        # A form's own thread ids mean something within one inbox only.
        if arrived.item.channel == "api" and thread.inbox_id != arrived.item.inbox_id:
            return None
        known = (
            thread.root_id == arrived.sender.root_id
            or arrived.sender.root_id in thread.writers
            or arrived.message.sender.identity_key in thread.guests
        )
        return thread if known else None

    def joined(self, thread: Thread, arrived: Arrived) -> None:
        """Remember that a message is now part of a conversation, for those behind it in the batch."""
        self.by_id[thread.id] = thread
        if arrived.message.message_id:
            self.by_reference.setdefault(arrived.message.message_id, []).append(thread.id)
        if arrived.message.is_old and arrived.way == "in" and thread.root_id == arrived.sender.root_id:
            self.earlier[thread.root_id, arrived.item.inbox_id] = arrived, thread.id
        if not arrived.message.is_news:
            return
        thread.status, thread.last_way = "open", "in"
        thread.last_in_at = max(arrived.item.received_at, thread.last_in_at or arrived.item.received_at)
        self.elsewhere.joined(thread, arrived.item.channel)
        if thread.root_id == arrived.sender.root_id:
            self.latest[thread.root_id, thread.inbox_id, post_of(thread.subject)] = thread.id


_POST = re.compile(r"(?:facebook|instagram):[0-9_]+")


def post_of(subject: str) -> str:
    """The post below which a conversation is held in public; '' for what is private. They are never one."""
    return subject if _POST.fullmatch(subject) else ""


def is_chat(item: Waiting) -> bool:
    """Whether its channel is one long talk, in which providers' ids say what is spoken of."""
    return item.channel not in ("email", "api")


def _follows(thread: Thread, arrived: Arrived) -> bool:
    if thread.status != "open" or thread.last_in_at is None:
        return False
    since = abs(arrived.item.received_at - thread.last_in_at)
    if arrived.item.channel == "api":
        return since <= FORM and not arrived.references
    if is_chat(arrived.item):
        return since <= CHAT
    if thread.last_way != "in" or arrived.references or arrived.message.auto:
        return False
    return _is_close(since, thread.subject, arrived)


def _is_close(since: timedelta, subject: str, arrived: Arrived) -> bool:
    same = bare_subject(subject) == bare_subject(arrived.message.subject)
    return since <= (SAME_SUBJECT if same else SECOND_THOUGHT)


_PREFIX = re.compile(
    r"^\s*(?:(?:re|fw|fwd|aw|wg|sv|antw|tr|réf|rif|r|i|رد|إعادة توجيه)\s*(?:\[\d+\])?\s*[:：]\s*)+", re.IGNORECASE
)  # fmt: skip


def unprefixed(subject: str) -> str:
    """A subject without the prefixes of replies and forwards, unless it is nothing else."""
    return _PREFIX.sub("", subject) or subject


def bare_subject(subject: str) -> str:
    """The same, folded for comparison."""
    return " ".join(_PREFIX.sub("", subject).casefold().split())


# Each step is a LATERAL with a LIMIT, or an ANY over a whole key: so that no plan can compare every message of a batch
# with every row of a workspace, whatever the statistics say of a table that was empty when they were taken. (IS TRUE
# keeps the open conversations of everyone from being the way to those of one customer. And row security asks before
# it lets a condition into an index whether it may leak: a COALESCE may, so it stands in a column.)
_NAMED: LiteralString = """
WITH named AS (
  SELECT id AS conversation_id, '' AS reference FROM unnest(%(tokens)b::uuid[]) AS id
  UNION
  SELECT m.conversation_id, r.reference FROM unnest(%(references)b::text[]) AS r(reference)
  CROSS JOIN LATERAL (
    SELECT x.conversation_id FROM conversations_message x
    WHERE x.workspace_id = %(workspace)b AND x.rfc_id = r.reference AND x.rfc_id <> '' LIMIT 5) m
  UNION
  SELECT m.conversation_id, r.reference FROM unnest(%(quoted)b::text[]) AS r(reference)
  CROSS JOIN LATERAL (
    SELECT x.conversation_id FROM delivery_delivery x
    WHERE x.workspace_id = %(workspace)b AND x.ref = r.reference AND x.ref <> '' LIMIT 5) m
)
SELECT n.reference, n.conversation_id, c.id, c.inbox_id, k.root_id, c.subject, c.last_in_at, c.last_way, c.status,
  c.split_from_id,
  CASE WHEN k.root_id = ANY(%(roots)b::uuid[]) THEN '{}'::text[] ELSE ARRAY(
    SELECT DISTINCT lower(g.address) FROM conversations_message m,
      LATERAL jsonb_array_elements_text(coalesce(m.meta->'to', '[]') || coalesce(m.meta->'cc', '[]')) AS g(address)
    WHERE m.workspace_id = %(workspace)b AND m.conversation_id = c.id LIMIT 200) END,
  CASE WHEN k.root_id = ANY(%(roots)b::uuid[]) THEN '{}'::uuid[] ELSE ARRAY(
    SELECT DISTINCT w.root_id FROM conversations_message m
    JOIN customers_customer w ON w.workspace_id = m.workspace_id AND w.id = m.customer_id
    WHERE m.workspace_id = %(workspace)b AND m.conversation_id = c.id AND m.way = 'in' LIMIT 50) END
FROM named n
CROSS JOIN LATERAL (
  SELECT coalesce(x.merged_into_id, x.id) AS id FROM conversations_conversation x
  WHERE x.workspace_id = %(workspace)b AND x.id = n.conversation_id LIMIT 1) named
CROSS JOIN LATERAL (
  SELECT * FROM conversations_conversation x
  WHERE x.workspace_id = %(workspace)b AND x.id = named.id LIMIT 1) c
CROSS JOIN LATERAL (
  SELECT x.root_id FROM customers_customer x
  WHERE x.workspace_id = %(workspace)b AND x.id = c.customer_id LIMIT 1) k
LIMIT 5000
"""

_RECENT: LiteralString = """
SELECT DISTINCT ON (k.root_id, c.inbox_id, p.post)
  c.id, c.inbox_id, k.root_id, c.subject, c.last_in_at, c.last_way, c.status
FROM customers_customer k
CROSS JOIN LATERAL (
  SELECT * FROM conversations_conversation x
  WHERE x.workspace_id = %(workspace)b AND x.customer_id = k.id AND x.inbox_id = ANY(%(inboxes)b::uuid[])
    AND (x.status = 'open') IS TRUE AND x.merged_into_id IS NULL AND x.last_in_at > %(since)b
  ORDER BY x.last_in_at DESC, x.id DESC LIMIT 20) c
CROSS JOIN LATERAL (
  SELECT CASE WHEN c.subject ~ '^(facebook|instagram):[0-9_]+$' THEN c.subject ELSE '' END AS post) p
WHERE k.workspace_id = %(workspace)b AND k.root_id = ANY(%(roots)b::uuid[])
ORDER BY k.root_id, c.inbox_id, p.post, c.last_in_at DESC, c.id DESC
"""


# What we wrote to last: a program that does not say what it answers ("I am away") answers that.
_ANSWERED: LiteralString = """
SELECT DISTINCT ON (k.root_id, c.inbox_id)
  c.id, c.inbox_id, k.root_id, c.subject, c.last_in_at, c.last_way, c.status
FROM customers_customer k
CROSS JOIN LATERAL (
  SELECT x.*, m.at FROM conversations_conversation x
  CROSS JOIN LATERAL (
    SELECT o.at FROM conversations_message o
    WHERE o.workspace_id = %(workspace)b AND o.conversation_id = x.id AND o.at > %(since)b AND o.way = 'out'
    ORDER BY o.at DESC LIMIT 1) m
  WHERE x.workspace_id = %(workspace)b AND x.customer_id = k.id AND x.inbox_id = ANY(%(inboxes)b::uuid[])
    AND x.merged_into_id IS NULL
  ORDER BY m.at DESC LIMIT 20) c
WHERE k.workspace_id = %(workspace)b AND k.root_id = ANY(%(roots)b::uuid[])
ORDER BY k.root_id, c.inbox_id, c.at DESC
"""


def load(conn: Connection, workspace_id: UUID, arrived: Sequence[Arrived]) -> Threads:
    """Every conversation that one of these messages may join. The senders' customers are locked already."""
    threads = Threads()
    tokens = list({t for a in arrived for t in a.tokens})
    references = list({r for a in arrived for r in a.references})
    known = [a for a in arrived if not a.sender.created]
    roots = list({a.sender.root_id for a in known})
    if tokens or references:
        values = {"workspace": workspace_id, "tokens": tokens, "references": references, "roots": roots,
                  "quoted": list({r for a in arrived if is_chat(a.item) for r in a.references})}  # fmt: skip
        for row in conn.execute(_NAMED, values, prepare=True).fetchall():
            reference, named, *fields, guests, writers = row
            thread = threads.by_id.setdefault(row[2], Thread(*fields))
            thread.guests, thread.writers = frozenset(guests), frozenset(writers)
            threads.by_id[named] = thread  # one that was merged leads to the one it is now
            if reference:
                threads.by_reference.setdefault(reference, []).append(thread.id)
    if roots:
        values = {
            "workspace": workspace_id,
            "roots": roots,
            "inboxes": list({a.item.inbox_id for a in known}),
            "since": min(a.item.received_at for a in known)
            - (CHAT if any(is_chat(a.item) for a in known) else FORM),
        }
        for row in conn.execute(_RECENT, values, prepare=True).fetchall():
            thread = threads.by_id.setdefault(row[0], Thread(*row))
            threads.latest[thread.root_id, thread.inbox_id, post_of(thread.subject)] = thread.id
    for row in elsewhere.load(conn, workspace_id, known, threads.elsewhere):
        threads.by_id.setdefault(row[0], Thread(*row))
    if echoes := [a for a in known if a.message.is_echo]:
        values = {
            "workspace": workspace_id,
            "roots": list({a.sender.root_id for a in echoes}),
            "inboxes": list({a.item.inbox_id for a in echoes}),
            "since": min(a.item.received_at for a in echoes) - ECHO,
        }
        for row in conn.execute(_ANSWERED, values, prepare=True).fetchall():
            thread = threads.by_id.setdefault(row[0], Thread(*row))
            threads.answered[thread.root_id, thread.inbox_id] = thread.id
    return threads
