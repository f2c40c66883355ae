"""What a provider said of calls becomes calls, touchpoints and messages: the worker's side. Inside `tenant(…)`."""

from datetime import datetime, timedelta
from typing import LiteralString
from uuid import UUID

from django.db.models import Q

from wasl.accounts.calendars import hours_for
from wasl.accounts.models import Agent
from wasl.calls import actions
from wasl.calls.course import Course, Event, course
from wasl.calls.models import Call, Callback, CallEvent, Outcome, State, Telephone
from wasl.channels.registry import of_medium
from wasl.channels.voice import parse as voice
from wasl.conversations import actions as conversations
from wasl.conversations.models import Conversation, Status
from wasl.customers.models import Identity
from wasl.customers.resolve import Sender, lock_customers, lock_identities, resolve
from wasl.intake.store import Raw, store_in
from wasl.kit.clock import now
from wasl.kit.db import raw
from wasl.kit.phones import e164
from wasl.kit.signal import Signal, send, wake
from wasl.timeline.actions import Touch, append

PATIENCE = timedelta(seconds=90)
"""How long we wait after the end of a call for what is still to be said of it: a message they left, who took it."""
LONGEST = timedelta(hours=4)
"""After so long without a word a call has ended, and nobody told us."""
PRICED = timedelta(minutes=1)
"""The provider reckons what a call cost some time after it has ended."""
MINE = timedelta(days=30)
"""A call belongs to a conversation in which something was said since."""

_LOCK: LiteralString = "SELECT pg_advisory_xact_lock(hashtextextended(%s::text || %s, 7))"


def take(workspace_id: UUID, event_id: UUID) -> None:
    """Read an event, with all others of its call."""
    event = CallEvent.objects.filter(id=event_id, read_at=None).first()
    if event is None:
        return
    raw().execute(_LOCK, [str(event.inbox_id), event.ref])
    call = _call_of(workspace_id, event)
    if call is None:
        CallEvent.objects.filter(id=event_id).update(read_at=now())
        return
    same = CallEvent.objects.filter(inbox_id=event.inbox_id, ref=event.ref)
    same.filter(Q(read_at=None) | Q(call=None)).update(read_at=now(), call_id=call.id)
    settle(workspace_id, call)


def settle(workspace_id: UUID, call: Call, *, over: bool = False) -> None:
    """Bring a call, which is held, into line with all that was said of it. `over`: nothing more will be said."""
    rows = CallEvent.objects.filter(call=call)
    events = [Event(row.step, row.at, row.params) for row in rows]
    if not events:
        return
    found = course(events, inbound=call.way == "in")
    call.started_at = min(call.started_at, found.started_at)
    call.answered_at, call.seconds, call.why = found.answered_at, found.seconds, found.why
    call.consent, call.recording, call.recorded = found.consent, found.recording, found.recorded
    before = call.agent_id, call.ended_at
    if found.agent:
        call.agent_id = _agent(found.agent)
    ended_at = found.ended_at or (now() if over else None)
    if call.way == "in":
        _inbound(workspace_id, call, found, ended_at, over)
    else:
        _outbound(workspace_id, call, found, ended_at)
    call.save()
    if call.way == "in" and (call.agent_id, call.ended_at) != before:
        _ring(workspace_id)


def _call_of(workspace_id: UUID, event: CallEvent) -> Call | None:
    """The call of an event, held; made at the first word of one that comes in. None: no call of ours."""
    if wanted := event.params.get("call"):
        return _placed(wanted, event.ref)
    held = Call.objects.select_for_update().filter(inbox_id=event.inbox_id, ref=event.ref).first()
    if held or event.params.get("Direction", "inbound") != "inbound":
        return held
    said = CallEvent.objects.filter(inbox_id=event.inbox_id, ref=event.ref).order_by("at")
    number = next((row.params["From"] for row in said if _is_first_leg(row) and row.params.get("From")), None)
    if number is None:
        return None  # only a leg of it is known so far; the call's own first word makes the call
    return _begin(workspace_id, event, number)


