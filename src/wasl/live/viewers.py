"""Who is behind a session, and what they may see: asked for many sessions in one go."""

from collections.abc import Collection, Iterable
from dataclasses import dataclass
from typing import Any, LiteralString
from uuid import UUID

from django.conf import settings
from django.contrib.auth import BACKEND_SESSION_KEY, HASH_SESSION_KEY
from django.contrib.auth import SESSION_KEY as USER_SESSION_KEY
from django.contrib.sessions.backends.db import SessionStore
from django.contrib.sessions.models import Session
from django.db import connection
from django.utils.crypto import constant_time_compare

from wasl.accounts.models import Role, User
from wasl.accounts.second_step import OWES
from wasl.channels.queries import visible_inboxes_of
from wasl.kit.clock import now
from wasl.kit.db import tenant
from wasl.kit.signal import Signal
from wasl.workspace.seat import SESSION_KEY as PLACE_SESSION_KEY
from wasl.workspace.seat import Place, choose


@dataclass(frozen=True, slots=True)
class Viewer:
    """An agent at an open page: what they may be told of."""

    workspace_id: UUID
    agent_id: UUID
    role: str
    inboxes: frozenset[UUID]

    def may_hear(self, signal: Signal) -> bool:
        """Whether a signal of their own workspace concerns something they may see."""
        if signal.agent is not None:
            return signal.agent == self.agent_id
        if self.role in _ADMINISTER:
            return True
        if signal.kind == "quarantine":
            return False
        return signal.inbox is None or signal.inbox in self.inboxes


_ADMINISTER = frozenset({Role.OWNER, Role.ADMIN})


def viewers(keys: Collection[str]) -> dict[str, Viewer]:
    """The viewers behind session keys; a key is absent when its session ended or its agent works nowhere.

    Judges a session as `django.contrib.auth.get_user` does, with a constant number of questions to the database
    and three for each workspace. Blocks: not for the event loop.
    """
    sessions = _sessions(keys)
    users = {
        str(user.pk): user
        for user in User.objects.filter(pk__in={data[USER_SESSION_KEY] for data in sessions.values()})
    }
    signed_in = {
        key: data for key, data in sessions.items() if _is_valid(users.get(data[USER_SESSION_KEY]), data)
    }
    found = _places({data[USER_SESSION_KEY] for data in signed_in.values()})
    chosen = {
        key: place
        for key, data in signed_in.items()
        if (place := choose(found.get(data[USER_SESSION_KEY], ()), data.get(PLACE_SESSION_KEY, "")))
    }
    seated = _agents(chosen.values())
    return {key: seated[place.agent_id] for key, place in chosen.items() if place.agent_id in seated}


def _sessions(keys: Collection[str]) -> dict[str, dict[str, Any]]:
    rows = Session.objects.filter(session_key__in=list(keys), expire_date__gt=now())
    store = SessionStore()
    decoded = ((key, store.decode(data)) for key, data in rows.values_list("session_key", "session_data"))
    return {key: data for key, data in decoded if USER_SESSION_KEY in data}


def _is_valid(user: User | None, data: dict[str, Any]) -> bool:
    """The session belongs to a user who may sign in, and was made under their present password."""
    if (
        user is None
        or not user.is_active
        or data.get(BACKEND_SESSION_KEY) not in settings.AUTHENTICATION_BACKENDS
    ):
        return False
    known = data.get(HASH_SESSION_KEY) or ""
    return any(
        constant_time_compare(known, accepted)
        for accepted in (user.get_session_auth_hash(), *user.get_session_auth_fallback_hash())
    )


def _places(users: Iterable[str]) -> dict[str, tuple[Place, ...]]:
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT u::text, m.workspace_id, m.slug, m.workspace_name, m.agent_id"
            " FROM unnest(%s::uuid[]) AS u, LATERAL wasl_memberships(u) AS m",
            [list(users)],
        )
        found: dict[str, tuple[Place, ...]] = {}
        for user, *place in cursor.fetchall():
            found[user] = (*found.get(user, ()), Place(*place))
    return found


# Whoever still owes their workspace a second step hears as little as they may read.
_SEATED: LiteralString = f"""
SELECT a.id, a.role FROM accounts_agent a JOIN accounts_workspace w ON w.id = a.workspace_id
WHERE a.id = ANY(%s) AND a.is_active AND NOT ({OWES})
"""


def _agents(places: Iterable[Place]) -> dict[UUID, Viewer]:
    by_workspace: dict[UUID, list[UUID]] = {}
    for place in places:
        by_workspace.setdefault(place.workspace_id, []).append(place.agent_id)
    found: dict[UUID, Viewer] = {}
    for workspace_id, agent_ids in by_workspace.items():
        with tenant(workspace_id):
            with connection.cursor() as cursor:
                cursor.execute(_SEATED, [agent_ids])
                roles: dict[UUID | None, str] = dict(cursor.fetchall())
            visible = visible_inboxes_of(roles)
        found |= {
            agent: Viewer(workspace_id, agent, role, visible[agent]) for agent, role in roles.items() if agent
        }
    return found
