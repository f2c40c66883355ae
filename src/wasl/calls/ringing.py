"""Calls through a provider: an agent asks to be connected, the worker places the call. Inside `tenant(…)`."""

from uuid import UUID

from wasl.accounts.actor import Actor
from wasl.calls import actions, telephones
from wasl.calls.actions import CannotCall
from wasl.calls.models import Call, State
from wasl.conversations import actions as conversations
from wasl.kit.clock import now
from wasl.kit.db import raw
from wasl.kit.signal import wake


def ring(actor: Actor, callback_id: UUID) -> Call:
    """Have the agent's telephone rung, and the customer's when they answer.

    Raises NotFound, Forbidden, CannotCall: ended, no_line, no_telephone, under_way.
    """
    row, conversation = actions.held(actor, callback_id)
    inbox = telephones.line(actor)
    if inbox is None:
        raise CannotCall("no_line")
    if not telephones.address_of(actor):
        raise CannotCall("no_telephone")
    if Call.objects.filter(callback=row).exclude(state=State.ENDED).exists():
        raise CannotCall("under_way")
    at = now()
    call = Call.objects.create(
        workspace_id=actor.workspace_id,
        customer_id=row.customer_id,
        conversation=conversation,
        callback=row,
        inbox=inbox,
        agent_id=actor.agent_id,
        way="out",
        number=row.number,
        state=State.WANTED,
        started_at=at,
        due_at=at,
        told=["started"],
    )
    if row.assignee_id is None:
        row.assignee_id = actor.agent_id
        row.save(update_fields=["assignee_id"])
    facts = {"inbound": 0, "attempt": row.tries + 1, "by": actor.kind}
    conversations.record(
        actor, conversation, "call.started", facts, at=at, channel="voice", about_id=call.id,
        detail=conversations.who(actor),
    )  # fmt: skip
    wake(raw(), "calls")
    return call
