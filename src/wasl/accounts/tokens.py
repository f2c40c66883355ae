"""API tokens: made once, shown once, kept only as a SHA-256."""

import hashlib
import re
import secrets
from uuid import UUID

from wasl.accounts.actor import Actor, NotFound
from wasl.accounts.models import ApiToken, Role
from wasl.kit.clock import now

PREFIX = "wasl_"
REVOKED_WITHIN = 10.0
"""Seconds until every process has stopped honouring a token that was revoked."""

_SHAPE = re.compile(r"wasl_[A-Za-z0-9_-]{43}", re.ASCII)


def digest(secret: str) -> bytes | None:
    """What the database knows of a secret; None when the text cannot be one of ours.

    The secret has 256 random bits, so a plain SHA-256 cannot be searched and nothing slower is needed.
    """
    return hashlib.sha256(secret.encode()).digest() if _SHAPE.fullmatch(secret) else None


def create(actor: Actor, name: str, role: str = Role.AGENT) -> tuple[str, ApiToken]:
    """A new token inside `tenant(…)`: the secret, to be shown this once, and the row.

    Raises Forbidden when the actor does not administer the workspace or has a lesser role, ValueError for a role
    that there is not.
    """
    actor.require_reach(role)
    secret = PREFIX + secrets.token_urlsafe(32)
    token = ApiToken.objects.create(
        workspace_id=actor.workspace_id,
        name=name.strip()[:80],
        hint=secret[:12],
        digest=hashlib.sha256(secret.encode()).digest(),
        role=role,
    )
    return secret, token


def revoke(actor: Actor, token_id: UUID) -> None:
    """Stop honouring a token: everywhere within `REVOKED_WITHIN` seconds. Raises Forbidden or NotFound."""
    actor.require_admin()
    if not ApiToken.objects.filter(id=token_id, revoked_at=None).update(revoked_at=now()):
        raise NotFound


def tokens(actor: Actor) -> list[ApiToken]:
    """Every token of the workspace, the newest first, the revoked ones too. Raises Forbidden."""
    actor.require_admin()
    return list(ApiToken.objects.order_by("-id"))
