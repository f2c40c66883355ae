"""Conversations and their messages."""

from typing import ClassVar

from django.contrib.postgres.fields import ArrayField
from django.db import models

from wasl.accounts.models import Agent, Team
from wasl.channels.models import Inbox
from wasl.customers.models import Customer
from wasl.kit.ids import uuid7
from wasl.kit.tables import Ref, TenantModel


class Status(models.TextChoices):
    """Where a conversation stands: pending waits for the customer, snoozed for a time or the customer."""

    OPEN = "open"
    PENDING = "pending"
    SNOOZED = "snoozed"
    RESOLVED = "resolved"


_COUNTED = ("inbox", "merged_into")
"""What an index holds beside its own columns, so that counting what an actor may see reads nothing but the index."""


class Conversation(TenantModel):
    """A thread with a customer in an inbox.

    Up to `link_version`, what people and rules said: status, who has it, where it lies. Each change of it is written in
    the transaction of its touchpoint, and nothing else gives it back. From `language` on, the columns are a
    projection: they can be rebuilt from messages and deliveries.
    """

    customer = Ref(Customer)
    inbox = Ref(Inbox)
    subject = models.TextField(default="")
    created_at = models.DateTimeField()

    status = models.CharField(max_length=10, choices=Status.choices, default=Status.OPEN)
    assignee = Ref(Agent, null=True)
    team = Ref(Team, null=True)
    snoozed_until = models.DateTimeField(null=True, help_text="While it is snoozed; null: until an answer.")
    merged_into = Ref("self", null=True, help_text="Where its messages went; it is then in no list.")
    split_from = Ref(
        "self", null=True, help_text="Where its first messages were before they got a conversation."
    )
    link_version = models.SmallIntegerField(
        default=1, db_default=1, help_text="Of the links given to the customer; those of another do not open."
    )

    language = models.CharField(
        max_length=2, default="", db_default="", help_text="Of the customer's last message."
    )
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
            models.Index(
                fields=["workspace_id", "assignee", "status", "-last_at"],
                include=_COUNTED,
                name="conversation_mine",
            ),
            models.Index(
                fields=["workspace_id", "customer", "inbox", "status"], name="conversation_of_customer"
            ),
            # What lists are narrowed by: each finds its few among very many, the latest first.
            models.Index(fields=["workspace_id", "-last_at"], name="conversation_latest"),
            models.Index(
                fields=["workspace_id", "inbox", "status", "-last_at"],
                include=["merged_into"],
                name="conversation_inbox",
            ),
            models.Index(
                fields=["workspace_id", "language", "status", "-last_at"],
                include=_COUNTED,
                name="conversation_lang",
            ),
            models.Index(
                fields=["workspace_id", "team", "status", "-last_at"],
                include=_COUNTED,
                name="conversation_team",
                condition=models.Q(team__isnull=False),
            ),
            models.Index(
                fields=["workspace_id", "merged_into"],
                name="conversation_merged",
                condition=models.Q(merged_into__isnull=False),
            ),
        ]


class Message(TenantModel):
    """One message of a conversation. `way` is in, out or note; an inbound message has its inbound's id."""

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


class Searchable(TenantModel):
    """Projection: what of a message is searched; `id` and `at` are the message's, kept by a follower.

    The table has one more column, `words`: the text vector of `lexemes.py`, reached through `wasl_search` only.
    """

    at = models.DateTimeField()

    class Meta:
        indexes: ClassVar = [
            models.Index(fields=["workspace_id", "-at", "-id"], name="searchable_by_time"),
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


class Waking(TenantModel):
    """When a snoozed conversation opens again: the workers' queue. Its id is the conversation's."""

    due_at = models.DateTimeField()

    class Meta:
        indexes: ClassVar = [models.Index(fields=["due_at"], name="waking_due")]


class Fetching(TenantModel):
    """A file of a message that is still with the provider: the workers' queue (`fetching.py`)."""

    message = Ref(Message)
    position = models.SmallIntegerField(help_text="Which of the message's media (`meta`).")
    tries = models.SmallIntegerField(default=0)
    fence = models.IntegerField(default=0)
    due_at = models.DateTimeField()

    class Meta:
        indexes: ClassVar = [
            models.Index(fields=["due_at"], name="fetching_due"),
            models.Index(fields=["workspace_id", "message"], name="fetching_of_message"),
        ]


class Regrouping(TenantModel):
    """Messages that went from one conversation into another: all of them (merge), or from one on (split).

    `was` is what the source was before a merge: its status, who had it, which others led to it.
    """

    kind = models.CharField(max_length=5)
    source = Ref(Conversation)
    target = Ref(Conversation)
    agent = Ref(Agent, null=True)
    at = models.DateTimeField()
    messages = ArrayField(models.UUIDField())
    was = models.JSONField(default=dict)
    undone_at = models.DateTimeField(null=True)

    class Meta:
        indexes: ClassVar = [
            models.Index(fields=["workspace_id", "target"], name="regrouping_into"),
        ]


class Bulk(TenantModel):
    """One change of many conversations at once, which can be taken back for a while."""

    agent = Ref(Agent)
    at = models.DateTimeField()
    change = models.JSONField(default=dict, help_text="What each is to become; see `bulk.Change`.")
    undone_at = models.DateTimeField(null=True)

    class Meta:
        indexes: ClassVar = [models.Index(fields=["workspace_id", "at"], name="bulk_by_time")]


class BulkRow(TenantModel):
    """One conversation of a bulk: waiting, done, same (nothing to do), restored or kept (changed since)."""

    bulk = Ref(Bulk)
    conversation = Ref(Conversation)
    state = models.CharField(max_length=8, default="waiting")
    before = models.JSONField(default=dict)
    after = models.JSONField(default=dict)

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["workspace_id", "bulk", "conversation"], name="bulk_row_once"),
        ]
        indexes: ClassVar = [
            models.Index(fields=["workspace_id", "bulk", "state"], name="bulk_row_by_state"),
        ]


