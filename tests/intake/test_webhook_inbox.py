"""Events of a program from its call to the timeline: once or twice, in whatever order."""

import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from standardwebhooks import Webhook

from tests.channels.wayin import WayIn
from tests.inbound import mail, take, work
from tests.worlds import Shop
from wasl.conversations.models import Attachment, Message
from wasl.customers.models import Identity
from wasl.kit.db import tenant

SAMPLES = Path(__file__).parents[1] / "channels" / "samples" / "webhook"
EVENTS: list[dict[str, Any]] = [
    event for name in ("messages", "changes", "receipts")
    for event in json.loads((SAMPLES / f"{name}.json").read_text()).values()
]  # fmt: skip
SECRET = "abcdefghijkmnpqrstuvwxyz"


def call(way: WayIn, body: Any, secret: str = SECRET) -> int:
    raw, at = json.dumps(body), datetime.now(UTC)
    headers = {"webhook-id": "msg_1", "webhook-timestamp": str(int(at.timestamp()))}
    signature = Webhook(secret).sign("msg_1", at, raw)
    return way.post(raw.encode(), headers | {"webhook-signature": signature}).status_code


@pytest.mark.parametrize("together", [True, False])
def test_twice_and_backwards_is_the_same(db: None, together: bool) -> None:
    states: list[dict[str, Any]] = []
    for order in (EVENTS, EVENTS[::-1], [*EVENTS, *EVENTS], [*EVENTS[::-1], *EVENTS]):
        shop = Shop.create(f"shop{len(states)}", f"help@{len(states)}.example")
        way = WayIn(shop, "webhook", "marketplace", {"secret_in": SECRET})
        try:
            for body in [{"events": order}] if together else order:
                assert call(way, body) == 200
            states.append(way.state())
            assert way.state() == states[-1]
            with tenant(shop.id):
                assert [f.filename for f in Attachment.objects.all()] == ["foto_1.png"]
                assert Message.objects.get(rfc_id="m-6").text == "Le rispondo subito dal magazzino."
        finally:
            way.close()
    assert all(state == states[0] for state in states)
    found = {each[0]: each[2] for each in states[0]["messages"]}
    assert len(found) == 8
    assert (found["m-1"], found["m-2"]) == ("Buongiorno, dov'è il mio ordine DZ-1041?", "")
    assert states[0]["people"] == [("webhook", "cust-7", "Giulia Neri"), ("webhook", "cust-8", "")]
    assert (states[0]["conversations"], states[0]["queue"], states[0]["quarantine"]) == (2, 0, 0)
    assert states[0]["waiting"] == ["their-1", "their-2", "their-3"]


def test_unsigned_is_refused_and_nothing_kept(shop: Shop) -> None:
    way = WayIn(shop, "webhook", "marketplace", {"secret_in": SECRET})
    try:
        assert call(way, EVENTS[0], "AAAAdefghijkmnpqrstuvwxyz"[:24]) == 401
        assert way.post(b"{}", {}).status_code == 401
        assert way.stored() == 0
        assert call(way, {"no": "event"}) == 200
        assert call(way, EVENTS[0] | {"from": {}}) == 200
        assert way.state()["quarantine"] == 2
    finally:
        way.close()


def test_who_is_vouched_for_is_the_same_when_they_write_by_mail(shop: Shop) -> None:
    way = WayIn(shop, "webhook", "marketplace", {"secret_in": SECRET})
    try:
        known = {"id": "cust-9", "name": "C. Moreau", "verified": {"email": "camille@atelier.example"}}
        assert (
            call(way, {"type": "message", "id": "m-1", "from": known, "text": "Où est ma commande ?"}) == 200
        )
        work()
        take(shop, mail("Et ma facture ?"))  # Camille Moreau <camille@atelier.example>
        with tenant(shop.id):
            assert set(Identity.objects.values_list("channel", "address", "known")) == {
                ("webhook", "cust-9", "claimed"), ("email", "camille@atelier.example", "token")
            }  # fmt: skip
            assert Message.objects.values("customer_id").distinct().count() == 1
    finally:
        way.close()
