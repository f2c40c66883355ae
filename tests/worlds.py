"""Small worlds for tests: a workspace with inboxes, agents and a way to act as each of them."""

from dataclasses import dataclass, field
from functools import cache
from uuid import UUID

from django.contrib.auth.hashers import make_password

from wasl.accounts.actor import Actor
from wasl.accounts.models import Agent, Role, User, Workspace
from wasl.channels.models import Inbox
from wasl.channels.queries import visible_inboxes
from wasl.kit.db import tenant
from wasl.kit.ids import uuid7

PASSWORD = "correct horse battery"


@cache
def _hashed() -> str:
    """The real hash of PASSWORD, made once: it is meant to be slow."""
    return make_password(PASSWORD)


@dataclass
class Shop:
    """One workspace. `agents` and `users` are keyed by role."""

    id: UUID
    mail: Inbox
    forms: Inbox
    agents: dict[str, Agent] = field(default_factory=dict)
    users: dict[str, User] = field(default_factory=dict)

    @classmethod
    def create(cls, slug: str = "dar-zaytun", address: str = "support@dar-zaytun.example") -> "Shop":
        workspace_id = uuid7()
        with tenant(workspace_id):
            Workspace.objects.create(id=workspace_id, slug=slug, name=slug.title(), language="en")
            mail = Inbox.objects.create(
                workspace_id=workspace_id,
                channel="email",
                name="Support",
                address=address,
                config={"smtp": {"host": "127.0.0.1", "port": 2626, "tls": "none"}},
            )
            forms = Inbox.objects.create(
                workspace_id=workspace_id, channel="api", name="Forms", address="forms"
            )
            shop = cls(workspace_id, mail, forms)
            for role in Role.values:
                shop.hire(role, f"{role}@{slug}.example", role)
        return shop

    def hire(self, key: str, email: str, role: str) -> Agent:
        """A new agent, inside `tenant`; kept under `key`."""
        user = User.objects.create(email=email, password=_hashed(), name=key.title())
        agent = Agent.objects.create(workspace_id=self.id, user=user, name=key.title(), role=role)
        self.users[key], self.agents[key] = user, agent
        return agent

    def actor(self, role: str = "agent") -> Actor:
        """Act as the agent of that role."""
        agent = self.agents[role]
        with tenant(self.id):
            inboxes = visible_inboxes(agent.id, agent.role)
        return Actor(self.id, agent.role, inboxes, agent_id=agent.id, name=agent.name)
