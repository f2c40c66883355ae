"""Which inboxes there are, and who may see them."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import LiteralString
from uuid import UUID

from django.db import connection
from django.db.models import Q

from wasl.accounts.actor import Actor, NotFound
from wasl.accounts.models import Agent, Team
from wasl.channels.email.trouble import FOR_PEOPLE
from wasl.channels.models import Inbox, InboxTeam, Mailbox


def visible_inboxes(agent_id: UUID | None, role: str) -> frozenset[UUID]:
    """The inboxes an agent may see, inside `tenant(…)`: owners and admins all; others the open ones and their teams'.

    An API token (agent_id None) sees what its role sees without a team.
    """
    return visible_inboxes_of({agent_id: role})[agent_id]


def visible_inboxes_of(roles: Mapping[UUID | None, str]) -> dict[UUID | None, frozenset[UUID]]:
    """The same for many agents at once, by their ids, in one question to the database."""
    with connection.cursor() as cursor:
        cursor.execute(_VISIBLE, [list(roles), list(roles.values())])
        return {agent: frozenset(inboxes) for agent, inboxes in cursor.fetchall()}


SEEN: LiteralString = """
ARRAY(
  SELECT i.id FROM channels_inbox i
  WHERE a.role IN ('owner', 'admin')
    OR NOT EXISTS (
      SELECT FROM channels_inboxteam t WHERE t.workspace_id = i.workspace_id AND t.inbox_id = i.id
    )
    OR EXISTS (
      SELECT FROM channels_inboxteam t
      JOIN accounts_teammember m ON m.workspace_id = t.workspace_id AND m.team_id = t.team_id
      WHERE t.workspace_id = i.workspace_id AND t.inbox_id = i.id AND m.agent_id = a.id
    )
)
"""
"""The ids of the inboxes that the agent `a` (id, role) may see, as an expression."""

_VISIBLE: LiteralString = f"SELECT a.id, {SEEN} FROM unnest(%s::uuid[], %s::text[]) AS a (id, role)"


def recipients(agent_ids: list[UUID]) -> dict[UUID, str]:
    """Names of agents by id."""
    return dict(Agent.objects.filter(id__in=agent_ids).values_list("id", "name"))


def inboxes_at(channel: str, address: str) -> list[tuple[UUID, UUID]]:
    """(workspace, inbox) pairs configured for an address, asked before a workspace is known."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT workspace_id, inbox_id FROM wasl_inboxes_at(%s, %s)", [channel, address])
        return [(row[0], row[1]) for row in cursor.fetchall()]


@dataclass(frozen=True, slots=True)
class Kept:
    """An inbox as its administrators see it: the teams that may, and how far its outside mailbox is fetched."""

    inbox: Inbox
    teams: list[Team]
    mailbox: Mailbox | None


def administered(actor: Actor) -> list[Kept]:
    """Every inbox, those in use first. Raises Forbidden."""
    actor.require_admin()
    teams: dict[UUID, list[Team]] = {}
    for row in InboxTeam.objects.select_related("team").order_by("team__name"):
        teams.setdefault(row.inbox_id, []).append(row.team)
    mailboxes = {row.id: row for row in Mailbox.objects.all()}
    return [
        Kept(inbox, teams.get(inbox.id, []), mailboxes.get(inbox.id))
        for inbox in Inbox.objects.order_by("-is_active", "channel", "name", "id")
    ]


PATIENCE = 4
"""Failures after which a mailbox counts as in trouble, though a person need not mend it."""


def troubled(actor: Actor) -> int:
    """How many mailboxes cannot be fetched from, and not only for a moment; 0 for whom it is none of their business."""
    if not actor.administers:
        return 0
    lasting = Q(failures__gt=PATIENCE) | Q(problem__in=sorted(FOR_PEOPLE))
    return Mailbox.objects.filter(lasting, is_active=True).exclude(problem="").count()


def one_administered(actor: Actor, inbox_id: UUID, channel: str = "") -> Kept:
    """One inbox. Raises Forbidden, NotFound."""
    for kept in administered(actor):
        if kept.inbox.id == inbox_id and channel in ("", kept.inbox.channel):
            return kept
    raise NotFound
