"""The same request under the same key."""

import threading
import time
from datetime import timedelta
from typing import Any

import psycopg
import pytest
from django.db import connections

from tests.api.client import Caller, problem, token_of
from tests.inbound import mail, take
from tests.worlds import Shop
from wasl.api import idempotency
from wasl.api.views import conversations as views
from wasl.kit.clock import now
from wasl.kit.ids import uuid7

Owner = psycopg.Connection[Any]


@pytest.fixture
def path(shop: Shop, call: Caller) -> str:
    """Where to answer a conversation."""
    take(shop, mail("Bonjour"))
    (conversation,) = call.get("/conversations")["items"]
    return f"/conversations/{conversation['id']}/messages"


def answers(owner: Owner) -> int:
    row = owner.execute("SELECT count(*) FROM conversations_message WHERE way = 'out'").fetchone()
    assert row
    return int(row[0])


def test_the_same_again_gets_the_same_answer(call: Caller, path: str, owner: Owner) -> None:
    first, second = (call("POST", path, {"text": "Oui"}, Idempotency_Key="k 1") for _ in range(2))
    assert (first.status_code, first.content) == (second.status_code, second.content)
    assert first.headers["Location"] == second.headers["Location"]
    assert "Idempotency-Replayed" not in first.headers
    assert second.headers["Idempotency-Replayed"] == "true"
    assert answers(owner) == 1


def test_another_request_under_the_key_is_refused(call: Caller, path: str, owner: Owner) -> None:
    message = call.post(path, {"text": "Oui"}, Idempotency_Key="k")
    problem(call("POST", path, {"text": "Non"}, Idempotency_Key="k"), 422, "key-reused")
    problem(call("POST", f"/messages/{message['id']}/retry", Idempotency_Key="k"), 422, "key-reused")
    problem(call("PATCH", path.removesuffix("/messages"), {}, Idempotency_Key="k"), 422, "key-reused")
    assert answers(owner) == 1


def test_a_key_belongs_to_its_token(shop: Shop, call: Caller, path: str, owner: Owner) -> None:
    call.post(path, {"text": "Oui"}, Idempotency_Key="k")
    Caller(token_of(shop)).post(path, {"text": "Non"}, Idempotency_Key="k")
    assert answers(owner) == 2


def test_a_failure_is_not_remembered(call: Caller, path: str, owner: Owner) -> None:
    problem(call("POST", path, {"text": ""}, Idempotency_Key="k"), 422, "invalid")
    call.post(path, {"text": "Oui"}, Idempotency_Key="k")
    assert answers(owner) == 1


def test_what_breaks_halfway_leaves_nothing_behind(
    call: Caller, path: str, owner: Owner, monkeypatch: Any
) -> None:
    reply = views.reply

    def break_after(*given: Any) -> None:
        reply(*given)
        raise RuntimeError("afterwards")

    monkeypatch.setattr(views, "reply", break_after)
    body = problem(call("POST", path, {"text": "Oui"}, Idempotency_Key="k"), 500, "broken")
    assert "afterwards" not in str(body)
    assert answers(owner) == 0
    monkeypatch.undo()
    call.post(path, {"text": "Oui"}, Idempotency_Key="k")
    assert answers(owner) == 1


def slowly(monkeypatch: Any, seconds: float) -> None:
    reply = views.reply

    def slow(*given: Any, **more: Any) -> Any:
        made = reply(*given, **more)
        time.sleep(seconds)
        return made

    monkeypatch.setattr(views, "reply", slow)


def at_once(secret: str, path: str, number: int) -> list[Any]:
    """The same request several times at the same moment, each in a thread."""
    found: list[Any] = []

    def ask() -> None:
        found.append(Caller(secret)("POST", path, {"text": "Oui"}, Idempotency_Key="k"))
        connections.close_all()

    threads = [threading.Thread(target=ask) for _ in range(number)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return found


def test_a_second_request_waits_for_the_first(
    call: Caller, path: str, owner: Owner, monkeypatch: Any
) -> None:
    slowly(monkeypatch, 0.3)
    found = at_once(call.secret, path, 4)
    assert {a.status_code for a in found} == {201}
    assert len({a.content for a in found}) == 1
    assert answers(owner) == 1


def test_a_second_request_does_not_wait_for_ever(
    call: Caller, path: str, owner: Owner, monkeypatch: Any
) -> None:
    slowly(monkeypatch, 0.8)
    monkeypatch.setattr(idempotency, "WAIT", "100ms")
    found = sorted(at_once(call.secret, path, 2), key=lambda a: a.status_code)
    assert found[0].status_code == 201
    problem(found[1], 409, "busy")
    assert found[1].headers["Retry-After"] == "1"
    assert answers(owner) == 1


def test_old_keys_are_swept_away(shop: Shop, call: Caller, path: str, owner: Owner) -> None:
    old = now() - idempotency.KEPT - timedelta(minutes=1)
    for n in range(idempotency.SWEPT + 2):
        owner.execute(
            "INSERT INTO api_idempotency (workspace_id, id, token_id, key, fingerprint, created_at)"
            " VALUES (%s, %s, %s, %s, '', %s)",
            [shop.id, uuid7(), uuid7(), f"old{n}", old],
        )
    call.post(path, {"text": "Oui"}, Idempotency_Key="new")
    left = [row[0] for row in owner.execute("SELECT key FROM api_idempotency ORDER BY key")]
    assert len(left) == 3
    assert "new" in left
