"""Teams: agents who share inboxes and work."""

from collections.abc import Sequence
from dataclasses import dataclass
from uuid import UUID

from django.db import IntegrityError, transaction

from wasl.accounts import access_log
from wasl.accounts.actor import Actor, NotFound
from wasl.accounts.models import Agent, Team, TeamMember
from wasl.kit.db import raw
from wasl.kit.signal import Signal, send

MOST = 200


class Refused(Exception):
    """Why not: no_name, taken, in_use, too_many."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


@dataclass(frozen=True, slots=True)
class Group:
    """A team with its members, by name."""

    team: Team
    members: list[Agent]


def create(actor: Actor, name: str, agent_ids: Sequence[UUID] = ()) -> UUID:
    """A new team. Raises Forbidden, NotFound for an agent that there is not, Refused."""
    actor.require_admin()
    if Team.objects.count() >= MOST:
        raise Refused("too_many")
    team = Team(workspace_id=actor.workspace_id, name=_free(name))
    team.save(force_insert=True)
    _fill(actor, team, agent_ids)
    access_log.record(actor, "team_create", "team", team.id, name=team.name)
    return team.id


def change(actor: Actor, team_id: UUID, name: str, agent_ids: Sequence[UUID]) -> None:
    """Name a team and say who is in it. Raises Forbidden, NotFound, Refused."""
    actor.require_admin()
    team = Team.objects.select_for_update().filter(id=team_id).first()
    if team is None:
        raise NotFound
    team.name = _free(name, team.id)
    team.save(update_fields=["name"])
    _fill(actor, team, agent_ids)
    access_log.record(actor, "team_change", "team", team.id, name=team.name, members=str(len(set(agent_ids))))


def remove(actor: Actor, team_id: UUID) -> None:
    """Take a team away. Raises Forbidden, NotFound, Refused while inboxes or conversations are the team's."""
    actor.require_admin()
    team = Team.objects.select_for_update().filter(id=team_id).first()
    if team is None:
        raise NotFound
    try:
        with transaction.atomic():
            TeamMember.objects.filter(team=team).delete()
            Team.objects.filter(id=team.id).delete()
    except IntegrityError as error:
        raise Refused("in_use") from error
    access_log.record(actor, "team_remove", "team", team.id, name=team.name)
    send(raw(), [Signal("access", actor.workspace_id)])


def teams(actor: Actor) -> list[Group]:
    """Every team by name, at most `MOST`. Raises Forbidden."""
    actor.require_admin()
    members: dict[UUID, list[Agent]] = {}
    for row in TeamMember.objects.select_related("agent").order_by("agent__name"):
        members.setdefault(row.team_id, []).append(row.agent)
    return [Group(team, members.get(team.id, [])) for team in Team.objects.order_by("name", "id")[:MOST]]


def _free(name: str, own: UUID | None = None) -> str:
    name = " ".join(name.split())[:80]
    if not name:
        raise Refused("no_name")
    if any(found != own for found in Team.objects.filter(name__iexact=name).values_list("id", flat=True)):
        raise Refused("taken")
    return name


def _fill(actor: Actor, team: Team, agent_ids: Sequence[UUID]) -> None:
    """Exactly these are the members. Open pages are told, since members see their team's inboxes."""
    wanted = set(agent_ids)
    if Agent.objects.filter(id__in=wanted, is_active=True).count() != len(wanted):
        raise NotFound
    present = set(TeamMember.objects.filter(team=team).values_list("agent_id", flat=True))
    TeamMember.objects.filter(team=team, agent_id__in=present - wanted).delete()
    TeamMember.objects.bulk_create(
        TeamMember(workspace_id=actor.workspace_id, team=team, agent_id=agent_id)
        for agent_id in sorted(wanted - present)
    )
    send(raw(), [Signal("access", actor.workspace_id)])
