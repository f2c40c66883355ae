"""What customers bought: told by the shop, shown beside their conversations, found by number in what they write."""

import re
import unicodedata
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any
from uuid import UUID

from django.db.models import Q, Value

from wasl.accounts.actor import Actor, NotFound
from wasl.customers.models import Customer, Order, OrderStatus
from wasl.customers.queries import family
from wasl.customers.resolve import Resolved, Sender, resolve
from wasl.kit.db import raw
from wasl.kit.ids import uuid7
from wasl.kit.signal import Signal, send
from wasl.timeline.actions import Touch, append

AT_ONCE = 200
"""Orders that one transaction takes."""

SHOWN = 20
MENTIONED = 8
SHORTEST, LONGEST = 4, 30
FEWEST_DIGITS = 3
_WORD = re.compile(r"[^\W_](?:[\w./#-]{0,40}[^\W_])?")


@dataclass(frozen=True, slots=True)
class Told:
    """An order as the shop tells it. `channel` and `identity_key` say whose it is, `display` how that is written."""

    number: str
    channel: str
    identity_key: str
    display: str
    name: str
    status: str
    placed_at: datetime
    changed_at: datetime
    amount: int | None = None
    currency: str = ""
    items: tuple[dict[str, Any], ...] = ()
    link: str = ""
    tracking: dict[str, str] = field(default_factory=dict)
    language: str = ""


@dataclass(frozen=True, slots=True)
class Kept:
    """What became of one: `made`, `changed`, `same`, or `older` than what is known, which stays."""

    order: Order
    outcome: str


def fold(number: str) -> str:
    """A number as it is compared: letters and digits only, capitals, Western digits (`dz ٢٠٣٧٧` → `DZ20377`)."""
    letters = unicodedata.normalize("NFKC", number)
    return "".join(str(unicodedata.digit(c)) if c.isdigit() else c for c in letters.upper() if c.isalnum())[
        :60
    ]


def put(actor: Actor, told: Sequence[Told]) -> list[Kept]:
    """Keep these orders, inside `tenant(…)`; whoever bought is made a customer when nobody knows them.

    The newest word counts, in whatever order they come. Raises Forbidden, and ValueError for more than `AT_ONCE`, a
    number that has no letter or digit, or a status that there is not.
    """
    actor.require_write()
    if len(told) > AT_ONCE:
        raise ValueError(f"more than {AT_ONCE} orders at once")
    for one in told:
        if not fold(one.number) or one.status not in OrderStatus.values:
            raise ValueError(one.number)
    senders = [
        Sender(one.channel, one.identity_key, one.display, one.name, one.language, one.placed_at)
        for one in told
    ]
    found = resolve(raw(), actor.workspace_id, senders)
    known = {
        order.number: order
        for order in Order.objects.select_for_update()
        .filter(number__in=[one.number for one in told])
        .order_by("number")
    }
    kept, touches = [], list[Touch]()
    for one, whose in zip(told, found, strict=True):
        order, outcome, touch = _keep(actor, one, whose, known.get(one.number))
        known[one.number] = order
        kept.append(Kept(order, outcome))
        touches += touch
    if touches:
        append(raw(), actor.workspace_id, touches)
        whom = tuple({touch.customer_id for touch in touches})
        send(raw(), [Signal("customer", actor.workspace_id, customers=whom)])
    return kept


def _keep(actor: Actor, told: Told, whose: Resolved, order: Order | None) -> tuple[Order, str, list[Touch]]:
    if order is None:
        order = Order(id=uuid7(), workspace_id=actor.workspace_id, customer_id=whose.customer_id)
        _write(order, told).save(force_insert=True)
        touches = [_touch(actor, order, "order.placed", told.placed_at)]
        if told.status != OrderStatus.PLACED:
            touches.append(_touch(actor, order, "order.changed", told.changed_at, was=OrderStatus.PLACED))
        return order, "made", touches
    if told.changed_at < order.changed_at:
        return order, "older", []
    was, before = order.status, _comparable(order)
    order.customer_id = whose.customer_id
    if _comparable(_write(order, told)) == before:
        return order, "same", []
    order.save(force_update=True)
    touches = [_touch(actor, order, "order.changed", told.changed_at, was=was)] if was != order.status else []
    return order, "changed", touches


