"""Sending by Messenger's and Instagram's API, below comments too, against a provider that misbehaves."""

import io
import json
from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest

from tests.channels.road import Provider
from tests.channels.standin import Answer, InTurn, answering_in_turn
from tests.worlds import Shop
from wasl.channels.base import Failure, InDoubt, PermanentFailure, Reason, TemporaryFailure, Unreached
from wasl.channels.meta.errors import reason_of
from wasl.channels.meta.send import INSTAGRAM, MESSENGER, Line, Platform, cut, fetch
from wasl.channels.models import Inbox
from wasl.channels.port import Choice, OutboundChat, Settings, Upload
from wasl.channels.registry import channels
from wasl.conversations.models import Message
from wasl.customers.models import Identity
from wasl.desk import names
from wasl.kit.clock import now
from wasl.kit.db import tenant

ID = "0199b2a4-1111-7000-8000-00000000000"


@pytest.fixture
def graph() -> Iterator[InTurn]:
    with answering_in_turn() as made:
        yield made


def inbox(graph: InTurn, address: str = "1001", **secrets: str) -> Settings:
    known = {"access_token": "tok", "app_secret": "s", "verify_token": "v"} | secrets
    return Settings(address, {"base_url": graph.url, "version": "v1"}, known, private=True)


def line(graph: InTurn, platform: Platform = MESSENGER) -> Line:
    return Line(inbox(graph), platform)


def taken(mid: str = "m_out") -> Answer:
    return 200, {"recipient_id": "7001", "message_id": mid}, {}


def wrong(status: int, code: int, subcode: int = 0, **headers: str) -> Answer:
    error = {"message": "words", "code": code} | ({"error_subcode": subcode} if subcode else {})
    return status, {"error": error}, {name.replace("_", "-"): value for name, value in headers.items()}


_number = iter(range(1, 10_000))


def chat(**parts: Any) -> OutboundChat:
    made = {"delivery": f"{ID[:-4]}{next(_number):05}", "to": "7001", "text": "Demain", "wrote_at": now()}
    return OutboundChat(**(made | parts))


def file(kind: str = "application/pdf", name: str = 'b"ill.pdf') -> Upload:
    return Upload(name, kind, 4, lambda: io.BytesIO(b"%PDF"))


def test_a_message_is_sent_as_an_answer_and_the_last_one_seen(graph: InTurn) -> None:
    graph.answers["messages"] = [(200, {"recipient_id": "7001"}, {}), taken()]
    message = chat(mark_read="m_in", answers="m_in")
    assert line(graph).send(message).provider_ref == "m_out"
    seen, sent = graph.asked
    assert seen.json == {"recipient": {"id": "7001"}, "sender_action": "mark_seen"}
    assert (sent.path, sent.headers["authorization"]) == ("/v1/me/messages", "Bearer tok")
    assert sent.json == {
        "recipient": {"id": "7001"}, "messaging_type": "RESPONSE", "reply_to": {"mid": "m_in"},
        "message": {"text": "Demain", "metadata": f"wasl:{message.delivery}"},
    }  # fmt: skip


def test_after_a_day_a_person_answers_and_says_so(graph: InTurn) -> None:
    graph.answers["messages"] = [taken(), taken(), taken()]
    for age in (timedelta(hours=23), timedelta(hours=25)):
        line(graph).send(chat(wrote_at=now() - age))
    line(graph).send(chat(wrote_at=None))
    told = [(each.json["messaging_type"], each.json.get("tag")) for each in graph.asked]
    assert told == [("RESPONSE", None), ("MESSAGE_TAG", "HUMAN_AGENT"), ("RESPONSE", None)]


def test_that_it_was_seen_is_not_said_takes_nothing_away(graph: InTurn) -> None:
    graph.answers["messages"] = [None, taken()]
    assert line(graph).send(chat(mark_read="m_in")).provider_ref == "m_out"


