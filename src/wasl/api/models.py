"""What the API remembers of requests that carried an idempotency key."""

from typing import ClassVar

from django.db import models

from wasl.kit.tables import TenantModel


class Idempotency(TenantModel):
    """The answer that was given to a key, kept so that the same request gets it again."""

    token_id = models.UUIDField()
    key = models.TextField()
    fingerprint = models.BinaryField(max_length=32, help_text="SHA-256 of method, path and body.")
    status = models.SmallIntegerField(null=True, help_text="Null while the first request is under way.")
    answer = models.JSONField(null=True)
    created_at = models.DateTimeField()

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["workspace_id", "token_id", "key"], name="idempotency_once"),
        ]
        indexes: ClassVar = [models.Index(fields=["workspace_id", "created_at"], name="idempotency_by_age")]
