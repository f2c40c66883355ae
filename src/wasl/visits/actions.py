"""What happens at a branch: somebody comes, is called, is served or goes."""

import hashlib
from dataclasses import dataclass
from datetime import date, datetime
from typing import LiteralString
from uuid import UUID

from django.db.models import Q

from wasl.accounts import calendars
from wasl.accounts.actor import Actor, NotFound
from wasl.channels.models import Inbox
from wasl.channels.visit.parse import CHANNEL, content
from wasl.conversations.models import Message
from wasl.customers.models import Customer
from wasl.intake.store import Raw, store_in
from wasl.kit.clock import now
from wasl.kit.db import raw
from wasl.kit.ids import uuid7
from wasl.kit.signal import Signal, send, wake
from wasl.timeline.actions import Touch, append
from wasl.visits import matters, people, purposes
from wasl.visits.models import Branch, Outcome, Purpose, State, Visit
from wasl.visits.people import Came, Unknown

NOTE = 4000
COUNTER = 20


class CannotVisit(Exception):
    """Why not: closed, purpose, nobody, address, bad_code, old_code; of a visit that somebody else changed: changed."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


@dataclass(frozen=True, slots=True, kw_only=True)
class Arrival:
    """Somebody at the door. `said` is a code or an address, `customer_id` who an agent says it is; `key` the form's."""

    key: UUID
    purpose: str
    said: str = ""
    name: str = ""
    language: str = ""
    customer_id: UUID | None = None


_NUMBER: LiteralString = """
INSERT INTO visits_day (workspace_id, id, branch_id, day, last) VALUES (%s, %s, %s, %s, 1)
ON CONFLICT (workspace_id, branch_id, day) DO UPDATE SET last = visits_day.last + 1 RETURNING last
"""


def check_in(workspace_id: UUID, branch_id: UUID, arrival: Arrival, actor: Actor | None = None) -> Visit:
    """Give somebody a number, inside `tenant(…)`; the visit is there, and its message on its way, when that commits.

    The branch is held meanwhile: numbers of a day follow one another, and a form sent twice is one visit. Raises
    NotFound, Forbidden, CannotVisit.
    """
    if actor is not None:
        actor.require_write()
        _seen(actor, branch_id)
    branch = Branch.objects.select_for_update(no_key=True).filter(id=branch_id).first()
    inbox = Inbox.objects.filter(id=branch_id, channel=CHANNEL).first()
    if branch is None or inbox is None:
        raise NotFound
    if earlier := Visit.objects.filter(branch=branch, key=arrival.key).first():
        return earlier
    if not inbox.is_active:
        raise CannotVisit("closed")
    if arrival.purpose not in (branch.purposes or Purpose.values):
        raise CannotVisit("purpose")
    try:
        came = _who(workspace_id, branch, arrival)
    except Unknown as error:
        raise CannotVisit(error.reason) from error
    return _arrive(workspace_id, branch, inbox, arrival, came, actor)


def _who(workspace_id: UUID, branch: Branch, arrival: Arrival) -> Came:
    if arrival.customer_id is not None:
        return people.known(raw(), workspace_id, arrival.customer_id)
    return people.who(
        raw(), workspace_id, arrival.said, arrival.name, country=branch.country, language=arrival.language
    )


def _arrive(
    workspace_id: UUID, branch: Branch, inbox: Inbox, arrival: Arrival, came: Came, actor: Actor | None
) -> Visit:
    conn, at = raw(), now()
    day = at.astimezone(calendars.hours_for(conn, workspace_id, inbox.id).zone).date()
    number = (conn.execute(_NUMBER, [workspace_id, uuid7(), branch.id, day]).fetchone() or (1,))[0]
    language = arrival.language or inbox.language
    said = {"branch": inbox.name, "number": number, "purpose": arrival.purpose, "via": str(came.via)}
    if came.said:
        said["said"] = came.said
    matter = matters.of(conn, workspace_id, branch.id, came, at)
    quoted = matter.reference if matter else ""
    body = content(
        came.card, came.name, purposes.named(arrival.purpose, language), language, at, said, quoted
    )
    payload = Raw(inbox.id, CHANNEL, body, hashlib.sha256(arrival.key.bytes).digest(), received_at=at)
    visit = Visit(
        workspace_id=workspace_id, branch=branch, customer_id=came.customer_id, message_id=payload.id,
        key=arrival.key, day=day, number=number, purpose=arrival.purpose, via=came.via, language=language, came_at=at,
    )  # fmt: skip
    visit.save(force_insert=True)
    store_in(conn, workspace_id, [payload])
    wake(conn, "intake")
    facts: dict[str, int | str] = {
        "number": number, "purpose": visit.purpose, "via": str(visit.via),
        "by": actor.kind if actor else "customer",
    }  # fmt: skip
    about = matter.conversation_id if matter else None
    _tell(visit, "visit.checked_in", at, facts, inbox.name, actor, came.root_id, about)
    return visit


