"""Whatever goes wrong under /api is a problem."""

import json
from typing import Any
from uuid import UUID

import pytest

from tests.api.client import Caller, problem
from tests.inbound import mail, take
from tests.worlds import Shop
from wasl.channels import access
from wasl.conversations import queries
from wasl.kit.db import AWAY
from wasl.kit.ids import uuid7
from wasl.kit.memory import Pace
from wasl.kit.problem import KINDS


@pytest.mark.parametrize(
    "path", ["", "/", "/nothing", "/conversations/", "/conversations/7", "/customers/é", "/../x"]
)
@pytest.mark.parametrize("method", ["GET", "POST", "DELETE"])
def test_what_is_not_there(call: Caller, path: str, method: str) -> None:
    problem(call(method, path), 404, "not-found")


@pytest.mark.parametrize(
    ("method", "path", "allowed"), [("DELETE", "/conversations", "GET"), ("PUT", "/customers", "GET")]
)
def test_other_methods(call: Caller, method: str, path: str, allowed: str) -> None:
    answer = call(method, path)
    assert allowed in problem(answer, 405, "wrong-method")["detail"]
    assert answer.headers["Allow"] == allowed


@pytest.mark.parametrize(
    "authorization", ["", "Bearer", "Bearer nothing", "Token wasl_" + "x" * 43, "Bearer wasl_" + "x" * 43]
)
def test_without_a_token(call: Caller, authorization: str) -> None:
    for method, path in (("GET", "/conversations"), ("POST", f"/conversations/{uuid7()}/messages")):
        answer = call(method, path, Authorization=authorization)
        problem(answer, 401, "no-token")
        assert answer.headers["WWW-Authenticate"].startswith('Bearer realm="wasl"')


@pytest.mark.parametrize(
    ("query", "parameter"),
    [
        ("limit=0", "limit"),
        ("limit=201", "limit"),
        ("limit=many", "limit"),
        ("limit=1&limit=2", "limit"),
        ("status=closed", "status"),
        ("statsu=open", "statsu"),
        ("inbox=7", "inbox"),
        ("assignee=nobody", "assignee"),
        ("cursor=%00", "cursor"),
        ("cursor=%ED%A0%80", "cursor"),
        ("cursor=abc", "cursor"),
        ("cursor=WzEsMl0", "cursor"),
        (
            "cursor=WyIyMDI2LTAxLTAxVDAwOjAwOjAwIiwiMDE5MzJmNWUtN2MxYS03YjAwLTgwMDAtMDAwMDAwMDAwMDAwIl0",
            "cursor",
        ),
        ("cursor=" + "A" * 1001, "cursor"),
        ("cursor=" + "W1tb" * 200, "cursor"),
    ],
)
def test_wrong_parameters_are_named(call: Caller, query: str, parameter: str) -> None:
    body = problem(call("GET", f"/conversations?{query}"), 422, "invalid")
    assert body["errors"][0]["parameter"] == parameter


def test_nul_and_wildcards_in_a_search(call: Caller) -> None:
    problem(call("GET", "/customers?search=a%00"), 422, "invalid")
    assert call.get("/customers?search=%25_%5C")["items"] == []


@pytest.mark.parametrize(
    ("content", "status", "slug"),
    [
        (b"{", 400, "not-json"),
        (b"\xff", 400, "not-json"),
        (b'{"text": "\\ud800"}', 400, "not-json"),
        (b"[" * 100_000, 400, "not-json"),
        (b'{"text": NaN}', 400, "not-json"),
        (b'{"text": "\\u0000"}', 422, "invalid"),
        (b'{"text": "hi", "\\u0000": 1}', 422, "invalid"),
        (b"null", 422, "invalid"),
        (b"7", 422, "invalid"),
    ],
)
def test_bad_bodies(shop: Shop, call: Caller, content: bytes, status: int, slug: str) -> None:
    take(shop, mail("Bonjour"))
    (conversation,) = call.get("/conversations")["items"]
    for method, path in (("PATCH", ""), ("POST", "/messages")):
        problem(call(method, f"/conversations/{conversation['id']}{path}", content=content), status, slug)


@pytest.mark.parametrize(
    "kind", ["text/plain", "multipart/form-data; boundary=x", "application/x-www-form-urlencoded"]
)
def test_other_types(call: Caller, kind: str) -> None:
    answer = call("POST", f"/conversations/{uuid7()}/messages", {"text": "x"}, Content_Type=kind)
    problem(answer, 415, "wrong-type")


def test_a_host_that_is_not_ours(call: Caller) -> None:
    problem(call("GET", "/conversations", Host="elsewhere.example"), 400, "bad-request")


def test_a_mistake_of_ours_says_nothing_of_itself(call: Caller, monkeypatch: Any) -> None:
    def broken(*_: Any, **__: Any) -> None:
        raise RuntimeError("secret detail")

    monkeypatch.setattr(queries, "conversations", broken)
    answer = call("GET", "/conversations")
    problem(answer, 500, "broken")
    assert b"secret" not in answer.content


@pytest.mark.parametrize("kind", AWAY)
def test_a_database_that_is_away(call: Caller, monkeypatch: Any, kind: type[Exception]) -> None:
    def away(*_: Any, **__: Any) -> None:
        raise kind("connection refused")

    monkeypatch.setattr(queries, "conversations", away)
    answer = call("GET", "/conversations")
    problem(answer, 503, "not-now")
    assert answer.headers["Retry-After"] == "1"


def test_too_many(call: Caller, monkeypatch: Any) -> None:
    pace: Pace[UUID | None] = Pace(0.1, 2)
    monkeypatch.setattr(access, "_pace", lambda: pace)
    assert [call("GET", "/inboxes").status_code for _ in range(2)] == [200, 200]
    answer = call("GET", "/inboxes")
    problem(answer, 429, "too-many")
    assert answer.headers["Retry-After"] == "10"


@pytest.mark.parametrize("slug", list(KINDS))
def test_every_kind_is_explained_in_words(call: Caller, slug: str) -> None:
    call.secret = ""
    answer = call("GET", f"/problems/{slug}", Authorization="")
    assert answer.status_code == 200
    assert answer.headers["Content-Type"] == "text/plain; charset=utf-8"
    text = answer.content.decode()
    assert KINDS[slug].title in text
    assert max(map(len, text.splitlines())) <= 90


def test_a_kind_that_there_is_not(call: Caller) -> None:
    problem(call("GET", "/problems/other"), 404, "not-found")
    problem(call("POST", "/problems/invalid"), 404, "not-found")


def test_reading_cannot_write(call: Caller, monkeypatch: Any) -> None:
    from wasl.accounts.models import ApiToken

    def write(*_: Any, **__: Any) -> None:
        ApiToken.objects.update(name="changed")

    monkeypatch.setattr(queries, "conversations", write)
    problem(call("GET", "/conversations"), 500, "broken")
    assert json.dumps(call.get("/inboxes"))