def test_buttons_go_with_the_last_part(graph: InTurn) -> None:
    graph.answers = {
        "message_attachments": [(200, {"attachment_id": "77"}, {})],
        "messages": [taken("a"), taken("b")],
    }
    sent = line(graph).send(
        chat(files=(file(),), choices=(Choice("k", "A title that is too long"), Choice("l", "No")))
    )
    assert (sent.provider_ref, sent.detail) == ("b", "a")
    upload, first, last = graph.asked
    assert upload.path == "/v1/me/message_attachments"
    assert (
        b'name="message"\r\n\r\n{"attachment": {"type": "file", "payload": {"is_reusable": true}}}'
        in upload.body
    )
    assert (
        b'name="filedata"; filename="b_ill.pdf"\r\nContent-Type: application/pdf\r\n\r\n%PDF' in upload.body
    )
    assert b'name="platform"' not in upload.body
    assert "quick_replies" not in first.json["message"]
    assert last.json["message"]["attachment"] == {"type": "file", "payload": {"attachment_id": "77"}}
    assert last.json["message"]["quick_replies"] == [
        {"content_type": "text", "title": "A title that is too ", "payload": "k"},
        {"content_type": "text", "title": "No", "payload": "l"},
    ]


def test_instagram_is_named_where_files_are_handed_over(graph: InTurn) -> None:
    graph.answers = {"message_attachments": [(200, {"attachment_id": "77"}, {})], "messages": [taken()]}
    line(graph, INSTAGRAM).send(chat(text="", files=(file("image/png", "a.png"),)))
    assert b'name="platform"\r\n\r\ninstagram\r\n' in graph.asked[0].body
    assert graph.asked[1].json["message"]["attachment"]["type"] == "image"


def test_a_retry_goes_on_where_it_stopped(graph: InTurn) -> None:
    graph.answers = {
        "message_attachments": [(200, {"attachment_id": "77"}, {})] * 2,
        "messages": [taken("a"), wrong(400, 1200), taken("b")],
    }
    message = chat(files=(file(),))
    with pytest.raises(TemporaryFailure):
        line(graph).send(message)
    sent = line(graph).send(message)
    assert (sent.provider_ref, sent.detail) == ("b", "a")
    said = [each.json["message"] for each in graph.asked if each.path.endswith("/messages")]
    assert ["text" in each for each in said] == [True, False, False]


def test_long_texts_are_cut_between_words() -> None:
    words = "كلمة " * 400
    pieces = cut(words.strip(), INSTAGRAM)
    assert all(len(piece.encode()) <= 1000 for piece in pieces)
    assert " ".join(pieces) == words.strip()
    assert [len(piece) for piece in cut("x" * 4500, MESSENGER)] == [2000, 2000, 500]
    assert "".join(cut("😀" * 600, INSTAGRAM)) == "😀" * 600
    assert cut("", MESSENGER) == []
    with pytest.raises(ValueError, match="without"):
        Line(Settings("1", {}, {"access_token": "t"}), MESSENGER).send(chat(text=""))


def test_reactions_go_where_they_can(graph: InTurn) -> None:
    graph.answers["messages"] = [(200, {"recipient_id": "8001"}, {})]
    line(graph, INSTAGRAM).send(chat(text="", reaction="❤️", answers="m_in"))
    assert graph.asked[0].json == {
        "recipient": {"id": "7001"}, "sender_action": "react",
        "payload": {"message_id": "m_in", "reaction": "love"},
    }  # fmt: skip
    with pytest.raises(PermanentFailure):
        line(graph).send(chat(text="", reaction="❤️", answers="m_in"))


@pytest.mark.parametrize(("platform", "edge"), [(MESSENGER, "comments"), (INSTAGRAM, "replies")])
def test_a_comment_is_answered_below_it(graph: InTurn, platform: Platform, edge: str) -> None:
    graph.answers[edge] = [(200, {"id": "55_903"}, {})]
    sent = line(graph, platform).send(chat(answers="55_901", comment="public"))
    assert sent.provider_ref == "55_903"
    assert (graph.asked[0].path, graph.asked[0].json) == (f"/v1/55_901/{edge}", {"message": "Demain"})


