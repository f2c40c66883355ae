"""The ways in which a customer can be answered right now: each an address of theirs and an inbox that writes to it.

The customer is one, so an answer need not leave where the question came in. The best way is the one they last wrote on
or read; one that cannot be used says why.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any, LiteralString, NamedTuple
from uuid import UUID

from wasl.accounts.actor import Actor
from wasl.channels.base import Reason
from wasl.channels.models import Inbox
from wasl.channels.port import Limits
from wasl.channels.registry import channels
from wasl.conversations.models import Conversation
from wasl.customers import entered
from wasl.kit.clock import now
from wasl.kit.db import raw

MOST = 12
EACH = 3
"""Ways that are offered, and addresses of one channel among them: the ones last used."""
_GONE = frozenset({Reason.ADDRESS_UNKNOWN, Reason.UNWANTED, Reason.MAILBOX_FULL})


class Via(NamedTuple):
    """How an answer is to leave, as a form says it. Without identity: where the conversation's own people are. `aside`:
    to the author of a comment alone."""

    inbox_id: UUID
    identity_id: UUID | None = None
    aside: bool = False


@dataclass(frozen=True, slots=True)
class Way:
    """One way. `why` is '' or why it cannot be used: stopped, window_closed; `warning` '', bounced, or unproved where
    they left the address and never wrote from it (`identity_id` is then that of the claim; see `settled`).

    `until` is when writing freely ends (None: never); `by_template` whether an approved text still goes after that.
    `used_at` is when the customer last wrote or read there, `wrote_at` when they wrote, `wrote_ref` the provider's id
    of that when it was in this conversation. After a comment, `public` is below it, where everybody reads along, and
    `aside` to its author alone; `comment` is the provider's id of the comment that is answered so.
    """

    inbox: Inbox
    identity_id: UUID | None
    address: str
    display: str
    name: str = ""
    used_at: datetime | None = None
    until: datetime | None = None
    why: str = ""
    warning: str = ""
    by_template: bool = False
    wrote_ref: str = ""
    wrote_at: datetime | None = None
    public: bool = False
    aside: bool = False
    comment: str = ""

    @property
    def channel(self) -> str:
        """The channel's name."""
        return self.inbox.channel

    @property
    def via(self) -> Via:
        """As a form says it."""
        return Via(self.inbox.id, self.identity_id, self.aside)

    @property
    def limits(self) -> Limits:
        """What it can carry."""
        return channels()[self.inbox.channel].limits


class _Address(NamedTuple):
    id: UUID
    channel: str
    address: str
    display: str
    name: str
    in_at: datetime | None
    in_inbox: UUID | None
    in_ref: str | None
    in_here: bool | None
    comment_at: datetime | None
    comment_ref: str | None
    out_at: datetime | None
    state: str | None
    reason: str | None
    stopped: bool


_ADDRESSES: LiteralString = """
WITH talks AS MATERIALIZED (
  SELECT c.id FROM customers_customer k
  JOIN conversations_conversation c ON c.customer_id = k.id
  WHERE k.root_id = %(root)s AND c.merged_into_id IS NULL
  ORDER BY c.id = %(conversation)s DESC, c.last_at DESC LIMIT 10
), said AS MATERIALIZED (
  SELECT DISTINCT ON (m.identity_id, m.way) m.* FROM talks CROSS JOIN LATERAL (
    SELECT x.identity_id, x.way, x.at, x.id, x.rfc_id, x.delivery_id, x.conversation_id, x.meta
    FROM conversations_message x
    WHERE x.conversation_id = talks.id AND x.identity_id IS NOT NULL AND x.way IN ('in', 'out')
      AND (x.meta->'content'->'public' = 'true') IS NOT TRUE
    ORDER BY x.at DESC, x.id DESC LIMIT 60) m
  ORDER BY m.identity_id, m.way, m.at DESC, m.id DESC
), here AS MATERIALIZED (
  SELECT DISTINCT ON (m.identity_id) m.* FROM (
    SELECT x.identity_id, x.at, x.id, x.rfc_id, (x.meta->'content'->'public' = 'true') IS TRUE AS public
    FROM conversations_message x
    WHERE x.conversation_id = %(conversation)s AND x.identity_id IS NOT NULL AND x.way = 'in'
    ORDER BY x.at DESC, x.id DESC LIMIT 60) m
  ORDER BY m.identity_id, m.at DESC, m.id DESC
)
SELECT i.id, i.channel, i.address, i.display, i.name, a.at, r.inbox_id, a.rfc_id,
  a.conversation_id = %(conversation)s, h.at, h.rfc_id, o.at, d.state, d.reason,
  EXISTS (SELECT FROM delivery_suppression s WHERE s.channel = i.channel AND s.address = i.address)
FROM customers_customer k
JOIN customers_identity i ON i.customer_id = k.id
LEFT JOIN said a ON a.identity_id = i.id AND a.way = 'in'
LEFT JOIN here h ON h.identity_id = i.id AND h.public
LEFT JOIN intake_inbound r ON r.id = coalesce(h.id, a.id)
LEFT JOIN said o ON o.identity_id = i.id AND o.way = 'out'
LEFT JOIN delivery_delivery d ON d.id = o.delivery_id
WHERE k.root_id = %(root)s
ORDER BY greatest(a.at, h.at, o.at) DESC NULLS LAST, i.created_at DESC, i.id DESC
LIMIT 60
"""


