"""The signed webhook as a channel: what events say, who is believed, and how answers are handed over."""

import io
import json
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from standardwebhooks import Webhook

from tests.channels.standin import Answer, StandIn, standing_in
from wasl.channels.base import (
    Address,
    Failure,
    Media,
    ParsedMessage,
    Part,
    PermanentFailure,
    Reason,
    TemporaryFailure,
    Unparseable,
    Unreached,
)
from wasl.channels.port import (
    Change,
    Choice,
    Nothing,
    OutboundChat,
    Parsed,
    Report,
    Request,
    Settings,
    Template,
    Upload,
)
from wasl.channels.webhook import signed
from wasl.channels.webhook.hook import MOST, Hook
from wasl.channels.webhook.parse import parse
from wasl.channels.webhook.send import Line, fetch, probe

SAMPLES = Path(__file__).parent / "samples" / "webhook"
IN, OUT = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw", "abcdefghijkmnpqrstuvwxyz"
EXPECTED: dict[str, dict[str, tuple[str, str]]] = {
    "messages": {
        "text": ("", "Buongiorno, dov'è il mio ordine?"), "answer": ("", "Grazie!"), "files": ("", ""),
        "choice": ("choice", "Martedì"), "location": ("location", "Bar Torino\nVia Po 1, Torino"),
        "by_the_business": ("", "Le rispondo dal magazzino."), "without_a_moment": ("", "مرحبًا، أين طلبي؟"),
        "of_a_later_kind": ("unsupported", ""),
    },
    "changes": {
        "edit": ("edited", "Buongiorno, dov'è il mio ordine DZ-1041?"), "reaction": ("reacted", "❤️"),
        "delete": ("deleted", ""), "edit_by_the_business": ("edited", "Le rispondo subito dal magazzino."),
    },
    "receipts": {
        "delivered": ("delivered", "other"), "read": ("read", "other"), "failed": ("failed", "address_unknown"),
        "failed_for_now": ("failed", "other"), "of_a_later_state": ("nothing", "a receipt of another state: typing"),
        "of_a_later_kind": ("nothing", "an event of another type: weather"),
    },
}  # fmt: skip


def sample(file: str, name: str) -> dict[str, Any]:
    found: dict[str, Any] = json.loads((SAMPLES / f"{file}.json").read_text())[name]
    return found


def came(body: bytes, headers: dict[str, str] | None = None) -> Request:
    return Request("POST", "https://wasl.example/hooks/webhook/1", {}, headers or {}, body)


def read(event: Any) -> Parsed:
    (slip,) = Hook().split(came(json.dumps(event).encode()))
    return parse(slip.content)


def message(name: str) -> ParsedMessage:
    found = read(sample("messages", name))
    assert isinstance(found, ParsedMessage)
    return found


def summary(found: Parsed) -> tuple[str, str]:
    match found:
        case ParsedMessage():
            return found.kind, found.text
        case Change():
            return found.kind, found.emoji or found.text
        case Report():
            return found.kind, str(found.reason)
        case Nothing():
            return "nothing", found.why


@pytest.mark.parametrize("file", EXPECTED)
def test_the_samples_say_what_a_reader_reads(file: str) -> None:
    found = json.loads((SAMPLES / f"{file}.json").read_text())
    assert set(EXPECTED[file]) == set(found)
    for name, event in found.items():
        assert summary(read(event)) == EXPECTED[file][name], name


