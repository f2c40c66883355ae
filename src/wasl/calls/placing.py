"""Calls out through a provider, and what the worker has to do for a call by the clock.

The provider is asked between two short transactions, never inside one. A call is placed once: whether the provider took
it is never tried out, because somebody's telephone would ring twice.
"""

import logging
from datetime import timedelta
from uuid import UUID

from wasl.calls import actions, offers, taking, telephones
from wasl.calls.actions import CannotCall
from wasl.calls.models import Call, Offer, Outcome, State, Telephone
from wasl.channels.base import Failure, InDoubt
from wasl.channels.chat_inboxes import settings_of
from wasl.channels.models import Inbox
from wasl.channels.port import Settings
from wasl.channels.registry import of_medium
from wasl.channels.voice import line
from wasl.conversations.models import Conversation
from wasl.customers.models import Identity
from wasl.desk import takeover
from wasl.desk.takeover import TakenOver
from wasl.kit.clock import now
from wasl.kit.db import tenant

log = logging.getLogger(__name__)

DOUBT = timedelta(minutes=2)
"""How long a word of the provider is waited for after a call that may have been placed."""
ASKED = (60, 300, 1800, 7200, 86400)
"""Seconds to wait between asking what a call cost; after that it is left."""


def work(workspace_id: UUID, call_id: UUID) -> None:
    """Do what is due for a call. Not inside a transaction."""
    with tenant(workspace_id):
        call = Call.objects.select_for_update().filter(id=call_id, due_at__lte=now()).first()
        if call is None:
            return
        if call.state == State.WANTED:
            wanted = _begin(call)
        else:
            wanted = None
            _by_the_clock(workspace_id, call)
    if wanted:
        _place(workspace_id, call_id, *wanted)
    elif call.state == State.ENDED and call.due_at is not None:
        _ask_price(workspace_id, call)


def _begin(call: Call) -> tuple[Settings, str] | None:
    """Hold the call for placing; what is needed for that."""
    inbox = Inbox.objects.filter(id=call.inbox_id, is_active=True).first() if call.inbox_id else None
    address = (
        Telephone.objects.filter(id=call.agent_id).values_list("address", flat=True).first()
        if call.agent_id
        else ""
    )
    if inbox is None or not address:
        _failed(call.workspace_id, call)
        return None
    call.state, call.due_at = State.PLACING, now() + DOUBT
    call.save(update_fields=["state", "due_at"])
    return settings_of(inbox), address


def _place(workspace_id: UUID, call_id: UUID, inbox: Settings, address: str) -> None:
    ref, failed = "", False
    try:
        ref = line.place(inbox, address, str(call_id))
    except InDoubt:
        log.warning("whether call %s was placed is not known; its events will tell", call_id)
    except Failure as error:
        log.warning("call %s could not be placed: %s", call_id, error)
        failed = True
    with tenant(workspace_id):
        call = Call.objects.select_for_update().get(id=call_id)
        if failed:
            _failed(workspace_id, call)
        elif ref and not call.ref:
            call.ref = ref
            if call.state == State.PLACING:
                call.state, call.due_at = State.UNDER_WAY, now() + taking.LONGEST
            call.save(update_fields=["ref", "state", "due_at"])


def _failed(workspace_id: UUID, call: Call) -> None:
    if call.state == State.ENDED:
        return
    call.state, call.ended_at, call.due_at = State.ENDED, now(), None
    call.outcome, call.why = Outcome.FAILED, "provider"
    taking.finish(workspace_id, call)
    call.save()


def _by_the_clock(workspace_id: UUID, call: Call) -> None:
    """Nobody told us the end; or it was missed, and they are to be written to."""
    if call.state == State.PLACING:
        _failed(workspace_id, call)
    elif call.state == State.UNDER_WAY:
        taking.settle(workspace_id, call, over=True)
    if call.state == State.ENDED and "missed" in call.told and "offered" not in call.told:
        _offer(workspace_id, call)
    if call.state == State.ENDED and call.due_at is not None:
        _next_price(call)
    call.save()


def _next_price(call: Call) -> None:
    assert call.ended_at
    first = call.ended_at + taking.PRICED
    if call.price is not None or not call.ref or call.asked >= len(ASKED):
        call.due_at = None
    elif now() < first:
        call.due_at = first
    else:
        call.due_at = now() + timedelta(seconds=ASKED[call.asked])
        call.asked += 1


def _offer(workspace_id: UUID, call: Call) -> None:
    """Write times for a call-back to somebody whose call was missed, once we know where they can be written to."""
    if call.conversation_id is None or not call.number:
        return
    call.told = [*call.told, "offered"]
    inbox = Inbox.objects.get(id=call.inbox_id) if call.inbox_id else None
    if inbox is None or inbox.config.get("offers") == "no":
        return
    if Offer.objects.filter(
        conversation_id=call.conversation_id, made_at__gt=now() - timedelta(hours=1)
    ).exists():
        return  # they rang up again and again
    actor = actions.system(workspace_id)
    conversation = Conversation.objects.select_related("customer").get(id=call.conversation_id)
    try:
        takeover.admit(actor, conversation.id)
    except TakenOver:
        return  # an agent has them, and says what is to be said
    if not offers.way(actor, conversation)[0]:
        _know_by_text(workspace_id, call)
    try:
        offers.offer(actor, call.conversation_id, call.number, missed=True)
    except CannotCall as error:
        log.info("no times were offered for call %s: %s", call.id, error.reason)


def _know_by_text(workspace_id: UUID, call: Call) -> None:
    """Who rings from a mobile telephone can be sent a short message there, where we have a number that sends them."""
    sending = Inbox.objects.filter(channel__in=of_medium(actions.TEXT), is_active=True).order_by(
        "created_at", "id"
    )
    inbox = sending.first() if telephones.is_mobile(call.number) else None
    if inbox is None:
        return
    made = Identity(
        workspace_id=workspace_id, customer_id=call.customer_id, channel=inbox.channel, address=call.number,
        display=call.number, created_at=now(),
    )  # fmt: skip
    Identity.objects.bulk_create([made], ignore_conflicts=True)


def _ask_price(workspace_id: UUID, call: Call) -> None:
    if not call.asked or not call.ref:
        return
    with tenant(workspace_id):
        inbox = settings_of(Inbox.objects.get(id=call.inbox_id or UUID(int=0)))
    try:
        cost = line.cost(inbox, call.ref)
    except Failure as error:
        log.info("what call %s cost is not known: %s", call.id, error)
        return
    with tenant(workspace_id):
        held = Call.objects.select_for_update().get(id=call.id)
        if cost is not None and held.price is None:
            taking.priced(workspace_id, held, cost.millionths, cost.currency)
            held.save(update_fields=["price", "currency", "due_at"])