def _write(order: Order, told: Told) -> Order:
    order.number, order.folded, order.status = told.number, fold(told.number), told.status
    order.amount, order.currency, order.items = told.amount, told.currency, list(told.items)
    order.link, order.tracking = told.link, dict(told.tracking)
    order.placed_at, order.changed_at = told.placed_at, told.changed_at
    return order


def _comparable(order: Order) -> tuple[object, ...]:
    return (
        order.customer_id,
        order.status,
        order.amount,
        order.currency,
        order.items,
        order.link,
        order.tracking,
        order.placed_at,
    )


def _touch(actor: Actor, order: Order, kind: str, at: datetime, **facts: str) -> Touch:
    said: dict[str, int | str] = {"status": str(order.status), "by": actor.kind, **facts}
    if kind == "order.placed":
        said["status"] = "placed"
    if order.amount is not None:
        said["amount"] = order.amount
    if order.items:
        said["items"] = len(order.items)
    detail = {"number": order.number, "currency": order.currency}
    return Touch(order.customer_id, kind, at, about_id=order.id, facts=said, detail=detail)


def order(actor: Actor, number: str) -> Order:
    """The order of that number, with its `customer`. Raises NotFound."""
    found = (
        Order.objects.select_related("customer")
        .filter(workspace_id=actor.workspace_id, number=number)
        .first()
    )
    if found is None:
        raise NotFound
    return found


def of_customer(
    actor: Actor, customer_id: UUID, before: tuple[datetime, UUID] | None = None, limit: int = SHOWN
) -> tuple[list[Order], tuple[datetime, UUID] | None]:
    """A customer's orders, newest first, everybody merged with them included, and where the next page begins."""
    found = Order.objects.filter(workspace_id=actor.workspace_id, customer_id__in=family([customer_id]))
    if before:
        found = found.filter(Q(placed_at__lt=before[0]) | Q(placed_at=before[0], id__lt=before[1]))
    rows = list(found.order_by("-placed_at", "-id")[: limit + 1])
    after = (rows[limit - 1].placed_at, rows[limit - 1].id) if len(rows) > limit else None
    return rows[:limit], after


def beside(members: Collection[UUID], texts: Iterable[str]) -> tuple[list[Order], list[Order]]:
    """The orders whose numbers stand in these texts, and the last of a family's; both in one statement.

    Mentioned is anybody's by the whole number, one of the family's own by its digits: somebody may well ask about an
    order that another address placed; a few digits alone say too little for that.
    """
    words = {word for text in texts for word in numbers_in(text)}
    named = Order.objects.filter(folded__in=words).annotate(exact=Value(True)).order_by("-placed_at")
    theirs = Order.objects.filter(customer_id__in=members).annotate(exact=Value(False))
    found: list[Any] = list(
        named[:MENTIONED].union(theirs.order_by("-placed_at", "-id")[: SHOWN + 1], all=True)
    )
    found.sort(key=lambda order: (order.placed_at, order.id), reverse=True)
    exact: list[Order] = [order for order in found if order.exact]
    own: list[Order] = [order for order in found if not order.exact]
    known = {order.id for order in exact}
    by_digits = [o for o in own[:SHOWN] if o.id not in known and digits_of(o.folded) in words]
    return (exact + by_digits)[:MENTIONED], own


def digits_of(folded: str) -> str:
    """The digits of a number; '' when they are too few to tell it."""
    digits = "".join(c for c in folded if c.isdigit())
    return digits if len(digits) >= SHORTEST else ""


def numbers_in(text: str) -> set[str]:
    """What in a text could be an order's number, folded: a word with digits, and with the short word before it."""
    found: set[str] = set()
    last = ""
    for said in _WORD.findall(text[:20_000]):
        # Most words have no digit and need no folding: this runs over every message of an open conversation.
        if said.isalpha():
            last = said if len(said) <= 5 else ""
            continue
        word = fold(said)
        if sum(c.isdigit() for c in word) >= FEWEST_DIGITS:
            before = fold(last)
            for candidate in (word, before + word if before else ""):
                if SHORTEST <= len(candidate) <= LONGEST:
                    found.add(candidate)
        last = ""
        if len(found) >= 200:
            break
    return found


def whose(orders: Iterable[Order]) -> dict[UUID, UUID]:
    """The customer that each order belongs to now, by order."""
    rows = {o.id: o.customer_id for o in orders}
    roots = dict(Customer.objects.filter(id__in=set(rows.values())).values_list("id", "root_id"))
    return {order_id: roots.get(customer, customer) for order_id, customer in rows.items()}