def test_what_a_message_says_beside_its_words() -> None:
    answer, files, ours = message("answer"), message("files"), message("by_the_business")
    assert answer.sender == Address("Giulia Neri", "cust-7")
    assert answer.sent_at == datetime(2026, 11, 22, 14, 8, tzinfo=UTC)
    assert (answer.message_id, answer.in_reply_to, answer.language) == ("m-2", ("m-1",), "it")
    assert files.parts == (Part("foto_1.png", "image/png", b"\x89PNG\r\n\x1a\n"),)
    url = "https://files.marketplace.example/fattura.pdf"
    assert files.media == (
        Media({"url": url, "type": "application/pdf"}, "application/pdf", "fattura.pdf", 48_211),
    )
    assert (ours.written_by_us, answer.written_by_us) == (True, False)
    assert message("choice").content == {"key": "slot-2", "title": "Martedì"}
    assert message("without_a_moment").language == "ar"
    assert json.loads(message("of_a_later_kind").content["raw"])["depth"] == 3
    change, read_ = read(sample("changes", "edit_by_the_business")), read(sample("receipts", "read"))
    assert isinstance(change, Change)
    assert not change.sender.address
    assert isinstance(read_, Report)
    assert (read_.ref, read_.delivery) == ("", "01a20395-7160-7b5e-9d2f-6f0f6b5a3c11")


def test_what_the_program_vouches_for() -> None:
    text = sample("messages", "text")

    def vouched(said: Any) -> tuple[tuple[str, str], ...]:
        found = read(text | {"from": {"id": "cust-7", "verified": said}})
        assert isinstance(found, ParsedMessage)
        return found.verified

    both = {"email": "Giulia.Neri@Posta.example", "phone": "+39 333 111 2222"}
    assert vouched(both) == (("email", "giulia.neri@posta.example"), ("sms", "+393331112222"))
    for nothing in ({}, None, "x", {"email": "giulia", "phone": "333 111"}, {"email": 7, "phone": []}):
        assert vouched(nothing) == ()


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"from": {}}, "no_sender"),
        ({"id": ""}, "has an id"),
        ({"at": "yesterday"}, "a moment"),
        ({"at": "2026-11-22T14:07:07"}, "a moment"),
        ({"files": [{"content": "é"}]}, "Base64"),
    ],
)
def test_what_is_missing_is_said(change: dict[str, Any], words: str) -> None:
    with pytest.raises(Unparseable, match=words):
        read(sample("messages", "text") | change)


def test_a_change_and_a_receipt_say_of_what() -> None:
    for event in (sample("changes", "edit") | {"of": ""}, sample("receipts", "delivered") | {"of": ""}):
        with pytest.raises(Unparseable, match="which message"):
            read(event)


def test_many_events_in_one_call() -> None:
    events = [sample("messages", "text") | {"id": f"m-{n}"} for n in range(MOST)]
    slips = Hook().split(came(json.dumps({"events": events}).encode()))
    assert len({slip.key for slip in slips}) == MOST
    with pytest.raises(ValueError, match="more than"):
        Hook().split(came(json.dumps({"events": [*events, events[0]]}).encode()))


@pytest.mark.parametrize(
    "body", [b"", b"[]", b"{}", b'{"events": []}', b'{"events": [1]}', b'{"type": 7}', b"[" * 90_000]
)
def test_what_is_no_event_says_so(body: bytes) -> None:
    with pytest.raises(ValueError, match=r"not JSON|no event"):
        Hook().split(came(body))


def test_a_signature_that_was_published(monkeypatch: pytest.MonkeyPatch) -> None:
    """The example of the scheme's own documentation."""
    monkeypatch.setattr(signed, "now", lambda: datetime.fromtimestamp(1614265330, UTC))
    body = b'{"test": 2432232314}'
    wanted = "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE="
    assert signed.headers(IN, "msg_p5jXN8AQM9LWM0D4loKWxJek", body)["webhook-signature"] == wanted


