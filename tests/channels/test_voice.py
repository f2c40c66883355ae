"""The telephone's wire format: what comes in, what is signed, what is answered, and what becomes a message."""

import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from urllib.parse import urlencode
from xml.etree import ElementTree

import pytest
from hypothesis import given
from hypothesis import strategies as st

from wasl.channels.base import ParsedMessage, Unparseable
from wasl.channels.port import Request, Settings
from wasl.channels.registry import channels
from wasl.channels.sms.hook import sign
from wasl.channels.voice import twiml, words
from wasl.channels.voice.hook import Hook, taken, told
from wasl.channels.voice.parse import parse, payload
from wasl.channels.voice.twiml import Agent, Plan

SAMPLES = Path(__file__).parent / "samples" / "voice"
BASE = "https://wasl.example/hooks/voice/0199"
INBOX = Settings("+390600000000", {}, {"auth_token": "t0ken"}, webhook=BASE)


def request(url: str, form: dict[str, str], token: str = "t0ken") -> Request:
    body = urlencode(form)
    query = dict(part.split("=", 1) for part in url.partition("?")[2].split("&") if part)
    signed = sign(token, url, list(form.items()))
    return Request("POST", url, query, {"x-twilio-signature": signed}, body.encode())


def plan(**more: Any) -> Plan:
    known: dict[str, Any] = {
        "base": BASE, "of": "CA1", "language": "en", "business": "A & <B>", "number": "+390600000000", "is_open": True,
        "agents": (Agent("a1", "+390611111111", "it"), Agent("a2", "sip:bruno@shop.example")),
    }  # fmt: skip
    return Plan(**known | more)


def verbs(document: str) -> list[str]:
    return [verb.tag for verb in ElementTree.fromstring(document.encode())]


def test_the_providers_own_example_of_a_signature() -> None:
    """A known answer: the example request of the provider's page on validating requests."""
    form = {
        "CallSid": "CA1234567890ABCDE", "Caller": "+14158675310", "Digits": "1234", "From": "+14158675310",
        "To": "+18005551212",
    }  # fmt: skip
    url = "https://example.com/myapp.php?foo=1&bar=2"
    assert sign("12345", url, form.items()) == "L/OH5YylLD5NRKLltdqwSvS0BnU="


def test_only_what_the_provider_signed_is_genuine() -> None:
    hook, form = Hook(), {"CallSid": "CA1", "From": "+393331112222"}
    assert hook.genuine(request(BASE, form), INBOX)
    assert not hook.genuine(request(BASE, form, token="other"), INBOX)
    moved = request(f"{BASE}/accepted?of=CA1&agent=a1", form)
    assert hook.genuine(moved, INBOX)
    other = Request("POST", f"{BASE}/accepted?of=CA1&agent=a2", moved.query, moved.headers, moved.body)
    assert not hook.genuine(other, INBOX), "the address is signed as well"


@pytest.mark.parametrize(
    ("name", "place", "step", "ref"),
    [
        ("incoming", "", "incoming", "CA10000000000000000000000000000001"),
        ("completed", "", "status", "CA10000000000000000000000000000001"),
        ("dialled", "/dialled?of=CA10000000000000000000000000000001&turn=0", "dialled", None),
        ("screen", "/screen?of=CA10000000000000000000000000000001&agent=a1", "screen", None),
        ("recording", "/recording?of=CA10000000000000000000000000000001&machine=1", "recording", None),
    ],
)
def test_what_a_webhook_tells(name: str, place: str, step: str, ref: str | None) -> None:
    form = json.loads((SAMPLES / f"{name}.json").read_text())
    said = told(request(BASE + place, form))
    assert (said.step, said.ref) == (step, ref or "CA10000000000000000000000000000001")
    assert said.key == told(request(BASE + place, dict(reversed(form.items())))).key
    assert said.key != told(request(BASE + place, form | {"CallDuration": "999"})).key


def test_what_names_no_call_is_no_webhook() -> None:
    for form in ({}, {"CallSid": ""}, {"CallSid": "C" * 65}):
        with pytest.raises(ValueError, match="no call"):
            told(request(BASE, form))


@given(st.binary(max_size=300))
def test_whatever_comes_is_told_or_refused(body: bytes) -> None:
    try:
        said = told(Request("POST", BASE, {}, {}, body))
    except ValueError:
        return
    assert "\x00" not in json.dumps(dict(said.params))


