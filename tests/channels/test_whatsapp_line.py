"""Sending by WhatsApp's API and fetching from it, against a provider that speaks its wire format and misbehaves."""

import hashlib
import io
from collections.abc import Iterator
from typing import Any

import pytest

from tests.channels.standin import Answer, InTurn, answering_in_turn
from wasl.channels.base import Failure, InDoubt, PermanentFailure, Reason, TemporaryFailure, Unreached
from wasl.channels.port import OutboundChat, Settings, Upload
from wasl.channels.whatsapp.send import Line, fetch, probe


@pytest.fixture
def graph() -> Iterator[InTurn]:
    with answering_in_turn() as made:
        yield made


def settings(graph: InTurn, **secrets: str) -> Settings:
    known = {"access_token": "tok", "app_secret": "s", "verify_token": "v"} | secrets
    return Settings("111", {"base_url": graph.url, "version": "v1"}, known, private=True)


TAKEN: Answer = (200, {"messaging_product": "whatsapp", "messages": [{"id": "wamid.OUT"}]}, {})


def wrong(status: int, code: int, **headers: str) -> Answer:
    error = {"message": "words", "code": code, "error_data": {"details": "more words"}}
    return status, {"error": error}, {name.replace("_", "-"): value for name, value in headers.items()}


def chat(**parts: Any) -> OutboundChat:
    return OutboundChat(**({"delivery": "d-1", "to": "393331112222", "text": "Ciao"} | parts))


def test_a_message_is_sent_and_the_customers_marked_as_read(graph: InTurn) -> None:
    graph.answers["messages"] = [TAKEN, (200, {"success": True}, {})]
    assert Line(settings(graph)).send(chat(mark_read="wamid.IN")).provider_ref == "wamid.OUT"
    sent, read = graph.asked
    assert sent.path == "/v1/111/messages"
    assert sent.headers["authorization"] == "Bearer tok"
    assert sent.json["text"]["body"] == "Ciao"
    assert read.json == {"messaging_product": "whatsapp", "status": "read", "message_id": "wamid.IN"}


def test_that_read_is_not_said_takes_nothing_away(graph: InTurn) -> None:
    graph.answers["messages"] = [TAKEN, None]
    assert Line(settings(graph)).send(chat(mark_read="wamid.IN")).provider_ref == "wamid.OUT"


def test_a_file_is_handed_over_first(graph: InTurn) -> None:
    graph.answers["media"] = [(200, {"id": "media-7"}, {})]
    graph.answers["messages"] = [TAKEN]
    file = Upload('b"ill.pdf', "application/pdf", 3, lambda: io.BytesIO(b"%PDF"))
    Line(settings(graph)).send(chat(files=(file,)))
    form, sent = graph.asked
    assert form.headers["content-type"].startswith("multipart/form-data; boundary=")
    assert b'name="messaging_product"\r\n\r\nwhatsapp' in form.body
    assert b'filename="b_ill.pdf"' in form.body
    assert sent.json["document"] == {"id": "media-7", "filename": 'b"ill.pdf', "caption": "Ciao"}


@pytest.mark.parametrize(
    ("answer", "kind", "reason"),
    [
        (wrong(400, 131047), PermanentFailure, Reason.WINDOW_CLOSED),
        (wrong(400, 132001), PermanentFailure, Reason.TEMPLATE),
        (wrong(401, 190), Unreached, Reason.SIGN_IN),
        (wrong(403, 131031), Unreached, Reason.ACCOUNT),
        (wrong(429, 130429), TemporaryFailure, Reason.NOT_NOW),
        (wrong(500, 131000), TemporaryFailure, Reason.NOT_NOW),
        (wrong(400, 999999), PermanentFailure, Reason.OTHER),
        ((429, b"slow down", {}), TemporaryFailure, Reason.NOT_NOW),
    ],
)
def test_errors_are_what_they_mean(
    graph: InTurn, answer: Answer, kind: type[Failure], reason: Reason
) -> None:
    graph.answers["messages"] = [answer]
    with pytest.raises(kind) as caught:
        Line(settings(graph)).send(chat())
    assert caught.value.reason is reason


def test_a_wish_to_wait_is_heard(graph: InTurn) -> None:
    graph.answers["messages"] = [wrong(429, 130429, Retry_After="17")]
    with pytest.raises(TemporaryFailure) as caught:
        Line(settings(graph)).send(chat())
    assert caught.value.retry_after == 17


@pytest.mark.parametrize("answer", [None, (502, b"<html>Bad gateway</html>", {})])
def test_an_answer_that_is_lost_leaves_a_doubt(graph: InTurn, answer: Answer | None) -> None:
    graph.answers["messages"] = [answer]
    with pytest.raises(InDoubt):
        Line(settings(graph)).send(chat())


def test_a_file_that_is_not_taken_leaves_none(graph: InTurn) -> None:
    graph.answers["media"] = [(502, b"<html>Bad gateway</html>", {})]
    file = Upload("a.pdf", "application/pdf", 3, lambda: io.BytesIO(b"abc"))
    with pytest.raises(TemporaryFailure):
        Line(settings(graph)).send(chat(files=(file,)))


def test_nobody_there_is_no_doubt() -> None:
    nobody = Settings("111", {"base_url": "http://127.0.0.1:9"}, {"access_token": "t"}, private=True)
    with pytest.raises(Unreached):
        Line(nobody).send(chat())
    with pytest.raises(Unreached, match=r"refused|private"):
        Line(Settings("111", {"base_url": "https://127.0.0.1"}, {"access_token": "t"})).send(chat())


def test_a_file_is_fetched_whole_or_again(graph: InTurn) -> None:
    content = b"\xff\xd8 picture"
    place = {"url": f"http://127.0.0.1:{graph.port}/file", "mime_type": "image/jpeg; x=1",
             "sha256": hashlib.sha256(content).hexdigest()}  # fmt: skip
    graph.answers = {"77": [(200, place, {})] * 2, "file": [(200, content, {}), (200, b"half", {})]}
    found = fetch(settings(graph), {"id": "77"})
    assert (found.content, found.content_type) == (content, "image/jpeg")
    assert graph.asked[1].headers["authorization"] == "Bearer tok"
    with pytest.raises(TemporaryFailure):
        fetch(settings(graph), {"id": "77"})


def test_a_test_says_which_step_fails(graph: InTurn) -> None:
    fine: Answer = (200, {"display_phone_number": "+39 06 12345", "verified_name": "Dar Zaytun"}, {})
    graph.answers["111"] = [fine, wrong(401, 190), wrong(400, 100), fine]
    assert all(step.fine for step in probe(settings(graph)))
    assert [step.fine for step in probe(settings(graph))] == [True, False]
    assert [step.fine for step in probe(settings(graph))] == [True, True, False]
    assert [step.fine for step in probe(settings(graph, app_secret=""))] == [True, True, True, False]
    graph.answers["111"] = [(404, b"Not Found", {}), (200, b"<html>", {}), wrong(500, 2), (502, b"", {})]
    assert [[step.fine for step in probe(settings(graph))] for _ in range(4)] == [[True, False]] * 4
    nobody = Settings("111", {"base_url": "http://127.0.0.1:9"}, {"access_token": "t"}, private=True)
    assert [step.fine for step in probe(nobody)] == [False]
