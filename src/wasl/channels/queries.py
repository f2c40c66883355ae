"""Which inboxes there are, and who may see them."""

from uuid import UUID

from django.db import connection

from wasl.accounts.models import Agent, Role, TeamMember
from wasl.channels.models import Inbox, InboxTeam


def visible_inboxes(agent_id: UUID | None, role: str) -> frozenset[UUID]:
    """The inboxes an agent may see, inside `tenant(…)`: owners and admins all; others the open ones and their teams'.

    An API token (agent_id None) sees what its role sees without a team.
    """
    every = frozenset(Inbox.objects.values_list("id", flat=True))
    if role in (Role.OWNER, Role.ADMIN):
        return every
    teams = TeamMember.objects.filter(agent_id=agent_id).values("team_id") if agent_id else []
    restricted = frozenset(InboxTeam.objects.values_list("inbox_id", flat=True))
    own = frozenset(InboxTeam.objects.filter(team_id__in=teams).values_list("inbox_id", flat=True))
    return (every - restricted) | own


def recipients(agent_ids: list[UUID]) -> dict[UUID, str]:
    """Names of agents by id."""
    return dict(Agent.objects.filter(id__in=agent_ids).values_list("id", "name"))


def inboxes_at(channel: str, address: str) -> list[tuple[UUID, UUID]]:
    """(workspace, inbox) pairs configured for an address, asked before a workspace is known."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT workspace_id, inbox_id FROM wasl_inboxes_at(%s, %s)", [channel, address])
        return [(row[0], row[1]) for row in cursor.fetchall()]
