"""An agent's message leaves: its delivery is made and it knows whom it goes to, on whatever channel."""

from typing import Any, Protocol
from uuid import UUID

from wasl.channels.models import Inbox
from wasl.conversations.models import Conversation, Message
from wasl.delivery import actions as delivery
from wasl.kit.db import raw


class Recipient(Protocol):
    """An address of the customer's."""

    @property
    def id(self) -> UUID:
        """The identity."""

    @property
    def display(self) -> str:
        """As they write it."""


def hand_over(
    conversation: Conversation, inbox: Inbox, message: Message, to: Recipient, delivery_id: UUID,
    payload: dict[str, Any], hold: float,
) -> None:  # fmt: skip
    """Have the message delivered once the transaction commits; the caller saves what it now says of itself."""
    sending = delivery.Sending(
        inbox_id=inbox.id,
        customer_id=conversation.customer_id,
        conversation_id=conversation.id,
        message_id=message.id,
        channel=inbox.channel,
        address=to.display,
        payload=payload,
        delivery_id=delivery_id,
    )
    delivery.send(raw(), message.workspace_id, [sending], hold=hold)
    message.delivery_id, message.identity_id = delivery_id, to.id