def test_only_who_knows_the_secret_is_believed() -> None:
    inbox = Settings("shop", {}, {"secret_in": IN, "secret_out": OUT})
    body, at = json.dumps(sample("messages", "text")).encode(), datetime.now(UTC)

    def genuine(signature: str, moment: datetime = at, raw: bytes = body, settings: Settings = inbox) -> bool:
        headers = {
            "webhook-id": "a",
            "webhook-timestamp": str(int(moment.timestamp())),
            "webhook-signature": signature,
        }
        return Hook().genuine(came(raw, headers), settings)

    right = Webhook(IN).sign("a", at, body.decode())
    assert genuine(right)
    assert genuine(f"v1,AAAA v1a,BBBB {right}")
    assert not genuine(right, raw=body + b" ")
    assert not genuine(right, moment=at - timedelta(seconds=2))
    for old in (-600, 600):
        moment = at + timedelta(seconds=old)
        assert not genuine(Webhook(IN).sign("a", moment, body.decode()), moment)
    assert not genuine(Webhook(OUT).sign("a", at, body.decode()))  # what Wasl sends cannot be handed in
    for nothing in ("", "v1,", "é", "\udcff", right.removeprefix("v1,")):
        assert not genuine(nothing)
    assert not Hook().genuine(came(body), inbox)
    assert not genuine(right, settings=Settings("shop", {}, {}))
    assert not genuine(right, settings=Settings("shop", {}, {"secret_in": "no base 64!"}))
    headers = {"webhook-id": "a", "webhook-timestamp": "1" * 400, "webhook-signature": right}
    assert not Hook().genuine(came(body, headers), inbox)


@pytest.fixture
def program() -> Iterator[StandIn]:
    with standing_in(lambda _: (200, {"id": "their-1"}, {})) as made:
        yield made


def settings(program: StandIn, **config: str) -> Settings:
    secrets = {"secret_in": IN, "secret_out": OUT}
    return Settings("shop", {"url": f"{program.url}/messages", **config}, secrets, private=True)


def chat(**parts: Any) -> OutboundChat:
    return OutboundChat(
        **({"delivery": "0192-d", "to": "cust-7", "text": "Arriva domani", "language": "it"} | parts)
    )


def test_a_message_is_handed_over_signed(program: StandIn) -> None:
    file = Upload("bolla.pdf", "application/pdf", 4, lambda: io.BytesIO(b"%PDF"))
    sent = Line(settings(program)).send(
        chat(answers="m-1", mark_read="m-2", files=(file,), choices=(Choice("a", "Sì"),))
    )
    assert sent.provider_ref == "their-1"
    (asked,) = program.asked
    assert Webhook(OUT).verify(asked.body, asked.headers) == {
        "type": "message.send", "delivery": "0192-d", "to": "cust-7", "text": "Arriva domani", "language": "it",
        "in_reply_to": "m-1", "read_up_to": "m-2", "choices": [{"key": "a", "title": "Sì", "detail": ""}],
        "files": [{"name": "bolla.pdf", "type": "application/pdf", "size": 4, "content": "JVBERg=="}],
    }  # fmt: skip
    program.answer = lambda _: (204, b"", {})
    assert Line(settings(program)).send(chat()).provider_ref == "0192-d"
    assert program.asked[1].headers["webhook-id"] == asked.headers["webhook-id"] == "msg_0192-d"
    Line(settings(program)).send(chat(text="", reaction="👍", answers="m-1"))
    assert program.asked[2].json["type"] == "reaction.send"


@pytest.mark.parametrize(
    ("answer", "kind", "reason"),
    [
        (
            (422, {"reason": "address_unknown", "detail": "no such account"}, {}),
            PermanentFailure,
            Reason.ADDRESS_UNKNOWN,
        ),
        ((400, {"reason": "of their own"}, {}), PermanentFailure, Reason.OTHER),
        ((422, {}, {}), PermanentFailure, Reason.BAD_MESSAGE),
        ((413, b"", {}), PermanentFailure, Reason.TOO_LARGE),
        ((401, {}, {}), Unreached, Reason.SIGN_IN),
        ((404, b"<html>", {}), Unreached, Reason.UNREACHABLE),
        ((302, b"", {"Location": "https://x.example"}), Unreached, Reason.UNREACHABLE),
        ((429, {}, {"Retry-After": "7"}), TemporaryFailure, Reason.NOT_NOW),
        ((500, {}, {}), TemporaryFailure, Reason.NOT_NOW),
        (None, TemporaryFailure, Reason.NOT_NOW),
    ],
)
def test_refusals_are_what_people_are_told(
    program: StandIn, answer: Answer | None, kind: type[Failure], reason: Reason
) -> None:
    program.answer = lambda _: answer
    with pytest.raises(kind) as error:
        Line(settings(program)).send(chat())
    assert (type(error.value), error.value.reason) == (kind, reason)
    assert OUT not in str(error.value)
    if answer and answer[0] == 429:
        assert isinstance(error.value, TemporaryFailure)
        assert error.value.retry_after == 7


