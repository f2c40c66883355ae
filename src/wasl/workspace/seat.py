"""Where the reader of a page sits: which workspace, as which agent, seeing what."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from uuid import UUID
from zoneinfo import ZoneInfo

from django.db import connection

from wasl.accounts.actor import Actor
from wasl.channels.queries import visible_inboxes
from wasl.kit.db import tenant

SESSION_KEY = "workspace"


@dataclass(frozen=True, slots=True)
class Place:
    """One workspace in which a user works."""

    workspace_id: UUID
    slug: str
    name: str
    agent_id: UUID


@dataclass(frozen=True, slots=True)
class Seat:
    """The chosen place, who the reader is there, and the places they could change to."""

    actor: Actor
    workspace: str
    timezone: ZoneInfo
    places: tuple[Place, ...]


def places(user_id: UUID) -> tuple[Place, ...]:
    """The workspaces of a user, by name; none when they work nowhere."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT workspace_id, slug, workspace_name, agent_id FROM wasl_memberships(%s)", [user_id]
        )
        return tuple(Place(*row) for row in cursor.fetchall())


def choose(found: tuple[Place, ...], wanted: str) -> Place | None:
    """The place whose workspace id is `wanted`, else the first."""
    return next((place for place in found if str(place.workspace_id) == wanted), found[0] if found else None)


@contextmanager
def take(place: Place, found: tuple[Place, ...], *, reading: bool) -> Iterator[Seat]:
    """Sit down: one transaction in the workspace, which can change nothing while only `reading`."""
    with tenant(place.workspace_id):
        with connection.cursor() as cursor:
            cursor.execute(_SIT, ["on" if reading else "off", place.agent_id])
            name, role, workspace, zone = cursor.fetchone() or ("", "", "", "UTC")
        actor = Actor(
            place.workspace_id,
            role,
            visible_inboxes(place.agent_id, role),
            agent_id=place.agent_id,
            name=name,
        )
        yield Seat(actor, workspace, ZoneInfo(zone), found)


_SIT = """
SELECT a.name, a.role, w.name, w.timezone
FROM (SELECT set_config('transaction_read_only', %s, true)) AS mode
CROSS JOIN accounts_agent a JOIN accounts_workspace w ON w.id = a.workspace_id
WHERE a.id = %s
"""
