"""The pages of call-backs: the list, one of them, the sheet beside a conversation, one's own telephone."""

from datetime import UTC, datetime, timedelta

import pytest

from tests.workspace.stage import Browser, Known
from tests.worlds import Shop
from wasl.calls.models import Call, Callback, Telephone
from wasl.channels.models import Inbox
from wasl.conversations.models import Conversation, Message
from wasl.customers.models import Identity
from wasl.kit import clock
from wasl.kit.db import tenant

NOON = datetime(2026, 2, 16, 12, 0, tzinfo=UTC)
START = NOON + timedelta(hours=1)


@pytest.fixture(autouse=True)
def noon(shop: Shop, known: Known) -> object:
    """It is a Monday at noon, and nobody has said when we are closed."""
    with clock.travel(NOON):
        yield None


def promised(shop: Shop, known: Known, browser: Browser) -> Callback:
    answer = browser(shop).post(
        f"/conversations/{known.conversation}/callback",
        {"number": "+39 333 111 2222", "start": START.isoformat(), "about": "Invoice <b>"},
        headers={"HX-Request": "true"},
    )
    assert answer.status_code == 200, answer.content
    with tenant(shop.id):
        return Callback.objects.get()


def test_a_call_back_is_promised_beside_a_conversation(shop: Shop, known: Known, browser: Browser) -> None:
    sheet = browser(shop).get(f"/conversations/{known.conversation}/callback").content.decode()
    assert 'name="start" value="2026-02-16T12:30:00+00:00" checked' in sheet
    made = promised(shop, known, browser)
    assert (made.number, made.due_at, made.about) == ("+393331112222", START, "Invoice <b>")
    with tenant(shop.id):
        assert Identity.objects.filter(channel="voice", address="+393331112222").exists()
    thread = browser(shop).get(f"/all/{known.conversation}").content.decode()
    assert "Agent promised to call back" in thread.replace("\u2068", "").replace("\u2069", "")
    again = browser(shop).get(f"/conversations/{known.conversation}/callback").content.decode()
    assert "A call-back is planned already" in again


def test_what_cannot_be_promised_is_said(shop: Shop, known: Known, browser: Browser) -> None:
    place = f"/conversations/{known.conversation}/callback"
    for typed, words in (
        ({"number": "none", "start": START.isoformat()}, "This is no telephone number"),
        ({"number": "+393331112222", "start": "at", "at": "2026-02-16T03:00"}, "Choose a time to come"),
        ({"number": "+393331112222", "start": "at", "at": "2026-02-17T03:00"}, "it is night where they are"),
        ({"number": "+393331112222"}, "Choose a time to come"),
    ):
        answer = browser(shop).post(place, typed)
        assert (answer.status_code, words in answer.content.decode()) == (422, True)
    assert browser(shop, "readonly").get(place).status_code == 403


def test_the_lists_and_the_page(shop: Shop, known: Known, browser: Browser) -> None:
    made, client = promised(shop, known, browser), browser(shop)
    assert "Nobody is waiting for a call just now" in client.get("/callbacks").content.decode()
    assert "Invoice &lt;b&gt;" in client.get("/callbacks?view=later").content.decode()
    with clock.travel(START + timedelta(hours=3)):
        due = client.get("/callbacks").content.decode()
        assert "2 hours late" in due
        assert (
            '<span class="count"><bdi>1</bdi></span>' in client.get("/places?at=callbacks").content.decode()
        )
    page = client.get(f"/callbacks/{made.id}").content.decode()
    assert 'href="tel:+393331112222"' in page
    assert "Ring my telephone" not in page
    assert client.get("/callbacks?view=ended").status_code == 200
    assert client.get("/callbacks?view=nonsense").status_code == 200


def test_what_became_of_a_call_is_noted(shop: Shop, known: Known, browser: Browser) -> None:
    made, client = promised(shop, known, browser), browser(shop)
    place = f"/callbacks/{made.id}"
    assert client.post(f"{place}/outcome", {"outcome": "perhaps"}).status_code == 400
    kept = client.post(f"{place}/outcome", {"outcome": "no_answer", "notes": "Ring the door", "minutes": "9"})
    assert kept.headers["Location"] == f"{place}?done=outcome"
    page = client.get(kept.headers["Location"]).content.decode()
    assert "Tried 1 time: No answer" in client.get("/callbacks?view=later").content.decode()
    assert "Ring the door" in page
    client.post(f"{place}/outcome", {"outcome": "reached", "minutes": "4"})
    assert "4:00" in client.get(place).content.decode()
    late = client.post(f"{place}/cancel")
    assert (late.status_code, "has ended meanwhile" in late.content.decode()) == (422, True)
    with tenant(shop.id):
        assert [call.seconds for call in Call.objects.order_by("ended_at")] == [0, 240]


