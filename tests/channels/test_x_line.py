"""Sending on X and fetching from it, against a provider that misbehaves."""

import io
from collections.abc import Iterator
from typing import Any

import pytest

from tests.channels.standin import Answer, InTurn, answering_in_turn
from wasl.channels.base import Failure, InDoubt, PermanentFailure, Reason, TemporaryFailure, Unreached
from wasl.channels.port import OutboundChat, Settings, Upload
from wasl.channels.x.send import PIECE, Line, fetch, probe
from wasl.kit.clock import now

TAKEN: Answer = (201, {"data": {"dm_conversation_id": "300-900", "dm_event_id": "1600"}}, {})


@pytest.fixture
def api() -> Iterator[InTurn]:
    with answering_in_turn() as made:
        yield made


def inbox(api: InTurn, **secrets: str) -> Settings:
    known = {"app_secret": "s", "access_token": "t", "access_secret": "a"} | secrets
    return Settings("300", {"base_url": api.url, "app_key": "k"}, known, private=True)


def chat(**parts: Any) -> OutboundChat:
    return OutboundChat(**({"delivery": "d-1", "to": "900", "text": "Yes"} | parts))


def problem(status: int, kind: str = "", detail: str = "words", **headers: str) -> Answer:
    about = {"title": "T", "detail": detail, "status": status}
    about |= {"type": f"https://api.twitter.com/2/problems/{kind}"} if kind else {"type": "about:blank"}
    return status, about, {name.replace("_", "-"): value for name, value in headers.items()}


def test_a_message_is_sent_and_signed(api: InTurn) -> None:
    api.answers["messages"] = [TAKEN]
    assert Line(inbox(api)).send(chat()).provider_ref == "1600"
    (asked,) = api.asked
    assert (asked.path, asked.json) == ("/2/dm_conversations/with/900/messages", {"text": "Yes"})
    said = asked.headers["authorization"]
    assert said.startswith("OAuth ")
    assert 'oauth_consumer_key="k"' in said
    assert 'oauth_token="t"' in said


def test_a_film_is_handed_over_in_pieces_and_waited_for(api: InTurn) -> None:
    wait = {"data": {"id": "77", "processing_info": {"state": "pending", "check_after_secs": 0}}}
    done = {"data": {"id": "77", "processing_info": {"state": "succeeded"}}}
    api.answers = {
        "initialize": [(200, {"data": {"id": "77"}}, {})], "append": [(200, {}, {}), (204, b"", {})],
        "finalize": [(200, wait, {})], "upload": [(200, wait, {}), (200, done, {})], "messages": [TAKEN],
    }  # fmt: skip
    film = Upload("a.mp4", "video/mp4", PIECE + 3, lambda: io.BytesIO(b"x" * PIECE + b"end"))
    Line(inbox(api)).send(chat(files=(film,)))
    first, *pieces, _, _, _, message = api.asked
    assert first.json == {"media_type": "video/mp4", "total_bytes": PIECE + 3, "media_category": "dm_video"}
    assert [b'name="segment_index"\r\n\r\n1\r\n' in each.body for each in pieces] == [False, True]
    assert pieces[1].body.partition(b"video/mp4\r\n\r\n")[2].startswith(b"end\r\n--")
    assert message.json == {"text": "Yes", "attachments": [{"media_id": "77"}]}


def test_what_x_does_not_take_is_said_before_anything_is_sent(api: InTurn) -> None:
    paper = Upload("a.pdf", "application/pdf", 3, lambda: io.BytesIO(b"pdf"))
    with pytest.raises(PermanentFailure):
        Line(inbox(api)).send(chat(files=(paper,)))
    with pytest.raises(ValueError, match="without"):
        Line(inbox(api)).send(chat(text=""))
    assert not api.asked
    failed = {"data": {"id": "77", "processing_info": {"state": "failed"}}}
    slow = {"data": {"id": "77", "processing_info": {"state": "pending", "check_after_secs": 99}}}
    for answer, kind in ((failed, PermanentFailure), (slow, TemporaryFailure)):
        api.answers = {"initialize": [(200, {"data": {"id": "77"}}, {})], "append": [(200, {}, {})],
                       "finalize": [(200, answer, {})]}  # fmt: skip
        picture = Upload("a.png", "image/png", 3, lambda: io.BytesIO(b"png"))
        with pytest.raises(kind):
            Line(inbox(api)).send(chat(files=(picture,)))


