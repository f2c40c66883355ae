"""Sending by a Twilio-style API and fetching from it, against a provider that speaks its wire format and misbehaves."""

import base64
from collections.abc import Iterator
from typing import Any
from urllib.parse import parse_qs

import pytest

from tests.channels.standin import Answer, InTurn, answering_in_turn
from wasl.channels.base import Failure, InDoubt, PermanentFailure, Reason, TemporaryFailure, Unreached
from wasl.channels.port import OutboundChat, Settings
from wasl.channels.sms.send import Line, fetch, probe

ACCOUNT = "/2010-04-01/Accounts/AC1"


@pytest.fixture
def api() -> Iterator[InTurn]:
    with answering_in_turn() as made:
        yield made


def settings(api: InTurn, address: str = "+14155550100", **more: str) -> Settings:
    config = {"base_url": api.url, "account_sid": "AC1"} | more
    hook = "https://w.example/hooks/sms/1"
    return Settings(address, config, {"auth_token": "tok"}, private=True, webhook=hook)


MESSAGES = f"{ACCOUNT}/Messages.json"
TAKEN: Answer = (201, {"sid": "SM77", "status": "queued", "error_code": None}, {})


def wrong(status: int, code: int, **headers: str) -> Answer:
    body = {"code": code, "message": "words", "status": status}
    return status, body, {name.replace("_", "-"): value for name, value in headers.items()}


def chat(**parts: Any) -> OutboundChat:
    return OutboundChat(**({"delivery": "d-1", "to": "+14155550132", "text": "Ciao è € 😀"} | parts))


def test_a_text_is_sent_with_the_place_for_its_receipts(api: InTurn) -> None:
    api.answers[MESSAGES] = [TAKEN, TAKEN]
    assert Line(settings(api)).send(chat()).provider_ref == "SM77"
    assert Line(settings(api, "MG123")).send(chat()).provider_ref == "SM77"
    first, second = api.asked
    assert first.headers["authorization"] == "Basic " + base64.b64encode(b"AC1:tok").decode()
    assert first.headers["content-type"] == "application/x-www-form-urlencoded"
    assert parse_qs(first.body.decode()) == {
        "To": ["+14155550132"], "From": ["+14155550100"], "Body": ["Ciao è € 😀"],
        "StatusCallback": ["https://w.example/hooks/sms/1"],
    }  # fmt: skip
    assert parse_qs(second.body.decode())["MessagingServiceSid"] == ["MG123"]
    assert "From" not in parse_qs(second.body.decode())


@pytest.mark.parametrize(
    ("answer", "kind", "reason"),
    [
        (wrong(400, 21610), PermanentFailure, Reason.STOPPED),
        (wrong(400, 21211), PermanentFailure, Reason.ADDRESS_UNKNOWN),
        (wrong(400, 21614), PermanentFailure, Reason.ADDRESS_UNKNOWN),
        (wrong(400, 21617), PermanentFailure, Reason.TOO_LARGE),
        (wrong(400, 21408), PermanentFailure, Reason.ACCOUNT),
        (wrong(400, 99999), PermanentFailure, Reason.OTHER),
        (wrong(401, 20003), Unreached, Reason.SIGN_IN),
        ((401, b"", {}), Unreached, Reason.SIGN_IN),
        (wrong(404, 20404), Unreached, Reason.SIGN_IN),
        (wrong(400, 21606), Unreached, Reason.ACCOUNT),
        (wrong(400, 21611), TemporaryFailure, Reason.NOT_NOW),
        (wrong(429, 20429), TemporaryFailure, Reason.NOT_NOW),
        ((429, b"slow down", {}), TemporaryFailure, Reason.NOT_NOW),
    ],
)
def test_errors_are_what_they_mean(api: InTurn, answer: Answer, kind: type[Failure], reason: Reason) -> None:
    api.answers[MESSAGES] = [answer]
    with pytest.raises(kind) as caught:
        Line(settings(api)).send(chat())
    assert type(caught.value) is kind
    assert caught.value.reason is reason