def test_it_is_taken_on_moved_and_called_off(shop: Shop, known: Known, browser: Browser) -> None:
    made, client = promised(shop, known, browser), browser(shop)
    taken = client.post(f"/callbacks/{made.id}/claim", {"list": "later"})
    assert taken.headers["Location"] == "/callbacks?view=later"
    assert "Give it back" in client.get(f"/callbacks/{made.id}").content.decode()
    assert client.post(f"/callbacks/{made.id}/claim", {"back": "1"}).status_code == 302
    moved = client.post(f"/callbacks/{made.id}/move", {"start": "at", "at": "2026-02-17T10:00"})
    assert "Moved." in client.get(moved.headers["Location"]).content.decode()
    client.post(f"/callbacks/{made.id}/cancel")
    with tenant(shop.id):
        row = Callback.objects.get()
    assert (row.state, row.assignee_id, row.due_at) == (
        "cancelled",
        None,
        datetime(2026, 2, 17, 10, tzinfo=UTC),
    )


def test_times_are_sent_for_the_customer_to_choose(shop: Shop, known: Known, browser: Browser) -> None:
    place = f"/conversations/{known.conversation}/callback/times"
    assert browser(shop).post(place).status_code == 422
    assert browser(shop).post(place, {"number": "+39 333 111 2222"}).status_code == 302
    with tenant(shop.id):
        assert Message.objects.filter(way="out", text__contains="\n3. ").count() == 1


def test_ones_own_telephone(shop: Shop, browser: Browser) -> None:
    client = browser(shop)
    assert client.post("/telephone", {"address": "amal"}).status_code == 422
    kept = client.post("/telephone", {"address": "+39 06 12345678", "on_duty": "on"})
    assert "Kept." in client.get(kept.headers["Location"]).content.decode()
    with tenant(shop.id):
        row = Telephone.objects.get()
    assert (row.id, row.address, row.on_duty) == (shop.agents["agent"].id, "+390612345678", True)
    assert browser(shop, "readonly").post("/telephone", {"address": ""}).status_code == 403


def test_an_agent_can_be_connected_where_there_is_a_line(shop: Shop, known: Known, browser: Browser) -> None:
    made, client = promised(shop, known, browser), browser(shop)
    assert "no telephone inbox" in client.post(f"/callbacks/{made.id}/ring").content.decode()
    with tenant(shop.id):
        Inbox.objects.create(workspace_id=shop.id, channel="voice", name="Telephone", address="+390600000000")
    assert "on which telephone" in client.post(f"/callbacks/{made.id}/ring").content.decode()
    client.post("/telephone", {"address": "+39 06 12345678"})
    assert "Ring my telephone" in client.get(f"/callbacks/{made.id}").content.decode()
    assert (
        client.post(f"/callbacks/{made.id}/ring").headers["Location"] == f"/callbacks/{made.id}?done=ringing"
    )
    assert "under way already" in client.post(f"/callbacks/{made.id}/ring").content.decode()
    with tenant(shop.id):
        call = Call.objects.get()
        assert (call.state, call.way, call.agent_id) == ("wanted", "out", shop.agents["agent"].id)
        assert Conversation.objects.get().id == call.conversation_id


def test_who_rings_pops_up_for_those_on_duty(shop: Shop, known: Known, browser: Browser) -> None:
    with tenant(shop.id):
        inbox = Inbox.objects.create(
            workspace_id=shop.id, channel="voice", name="Telephone", address="+390600000000"
        )
        call = Call.objects.create(
            workspace_id=shop.id, customer_id=known.customer, inbox=inbox, way="in", number="+393331112222",
            ref="CA1", started_at=clock.now(),
        )  # fmt: skip
    client = browser(shop)
    assert "data-call" not in client.get("/calls/ringing").content.decode()
    client.post("/telephone", {"address": "+39 06 12345678", "on_duty": "on"})
    shown = client.get("/calls/ringing").content.decode()
    assert f'data-call="{call.id}"' in shown
    assert f'href="/customers/{known.customer}"' in shown
    with tenant(shop.id):
        Call.objects.update(agent=shop.agents["admin"])
    assert "data-call" not in client.get("/calls/ringing").content.decode()
