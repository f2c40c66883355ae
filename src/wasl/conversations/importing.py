"""Old mail, a slice at a time: received mail goes the IN road, sent mail finds its place in it."""

import email.parser
import email.policy
import io
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from wasl.accounts.actor import Actor
from wasl.accounts.models import Agent
from wasl.channels.base import Unparseable
from wasl.channels.email import addresses, headers
from wasl.channels.email.parse import parse
from wasl.channels.models import Inbox
from wasl.conversations import history, understand
from wasl.conversations.history import Sent
from wasl.conversations.models import Message
from wasl.intake.models import Inbound, InboundQueue
from wasl.intake.store import Raw, mail_dedupe_key, put_aside, store_in
from wasl.kit.db import pool, raw, tenant

Old = tuple[bytes | None, datetime]
"""A mail as it was, None when it is too large to be read, and when it was written."""

_PATIENCE = 1_000
"""Turns of understanding after which a slice that other workers hold is left to them."""


@dataclass(frozen=True, slots=True)
class _Head:
    """A mail with what decides in which turn it is taken."""

    content: bytes
    at: datetime
    ours: bool
    key: str
    answers: tuple[str, ...]

    @classmethod
    def of(cls, content: bytes, at: datetime, ours: frozenset[str]) -> "_Head":
        """Read no further than the header."""
        head = content[:65_536].partition(b"\r\n\r\n")[0].partition(b"\n\n")[0]
        fields = email.parser.BytesHeaderParser(policy=email.policy.compat32).parsebytes(head)

        def said(name: str) -> str:
            return str(fields.get(name, ""))

        found = addresses.parse(said("From"), set())
        author = found[0].address.casefold() if found else ""
        keys = headers.ids(said("Message-ID"))
        answers = (*headers.ids(said("References")), *headers.ids(said("In-Reply-To")))
        return cls(content, at, author in ours, keys[0] if keys else "", answers)


def _turns(heads: Sequence[_Head]) -> list[list[_Head]]:
    """The mails in turns: what answers a mail that went the other way comes after it, all else together."""
    turn: dict[str, tuple[int, bool]] = {}
    found: list[list[_Head]] = []
    for head in sorted(heads, key=lambda head: head.at):
        before = [turn[key] for key in head.answers if key in turn]
        place = max((at + (1 if ours or head.ours else 0) for at, ours in before), default=0)
        turn[head.key] = (place, head.ours)
        while len(found) <= place:
            found.append([])
        found[place].append(head)
    return found


class Importer:
    """Takes slices of old mail into one inbox, outside any transaction; the same mail twice is there once.

    `ours` are addresses that wrote for the business and are neither an inbox's nor an agent's: what they wrote was
    sent, and they are nobody's customers.
    """

    def __init__(self, actor: Actor, inbox: Inbox, ours: Iterable[str] = ()) -> None:
        self._inbox = inbox
        with tenant(actor.workspace_id):
            inboxes = dict(Inbox.objects.filter(channel="email").values_list("address", "id"))
            agents = Agent.objects.select_related("user").order_by("id")
            self._agents = {agent.user.email.casefold(): agent.id for agent in agents}
        self._ours = frozenset({address.casefold() for address in (*inboxes, *ours)} | set(self._agents))
        self._actor = Actor(
            actor.workspace_id, actor.role, frozenset(inboxes.values()), agent_id=actor.agent_id
        )

    def take(self, old: Sequence[Old], *, again: bool = False) -> dict[str, int]:
        """How many were received, sent, known, set_aside and too_large.

        `again` is said of a slice that an import was killed in: what it stored is there, but was not put in order.
        """
        total = {"received": 0, "sent": 0, "known": 0, "set_aside": 0, "too_large": 0}
        heads = [_Head.of(content, at, self._ours) for content, at in old if content is not None]
        total["too_large"] = len(old) - len(heads)
        places: set[UUID] = set()
        for turn in _turns(heads):
            for name, number in self._take(turn, places, again=again).items():
                total[name] += number
        with tenant(self._actor.workspace_id):
            history.settle_old(self._actor.workspace_id, places)
        return total

    def _take(self, heads: Sequence["_Head"], places: set[UUID], *, again: bool) -> dict[str, int]:
        """The same of one turn; the conversations that it came to are added to `places`."""
        received, sent = [], []
        for head in heads:
            if not head.ours:
                received.append(self._payload(head.content, head.at))
                continue
            try:
                message = parse(head.content)
            except Unparseable:  # in quarantine a person can look at it
                received.append(self._payload(head.content, head.at))
                continue
            sent.append(Sent(message, head.at, self._agents.get(message.sender.address.casefold())))
        taken, ids = self._receive(received, again=again)
        written, came_to = self._send(sent)
        with tenant(self._actor.workspace_id):
            rows = dict(Message.objects.filter(id__in=ids).values_list("id", "conversation_id"))
            if again:
                keys = [one.message.message_id for one in sent if one.message.message_id]
                written_before = Message.objects.filter(rfc_id__in=keys)
                places |= set(written_before.values_list("conversation_id", flat=True))
            places |= {*rows.values(), *came_to}
            found = [payload.id for payload in received if payload.id in rows]
        return {
            "received": len(found),
            "sent": written,
            "known": len(received) - taken + len(sent) - written,
            "set_aside": taken - len(found),
        }

    def _payload(self, content: bytes, at: datetime) -> Raw:
        envelope = {"from": "", "to": [self._inbox.address], "imported": True}
        made = Raw(
            self._inbox.id,
            "email",
            content,
            mail_dedupe_key(io.BytesIO(content), at),
            envelope,
            received_at=at,
        )
        return put_aside(self._actor.workspace_id, made)

    def _receive(self, payloads: Sequence[Raw], *, again: bool) -> tuple[int, list[UUID]]:
        """Store and understand; a worker that runs beside this helps along. How many were new, and the ids of all
        that this import stored, now or (`again`) before it was killed."""
        if not payloads:
            return 0, []
        with tenant(self._actor.workspace_id):
            taken = store_in(raw(), self._actor.workspace_id, payloads)
            ids = [payload.id for payload in payloads]
            if again:
                keys = [payload.dedupe for payload in payloads]
                stored = Inbound.objects.filter(inbox_id=self._inbox.id, dedupe_key__in=keys)
                ids = list(stored.filter(envelope__imported=True).values_list("id", flat=True))
        for _ in range(_PATIENCE):
            with pool("queue", "import", 2).connection() as conn:
                understand.step(conn)
            with tenant(self._actor.workspace_id):
                if not InboundQueue.objects.filter(id__in=ids).exists():
                    break
        return taken, ids

    def _send(self, sent: Sequence[Sent]) -> tuple[int, set[UUID]]:
        if not sent:
            return 0, set()
        with tenant(self._actor.workspace_id):
            return history.take_sent(self._actor, self._inbox, sent, self._ours)
