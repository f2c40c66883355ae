"""What crosses the API's Django part: the JSON of answers and requests."""

import binascii
from base64 import b64decode
from datetime import datetime
from typing import Annotated, Any, Literal
from uuid import UUID

from ninja import Schema
from pydantic import BeforeValidator, ConfigDict, Field, PlainSerializer, WithJsonSchema


class Strict(Schema):
    """A request's body: nothing in it that we do not know."""

    model_config = ConfigDict(extra="forbid")


class Next(Schema):
    """A page of a list."""

    next: str | None = Field(description="Address of the next page; null on the last one.")


class Person(Schema):
    """Someone by name."""

    id: UUID
    name: str


class Inbox(Schema):
    """One end of a channel. `address` is what customers write to; for an API inbox it stands in its address."""

    id: UUID
    channel: str = Field(description="email, api, whatsapp, sms and so on: the name of its channel.")
    name: str
    address: str


class Identity(Schema):
    """One address of a customer on one channel."""

    id: UUID
    channel: str
    address: str
    name: str
    created_at: datetime


class Customer(Schema):
    """A person or a firm that the business talks with."""

    id: UUID
    name: str
    language: str = Field(description="ar, fr, it, en, or empty when it is not known.")
    timezone: str
    place: str
    created_at: datetime


class CustomerInFull(Customer):
    """A customer with everything that is known of them. One that was merged is answered as the one it is now."""

    identities: list[Identity]
    merged: list[UUID] = Field(description="Ids of customers that are one with this one, itself left out.")
    received: int = Field(description="Messages they wrote.")
    sent: int = Field(description="Messages they were sent.")
    failed: int = Field(description="Messages that did not reach them.")
    last_at: datetime | None


class Customers(Next):
    items: list[Customer]


class Conversation(Schema):
    """A thread with a customer in an inbox."""

    id: UUID
    customer: Person
    inbox_id: UUID
    subject: str
    status: Literal["open", "pending", "snoozed", "resolved"] = Field(
        description="'pending' waits for the customer, 'snoozed' for a time or the customer."
    )
    snoozed_until: datetime | None = Field(description="While it is snoozed; null until the customer writes.")
    language: str = Field(description="In which the customer last wrote: ar, fr, it, en, or empty.")
    tags: list[str]
    team_id: UUID | None
    assignee: Person | None
    messages: int
    preview: str = Field(description="The beginning of the last message.")
    trouble: str = Field(description="The state of a delivery that needs a look, or empty.")
    created_at: datetime
    last_at: datetime
    last_in_at: datetime | None = Field(
        description="When the customer last wrote; null where all they wrote was imported."
    )


class Conversations(Next):
    items: list[Conversation]


class Change(Strict):
    """What of a conversation is to change; what is left out stays as it is."""

    status: Literal["open", "pending", "snoozed", "resolved"] | None = None
    snoozed_until: datetime | None = Field(
        None, description="With the status 'snoozed'; left out or null: until the customer writes."
    )
    assignee_id: UUID | None = Field(None, description="An agent's id, or null for nobody.")
    team_id: UUID | None = Field(None, description="A team's id, or null for none.")
    tags: list[str] | None = Field(
        None, max_length=50, description="The names of all its tags; those that do not exist are made."
    )


class File(Schema):
    """A file of a message. Its bytes are at `url`."""

    id: UUID
    filename: str
    content_type: str
    size: int
    inline: bool = Field(description="Whether it is shown inside the message's HTML.")
    url: str


class Delivery(Schema):
    """How the sending of a message stands."""

    state: Literal["queued", "sending", "retry", "in_doubt", "sent", "delivered", "read", "failed"]
    reason: str = Field(
        description="Why it failed or waits, in a word (mailbox_full, address_unknown …), or empty."
    )
    address: str
    attempts: int
    next_at: datetime | None = Field(
        description="When it is tried again, or until when a doubt is looked into."
    )
    ended_at: datetime | None
    can_retry: bool
    messages: int = Field(
        description="As how many messages of the channel it goes, one after the other: where a channel takes one file"
        " a message. The state is that of the one that is worst off."
    )
    messages_sent: int = Field(description="How many of them the provider has taken.")


class Attempt(Schema):
    """One call to the provider, in its own words."""

    number: int
    started_at: datetime
    finished_at: datetime | None
    outcome: str
    reason: str
    code: str
    detail: str


class Receipt(Schema):
    """What was said about a delivery afterwards, such as a bounce."""

    kind: str
    at: datetime
    reason: str
    status: str
    diagnostic: str


