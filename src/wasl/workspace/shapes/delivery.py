"""Where a message stands on its way to the customer, in people's words."""

from dataclasses import dataclass
from datetime import datetime

from django.utils.translation import gettext as _

from wasl.delivery.models import State
from wasl.delivery.queries import AttemptView, DeliveryView, ReceiptView
from wasl.workspace import words
from wasl.workspace.format import moment, when


@dataclass(frozen=True, slots=True)
class Standing:
    """One line under a message. `word` picks the colour; `detail` says that there is more to tell."""

    word: str
    icon: str
    text: str
    retry: bool = False
    detail: bool = False


def standing(view: DeliveryView) -> Standing:
    """The line for a delivery."""
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
        case State.FAILED:
            return Standing("failed", "alert", _failed(view.reason), retry=view.can_retry, detail=True)


def _at(sentence: str, without: str, at: datetime | None) -> str:
    return sentence % {"time": when(at)} if at else without


def _later(view: DeliveryView) -> str:
    if view.next_at is None:
        return _("Not sent yet: %(reason)s.") % {"reason": words.reason(view.reason)}
    return _("Not sent yet: %(reason)s. Next try %(time)s.") % {
        "reason": words.reason(view.reason),
        "time": when(view.next_at),
    }


def _doubt(view: DeliveryView) -> str:
    if view.next_at is None:
        return _("Not sure it left. Checking.")
    return _("Not sure it left. Checking until %(time)s.") % {"time": moment(view.next_at)}


def _failed(reason: str) -> str:
    said = _("Did not arrive: %(reason)s.") % {"reason": words.reason(reason)}
    return f"{said} {words.next_step(reason)}".strip()


@dataclass(frozen=True, slots=True)
class Step:
    """One thing that happened to a delivery: a call we made, or what was said about it later."""

    at: datetime
    icon: str
    word: str
    text: str
    code: str


def steps(attempts: list[AttemptView], receipts: list[ReceiptView]) -> list[Step]:
    """The detail view: every call and receipt in order of time, with the other side's own words."""
    made = [
        Step(each.started_at, *_call(each), " ".join(filter(None, (each.code, each.detail))))
        for each in attempts
    ]
    said = [
        Step(each.at, *_said(each), " ".join(filter(None, (each.status, each.diagnostic))))
        for each in receipts
    ]
    return sorted(made + said, key=lambda step: step.at)


def _call(attempt: AttemptView) -> tuple[str, str, str]:
    match attempt.outcome:
        case "sent":
            return "check", "sent", _("Handed over to the mail server")
        case "temporary":
            return "clock", "late", _("Put off: %(reason)s") % {"reason": words.reason(attempt.reason)}
        case "permanent":
            return "alert", "failed", _("Refused: %(reason)s") % {"reason": words.reason(attempt.reason)}
        case "in_doubt":
            return "question", "unsure", _("The answer was lost on the way")
        case "":
            return "pending", "sending", _("Under way")
        case _:
            return "clock", "late", _("The mail server was not reached")


def _said(receipt: ReceiptView) -> tuple[str, str, str]:
    match receipt.kind:
        case "delivered":
            return "checks", "delivered", _("It arrived")
        case "failed":
            return "alert", "failed", _("It came back: %(reason)s") % {"reason": words.reason(receipt.reason)}
        case "delayed":
            return "clock", "late", _("It is held up on the way")
        case "complaint":
            return "alert", "failed", _("The customer reported it as unwanted")
        case _:
            return "mail", "sent", _("It was passed on")
