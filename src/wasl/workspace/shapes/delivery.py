"""Where a message stands on its way to the customer, in people's words."""

import math
from dataclasses import dataclass, replace
from datetime import datetime

from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from wasl.delivery.models import State
from wasl.delivery.queries import AttemptView, DeliveryView, ReceiptView
from wasl.kit.clock import now
from wasl.workspace import words
from wasl.workspace.format import isolated, moment, number, when


@dataclass(frozen=True, slots=True)
class Standing:
    """One line under a message. `word` picks the colour; `detail` says that there is more to tell.

    `leaves`: the seconds in which it can still be taken back.
    """

    word: str
    icon: str
    text: str
    retry: bool = False
    detail: bool = False
    leaves: int = 0


def standing(view: DeliveryView | None) -> Standing | None:
    """The line for a delivery; None where there is none."""
    if view is None:
        return None
    left = (view.next_at - now()).total_seconds() if view.next_at and view.part == 1 else 0.0
    if view.state == State.QUEUED and view.next_at and left > 0:
        return Standing(
            "held", "clock", _("Goes out %(time)s") % {"time": when(view.next_at)}, leaves=math.ceil(left)
        )
    found = _listed(view) or _going(view)
    return found if view.parts == 1 else replace(found, text=_of_parts(found.text, view), detail=True)


def _of_parts(text: str, view: DeliveryView) -> str:
    """The same, with how much of the message has left."""
    values = {"state": text, "n": number(view.left), "all": number(view.parts)}
    if view.left == view.parts:
        return _("%(state)s · %(all)s messages") % values
    return (
        ngettext(
            "%(state)s · %(n)s of %(all)s messages has left",
            "%(state)s · %(n)s of %(all)s messages have left",
            view.left,
        )
        % values
    )


def _listed(view: DeliveryView) -> Standing | None:
    """What the in-app inbox knows beyond its state."""
    if view.state == State.READ and view.chosen and view.chosen_at:
        values = {"choice": isolated(view.chosen), "time": when(view.chosen_at)}
        return Standing("seen", "check", _("They chose “%(choice)s” %(time)s") % values, detail=True)
    if view.state == State.DELIVERED and view.seen_at:
        return Standing(
            "delivered", "eye", _("Seen in their list %(time)s") % {"time": when(view.seen_at)}, detail=True
        )
    return None


def _going(view: DeliveryView) -> Standing:
    match view.state:
        case State.QUEUED | State.SENDING:
            return Standing("sending", "pending", _("Sending"))
        case State.RETRY:
            return Standing("late", "clock", _later(view), retry=True, detail=True)
        case State.IN_DOUBT:
            return Standing("unsure", "question", _doubt(view), retry=True, detail=True)
        case State.SENT:
            return Standing("sent", "check", _at(_("Sent %(time)s"), _("Sent"), view.ended_at))
        case State.DELIVERED:
            return Standing("delivered", "checks", _at(_("Arrived %(time)s"), _("Arrived"), view.ended_at))
        case State.READ:
            return Standing("seen", "checks", _at(_("Read %(time)s"), _("Read"), view.ended_at))
        case State.FAILED:
            return Standing(
                "failed", "alert", _failed(view.reason, view.channel), retry=view.can_retry, detail=True
            )


def _at(sentence: str, without: str, at: datetime | None) -> str:
    return sentence % {"time": when(at)} if at else without


def _later(view: DeliveryView) -> str:
    if view.next_at is None:
        return _("Not sent yet: %(reason)s.") % {"reason": words.reason(view.reason, view.channel)}
    return _("Not sent yet: %(reason)s. Next try %(time)s.") % {
        "reason": words.reason(view.reason, view.channel),
        "time": when(view.next_at),
    }


def _doubt(view: DeliveryView) -> str:
    if view.next_at is None:
        return _("Not sure it left. Checking.")
    return _("Not sure it left. Checking until %(time)s.") % {"time": moment(view.next_at)}


def _failed(reason: str, channel: str) -> str:
    said = _("Did not arrive: %(reason)s.") % {"reason": words.reason(reason, channel)}
    return f"{said} {words.next_step(reason)}".strip()


@dataclass(frozen=True, slots=True)
class Step:
    """One thing that happened to a delivery: a call we made, or what was said about it later."""

    at: datetime
    icon: str
    word: str
    text: str
    code: str


def steps(attempts: list[AttemptView], receipts: list[ReceiptView], channel: str = "email") -> list[Step]:
    """The detail view: every call and receipt in order of time, with the other side's own words."""
    made = [
        Step(each.started_at, *_call(each, channel), " ".join(filter(None, (each.code, each.detail))))
        for each in attempts
    ]
    said = [
        Step(each.at, *_said(each, channel), " ".join(filter(None, (each.status, each.diagnostic))))
        for each in receipts
    ]
    return sorted(made + said, key=lambda step: step.at)


def _call(attempt: AttemptView, channel: str) -> tuple[str, str, str]:
    match attempt.outcome:
        case "sent":
            said = (
                _("Handed over to the mail server")
                if channel == "email"
                else _("Handed over to the provider")
            )
            return "check", "sent", said
        case "temporary":
            return (
                "clock",
                "late",
                _("Put off: %(reason)s") % {"reason": words.reason(attempt.reason, channel)},
            )
        case "permanent":
            return (
                "alert",
                "failed",
                _("Refused: %(reason)s") % {"reason": words.reason(attempt.reason, channel)},
            )
        case "in_doubt":
            return "question", "unsure", _("The answer was lost on the way")
        case "":
            return "pending", "sending", _("Under way")
        case _:
            said = (
                _("The mail server was not reached")
                if channel == "email"
                else _("The provider was not reached")
            )
            return "clock", "late", said


def _said(receipt: ReceiptView, channel: str) -> tuple[str, str, str]:
    match receipt.kind:
        case "delivered":
            return "checks", "delivered", _("It arrived")
        case "read":
            return "checks", "seen", _("It was read")
        case "seen":
            return "eye", "delivered", _("It was seen in their list")
        case "acted":
            return "check", "seen", _("A button of it was pressed")
        case "failed":
            return (
                "alert",
                "failed",
                _("It came back: %(reason)s") % {"reason": words.reason(receipt.reason, channel)},
            )
        case "delayed":
            return "clock", "late", _("It is held up on the way")
        case "complaint":
            return "alert", "failed", _("The customer reported it as unwanted")
        case _:
            return "mail", "sent", _("It was passed on")
