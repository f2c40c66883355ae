"""Customers ask to be called back by themselves: on their own page, in the chat of a website, by a word in a message.

Times are those at which somebody is there and it is not night where the customer is. Call inside `tenant(…)`.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID
from zoneinfo import ZoneInfo

from django.utils.translation import gettext_noop as _

from wasl.accounts import calendars
from wasl.accounts.actor import Actor
from wasl.accounts.hours import Hours
from wasl.calls import actions, queries, slots
from wasl.calls.actions import CannotCall
from wasl.calls.models import Callback, Stand
from wasl.calls.slots import Slot
from wasl.conversations.models import Conversation
from wasl.customers.models import Customer
from wasl.desk import sentences
from wasl.kit.clock import now
from wasl.kit.db import raw

TIMES = 6
NO_CALL: Mapping[str, str] = {
    "no_number": _("Type the telephone number."),
    "bad_number": _("This is no telephone number. It begins with + and the code of the country."),
}
GONE = _("That time is no longer free. Choose another one.")
"""What is wrong with what was asked for, by the reason of CannotCall, and for all the others."""


@dataclass(frozen=True, slots=True)
class Time:
    """A time to choose: what a form sends, and how it reads."""

    value: str
    text: str


@dataclass(frozen=True, slots=True)
class Calls:
    """What can be chosen. `agreed` is when we call already, '' for not yet; `number` the one that is known."""

    times: Sequence[Time]
    number: str
    agreed: str


@dataclass(frozen=True, slots=True)
class Asker:
    """Whoever asks: the hours in which somebody is there for them, their number where it is known, the call-back that
    waits already, and the clock they live by where that is known ('' for unknown)."""

    hours: Hours
    number: str
    waiting: Callback | None
    timezone: str

    def zone(self, number: str) -> ZoneInfo:
        """Their time zone: their own, else that of the number, else ours."""
        if self.timezone in calendars.zones():
            return ZoneInfo(self.timezone)
        return slots.zone_of(number) or self.hours.zone


def in_conversation(actor: Actor, row: Conversation) -> Asker:
    """The customer of a conversation."""
    waiting = queries.waiting(actor, row.id)
    number = waiting.number if waiting else actions.number_of(row)
    return Asker(actions.hours_of(actor, row), number, waiting, row.customer.root.timezone)


def in_inbox(workspace_id: UUID, inbox_id: UUID, root: Customer | None) -> Asker:
    """Somebody who writes to an inbox, who may never have written before."""
    hours = calendars.hours_for(raw(), workspace_id, inbox_id, None)
    if root is None:
        return Asker(hours, "", None, "")
    waiting = waits_for(root.id)
    known = actions.numbers(workspace_id, root.id)
    number = waiting.number if waiting else known[0] if known else ""
    return Asker(hours, number, waiting, root.timezone)


def waits_for(root_id: UUID) -> Callback | None:
    """The next call-back that waits for a customer, in whatever conversation."""
    found = Callback.objects.filter(customer__root_id=root_id, state=Stand.WAITING)
    return found.order_by("due_at").first()


def shown(asker: Asker, language: str) -> Calls:
    """What is offered now, in that language; without times there is nothing to offer."""
    zone, at = asker.zone(asker.number), now()
    free = slots.slots(asker.hours, at, zone, TIMES)
    times = [Time(each.start.isoformat(), sentences.opening(language, each.start, at, zone)) for each in free]
    waiting = asker.waiting
    agreed = sentences.opening(language, waiting.due_at, at, zone) if waiting else ""
    return Calls(times, asker.number, agreed)


def chosen(asker: Asker, start: str, number: str) -> tuple[Slot, str]:
    """The time and the number (E.164) that a form sends; an empty one means the number that is known.

    Raises CannotCall: no_number, bad_number, closed, past.
    """
    at = moment(start)
    number = actions.checked_number(number.strip() or asker.number)
    if at <= now() - timedelta(minutes=1):
        raise CannotCall("past")
    near = at <= now() + 2 * slots.HORIZON  # a page may have been open for long; not until the year 9999
    slot = slots.slot_at(asker.hours, at, asker.zone(number)) if near else None
    if slot is None:
        raise CannotCall("closed")
    return slot, number


def moment(start: str) -> datetime:
    """A time as a form sends it. Raises CannotCall: past."""
    try:
        at = datetime.fromisoformat(start)
    except ValueError as error:
        raise CannotCall("past") from error
    if at.tzinfo is None:
        raise CannotCall("past")
    return at


def masked(number: str) -> str:
    """`…2222`: enough to know one's own number again."""
    return f"…{number[-4:]}" if number else ""
