"""Orders over the API, and beside the conversation that names them."""

from email.message import EmailMessage
from typing import Any

import pytest
from django.test import Client

from tests.inbound import take
from tests.workspace.stage import signed_in
from tests.worlds import Shop
from wasl.accounts import tokens
from wasl.channels import access
from wasl.conversations.models import Conversation
from wasl.kit.db import tenant

BODY = {
    "customer": {"address": "Hannah@People.example", "name": "Hannah Clarke"},
    "status": "sent",
    "placed_at": "2026-02-02T19:08:00+01:00",
    "changed_at": "2026-02-03T09:00:00+01:00",
    "amount": 41280,
    "currency": "EUR",
    "items": [{"name": "Atlas plate", "quantity": 6}],
    "link": "https://shop.example/orders/DZ-20377",
    "tracking": {"carrier": "La Poste", "number": "6A123"},
}


@pytest.fixture
def call(shop: Shop) -> Any:
    access.forget()
    with tenant(shop.id):
        secret, _ = tokens.create(shop.actor("owner"), "shop", "agent")
    client = Client(headers={"Authorization": f"Bearer {secret}"})

    def ask(method: str, path: str, body: object = None) -> Any:
        send = getattr(client, method)
        if body is None:
            return send(f"/api/v1{path}")
        return send(f"/api/v1{path}", body, content_type="application/json")

    return ask


def test_an_order_is_told_and_read_again(call: Any) -> None:
    told = call("put", "/orders/DZ-20377", BODY)
    assert told.status_code == 200, told.text
    found = call("get", "/orders/DZ-20377").json()
    assert found == told.json()
    assert (found["status"], found["amount"], found["tracking"]["number"]) == ("sent", 41280, "6A123")
    listed = call("get", f"/customers/{found['customer_id']}/orders").json()
    assert [each["number"] for each in listed["items"]] == ["DZ-20377"]
    older = call("put", "/orders/DZ-20377", BODY | {"status": "placed", "changed_at": BODY["placed_at"]})
    assert older.json()["status"] == "sent", "the newest word counts"
    assert call("get", "/orders/DZ-0").status_code == 404


@pytest.mark.parametrize(
    ("change", "pointer"),
    [
        ({"status": "lost"}, "#/status"),
        ({"placed_at": "2026-02-02T19:08:00"}, "#/placed_at"),
        ({"link": "javascript:alert(1)"}, "#/link"),
        ({"customer": {"address": "two words"}}, "#/customer/address"),
        ({"currency": "euro"}, "#/currency"),
        ({"colour": "blue"}, "#/colour"),
    ],
)
def test_what_is_wrong_is_said(call: Any, change: dict[str, Any], pointer: str) -> None:
    said = call("put", "/orders/DZ-1", BODY | change)
    assert said.status_code == 422
    assert pointer in said.text


def test_many_at_once_or_none(call: Any) -> None:
    good = [BODY | {"number": f"DZ-{n}"} for n in range(3)]
    said = call("post", "/orders", {"orders": good}).json()
    assert [each["outcome"] for each in said["items"]] == ["made"] * 3
    assert (
        call("post", "/orders", {"orders": [BODY | {"number": "DZ-9"}, BODY | {"number": "--"}]}).status_code
        == 422
    )
    assert call("get", "/orders/DZ-9").status_code == 404


def test_it_stands_beside_the_conversation_that_names_it(shop: Shop, call: Any) -> None:
    call("put", "/orders/DZ-20377", BODY)
    call("put", "/orders/DZ-30001", BODY | {"customer": {"address": "other@people.example"}})
    mail = EmailMessage()
    mail["From"], mail["To"], mail["Subject"] = (
        "hannah@people.example",
        "support@dar-zaytun.example",
        "My order",
    )
    mail.set_content("Where is dz 20377? My sister asks for DZ-30001.")
    take(shop, mail.as_bytes(), b"")
    with tenant(shop.id):
        conversation = Conversation.objects.get()
    page = signed_in(shop, "agent").get(f"/all/{conversation.id}").text
    assert "DZ-20377" in page
    assert "€412.80" in page
    assert "6 × Atlas plate" in page
    assert page.count("Bought by someone else") == 1
    assert 'href="https://shop.example/orders/DZ-20377"' in page
    story = signed_in(shop, "agent").get(f"/customers/{conversation.customer_id}").text
    assert "was sent" in story
