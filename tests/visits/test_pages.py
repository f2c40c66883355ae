"""The pages of a branch: its administration, the queue, the kiosk, the screen, and a customer's code."""

import re
from uuid import uuid4

import pytest
from django.test import Client

from tests.inbound import mail, take, work
from tests.workspace.stage import signed_in
from tests.worlds import Shop
from wasl.channels.models import Inbox
from wasl.conversations import link
from wasl.conversations.models import Conversation
from wasl.customers.models import Identity
from wasl.kit.db import raw, tenant
from wasl.visits import codes
from wasl.visits.models import Branch, Visit


@pytest.fixture
def branch(shop: Shop) -> str:
    said = {"name": "Lyon", "country": "FR", "language": "fr", "purposes": ["pickup", "other"]}
    response = signed_in(shop, "admin").post("/branches/new", said)
    assert response.status_code == 302
    with tenant(shop.id):
        return str(Branch.objects.get().id)


@pytest.fixture
def kiosk(shop: Shop, branch: str) -> str:
    admin = signed_in(shop, "admin")
    admin.post(f"/branches/{branch}/kiosk", {"open": "1"})
    found = re.search(r"/k/([\w=-]+)", admin.get(f"/branches/{branch}").text)
    assert found
    return f"/k/{found[1]}"


def test_a_branch_that_cannot_be_kept_says_why(shop: Shop, branch: str) -> None:
    admin = signed_in(shop, "admin")
    response = admin.post("/branches/new", {"name": "lyon", "purposes": "other"})
    assert response.status_code == 422
    assert "There is a branch of this name already." in response.text
    response = admin.post(f"/branches/{branch}", {"name": "Lyon", "country": "France"})
    assert "A country is two letters" in response.text
    assert signed_in(shop, "agent").get("/branches").status_code == 403


def test_the_kiosk_gives_a_number_and_tells_nothing_of_anybody(shop: Shop, kiosk: str) -> None:
    take(shop, mail())
    door = Client(enforce_csrf_checks=True)
    page = door.get(kiosk)
    assert page.headers["Permissions-Policy"].startswith("camera=(self)")
    assert page.headers["Content-Language"] == "fr"
    hidden = dict(re.findall(r'name="(csrfmiddlewaretoken|key)" value="([^"]+)"', page.text))
    assert door.post(kiosk, {"key": hidden["key"], "purpose": "pickup", "name": "X"}).status_code == 403
    said = {**hidden, "purpose": "pickup", "who": "camille@atelier.example", "lang": "it"}
    response = door.post(kiosk, said, headers={"Sec-Fetch-Site": "same-origin", "Origin": "null"})
    assert response.status_code == 303
    ticket = door.get(response.headers["Location"])
    assert ticket.headers["Content-Language"] == "it"
    assert "Il Suo numero" in ticket.text
    assert "Camille" not in ticket.text
    assert "camille" not in ticket.text
    again = door.post(kiosk, said, headers={"Sec-Fetch-Site": "same-origin", "Origin": "null"})
    assert again.headers["Location"] == response.headers["Location"]
    with tenant(shop.id):
        assert Visit.objects.get().customer_id == Identity.objects.get(channel="email").customer_id


def test_the_kiosk_says_why_not_in_the_language_that_was_touched(shop: Shop, kiosk: str) -> None:
    door = Client()
    response = door.post(kiosk, {"purpose": "pickup", "who": "zzz", "lang": "en", "key": str(uuid4())})
    assert response.status_code == 422
    assert "neither an e-mail address nor a telephone number" in response.text
    assert 'value="zzz"' in response.text
    for wrong in ("/k/" + "x" * 72, "/k/abc"):
        assert door.get(wrong).status_code == 404
        assert door.post(wrong, {"purpose": "pickup", "name": "x"}).status_code == 404


def test_a_ticket_of_another_branch_or_of_nobody_shows_nothing(shop: Shop, kiosk: str) -> None:
    assert "ticket-big" not in Client().get(f"{kiosk}?visit={uuid4()}").text


def test_a_closed_kiosk_opens_no_more(shop: Shop, branch: str, kiosk: str) -> None:
    assert Client().get(kiosk).status_code == 200
    signed_in(shop, "admin").post(f"/branches/{branch}/kiosk", {"open": "0"})
    assert Client().get(kiosk).status_code == 404
    assert Client().get(f"{kiosk}/screen").status_code == 404


def test_the_queue_from_the_counter(shop: Shop, branch: str, kiosk: str) -> None:
    agent = signed_in(shop, "agent")
    come = {"key": str(uuid4()), "purpose": "other", "name": "Nadia <b>"}
    response = agent.post(f"/visits/{branch}/come", come, follow=True)
    assert "Checked in: number 1." in response.text
    assert "Nadia &lt;b&gt;" in response.text
    agent.post(f"/visits/{branch}/come", {**come, "key": str(uuid4()), "name": "Ali"})
    work()
    agent.post(f"/visits/{branch}/call", {"counter": "Counter 4"})
    screen = Client().get(f"{kiosk}/screen?lang=en")
    assert "Counter 4" in screen.text
    assert "Nadia" not in screen.text
    tag = {"If-None-Match": screen.headers["ETag"]}
    assert Client().get(f"{kiosk}/screen?lang=en", headers=tag).status_code == 304
    with tenant(shop.id):
        first, second = Visit.objects.order_by("number")
    assert agent.post(f"/visits/one/{first.id}/serve", {"outcome": "well"}).status_code == 400
    agent.post(f"/visits/one/{first.id}/serve", {"outcome": "done", "note": "Keys handed over"})
    refused = agent.post(f"/visits/one/{first.id}/left")
    assert refused.status_code == 422
    assert "A colleague was faster" in refused.text
    agent.post(f"/visits/one/{second.id}/call")
    page = agent.get(f"/visits/{branch}").text
    assert "It is done" in page
    assert "Counter 4" in page, "the counter is remembered"
    with tenant(shop.id):
        conversation = Conversation.objects.get(customer_id=first.customer_id)
    thread = agent.get(f"/conversations/{conversation.id}", follow=True).text
    assert "At the branch \u2068Lyon\u2069, number 1, by name only" in thread
    assert "called number 1 to \u2068Counter 4\u2069" in thread
    assert "served number 1. It is done" in thread
    assert "took number 1" in agent.get(f"/customers/{first.customer_id}").text
    assert signed_in(shop, "readonly").post(f"/visits/{branch}/call").status_code == 403


def test_a_customers_code_is_on_their_page_and_ours(shop: Shop, branch: str, kiosk: str) -> None:
    take(shop, mail())
    with tenant(shop.id):
        identity = Identity.objects.get()
        Inbox.objects.filter(id=shop.mail.id).update(links=True)
        page = link.address(raw(), shop.id, Conversation.objects.get().id, identity.id)
    shown = Client().get(page.partition("://")[2].partition("/")[2].join(("/", "")))
    assert '<svg class="qr"' in shown.text
    agent = signed_in(shop, "agent")
    assert '<svg class="qr"' in agent.get(f"/customers/{identity.customer_id}/code").text
    picture = agent.get(f"/customers/{identity.customer_id}/code?as=png")
    assert picture.content.startswith(b"\x89PNG")
    said = {"key": str(uuid4()), "purpose": "pickup", "who": codes.code(shop.id, identity.id)}
    assert Client().post(kiosk, said).status_code == 303
    with tenant(shop.id):
        assert Visit.objects.get().via == "code"
