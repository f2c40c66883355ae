"""What customers are told of themselves: acknowledgements, and the promises made in them."""

from typing import ClassVar

from django.db import models

from wasl.accounts.models import Agent
from wasl.channels.models import Inbox
from wasl.conversations.models import Conversation
from wasl.customers.models import Customer
from wasl.kit.languages import LANGUAGES
from wasl.kit.tables import Ref, TenantModel

MINUTES = 480
"""Of business time that are promised where nobody said otherwise."""


class Acknowledgement(TenantModel):
    """Whether first messages of an inbox are acknowledged; without a row, as its channel says (`Channel.greets`).
    `minutes` is what is promised, in business time, as long as too few conversations were answered to know better."""

    inbox = Ref(Inbox)
    is_on = models.BooleanField(default=False)
    minutes = models.IntegerField(default=MINUTES)

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["workspace_id", "inbox"], name="acknowledgement_once"),
        ]


class AcknowledgementText(TenantModel):
    """An inbox's own words in one language, with variables; without a row, ours (see `texts`)."""

    inbox = Ref(Inbox)
    language = models.CharField(max_length=2, choices=LANGUAGES)
    text = models.TextField()

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint(
                fields=["workspace_id", "inbox", "language"], name="acknowledgement_text_once"
            ),
        ]


class Promise(TenantModel):
    """By when a customer was told to hear from us, and when they did. One a conversation.

    `basis` is median or configured, from `samples` conversations; `minutes` of business time from `made_at` to
    `due_at`. Without a `due_at` no time was named. `message_id` is the acknowledgement's. Once an agent said that
    another time counts instead, it is `settled_at` and contradicts nothing any more.
    """

    conversation = Ref(Conversation)
    customer = Ref(Customer)
    inbox = Ref(Inbox)
    message_id = models.UUIDField()
    made_at = models.DateTimeField()
    due_at = models.DateTimeField(null=True)
    minutes = models.IntegerField(default=0)
    basis = models.CharField(max_length=10)
    samples = models.IntegerField(default=0)
    answered_at = models.DateTimeField(null=True)
    settled_at = models.DateTimeField(null=True)

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["workspace_id", "conversation"], name="promise_once"),
        ]
        indexes: ClassVar = [
            models.Index(fields=["workspace_id", "customer", "made_at"], name="promises_of_customer"),
        ]


class Takeover(TenantModel):
    """That an agent has taken a conversation over from programs, which send nothing in it while the row is there. Its
    id is the conversation's."""

    agent = Ref(Agent)
    at = models.DateTimeField()


class Notice(TenantModel):
    """Something an agent is told of. What happens again before it was seen counts up `times` of the same one."""

    agent = Ref(Agent)
    kind = models.CharField(max_length=12)
    conversation = Ref(Conversation)
    at = models.DateTimeField()
    times = models.IntegerField(default=1)
    seen_at = models.DateTimeField(null=True)
    pushed_at = models.DateTimeField(null=True, help_text="When it was last sent to the agent's devices.")
    mailed_at = models.DateTimeField(null=True, help_text="When a digest told of it.")

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint(
                fields=["workspace_id", "agent", "kind", "conversation"],
                name="notice_unseen_once",
                condition=models.Q(seen_at__isnull=True),
            ),
        ]
        indexes: ClassVar = [
            models.Index(fields=["workspace_id", "agent", "-at"], name="notices_of_agent"),
            models.Index(
                fields=["workspace_id", "agent"],
                name="notices_unseen",
                condition=models.Q(seen_at__isnull=True),
            ),
        ]


class Telling(TenantModel):
    """How an agent wants to be told: for each kind the ways. Its id is the agent's; without a row, see `notices`."""

    ways = models.JSONField(default=dict, help_text="{kind: [page, push, mail]}")


class Device(TenantModel):
    """A browser that takes web push (RFC 8030) for an agent."""

    agent = Ref(Agent)
    endpoint = models.TextField()
    key = models.BinaryField(help_text="p256dh: the browser's public key (RFC 8291).")
    auth = models.BinaryField(help_text="The browser's authentication secret.")
    label = models.CharField(max_length=80, default="")
    created_at = models.DateTimeField()

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["workspace_id", "agent", "endpoint"], name="device_once"),
        ]


class Due(TenantModel):
    """An agent whom a device or a letter is to tell something: the workers' queue. Its id is the agent's."""

    push_at = models.DateTimeField(null=True)
    mail_at = models.DateTimeField(null=True)

    class Meta:
        indexes: ClassVar = [
            models.Index(fields=["push_at"], name="due_push"),
            models.Index(fields=["mail_at"], name="due_mail"),
        ]
