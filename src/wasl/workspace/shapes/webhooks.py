"""Webhooks in people's words: kinds of event, states of calls, why a call failed."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from django.utils.translation import gettext as _
from django.utils.translation import pgettext

from wasl.webhooks.events import OFFERED, TEST
from wasl.webhooks.models import Call, Endpoint, State, Try


def kinds() -> dict[str, str]:
    """Every event by its code, in the order in which people look for them."""
    return {
        "message.created": _("New message, in or out"),
        "message.received": _("Message received"),
        "message.sent": _("Reply written"),
        "message.withdrawn": _("Reply taken back"),
        "message.forwarded": _("Message forwarded"),
        "message.edited": _("Message changed by its writer"),
        "message.deleted": _("Message deleted by its writer"),
        "message.reacted": _("Reaction to a message"),
        "message.hidden": _("Comment hidden or shown again"),
        "note.added": _("Note added"),
        "delivery.sent": _("Reply sent"),
        "delivery.delivered": _("Reply arrived"),
        "delivery.seen": _("Reply seen in a list"),
        "delivery.read": _("Reply read"),
        "delivery.acted": _("Button of a reply pressed"),
        "delivery.failed": _("Reply did not arrive"),
        "delivery.in_doubt": _("Not sure that a reply left"),
        "delivery.retried": _("Reply tried again by hand"),
        "delivery.retry": _("Reply will be tried again"),
        "delivery.complained": _("Reply reported as unwanted"),
        "delivery.copy_failed": _("Copy did not arrive"),
        "conversation.assigned": _("Conversation assigned"),
        "conversation.team": _("Conversation given to a team"),
        "conversation.moved": _("Conversation moved to another inbox"),
        "conversation.resolved": _("Conversation resolved"),
        "conversation.reopened": _("Conversation opened again"),
        "conversation.pended": _("Conversation waits for the customer"),
        "conversation.snoozed": _("Conversation snoozed"),
        "conversation.woken": _("Conversation woke up"),
        "conversation.tagged": _("Tag put on"),
        "conversation.untagged": _("Tag taken off"),
        "conversation.merged": _("Conversations merged"),
        "conversation.unmerged": _("Merge of conversations taken back"),
        "conversation.split": _("Conversation split"),
        "conversation.taken_over": _("Conversation taken over from programs"),
        "conversation.handed_back": _("Conversation handed back to programs"),
        "customer.merged": _("Customers merged"),
        "customer.unmerged": _("Merge of customers taken back"),
        "customer.erased": _("Customer erased"),
        "identity.added": _("New address of a customer"),
        "consent.withdrawn": _("Customer wants no more messages on a channel"),
        "consent.given": _("Customer takes messages on a channel again"),
        "order.placed": _("Order placed"),
        "order.changed": _("Order changed"),
        "call.requested": _("Call-back promised"),
        "call.rescheduled": _("Call-back moved"),
        "call.claimed": _("Call-back taken on"),
        "call.cancelled": _("Call-back called off"),
        "call.given_up": _("Call-back given up"),
        "call.started": _("Call begun"),
        "call.ended": _("Call ended"),
        "call.missed": _("Call missed"),
        "call.recorded": _("Call recorded"),
        "call.priced": _("Cost of a call known"),
        "promise.made": _("Reply time promised"),
        "promise.changed": _("Promised time changed"),
        "visit.checked_in": _("Customer came to a branch"),
        "visit.called": _("Customer called to the counter"),
        "visit.requeued": _("Customer put back in the queue"),
        "visit.served": _("Customer served at the counter"),
        "visit.left": _("Customer left without being served"),
        TEST: _("Test"),
    }


def _groups() -> dict[str, str]:
    """What events are about."""
    return {
        "message": pgettext("webhooks", "Messages"),
        "delivery": pgettext("webhooks", "On their way"),
        "conversation": pgettext("webhooks", "Conversations"),
        "customer": pgettext("webhooks", "Customers"),
        "visit": pgettext("webhooks", "Branch visits"),
        "call": pgettext("webhooks", "Calls"),
        "": pgettext("webhooks", "Other"),
    }


def _reasons() -> dict[str, str]:
    """Why a call failed."""
    return {
        "bad_url": _("The address cannot be used."),
        "not_https": _("The address must begin with https."),
        "private": _("The address leads into a private network, which is not called."),
        "unknown_name": _("The name of the address is not known."),
        "unreachable": _("Nobody answers at the address."),
        "certificate": _("The certificate of the address is not valid."),
        "timeout": _("There was no answer within ten seconds."),
        "broken": _("The answer broke off."),
        "redirect": _("The address sends on to another one. That is not followed: enter the new address."),
        "status": _("The program answered with an error."),
        "gone": _("The program answered that it is gone for good."),
    }


def _refusals() -> dict[str, str]:
    """Why an action was refused."""
    return {
        "bad_url": _("This is not an address that can be called. It looks like https://shop.example/hook."),
        "not_https": _("The address must begin with https."),
        "private": _("This address belongs to a private network, which is not called."),
        "too_long": _("The description is too long."),
        "no_kinds": _("Choose one event at least."),
        "unknown_kind": _("One of these events no longer exists. Choose again."),
        "too_many": _("There are as many webhooks as there can be."),
        "is_off": _("The webhook is off. Switch it on first."),
    }


def kind(code: str) -> str:
    """An event's name; its code where there is none."""
    return kinds().get(code, code)


