"""Where the reader of a page sits: which workspace, as which agent, seeing what."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import LiteralString
from uuid import UUID
from zoneinfo import ZoneInfo

from django.db import connection

from wasl.accounts.actor import Actor
from wasl.accounts.second_step import OWES
from wasl.channels.queries import SEEN
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
    """The chosen place, who the reader is there, and the places they could change to.

    `owes_second_step`: the workspace asks everybody for one, and the reader has none yet.
    """

    actor: Actor
    workspace: str
    timezone: ZoneInfo
    places: tuple[Place, ...]
    owes_second_step: bool


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
            name, role, workspace, zone, inboxes, owes = cursor.fetchone() or ("", "", "", "UTC", (), False)
        actor = Actor(place.workspace_id, role, frozenset(inboxes), agent_id=place.agent_id, name=name)
        yield Seat(actor, workspace, ZoneInfo(zone), found, owes)


_SIT: LiteralString = f"""
SELECT a.name, a.role, w.name, w.timezone, {SEEN},
  {OWES}
FROM (SELECT set_config('transaction_read_only', %s, true)) AS mode
CROSS JOIN accounts_agent a JOIN accounts_workspace w ON w.id = a.workspace_id
WHERE a.id = %s
"""
