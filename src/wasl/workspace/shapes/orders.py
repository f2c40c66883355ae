"""Orders as they are shown: beside a conversation, and as entries of the timeline."""

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from uuid import UUID

from django.utils.translation import gettext as _
from django.utils.translation import pgettext

from wasl.accounts.actor import Actor
from wasl.conversations import order_sheet, ordering
from wasl.conversations.models import Message
from wasl.customers import orders
from wasl.customers.models import Order
from wasl.timeline.queries import Entry
from wasl.workspace.format import day_within, isolated, money, number

ITEMS = 3


@dataclass(frozen=True, slots=True)
class Shown:
    """One order. `named`: a message names it; `theirs`: the customer of this page bought it."""

    number: str
    icon: str
    link: str
    total: str
    items: str
    status: str
    parcel: str
    named: bool
    theirs: bool


def beside(
    conversation_id: UUID, family: Collection[UUID], latest: Sequence[Message] | None = None
) -> list[Shown]:
    """The orders to show beside a conversation; `latest` are its newest messages where they were read already."""
    found, _more = ordering.beside(conversation_id, family, latest)
    return [_shown(each.order, each.named, each.theirs) for each in found]


def of_customer(actor: Actor, customer_id: UUID) -> list[Shown]:
    """A customer's last orders."""
    rows, _after = orders.of_customer(actor, customer_id)
    return [_shown(row, False, True) for row in rows]


def _shown(order: Order, named: bool, theirs: bool) -> Shown:
    tracking = (order.tracking.get("carrier", ""), order.tracking.get("number", ""))
    return Shown(
        order.number,
        "truck" if order.status in ("sent", "delivered") else "box",
        order.link,
        total(order.amount, order.currency),
        _items(order.items),
        f"{status(order.status)} {day_within(order.changed_at)}",
        " ".join(filter(None, tracking)),
        named,
        theirs,
    )


def _items(items: Iterable[dict[str, object]]) -> str:
    """`6 × Atlas plate, 2 × dish`; the rest is counted."""
    found = [
        f"{number(int(str(item.get('quantity', 1))))} × {item.get('name', '')}"
        if item.get("quantity", 1) != 1
        else str(item.get("name", ""))
        for item in items
    ]
    more = len(found) - ITEMS
    shown = _("%(list)s and %(n)s more") % {"list": ", ".join(found[:ITEMS]), "n": number(more)}
    return shown if more > 0 else ", ".join(found)


def total(amount: int | None, currency: str) -> str:
    """An amount as readers of the page's language write it; '' when it is not known."""
    if amount is None:
        return ""
    value = amount / 10 ** order_sheet.digits(currency)
    if not currency:
        return f"{value:.2f}"
    return money(value, currency)


def status(word: str) -> str:
    """Where an order stands."""
    return {
        "placed": pgettext("order", "placed"),
        "paid": pgettext("order", "paid"),
        "packed": pgettext("order", "packed"),
        "sent": pgettext("order", "sent"),
        "delivered": pgettext("order", "delivered"),
        "cancelled": pgettext("order", "cancelled"),
        "returned": pgettext("order", "returned"),
        "refunded": pgettext("order", "refunded"),
    }.get(word, word)


def sentence(entry: Entry) -> str:
    """What happened with an order, for the timeline."""
    told = {"number": isolated(str(entry.detail.get("number", "")))}
    if entry.kind == "order.placed":
        return _("Ordered: %(number)s") % told
    return {
        "paid": _("Order %(number)s was paid"),
        "packed": _("Order %(number)s was packed"),
        "sent": _("Order %(number)s was sent"),
        "delivered": _("Order %(number)s was delivered"),
        "cancelled": _("Order %(number)s was cancelled"),
        "returned": _("Order %(number)s came back"),
        "refunded": _("Order %(number)s was refunded"),
    }.get(str(entry.facts.get("status", "")), _("Order %(number)s changed")) % told
