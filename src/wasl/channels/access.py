"""What an API token opens: who acts, and into which API inboxes they may post. Remembered for a few seconds."""

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cache
from typing import Any, Literal, LiteralString
from uuid import UUID

from django.conf import settings

from wasl.accounts import tokens
from wasl.accounts.actor import Actor
from wasl.accounts.models import Role
from wasl.kit.db import SET_WORKSPACE, AsyncConnection, Connection
from wasl.kit.memory import Pace, Recent
from wasl.kit.problem import Problem

USED = "1 minute"
"""How exact `used_at` of a token is."""


@dataclass(frozen=True, slots=True)
class Access:
    """A token's holder. `doors` are the API inboxes that are on, by id and by address."""

    actor: Actor
    doors: Mapping[str, UUID]


_WHO: LiteralString = "SELECT workspace_id, token_id, role FROM wasl_token(%s)"
_USED: LiteralString = (
    "UPDATE accounts_apitoken SET used_at = now() WHERE workspace_id = %s AND id = %s"
    f" AND (used_at IS NULL OR used_at < now() - interval '{USED}')"
)
# An inbox without teams is open to all; a token belongs to no team.
_INBOXES: LiteralString = (
    "SELECT i.id, i.channel = 'api' AND i.is_active, i.address,"
    " EXISTS (SELECT FROM channels_inboxteam t WHERE t.workspace_id = i.workspace_id AND t.inbox_id = i.id)"
    " FROM channels_inbox i WHERE i.workspace_id = %s"
)

_known: Recent[bytes, Access] = Recent(tokens.REVOKED_WITHIN, 10_000)
# Kept apart, so that guessing cannot push out those who are known.
_unknown: Recent[bytes, bool] = Recent(tokens.REVOKED_WITHIN, 1_000)


def token_in(authorization: str) -> bytes:
    """The digest of the bearer token in a header (RFC 6750 §2.1). Raises Problem when there is none."""
    scheme, _, secret = authorization.partition(" ")
    digest = tokens.digest(secret.strip()) if scheme.lower() == "bearer" else None
    if digest is None:
        raise _unauthorised(authorization)
    return digest


def remembered(digest: bytes) -> Access | Literal[False] | None:
    """What is known of a token without asking: its access, False for none, None when the database must be asked."""
    return _known.get(digest) or (False if _unknown.get(digest) else None)


def admit(found: Access | Literal[False] | None) -> Access:
    """A token's holder, if there is one and they are not too fast. Raises Problem."""
    if not found:
        raise _unauthorised("unknown")
    if wait := _pace().take(found.actor.token_id):
        seconds = max(1, math.ceil(wait))
        raise Problem(
            "too-many",
            f"Your token may ask {settings.ENV.api_rate} times a second. Try again in {seconds} s.",
            headers={"Retry-After": str(seconds)},
        )
    return found


@cache
def _pace() -> Pace[UUID | None]:
    return Pace(settings.ENV.api_rate, 2 * settings.ENV.api_rate)


def _unauthorised(sent: str) -> Problem:
    if not sent:
        detail, challenge = (
            "Send the header 'Authorization: Bearer wasl_…' with your token.",
            'Bearer realm="wasl"',
        )
    else:
        detail = "This token is not known. It may be mistyped, or it has been revoked."
        challenge = 'Bearer realm="wasl", error="invalid_token"'
    return Problem("no-token", detail, headers={"WWW-Authenticate": challenge})


def forget() -> None:
    """Ask the database again for every token."""
    _known.clear()
    _unknown.clear()


def look_up(conn: Connection, digest: bytes) -> Access | None:
    """Ask the database about a token, in a transaction of its own; None when it opens nothing."""
    with conn.transaction():
        who = conn.execute(_WHO, [digest]).fetchone()
        if who is None:
            _unknown.put(digest, True)
            return None
        workspace_id, token_id, _ = who
        conn.execute(SET_WORKSPACE, [str(workspace_id)])
        conn.execute(_USED, [workspace_id, token_id])
        inboxes = conn.execute(_INBOXES, [workspace_id]).fetchall()
    return _granted(digest, who, inboxes)


async def look_up_async(conn: AsyncConnection, digest: bytes) -> Access | None:
    """The same, for doors."""
    async with conn.transaction():
        who = await (await conn.execute(_WHO, [digest])).fetchone()
        if who is None:
            _unknown.put(digest, True)
            return None
        workspace_id, token_id, _ = who
        await conn.execute(SET_WORKSPACE, [str(workspace_id)])
        await conn.execute(_USED, [workspace_id, token_id])
        inboxes = await (await conn.execute(_INBOXES, [workspace_id])).fetchall()
    return _granted(digest, who, inboxes)


def _granted(digest: bytes, who: tuple[Any, ...], inboxes: Iterable[tuple[Any, ...]]) -> Access:
    workspace_id, token_id, role = who
    widest = role in (Role.OWNER, Role.ADMIN)
    seen = [
        (id_, is_door, address) for id_, is_door, address, is_closed in inboxes if widest or not is_closed
    ]
    doors = {address: id_ for id_, is_door, address in seen if is_door}
    doors |= {str(id_): id_ for id_, is_door, _ in seen if is_door}
    actor = Actor(
        workspace_id,
        role,
        frozenset(id_ for id_, _, _ in seen),
        token_id=token_id,
    )
    access = Access(actor, doors)
    _known.put(digest, access)
    return access