def _is_first_leg(row: CallEvent) -> bool:
    return bool(row.params.get("CallSid", "") == row.ref)


def _placed(wanted: str, ref: str) -> Call | None:
    try:
        call = Call.objects.select_for_update().filter(id=UUID(wanted), way="out").first()
    except ValueError:
        return None
    if call and not call.ref:
        call.ref = ref
    if call and call.state in (State.WANTED, State.PLACING):
        call.state, call.due_at = State.UNDER_WAY, now() + LONGEST
    return call


def _begin(workspace_id: UUID, event: CallEvent, number: str) -> Call:
    customer_id, root_id = who_calls(workspace_id, number, event.ref, event.at)
    conversation = _open_conversation(root_id)
    call = Call(
        workspace_id=workspace_id,
        customer_id=customer_id,
        conversation=conversation,
        inbox_id=event.inbox_id,
        way="in",
        number=e164(number),
        ref=event.ref,
        started_at=event.at,
        due_at=now() + LONGEST,
    )
    call.told = ["started"]
    call.save(force_insert=True)
    _tell(workspace_id, call, "call.started", {"inbound": 1, "by": "customer"}, at=event.at)
    _ring(workspace_id)
    return call


def _ring(workspace_id: UUID) -> None:
    """The pages of those whose telephones ring look who is calling."""
    ringing = list(Telephone.objects.filter(on_duty=True).values_list("id", flat=True)[:50])
    send(raw(), [Signal("call", workspace_id, agent=agent) for agent in ringing])


def who_calls(workspace_id: UUID, number: str, ref: str, at: datetime) -> tuple[UUID, UUID]:
    """The customer behind a number, and who they are one with. Known from another channel it becomes theirs here as
    well, unless several people share it. Who hides their number is somebody new."""
    conn, known = raw(), e164(number)
    key = known or f"anonymous:{ref}"
    if known:
        lock_identities(conn, workspace_id, [("voice", known)])
        if not Identity.objects.filter(channel="voice", address=known).exists():
            same = Identity.objects.filter(channel__in=of_medium(actions.TEXT), address=known)
            same |= Identity.objects.filter(channel="whatsapp", address=known[1:])
            owners = {row.customer.root_id: row.customer_id for row in same.select_related("customer")[:10]}
            if len(owners) == 1:
                actions.learn(workspace_id, next(iter(owners.values())), known, at)
    [found] = resolve(conn, workspace_id, [Sender("voice", key, known or "", "", "", at)])
    lock_customers(conn, workspace_id, [found.root_id])
    return found.customer_id, found.root_id


def _open_conversation(root_id: UUID) -> Conversation | None:
    found = Conversation.objects.filter(customer__root_id=root_id, merged_into=None, last_at__gt=now() - MINE)
    return found.exclude(status=Status.RESOLVED).order_by("-last_at", "-id").first()


def _agent(text: str) -> UUID | None:
    try:
        return Agent.objects.filter(id=UUID(text)).values_list("id", flat=True).first()
    except ValueError:
        return None


def _inbound(workspace_id: UUID, call: Call, found: Course, ended_at: datetime | None, over: bool) -> None:
    if ended_at is None:
        return
    waits = not found.whole and not over and now() < ended_at + PATIENCE
    if waits:
        call.ended_at, call.due_at = ended_at, ended_at + PATIENCE
        return
    first = call.state != State.ENDED
    call.state, call.ended_at = State.ENDED, ended_at
    call.outcome = found.outcome or Outcome.NO_ANSWER
    if first:
        call.due_at = now() + PRICED
    if call.outcome == Outcome.REACHED:
        _once(workspace_id, call, "ended", "call.ended", _facts(call))
    else:
        _once(
            workspace_id,
            call,
            "missed",
            "call.missed",
            {"reason": call.why or "left", "seconds": 0, "by": "customer"},
        )
        _message(workspace_id, call, found)
    if call.recording:
        facts: dict[str, int | str] = {
            "seconds": call.recorded,
            "voicemail": int(found.voicemail),
            "consent": call.consent,
            "by": "customer",
        }
        _once(workspace_id, call, "recorded", "call.recorded", facts)