# A mailbox that somebody else writes from is offered to nobody but them.
_LEFT: LiteralString = """
SELECT DISTINCT ON (c.point) c.id, substr(c.point, 6), c.at,
  EXISTS (SELECT FROM delivery_suppression s WHERE s.channel = 'email' AND s.address = substr(c.point, 6))
FROM customers_customer k JOIN customers_claim c ON c.customer_id = k.id
WHERE k.root_id = %s AND left(c.point, 5) = 'mail:'
  AND NOT EXISTS (SELECT FROM customers_identity i WHERE i.channel = 'email' AND i.address = substr(c.point, 6))
ORDER BY c.point, c.at DESC LIMIT 3
"""


def ways(actor: Actor, conversation: Conversation) -> list[Way]:
    """The ways to this customer, the best first; inside `tenant`. Inboxes that the actor may not see are left out."""
    inboxes = list(Inbox.objects.filter(id__in=actor.inboxes, is_active=True).order_by("name", "id"))
    values = {"root": conversation.customer.root_id, "conversation": conversation.id}
    addresses = [_Address(*row) for row in raw().execute(_ADDRESSES, values).fetchall()]
    found: list[Way] = []
    for each in addresses:
        inbox = _inbox_for(each, inboxes, conversation)
        if inbox and sum(way.channel == inbox.channel for way in found) < EACH:
            found += _ways(each, inbox, each.stopped)
    if not any(each.channel == "email" for each in addresses):
        found += _left(inboxes, conversation)
    found.sort(key=_rank, reverse=True)
    if own := _kept(inboxes, conversation):
        found.insert(0, own)
    return found[:MOST]


def _left(inboxes: Sequence[Inbox], conversation: Conversation) -> list[Way]:
    """Mail to an address that they left, where none is known that they write from."""
    mail = [inbox for inbox in inboxes if inbox.channel == "email"]
    if not mail:
        return []
    inbox = next((each for each in mail if each.id == conversation.inbox_id), mail[0])
    rows = raw().execute(_LEFT, [conversation.customer.root_id]).fetchall()
    return [
        Way(inbox, id_, address, address, why="stopped" if stopped else "", warning="unproved")
        for id_, address, _, stopped in sorted(rows, key=lambda row: row[2], reverse=True)
    ]


def settled(actor: Actor, conversation: Conversation, way: Way) -> Way:
    """The way as one writes on it: an address that was only left becomes one of theirs. Raises `entered.Taken`."""
    if way.warning != "unproved":
        return way
    kept = entered.keep(actor, conversation.customer_id, way.channel, way.address)
    return replace(way, identity_id=kept.id)


def _inbox_for(each: _Address, inboxes: Sequence[Inbox], conversation: Conversation) -> Inbox | None:
    """The inbox that writes to an address: where they last wrote, else the conversation's, else any of the channel."""
    channel = channels().get(each.channel)
    if channel is None or not sends(channel.name):
        return None
    fit = [inbox for inbox in inboxes if inbox.channel == each.channel]
    for wanted in (each.in_inbox, conversation.inbox_id):
        for inbox in fit:
            if inbox.id == wanted:
                return inbox
    return fit[0] if fit else None


