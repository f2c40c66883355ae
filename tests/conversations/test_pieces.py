"""Long texts that came in parts: in any order, twice, with gaps, by several workers, and erased whole."""

import itertools
import json
import random
import threading
from datetime import timedelta
from typing import Any
from uuid import UUID

import psycopg
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.inbound import work
from tests.worlds import Shop
from wasl.channels.models import Inbox
from wasl.channels.port import OutboundChat, Settings
from wasl.channels.smpp.pdu import Place, Short
from wasl.channels.smpp.send import compose
from wasl.conversations import pieces
from wasl.conversations.models import Message
from wasl.conversations.understand import step
from wasl.customers.models import Customer
from wasl.intake.models import Awaiting, Inbound
from wasl.intake.store import Raw, store_in
from wasl.kit.clock import now
from wasl.kit.db import pool, raw, tenant
from wasl.kit.ids import uuid7
from wasl.privacy.actions import erase

Owner = psycopg.Connection[Any]
TEXT = "".join(f"{n} bottles of olive oil, please. " for n in range(1, 18))


@pytest.fixture
def inbox(shop: Shop) -> Inbox:
    with tenant(shop.id):
        return Inbox.objects.create(workspace_id=shop.id, channel="smpp", name="SMS", address="+390612345678")


def parts_of(text: str, who: str = "393331112222", delivery: str = "d") -> list[Short]:
    """As a telephone sends a text."""
    box = Settings("+390612345678", {}, {})
    made = compose(box, OutboundChat(delivery=delivery, to="+390612345678", text=text))
    return [
        Short(source=Place(who, 1, 1), destination=each.destination, content=each.content, coding=each.coding,
              esm=each.esm)
        for each in made
    ]  # fmt: skip


def bring(shop: Shop, inbox: Inbox, *shorts: Short, age: timedelta = timedelta(0)) -> list[UUID]:
    """Store parts as the listener does; the same twice is stored twice here."""
    payloads = []
    for short in shorts:
        about = {"pdu": short.encode().hex(), "at": now().isoformat()}
        key = uuid7().bytes
        payloads.append(Raw(inbox.id, "smpp", json.dumps(about).encode(), key, received_at=now() - age))
    with tenant(shop.id):
        store_in(raw(), shop.id, payloads)
    return [each.id for each in payloads]


def texts(shop: Shop) -> list[str]:
    with tenant(shop.id):
        return sorted(Message.objects.values_list("text", flat=True))


def waiting(shop: Shop) -> int:
    with tenant(shop.id):
        return Awaiting.objects.count()


def test_parts_in_every_order_and_every_slicing_are_one_message(shop: Shop, inbox: Inbox) -> None:
    shorts = parts_of(TEXT)
    assert len(shorts) == 4
    for count, order in enumerate(itertools.permutations(shorts), 1):
        first, second = order[: count % 4], order[count % 4 :]
        bring(shop, inbox, *first)
        work()
        bring(shop, inbox, *second)
        work()
        assert texts(shop) == [TEXT.strip()] * count
    assert waiting(shop) == 0


def test_a_part_that_comes_twice_is_there_once(shop: Shop, inbox: Inbox) -> None:
    one, two, three, four = parts_of(TEXT)
    for group in ((one, one), (three,), (two, three), (four,)):
        bring(shop, inbox, *group)
        work()
    assert texts(shop) == [TEXT.strip()]
    assert waiting(shop) == 0


def test_nobody_gets_another_ones_part(shop: Shop, inbox: Inbox) -> None:
    mine, theirs = parts_of("A" * 200), parts_of("B" * 200, "393339999999")
    bring(shop, inbox, mine[0], theirs[1])
    work()
    assert (texts(shop), waiting(shop)) == ([], 2)
    bring(shop, inbox, mine[1], theirs[0])
    work()
    assert texts(shop) == ["A" * 200, "B" * 200]


def test_a_letter_that_was_cut_in_two_is_whole_again(shop: Shop, inbox: Inbox) -> None:
    units = ("😀" * 40).encode("utf-16-be")
    halves = units[:134], units[134:]  # in the middle of one
    with pytest.raises(UnicodeDecodeError):
        halves[0].decode("utf-16-be")
    shorts = [
        Short(source=Place("393331112222", 1, 1), destination=Place("390612345678", 1, 1), coding=8, esm=0x40,
              content=bytes([5, 0, 3, 7, 2, n]) + half)
        for n, half in enumerate(halves, 1)
    ]  # fmt: skip
    bring(shop, inbox, *reversed(shorts))
    work()
    assert texts(shop) == ["😀" * 40]


def test_what_is_not_whole_in_time_is_shown_with_a_gap(shop: Shop, inbox: Inbox) -> None:
    one, _, three, four = parts_of(TEXT)
    bring(shop, inbox, one, four, age=timedelta(minutes=5))
    work()
    assert (texts(shop), waiting(shop)) == ([], 2)
    bring(shop, inbox, three, age=pieces.LATE + timedelta(seconds=1))
    work()
    (text,) = texts(shop)
    assert pieces.GAP in text
    assert text.startswith("1 bottles")
    assert text.endswith("17 bottles of olive oil, please.")
    assert waiting(shop) == 0
    with tenant(shop.id):
        assert Message.objects.get().meta["defects"] == ["part_missing"]


@settings(
    max_examples=15,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
    deadline=None,
)
@given(chance=st.randoms(use_true_random=False))
def test_any_order_with_repetitions(shop: Shop, inbox: Inbox, chance: random.Random) -> None:
    before = len(texts(shop))
    text = "".join(chance.choices("abc €", k=chance.randint(170, 900))).strip() + f" {before}."
    shorts = parts_of(text)
    order = [*shorts]
    chance.shuffle(order)
    last = order.pop()
    repeated = [*order, *chance.choices(order, k=2)] if order else []
    chance.shuffle(repeated)
    for short in (*repeated, last):
        bring(shop, inbox, short)
        work()
    assert len(texts(shop)) == before + 1
    assert text in texts(shop)
    assert waiting(shop) == 0


def test_two_workers_with_a_part_each_do_not_both_wait(shop: Shop, inbox: Inbox) -> None:
    for n in range(10):
        bring(shop, inbox, *parts_of(f"{n}" * 200, delivery=f"d{n}"))
    gate = threading.Barrier(2)

    def worker() -> None:
        gate.wait()
        with pool("queue", "test", 8).connection() as conn:
            while step(conn, 1):
                pass

    workers = [threading.Thread(target=worker) for _ in range(2)]
    for each in workers:
        each.start()
    for each in workers:
        each.join(30)
    work()
    assert texts(shop) == [f"{n}" * 200 for n in range(10)]


def test_an_erasure_finds_every_part(shop: Shop, inbox: Inbox) -> None:
    bring(shop, inbox, *parts_of(TEXT))
    work()
    with tenant(shop.id):
        assert Inbound.objects.filter(raw__isnull=False).count() == 4
        customer = Customer.objects.get()
    erased(shop, customer.id)
    with tenant(shop.id):
        assert Inbound.objects.filter(raw__isnull=False).count() == 0


def erased(shop: Shop, customer_id: UUID) -> None:
    with tenant(shop.id):
        erase(shop.actor("owner"), customer_id)
