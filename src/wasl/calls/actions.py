"""What is done with call-backs: promised, moved, taken on, called off, and what became of each call.

Every verb holds the conversation first, as whoever changes a conversation does. Call inside `tenant(…)`.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, LiteralString
from uuid import UUID
from zoneinfo import ZoneInfo

from django.db.models import Q

from wasl.accounts import calendars
from wasl.accounts.actor import Actor, NotFound
from wasl.accounts.hours import Hours
from wasl.accounts.models import Role
from wasl.calls import slots
from wasl.calls.models import Call, Callback, Outcome, Stand, State
from wasl.calls.slots import Slot
from wasl.channels.models import Inbox
from wasl.channels.registry import of_medium
from wasl.conversations import actions as conversations
from wasl.conversations.models import Conversation
from wasl.conversations.queries import agents
from wasl.customers.models import Identity
from wasl.kit.clock import now
from wasl.kit.db import raw
from wasl.kit.languages import LANGUAGES
from wasl.kit.phones import e164

LONGEST = 4_000
"""Letters of a note."""
AGAIN = frozenset({Outcome.NO_ANSWER, Outcome.BUSY, Outcome.VOICEMAIL, Outcome.FAILED})
"""Outcomes after which they are rung up once more."""
DAY = 24 * 60


class CannotCall(Exception):
    """Why it cannot be: no_number, bad_number, closed, past, ended, too_long, no_line, no_telephone, under_way."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


@dataclass(frozen=True, slots=True)
class Wanted:
    """A call-back as it is asked for: from when on, on which number, what it is about."""

    start: datetime
    number: str
    about: str = ""


def system(workspace_id: UUID) -> Actor:
    """Wasl itself, in a workspace: for what the worker does."""
    inboxes = Inbox.objects.filter(workspace_id=workspace_id).values_list("id", flat=True)
    return Actor(workspace_id, Role.AGENT, frozenset(inboxes))


def request(actor: Actor, conversation_id: UUID, wanted: Wanted, *, by: str = "") -> Callback:
    """Promise a call-back; where one waits already in the conversation, that one is moved and changed.

    Raises NotFound, Forbidden, CannotCall: bad_number, closed, past, too_long.
    """
    conversation = conversations.lock(actor, conversation_id)
    number = checked_number(wanted.number)
    slot = _slot(actor, conversation, number, wanted.start)
    about = _checked(wanted.about)
    here = Q(conversation=conversation) | Q(conversation__merged_into=conversation)
    row = Callback.objects.select_for_update(of=("self",)).filter(here, state=Stand.WAITING).first()
    kind = "call.rescheduled" if row else "call.requested"
    row = row or Callback(
        workspace_id=actor.workspace_id,
        conversation=conversation,
        customer_id=conversation.customer_id,
        asked_by=by or actor.kind,
        asked_at=now(),
        assignee_id=conversation.assignee_id,
    )
    row.number, row.about = number, about or row.about
    row.zone = str(zone_for(actor, conversation, number))
    row.language = language_for(conversation)
    row.due_at, row.until = slot.start, slot.end
    row.save()
    _record(actor, conversation, row, kind, {"due": int(slot.start.timestamp())}, by=by)
    return row


def reschedule(actor: Actor, callback_id: UUID, start: datetime) -> Callback:
    """Move one that waits. Raises NotFound, Forbidden, CannotCall: ended, closed, past."""
    row, conversation = held(actor, callback_id)
    slot = _slot(actor, conversation, row.number, start)
    row.due_at, row.until = slot.start, slot.end
    row.save(update_fields=["due_at", "until"])
    _record(actor, conversation, row, "call.rescheduled", {"due": int(slot.start.timestamp())})
    return row


def claim(actor: Actor, callback_id: UUID, agent_id: UUID | None) -> Callback:
    """Say who will ring them up; None for nobody yet. Raises NotFound, Forbidden, CannotCall: ended."""
    row, conversation = held(actor, callback_id)
    if agent_id and agent_id not in {agent.id for agent in agents(actor, conversation.inbox_id)}:
        raise NotFound
    if row.assignee_id == agent_id:
        return row
    row.assignee_id = agent_id
    row.save(update_fields=["assignee_id"])
    facts = {"assigned": int(agent_id is not None)}
    _record(actor, conversation, row, "call.claimed", facts, to=str(agent_id or ""))
    return row


