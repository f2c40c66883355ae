"""Call-backs: when they can be, and promising one."""

from typing import Any
from uuid import UUID

from django.http import HttpResponse
from ninja import Router, Status

from wasl.api.callback_schemas import Callback, Times, Wanted
from wasl.api.gate import Request
from wasl.calls import actions
from wasl.calls.actions import CannotCall
from wasl.calls.models import Callback as Row
from wasl.conversations import queries
from wasl.kit.problem import Fault, Problem

router = Router(tags=["Calls"])
MOST = 12


@router.get(
    "/conversations/{uuid:conversation_id}/callback-times",
    response=Times,
    operation_id="list_callback_times",
    summary="See when a customer can be called back",
)
def times(request: Request, conversation_id: UUID) -> dict[str, Any]:
    """Up to twelve, spread over the days to come; none when nobody is there within two weeks."""
    row = queries.conversation(request.actor, conversation_id)
    number = actions.number_of(row)
    free = actions.offered(request.actor, row, number, MOST)
    zone = str(actions.zone_for(request.actor, row, number))
    return {
        "number": number,
        "timezone": zone,
        "times": [{"start": each.start, "end": each.end} for each in free],
    }


@router.post(
    "/callbacks", response={201: Callback}, operation_id="ask_callback", summary="Ask for a call-back"
)
def ask(request: Request, response: HttpResponse, wanted: Wanted) -> Status[dict[str, Any]]:
    """Whoever is on duty then finds it among what is due. The webhook 'call.requested' tells of it."""
    actor = request.actor
    row = queries.conversation(actor, wanted.conversation_id)
    number = wanted.number or actions.number_of(row)
    try:
        made = actions.request(
            actor,
            row.id,
            actions.Wanted(wanted.start, number, wanted.about),
            by="customer" if wanted.by_customer else "",
        )
    except CannotCall as error:
        raise _why_not(error.reason) from error
    response.headers["Location"] = f"/api/v1/conversations/{made.conversation_id}"
    return Status(201, _shape(made))


def _why_not(reason: str) -> Problem:
    wrong, pointer = {
        "no_number": ("The customer is known by no telephone number; name one.", "#/number"),
        "bad_number": (
            "This is no telephone number. It begins with + and the code of the country.",
            "#/number",
        ),
        "past": ("This time is over.", "#/start"),
        "too_long": ("What it is about may have 4,000 letters.", "#/about"),
    }.get(reason, ("Nobody is there then, or it is night where the customer is.", "#/start"))
    return Problem("invalid", wrong, [Fault(wrong, pointer)])


def _shape(row: Row) -> dict[str, Any]:
    return {
        "id": row.id,
        "conversation_id": row.conversation_id,
        "customer_id": row.customer_id,
        "number": row.number,
        "about": row.about,
        "start": row.due_at,
        "end": row.until,
        "timezone": row.zone,
        "state": str(row.state),
        "asked_by": row.asked_by,
    }
