"""Taking an answer back before it has left: nothing of it remains but two touchpoints and the draft it came from."""

from typing import Any
from uuid import UUID

from django.db.models import F, Max, Q, QuerySet

from wasl.accounts.actor import Actor, NotFound
from wasl.channels.email.auto import Quiet
from wasl.channels.models import Inbox
from wasl.conversations import actions, drafts, follow, rich
from wasl.conversations.models import Attachment, Conversation, Message, Status
from wasl.conversations.writing import preview_of
from wasl.delivery import actions as delivery
from wasl.kit.db import raw


class TooLate(Exception):
    """It has begun to leave, or was never going anywhere; it stays."""


def withdraw(actor: Actor, message_id: UUID) -> UUID:
    """Take back one's own answer; its words and files are a draft again. The conversation's id.

    Raises NotFound, also for a colleague's answer, Forbidden and TooLate.
    """
    message = _mine(actor, message_id)
    conversation = actions.lock(actor, message.conversation_id)
    message = _mine(actor, message_id)
    if message.delivery_id is None or not delivery.withdraw(raw(), actor.workspace_id, message.delivery_id):
        raise TooLate
    files = list(Attachment.objects.filter(message=message).order_by("position"))
    inbox = Inbox.objects.get(id=conversation.inbox_id)
    body = rich.unsigned(rich.Rich(message.text, message.html), str(inbox.config.get("signature") or ""))
    drafts.put_back(actor, conversation.id, body, files)
    Attachment.objects.filter(message=message).delete()
    message.delete()
    _go_back(actor, conversation, message.meta.get("before") or {})
    actions.record(
        actor, conversation, "message.withdrawn", {"by": actor.kind}, channel=message.channel,
        about_id=message_id, detail=actions.who(actor),
    )  # fmt: skip
    return conversation.id


def _mine(actor: Actor, message_id: UUID) -> Message:
    actor.require_write()
    mine = Message.objects.filter(id=message_id, way="out", author_id=actor.agent_id)
    message = mine.filter(conversation__inbox_id__in=actor.inboxes).first() if actor.agent_id else None
    if message is None:
        raise NotFound
    return message


def _came_in(said: QuerySet[Message]) -> QuerySet[Message]:
    """What customers wrote to us here: not what was brought in."""
    imported = Q(meta__quiet=Quiet.IMPORTED.value)
    return said.filter(~imported | Q(meta__quiet__isnull=True), way="in")


def _go_back(actor: Actor, conversation: Conversation, before: dict[str, Any]) -> None:
    """The conversation as its messages make it, and as it stood where the answer had changed that."""
    said = Message.objects.filter(conversation=conversation).exclude(way="note")
    if newest := said.order_by("-at", "-id").first():
        conversation.last_at, conversation.last_way = newest.at, newest.way
        conversation.preview = preview_of(newest.way, newest.text)
    conversation.last_in_at = _came_in(said).aggregate(at=Max("at"))["at"]
    if before.get("status") in (Status.PENDING, Status.RESOLVED):
        conversation.status = before["status"]
    elif conversation.status != Status.SNOOZED:
        conversation.status = Status.OPEN
    if not before.get("assignee") and conversation.assignee_id == actor.agent_id:
        conversation.assignee_id = None
    conversation.save(update_fields=["last_at", "last_way", "preview", "last_in_at", "status", "assignee_id"])
    Conversation.objects.filter(id=conversation.id).update(messages=F("messages") - 1)
    follow.mark(raw(), actor.workspace_id, [conversation.id])
