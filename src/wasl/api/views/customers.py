"""Customers, and what happened with them."""

from typing import Annotated, Any
from uuid import UUID

from django.http import HttpResponse
from ninja import Query, Router

from wasl.api import paging
from wasl.api.gate import Request
from wasl.api.schemas import CustomerInFull, Customers, Timeline
from wasl.customers import queries
from wasl.customers.models import Identity
from wasl.timeline.queries import Cursor

router = Router(tags=["Customers"])

Limit = Annotated[int, Query(ge=1, le=paging.MOST, description="Rows on a page.")]
Place = Annotated[str | None, Query(max_length=1000, description="Where the page begins: from 'next'.")]


@router.get("/customers", response=Customers, operation_id="list_customers", summary="List customers")
def customers(
    request: Request,
    response: HttpResponse,
    limit: Limit = paging.LIMIT,
    cursor: Place = None,
    search: Annotated[
        str, Query(max_length=200, description="Beginnings of words of a name or an address.")
    ] = "",
) -> dict[str, Any]:
    """By name. Customers that were merged appear once, as what they are now."""
    page = queries.customers(request.actor, search, paging.at_name(cursor), limit)
    return paging.answer(request, response, page.rows, page.after)


@router.get(
    "/customers/{uuid:customer_id}",
    response=CustomerInFull,
    operation_id="get_customer",
    summary="Get a customer",
)
def customer(request: Request, customer_id: UUID) -> dict[str, Any]:
    """With all addresses. The id of a customer that was merged leads to the one it is now."""
    card = queries.customer(request.actor, customer_id)
    found = card.customer
    return {
        "id": found.id,
        "name": found.name,
        "language": found.language,
        "timezone": found.timezone,
        "place": found.place,
        "created_at": found.created_at,
        "identities": [_identity(identity) for identity in card.identities],
        "merged": [member for member in card.members if member != found.id],
        "received": card.summary.received,
        "sent": card.summary.sent,
        "failed": card.summary.failed,
        "last_at": card.summary.last_at,
    }


def _identity(identity: Identity) -> dict[str, Any]:
    return {
        "id": identity.id,
        "channel": identity.channel,
        "address": identity.display or identity.address,
        "name": identity.name,
        "created_at": identity.created_at,
    }


@router.get(
    "/customers/{uuid:customer_id}/timeline",
    response=Timeline,
    operation_id="get_timeline",
    summary="Read a customer's timeline",
)
def timeline(
    request: Request,
    response: HttpResponse,
    customer_id: UUID,
    limit: Limit = paging.LIMIT,
    cursor: Place = None,
) -> dict[str, Any]:
    """Newest first; what happened in inboxes that your token may not see is left out."""
    before = paging.at_time(cursor)
    page = queries.timeline(request.actor, customer_id, Cursor(*before) if before else None, limit)
    return paging.answer(
        request, response, page.rows, (page.after.occurred_at, page.after.id) if page.after else None
    )
