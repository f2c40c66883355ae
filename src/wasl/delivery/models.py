"""Deliveries, the calls made for them, and what providers said afterwards."""

from typing import ClassVar

from django.db import models

from wasl.channels.models import Inbox
from wasl.customers.models import Customer
from wasl.kit.tables import Ref, TenantModel


class State(models.TextChoices):
    """Where a delivery stands. From `sent` on they are ends, but for in_doubt; receipts may still refine them."""

    QUEUED = "queued"
    SENDING = "sending"
    RETRY = "retry"
    IN_DOUBT = "in_doubt"
    SENT = "sent"
    DELIVERED = "delivered"
    READ = "read"
    FAILED = "failed"


class Delivery(TenantModel):
    """One message to one customer on one channel, worked on until it reaches an end a person can read."""

    inbox = Ref(Inbox)
    customer = Ref(Customer)
    conversation_id = models.UUIDField(null=True)
    message_id = models.UUIDField(help_text="What is delivered: the conversation's message.")
    part = models.SmallIntegerField(default=1, db_default=1, help_text="Which part of the message this is.")
    parts = models.SmallIntegerField(
        default=1, db_default=1, help_text="In how many parts the message goes: see delivery.parts."
    )
    channel = models.TextField()
    address = models.TextField()
    payload = models.JSONField(help_text="What the channel sends: see channels.base.OutboundMessage.")
    state = models.CharField(max_length=10, choices=State.choices, default=State.QUEUED)
    created_at = models.DateTimeField()
    due_at = models.DateTimeField(
        help_text="When it is next worked on; while a worker holds it, when its lease ends."
    )
    deadline_at = models.DateTimeField(help_text="After which temporary failures become a final one.")
    attempts = models.IntegerField(default=0, help_text="Calls made since it was last queued.")
    doubts = models.IntegerField(default=0, help_text="How many of them nobody can say the end of.")
    doubt_until = models.DateTimeField(null=True, help_text="How long evidence is waited for.")
    reason = models.TextField(default="", help_text="Why not, for people: course.REASONS.")
    ended_at = models.DateTimeField(null=True)
    ref = models.TextField(default="", db_default="", help_text="The provider's id of it, once it took it.")
    fence = models.BigIntegerField(
        default=0, help_text="Grows with every claim and every change from outside."
    )

    class Meta:
        indexes: ClassVar = [
            models.Index(
                fields=["workspace_id", "inbox", "due_at", "id"],
                name="delivery_waiting",
                condition=models.Q(state__in=["queued", "retry"]),
            ),
            models.Index(
                fields=["due_at", "id"],
                name="delivery_watched",
                condition=models.Q(state__in=["sending", "in_doubt"]),
            ),
            models.Index(fields=["workspace_id", "message_id"], name="delivery_of_message"),
            models.Index(fields=["workspace_id", "ref"], name="delivery_by_ref", condition=~models.Q(ref="")),
        ]


class Attempt(TenantModel):
    """One provider call, written before it is made."""

    delivery = Ref(Delivery)
    number = models.IntegerField()
    started_at = models.DateTimeField()
    finished_at = models.DateTimeField(null=True)
    outcome = models.TextField(default="", help_text="'' while under way, then course.Ending.")
    reason = models.TextField(default="")
    code = models.TextField(default="")
    detail = models.TextField(default="")

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["workspace_id", "delivery", "number"], name="attempt_once"),
        ]


class Receipt(TenantModel):
    """What a provider said after the call, as it came (a bounce, a read receipt)."""

    delivery = Ref(Delivery)
    inbound_id = models.UUIDField(null=True)
    kind = models.TextField()
    at = models.DateTimeField()
    detail = models.JSONField(default=dict)

    class Meta:
        indexes: ClassVar = [
            models.Index(fields=["workspace_id", "delivery", "at"], name="receipt_of_delivery")
        ]


class Suppression(TenantModel):
    """An address that nothing is sent to any more, because its owner said so: `why` is a `suppression.Why`."""

    channel = models.TextField()
    address = models.TextField(help_text="As identities of the channel are compared.")
    at = models.DateTimeField()
    why = models.TextField()

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["workspace_id", "channel", "address"], name="suppressed_once"),
        ]