def test_a_comment_is_answered_to_its_author_alone(graph: InTurn) -> None:
    graph.answers["messages"] = [taken(), wrong(400, 10900)]
    line(graph).send(chat(answers="55_901", comment="private", wrote_at=now() - timedelta(days=3)))
    said = graph.asked[0].json
    assert (said["recipient"], said["messaging_type"]) == ({"comment_id": "55_901"}, "RESPONSE")
    assert "reply_to" not in said
    with pytest.raises(PermanentFailure):
        line(graph).send(chat(answers="55_901", comment="private"))


def test_a_mention_is_answered_where_it_stands(graph: InTurn) -> None:
    graph.answers["mentions"] = [(200, {"id": "9"}, {}), (200, {"id": "10"}, {})]
    line(graph, INSTAGRAM).send(chat(to="mention:17955", answers="17955", comment="public"))
    assert (graph.asked[0].path, graph.asked[0].json["message"]) == ("/v1/1001/mentions", "Demain")


def test_files_do_not_go_below_comments(graph: InTurn) -> None:
    with pytest.raises(PermanentFailure):
        line(graph).send(chat(answers="55_901", comment="public", files=(file(),)))
    assert not graph.asked


@pytest.mark.parametrize(
    ("answer", "kind", "reason"),
    [
        (wrong(400, 10, 2018278), PermanentFailure, Reason.WINDOW_CLOSED),
        (wrong(400, 10, 2534022), PermanentFailure, Reason.WINDOW_CLOSED),
        (wrong(400, 551, 1545041), PermanentFailure, Reason.STOPPED),
        (wrong(400, 100, 2018001), PermanentFailure, Reason.ADDRESS_UNKNOWN),
        (wrong(400, 100), PermanentFailure, Reason.BAD_MESSAGE),
        (wrong(401, 190), Unreached, Reason.SIGN_IN),
        (wrong(403, 200), Unreached, Reason.SIGN_IN),
        (wrong(400, 368), Unreached, Reason.ACCOUNT),
        (wrong(400, 613), TemporaryFailure, Reason.NOT_NOW),
        (wrong(500, 999), TemporaryFailure, Reason.NOT_NOW),
        (wrong(400, 999), PermanentFailure, Reason.OTHER),
        ((400, {"error": {"code": 999, "is_transient": True}}, {}), TemporaryFailure, Reason.NOT_NOW),
        ((429, b"slow down", {}), TemporaryFailure, Reason.NOT_NOW),
    ],
)
def test_errors_are_what_they_mean(
    graph: InTurn, answer: Answer, kind: type[Failure], reason: Reason
) -> None:
    graph.answers["messages"] = [answer]
    with pytest.raises(kind) as caught:
        line(graph).send(chat())
    assert caught.value.reason is reason
    assert type(caught.value) is kind


def test_a_limit_of_the_business_says_when_it_is_lifted(graph: InTurn) -> None:
    usage = json.dumps(
        {"1001": [{"type": "messenger", "call_count": 100, "estimated_time_to_regain_access": 5}]}
    )
    told = []
    for header in (usage, '{"1001": []}', "[1]", "nonsense"):
        graph.answers["messages"] = [wrong(400, 80006, x_business_use_case_usage=header)]
        with pytest.raises(TemporaryFailure) as caught:
            line(graph).send(chat())
        told.append(caught.value.retry_after)
    assert told == [300, None, None, None]


def test_a_wish_to_wait_is_heard(graph: InTurn) -> None:
    graph.answers["messages"] = [
        wrong(429, 613, Retry_After="17"),
        (429, b"", {"Retry-After": "9"}),
        wrong(400, 4),
    ]
    waits = []
    for _ in range(3):
        with pytest.raises(TemporaryFailure) as caught:
            line(graph).send(chat())
        waits.append(caught.value.retry_after)
    assert waits == [17, 9, None]


