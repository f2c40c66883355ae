"""Orders: kept as the shop last said, found by number, shown beside conversations."""

import random
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from tests.worlds import Shop
from wasl.conversations import order_sheet
from wasl.conversations.order_sheet import BadSheet
from wasl.conversations.ordering import owner
from wasl.customers import orders
from wasl.customers.models import Customer, Order
from wasl.customers.orders import Told, fold, numbers_in
from wasl.kit.db import raw, tenant
from wasl.timeline.queries import of_customers

NOON = datetime(2026, 2, 2, 12, tzinfo=UTC)


def told(
    number: str = "DZ-20377",
    status: str = "placed",
    hours: int = 0,
    who: str = "h@people.example",
    **more: Any,
) -> Told:
    channel, key, display, name = owner(who, "Hannah Clarke")
    return Told(number, channel, key, display, name, status, NOON, NOON + timedelta(hours=hours), **more)


def put(shop: Shop, *some: Told) -> list[str]:
    with tenant(shop.id):
        return [kept.outcome for kept in orders.put(shop.actor("agent"), some)]


def test_whoever_bought_becomes_a_customer_with_a_timeline(shop: Shop) -> None:
    assert put(shop, told(status="sent", hours=5, amount=41280, currency="EUR")) == ["made"]
    with tenant(shop.id):
        customer = Customer.objects.get()
        assert customer.name == "Hannah Clarke"
        entries = of_customers(raw(), shop.id, [customer.id])
        assert [(e.kind, e.facts["status"], e.occurred_at) for e in entries] == [
            ("order.changed", "sent", NOON + timedelta(hours=5)),
            ("order.placed", "placed", NOON),
        ]
        assert entries[0].detail["number"] == "DZ-20377"


def test_the_same_again_changes_nothing_and_an_older_word_does_not_win(shop: Shop) -> None:
    put(shop, told())
    assert put(shop, told(), told(status="delivered", hours=9), told(status="sent", hours=5)) == [
        "same",
        "changed",
        "older",
    ]
    with tenant(shop.id):
        assert Order.objects.get().status == "delivered"


@pytest.mark.parametrize("seed", range(5))
def test_the_newest_word_counts_in_whatever_order_they_come(shop: Shop, seed: int) -> None:
    words = [told(status=s, hours=n) for n, s in enumerate(("placed", "paid", "packed", "sent", "delivered"))]
    random.Random(seed).shuffle(words)
    for word in words:
        put(shop, word)
    with tenant(shop.id):
        assert Order.objects.get().status == "delivered"


def test_nothing_of_a_wrong_batch_is_kept(shop: Shop) -> None:
    with pytest.raises(ValueError, match="--"), tenant(shop.id):
        orders.put(shop.actor("agent"), [told(), told(number="--")])
    with tenant(shop.id):
        assert not Order.objects.exists()


@pytest.mark.parametrize(
    ("text", "number"),
    [
        ("Where is my order DZ-20377?", "DZ20377"),
        ("where is dz 20377, please", "DZ20377"),
        ("#20377 hasn't come", "20377"),
        ("أين طلبي رقم DZ-20377؟", "DZ20377"),
        ("طلبي رقم ٢٠٣٧٧ لم يصل", "20377"),
        ("La commande n°20377 n’est pas arrivée", "20377"),
        ("Ordine DZ/20377.", "DZ20377"),
        ("(DZ20377)", "DZ20377"),
    ],
)
def test_numbers_are_found_as_people_write_them(text: str, number: str) -> None:
    assert number in numbers_in(text)


def test_words_and_short_numbers_are_no_orders() -> None:
    assert numbers_in("Hello, I ordered 2 plates on the 12th of May at 9") == set()
    assert len(numbers_in(" ".join(f"A{n:06}" for n in range(5000)))) <= 201


def test_numbers_fold_alike() -> None:
    assert fold("dz-20377") == fold("DZ ٢٠٣٧٧") == fold("ＤＺ２０３７７") == "DZ20377"


def test_ones_own_order_is_found_by_its_digits_and_anybodys_by_the_whole_number(shop: Shop) -> None:
    put(shop, told(), told("DZ-30001", who="other@people.example"))
    with tenant(shop.id):
        hannah = Order.objects.get(number="DZ-20377").customer_id

        def found(text: str) -> list[str]:
            return [o.number for o in orders.beside([hannah], [text])[0]]

        assert found("20377 please") == ["DZ-20377"]
        assert found("30001 please") == []
        assert found("DZ-30001 is my husband's") == ["DZ-30001"]
        assert found("nothing here") == []


def test_another_workspace_sees_none(shop: Shop) -> None:
    put(shop, told())
    other = Shop.create("other", "help@other.example")
    with tenant(other.id):
        assert not Order.objects.exists()
        assert orders.put(other.actor("agent"), [told()])[0].outcome == "made"


SHEET = """number;customer;name;status;placed_at;total;currency;items
DZ-1;a@people.example;Ana;sent;2026-02-01;412,80;EUR;6 × Atlas plate; 2 × dish
DZ-2;b@people.example;"=1+1";placed;2026-02-01T10:00:00+01:00;1.234;TND;
DZ-3;not an address;;placed;2026-02-01;;;
DZ-4;d@people.example;;lost;2026-02-01;;;
DZ-5;e@people.example;;paid;yesterday;;;
DZ-6;f@people.example;;paid;2026-02-01;12,345;EUR;
"""


def test_a_sheet_is_taken_row_by_row_and_says_what_was_wrong(shop: Shop) -> None:
    sheet = SHEET.replace("6 × Atlas plate; 2 × dish", '"6 × Atlas plate; 2 × dish"').encode("utf-8-sig")
    *_, report = order_sheet.take(shop.actor("agent"), sheet)
    assert (report.made, report.wrong) == (2, 4)
    assert [(line, column) for line, column, _ in report.faults] == [
        (4, "customer"),
        (5, "status"),
        (6, "placed_at"),
        (7, "total"),
    ]
    with tenant(shop.id):
        first, second = Order.objects.order_by("number")
        assert (first.amount, first.items) == (
            41280,
            [{"name": "Atlas plate", "quantity": 6}, {"name": "dish", "quantity": 2}],
        )
        assert second.amount == 1234, "dinars have three decimals"
    *_, again = order_sheet.take(shop.actor("agent"), sheet)
    assert (again.made, again.same) == (0, 2)


@pytest.mark.parametrize(
    ("sheet", "reason"),
    [
        (b"number,customer\nx,y\n", "no_columns"),
        ("número,customer,status,placed_at\n".encode("latin-1"), "not_utf8"),
        (b"", "no_columns"),
        (
            b'number,customer,status,placed_at\n1,"a@b.example,sent,2026-01-02\n2,c@d.example,sent,2026-01-02\n',
            "broken",
        ),
        (b"number,customer,status,placed_at\n1,a@b.example,sent," + b"x" * 200_000, "broken"),
    ],
)
def test_a_sheet_that_is_none_is_refused_whole(shop: Shop, sheet: bytes, reason: str) -> None:
    with pytest.raises(BadSheet, match=reason):
        list(order_sheet.take(shop.actor("agent"), sheet))
