"""What an actor may read of conversations: the only way in for pages and API. Call inside `tenant(…)`.

An actor sees the conversations of the inboxes they may see, and nothing else; what they may not see is NotFound.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Generic, Literal, LiteralString, TypeVar
from uuid import UUID

from django.db.models import Exists, OuterRef, Q, QuerySet

from wasl.accounts.actor import Actor, NotFound
from wasl.accounts.models import Agent
from wasl.channels.models import Inbox
from wasl.conversations.models import Attachment, Conversation, Message, Seen
from wasl.customers.models import Customer
from wasl.delivery.queries import DeliveryView, states
from wasl.kit.db import raw

View = Literal["mine", "unassigned", "all"]
T = TypeVar("T")

PAGE = 40
COUNTED = 1000
"""Counts stop here: "999+" tells an agent as much and costs the database nothing."""


@dataclass(frozen=True, slots=True)
class Page(Generic[T]):
    """Some rows and where the next ones begin; `after` is None at the end."""

    rows: list[T]
    after: tuple[datetime, UUID] | None


@dataclass(frozen=True, slots=True)
class Counts:
    """Open conversations by view and inbox, each up to 1,000."""

    mine: int
    unassigned: int
    all: int
    inboxes: dict[UUID, int]


def visible(actor: Actor) -> QuerySet[Conversation]:
    """Every conversation the actor may see."""
    return Conversation.objects.filter(inbox_id__in=actor.inboxes)


def narrowed(actor: Actor, view: View = "all", inbox_id: UUID | None = None) -> QuerySet[Conversation]:
    """The conversations of a view."""
    found = visible(actor)
    if inbox_id:
        found = found.filter(inbox_id=inbox_id)
    if view == "mine":
        return found.filter(assignee_id=actor.agent_id)
    if view == "unassigned":
        return found.filter(assignee_id=None)
    return found


def conversations(
    actor: Actor,
    view: View = "all",
    status: str = "open",
    inbox_id: UUID | None = None,
    customer_ids: Sequence[UUID] | None = None,
    before: tuple[datetime, UUID] | None = None,
    limit: int = PAGE,
    assignee_id: UUID | None = None,
) -> Page[Conversation]:
    """A page of the list, latest first. Rows carry `customer`, `assignee` and `unread` (bool)."""
    found = narrowed(actor, view, inbox_id)
    if status:
        found = found.filter(status=status)
    if customer_ids is not None:
        found = found.filter(customer_id__in=customer_ids)
    if assignee_id:
        found = found.filter(assignee_id=assignee_id)
    if before:
        found = found.filter(Q(last_at__lt=before[0]) | Q(last_at=before[0], id__lt=before[1]))
    rows = list(_with_unread(actor, found).order_by("-last_at", "-id")[: limit + 1])
    after = (rows[limit - 1].last_at, rows[limit - 1].id) if len(rows) > limit else None
    return Page(_people(rows[:limit]), after)


def conversation(actor: Actor, conversation_id: UUID) -> Conversation:
    """One conversation with its `customer`, `inbox`, `assignee` and `unread`. Raises NotFound."""
    row = _with_unread(actor, visible(actor).filter(id=conversation_id)).select_related("inbox").first()
    if row is None:
        raise NotFound
    found: Conversation = _people([row])[0]
    return found


def _with_unread(actor: Actor, found: QuerySet[Conversation]) -> QuerySet[Any]:
    seen = Seen.objects.filter(conversation_id=OuterRef("pk"), at__gte=OuterRef("last_in_at"))
    seen = seen.filter(agent_id=actor.agent_id) if actor.agent_id else seen.none()
    return found.annotate(unread=~Exists(seen) & Q(last_in_at__isnull=False) & Q(last_way="in"))


def _people(rows: list[Any]) -> list[Any]:
    """Attach the customer (the one at the end of its merges) and the assignee, in two queries for the whole page."""
    customers = Customer.objects.select_related("root").in_bulk([r.customer_id for r in rows])
    agents = Agent.objects.in_bulk([r.assignee_id for r in rows if r.assignee_id])
    for row in rows:
        row.customer = customers[row.customer_id].root
        row.assignee = agents.get(row.assignee_id) if row.assignee_id else None
    return rows


_COUNTS: LiteralString = """
WITH opened AS NOT MATERIALIZED (
  SELECT inbox_id, assignee_id FROM conversations_conversation
  WHERE workspace_id = %(workspace)s AND status = 'open' AND inbox_id = ANY(%(inboxes)s::uuid[])
)
SELECT (SELECT count(*) FROM (SELECT FROM opened WHERE assignee_id = %(agent)s LIMIT %(most)s) AS mine),
       (SELECT count(*) FROM (SELECT FROM opened WHERE assignee_id IS NULL LIMIT %(most)s) AS nobodys),
       (SELECT count(*) FROM (SELECT FROM opened LIMIT %(most)s) AS every),
       ARRAY(SELECT (SELECT count(*) FROM (SELECT FROM opened o WHERE o.inbox_id = i.id LIMIT %(most)s) AS there)
             FROM unnest(%(inboxes)s::uuid[]) WITH ORDINALITY AS i (id, n) ORDER BY i.n)
