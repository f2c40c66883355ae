"""Who is asking."""

from dataclasses import dataclass
from typing import ClassVar
from uuid import UUID

from wasl.accounts.models import Role


@dataclass(frozen=True, slots=True)
class Actor:
    """An agent (or an API token) in one workspace, with the inboxes they may see.

    Every query and every action of the upper rooms takes an Actor; there is no other way in to the data.
    """

    workspace_id: UUID
    role: str
    inboxes: frozenset[UUID]
    agent_id: UUID | None = None
    token_id: UUID | None = None
    name: str = ""

    _WRITES: ClassVar = frozenset({Role.OWNER, Role.ADMIN, Role.AGENT})
    _ADMINISTERS: ClassVar = frozenset({Role.OWNER, Role.ADMIN})

    @property
    def kind(self) -> str:
        """What acts: agent, api or system."""
        return "agent" if self.agent_id else "api" if self.token_id else "system"

    @property
    def writes(self) -> bool:
        """Whether this actor may change anything."""
        return self.role in self._WRITES

    @property
    def administers(self) -> bool:
        """Whether this actor may see the administration pages and every inbox."""
        return self.role in self._ADMINISTERS

    def require_write(self) -> None:
        """Raise Forbidden unless this actor may change things."""
        if not self.writes:
            raise Forbidden("read_only")

    def require_admin(self) -> None:
        """Raise Forbidden unless this actor administers the workspace."""
        if not self.administers:
            raise Forbidden("admins_only")

    def reaches(self, role: str) -> bool:
        """Whether a role is no more than this actor's own. Raises ValueError for a role that there is not."""
        return RANKS[Role(role)] <= RANKS[Role(self.role)]

    def require_reach(self, role: str) -> None:
        """Raise Forbidden unless this actor administers the workspace and may give, or take, this role."""
        self.require_admin()
        if not self.reaches(role):
            raise Forbidden("above_own_role")


RANKS = {Role.READONLY: 0, Role.AGENT: 1, Role.ADMIN: 2, Role.OWNER: 3}


class Forbidden(Exception):
    """The actor is known but may not do this; `reason` is one of read_only, admins_only, above_own_role."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


class NotFound(Exception):
    """No such thing among what the actor may see (a thing of another workspace is just as absent)."""
