"""Asking to be called back, on the customer's own page: times at which somebody is there and they are awake."""

from wasl.calls import actions, asking
from wasl.calls.asking import Asker, Calls, masked, moment
from wasl.calls.models import Callback
from wasl.portal.gate import Opened
from wasl.workspace.format import language

__all__ = ["ask", "masked", "shown", "withdraw"]


def shown(opened: Opened) -> Calls:
    """What can be chosen now; without times there is nothing to offer."""
    return asking.shown(_asker(opened), language())


def ask(opened: Opened, start: str, number: str) -> Callback:
    """Promise a call, or move the one that was promised. Raises CannotCall: no_number, bad_number, closed, past."""
    actor, at = actions.system(opened.claim.workspace_id), moment(start)
    number = number.strip() or _asker(opened).number
    return actions.request(actor, opened.conversation.id, actions.Wanted(at, number), by="customer")


def withdraw(opened: Opened) -> None:
    """The customer needs no call any more; without one that waits nothing happens. Raises CannotCall: ended."""
    waiting = _asker(opened).waiting
    if waiting:
        actions.cancel(actions.system(opened.claim.workspace_id), waiting.id, by="customer")


def _asker(opened: Opened) -> Asker:
    return asking.in_conversation(actions.system(opened.claim.workspace_id), opened.conversation)
