"""The beginning of a workspace: the workspace itself, and the one who owns it."""

import re
import unicodedata
from uuid import UUID

from django.contrib.auth.password_validation import validate_password
from django.core.exceptions import ValidationError
from django.core.validators import validate_email
from django.db import IntegrityError

from wasl.accounts.models import Agent, Role, User, Workspace
from wasl.kit.db import tenant
from wasl.kit.ids import uuid7


class Refused(Exception):
    """Why not: name, slug, taken, email, password (with what is wrong with it, in sentences)."""

    def __init__(self, reason: str, detail: str = "") -> None:
        super().__init__(reason)
        self.reason, self.detail = reason, detail


def short_name(name: str) -> str:
    """What a workspace may be called in commands: Dar Zaytun is dar-zaytun; '' where no Latin letter is in it."""
    plain = unicodedata.normalize("NFKD", name).encode("ascii", "ignore").decode().lower()
    return re.sub(r"[^a-z0-9]+", "-", plain).strip("-")[:60]


def account(email: str) -> User | None:
    """Who signs in with this address already, because they work in another workspace."""
    return User.objects.filter(email=email.strip().lower()).first()


def found(
    name: str,
    slug: str,
    email: str,
    person: str,
    password: str,
    *,
    language: str = "en",
    timezone: str = "UTC",
) -> UUID:
    """Make a workspace with its owner, outside any transaction; returns its id.

    Who has an account keeps it, with its password. Raises Refused, and nothing is made.
    """
    name, email = name.strip()[:120], email.strip().lower()
    if not name:
        raise Refused("name")
    if not slug or slug != short_name(slug):
        raise Refused("slug", slug)
    workspace_id = uuid7()
    try:
        with tenant(workspace_id):
            owner = account(email) or _new(email, person, password, language)
            Workspace.objects.create(
                id=workspace_id, slug=slug, name=name, language=language, timezone=timezone
            )
            Agent.objects.create(workspace_id=workspace_id, user=owner, name=owner.name, role=Role.OWNER)
    except IntegrityError as error:
        raise Refused("taken", slug) from error
    return workspace_id


def _new(email: str, person: str, password: str, language: str) -> User:
    user = User(email=email, name=person.strip()[:120] or email.partition("@")[0], language=language)
    try:
        validate_email(email)
    except ValidationError as error:
        raise Refused("email", email) from error
    try:
        validate_password(password, user)
    except ValidationError as error:
        raise Refused("password", " ".join(error.messages)) from error
    user.set_password(password)
    user.save(force_insert=True)
    return user
