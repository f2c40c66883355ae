"""The people in copy, over the API."""

from tests.api.client import Caller, problem
from tests.inbound import mail, take
from tests.worlds import Shop

CC = "Paul <paul@atelier.example>, support@dar-zaytun.example"


def test_everybody_who_takes_part_or_those_who_are_named(shop: Shop, call: Caller) -> None:
    (key,) = take(shop, mail("Bonjour", Cc=CC))
    message = call.get(f"/messages/{key}")
    assert message["cc"] == ["paul@atelier.example"]
    there = f"/conversations/{message['conversation_id']}/messages"
    assert call.post(there, {"text": "Oui"})["cc"] == ["paul@atelier.example"]
    named = ["lea@atelier.example", "support@dar-zaytun.example"]
    assert call.post(there, {"text": "Et", "cc": named})["cc"] == ["lea@atelier.example"]
    assert call.post(there, {"text": "Fin", "cc": []})["cc"] == []
    problem(call("POST", there, {"text": "x", "cc": ["lea"]}), 422, "invalid")
