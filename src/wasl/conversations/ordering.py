"""Orders beside a conversation: the customer's own, and those whose numbers its messages name."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from uuid import UUID

from wasl.channels.base import Address
from wasl.conversations.models import Message
from wasl.customers import orders
from wasl.customers.models import Order

READ = 20
"""Messages, the newest of a conversation, in which order numbers are looked for."""

BESIDE = 4


@dataclass(frozen=True, slots=True)
class Beside:
    """An order beside a conversation. `named`: a message names it; `theirs`: this customer bought it."""

    order: Order
    named: bool
    theirs: bool


def beside(
    conversation_id: UUID, members: Collection[UUID], latest: Sequence[Message] | None = None
) -> tuple[list[Beside], bool]:
    """The orders to show, those that are named first, and whether the customer, with the family `members`, has more.

    `latest` are the newest messages of the conversation, the newest first, where they were read already.
    """
    if latest is None:
        latest = list(Message.objects.filter(conversation_id=conversation_id).order_by("-at", "-id")[:READ])
    named, own = orders.beside(members, (f"{one.subject}\n{one.text}" for one in latest[:READ]))
    shown = [Beside(order, True, order.customer_id in members) for order in named]
    known = {order.id for order in named}
    shown += [Beside(order, False, True) for order in own[:BESIDE] if order.id not in known]
    most = max(BESIDE, len(named))
    return shown[:most], len(own) > BESIDE or len(shown) > most


def owner(address: str, name: str = "") -> tuple[str, str, str, str]:
    """(channel, identity key, display, name) of whoever bought: an e-mail address, or an id under which the API knows
    them. Raises ValueError when it is empty or holds what no address holds."""
    address = address.strip()
    if not address or len(address) > 320 or any(c.isspace() or ord(c) < 32 for c in address):
        raise ValueError(address)
    channel = "email" if "@" in address else "api"
    return channel, Address("", address).identity_key, address, name.strip()[:200]