def _message(workspace_id: UUID, call: Call, found: Course) -> None:
    """The missed call stands in the telephone inbox as what a customer sent; and so does what they said."""
    name = "voicemail" if found.voicemail else "missed"
    if f"message {name}" in call.told:
        return
    call.told = [*call.told, f"message {name}"]
    content = voice.payload(
        ref=call.ref,
        number=call.number or f"anonymous:{call.ref}",
        # In the business's own time, by which the file is named.
        at=call.started_at.astimezone(hours_for(raw(), workspace_id, call.inbox_id).zone),
        why=call.why,
        recording=call.recording if found.voicemail else "",
        seconds=call.recorded if found.voicemail else 0,
    )
    assert call.inbox_id
    made = Raw(call.inbox_id, "voice", content, f"{name}:{call.ref}".encode(), {}, received_at=now())
    store_in(raw(), workspace_id, [made])
    wake(raw(), "intake")


def _outbound(workspace_id: UUID, call: Call, found: Course, ended_at: datetime | None) -> None:
    if ended_at is None:
        return
    first = call.state != State.ENDED
    call.state, call.ended_at = State.ENDED, ended_at
    call.outcome, call.why = found.outcome or Outcome.FAILED, found.why
    if first:
        call.due_at = now() + PRICED
    finish(workspace_id, call)


def finish(workspace_id: UUID, call: Call) -> None:
    """A call to a customer has ended: its call-back is done, tried again or given up. One for which our own telephone
    was not picked up is no try: the customer heard nothing of it."""
    if "ended" in call.told:
        return
    call.told = [*call.told, "ended"]
    actor = actions.system(workspace_id)
    unheard = call.outcome == Outcome.FAILED and call.why in ("nobody", "provider")
    row = Callback.objects.filter(id=call.callback_id).first() if call.callback_id else None
    if row is None or unheard or call.conversation_id is None:
        _tell(workspace_id, call, "call.ended", _facts(call), at=call.ended_at)
        return
    conversation = conversations.lock(actor, call.conversation_id)
    actions.after_call(actor, conversation, Callback.objects.select_for_update().get(id=row.id), call)


def _facts(call: Call) -> dict[str, int | str]:
    return {
        "inbound": int(call.way == "in"),
        "attempt": 1,
        "outcome": call.outcome,
        "seconds": call.seconds,
        "consent": call.consent,
        "by": "agent" if call.agent_id else "system",
    }


def _once(workspace_id: UUID, call: Call, name: str, kind: str, facts: dict[str, int | str]) -> None:
    if name not in call.told:
        call.told = [*call.told, name]
        _tell(workspace_id, call, kind, facts, at=call.ended_at)


def _tell(
    workspace_id: UUID, call: Call, kind: str, facts: dict[str, int | str], at: datetime | None, **detail: str
) -> None:
    said = {"number": call.number, **detail} | ({"agent": str(call.agent_id)} if call.agent_id else {})
    touch = Touch(
        call.customer_id, kind, at or now(), "voice", call.conversation_id, call.id, facts, said
    )  # fmt: skip
    append(raw(), workspace_id, [touch])
    if call.conversation_id:
        inbox = Conversation.objects.values_list("inbox_id", flat=True).get(id=call.conversation_id)
        conversation, customer = (call.conversation_id,), (call.customer_id,)
        send(raw(), [Signal("conversation", workspace_id, inbox, conversation, customer)])


def priced(workspace_id: UUID, call: Call, millionths: int, currency: str) -> None:
    """What a call cost is known."""
    call.price, call.currency, call.due_at = millionths, currency, None
    facts: dict[str, int | str] = {"millionths": millionths, "by": "system"}
    _tell(workspace_id, call, "call.priced", facts, at=now(), currency=currency)