class DeliveryInFull(Delivery):
    """With every call that was made, and what was said afterwards."""

    calls: list[Attempt]
    receipts: list[Receipt]


class Message(Schema):
    """One message of a conversation.

    `status` is 'received' for what customers write; for answers it is the state of their delivery, or 'ready' in an
    API inbox, whose answers wait here to be fetched; 'note' for what only the team sees.
    """

    id: UUID
    status: Literal[
        "received",
        "ready",
        "note",
        "queued",
        "sending",
        "retry",
        "in_doubt",
        "sent",
        "delivered",
        "read",
        "failed",
    ]
    conversation_id: UUID
    customer_id: UUID
    way: Literal["in", "out", "note"]
    channel: str
    author: str = Field(description="The agent's name; empty for customers and programs.")
    at: datetime
    sent_at: datetime | None = Field(description="What the sender's clock said.")
    subject: str
    text: str = Field(description="All of it, with what it quotes.")
    written: str = Field(
        description="What the person wrote: the text without quoted history, introductions and signature. Empty when "
        "there is nothing but a quotation."
    )
    html: str = Field(description="All of it, made safe; images from elsewhere do not load.")
    language: str
    auto: str = Field(
        description="'auto-replied', 'auto-generated', 'bulk' or 'list' when a machine wrote it."
    )
    cc: list[str] = Field(description="Who else it was for; no inbox of the workspace among them.")
    attachments: list[File]
    delivery: Delivery | None


class Messages(Next):
    items: list[Message]


class Waiting(Schema):
    """A message that was accepted and is not on a timeline yet: within a moment, or not until a person has helped.

    'quarantined' means that it could not be understood; administrators see it, and why, on a page of their own.
    'discarded' means that one of them has closed it.
    """

    id: UUID
    status: Literal["accepted", "quarantined", "discarded"]
    channel: str
    received_at: datetime
    reason: str = Field(description="Why it is in quarantine, in a word; else empty.")


def _base64(value: Any) -> bytes:
    if not isinstance(value, str):
        raise ValueError("This must be Base64 text")
    try:
        return b64decode(value, validate=True)
    except (binascii.Error, ValueError):
        raise ValueError("This must be Base64 (RFC 4648, section 4), with its padding") from None


Content = Annotated[
    bytes,
    BeforeValidator(_base64),
    PlainSerializer(lambda value: value.hex(), return_type=str),
    WithJsonSchema(
        {"type": "string", "contentEncoding": "base64", "description": "The file's bytes in Base64."}
    ),
]


class NewFile(Strict):
    """A file to send along."""

    filename: str = Field(min_length=1, max_length=255)
    content: Content
    content_type: str = Field(
        "application/octet-stream", max_length=100, pattern=r"^[A-Za-z0-9!#$&^_.+-]+/[A-Za-z0-9!#$&^_.+-]+$"
    )


class Reply(Strict):
    """An answer to the customer, on the conversation's channel."""

    text: str = Field(
        "", max_length=100_000, description="Plain text. Empty only when there are attachments."
    )
    attachments: list[NewFile] = Field(default_factory=list, max_length=20)
    cc: list[str] | None = Field(
        None,
        max_length=50,
        description="Mail addresses in copy. Left out: everybody who takes part in the conversation. Inboxes of the "
        "workspace are never written to.",
    )


class Touchpoint(Schema):
    """One thing that happened with a customer."""

    id: UUID
    customer_id: UUID
    kind: str
    occurred_at: datetime
    recorded_at: datetime
    channel: str
    conversation_id: UUID | None
    about_id: UUID | None = Field(description="The message, delivery, merge or identity it speaks of.")
    facts: dict[str, Any]
    detail: dict[str, Any] = Field(description="Empty once the customer was erased.")
    erased: bool


class Timeline(Next):
    items: list[Touchpoint]


class Proof(Schema):
    """That a touchpoint is in the workspace's log, to be verified without us: docs/api.md shows how."""

    touchpoint_id: UUID
    leaf: str = Field(description="The leaf hash (RFC 6962), Base64.")
    index: int
    size: int = Field(description="Leaves in the log of the checkpoint.")
    path: list[str] = Field(description="The audit path, from the leaf's sibling up, Base64.")
    checkpoint: str = Field(description="The signed note that states the root.")


class Checkpoint(Schema):
    """A signed statement of the workspace's log, and the public key to verify it with (C2SP tlog-checkpoint)."""

    checkpoint: str
    verifier_key: str
