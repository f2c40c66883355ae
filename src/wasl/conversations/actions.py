"""What agents do with conversations. Every verb: lock, change, append to the timeline, signal open pages."""

from collections.abc import Sequence
from typing import Any
from uuid import UUID

from wasl.accounts.actor import Actor, NotFound
from wasl.conversations import changes, mentions, states
from wasl.conversations.models import Conversation, Message, Seen
from wasl.conversations.queries import agents, followed, found_at
from wasl.delivery import actions as delivery
from wasl.kit.clock import now
from wasl.kit.db import raw
from wasl.kit.signal import Signal, send
from wasl.timeline.actions import Touch, append


def assign(actor: Actor, conversation_id: UUID, agent_id: UUID | None) -> None:
    """Give a conversation to an agent who may see it, or to nobody. Raises NotFound, Forbidden."""
    found = followed(actor, conversation_id)
    if agent_id and agent_id not in {agent.id for agent in agents(actor, found.inbox_id)}:
        raise NotFound
    states.one(actor, found.id, {"assignee": str(agent_id) if agent_id else None})


def resolve(actor: Actor, conversation_id: UUID) -> None:
    """Close a conversation; a new message of the customer opens it again. Raises NotFound, Forbidden."""
    states.resolve(actor, conversation_id)


def reopen(actor: Actor, conversation_id: UUID) -> None:
    """Open a conversation again. Raises NotFound, Forbidden."""
    states.reopen(actor, conversation_id)


def mark_seen(actor: Actor, conversation_id: UUID) -> None:
    """Remember that this agent has read the conversation up to now. Raises NotFound."""
    if actor.agent_id is None:
        return
    found = followed(actor, conversation_id)
    mentions.mark_seen(actor, [found.id])
    Seen.objects.update_or_create(
        workspace_id=actor.workspace_id,
        agent_id=actor.agent_id,
        conversation_id=found.id,
        defaults={"at": now()},
    )


def retry_delivery(actor: Actor, message_id: UUID) -> None:
    """Try again, by hand, to send a message that did not arrive. Raises NotFound, Forbidden."""
    actor.require_write()
    message = Message.objects.filter(id=message_id, conversation__inbox_id__in=actor.inboxes).first()
    if message is None or message.delivery_id is None:
        raise NotFound
    delivery.retry(raw(), actor.workspace_id, message.delivery_id)


def lock(actor: Actor, conversation_id: UUID) -> Conversation:
    """The conversation, held for the rest of the transaction, for an actor who may change it."""
    actor.require_write()
    conversation = found_at(actor, conversation_id).select_for_update(of=("self",)).first()
    if conversation is None:
        raise NotFound
    return conversation


def record(actor: Actor, conversation: Conversation, kind: str, facts: dict[str, Any], **more: Any) -> None:
    """Put what was done on the customer's timeline, and tell open pages."""
    touch = Touch(
        customer_id=conversation.customer_id,
        kind=kind,
        occurred_at=more.pop("at", None) or now(),
        conversation_id=conversation.id,
        facts=facts,
        **more,
    )
    append(raw(), actor.workspace_id, [touch])
    tell(actor, [conversation])


def tell(actor: Actor, conversations: Sequence[Conversation]) -> None:
    """Signal open pages that these conversations changed."""
    signals = [
        Signal("conversation", actor.workspace_id, c.inbox_id, (c.id,), (c.customer_id,))
        for c in conversations
    ]
    send(raw(), signals)


def who(actor: Actor) -> dict[str, str]:
    """Who did it, for the sealed detail of a touchpoint."""
    return changes.who(actor)