def call(actor: Actor, branch_id: UUID, counter: str) -> Visit | None:
    """Call whoever waits longest to a counter; None when nobody waits. Raises NotFound, Forbidden."""
    actor.require_write()
    _seen(actor, branch_id)
    today = day_of(actor.workspace_id, branch_id)
    waiting = Visit.objects.select_for_update(skip_locked=True).filter(
        branch_id=branch_id, day=today, state=State.WAITING
    )
    visit = waiting.order_by("number").first()
    if visit is not None:
        _called(actor, visit, counter)
    return visit


def call_this(actor: Actor, visit_id: UUID, counter: str) -> Visit:
    """Call somebody out of turn. Raises NotFound, Forbidden, CannotVisit."""
    visit = _locked(actor, visit_id, State.WAITING)
    _called(actor, visit, counter)
    return visit


def _called(actor: Actor, visit: Visit, counter: str) -> None:
    visit.state, visit.called_at, visit.agent_id = State.CALLED, now(), actor.agent_id
    visit.counter = " ".join(counter.split())[:COUNTER]
    visit.save(update_fields=["state", "called_at", "agent_id", "counter"])
    _tell(visit, "visit.called", visit.called_at, _facts(actor, visit), _name(visit), actor)


def put_back(actor: Actor, visit_id: UUID) -> Visit:
    """Let somebody who was called wait again, in their old place. Raises NotFound, Forbidden, CannotVisit."""
    visit = _locked(actor, visit_id, State.CALLED)
    visit.state, visit.called_at, visit.agent_id, visit.counter = State.WAITING, None, None, ""
    visit.save(update_fields=["state", "called_at", "agent_id", "counter"])
    _tell(visit, "visit.requeued", now(), {"number": visit.number, "by": actor.kind}, _name(visit), actor)
    return visit


def serve(actor: Actor, visit_id: UUID, outcome: str, note: str = "") -> Visit:
    """Say what came of it. Raises NotFound, Forbidden, CannotVisit, and ValueError for an outcome there is not."""
    visit = _locked(actor, visit_id, State.CALLED)
    visit.state, visit.ended_at = State.SERVED, now()
    visit.outcome, visit.note = Outcome(outcome), note.strip()[:NOTE]
    visit.save(update_fields=["state", "ended_at", "outcome", "note"])
    took = int((visit.ended_at - (visit.called_at or visit.ended_at)).total_seconds())
    facts = _facts(actor, visit) | {"took": took, "outcome": visit.outcome}
    _tell(visit, "visit.served", visit.ended_at, facts, _name(visit), actor)
    return visit


def left(actor: Actor, visit_id: UUID) -> Visit:
    """They went, or did not come when called. Raises NotFound, Forbidden, CannotVisit."""
    visit = _locked(actor, visit_id, State.WAITING, State.CALLED)
    visit.state, visit.ended_at = State.LEFT, now()
    visit.save(update_fields=["state", "ended_at"])
    _tell(visit, "visit.left", visit.ended_at, _facts(actor, visit), _name(visit), actor)
    return visit


def day_of(workspace_id: UUID, branch_id: UUID, at: datetime | None = None) -> date:
    """Which day it is at a branch."""
    return (at or now()).astimezone(calendars.hours_for(raw(), workspace_id, branch_id).zone).date()


def _locked(actor: Actor, visit_id: UUID, *states: State) -> Visit:
    actor.require_write()
    visit = (
        Visit.objects.select_for_update(of=("self",))
        .filter(Q(branch_id__in=actor.inboxes), id=visit_id)
        .first()
    )
    if visit is None:
        raise NotFound
    if visit.state not in states:
        raise CannotVisit("changed")
    return visit


def _seen(actor: Actor, branch_id: UUID) -> None:
    if branch_id not in actor.inboxes:
        raise NotFound


def _name(visit: Visit) -> str:
    return str(Inbox.objects.values_list("name", flat=True).get(id=visit.branch_id))


def _facts(actor: Actor, visit: Visit) -> dict[str, int | str]:
    until = visit.called_at or visit.ended_at or visit.came_at
    wait = int((until - visit.came_at).total_seconds())
    return {"number": visit.number, "wait": wait, "by": actor.kind}


def _tell(
    visit: Visit,
    kind: str,
    at: datetime,
    facts: dict[str, int | str],
    branch: str,
    actor: Actor | None,
    root_id: UUID | None = None,
    about: UUID | None = None,
) -> None:
    """One touchpoint, and the pages that show the branch or the customer; in the conversation that the visit's message
    is part of, or will be (`about`)."""
    detail = {"branch": branch, "counter": visit.counter, "note": visit.note}
    if actor is not None and actor.agent_id:
        detail["agent"] = str(actor.agent_id)
    conversation = about or (
        Message.objects.filter(id=visit.message_id).values_list("conversation_id", flat=True).first()
    )
    touch = Touch(
        visit.customer_id, kind, at, channel=CHANNEL, conversation_id=conversation, about_id=visit.id, facts=facts,
        detail={name: value for name, value in detail.items() if value},
    )  # fmt: skip
    append(raw(), visit.workspace_id, [touch])
    root = root_id or Customer.objects.values_list("root_id", flat=True).get(id=visit.customer_id)
    conversations = (conversation,) if conversation else ()
    send(raw(), [Signal("customer", visit.workspace_id, visit.branch_id, conversations, (root,))])