def test_a_call_is_put_through() -> None:
    document = twiml.incoming(plan())
    assert verbs(document) == ["Say", "Say", "Dial"]
    [dial] = ElementTree.fromstring(document.encode()).iter("Dial")
    assert [end.tag for end in dial] == ["Number", "Sip"]
    assert "record" not in dial.attrib
    assert dial[0].attrib["url"] == f"{BASE}/screen?of=CA1&agent=a1&language=it"
    assert "Welcome to A & <B>." in [
        say.text for say in ElementTree.fromstring(document.encode()).iter("Say")
    ]


def test_one_after_the_other() -> None:
    turns = plan(in_turn=True)
    [first] = ElementTree.fromstring(twiml.incoming(turns).encode()).iter("Dial")
    assert [end.text for end in first] == ["+390611111111"]
    second = twiml.dialled(turns, taken=False, turn=0, record=True)
    [dial] = ElementTree.fromstring(second.encode()).iter("Dial")
    assert [end.text for end in dial] == ["sip:bruno@shop.example"]
    assert dial.attrib["record"] == "record-from-answer-dual"
    assert verbs(twiml.dialled(turns, taken=False, turn=1, record=False)) == ["Say", "Record", "Hangup"]
    assert verbs(twiml.dialled(turns, taken=True, turn=0, record=False)) == ["Hangup"]


@pytest.mark.parametrize("language", ["en", "fr", "it", "ar", "xx"])
def test_nobody_is_there_in_every_language(language: str) -> None:
    for more, why in (({"is_open": False}, words.CLOSED), ({"agents": ()}, words.NOBODY)):
        document = twiml.incoming(plan(language=language, **more))
        assert verbs(document) == ["Say", "Say", "Record", "Hangup"]
        assert words.said(why, language) in document
        assert verbs(twiml.left(plan(language=language))) == ["Say", "Hangup"]


def test_leave_to_record_is_asked_and_a_silent_caller_goes_on() -> None:
    assert verbs(twiml.incoming(plan(ask=True))) == ["Say", "Gather", "Redirect"]
    assert 'record="' not in twiml.consented(plan(ask=True), "")
    assert 'record="' in twiml.consented(plan(ask=True), "1")
    assert verbs(twiml.consented(plan(ask=True, agents=()), "1")) == ["Say", "Record", "Hangup"]


def test_an_agents_own_answering_machine_takes_no_call() -> None:
    assert verbs(twiml.screen(plan(), "a1")) == ["Gather", "Hangup"]
    assert verbs(twiml.accepted("1")) == []
    assert verbs(twiml.accepted("")) == verbs(twiml.accepted("2")) == ["Hangup"]
    assert taken({"DialCallStatus": "completed"})
    assert not taken({"DialCallStatus": "completed", "DialBridged": "false"})
    assert not taken({"DialCallStatus": "no-answer"})


def test_a_missed_call_is_a_message_and_so_is_what_they_said() -> None:
    at = datetime(2026, 2, 16, 9, 5, tzinfo=UTC)
    missed = parse(payload(ref="CA1", number="+393331112222", at=at, why="closed"))
    assert isinstance(missed, ParsedMessage)
    assert (missed.kind, missed.message_id, missed.media) == ("missed_call", "CA1", ())
    assert (missed.sender.identity_key, missed.content) == ("+393331112222", {"seconds": 0, "why": "closed"})
    url = "https://api.twilio.com/2010-04-01/Accounts/AC1/Recordings/RE1"
    said = parse(payload(ref="CA1", number="+393331112222", at=at, recording=url, seconds=12))
    assert isinstance(said, ParsedMessage)
    assert (said.kind, said.media[0].ref, said.media[0].filename) == (
        "voicemail", {"url": url}, "2026-02-16-0905.mp3",
    )  # fmt: skip


@given(
    st.one_of(
        st.binary(max_size=200),
        st.dictionaries(st.text(max_size=8), st.text()).map(lambda d: json.dumps(d).encode()),
    )
)
def test_a_payload_is_read_or_refused(content: bytes) -> None:
    try:
        assert isinstance(parse(content), ParsedMessage)
    except Unparseable:
        return


def test_the_channel_is_there() -> None:
    channel = channels()["voice"]
    assert channel.line is None, "nobody writes to a telephone"
    assert {field.name for field in channel.fields if field.kind == "secret"} == {
        "auth_token",
        "transcribe_secret",
    }
