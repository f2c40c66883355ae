"""Somebody who writes without end waits for themselves, and for nobody else."""

from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

import psycopg
import pytest

from tests.inbound import mail, receive, work
from tests.worlds import Shop
from wasl.conversations import flood
from wasl.conversations.flood import Flood
from wasl.conversations.models import Message
from wasl.intake import awaiting
from wasl.intake.models import Awaiting, InboundQueue
from wasl.kit.db import tenant

AT = datetime(2026, 11, 22, 12, tzinfo=UTC)


def test_what_is_too_much_waits_its_turn_and_only_once() -> None:
    counted, who = Flood(burst=2, rate=2.0), (uuid4(), "a@b.example")
    items = [uuid4() for _ in range(4)]
    waits = [counted.wait(item, who, AT).total_seconds() for item in items]
    assert waits == [0, 0, 0.5, 1]
    assert counted.wait(items[2], who, AT) == timedelta()
    assert counted.wait(uuid4(), (uuid4(), "other@b.example"), AT) == timedelta()
    assert counted.wait(uuid4(), who, AT + timedelta(seconds=10)) == timedelta()


def test_nobody_waits_longer_than_an_hour() -> None:
    counted, who = Flood(burst=1, rate=0.001), (uuid4(), "a@b.example")
    assert max(counted.wait(uuid4(), who, AT) for _ in range(20)) == timedelta(hours=1)


def test_others_go_on_and_nothing_is_lost(
    shop: Shop, monkeypatch: pytest.MonkeyPatch, owner: psycopg.Connection[Any]
) -> None:
    monkeypatch.setattr(flood.put_off, "__defaults__", (Flood(burst=3, rate=1.0),))
    receive(shop, *(mail(f"{n}", sender="loud@home.example", subject=f"{n}") for n in range(8)))
    receive(shop, mail("I, too", sender="quiet@home.example"))
    work()
    assert texts(shop) == {"0", "1", "2", "I, too"}
    with tenant(shop.id):
        assert (Awaiting.objects.count(), InboundQueue.objects.count()) == (5, 0)
    owner.execute("UPDATE intake_awaiting SET due_at = now()")
    awaiting.step()
    work()
    assert texts(shop) == {*map(str, range(8)), "I, too"}


def texts(shop: Shop) -> set[str]:
    with tenant(shop.id):
        return {each.strip() for each in Message.objects.values_list("text", flat=True)}


class _Heard(Flood):
    def __init__(self) -> None:
        super().__init__()
        self.asked: list[UUID] = []

    def wait(self, item: UUID, who: tuple[UUID, str], at: datetime) -> timedelta:
        self.asked.append(item)
        return super().wait(item, who, at)


def test_a_program_of_ones_own_is_not_counted(shop: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    counted = _Heard()
    monkeypatch.setattr(flood.put_off, "__defaults__", (counted,))
    receive(shop, b'{"from": {"address": "a@home.example"}, "text": "Hello"}', inbox=shop.forms)
    receive(shop, mail("Hello"))
    work()
    assert len(counted.asked) == 1
