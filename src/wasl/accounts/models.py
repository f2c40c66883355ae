"""Workspaces (tenants) and who works in them."""

from typing import Any, ClassVar

from django.contrib.auth.base_user import AbstractBaseUser, BaseUserManager
from django.db import models

from wasl.kit.ids import uuid7
from wasl.kit.tables import Ref, TenantModel

LANGUAGES = [("ar", "العربية"), ("fr", "Français"), ("it", "Italiano"), ("en", "English")]
THEMES = [("system", "system"), ("light", "light"), ("dark", "dark")]
DIGITS = [("latn", "latn"), ("arab", "arab")]


class Workspace(models.Model):
    """A tenant: one business with its inboxes, agents and customers."""

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    slug = models.SlugField(max_length=60, unique=True)
    name = models.CharField(max_length=120)
    language = models.CharField(max_length=2, choices=LANGUAGES, default="en")
    timezone = models.CharField(max_length=60, default="UTC")
    created_at = models.DateTimeField(auto_now_add=True)

    def __str__(self) -> str:
        return self.name


class UserManager(BaseUserManager["User"]):
    """Users are found by their e-mail address."""

    def create_user(self, email: str, password: str | None = None, **fields: Any) -> "User":
        """Create a person who can sign in; without a password they sign in by a reset link only."""
        user = self.model(email=self.normalize_email(email).lower(), **fields)
        user.set_password(password)
        user.save(using=self._db)
        return user


class User(AbstractBaseUser):
    """A person who signs in. What they may do is said by their Agent row in each workspace."""

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    email = models.EmailField(unique=True)
    name = models.CharField(max_length=120)
    language = models.CharField(max_length=2, choices=LANGUAGES, default="en")
    theme = models.CharField(max_length=6, choices=THEMES, default="system")
    digits = models.CharField(max_length=4, choices=DIGITS, default="latn")
    is_active = models.BooleanField(default=True)
    date_joined = models.DateTimeField(auto_now_add=True)

    USERNAME_FIELD = "email"
    REQUIRED_FIELDS: ClassVar[list[str]] = ["name"]

    objects: ClassVar[UserManager] = UserManager()

    def __str__(self) -> str:
        return self.email


class Role(models.TextChoices):
    """What an agent may do, from most to least."""

    OWNER = "owner"
    ADMIN = "admin"
    AGENT = "agent"
    READONLY = "readonly"


class Agent(TenantModel):
    """A user's place in a workspace."""

    user = models.ForeignKey(User, on_delete=models.PROTECT, related_name="+")
    name = models.CharField(max_length=120)
    role = models.CharField(max_length=10, choices=Role.choices, default=Role.AGENT)
    is_active = models.BooleanField(default=True)
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["workspace_id", "user"], name="agent_once_a_workspace"),
        ]
        indexes: ClassVar = [models.Index(fields=["user"], name="agent_by_user")]

    def __str__(self) -> str:
        return self.name

    @property
    def administers(self) -> bool:
        """Whether this agent sees every inbox and the administration pages."""
        return self.role in (Role.OWNER, Role.ADMIN)

    @property
    def writes(self) -> bool:
        """Whether this agent may change anything."""
        return self.role != Role.READONLY


class Team(TenantModel):
    """Agents who share work."""

    name = models.CharField(max_length=80)
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["workspace_id", "name"], name="team_name_once")
        ]

    def __str__(self) -> str:
        return self.name


class TeamMember(TenantModel):
    """An agent's place in a team."""

    team = Ref(Team)
    agent = Ref(Agent)

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["workspace_id", "team", "agent"], name="member_once"),
        ]


class ApiToken(TenantModel):
    """A key for the API. Only its SHA-256 is kept; the secret is shown once, when it is made."""

    name = models.CharField(max_length=80)
    hint = models.CharField(max_length=12, help_text="The first characters, to tell tokens apart.")
    digest = models.BinaryField(max_length=32)
    role = models.CharField(max_length=10, choices=Role.choices, default=Role.AGENT)
    created_at = models.DateTimeField(auto_now_add=True)
    used_at = models.DateTimeField(null=True)
    revoked_at = models.DateTimeField(null=True)

    class Meta:
        indexes: ClassVar = [models.Index(fields=["digest"], name="token_by_digest")]
