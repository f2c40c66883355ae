"""Other programs that are told what happens: where, and how each telling went."""

from typing import ClassVar

from django.contrib.postgres.fields import ArrayField
from django.db import models

from wasl.kit.tables import Ref, TenantModel


class Endpoint(TenantModel):
    """An address that is called when something happens.

    `secret` signs the calls, wrapped by the master key; while one is replaced, `old_secret` signs them as well, until
    `old_until`. `failing_since` is the first failure after the last success. `off_why` says why it is not active: ''
    (somebody switched it off), failing (we did) or gone (it answered 410).
    """

    url = models.TextField()
    description = models.CharField(max_length=200, default="")
    kinds = ArrayField(models.TextField(), default=list)
    secret = models.BinaryField()
    old_secret = models.BinaryField(null=True)
    old_until = models.DateTimeField(null=True)
    is_active = models.BooleanField(default=True)
    off_at = models.DateTimeField(null=True)
    off_why = models.CharField(max_length=10, default="")
    failing_since = models.DateTimeField(null=True)
    succeeded_at = models.DateTimeField(null=True)
    created_at = models.DateTimeField()

    class Meta:
        indexes: ClassVar = [models.Index(fields=["workspace_id", "created_at"], name="endpoint_by_age")]


class State(models.TextChoices):
    """Where a call stands. `stopped`: the endpoint was switched off before it was made."""

    WAITING = "waiting"
    CALLING = "calling"
    DONE = "done"
    FAILED = "failed"
    STOPPED = "stopped"


class Call(TenantModel):
    """One event for one endpoint: the workers' queue, and the log. What is told of it is read when it is told.

    `event_id` is the touchpoint's; of a test it is the call's own. While a worker holds it, `due_at` is the end of its
    lease; `fence` grows with each claim.
    """

    endpoint = Ref(Endpoint)
    kind = models.TextField()
    event_id = models.UUIDField()
    customer_id = models.UUIDField(null=True)
    occurred_at = models.DateTimeField()
    created_at = models.DateTimeField()
    state = models.CharField(max_length=8, choices=State.choices, default=State.WAITING)
    due_at = models.DateTimeField()
    tries = models.IntegerField(default=0, help_text="Since it was last asked for.")
    fence = models.BigIntegerField(default=0)
    ended_at = models.DateTimeField(null=True)
    status = models.SmallIntegerField(null=True, help_text="HTTP status of the last answer.")
    why = models.TextField(default="", help_text="Why the last try failed: outcome.Why.")

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint(
                fields=["workspace_id", "endpoint", "event_id", "kind"], name="call_once"
            ),
        ]
        indexes: ClassVar = [
            models.Index(
                fields=["workspace_id", "endpoint", "due_at", "id"],
                name="call_waiting",
                condition=models.Q(state="waiting"),
            ),
            models.Index(fields=["due_at"], name="call_held", condition=models.Q(state="calling")),
            models.Index(fields=["workspace_id", "endpoint", "-created_at", "-id"], name="calls_latest"),
            models.Index(fields=["created_at"], name="calls_by_age"),
        ]


class Try(TenantModel):
    """One call that was made, and what came of it. `answer` is the beginning of the body."""

    call = Ref(Call)
    at = models.DateTimeField()
    seconds = models.FloatField(default=0)
    status = models.SmallIntegerField(null=True)
    why = models.TextField(default="")
    answer = models.TextField(default="")

    class Meta:
        indexes: ClassVar = [models.Index(fields=["workspace_id", "call", "at"], name="tries_of_call")]
