"""What an actor may read of conversations: the only way in for pages and API. Call inside `tenant(…)`.

An actor sees the conversations of the inboxes they may see, and nothing else; what they may not see is NotFound.
"""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Generic, NamedTuple, TypeVar
from uuid import UUID

from django.contrib.postgres.expressions import ArraySubquery
from django.db.models import Exists, OuterRef, Q, QuerySet, Subquery, TextField
from django.db.models.fields.json import KeyTextTransform
from django.db.models.functions import Coalesce, JSONObject

from wasl.accounts.actor import Actor, NotFound
from wasl.accounts.models import Agent, Role, Team, TeamMember
from wasl.channels.base import Address
from wasl.channels.models import Inbox, InboxTeam
from wasl.conversations import company, history
from wasl.conversations.filters import Filter
from wasl.conversations.models import Attachment, Conversation, Mention, Message, Seen, Tag, Tagging
from wasl.customers.models import Customer
from wasl.delivery.queries import DeliveryView, states

T = TypeVar("T")

PAGE = 40
TAGS = 500
COUNTED = 1000
"""Counts stop here: "999+" tells an agent as much and costs the database nothing."""


@dataclass(frozen=True, slots=True)
class Page(Generic[T]):
    """Some rows and where the next ones begin; `after` is None at the end."""

    rows: list[T]
    after: tuple[datetime, UUID] | None


def visible(actor: Actor) -> QuerySet[Conversation]:
    """Every conversation the actor may see; not those that were merged into another."""
    return Conversation.objects.filter(inbox_id__in=actor.inboxes, merged_into_id=None)


def found_at(actor: Actor, conversation_id: UUID) -> QuerySet[Conversation]:
    """The conversation of an id, or the one that it was merged into: no or one row."""
    led = Conversation.objects.filter(id=conversation_id).values("merged_into_id")
    return visible(actor).filter(Q(id=conversation_id) | Q(id=Subquery(led)))


def followed(actor: Actor, conversation_id: UUID) -> Conversation:
    """The same with nothing attached. Raises NotFound."""
    row = found_at(actor, conversation_id).first()
    if row is None:
        raise NotFound
    return row


def narrowed(actor: Actor, where: Filter) -> QuerySet[Conversation]:
    """The conversations of a filter."""
    found = visible(actor)
    if where.status:
        found = found.filter(status=where.status)
    if where.inboxes:
        found = found.filter(inbox_id__in=where.inboxes)
    if where.languages:
        found = found.filter(language__in=where.languages)
    if where.assignees:
        found = found.filter(_among("assignee_id", where.assignees))
    if where.teams:
        found = found.filter(_among("team_id", where.teams))
    if where.tags:
        found = found.filter(Exists(Tagging.objects.filter(conversation=OuterRef("pk"), tag__in=where.tags)))
    if where.view == "mine":
        return found.filter(assignee_id=actor.agent_id)
    if where.view == "unassigned":
        return found.filter(assignee_id=None)
    if where.view == "mentioned":
        mentions = Mention.objects.filter(conversation=OuterRef("pk"), agent=actor.agent_id)
        return found.filter(Exists(mentions))
    return found


def _among(column: str, values: Sequence[UUID | None]) -> Q:
    found = Q(**{f"{column}__in": [value for value in values if value]})
    return found | Q(**{column: None}) if None in values else found


def conversations(
    actor: Actor,
    where: Filter = Filter(),  # noqa: B008 - frozen
    customer_ids: Sequence[UUID] | None = None,
    before: tuple[datetime, UUID] | None = None,
    limit: int = PAGE,
) -> Page[Conversation]:
    """A page of the list, latest first. Rows carry `customer`, `assignee` and `unread` (bool)."""
    found = narrowed(actor, where)
    if customer_ids is not None:
        found = found.filter(customer_id__in=customer_ids)
    if before:
        found = found.filter(Q(last_at__lt=before[0]) | Q(last_at=before[0], id__lt=before[1]))
    found = _with_unread(actor, found).select_related("customer__root", "assignee")
    rows = list(found.order_by("-last_at", "-id")[: limit + 1])
    after = (rows[limit - 1].last_at, rows[limit - 1].id) if len(rows) > limit else None
    return Page(_people(rows[:limit]), after)


def conversation(actor: Actor, conversation_id: UUID) -> Conversation:
    """One conversation with its `customer`, `inbox`, `assignee`, `team` and `unread`; of one that was merged, the one
    it is now. Raises NotFound."""
    found: Conversation = _one(_with_unread(actor, found_at(actor, conversation_id)))
    return found


def opened(actor: Actor, conversation_id: UUID) -> Any:
    """The same with what its page shows beside it: its `tags` by name (id and name), the `family` of its customer
    (everybody who is one with them), and `has_merged`: whether others were merged into it. Raises NotFound."""
    tagged = Tag.objects.filter(
        id__in=Tagging.objects.filter(conversation=OuterRef(OuterRef("pk"))).values("tag_id")
    )
    members = Customer.objects.filter(root_id=OuterRef("customer__root_id"))
    return _one(
        found_at(actor, conversation_id).annotate(
            tags=ArraySubquery(
                tagged.order_by("folded").values(json=JSONObject(id="id", name="name"))[:TAGS]
            ),
            family=ArraySubquery(members.order_by("id").values("id")),
            has_merged=Exists(Conversation.objects.filter(merged_into=OuterRef("pk"))),
        )
    )


def _one(found: QuerySet[Any]) -> Any:
    row = found.select_related("customer__root", "assignee", "inbox", "team").first()
    if row is None:
        raise NotFound
    return _people([row])[0]


