"""Which inboxes there are, and who may see them."""

from collections.abc import Mapping
from uuid import UUID

from django.db import connection

from wasl.accounts.models import Agent, Role, TeamMember
from wasl.channels.models import Inbox, InboxTeam


def visible_inboxes(agent_id: UUID | None, role: str) -> frozenset[UUID]:
    """The inboxes an agent may see, inside `tenant(…)`: owners and admins all; others the open ones and their teams'.

    An API token (agent_id None) sees what its role sees without a team.
    """
    return visible_inboxes_of({agent_id: role})[agent_id]


def visible_inboxes_of(roles: Mapping[UUID | None, str]) -> dict[UUID | None, frozenset[UUID]]:
    """The same for many agents at once, by their ids, in three questions to the database."""
    every = frozenset(Inbox.objects.values_list("id", flat=True))
    if all(role in _ADMINISTER for role in roles.values()):
        return dict.fromkeys(roles, every)
    teams: dict[UUID, set[UUID]] = {}
    for inbox_id, team_id in InboxTeam.objects.values_list("inbox_id", "team_id"):
        teams.setdefault(team_id, set()).add(inbox_id)
    found = dict.fromkeys(roles, every.difference(*teams.values()))
    members = TeamMember.objects.filter(agent_id__in=[agent for agent in roles if agent])
    for agent_id, team_id in members.values_list("agent_id", "team_id"):
        found[agent_id] |= teams.get(team_id, set())
    return {agent: every if role in _ADMINISTER else found[agent] for agent, role in roles.items()}


_ADMINISTER = frozenset({Role.OWNER, Role.ADMIN})


def recipients(agent_ids: list[UUID]) -> dict[UUID, str]:
    """Names of agents by id."""
    return dict(Agent.objects.filter(id__in=agent_ids).values_list("id", "name"))


def inboxes_at(channel: str, address: str) -> list[tuple[UUID, UUID]]:
    """(workspace, inbox) pairs configured for an address, asked before a workspace is known."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT workspace_id, inbox_id FROM wasl_inboxes_at(%s, %s)", [channel, address])
        return [(row[0], row[1]) for row in cursor.fetchall()]