"""


def counts(actor: Actor) -> Counts:
    """How many open conversations each place of the rail holds."""
    places = list(actor.inboxes)
    values = {
        "workspace": actor.workspace_id,
        "inboxes": places,
        "agent": actor.agent_id,
        "most": COUNTED,
    }
    mine, unassigned, every, there = raw().execute(_COUNTS, values).fetchone() or (0, 0, 0, [])
    return Counts(mine, unassigned, every, dict(zip(places, there, strict=True)))


def count(actor: Actor, view: View, status: str, inbox_id: UUID | None = None) -> int:
    """How many conversations a tab holds, up to 1,000."""
    return _count(narrowed(actor, view, inbox_id).filter(status=status))


def _count(found: QuerySet[Conversation]) -> int:
    return found[:COUNTED].count()


def inboxes(actor: Actor) -> list[Inbox]:
    """The inboxes the actor may see, by name; at most 200."""
    return list(Inbox.objects.filter(id__in=actor.inboxes).order_by("name", "id")[:200])


def agents(actor: Actor) -> list[Agent]:
    """Who a conversation can be given to, by name; at most 500."""
    found = Agent.objects.filter(workspace_id=actor.workspace_id, is_active=True)
    return list(found.order_by("name", "id")[:500])


@dataclass(frozen=True, slots=True)
class Shown:
    """A message as it is shown: with its files, who wrote it, and where its delivery stands."""

    message: Message
    files: list[Attachment]
    author: str
    delivery: DeliveryView | None


def thread(
    actor: Actor, conversation_id: UUID, before: tuple[datetime, UUID] | None = None, limit: int = PAGE
) -> Page[Shown]:
    """A page of a conversation's messages, newest first. Raises NotFound."""
    if not visible(actor).filter(id=conversation_id).exists():
        raise NotFound
    found = Message.objects.filter(conversation_id=conversation_id)
    if before:
        found = found.filter(Q(at__lt=before[0]) | Q(at=before[0], id__lt=before[1]))
    rows = list(found.order_by("-at", "-id")[: limit + 1])
    after = (rows[limit - 1].at, rows[limit - 1].id) if len(rows) > limit else None
    return Page(_shown(actor, rows[:limit]), after)


def message(actor: Actor, message_id: UUID) -> Shown:
    """One message. Raises NotFound."""
    row = Message.objects.filter(id=message_id, conversation__inbox_id__in=actor.inboxes).first()
    if row is None:
        raise NotFound
    return _shown(actor, [row])[0]


def _shown(actor: Actor, rows: list[Message]) -> list[Shown]:
    files: dict[UUID, list[Attachment]] = {}
    for file in Attachment.objects.filter(message_id__in=[r.id for r in rows]).order_by(
        "message_id", "position"
    ):
        files.setdefault(file.message_id, []).append(file)
    names = dict(
        Agent.objects.filter(id__in={r.author_id for r in rows if r.author_id}).values_list("id", "name")
    )
    outgoing = [r.id for r in rows if r.delivery_id]
    deliveries = states(actor.workspace_id, outgoing) if outgoing else {}
    return [
        Shown(r, files.get(r.id, []), names.get(r.author_id, "") if r.author_id else "", deliveries.get(r.id))
        for r in rows
    ]


def attachment(actor: Actor, attachment_id: UUID) -> Attachment:
    """A file of a message the actor may see. Raises NotFound."""
    row = (
        Attachment.objects.filter(id=attachment_id, message__conversation__inbox_id__in=actor.inboxes)
        .select_related("message")
        .first()
    )
    if row is None:
        raise NotFound
    return row


def messages(actor: Actor, message_ids: Sequence[UUID]) -> dict[UUID, Shown]:
    """Those of these messages that the actor may see, by id."""
    rows = list(Message.objects.filter(id__in=message_ids, conversation__inbox_id__in=actor.inboxes)[:500])
    return {shown.message.id: shown for shown in _shown(actor, rows)}
