"""Inboxes: the configured ends of channels."""

from typing import ClassVar

from django.db import models

from wasl.accounts.models import Team
from wasl.kit.tables import Ref, TenantModel


class Inbox(TenantModel):
    """One end of a channel: the address customers write to and how answers leave.

    `config` holds what the channel needs (for e-mail: host, port, tls, user, signature); `secret` the password,
    sealed under the master key.
    """

    channel = models.TextField()
    name = models.CharField(max_length=80)
    address = models.TextField(help_text="Normalised address (e-mail) or a slug (API).")
    language = models.CharField(max_length=2, default="en")
    config = models.JSONField(default=dict)
    secret = models.BinaryField(null=True)
    is_active = models.BooleanField(default=True)
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["workspace_id", "channel", "address"], name="inbox_once"),
        ]
        indexes: ClassVar = [models.Index(fields=["channel", "address"], name="inbox_by_address")]

    def __str__(self) -> str:
        return self.name


class InboxTeam(TenantModel):
    """A team that may see an inbox. An inbox without teams is open to every agent of the workspace."""

    inbox = Ref(Inbox)
    team = Ref(Team)

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["workspace_id", "inbox", "team"], name="inbox_team_once"),
        ]
