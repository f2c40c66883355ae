"""Workspaces (tenants) and who works in them."""

from typing import Any, ClassVar

from django.contrib.auth.base_user import AbstractBaseUser, BaseUserManager
from django.db import models

from wasl.kit.ids import uuid7
from wasl.kit.languages import LANGUAGES
from wasl.kit.tables import Ref, TenantModel

THEMES = [("system", "system"), ("light", "light"), ("dark", "dark")]
DIGITS = [("latn", "latn"), ("arab", "arab")]


class Workspace(models.Model):
    """A tenant: one business with its inboxes, agents and customers."""

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    slug = models.SlugField(max_length=60, unique=True)
    name = models.CharField(max_length=120)
    language = models.CharField(max_length=2, choices=LANGUAGES, default="en")
    timezone = models.CharField(max_length=60, default="UTC")
    second_step = models.BooleanField(
        default=False, db_default=False, help_text="Whether everybody who works here needs a second step."
    )
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


class Calendar(TenantModel):
    """When somebody is there to answer: hours of a week in a time zone. `hours.Hours` reckons with it.

    `week` holds seven lists, Monday first, of [from, to] in minutes since midnight; `to` past 1440 is the next day.
    The workspace's own calendar `is_default`; inboxes and teams may have another.
    """

    name = models.CharField(max_length=80)
    timezone = models.CharField(max_length=60)
    week = models.JSONField(default=list)
    is_default = models.BooleanField(default=False)
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["workspace_id", "name"], name="calendar_name_once"),
            models.UniqueConstraint(
                fields=["workspace_id"], name="calendar_default_once", condition=models.Q(is_default=True)
            ),
        ]

    def __str__(self) -> str:
        return self.name


class Holiday(TenantModel):
    """Days of a calendar on which nobody is there, from `day` to `last_day`; `yearly`: in every year."""

    calendar = Ref(Calendar)
    name = models.CharField(max_length=80)
    day = models.DateField()
    last_day = models.DateField()
    yearly = models.BooleanField(default=False)

    class Meta:
        indexes: ClassVar = [
            models.Index(fields=["workspace_id", "calendar", "day"], name="holiday_of_calendar")
        ]


class Team(TenantModel):
    """Agents who share work."""

    name = models.CharField(max_length=80)
    calendar = Ref(Calendar, null=True)
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


class Invitation(TenantModel):
    """A letter that asks somebody to work here. Only the SHA-256 of the secret in its link is kept."""

    email = models.EmailField()
    role = models.CharField(max_length=10, choices=Role.choices, default=Role.AGENT)
    teams = models.JSONField(default=list, help_text="Ids of the teams they will be in.")
    language = models.CharField(max_length=2, choices=LANGUAGES, default="en")
    digest = models.BinaryField(max_length=32)
    invited_by = Ref(Agent)
    created_at = models.DateTimeField()
    expires_at = models.DateTimeField()
    accepted_at = models.DateTimeField(null=True)
    revoked_at = models.DateTimeField(null=True)

    class Meta:
        indexes: ClassVar = [
            models.Index(fields=["digest"], name="invitation_by_digest"),
            models.Index(fields=["workspace_id", "-created_at"], name="invitations_latest"),
        ]


class Access(TenantModel):
    """A line of the access log: who looked at or changed what. Written once, never changed.

    `verb` is the name of the route or of the action, `thing` what it was about: `conversation`, `customer`, `agent`…
    """

    at = models.DateTimeField()
    agent_id = models.UUIDField(null=True)
    token_id = models.UUIDField(null=True)
    changed = models.BooleanField(default=False)
    verb = models.CharField(max_length=60)
    thing = models.CharField(max_length=30, default="")
    thing_id = models.UUIDField(null=True)
    address = models.GenericIPAddressField(null=True, help_text="Where the request came from.")
    detail = models.JSONField(default=dict)

    class Meta:
        indexes: ClassVar = [
            models.Index(fields=["workspace_id", "-at"], name="access_latest"),
            models.Index(fields=["workspace_id", "thing_id", "-at"], name="access_of_thing"),
            models.Index(fields=["workspace_id", "agent_id", "-at"], name="access_of_agent"),
        ]
