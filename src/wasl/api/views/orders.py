"""Orders: told by the shop, shown beside the customer's conversations."""

from datetime import UTC
from typing import Any
from urllib.parse import unquote
from uuid import UUID

from django.http import HttpResponse
from ninja import Router

from wasl.api import paging
from wasl.api.gate import Request
from wasl.api.order_schemas import Batch, KeptOrders, Numbered, Order, Orders, Told
from wasl.api.views.customers import Limit, Place
from wasl.conversations.ordering import owner
from wasl.customers import orders, queries
from wasl.customers.models import Order as Row
from wasl.kit.clock import now
from wasl.kit.problem import Fault, Problem

router = Router(tags=["Orders"])


@router.put("/orders/{number}", response=Order, operation_id="put_order", summary="Tell of an order")
def put(request: Request, number: str, order: Told) -> dict[str, Any]:
    """Make it, or bring it up to date. Doing it twice changes nothing; an older word does not replace a newer one."""
    number = unquote(number)
    if len(number) > 60 or not orders.fold(number):
        raise Problem("invalid", "An order's number has 1 to 60 characters, a letter or a digit among them.",
                      [Fault("not a number of an order", parameter="number")])  # fmt: skip
    kept = orders.put(request.actor, [_told(number, order)])
    return shape(kept[0].order)


@router.post("/orders", response=KeptOrders, operation_id="put_orders", summary="Tell of many orders")
def put_many(request: Request, batch: Batch) -> dict[str, Any]:
    """Up to 100, each as by its own PUT; all of them or, when one is wrong, none."""
    kept = orders.put(request.actor, [_told(one.number, one) for one in batch.orders])
    return {"items": [{"number": each.order.number, "outcome": each.outcome} for each in kept]}


@router.get("/orders/{number}", response=Order, operation_id="get_order", summary="Get an order")
def get(request: Request, number: str) -> dict[str, Any]:
    """By its number, as the shop writes it."""
    return shape(orders.order(request.actor, unquote(number)))


@router.get(
    "/customers/{uuid:customer_id}/orders",
    response=Orders,
    operation_id="list_orders",
    summary="List a customer's orders",
)
def of_customer(
    request: Request,
    response: HttpResponse,
    customer_id: UUID,
    limit: Limit = paging.LIMIT,
    cursor: Place = None,
) -> dict[str, Any]:
    """Newest first."""
    found = queries.root(request.actor, customer_id)
    rows, after = orders.of_customer(request.actor, found.id, paging.at_time(cursor), limit)
    return paging.answer(request, response, [shape(row) for row in rows], after)


def _told(number: str, order: Told | Numbered) -> orders.Told:
    channel, key, display, name = owner(order.customer.address, order.customer.name)
    changed = order.changed_at or now()
    return orders.Told(
        number, channel, key, display, name, order.status, order.placed_at.astimezone(UTC), changed.astimezone(UTC),
        order.amount, order.currency, tuple(item.dict() for item in order.items), order.link,
        order.tracking.dict() if order.tracking else {}, order.customer.language,
    )  # fmt: skip


def shape(row: Row) -> dict[str, Any]:
    """An order as it is answered."""
    return {
        "number": row.number,
        "customer_id": row.customer_id,
        "status": row.status,
        "placed_at": row.placed_at,
        "changed_at": row.changed_at,
        "amount": row.amount,
        "currency": row.currency,
        "items": row.items,
        "link": row.link,
        "tracking": row.tracking or None,
    }