def cancel(actor: Actor, callback_id: UUID, *, by: str = "") -> Callback:
    """Call it off. Raises NotFound, Forbidden, CannotCall: ended."""
    row, conversation = held(actor, callback_id)
    row.state, row.ended_at = Stand.CANCELLED, now()
    row.save(update_fields=["state", "ended_at"])
    _record(actor, conversation, row, "call.cancelled", {}, by=by)
    return row


def record(
    actor: Actor, callback_id: UUID, outcome: Outcome, *, notes: str = "", minutes: int = 0
) -> Callback:
    """What became of a call that the agent made with a telephone of their own.

    Who was not reached is rung up again when it suits both sides, up to `most` times. Raises NotFound, Forbidden,
    CannotCall: ended, too_long.
    """
    row, conversation = held(actor, callback_id)
    notes, at = _checked(notes), now()
    seconds = 60 * min(max(minutes, 0), DAY) if outcome == Outcome.REACHED else 0
    call = Call.objects.create(
        workspace_id=actor.workspace_id,
        customer_id=row.customer_id,
        conversation=conversation,
        callback=row,
        agent_id=actor.agent_id,
        way="out",
        number=row.number,
        state=State.ENDED,
        started_at=at - timedelta(seconds=seconds),
        answered_at=at - timedelta(seconds=seconds) if outcome == Outcome.REACHED else None,
        ended_at=at,
        seconds=seconds,
        outcome=outcome,
        notes=notes,
        told=["ended"],
    )
    after_call(actor, conversation, row, call)
    return row


def after_call(actor: Actor, conversation: Conversation, row: Callback, call: Call) -> None:
    """Settle a call-back, which is held, by a call that has ended: done, again later, or given up."""
    outcome = Outcome(call.outcome)
    row.outcome = outcome
    if row.assignee_id is None and call.agent_id:
        row.assignee_id = call.agent_id
    attempt, later = row.tries + 1, None
    if row.state == Stand.WAITING and outcome in AGAIN:
        row.tries = attempt
        hours = hours_of(actor, conversation)
        if attempt < row.most:
            later = slots.again(hours, now(), ZoneInfo(row.zone), attempt)
        if later:
            row.due_at, row.until = later.start, later.end
        else:
            row.state, row.ended_at = Stand.GIVEN_UP, now()
    elif row.state == Stand.WAITING:
        row.state, row.ended_at = Stand.DONE, now()
    row.save()
    facts: dict[str, int | str] = {
        "inbound": 0,
        "attempt": attempt,
        "outcome": str(outcome),
        "seconds": call.seconds,
        "next": int(later.start.timestamp()) if later else 0,
        "consent": call.consent,
    }
    detail = {"notes": call.notes[:500]} if call.notes else {}
    _record(actor, conversation, row, "call.ended", facts, about_id=call.id, agent_id=call.agent_id, **detail)
    if row.state == Stand.GIVEN_UP and outcome in AGAIN:
        _record(actor, conversation, row, "call.given_up", {"tries": row.tries})


def hours_of(actor: Actor, conversation: Conversation) -> Hours:
    """The hours in which somebody of us is there for a conversation."""
    return calendars.hours_for(raw(), actor.workspace_id, conversation.inbox_id, conversation.team_id)


def offered(actor: Actor, conversation: Conversation, number: str, count: int = 6) -> list[Slot]:
    """The next times at which a customer can be rung up on that number."""
    zone = zone_for(actor, conversation, number)
    return slots.slots(hours_of(actor, conversation), now(), zone, count)


def zone_for(actor: Actor, conversation: Conversation, number: str) -> ZoneInfo:
    """The time zone the customer lives by: their own, else their number's, else ours."""
    kept = conversation.customer.root.timezone
    if kept in calendars.zones():
        return ZoneInfo(kept)
    return slots.zone_of(number) or hours_of(actor, conversation).zone


