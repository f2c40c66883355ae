"""A Twilio-style provider's webhook: whose it is, what it brings, what it means."""

import json
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import pytest
from hypothesis import given
from hypothesis import strategies as st

from wasl.channels.base import ParsedMessage, Reason, Unparseable
from wasl.channels.port import Nothing, Parsed, Report, Request, Settings
from wasl.channels.registry import channels
from wasl.channels.sms.hook import Hook, sign
from wasl.channels.sms.parse import parse

SAMPLES = sorted((Path(__file__).parent / "samples" / "sms").glob("*.json"))
URL = "https://mycompany.com/myapp.php?foo=1&bar=2"
CALL = {
    "CallSid": "CA1234567890ABCDE",
    "Digits": "1234",
    "From": "+14158675309",
    "To": "+18005551212",
    "Caller": "+14158675309",
}
JSON_BODY = b'{"property": "value", "boolean": true}'
JSON_URL = URL + "&bodySHA256=0a1ff7634d9ab3b95db5c9a2dfe9416e41502b283a80c7cf19632632f96e6620"
INBOX = Settings("+390612345678", {}, {"auth_token": "12345"})


def request(body: bytes, url: str = URL, signature: str = "") -> Request:
    query = dict(pair.split("=") for pair in url.partition("?")[2].split("&") if pair)
    return Request("POST", url, query, {"x-twilio-signature": signature}, body)


def form(**said: str) -> Request:
    return request(urlencode(said).encode())


def read(**said: str) -> Parsed:
    (slip,) = Hook().split(form(**said))
    return parse(slip.content)


# Signatures ----------------------------------------------------------------------------------------------------


def test_the_providers_own_examples() -> None:
    assert sign("12345", URL, CALL.items()) == "RSOYDt4T1cUTdK1PDd93/VVr8B8="
    other = {**CALL, "From": "+12349013030", "Caller": "+12349013030"}
    assert sign("12345", URL, other.items()) == "0/KCTR6DLpKmkAf8muzZqo1nDgQ="
    assert sign("12345", JSON_URL, ()) == "a9nBmqA0ju/hNViExpshrM61xv4="


def test_a_form_is_theirs_only_as_they_signed_it() -> None:
    body, signed = urlencode(CALL).encode(), "RSOYDt4T1cUTdK1PDd93/VVr8B8="
    hook = Hook()
    assert hook.genuine(request(body, signature=signed), INBOX)
    assert not hook.genuine(request(body.replace(b"1234&", b"1235&"), signature=signed), INBOX)
    assert not hook.genuine(request(body + b"&More=1", signature=signed), INBOX)
    assert not hook.genuine(request(body, URL.replace("https", "http"), signed), INBOX)
    assert not hook.genuine(request(body, signature=""), INBOX)
    assert not hook.genuine(request(body, signature="ÿ\udcff"), INBOX)
    assert not hook.genuine(request(body, signature=signed), Settings("x", {}, {"auth_token": "54321"}))
    assert not hook.genuine(request(body, signature=sign("", URL, CALL.items())), Settings("x", {}, {}))


def test_a_body_that_is_no_form_is_signed_by_its_digest() -> None:
    signed = "a9nBmqA0ju/hNViExpshrM61xv4="
    assert Hook().genuine(request(JSON_BODY, JSON_URL, signed), INBOX)
    assert not Hook().genuine(request(JSON_BODY + b" ", JSON_URL, signed), INBOX)
    assert not Hook().genuine(request(JSON_BODY, URL, signed), INBOX)


@pytest.mark.parametrize("signed_as", ["https://a.example/hooks/sms/1", "https://a.example:443/hooks/sms/1"])
@pytest.mark.parametrize("known_as", ["https://a.example/hooks/sms/1", "https://a.example:443/hooks/sms/1"])
def test_the_port_that_goes_without_saying_says_nothing(signed_as: str, known_as: str) -> None:
    body = urlencode(CALL).encode()
    assert Hook().genuine(request(body, known_as, sign("12345", signed_as, CALL.items())), INBOX)
    assert not Hook().genuine(
        request(body, known_as, sign("12345", "https://a.example:8443/hooks/sms/1", CALL.items())), INBOX
    )


def test_nobody_is_challenged_and_they_get_what_they_want_to_hear() -> None:
    assert Hook().challenge(request(b""), INBOX) is None
    kind, body = channels()["sms"].said
    assert (kind, b"<Response/>" in body) == ("text/xml", True)


# What it means ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("path", SAMPLES, ids=lambda path: path.stem)
def test_samples(path: Path) -> None:
    sample = json.loads(path.read_text("utf-8"))
    expected: dict[str, Any] = sample["expected"]
    found = read(**sample["form"])
    assert isinstance(found, ParsedMessage)
    said = {"from": found.sender.address, "text": found.text, "id": found.message_id, "language": found.language,
            "kind": found.kind}  # fmt: skip
    if found.media:
        said["media"] = [each.content_type for each in found.media]
        assert [each.ref["url"] for each in found.media] == [
            sample["form"][f"MediaUrl{n}"] for n in range(len(found.media))
        ]
        assert len({each.filename for each in found.media}) == len(found.media)
    assert said == expected
    if found.kind == "unsupported":
        assert json.loads(found.content["raw"]) == sample["form"]


