"""A customer asks to be called back: on their own page, and by a program that speaks for them."""

from datetime import UTC, datetime, timedelta
from uuid import UUID

import pytest
from django.test import Client

from tests.api.client import Caller, problem, token_of
from tests.conversations.test_ways import chat_inbox, message, write
from tests.inbound import mail, take
from tests.worlds import Shop
from wasl.accounts.models import Calendar
from wasl.calls.models import Callback
from wasl.channels import access
from wasl.channels.models import Inbox
from wasl.conversations import link
from wasl.kit import clock
from wasl.kit.db import raw, tenant
from wasl.portal import gate

MONDAY = datetime(2026, 2, 16, 8, 0, tzinfo=UTC)  # 09:00 in Rome
NUMBER = "+393331112222"


@pytest.fixture(autouse=True)
def unhurried(monkeypatch: pytest.MonkeyPatch) -> None:
    access.forget()
    for name in ("_reads", "_writes"):
        monkeypatch.setattr(gate, name, type(gate._reads)(1000, 1000))


@pytest.fixture
def open_shop(shop: Shop) -> Shop:
    """From 9 to 17 in Rome, Monday to Friday."""
    with tenant(shop.id):
        Calendar.objects.create(
            workspace_id=shop.id, name="Office", timezone="Europe/Rome", is_default=True,
            week=[[[540, 1020]]] * 5 + [[], []],
        )  # fmt: skip
        Inbox.objects.filter(id=shop.mail.id).update(links=True)
    return shop


def page(shop: Shop, conversation: UUID, identity: UUID | None) -> str:
    assert identity is not None
    with tenant(shop.id):
        return link.PATH + link.address(raw(), shop.id, conversation, identity).partition(link.PATH)[2]


def test_the_customers_page_offers_times_and_keeps_the_one_they_choose(open_shop: Shop) -> None:
    shop, client = open_shop, Client()
    with clock.travel(MONDAY):
        (id_,) = take(shop, mail("Potete richiamarmi? Vorrei sapere dove è il mio ordine, grazie"))
        said = message(shop, id_)
        path = page(shop, said.conversation_id, said.identity_id)
        start = (MONDAY + timedelta(hours=2)).isoformat()
        assert f'name="start" value="{start}"' in client.get(path).text
        for number in ("", "12"):
            refused = client.post(f"{path}/call", {"start": start, "number": number})
            assert refused.status_code == 422
            assert 'role="alert"' in refused.text
        assert client.post(f"{path}/call", {"start": "soon", "number": NUMBER}).status_code == 422
        night = (MONDAY + timedelta(hours=14)).isoformat()
        assert client.post(f"{path}/call", {"start": night, "number": NUMBER}).status_code == 422
        taken = client.post(f"{path}/call", {"start": start, "number": "+39 333 111 2222"}, follow=True)
        assert "oggi alle 11" in taken.text
        with tenant(shop.id):
            made = Callback.objects.get()
        assert (made.number, made.asked_by, made.due_at) == (NUMBER, "customer", MONDAY + timedelta(hours=2))
        later = (MONDAY + timedelta(hours=4)).isoformat()
        client.post(f"{path}/call", {"start": later, "number": ""})
        with tenant(shop.id):
            assert Callback.objects.get().due_at == MONDAY + timedelta(hours=4)
        assert client.post(f"{link.PATH}x/call", {"start": later}).status_code == 404


def test_a_chat_is_read_on_the_page_and_answered_in_the_chat(open_shop: Shop) -> None:
    shop, client = open_shop, Client()
    said = write(shop, chat_inbox(shop, "whatsapp", "111"), "Potete richiamarmi?")
    path = page(shop, said.conversation_id, said.identity_id)
    text = client.get(path).text
    assert "Potete richiamarmi?" in text
    assert "<textarea" not in text
    assert client.post(f"{path}/write", {"key": "0" * 32, "text": "x"}).status_code == 404


def test_a_program_asks_for_a_customer(open_shop: Shop) -> None:
    shop, call = open_shop, Caller(token_of(open_shop))
    with clock.travel(MONDAY):
        said = write(shop, chat_inbox(shop, "whatsapp", "111"), "Potete richiamarmi?", who=NUMBER[1:])
        found = call.get(f"/conversations/{said.conversation_id}/callback-times")
        assert (found["number"], found["timezone"]) == (NUMBER, "Europe/Rome")
        first = found["times"][0]
        wanted = {"conversation_id": str(said.conversation_id), "start": first["start"], "about": "Ordine"}
        made = call.post("/callbacks", wanted)
        assert (made["number"], made["asked_by"], made["state"]) == (NUMBER, "customer", "waiting")
        assert (made["start"], made["end"]) == (first["start"], first["end"])
        assert call.post("/callbacks", wanted | {"by_customer": False})["id"] == made["id"]
        night = {**wanted, "start": (MONDAY + timedelta(hours=14)).isoformat()}
        fault = problem(call("POST", "/callbacks", night), 422, "invalid")["errors"][0]
        assert fault["pointer"] == "#/start"
        wrong = problem(call("POST", "/callbacks", wanted | {"number": "call me"}), 422, "invalid")
        assert wrong["errors"][0]["pointer"] == "#/number"
