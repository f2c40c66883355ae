"""Notes: what a team says to itself beside a conversation. The customer never sees one, on no way."""

from collections.abc import Sequence
from uuid import UUID

from wasl.accounts.actor import Actor
from wasl.channels.models import Inbox
from wasl.conversations import actions, mentions, rich
from wasl.conversations.doubt import Care, Doubt
from wasl.conversations.models import Conversation, Mention, Message
from wasl.conversations.reply import CannotReply, Upload, attach, checked
from wasl.kit.clock import now
from wasl.kit.ids import uuid7


def note(
    actor: Actor,
    conversation_id: UUID,
    text: str,
    files: Sequence[Upload] = (),
    *,
    html: str = "",
    key: UUID | None = None,
    care: Care | None = None,
) -> UUID:
    """Write a note beside a conversation; its id, which is `key` where one is given: the same key is written once.

    Raises NotFound, Forbidden, CannotReply, and Doubt where `care` asks to be warned.
    """
    body = checked(text, html, files)
    conversation = actions.lock(actor, conversation_id)
    if key and (earlier := Message.objects.filter(id=key).first()):
        if (earlier.conversation_id, earlier.way) != (conversation.id, "note"):
            raise CannotReply("used_key")
        return earlier.id
    named = mentions.read(actor, conversation.inbox_id, body.text)
    _warn(named, care)
    message = _message(actor, conversation, body, key, named)
    message.save(force_insert=True)
    attachments = attach(actor, message, files)
    Mention.objects.bulk_create(
        Mention(
            workspace_id=actor.workspace_id,
            agent_id=agent,
            message=message,
            conversation=conversation,
            at=message.at,
        )
        for agent in sorted(named.agents)
    )
    facts = {
        "size": len(body.text.encode()),
        "files": len(attachments),
        "mentions": len(named.agents),
        "by": actor.kind,
    }
    actions.record(
        actor, conversation, "note.added", facts, at=message.at, channel=message.channel, about_id=message.id,
        detail=actions.who(actor),
    )  # fmt: skip
    return message.id


def _warn(named: mentions.Named, care: Care | None) -> None:
    if care is None:
        return
    doubt = Doubt(
        left=[] if "left" in care.anyway else named.left,
        blind=[] if "blind" in care.anyway else named.blind,
    )
    if doubt:
        raise doubt


def _message(
    actor: Actor, conversation: Conversation, body: rich.Rich, key: UUID | None, named: mentions.Named
) -> Message:
    return Message(
        id=key or uuid7(),
        workspace_id=actor.workspace_id,
        conversation=conversation,
        customer_id=conversation.customer_id,
        way="note",
        channel=Inbox.objects.values_list("channel", flat=True).get(id=conversation.inbox_id),
        author_id=actor.agent_id,
        at=now(),
        text=body.text,
        html=body.html,
        meta=({"marks": named.marks} if named.marks else {}) | ({} if actor.agent_id else {"by": actor.kind}),
    )
