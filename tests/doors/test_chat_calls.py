"""A call-back is asked for in a web chat, moved and called off; a word in any chat is enough to be offered times."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from uuid import uuid4

import pytest

from tests.calls.test_callbacks import settle
from tests.conversations.test_ways import chat_inbox, write
from tests.doors.chats import Browser, Site
from tests.worlds import Shop
from wasl.accounts.models import Calendar
from wasl.calls import texts
from wasl.calls.models import Callback, Offer
from wasl.conversations.models import Conversation, Message
from wasl.customers.models import Identity
from wasl.kit import clock
from wasl.kit.db import tenant
from wasl.widget.place import places

MONDAY = datetime(2026, 2, 16, 8, 0, tzinfo=UTC)  # 09:00 in Rome
NUMBER = "+393331112222"


@pytest.fixture
def open_shop(shop: Shop) -> Shop:
    """From 9 to 17 in Rome, Monday to Friday."""
    with tenant(shop.id):
        Calendar.objects.create(
            workspace_id=shop.id, name="Office", timezone="Europe/Rome", is_default=True,
            week=[[[540, 1020]]] * 5 + [[], []],
        )  # fmt: skip
    return shop


@pytest.fixture
def site(open_shop: Shop) -> Iterator[Site]:
    made = Site(open_shop)
    yield made
    made.close()


def out(shop: Shop) -> list[str]:
    with tenant(shop.id):
        return list(Message.objects.filter(way="out").order_by("at").values_list("text", flat=True))


def test_a_stranger_asks_for_a_call_moves_it_and_calls_it_off(site: Site) -> None:
    shop, sara = site.shop, Browser(site)
    with clock.travel(MONDAY):
        found = sara.ask("GET", "/call").json()
        assert (found["number"], found["agreed"], len(found["times"])) == ("", "", 6)
        start, text = found["times"][0]
        assert text == "today at 9:30"
        wanted = {"id": str(uuid4()), "start": start, "number": "+39 333 111 2222"}
        night = {**wanted, "start": (MONDAY + timedelta(hours=14)).isoformat()}
        for wrong in (
            night,
            {**wanted, "start": "soon"},
            {**wanted, "start": (MONDAY + timedelta(days=364)).isoformat()},
            {**wanted, "start": "9999-12-31T23:59:59+14:00"},
            {**wanted, "number": "12"},
            {**wanted, "number": ""},
        ):
            refused = sara.ask("POST", "/call/ask", wrong)
            assert refused.status_code == 422
            assert refused.json()["detail"]
        for _ in range(2):  # the answer was lost, and it is sent again
            taken = sara.ask("POST", "/call/ask", wanted)
            assert (taken.status_code, taken.json()["when"]) == (202, "today at 9:30")
            settle()
        with tenant(shop.id):
            made = Callback.objects.get()
            assert (made.number, made.asked_by, made.due_at.isoformat()) == (NUMBER, "customer", start)
        assert ("in", f"Please call me back today at 9:30, on {NUMBER}.") in sara.texts
        assert out(shop) == [f"Thank you. We will call you today at 9:30, on {NUMBER}."]

        again = sara.ask("GET", "/call").json()
        assert (again["number"], again["agreed"]) == ("…2222", "today at 9:30")
        later = again["times"][2][0]
        sara.ask("POST", "/call/ask", {"id": str(uuid4()), "start": later})
        settle()
        with tenant(shop.id):
            assert [row.due_at.isoformat() for row in Callback.objects.all()] == [later]
        assert Browser(site).ask("GET", "/call").json()["agreed"] == "", "nobody learns of another's"
        assert Browser(site).ask("POST", "/call/withdraw", {}).json() == {"off": False}
        assert sara.ask("POST", "/call/withdraw", {}).json() == {"off": True}
        with tenant(shop.id):
            assert Callback.objects.get().state == "cancelled"

        site.inbox.config["calls"] = "no"
        with tenant(shop.id):
            site.inbox.save(update_fields=["config"])
        places.clear()
        assert sara.ask("GET", "/call").status_code == 404
        assert sara.ask("POST", "/call/ask", wanted).status_code == 404


def test_a_word_is_enough_and_a_number_that_is_missing_is_asked_for(open_shop: Shop) -> None:
    shop = open_shop
    inbox = chat_inbox(shop, "whatsapp", "111")
    with clock.travel(MONDAY):
        write(shop, inbox, "Please call me back!", who="IT.4711")
        settle()
        assert len(out(shop)) == 1
        assert "+" in out(shop)[0]
    with clock.travel(MONDAY + timedelta(minutes=1)):
        write(shop, inbox, "call me", who="IT.4711", ref="wamid.2")  # said twice, asked once
        write(shop, inbox, "+39 333 111 2222", who="IT.4711", ref="wamid.3")
        settle()
        assert len(out(shop)) == 2
        assert "1. " in out(shop)[1]
    with clock.travel(MONDAY + timedelta(minutes=2)):
        write(shop, inbox, "2", who="IT.4711", ref="wamid.4")
        settle()
    with tenant(shop.id):
        made = Callback.objects.get()
        assert (made.number, made.asked_by) == (NUMBER, "customer")
        assert Conversation.objects.count() == 1
        assert Offer.objects.filter(settled_at=None).count() == 0
        assert Identity.objects.count() == 1, "a number that somebody types proves nothing"


@pytest.mark.parametrize(
    ("text", "meant"),
    [
        ("Rappelez-moi, s’il vous plaît", False), ("RAPPELEZ-MOI !", True), ("Mi richiami.", True),
        ("اتصلوا بي", True), ("  call back ", True), ("Call me Ishmael", False), ("I call 3 times a day", False),
        ("", False), ("📞", False),
    ],
)  # fmt: skip
def test_only_the_word_alone_is_the_wish(text: str, meant: bool) -> None:
    assert texts.asks(text) is meant