def keeps(name: str) -> bool:
    """Whether what is written in an inbox of such a channel waits there for whoever fetches it: an API’s.

    A telephone or a branch hears, and can be answered elsewhere only.
    """
    return name == "api"


def sends(name: str) -> bool:
    """Whether answers leave on a channel of that name."""
    channel = channels().get(name)
    return channel is not None and (name == "email" or channel.line is not None)


def _ways(each: _Address, inbox: Inbox, stopped: bool) -> list[Way]:
    """One; after a comment two: below it for everybody, and in private, for which the comment is occasion enough."""
    private = _way(each, inbox, stopped)
    at, ref, why = each.comment_at, each.comment_ref or "", "stopped" if stopped else ""
    if at is None:
        return [private]
    below = replace(private, used_at=at, wrote_at=at, until=None, why=why, public=True, comment=ref)
    aside = replace(private, aside=True)
    until = at + (private.limits.late or private.limits.window or timedelta(days=7))
    if private.why == "window_closed" and until > now():  # the comment itself allows one message
        aside = replace(aside, used_at=at, wrote_at=at, until=until, why="", comment=ref)
    return [below, aside]


def _way(each: _Address, inbox: Inbox, stopped: bool) -> Way:
    until = _until(each)
    closed = until is not None and until <= now()
    answered = each.in_at is not None and each.out_at is not None and each.in_at > each.out_at
    bounced = each.state == "failed" and each.reason in _GONE and not answered
    read = each.out_at if each.state == "read" else None
    return Way(
        inbox,
        each.id,
        each.address,
        each.display,
        each.name,
        used_at=max(filter(None, (each.in_at, read)), default=None),
        until=until,
        why="stopped" if stopped else "window_closed" if closed else "",
        warning="bounced" if bounced else "",
        by_template=channels()[each.channel].limits.templates,
        wrote_ref=(each.in_ref or "") if each.in_here else "",
        wrote_at=each.in_at,
    )


def _until(each: _Address) -> datetime | None:
    """Until when a person may write freely there; None: always."""
    limits = channels()[each.channel].limits
    window = limits.late or limits.window
    if window is None:
        return None
    return each.in_at + window if each.in_at else now()


def _rank(way: Way) -> tuple[bool, bool, bool, float]:
    """What was asked in public is answered there, unless somebody wants it otherwise."""
    return not way.why, not way.warning, way.public, way.used_at.timestamp() if way.used_at else 0.0


def _kept(inboxes: Iterable[Inbox], conversation: Conversation) -> Way | None:
    """An inbox that sends nothing: what is written there is fetched by whoever asks (an API's)."""
    for inbox in inboxes:
        if inbox.id == conversation.inbox_id and keeps(inbox.channel):
            return Way(inbox, None, "", "")
    return None


def best(found: Sequence[Way]) -> Way | None:
    """The way to take when nobody says; None when there is none that can be used."""
    return next((way for way in found if not way.why), None)


def chosen(found: Sequence[Way], via: Via) -> Way | None:
    """The way that was asked for, whether or not it can be used; None when it is not among those."""
    return next((way for way in found if way.via == via), None)


def usual(actor: Actor, conversation: Conversation, inbox: Inbox) -> Way | None:
    """The way an answer takes when nobody chose one: where the customer last wrote in this conversation. None: out of
    the conversation's own inbox, to whom that finds."""
    row: Any = raw().execute(_LAST, [conversation.id]).fetchone()
    channel = row[0] if row else inbox.channel
    if channel == inbox.channel and (channel == "email" or keeps(channel)):
        return None
    found = ways(actor, conversation)
    fit = [way for way in found if way.channel == channel]
    return next((way for way in fit if not way.why), None) or best(found) or next(iter(fit), None)


_LAST: LiteralString = """
SELECT m.channel FROM conversations_message m
WHERE m.conversation_id = %s AND m.way = 'in' ORDER BY m.at DESC, m.id DESC LIMIT 1
"""