@pytest.mark.parametrize("answer", [None, (502, b"<html>", {}), (200, {"surprise": 1}, {})])
def test_an_answer_that_is_lost_leaves_a_doubt(graph: InTurn, answer: Answer | None) -> None:
    graph.answers["messages"] = [answer]
    with pytest.raises(InDoubt):
        line(graph).send(chat())


def test_a_file_that_is_not_taken_leaves_none(graph: InTurn) -> None:
    for answer in ((502, b"<html>", {}), None):
        graph.answers["message_attachments"] = [answer]
        with pytest.raises(TemporaryFailure):
            line(graph).send(chat(files=(file(),)))
    assert not [each for each in graph.asked if each.path.endswith("/messages")]


def test_nobody_there_is_no_doubt() -> None:
    nobody = Settings("1", {"base_url": "http://127.0.0.1:9"}, {"access_token": "t"}, private=True)
    with pytest.raises(Unreached):
        Line(nobody, MESSENGER).send(chat())
    with pytest.raises(Unreached) as caught:
        Line(Settings("1", {}, {}), MESSENGER)
    assert caught.value.reason is Reason.SIGN_IN


def test_files_are_fetched_without_the_token_and_moved_ones_found(graph: InTurn) -> None:
    graph.answers = {
        "old": [(302, b"", {"Location": f"{graph.url}/new"})],
        "new": [(200, b"\xff\xd8 picture", {"Content-Type": "image/jpeg; x=1"})],
    }
    found = fetch(inbox(graph), {"url": f"{graph.url}/old?sig=1"})
    assert (found.content, found.content_type) == (b"\xff\xd8 picture", "image/jpeg")
    assert all("authorization" not in each.headers for each in graph.asked)


def test_a_file_that_is_gone_is_gone_and_one_that_is_late_comes(graph: InTurn) -> None:
    graph.answers = {
        "a": [(403, b"", {}), (503, b"", {"Retry-After": "5"})],
        "loop": [(302, b"", {"Location": "x"})],
    }
    with pytest.raises(PermanentFailure):
        fetch(inbox(graph), {"url": f"{graph.url}/a"})
    with pytest.raises(TemporaryFailure) as caught:
        fetch(inbox(graph), {"url": f"{graph.url}/a"})
    assert caught.value.retry_after == 5
    with pytest.raises(Unreached):
        fetch(inbox(graph), {"url": f"{graph.url}/loop"})
    graph.answers["page"] = [(200, b"<html>", {"Content-Type": "text/html; charset=utf-8"})]
    with pytest.raises(PermanentFailure):
        fetch(inbox(graph), {"url": f"{graph.url}/page"})


@pytest.mark.parametrize("private", [True, False])
def test_no_file_is_fetched_from_ones_own_network(private: bool) -> None:
    for url in ("https://127.0.0.1/file", "https://169.254.169.254/latest", "http://127.0.0.1:9/file"):
        with pytest.raises(Unreached, match=r"private|not_https"):
            fetch(Settings("1", {}, {}, private=private), {"url": url})


def test_every_code_leads_to_words() -> None:
    assert reason_of(-1, -1) == (Reason.OTHER, "final")
    assert reason_of(230, -1) == (Reason.SIGN_IN, "settings")


SUBSCRIBED: Answer = (200, {"data": [{"subscribed_fields": ["messages", "message_echoes", "feed"]}]}, {})


