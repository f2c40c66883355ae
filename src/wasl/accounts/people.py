"""Who works in a workspace: invitations, roles, and those who leave."""

import hashlib
import secrets
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from uuid import UUID

from django.core.exceptions import ValidationError
from django.core.validators import validate_email
from django.db import connection, transaction
from django.db.models import Q

from wasl.accounts import access_log, second_step
from wasl.accounts.actor import Actor, Forbidden, NotFound
from wasl.accounts.models import Agent, Invitation, Role, Team, TeamMember, User, Workspace
from wasl.kit.clock import now
from wasl.kit.db import raw, tenant
from wasl.kit.signal import Signal, send

VALID_FOR = timedelta(days=7)
WAITING = 200
"""Invitations that may be open at once."""


class Refused(Exception):
    """Why not: bad_address, works_here, too_many, last_owner, yourself, wrong_account.

    When a second step is taken: own_second_step, works_elsewhere.
    """

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


@dataclass(frozen=True, slots=True)
class Invited:
    """An invitation with the secret of its link, which is known only now."""

    id: UUID
    email: str
    language: str
    secret: str


def invite(
    actor: Actor, email: str, role: str, team_ids: Sequence[UUID] = (), language: str = "en"
) -> Invited:
    """Ask somebody to work here; an earlier invitation to the same address ends.

    Raises Forbidden, NotFound for a team that there is not, Refused, ValueError for a role that there is not.
    """
    actor.require_reach(role)
    email = email.strip().lower()
    try:
        validate_email(email)
    except ValidationError as error:
        raise Refused("bad_address") from error
    if Agent.objects.filter(user__email=email, is_active=True).exists():
        raise Refused("works_here")
    if Invitation.objects.filter(_open()).exclude(email=email).count() >= WAITING:
        raise Refused("too_many")
    if Team.objects.filter(id__in=team_ids).count() != len(set(team_ids)):
        raise NotFound
    Invitation.objects.filter(email=email, accepted_at=None, revoked_at=None).update(revoked_at=now())
    return _written(actor, email, role, [str(team) for team in team_ids], language)


def invite_again(actor: Actor, invitation_id: UUID) -> Invited:
    """A new link and a new week for an invitation that was not taken up. Raises Forbidden, NotFound, Refused."""
    actor.require_admin()
    row = Invitation.objects.filter(id=invitation_id, accepted_at=None, revoked_at=None).first()
    if row is None:
        raise NotFound
    teams = list(Team.objects.filter(id__in=row.teams).values_list("id", flat=True))
    return invite(actor, row.email, row.role, teams, row.language)


def _written(actor: Actor, email: str, role: str, teams: list[str], language: str) -> Invited:
    if actor.agent_id is None:
        raise Forbidden("admins_only")  # a program asks nobody to work here
    secret, at = secrets.token_urlsafe(32), now()
    row = Invitation.objects.create(
        workspace_id=actor.workspace_id,
        email=email,
        role=role,
        teams=teams,
        language=language,
        digest=_digest(secret),
        invited_by_id=actor.agent_id,
        created_at=at,
        expires_at=at + VALID_FOR,
    )
    access_log.record(actor, "invite", "invitation", row.id, email=email, role=role)
    return Invited(row.id, email, language, secret)


def withdraw(actor: Actor, invitation_id: UUID) -> None:
    """End an invitation. Raises Forbidden, NotFound."""
    actor.require_admin()
    row = Invitation.objects.filter(id=invitation_id, accepted_at=None, revoked_at=None).first()
    if row is None:
        raise NotFound
    Invitation.objects.filter(id=row.id).update(revoked_at=now())
    access_log.record(actor, "withdraw", "invitation", row.id, email=row.email)


def behind(secret: str) -> tuple[UUID, UUID] | None:
    """(workspace, invitation) of a link that still opens; None for any other. Asked outside a workspace."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT workspace_id, invitation_id FROM wasl_invitation(%s)", [_digest(secret)])
        row = cursor.fetchone()
    return (row[0], row[1]) if row else None


def account_of(email: str) -> User | None:
    """The person who signs in with this address already, in another workspace."""
    return User.objects.filter(email=email).first()


def accept(invitation_id: UUID, user: User) -> Agent:
    """Make the person an agent, inside `tenant(…)`. Raises NotFound when it ended, Refused for another's invitation."""
    row = Invitation.objects.select_for_update().filter(_open(), id=invitation_id).first()
    if row is None:
        raise NotFound
    if user.email != row.email:
        raise Refused("wrong_account")
    agent, _ = Agent.objects.update_or_create(
        workspace_id=row.workspace_id,
        user=user,
        defaults={"name": user.name, "role": row.role, "is_active": True},
    )
    for team in Team.objects.filter(id__in=row.teams):
        TeamMember.objects.get_or_create(workspace_id=row.workspace_id, team=team, agent=agent)
    row.accepted_at = now()
    row.save(update_fields=["accepted_at"])
    as_new = Actor(row.workspace_id, row.role, frozenset(), agent_id=agent.id, name=agent.name)
    access_log.record(as_new, "accept", "agent", agent.id, email=row.email, role=row.role)
    _access_changed(row.workspace_id)
    return agent


def give_role(actor: Actor, agent_id: UUID, role: str) -> None:
    """Change what an agent may do. Raises Forbidden, NotFound, Refused, ValueError."""
    actor.require_reach(role)
    agent = _held(actor, agent_id)
    if agent.role == role:
        return
    if agent.role == Role.OWNER:
        _not_the_last_owner(agent)
    was, agent.role = agent.role, role
    agent.save(update_fields=["role"])
    access_log.record(actor, "role", "agent", agent.id, name=agent.name, was=was, role=role)
    _access_changed(actor.workspace_id)


