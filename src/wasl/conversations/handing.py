"""What becomes of the conversations of somebody who leaves."""

from uuid import UUID

from wasl.accounts.actor import Actor
from wasl.conversations.actions import assign
from wasl.conversations.models import Conversation, Status

AT_ONCE = 500


def give_back(actor: Actor, agent_id: UUID) -> int:
    """Unassign what an agent has and is not resolved, up to `AT_ONCE`; how many are left. Raises Forbidden."""
    actor.require_admin()
    theirs = Conversation.objects.filter(assignee_id=agent_id).exclude(status=Status.RESOLVED)
    for conversation_id in list(theirs.order_by("id").values_list("id", flat=True)[:AT_ONCE]):
        assign(actor, conversation_id, None)
    return theirs.count()
