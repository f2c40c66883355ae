"""Conversations and their messages."""

from typing import ClassVar

from django.db import models

from wasl.accounts.models import Agent
from wasl.channels.models import Inbox
from wasl.customers.models import Customer
from wasl.kit.tables import Ref, TenantModel


class Status(models.TextChoices):
    """Where a conversation stands."""

    OPEN = "open"
    RESOLVED = "resolved"


class Conversation(TenantModel):
    """A thread with a customer in an inbox.

    From `last_at` on, the columns are a projection: they can be rebuilt from messages and deliveries.
    """

    customer = Ref(Customer)
    inbox = Ref(Inbox)
    subject = models.TextField(default="")
    created_at = models.DateTimeField()

    status = models.CharField(max_length=10, choices=Status.choices, default=Status.OPEN)
    assignee = Ref(Agent, null=True)
    last_at = models.DateTimeField()
    last_in_at = models.DateTimeField(null=True)
    last_way = models.CharField(max_length=4, default="in")
    preview = models.TextField(default="")
    messages = models.IntegerField(default=0)
    trouble = models.CharField(
        max_length=10, default="", help_text="'' or the state of a delivery that needs a look."
    )

    class Meta:
        # Without `id` at their end: with it, PostgreSQL may take one of them for the way to a row by its id, as long as
        # its statistics know nothing, and then every foreign key check reads the whole workspace.
        indexes: ClassVar = [
            models.Index(fields=["workspace_id", "status", "-last_at"], name="conversation_list"),
            models.Index(fields=["workspace_id", "assignee", "status", "-last_at"], name="conversation_mine"),
            models.Index(
                fields=["workspace_id", "customer", "inbox", "status"], name="conversation_of_customer"
            ),
        ]


class Message(TenantModel):
    """One message of a conversation. `way` is in, out or note; an inbound message has its inbound's id.

    The table has one more column, `search`: a text vector that PostgreSQL itself keeps (see 0002_tenancy).
    """

    conversation = Ref(Conversation)
    customer = Ref(Customer)
    way = models.CharField(max_length=4)
    channel = models.TextField()
    identity_id = models.UUIDField(null=True)
    author_id = models.UUIDField(null=True, help_text="The agent, for out and note.")
    delivery_id = models.UUIDField(null=True)
    at = models.DateTimeField()
    sent_at = models.DateTimeField(null=True, help_text="What the sender's clock said.")
    subject = models.TextField(default="")
    text = models.TextField(default="")
    html = models.TextField(default="")
    has_remote = models.BooleanField(default=False)
    language = models.CharField(max_length=2, default="")
    rfc_id = models.TextField(default="", help_text="RFC 5322 Message-ID without the angle brackets.")
    auto = models.TextField(default="")
    meta = models.JSONField(default=dict, help_text="to, cc, references, defects.")

    class Meta:
        indexes: ClassVar = [
            models.Index(fields=["workspace_id", "conversation", "at"], name="message_thread"),
            models.Index(
                fields=["workspace_id", "rfc_id"], name="message_by_rfc_id", condition=~models.Q(rfc_id="")
            ),
            models.Index(
                fields=["workspace_id", "delivery_id"],
                name="message_by_delivery",
                condition=models.Q(delivery_id__isnull=False),
            ),
        ]


class Attachment(TenantModel):
    """A file of a message; its bytes lie in the blob store under their SHA-256."""

    message = Ref(Message)
    position = models.SmallIntegerField()
    filename = models.TextField()
    content_type = models.TextField()
    size = models.BigIntegerField()
    digest = models.BinaryField(max_length=32)
    content_id = models.TextField(default="")
    inline = models.BooleanField(default=False)

    class Meta:
        indexes: ClassVar = [
            models.Index(fields=["workspace_id", "message", "position"], name="attachment_of_message")
        ]


class Seen(TenantModel):
    """How far an agent has read a conversation."""

    agent = Ref(Agent)
    conversation = Ref(Conversation)
    at = models.DateTimeField()

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["workspace_id", "agent", "conversation"], name="seen_once"),
        ]
