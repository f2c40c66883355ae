"""What crosses the API about orders."""

from datetime import datetime
from typing import Annotated, Literal
from uuid import UUID

from ninja import Schema
from pydantic import AfterValidator, AwareDatetime, Field

from wasl.api.schemas import Next, Strict
from wasl.conversations import order_sheet, ordering
from wasl.customers import orders
from wasl.kit.languages import Code

Status = Literal["placed", "paid", "packed", "sent", "delivered", "cancelled", "returned", "refunded"]


def _link(text: str) -> str:
    try:
        return order_sheet.link(text)
    except Exception:
        raise ValueError("This must be a web address that begins with http:// or https://") from None


def _number(text: str) -> str:
    if not orders.fold(text):
        raise ValueError("This must hold a letter or a digit")
    return text


def _address(text: str) -> str:
    try:
        ordering.owner(text)
    except ValueError:
        raise ValueError("This must be an address or an id without spaces") from None
    return text


Link = Annotated[str, Field(max_length=2000), AfterValidator(_link)]


class Item(Strict):
    """One line of an order."""

    name: str = Field(max_length=200)
    quantity: int = Field(1, ge=1, le=1_000_000)


class Tracking(Strict):
    """Where the parcel is."""

    carrier: str = Field("", max_length=80)
    number: str = Field("", max_length=80)
    link: Link = ""


class Buyer(Strict):
    """Whose order it is."""

    address: Annotated[str, AfterValidator(_address)] = Field(
        min_length=1,
        max_length=320,
        description="An e-mail address, or the id under which you hand in messages.",
    )
    name: str = Field("", max_length=200)
    language: Literal[Code, ""] = ""


class Told(Strict):
    """An order as you know it now. Sent again it replaces what was known, unless that is newer."""

    customer: Buyer
    status: Status
    placed_at: AwareDatetime
    changed_at: AwareDatetime | None = Field(None, description="When it last changed; now, when left out.")
    amount: int | None = Field(
        None, ge=-(10**15), le=10**15, description="In the currency's smallest unit: 41280 for €412.80."
    )
    currency: str = Field("", pattern=r"^([A-Z]{3})?$", description="ISO 4217.")
    items: list[Item] = Field(default_factory=list, max_length=50)
    link: Link = Field("", description="Its page in your shop, for agents.")
    tracking: Tracking | None = None


class Numbered(Told):
    """An order with its number."""

    number: Annotated[str, AfterValidator(_number)] = Field(min_length=1, max_length=60)


class Batch(Strict):
    """Several orders at once."""

    orders: list[Numbered] = Field(min_length=1, max_length=100)


class Order(Schema):
    """What a customer bought."""

    number: str
    customer_id: UUID
    status: Status
    placed_at: datetime
    changed_at: datetime
    amount: int | None
    currency: str
    items: list[Item]
    link: str
    tracking: Tracking | None


class Kept(Schema):
    """What became of an order: made, changed, same, or older than what was known (which stays)."""

    number: str
    outcome: Literal["made", "changed", "same", "older"]


class KeptOrders(Schema):
    items: list[Kept]


class Orders(Next):
    items: list[Order]