def language_for(conversation: Conversation) -> str:
    """The language the customer is spoken to in."""
    root = conversation.customer.root
    inbox: str = Inbox.objects.values_list("language", flat=True).get(id=conversation.inbox_id)
    found = next(filter(None, (conversation.language, root.language, inbox)))
    return found if found in dict(LANGUAGES) else "en"


_NUMBERS: LiteralString = """
SELECT i.channel, i.address FROM customers_identity i
JOIN customers_customer c ON c.workspace_id = i.workspace_id AND c.id = i.customer_id
WHERE i.workspace_id = %s AND c.root_id = %s AND i.channel = ANY(%s) ORDER BY i.created_at DESC LIMIT 50
"""
TEXT = "sms"
"""The medium of short messages, whichever way they go."""


def numbers(workspace_id: UUID, root_id: UUID) -> list[str]:
    """The telephone numbers (E.164) by which a customer is known, the latest first: of calls, of short messages, and of
    WhatsApp, which writes them without the plus and has ids that are none."""
    known = ["voice", *of_medium(TEXT), "whatsapp"]
    rows = raw().execute(_NUMBERS, [workspace_id, root_id, known]).fetchall()
    found = (_as_number(channel, address) for channel, address in rows)
    return [number for number in dict.fromkeys(found) if number]


def _as_number(channel: str, address: str) -> str:
    if channel == "whatsapp":
        return e164(f"+{address}") if address.isascii() and address.isdigit() else ""
    return e164(address)


def number_of(conversation: Conversation) -> str:
    """The number to ring the customer of a conversation up on; '' for none."""
    found = numbers(conversation.workspace_id, conversation.customer.root_id)
    return found[0] if found else ""


def learn(workspace_id: UUID, customer_id: UUID, number: str, at: datetime) -> None:
    """Keep a number that is nobody's yet as an identity of this customer."""
    Identity.objects.bulk_create(
        [
            Identity(
                workspace_id=workspace_id,
                customer_id=customer_id,
                channel="voice",
                address=number,
                display=number,
                created_at=at,
            )
        ],
        ignore_conflicts=True,
    )


def held(actor: Actor, callback_id: UUID) -> tuple[Callback, Conversation]:
    """One that waits, and its conversation, held. Raises NotFound, Forbidden, CannotCall."""
    actor.require_write()
    found = Callback.objects.filter(id=callback_id, conversation__inbox_id__in=actor.inboxes).first()
    if found is None:
        raise NotFound
    conversation = conversations.lock(actor, found.conversation_id)
    row = Callback.objects.select_for_update().get(id=callback_id)
    if row.state != Stand.WAITING:
        raise CannotCall("ended")
    return row, conversation


def checked_number(text: str) -> str:
    """A number as people type it, as E.164. Raises CannotCall."""
    if not text.strip():
        raise CannotCall("no_number")
    number = e164(text)
    if not number:
        raise CannotCall("bad_number")
    return number


def _slot(actor: Actor, conversation: Conversation, number: str, start: datetime) -> Slot:
    if start <= now() - timedelta(minutes=1):
        raise CannotCall("past")
    zone = zone_for(actor, conversation, number)
    slot = slots.slot_at(hours_of(actor, conversation), start, zone)
    if slot is None:
        raise CannotCall("closed")
    return slot


def _checked(text: str) -> str:
    text = text.replace("\r\n", "\n").replace("\x00", "").strip()
    if len(text) > LONGEST:
        raise CannotCall("too_long")
    return text


def _record(
    actor: Actor,
    conversation: Conversation,
    row: Callback,
    kind: str,
    facts: dict[str, Any],
    *,
    by: str = "",
    about_id: UUID | None = None,
    agent_id: UUID | None = None,
    **detail: str,
) -> None:
    who = {"agent": str(agent_id)} if agent_id else conversations.who(actor)
    by = by or ("agent" if agent_id else actor.kind)
    conversations.record(
        actor, conversation, kind, facts | {"by": by}, channel="voice", about_id=about_id or row.id,
        detail={**who, "number": row.number, **detail},
    )  # fmt: skip


def mark(calls: Sequence[Call], kind: str) -> list[Call]:
    """Those of these calls that have not told of this yet; they have now."""
    fresh = [call for call in calls if kind not in call.told]
    for call in fresh:
        call.told = [*call.told, kind]
    return fresh