@pytest.mark.parametrize(
    ("answer", "kind", "reason"),
    [
        (problem(401), Unreached, Reason.SIGN_IN),
        (problem(402), Unreached, Reason.ACCOUNT),
        (problem(429, "usage-capped"), Unreached, Reason.ACCOUNT),
        (problem(403, "client-forbidden"), Unreached, Reason.ACCOUNT),
        (problem(403, "oauth1-permissions"), Unreached, Reason.SIGN_IN),
        (problem(403, detail="You cannot send messages to this account."), PermanentFailure, Reason.STOPPED),
        (problem(404), PermanentFailure, Reason.ADDRESS_UNKNOWN),
        (problem(400, "invalid-request"), PermanentFailure, Reason.BAD_MESSAGE),
        (problem(429), TemporaryFailure, Reason.NOT_NOW),
        (problem(503), TemporaryFailure, Reason.NOT_NOW),
        ((403, {"errors": [{"code": 349, "message": "You cannot"}]}, {}), PermanentFailure, Reason.STOPPED),
    ],
)
def test_errors_are_what_they_mean(api: InTurn, answer: Answer, kind: type[Failure], reason: Reason) -> None:
    api.answers["messages"] = [answer]
    with pytest.raises(kind) as caught:
        Line(inbox(api)).send(chat())
    assert type(caught.value) is kind
    assert caught.value.reason is reason


def test_when_x_listens_again(api: InTurn) -> None:
    reset = str(int(now().timestamp()) + 300)
    api.answers["messages"] = [
        problem(429, Retry_After="17"),
        problem(429, x_rate_limit_reset=reset),
        problem(429),
    ]
    waits = []
    for _ in range(3):
        with pytest.raises(TemporaryFailure) as caught:
            Line(inbox(api)).send(chat())
        waits.append(caught.value.retry_after)
    assert waits[0] == 17
    assert 290 < (waits[1] or 0) <= 300
    assert waits[2] is None


@pytest.mark.parametrize("answer", [None, (502, b"<html>", {}), (201, {"data": {}}, {})])
def test_an_answer_that_is_lost_leaves_a_doubt(api: InTurn, answer: Answer | None) -> None:
    api.answers["messages"] = [answer]
    with pytest.raises(InDoubt):
        Line(inbox(api)).send(chat())


def test_a_file_that_is_not_taken_leaves_none(api: InTurn) -> None:
    picture = Upload("a.png", "image/png", 3, lambda: io.BytesIO(b"png"))
    for answer in ((502, b"", {}), None):
        api.answers["initialize"] = [answer]
        with pytest.raises(TemporaryFailure):
            Line(inbox(api)).send(chat(files=(picture,)))


def test_nobody_there_is_no_doubt(api: InTurn) -> None:
    nobody = Settings(
        "300", {"base_url": "http://127.0.0.1:9", "app_key": "k"}, inbox(api).secrets, private=True
    )
    with pytest.raises(Unreached):
        Line(nobody).send(chat())
    with pytest.raises(Unreached) as caught:
        Line(inbox(api, access_secret=""))
    assert caught.value.reason is Reason.SIGN_IN


def test_files_are_fetched_with_a_signature(api: InTurn) -> None:
    api.answers = {
        "lamp.jpg": [(200, b"\xff\xd8", {"Content-Type": "image/jpeg"}), (404, b"", {}), (503, b"", {})]
    }
    found = fetch(inbox(api), {"url": f"{api.url}/dm/lamp.jpg"})
    assert (found.content, found.content_type) == (b"\xff\xd8", "image/jpeg")
    assert api.asked[0].headers["authorization"].startswith("OAuth ")
    with pytest.raises(PermanentFailure):
        fetch(inbox(api), {"url": f"{api.url}/dm/lamp.jpg"})
    with pytest.raises(TemporaryFailure):
        fetch(inbox(api), {"url": f"{api.url}/dm/lamp.jpg"})


def test_no_file_is_fetched_from_ones_own_network(api: InTurn) -> None:
    known = Settings("300", {"app_key": "k"}, inbox(api).secrets, private=True)
    with pytest.raises(Unreached, match="private"):
        fetch(known, {"url": "https://127.0.0.1/file"})


def test_a_test_says_which_step_fails(api: InTurn) -> None:
    fine: Answer = (200, {"data": {"id": "300", "name": "Lamps", "username": "lamps"}}, {})
    other: Answer = (200, {"data": {"id": "301", "username": "lamps2"}}, {})
    api.answers["me"] = [fine, problem(401), problem(403, "client-not-enrolled"), other]
    assert [step.fine for step in probe(inbox(api))] == [True, True, True]
    steps = [list(probe(inbox(api))) for _ in range(3)]
    assert [[step.fine for step in each] for each in steps] == [
        [True, False],
        [True, False],
        [True, True, False],
    ]
    assert steps[0][-1].advice != steps[1][-1].advice
    assert steps[2][-1].detail == "@lamps2 301"
    assert [step.fine for step in probe(inbox(api, app_secret=""))] == [False]
    nobody = Settings(
        "300", {"base_url": "http://127.0.0.1:9", "app_key": "k"}, inbox(api).secrets, private=True
    )
    assert [step.fine for step in probe(nobody)] == [False]
