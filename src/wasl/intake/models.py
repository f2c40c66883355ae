"""Raw inbound, as it came, and what still has to be done with it."""

from typing import ClassVar

from django.db import models

from wasl.kit.tables import TenantModel


class Inbound(TenantModel):
    """What a door stored before it acknowledged. `id` becomes the message's id. Never changed.

    Small payloads lie in `raw`, large ones in the blob store under `raw_digest`.
    """

    inbox_id = models.UUIDField()
    channel = models.TextField()
    received_at = models.DateTimeField()
    envelope = models.JSONField(default=dict, help_text="SMTP envelope, peer and door.")
    raw = models.BinaryField(null=True)
    raw_digest = models.BinaryField(null=True, max_length=32)
    size = models.IntegerField()
    body_digest = models.BinaryField(max_length=32, help_text="SHA-256 of what was sent, for idempotency.")
    dedupe_key = models.BinaryField(max_length=32, help_text="Message-ID + content, or the idempotency key.")

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["workspace_id", "inbox_id", "dedupe_key"], name="inbound_once"),
        ]


class InboundQueue(TenantModel):
    """Inbound not yet understood. `id` is the inbound's; the row goes when the message is on the timeline."""


class Quarantine(TenantModel):
    """Inbound that could not be understood: why, and what became of it. `id` is the inbound's."""

    inbox_id = models.UUIDField()
    reason = models.TextField()
    detail = models.TextField(default="")
    at = models.DateTimeField()
    attempts = models.IntegerField(default=1)
    settled_at = models.DateTimeField(null=True)
    outcome = models.TextField(default="", help_text="'' while open, then replayed or discarded.")

    class Meta:
        indexes: ClassVar = [
            models.Index(fields=["workspace_id", "settled_at", "id"], name="quarantine_open")
        ]


class Awaiting(TenantModel):
    """What speaks of a message that is not there yet (a receipt, an edit), by the provider's id of that message.

    `id` is the inbound's.
    """

    ref = models.TextField()
    due_at = models.DateTimeField(help_text="When it is looked at again, whether or not somebody told of it.")

    class Meta:
        indexes: ClassVar = [
            models.Index(fields=["workspace_id", "ref"], name="awaiting_by_ref"),
            models.Index(fields=["due_at"], name="awaiting_due"),
        ]


class Listening(TenantModel):
    """A channel's own connection for an inbox (`Channel.listen`): who holds it and how it stands. `id` is the inbox's.

    A worker holds it, until `held_until`, under a token of its own. `mark` tells the settings it was begun with from
    others. `problem` is a `channels.base.Reason`, with the provider's own words in `detail`.
    """

    held_by = models.UUIDField(null=True)
    held_until = models.DateTimeField(null=True)
    due_at = models.DateTimeField()
    mark = models.TextField(default="")
    failures = models.IntegerField(default=0)
    problem = models.TextField(default="")
    detail = models.TextField(default="")
    problem_since = models.DateTimeField(null=True)
    well_at = models.DateTimeField(null=True, help_text="When the connection was last known to work.")
    taken_at = models.DateTimeField(null=True)
    taken = models.BigIntegerField(default=0)