def test_what_cannot_be_sent_is_not_tried(program: StandIn) -> None:
    with pytest.raises(ValueError, match="without"):
        Line(settings(program)).send(chat(text=""))
    with pytest.raises(PermanentFailure):
        Line(settings(program)).send(chat(template=Template("t", "it")))
    with pytest.raises(Unreached, match="no address"):
        Line(Settings("shop", {}, {"secret_out": OUT}))
    with pytest.raises(Unreached, match="no secret"):
        Line(Settings("shop", {"url": program.url}, {}, private=True)).send(chat())
    inside = Settings("shop", {"url": "https://127.0.0.1/x"}, {"secret_out": OUT})
    with pytest.raises(Unreached, match="private"):
        Line(inside).send(chat())
    assert program.asked == []


def test_files_are_fetched_from_the_program_or_from_outside_only(program: StandIn) -> None:
    program.answer = lambda _: (200, b"%PDF", {"Content-Type": "application/pdf; x=1"})
    inbox = settings(program)
    found = fetch(inbox, {"url": f"{program.url}/f.pdf", "type": "image/png"})
    assert (found.content, found.content_type) == (b"%PDF", "application/pdf")
    Webhook(OUT).verify(b"{}", {**signed.headers(OUT, "x", b"{}")})
    assert signed.verify(OUT, program.asked[0].headers, b"")
    with standing_in(lambda _: (200, b"secret", {})) as neighbour:
        for url in (
            f"{neighbour.url}/x",
            "https://127.0.0.1/x",
            "https://[::1]/x",
            "http://localhost/x",
            "nothing",
        ):
            with pytest.raises(Unreached):
                fetch(inbox, {"url": url})
        assert neighbour.asked == []
    program.answer = lambda _: (404, b"", {})
    with pytest.raises(PermanentFailure):
        fetch(inbox, {"url": f"{program.url}/f.pdf"})
    program.answer = lambda _: (503, b"", {})
    with pytest.raises(TemporaryFailure):
        fetch(inbox, {"url": f"{program.url}/f.pdf"})


def test_a_test_says_what_is_wrong(program: StandIn) -> None:
    assert [each.fine for each in probe(settings(program))] == [True, True]
    assert program.asked[0].json == {"type": "ping"}
    for status in (401, 404):
        program.answer = lambda _, status=status: (status, {}, {})  # type: ignore[misc]
        assert [each.fine for each in probe(settings(program))] == [True, False]
    program.answer = lambda _: None
    assert [each.fine for each in probe(settings(program))] == [False]


ANY = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=6,
)
NAMES = ("type", "id", "from", "text", "at", "in_reply_to", "files", "choice", "location", "language", "of", "state",
         "delivery", "reason", "emoji", "by")  # fmt: skip


@given(
    st.dictionaries(st.sampled_from(NAMES), ANY),
    st.sampled_from(["message", "edit", "receipt", "delete", "x"]),
)
def test_whatever_comes_is_read_or_set_aside(parts: dict[str, Any], kind: str) -> None:
    for event in ({**parts, "type": kind}, {**sample("messages", "text"), **parts, "type": kind}):
        try:
            found = parse(json.dumps(event).encode())
        except Unparseable:
            continue
        if isinstance(found, ParsedMessage):
            for words in (found.text, found.sender.name, found.sender.address, found.message_id):
                assert "\0" not in words
                words.encode()
