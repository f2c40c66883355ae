"""Several conversations become one, or one becomes two; and back.

Messages go, and with them their notes, files, mentions and deliveries. A conversation that was merged away keeps its
address, its reply tokens and its tags; all of them lead to the one it was merged into. What went is written down, so
that taking it back moves exactly that, wherever it lies meanwhile. Nobody understands a message of these customers
while it happens: the locks and their order are those of intake. Call inside `tenant(…)`.
"""

from collections.abc import Iterable, Sequence
from typing import Any, LiteralString
from uuid import UUID

from wasl.accounts.actor import Actor, NotFound
from wasl.conversations.changes import who
from wasl.conversations.follow import refresh
from wasl.conversations.models import Conversation, Message, Regrouping, Status, Tagging
from wasl.conversations.queries import followed, visible
from wasl.customers.models import Customer
from wasl.customers.resolve import lock_customers
from wasl.delivery import actions as delivery
from wasl.kit.clock import now
from wasl.kit.db import raw
from wasl.kit.ids import uuid7
from wasl.kit.signal import Signal, send
from wasl.timeline.actions import Touch, append

MOST = 20
"""Conversations that become one at a time."""


class CannotRegroup(Exception):
    """Why it cannot be done: too_few, too_many, customers_differ, first_message, already_undone."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


def merge(actor: Actor, target_id: UUID, source_ids: Sequence[UUID], *, across: bool = False) -> list[UUID]:
    """Let conversations become part of another; the ids of what can be taken back, one for each.

    `across`: also those of other customers. Raises NotFound, Forbidden, CannotRegroup.
    """
    sources = [key for key in dict.fromkeys(source_ids) if key != target_id]
    if not sources:
        raise CannotRegroup("too_few")
    if len(sources) > MOST:
        raise CannotRegroup("too_many")
    rows = _hold(actor, [target_id, *sources])
    target = rows[target_id]
    if not across and len({row.customer.root_id for row in rows.values()}) > 1:
        raise CannotRegroup("customers_differ")
    made = [_pour(actor, rows[key], target) for key in sources]
    _settle(actor, [target.id])
    return made


def unmerge(actor: Actor, regrouping_id: UUID) -> UUID:
    """Take a merge back: what went and still lies where it went to returns. The id of the conversation that is back.

    Raises NotFound, Forbidden, CannotRegroup('already_undone').
    """
    actor.require_write()
    made = Regrouping.objects.filter(id=regrouping_id, kind="merge").first()
    source = (
        Conversation.objects.filter(id=made.source_id, inbox_id__in=actor.inboxes).first() if made else None
    )
    if made is None or source is None:
        raise NotFound
    if source.merged_into_id is None:
        raise CannotRegroup("already_undone")
    target = _hold(actor, [source.merged_into_id], [source.customer_id])[source.merged_into_id]
    made = Regrouping.objects.select_for_update().get(id=regrouping_id)
    if made.undone_at:
        raise CannotRegroup("already_undone")
    made.undone_at = now()
    made.save(update_fields=["undone_at"])
    back = _move(actor, target.id, source.id, made.messages)
    was = made.was
    _stand_again(source, was)
    Conversation.objects.filter(id__in=was.get("led", []), merged_into=target).update(merged_into=source)
    Tagging.objects.filter(conversation=target, tag_id__in=was.get("tags", [])).delete()
    if was.get("opened") and target.status == Status.OPEN:
        Conversation.objects.filter(id=target.id).update(status=was["opened"])
    detail = {"from": str(target.id), **who(actor)}
    _say(actor, source, "conversation.unmerged", len(back), made.id, detail)
    _settle(actor, [target.id, source.id])
    return source.id


def split(actor: Actor, message_id: UUID) -> UUID:
    """Let a message and all after it become a conversation of their own; its id.

    Raises NotFound, Forbidden, CannotRegroup('first_message') when nothing would be left.
    """
    actor.require_write()
    asked = Message.objects.filter(id=message_id).first()
    if asked is None:
        raise NotFound
    source = _hold(actor, [asked.conversation_id])[asked.conversation_id]
    rows = list(
        Message.objects.filter(conversation=source)
        .order_by("at", "id")
        .values_list("id", "way", "customer_id")
    )
    ids = [row[0] for row in rows]
    if message_id not in ids:
        raise NotFound
    start = ids.index(message_id)
    if all(way == "note" for _, way, _ in rows[:start]):
        raise CannotRegroup("first_message")
    writers = [customer for _, way, customer in rows[start:] if way == "in"]
    fresh = Conversation.objects.create(
        id=uuid7(),
        workspace_id=actor.workspace_id,
        customer_id=writers[0] if writers else source.customer_id,
        inbox_id=source.inbox_id,
        subject=asked.subject or source.subject,
        created_at=asked.at,
        assignee_id=source.assignee_id,
        team_id=source.team_id,
        split_from_id=source.id,
        language=source.language,
        last_at=asked.at,
    )
    moved = _move(actor, source.id, fresh.id, ids[start:])
    made = Regrouping.objects.create(
        workspace_id=actor.workspace_id, kind="split", source_id=source.id, target_id=fresh.id,
        agent_id=actor.agent_id, at=now(), messages=moved,
    )  # fmt: skip
    _say(actor, source, "conversation.split", len(moved), made.id, {"to": str(fresh.id), **who(actor)})
    _settle(actor, [source.id, fresh.id])
    return fresh.id


def merged_into(actor: Actor, conversation_id: UUID) -> list[tuple[Regrouping, Conversation]]:
    """What was merged into a conversation and can be taken back, with what it was; latest first."""
    target = followed(actor, conversation_id)
    made = Regrouping.objects.select_related("source").filter(kind="merge", undone_at=None)
    made = made.filter(source__merged_into=target.id, source__inbox_id__in=actor.inboxes)
    return [(each, each.source) for each in made.order_by("-at")[:MOST]]


def _hold(actor: Actor, ids: Sequence[UUID], customers: Iterable[UUID] = ()) -> dict[UUID, Conversation]:
    """The conversations, held with their customers for the rest of the transaction. Raises NotFound, Forbidden."""
    actor.require_write()
    seen = visible(actor).filter(id__in=ids)
    people = {*seen.values_list("customer_id", flat=True), *customers}
    roots = set(Customer.objects.filter(id__in=people).values_list("root_id", flat=True))
    lock_customers(raw(), actor.workspace_id, roots)
    rows = seen.select_related("customer").select_for_update(of=("self",)).order_by("id")
    held = {row.id: row for row in rows}
    if len(held) != len(set(ids)):
        raise NotFound
    return held


def _pour(actor: Actor, source: Conversation, target: Conversation) -> UUID:
    ids = list(Message.objects.filter(conversation=source).values_list("id", flat=True))
    moved = _move(actor, source.id, target.id, ids)
    tags = [row[0] for row in raw().execute(_TAGS, {**_pair(actor, source, target), "at": now()})]
    led = list(Conversation.objects.filter(merged_into=source).values_list("id", flat=True))
    was: dict[str, Any] = {
        "status": source.status,
        "until": source.snoozed_until.isoformat() if source.snoozed_until else None,
        "led": [str(key) for key in led],
        "tags": [str(key) for key in tags],
    }
    if source.status == Status.OPEN and target.status != Status.OPEN:
        was["opened"] = target.status
        target.status = Status.OPEN
        Conversation.objects.filter(id=target.id).update(status=Status.OPEN, snoozed_until=None)
    Conversation.objects.filter(merged_into=source).update(merged_into=target)
    Conversation.objects.filter(id=source.id).update(
        merged_into=target, status=Status.RESOLVED, snoozed_until=None, messages=0, preview=""
    )
    made = Regrouping.objects.create(
        workspace_id=actor.workspace_id, kind="merge", source_id=source.id, target_id=target.id,
        agent_id=actor.agent_id, at=now(), messages=moved, was=was,
    )  # fmt: skip
    detail = {"from": str(source.id), "subject": source.subject[:200], **who(actor)}
    _say(actor, target, "conversation.merged", len(moved), made.id, detail)
    if source.customer_id != target.customer_id:
        _say(actor, source, "conversation.merged", len(moved), made.id, {"to": str(target.id), **who(actor)})
    return made.id


def _stand_again(source: Conversation, was: dict[str, Any]) -> None:
    """A conversation that was merged away is itself again. What it was put off to has passed, perhaps: then it is
    open."""
    status = was.get("status", Status.OPEN)
    asleep = status == Status.SNOOZED and was.get("until") is not None
    source.status = Status.OPEN if asleep else status
    source.merged_into_id = None
    source.save(update_fields=["status", "merged_into_id"])


def _move(actor: Actor, source_id: UUID, target_id: UUID, ids: Sequence[UUID]) -> list[UUID]:
    """Move those of these messages that lie in the source; which they were."""
    conn = raw()
    values = {"workspace": actor.workspace_id, "source": source_id, "target": target_id, "ids": list(ids)}
    moved = [row[0] for row in conn.execute(_MOVE, values)]
    conn.execute(_MENTIONS, values | {"ids": moved})
    conn.execute(_DRAFTS, values)
    delivery.regroup(conn, actor.workspace_id, moved, target_id)
    return moved


def _pair(actor: Actor, source: Conversation, target: Conversation) -> dict[str, Any]:
    return {"workspace": actor.workspace_id, "source": source.id, "target": target.id}


def _say(
    actor: Actor, about: Conversation, kind: str, messages: int, regrouping_id: UUID, detail: dict[str, str]
) -> None:
    facts: dict[str, int | str] = {"messages": messages, "by": actor.kind}
    touch = Touch(about.customer_id, kind, now(), "", about.id, regrouping_id, facts, detail)
    append(raw(), actor.workspace_id, [touch])
    send(
        raw(), [Signal("conversation", actor.workspace_id, about.inbox_id, (about.id,), (about.customer_id,))]
    )


def _settle(actor: Actor, ids: Sequence[UUID]) -> None:
    """Let conversations say of their messages what is true now, and tell open pages."""
    refresh(raw(), actor.workspace_id, list(ids))
    rows = Conversation.objects.filter(id__in=ids)
    send(
        raw(),
        [
            Signal("conversation", actor.workspace_id, row.inbox_id, (row.id,), (row.customer_id,))
            for row in rows
        ],
    )


_MOVE: LiteralString = """
UPDATE conversations_message SET conversation_id = %(target)s
WHERE workspace_id = %(workspace)s AND conversation_id = %(source)s AND id = ANY(%(ids)s::uuid[])
RETURNING id
"""
_MENTIONS: LiteralString = """
UPDATE conversations_mention SET conversation_id = %(target)s
WHERE workspace_id = %(workspace)s AND conversation_id = %(source)s AND message_id = ANY(%(ids)s::uuid[])
"""
# What somebody is writing goes along, unless they write in both: then each stays where it is.
_DRAFTS: LiteralString = """
UPDATE conversations_draft d SET conversation_id = %(target)s
WHERE d.workspace_id = %(workspace)s AND d.conversation_id = %(source)s
  AND NOT EXISTS (SELECT FROM conversations_message m
    WHERE m.workspace_id = d.workspace_id AND m.conversation_id = d.conversation_id)
  AND NOT EXISTS (SELECT FROM conversations_draft o
    WHERE o.workspace_id = d.workspace_id AND o.agent_id = d.agent_id AND o.way = d.way
      AND o.conversation_id = %(target)s)
"""
_TAGS: LiteralString = """
INSERT INTO conversations_tagging (workspace_id, id, tag_id, conversation_id, at)
SELECT workspace_id, gen_random_uuid(), tag_id, %(target)s, %(at)s FROM conversations_tagging
WHERE workspace_id = %(workspace)s AND conversation_id = %(source)s
ON CONFLICT (workspace_id, conversation_id, tag_id) DO NOTHING RETURNING tag_id
"""