def test_a_test_says_which_step_fails(graph: InTurn) -> None:
    probe = channels()["messenger"].probe
    assert probe
    fine: Answer = (200, {"id": "1001", "name": "Lampes"}, {})
    graph.answers = {
        "me": [fine, wrong(401, 190), wrong(400, 4), (200, {"id": "9", "name": "Other"}, {}), fine, fine],
        "subscribed_apps": [SUBSCRIBED, (200, {"data": []}, {})],
    }
    assert [step.fine for step in probe(inbox(graph))] == [True, True, True, True]
    assert [step.fine for step in probe(inbox(graph))] == [True, False]
    assert [step.fine for step in probe(inbox(graph))] == [True, False]
    steps = list(probe(inbox(graph)))
    assert ([step.fine for step in steps], steps[-1].detail) == ([True, True, False], "Other 9")
    assert [step.fine for step in probe(inbox(graph, app_secret=""))] == [True, True, True, False]
    steps = list(probe(inbox(graph)))
    assert (steps[-1].fine, steps[-1].detail) == (False, "message_echoes, messages")
    graph.answers["me"] = [(404, b"Not Found", {}), (200, b"<html>", {})]
    assert [[step.fine for step in probe(inbox(graph))] for _ in range(2)] == [[True, False]] * 2
    nobody = Settings("1", {"base_url": "http://127.0.0.1:9"}, {"access_token": "t"}, private=True)
    assert [step.fine for step in probe(nobody)] == [False]


def test_instagram_is_found_through_its_page(graph: InTurn) -> None:
    probe = channels()["instagram"].probe
    assert probe
    linked = {
        "id": "1001",
        "name": "Lampes",
        "instagram_business_account": {"id": "1784", "username": "lampes"},
    }
    graph.answers = {"me": [(200, linked, {}), (200, {"id": "1001"}, {})], "subscribed_apps": [SUBSCRIBED]}
    assert [step.fine for step in probe(inbox(graph, "1784"))] == [True, True, True, True]
    assert [step.fine for step in probe(inbox(graph, "1784"))] == [True, True, False]


def test_a_name_is_asked_for_and_may_be_kept_back(graph: InTurn) -> None:
    ask = channels()["messenger"].profile
    assert ask is not None
    graph.answers["77"] = [
        (200, {"first_name": "Giulia", "last_name": "Ferri", "id": "77"}, {}),
        (200, {"id": "77"}, {}),
        (400, {"error": {"code": 100, "message": "no"}}, {}),
    ]
    assert [ask(inbox(graph), "77"), ask(inbox(graph), "77")] == ["Giulia Ferri", ""]
    assert (graph.asked[0].path, graph.asked[0].query) == ("/v1/77", "fields=first_name,last_name")
    assert graph.asked[0].headers["authorization"].startswith("Bearer ")
    with pytest.raises(TemporaryFailure):
        ask(inbox(graph), "77")
    again = channels()["instagram"].profile
    graph.answers["88"] = [(200, {"name": "", "username": "giulia.f"}, {})]
    assert again is not None
    assert again(inbox(graph), "88") == "giulia.f"


def test_whoever_wrote_without_a_name_gets_the_one_of_their_profile(shop: Shop, graph: InTurn) -> None:
    page = Provider(shop, "messenger", "1001")
    with tenant(shop.id):
        Inbox.objects.filter(id=page.inbox.id).update(config={"base_url": graph.url, "version": "v1"})
    said = {"sender": {"id": "7001"}, "recipient": {"id": "1001"}, "timestamp": int(now().timestamp() * 1000)}
    page.say(
        {
            "object": "page",
            "entry": [{"id": "1001", "messaging": [said | {"message": {"mid": "m1", "text": "Ciao"}}]}],
        }
    )
    page.close()
    with tenant(shop.id):
        message_id = Message.objects.get().id
    for _ in range(2):  # the second time it is known that it was asked
        names.hear(shop.id, [("messenger", message_id), ("email", message_id)])
    graph.answers["7001"] = [(200, {"first_name": "Giulia", "last_name": "Ferri"}, {})]
    names.step()
    names.hear(shop.id, [("messenger", message_id)])
    assert names.step() > 0
    assert len(graph.asked) == 1
    with tenant(shop.id):
        kept = Identity.objects.select_related("customer").get()
    assert (kept.name, kept.customer.name) == ("Giulia Ferri", "Giulia Ferri")