def reason(code: str) -> str:
    """Why a call failed, as a sentence."""
    return _reasons().get(code, _("The call did not succeed."))


def refused(code: str) -> str:
    """Why an action was refused, as a sentence."""
    return _refusals().get(code, _("This cannot be kept."))


def groups() -> list[tuple[str, list[tuple[str, str]]]]:
    """The events to choose from, by what they are about; those without a name at the end."""
    names, titles = kinds(), _groups()
    found: dict[str, list[tuple[str, str]]] = {group: [] for group in titles}
    for code in [
        *(code for code in names if code in OFFERED),
        *(code for code in OFFERED if code not in names),
    ]:
        group = code.partition(".")[0]
        found[group if group in found else ""].append((code, names.get(code, code)))
    return [(titles[group], rows) for group, rows in found.items() if rows]


@dataclass(frozen=True, slots=True)
class Badge:
    """A state: how it looks, and what it says."""

    look: str
    icon: str
    text: str


def standing(endpoint: Endpoint) -> Badge:
    """How an endpoint is."""
    if not endpoint.is_active:
        if endpoint.off_why:
            return Badge("bad", "unplug", _("Switched off"))
        return Badge("", "minus", _("Off"))
    if endpoint.failing_since:
        return Badge("warn", "alert", _("Failing"))
    if endpoint.succeeded_at:
        return Badge("ok", "check", _("Works"))
    return Badge("", "clock", _("Not called yet"))


def state(call: Call) -> Badge:
    """How a call is."""
    if call.state == State.DONE:
        return Badge("ok", "check", _("Delivered"))
    if call.state == State.FAILED:
        return Badge("bad", "alert", _("Given up"))
    if call.state == State.STOPPED:
        return Badge("", "minus", _("Not told, it was off"))
    if call.why:
        return Badge("warn", "retry", _("Will be tried again"))
    return Badge("", "pending", _("Under way"))


@dataclass(frozen=True, slots=True)
class Row:
    """A line of the log."""

    call: Call
    kind: str
    state: Badge
    why: str
    next_at: datetime | None
    tries: Sequence[Try]
    again: bool


def row(call: Call, tries: Sequence[Try]) -> Row:
    """A call as the log shows it."""
    waiting = call.state == State.WAITING
    failing = call.state in (State.WAITING, State.FAILED) and bool(call.why)
    return Row(
        call=call,
        kind=kind(call.kind),
        state=state(call),
        why=reason(call.why) if failing else "",
        next_at=call.due_at if waiting and call.why else None,
        tries=tries,
        again=call.state in (State.DONE, State.FAILED, State.STOPPED),
    )
