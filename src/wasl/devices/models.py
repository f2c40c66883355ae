"""Customers' devices, and the calls to them that wait."""

from typing import ClassVar

from django.db import models

from wasl.channels.models import Inbox
from wasl.customers.models import Customer, Identity
from wasl.kit.tables import Ref, TenantModel


class Device(TenantModel):
    """A browser or an app of a customer that takes notices. `identity` is the account that was signed in on it.

    `target` is where it is called (JSON of token, key and auth), sealed; it goes when the subscription ends. `digest`
    is the token's (SHA-256): by it the same device is known when it comes again; `seen_at` when it last showed itself,
    `rung_at` when it last took a notice, `trouble` a `Reason` for which the last one did not get through.
    """

    customer = Ref(Customer)
    identity = Ref(Identity)
    inbox = Ref(Inbox)
    kind = models.CharField(max_length=4)
    digest = models.BinaryField()
    target = models.BinaryField(null=True)
    label = models.TextField(default="")
    language = models.CharField(max_length=2, default="")
    created_at = models.DateTimeField()
    seen_at = models.DateTimeField()
    rung_at = models.DateTimeField(null=True)
    trouble = models.TextField(default="")
    ended_at = models.DateTimeField(null=True)
    why = models.TextField(default="", help_text="channels.app.ring.Why")

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["workspace_id", "inbox", "digest"], name="customer_device_once"),
        ]
        indexes: ClassVar = [
            models.Index(fields=["workspace_id", "identity"], name="devices_of_account"),
            models.Index(fields=["workspace_id", "customer"], name="devices_of_customer"),
        ]


class Push(TenantModel):
    """A call to a device that waits: the workers' queue. It goes when it is made, given up, or read before.

    A worker that holds it has moved `due_at` to when its lease ends.
    """

    device = Ref(Device)
    delivery_id = models.UUIDField()
    due_at = models.DateTimeField()
    until = models.DateTimeField(help_text="After which nobody wants to hear of it any more.")
    attempts = models.IntegerField(default=0)

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["workspace_id", "device", "delivery_id"], name="push_once"),
        ]
        indexes: ClassVar = [models.Index(fields=["due_at", "id"], name="push_waiting")]