def test_the_same_has_the_same_key_and_goes_to_the_number_it_was_sent_to() -> None:
    one = {
        "MessageSid": "SM1",
        "SmsStatus": "received",
        "From": "+14155550132",
        "To": "+14155550100",
        "Body": "Hi",
    }
    (first,), (again,) = Hook().split(form(**one)), Hook().split(form(**one))
    assert (first.key, first.to) == (again.key, again.to) == ("message:SM1", "+14155550100")
    keys = {
        slip.key
        for state in ("queued", "sent", "delivered", "sent")
        for slip in Hook().split(form(MessageSid="SM1", MessageStatus=state, To="+14155550132"))
    }
    assert keys == {"status:SM1:queued", "status:SM1:sent", "status:SM1:delivered"}


@pytest.mark.parametrize(
    ("state", "code", "kind", "reason"),
    [
        ("sent", "", "sent", Reason.OTHER),
        ("delivered", "", "delivered", Reason.OTHER),
        ("read", "", "read", Reason.OTHER),
        ("undelivered", "30003", "failed", Reason.UNREACHABLE),
        ("undelivered", "30005", "failed", Reason.ADDRESS_UNKNOWN),
        ("undelivered", "30006", "failed", Reason.ADDRESS_UNKNOWN),
        ("undelivered", "30007", "failed", Reason.UNWANTED),
        ("failed", "21610", "failed", Reason.STOPPED),
        ("failed", "30008", "failed", Reason.OTHER),
        ("failed", "99999", "failed", Reason.OTHER),
    ],
)
def test_receipts(state: str, code: str, kind: str, reason: Reason) -> None:
    said = {"MessageSid": "SM9", "MessageStatus": state, "To": "+14155550132", "RawDlrDoneDate": "2611221830"}
    found = read(**said, **({"ErrorCode": code} if code else {}))
    assert isinstance(found, Report)
    assert (found.kind, found.ref, found.code, found.reason) == (kind, "SM9", code, reason)
    assert found.at.isoformat() == "2026-11-22T18:30:00+00:00"


@pytest.mark.parametrize("state", ["queued", "accepted", "sending", "scheduled", "something-new"])
def test_what_is_under_way_is_no_news(state: str) -> None:
    assert isinstance(read(MessageSid="SM9", MessageStatus=state), Nothing)


def test_words_are_named_and_who_answered_them() -> None:
    base = {"MessageSid": "SM5", "SmsStatus": "received", "From": "+33612345678", "To": "+33700000000"}
    for body, more, expected in (
        ("Arrêt", {}, {"word": "stop", "language": "fr"}),
        ("STOP", {"OptOutType": "STOP"}, {"word": "stop", "language": "", "answered": True}),
        ("Tschüss", {"OptOutType": "STOP"}, {"word": "stop", "language": "", "answered": True}),
        ("Bonjour", {}, {}),
    ):
        found = read(**base, **more, Body=body)
        assert isinstance(found, ParsedMessage)
        assert dict(found.content) == expected


def test_json_says_the_same() -> None:
    body = json.dumps(
        {"MessageSid": "SM1", "SmsStatus": "received", "From": "+14155550132", "Body": "Hi", "NumMedia": 0}
    )
    (slip,) = Hook().split(request(body.encode(), URL + "&bodySHA256=x"))
    found = parse(slip.content)
    assert isinstance(found, ParsedMessage)
    assert found.text == "Hi"


@pytest.mark.parametrize("body", [b"", b"hello", b"a=b", b"\xff\xfe", b"&" * 2000])
def test_what_is_no_webhook_says_so(body: bytes) -> None:
    with pytest.raises(ValueError, match=r"."):
        Hook().split(request(body))
    with pytest.raises(ValueError, match=r"JSON|object"):
        Hook().split(request(body, JSON_URL))


NAMES = st.sampled_from(
    [
        "MessageSid",
        "SmsStatus",
        "MessageStatus",
        "From",
        "To",
        "Body",
        "NumMedia",
        "MediaUrl0",
        "ErrorCode",
        "OptOutType",
    ]
)


@given(st.dictionaries(NAMES, st.text()))
def test_whatever_comes_is_understood_or_set_aside(said: dict[str, str]) -> None:
    try:
        slips = Hook().split(form(**{k: v.encode("utf-8", "replace").decode() for k, v in said.items()}))
    except ValueError:
        return
    for slip in slips:
        try:
            found = parse(slip.content)
        except Unparseable:
            continue
        if isinstance(found, ParsedMessage):
            assert found.sender.address
            assert "\x00" not in found.text
