"""What crosses the API about webhooks."""

from datetime import datetime
from typing import Literal
from uuid import UUID

from ninja import Schema
from pydantic import AwareDatetime, Field

from wasl.api.schemas import Next, Strict
from wasl.kit.problem import Fault, Problem
from wasl.webhooks import actions
from wasl.webhooks.events import CREATED


class Hook(Schema):
    """An address that is called when something happens."""

    id: UUID
    url: str
    description: str
    kinds: list[str]
    is_active: bool
    off_at: datetime | None
    off_why: Literal["", "failing", "gone"] = Field(
        description="Why it is off: empty (somebody switched it off), failing for three days, or it answered 410."
    )
    failing_since: datetime | None = Field(description="The first failure after the last success.")
    succeeded_at: datetime | None
    created_at: datetime


class Hooks(Schema):
    """Every webhook of the workspace."""

    items: list[Hook]
    kinds: list[str] = Field(description="The kinds of event that can be chosen.")


class NewHook(Strict):
    """A webhook to be."""

    url: str = Field(max_length=2000, examples=["https://shop.example/hooks/wasl"])
    kinds: list[str] = Field(max_length=100, examples=[[CREATED]])
    description: str = Field("", max_length=200)


class HookChange(Strict):
    """What is to be different; what is left out stays."""

    url: str | None = Field(None, max_length=2000)
    kinds: list[str] | None = Field(None, max_length=100)
    description: str | None = Field(None, max_length=200)
    is_active: bool | None = None


class Created(Hook):
    """A webhook with its secret, which begins with whsec_."""

    secret: str


class Secret(Schema):
    """The new secret, and until when the old one signs as well."""

    secret: str
    old_until: datetime | None


class HookCall(Schema):
    """One event for one webhook."""

    id: UUID
    webhook_id: UUID
    kind: str
    occurred_at: datetime
    created_at: datetime
    state: Literal["waiting", "calling", "done", "failed", "stopped"]
    next_at: datetime | None = Field(description="When it is tried next, while it is waiting.")
    tries: int
    ended_at: datetime | None
    status: int | None = Field(description="The HTTP status of the last answer.")
    why: str = Field(description="Why the last try failed, or empty.")


class HookCalls(Next):
    items: list[HookCall]


class HookTry(Schema):
    """One call that was made."""

    at: datetime
    seconds: float
    status: int | None
    why: str
    answer: str = Field(description="The beginning of the answer's body, or what went wrong.")


class HookCallInFull(HookCall):
    """A delivery with its tries, newest first."""

    attempts: list[HookTry]


class Replay(Strict):
    """Since when; everything in the log without it."""

    since: AwareDatetime | None = None


class Replayed(Schema):
    """How many deliveries are made again."""

    deliveries: int


_WRONG = {
    "bad_url": (
        "url",
        "This is not an address that can be called: https, a host, nothing before it, no '#'.",
    ),
    "not_https": ("url", "The address must begin with https://."),
    "private": ("url", "This address belongs to a private network; it is not called."),
    "too_long": ("description", "The description may have 200 characters."),
    "no_kinds": ("kinds", "Name one kind of event at least."),
    "unknown_kind": ("kinds", "One of these kinds does not exist. `GET /api/v1/webhooks` lists them."),
}


def refused(error: Exception) -> Problem:
    """What an action refused, as a problem."""
    reason = error.reason if isinstance(error, actions.Refused) else ""
    if reason in _WRONG:
        name, words = _WRONG[reason]
        return Problem("invalid", words, [Fault(words, f"#/{name}")])
    if reason == "is_off":
        return Problem(
            "conflict", "The webhook is switched off. Switch it on first: PATCH it with is_active true."
        )
    return Problem("conflict", f"A workspace may have {actions.MOST} webhooks. Remove one first.")
