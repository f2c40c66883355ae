"""What crosses the API of call-backs."""

from datetime import datetime
from typing import Literal
from uuid import UUID

from ninja import Schema
from pydantic import AwareDatetime, Field

from wasl.api.schemas import Strict


class Time(Schema):
    """Half an hour in which somebody is there and the customer may be rung up."""

    start: datetime
    end: datetime


class Times(Schema):
    """When a customer could be called back."""

    number: str = Field(description="The number they are known by (E.164), or empty.")
    timezone: str = Field(description="Theirs as far as it is known.")
    times: list[Time]


class Callback(Schema):
    """A call that was promised. A conversation has at most one that waits."""

    id: UUID
    conversation_id: UUID
    customer_id: UUID
    number: str
    about: str
    start: datetime
    end: datetime
    timezone: str
    state: Literal["waiting", "done", "given_up", "cancelled"]
    asked_by: Literal["agent", "api", "customer", "system"]


class Wanted(Strict):
    """A call-back to promise; where one waits in the conversation already, that one is moved."""

    conversation_id: UUID
    start: AwareDatetime = Field(
        description="From when on: one of the times that are offered, or any other in which they may be rung up."
    )
    number: str = Field("", max_length=40, description="Left out: the number the customer is known by.")
    about: str = Field("", max_length=4000, description="What the call is about, for whoever rings up.")
    by_customer: bool = Field(
        True, description="Whether the customer chose the time, which is then an agreement."
    )