def _with_unread(actor: Actor, found: QuerySet[Conversation]) -> QuerySet[Any]:
    seen = Seen.objects.filter(conversation_id=OuterRef("pk"), at__gte=OuterRef("last_in_at"))
    seen = seen.filter(agent_id=actor.agent_id) if actor.agent_id else seen.none()
    return found.annotate(unread=~Exists(seen) & Q(last_in_at__isnull=False) & Q(last_way="in"))


def _people(rows: list[Any]) -> list[Any]:
    """The customer of each is the one at the end of its merges."""
    for row in rows:
        row.customer = row.customer.root
    return rows


def inboxes(actor: Actor) -> list[Inbox]:
    """The inboxes the actor may see, by name; at most 200."""
    return list(Inbox.objects.filter(id__in=actor.inboxes).order_by("name", "id")[:200])


def agents(actor: Actor, inbox_id: UUID | None = None) -> list[Agent]:
    """Who a conversation (of an inbox) can be given to, by name; at most 500."""
    return list(_able(actor, inbox_id))


class Colleague(NamedTuple):
    """Somebody by name."""

    id: UUID
    name: str


def colleagues(actor: Actor, inbox_id: UUID) -> list[Colleague]:
    """The same with nothing but their names, which is a third of the work: every open conversation offers them."""
    return [Colleague(*row) for row in _able(actor, inbox_id).values_list("id", "name")]


def _able(actor: Actor, inbox_id: UUID | None) -> QuerySet[Agent]:
    found = Agent.objects.filter(workspace_id=actor.workspace_id, is_active=True)
    if inbox_id:
        closed = InboxTeam.objects.filter(inbox_id=inbox_id)
        theirs = TeamMember.objects.filter(agent=OuterRef("pk"), team__in=closed.values("team_id"))
        found = found.filter(Q(role__in=_ADMINISTER) | ~Exists(closed) | Exists(theirs))
    return found.order_by("name", "id")[:500]


_ADMINISTER = (Role.OWNER, Role.ADMIN)


def teams(actor: Actor) -> list[Team]:
    """The teams of the workspace, by name; at most 200."""
    return list(Team.objects.filter(workspace_id=actor.workspace_id).order_by("name", "id")[:200])


def own_teams(actor: Actor) -> list[Team]:
    """The teams that the actor is in, by name; at most 200. A token is in none."""
    if actor.agent_id is None:
        return []
    mine = TeamMember.objects.filter(agent_id=actor.agent_id).values("team_id")
    return list(Team.objects.filter(id__in=mine).order_by("name", "id")[:200])


@dataclass(frozen=True, slots=True)
class Shown:
    """A message as it is shown: with its files, who wrote it, and where its delivery stands.

    `author` is the agent; `writer` who wrote of the other side or was answered, where that was not the customer;
    `copies` who else it was for.
    """

    message: Message
    files: list[Attachment]
    author: str
    delivery: DeliveryView | None
    writer: str = ""
    copies: Sequence[Address] = ()


def thread(
    actor: Actor,
    conversation_id: UUID,
    before: tuple[datetime, UUID] | None = None,
    limit: int = PAGE,
    *,
    notes: bool = True,
) -> Page[Shown]:
    """A page of a conversation's messages, newest first, with the team's `notes` among them. Raises NotFound."""
    return messages_of(actor, followed(actor, conversation_id), before, limit, notes=notes)


def messages_of(
    actor: Actor,
    row: Conversation,
    before: tuple[datetime, UUID] | None = None,
    limit: int = PAGE,
    *,
    notes: bool = True,
    theirs: Collection[UUID] = (),
) -> Page[Shown]:
    """The same of a conversation that was found for the actor already; `theirs` are identities that are known to be the
    customer's."""
    found = _written().filter(conversation_id=row.id)
    if not notes:
        found = found.exclude(way="note")
    if before:
        found = found.filter(Q(at__lt=before[0]) | Q(at=before[0], id__lt=before[1]))
    rows = list(found.order_by("-at", "-id")[: limit + 1])
    after = (rows[limit - 1].at, rows[limit - 1].id) if len(rows) > limit else None
    return Page(_shown(actor, rows[:limit], theirs), after)


def message(actor: Actor, message_id: UUID) -> Shown:
    """One message. Raises NotFound."""
    row = _written().filter(id=message_id, conversation__inbox_id__in=actor.inboxes).first()
    if row is None:
        raise NotFound
    return _shown(actor, [row])[0]


def _written() -> QuerySet[Any]:
    """Messages, each with the name of the agent who wrote it; of old mail, with the name it was sent by."""
    agent = Subquery(Agent.objects.filter(id=OuterRef("author_id")).values("name"))
    return Message.objects.annotate(
        author=Coalesce(agent, KeyTextTransform(history.FROM, "meta"), output_field=TextField())
    )


def _shown(actor: Actor, rows: list[Any], theirs: Collection[UUID] = ()) -> list[Shown]:
    files: dict[UUID, list[Attachment]] = {}
    for file in Attachment.objects.filter(message_id__in=[r.id for r in rows]).order_by(
        "message_id", "position"
    ):
        files.setdefault(file.message_id, []).append(file)
    outgoing = [r.id for r in rows if r.delivery_id]
    deliveries = states(actor.workspace_id, outgoing) if outgoing else {}
    strangers = [r for r in rows if r.identity_id not in theirs]
    writers, copies = company.writers(actor.workspace_id, strangers), company.copies(rows)
    return [
        Shown(
            r,
            files.get(r.id, []),
            r.author or "",
            deliveries.get(r.id),
            writers.get(r.id, ""),
            copies.get(r.id, ()),
        )
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
    if not message_ids:
        return {}
    rows = list(_written().filter(id__in=message_ids, conversation__inbox_id__in=actor.inboxes)[:500])
    return {shown.message.id: shown for shown in _shown(actor, rows)}
