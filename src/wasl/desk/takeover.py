"""An agent takes a conversation over from programs, which then send nothing in it until it is handed back.

Whoever writes by itself (a program with a token, an acknowledgement, the offer after a missed call, a bot) asks `admit`
first, in the transaction that writes. Holding the conversation there puts the two in an order: either the program's
message was before the agent's word, or it is refused. Inside `tenant(…)`.
"""

from collections.abc import Sequence
from typing import LiteralString
from uuid import UUID

from wasl.accounts.actor import Actor, Forbidden
from wasl.conversations import actions as conversations
from wasl.conversations import states
from wasl.desk.models import Takeover
from wasl.kit.clock import now
from wasl.kit.db import Connection


class TakenOver(Exception):
    """An agent has this conversation; programs send nothing in it. `name` is the agent's."""

    def __init__(self, name: str) -> None:
        super().__init__(name)
        self.name = name


def take(actor: Actor, conversation_id: UUID) -> None:
    """Let no program write in it from now on, and take it on where nobody has it. Raises NotFound, Forbidden."""
    if actor.agent_id is None:
        raise Forbidden("read_only")
    conversation = conversations.lock(actor, conversation_id)
    _, made = Takeover.objects.get_or_create(
        id=conversation.id,
        defaults={"workspace_id": actor.workspace_id, "agent_id": actor.agent_id, "at": now()},
    )
    if made:
        conversations.record(
            actor,
            conversation,
            "conversation.taken_over",
            {"by": actor.kind},
            detail=conversations.who(actor),
        )
    if conversation.assignee_id is None:
        states.one(actor, conversation.id, {"assignee": str(actor.agent_id)})


def hand_back(actor: Actor, conversation_id: UUID) -> None:
    """Let programs write in it again. Raises NotFound, Forbidden."""
    conversation = conversations.lock(actor, conversation_id)
    if Takeover.objects.filter(id=conversation.id).delete()[0]:
        conversations.record(
            actor,
            conversation,
            "conversation.handed_back",
            {"by": actor.kind},
            detail=conversations.who(actor),
        )


def admit(actor: Actor, conversation_id: UUID) -> None:
    """Let a program write in a conversation, which is held from here on; an agent always may.

    Raises NotFound, Forbidden, TakenOver.
    """
    if actor.agent_id is not None:
        return
    conversation = conversations.lock(actor, conversation_id)
    held = Takeover.objects.filter(id=conversation.id).select_related("agent").first()
    if held is not None:
        raise TakenOver(held.agent.name)


_SETTLED: LiteralString = "DELETE FROM desk_takeover WHERE workspace_id = %s AND id = ANY(%s::uuid[])"


def settled(conn: Connection, workspace_id: UUID, conversation_ids: Sequence[UUID]) -> None:
    """These were resolved: what comes next is another matter, with which programs may begin."""
    if conversation_ids:
        conn.execute(_SETTLED, [workspace_id, list(conversation_ids)])