def close(actor: Actor, agent_id: UUID) -> None:
    """End somebody's work here, at once and in every open page. Raises Forbidden, NotFound, Refused."""
    actor.require_admin()
    agent = _held(actor, agent_id)
    if agent.id == actor.agent_id:
        raise Refused("yourself")
    if agent.role == Role.OWNER:
        _not_the_last_owner(agent)
    agent.is_active = False
    agent.save(update_fields=["is_active"])
    access_log.record(actor, "close", "agent", agent.id, name=agent.name)
    _access_changed(actor.workspace_id)


def open_again(actor: Actor, agent_id: UUID) -> None:
    """Let somebody work here again, as what they were. Raises Forbidden, NotFound."""
    agent = _held(actor, agent_id)
    agent.is_active = True
    agent.save(update_fields=["is_active"])
    access_log.record(actor, "open_again", "agent", agent.id, name=agent.name)
    _access_changed(actor.workspace_id)


def take_second_step(actor: Actor, agent_id: UUID) -> User:
    """Ask somebody who lost their telephone for the password alone; returns whom to tell.

    Nobody is to lose by an administrator here what protects them in another workspace. Raises Forbidden, NotFound
    (also when there is nothing to take), Refused.
    """
    agent = _held(actor, agent_id)
    if agent.id == actor.agent_id:
        raise Refused("own_second_step")
    if _works_elsewhere(agent):
        raise Refused("works_elsewhere")
    if not second_step.switch_off(agent.user_id):
        raise NotFound
    access_log.record(actor, "second_step_take", "agent", agent.id, name=agent.name)
    return agent.user


def drop_second_step(person: User) -> bool:
    """The same for whoever runs the server, wherever that person works; whether there was anything to drop."""
    with transaction.atomic():
        dropped = second_step.switch_off(person.pk)
    for workspace_id, agent_id in _memberships(person.pk) if dropped else ():
        system = Actor(workspace_id, Role.OWNER, frozenset())
        with tenant(workspace_id):
            access_log.record(system, "second_step_take", "agent", agent_id, name=person.name)
    return dropped


def _works_elsewhere(agent: Agent) -> bool:
    return any(workspace != agent.workspace_id for workspace, _ in _memberships(agent.user_id))


def _memberships(user_id: UUID) -> list[tuple[UUID, UUID]]:
    """The workspaces in which somebody works, and as which agent. May be asked outside a workspace."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT workspace_id, agent_id FROM wasl_memberships(%s)", [user_id])
        return list(cursor.fetchall())


def require_second_step(actor: Actor, required: bool) -> None:
    """Let nobody work here without a second step, or let everybody choose. Raises Forbidden."""
    actor.require_admin()
    changed = Workspace.objects.filter(id=actor.workspace_id).exclude(second_step=required)
    if changed.update(second_step=required):
        access_log.record(actor, "second_step_required" if required else "second_step_free")


def is_second_step_required(actor: Actor) -> bool:
    """Whether everybody who works here needs a second step."""
    return Workspace.objects.filter(id=actor.workspace_id, second_step=True).exists()


def _held(actor: Actor, agent_id: UUID) -> Agent:
    """The agent, held; an admin may not change an owner."""
    actor.require_admin()
    agent = Agent.objects.select_for_update().filter(id=agent_id).first()
    if agent is None:
        raise NotFound
    actor.require_reach(agent.role)
    return agent


def _not_the_last_owner(agent: Agent) -> None:
    """Raise Refused when nobody else owns the workspace; holds every owner, so that two cannot leave at once."""
    owners = list(
        Agent.objects.select_for_update().filter(role=Role.OWNER, is_active=True).order_by("id").values("id")
    )
    if all(owner["id"] == agent.id for owner in owners):
        raise Refused("last_owner")


def _access_changed(workspace_id: UUID) -> None:
    send(raw(), [Signal("access", workspace_id)])


def _open() -> Q:
    return Q(accepted_at=None, revoked_at=None, expires_at__gt=now())


def _digest(secret: str) -> bytes:
    """256 random bits cannot be searched, so a plain SHA-256 is enough."""
    return hashlib.sha256(secret.encode("utf-8", "replace")).digest()


@dataclass(frozen=True, slots=True)
class Person:
    """An agent with their address and teams, for the list."""

    agent: Agent
    email: str
    teams: list[str]
    second_step: bool


def people(actor: Actor) -> list[Person]:
    """Everybody who works or worked here, by name; at most 500. Raises Forbidden."""
    actor.require_admin()
    rows = list(Agent.objects.select_related("user").order_by("-is_active", "name", "id")[:500])
    teams: dict[UUID, list[str]] = {}
    for agent_id, name in TeamMember.objects.order_by("team__name").values_list("agent_id", "team__name"):
        teams.setdefault(agent_id, []).append(name)
    safe = second_step.having(row.user_id for row in rows)
    return [Person(row, row.user.email, teams.get(row.id, []), row.user_id in safe) for row in rows]


def invitations(actor: Actor) -> list[Invitation]:
    """Those that were not taken up yet, the newest first; expired ones too. Raises Forbidden."""
    actor.require_admin()
    found = Invitation.objects.filter(accepted_at=None, revoked_at=None).select_related("invited_by")
    return list(found.order_by("-created_at")[:WAITING])
