"""Telephone calls: those that were promised, those that took place, and what the provider said of them."""

from typing import ClassVar

from django.db import models

from wasl.accounts.models import Agent
from wasl.channels.models import Inbox
from wasl.conversations.models import Conversation
from wasl.customers.models import Customer
from wasl.kit.languages import LANGUAGES
from wasl.kit.tables import Ref, TenantModel

TRIES = 3
"""How often somebody is rung up who cannot be reached, unless it is said otherwise."""


class Stand(models.TextChoices):
    """Where a call-back stands."""

    WAITING = "waiting"
    DONE = "done"
    GIVEN_UP = "given_up"
    CANCELLED = "cancelled"


class Outcome(models.TextChoices):
    """What became of a call."""

    REACHED = "reached"
    NO_ANSWER = "no_answer"
    BUSY = "busy"
    VOICEMAIL = "voicemail"
    WRONG_NUMBER = "wrong_number"
    FAILED = "failed"


class State(models.TextChoices):
    """Where a call through a provider stands: wanted (to be placed), placing (the provider is being asked), under way,
    ended."""

    WANTED = "wanted"
    PLACING = "placing"
    UNDER_WAY = "under_way"
    ENDED = "ended"


class Callback(TenantModel):
    """That a customer is to be rung up, between `due_at` and `until`. A conversation has at most one that waits.

    `number` is E.164, `zone` the time zone in which the customer was told the time. `tries` counts calls that did not
    reach them; with `most` of them it is given up. `outcome` is that of the last call.
    """

    customer = Ref(Customer)
    conversation = Ref(Conversation)
    number = models.TextField()
    language = models.CharField(max_length=2, choices=LANGUAGES, default="en")
    zone = models.CharField(max_length=60, default="UTC")
    about = models.TextField(default="")
    asked_by = models.CharField(max_length=8, help_text="agent, api, customer or system.")
    asked_at = models.DateTimeField()
    due_at = models.DateTimeField()
    until = models.DateTimeField()
    assignee = Ref(Agent, null=True)
    state = models.CharField(max_length=10, choices=Stand.choices, default=Stand.WAITING)
    outcome = models.CharField(max_length=12, default="")
    tries = models.SmallIntegerField(default=0)
    most = models.SmallIntegerField(default=TRIES)
    ended_at = models.DateTimeField(null=True)

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint(
                fields=["workspace_id", "conversation"],
                name="callback_waiting_once",
                condition=models.Q(state="waiting"),
            ),
        ]
        indexes: ClassVar = [
            models.Index(fields=["workspace_id", "state", "due_at"], name="callbacks_by_time"),
            models.Index(fields=["workspace_id", "assignee", "state", "due_at"], name="callbacks_of_agent"),
            models.Index(fields=["workspace_id", "-ended_at"], name="callbacks_ended"),
            models.Index(fields=["workspace_id", "conversation"], name="callbacks_of_conversation"),
        ]


class Call(TenantModel):
    """One call, in or out. `ref` is the provider’s id of it, none for one that an agent made with their own telephone.

    What events say (`answered_at`, `seconds`, `outcome`, `price` …) is worked out from all of them together, see
    `course`. `price` is in millionths of the currency. `due_at` is when the worker has something to do for it: place
    it, or ask what it cost. `told` are the touchpoints it has made.
    """

    customer = Ref(Customer)
    conversation = Ref(Conversation, null=True)
    callback = Ref(Callback, null=True)
    inbox = Ref(Inbox, null=True)
    agent = Ref(Agent, null=True)
    way = models.CharField(max_length=3)
    number = models.TextField()
    ref = models.TextField(default="")
    state = models.CharField(max_length=10, choices=State.choices, default=State.UNDER_WAY)
    started_at = models.DateTimeField()
    answered_at = models.DateTimeField(null=True)
    ended_at = models.DateTimeField(null=True)
    seconds = models.IntegerField(default=0)
    outcome = models.CharField(max_length=12, default="")
    why = models.CharField(max_length=12, default="", help_text="Of one that was missed: closed, nobody, …")
    consent = models.CharField(
        max_length=7, default="", help_text="To be recorded: given, refused, or '' not asked."
    )
    recording = models.TextField(default="", help_text="The provider's address of the recording.")
    recorded = models.IntegerField(default=0, help_text="Seconds of it.")
    price = models.BigIntegerField(null=True)
    currency = models.CharField(max_length=3, default="")
    notes = models.TextField(default="")
    told = models.JSONField(default=list)
    due_at = models.DateTimeField(null=True)
    asked = models.SmallIntegerField(default=0, help_text="How often the provider was asked what it cost.")

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint(
                fields=["workspace_id", "inbox", "ref"], name="call_once_by_ref", condition=~models.Q(ref="")
            ),
        ]
        indexes: ClassVar = [
            models.Index(fields=["workspace_id", "callback", "started_at"], name="calls_of_callback"),
            models.Index(fields=["workspace_id", "customer", "-started_at"], name="calls_of_customer"),
            models.Index(fields=["due_at"], name="calls_due", condition=models.Q(due_at__isnull=False)),
        ]


class CallEvent(TenantModel):
    """What a provider's webhook said of a call, as it came; stored before it is answered, read by the worker.

    `key` tells it from every other of its inbox. `params` are the form's fields and those of the address.
    """

    inbox = Ref(Inbox)
    key = models.BinaryField(max_length=32)
    ref = models.TextField()
    step = models.CharField(max_length=12)
    at = models.DateTimeField()
    params = models.JSONField(default=dict)
    call = Ref(Call, null=True)
    read_at = models.DateTimeField(null=True)

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["workspace_id", "inbox", "key"], name="call_event_once"),
        ]
        indexes: ClassVar = [
            models.Index(fields=["workspace_id", "inbox", "ref"], name="call_events_of_call"),
            models.Index(fields=["at"], name="call_events_unread", condition=models.Q(read_at__isnull=True)),
        ]


class Telephone(TenantModel):
    """Where an agent is rung up: a number (E.164) or a SIP address. Its id is the agent's."""

    address = models.TextField(default="")
    on_duty = models.BooleanField(default=False)
    position = models.SmallIntegerField(
        default=0, help_text="Whom calls try first, where they try one by one."
    )

    class Meta:
        indexes: ClassVar = [
            models.Index(fields=["workspace_id", "on_duty", "position"], name="telephones_on")
        ]


class Offer(TenantModel):
    """Times for a call-back that a customer was offered in a conversation, numbered from 1 in the message.

    `slots` are pairs of instants (ISO 8601). `chosen` is what they answered, until the worker has made a call-back of
    it and set `settled_at`; 0 where they asked for a call and named no time. Without `number` they were asked for it.
    """

    conversation = Ref(Conversation)
    customer = Ref(Customer)
    message_id = models.UUIDField()
    number = models.TextField()
    language = models.CharField(max_length=2, choices=LANGUAGES, default="en")
    zone = models.CharField(max_length=60, default="UTC")
    slots = models.JSONField(default=list)
    made_at = models.DateTimeField()
    chosen = models.SmallIntegerField(null=True)
    settled_at = models.DateTimeField(null=True)

    class Meta:
        indexes: ClassVar = [
            models.Index(fields=["workspace_id", "conversation", "-made_at"], name="offers_of_conversation"),
            models.Index(
                fields=["made_at"],
                name="offers_chosen",
                condition=models.Q(chosen__isnull=False, settled_at__isnull=True),
            ),
        ]