class Tag(TenantModel):
    """A word that agents put on conversations. `folded` is the name as it is compared."""

    name = models.CharField(max_length=60)
    folded = models.CharField(max_length=60)
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        constraints: ClassVar = [models.UniqueConstraint(fields=["workspace_id", "folded"], name="tag_once")]


class Tagging(TenantModel):
    """A tag on a conversation."""

    tag = Ref(Tag)
    conversation = Ref(Conversation)
    at = models.DateTimeField()

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["workspace_id", "conversation", "tag"], name="tagging_once"),
        ]
        indexes: ClassVar = [models.Index(fields=["workspace_id", "tag", "at"], name="tagging_of_tag")]


class SavedView(TenantModel):
    """A filter with a name, of one agent or (without one) of everybody."""

    agent = Ref(Agent, null=True)
    name = models.CharField(max_length=80)
    filter = models.JSONField(default=dict)
    position = models.IntegerField(default=0)
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        indexes: ClassVar = [models.Index(fields=["workspace_id", "agent", "position"], name="saved_views")]


class SavedReply(TenantModel):
    """A text for answers, with variables, in one language. The same `name` in several languages is one choice."""

    name = models.CharField(max_length=80)
    language = models.CharField(max_length=2)
    text = models.TextField()
    html = models.TextField(default="")
    team = Ref(Team, null=True)
    is_active = models.BooleanField(default=True)
    created_at = models.DateTimeField(auto_now_add=True)
    changed_at = models.DateTimeField(auto_now=True)

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["workspace_id", "name", "language"], name="saved_reply_once"),
        ]


class Draft(TenantModel):
    """What an agent is writing in a conversation; `way` is out or note. `key` becomes the message's id."""

    agent = Ref(Agent)
    conversation = Ref(Conversation)
    way = models.CharField(max_length=4, default="out")
    key = models.UUIDField(default=uuid7)
    text = models.TextField(default="")
    html = models.TextField(default="")
    meta = models.JSONField(default=dict, help_text="cc and whatever else the composer holds.")
    changed_at = models.DateTimeField()

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint(
                fields=["workspace_id", "agent", "conversation", "way"], name="draft_once"
            ),
        ]
        indexes: ClassVar = [
            models.Index(fields=["workspace_id", "conversation"], name="draft_of_conversation")
        ]


class DraftFile(TenantModel):
    """A file laid into a draft; its bytes are in the blob store already."""

    draft = Ref(Draft)
    position = models.SmallIntegerField()
    filename = models.TextField()
    content_type = models.TextField()
    size = models.BigIntegerField()
    digest = models.BinaryField(max_length=32)
    inline = models.BooleanField(default=False)

    class Meta:
        indexes: ClassVar = [
            models.Index(fields=["workspace_id", "draft", "position"], name="draft_file_of_draft")
        ]


class Mention(TenantModel):
    """An agent named in a note."""

    agent = Ref(Agent)
    message = Ref(Message)
    conversation = Ref(Conversation)
    at = models.DateTimeField()
    seen_at = models.DateTimeField(null=True)

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["workspace_id", "message", "agent"], name="mention_once"),
        ]
        indexes: ClassVar = [
            models.Index(fields=["workspace_id", "agent", "-at"], name="mentions_of_agent"),
            models.Index(fields=["workspace_id", "conversation"], name="mentions_of_conversation"),
        ]
