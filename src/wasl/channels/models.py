"""Inboxes: the configured ends of channels."""

from typing import ClassVar

from django.db import models

from wasl.accounts.models import Calendar, Team
from wasl.kit.tables import Ref, TenantModel


class Inbox(TenantModel):
    """One end of a channel: the address customers write to and how answers leave.

    `config` holds what the channel needs (for e-mail: `smtp`, `imap` and `signature`, see `channels.settings`);
    `secret` the outgoing password and `incoming_secret` what opens an outside mailbox, sealed under the master key.
    `forward` is the part before the @ of an address of its own, for mail that is forwarded to Wasl.
    """

    channel = models.TextField()
    name = models.CharField(max_length=80)
    address = models.TextField(help_text="Normalised address (e-mail) or a slug (API).")
    language = models.CharField(max_length=2, default="en")
    config = models.JSONField(default=dict)
    secret = models.BinaryField(null=True)
    incoming_secret = models.BinaryField(null=True)
    forward = models.TextField(default="")
    calendar = Ref(Calendar, null=True, help_text="When it is answered; null: the workspace's own.")
    links = models.BooleanField(
        default=False, db_default=False, help_text="Whether answers carry the link to the conversation."
    )
    is_active = models.BooleanField(default=True)
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["workspace_id", "channel", "address"], name="inbox_once"),
        ]
        indexes: ClassVar = [
            models.Index(fields=["channel", "address"], name="inbox_by_address"),
            models.Index(fields=["forward"], name="inbox_by_forward", condition=~models.Q(forward="")),
        ]

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


class Mailbox(TenantModel):
    """How far the outside mailbox of an inbox has been fetched (IMAP). `id` is the inbox's.

    A queue: a worker holds a row, until `held_until`, under a token of its own; whoever changes the settings takes the
    token away. `last_uid` is the last message that is stored, as long as the folder's `uidvalidity` is the same. What
    lay there when it was first opened, up to `highest_uid`, is fetched if it arrived after `since`. `stuck_uid` is a
    message that could not be had `stuck_tries` times. `problem` is a `channels.email.trouble.Fault`, with the server's
    own words in `detail`.
    """

    is_active = models.BooleanField(default=True)
    due_at = models.DateTimeField()
    held_by = models.UUIDField(null=True)
    held_until = models.DateTimeField(null=True)
    uidvalidity = models.BigIntegerField(default=0)
    last_uid = models.BigIntegerField(default=0)
    highest_uid = models.BigIntegerField(default=0)
    since = models.DateTimeField()
    stuck_uid = models.BigIntegerField(default=0)
    stuck_tries = models.IntegerField(default=0)
    failures = models.IntegerField(default=0)
    problem = models.TextField(default="")
    detail = models.TextField(default="")
    problem_since = models.DateTimeField(null=True)
    checked_at = models.DateTimeField(null=True)
    fetched_at = models.DateTimeField(null=True)
    fetched = models.BigIntegerField(default=0)

    class Meta:
        indexes: ClassVar = [
            models.Index(fields=["due_at"], name="mailbox_due", condition=models.Q(is_active=True))
        ]


class Refused(TenantModel):
    """How many webhooks for an inbox were not the provider's, as far as anybody can tell. `id` is the inbox's."""

    count = models.BigIntegerField()
    first_at = models.DateTimeField()
    last_at = models.DateTimeField()