def test_a_wish_to_wait_is_heard(api: InTurn) -> None:
    api.answers[MESSAGES] = [wrong(429, 20429, Retry_After="17"), wrong(503, 0, Retry_After="9")]
    for seconds in (17, 9):
        with pytest.raises(TemporaryFailure) as caught:
            Line(settings(api)).send(chat())
        assert caught.value.retry_after == seconds


@pytest.mark.parametrize(
    "answer", [None, (500, {"code": 20500}, {}), (502, b"<html>", {}), (201, b"not JSON", {})]
)
def test_an_answer_that_is_lost_leaves_a_doubt(api: InTurn, answer: Answer | None) -> None:
    api.answers[MESSAGES] = [answer]
    with pytest.raises(InDoubt):
        Line(settings(api)).send(chat())


def test_nobody_there_is_no_doubt() -> None:
    config = {"base_url": "http://127.0.0.1:9", "account_sid": "AC1"}
    with pytest.raises(Unreached):
        Line(Settings("+1", config, {"auth_token": "t"}, private=True)).send(chat())
    with pytest.raises(Unreached):
        Line(Settings("+1", config, {}, private=True))


def test_what_is_no_text_is_not_sent(api: InTurn) -> None:
    for parts in ({"text": ""}, {"text": "x" * 1601}):
        with pytest.raises(ValueError, match="text"):
            Line(settings(api)).send(chat(**parts))
    assert api.asked == []


def test_a_file_is_fetched_and_the_password_stays_with_the_provider(api: InTurn) -> None:
    place = f"{ACCOUNT}/Messages/MM1/Media/ME1"
    api.answers[place] = [
        (307, b"", {"Location": "/elsewhere"}),
        (200, b"\xff\xd8", {"Content-Type": "image/jpeg; x"}),
    ]
    api.answers["/elsewhere"] = [(200, b"\xff\xd8\xff", {"Content-Type": "image/jpeg"})]
    moved = fetch(settings(api), {"url": api.url + place})
    assert (moved.content, moved.content_type) == (b"\xff\xd8\xff", "image/jpeg")
    assert "authorization" in api.asked[0].headers
    assert "authorization" not in api.asked[1].headers
    assert fetch(settings(api), {"url": api.url + place}).content == b"\xff\xd8"
    with pytest.raises(PermanentFailure):
        fetch(settings(api), {"url": f"http://localhost:{api.port}{place}"})
    assert len(api.asked) == 3


def test_a_file_that_is_gone_is_gone(api: InTurn) -> None:
    place = f"{ACCOUNT}/Messages/MM1/Media/ME1"
    api.answers[place] = [wrong(404, 20404), (500, b"", {}), None]
    for kind in (PermanentFailure, TemporaryFailure, Unreached):
        with pytest.raises(kind):
            fetch(settings(api), {"url": api.url + place})


def test_a_test_says_which_step_fails(api: InTurn) -> None:
    fine: Answer = (200, {"status": "active", "friendly_name": "Dar Zaytun"}, {})
    api.answers[f"{ACCOUNT}.json"] = [fine, wrong(401, 20003), (200, {"status": "suspended"}, {}), fine, fine]
    number: Answer = (200, {"incoming_phone_numbers": [{"phone_number": "+14155550100"}]}, {})
    none: Answer = (200, {"incoming_phone_numbers": []}, {})
    api.answers[f"{ACCOUNT}/IncomingPhoneNumbers.json"] = [number, none]
    assert [step.fine for step in probe(settings(api))] == [True, True, True]
    assert [step.fine for step in probe(settings(api))] == [True, False]
    assert [step.fine for step in probe(settings(api))] == [True, False]
    assert [step.fine for step in probe(settings(api))] == [True, True, False]
    assert [step.fine for step in probe(settings(api, "MG1"))] == [True, True, True]
    api.answers[f"{ACCOUNT}.json"] = [(404, b"Not Found", {}), (200, b"<html>", {}), (503, b"", {})]
    tried = [list(probe(settings(api))) for _ in range(3)]
    assert [[step.fine for step in each] for each in tried] == [[True, False]] * 3
    assert tried[0][1].advice == tried[1][1].advice != tried[2][1].advice
    nobody = Settings("+1", {"base_url": "http://127.0.0.1:9"}, {"auth_token": "t"}, private=True)
    assert [step.fine for step in probe(nobody)] == [False]
