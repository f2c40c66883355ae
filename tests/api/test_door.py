"""The native door: what it takes, what it says, and what then lies in the database."""

import base64
import json
from typing import Any
from uuid import UUID

import httpx
import psycopg
import pytest
from django.conf import settings

from tests.api.client import Door, Line, problem, token_of
from tests.worlds import Shop
from wasl.accounts import tokens
from wasl.accounts.models import ApiToken, Role, Team
from wasl.channels import access
from wasl.channels.api.parse import parse
from wasl.channels.models import Inbox, InboxTeam
from wasl.intake import writer
from wasl.intake.store import INLINE
from wasl.kit import blobs
from wasl.kit.db import tenant
from wasl.kit.memory import Pace

Owner = psycopg.Connection[Any]


def stored(owner: Owner) -> list[dict[str, Any]]:
    """What lies in the raw store, oldest first."""
    rows = owner.execute("SELECT raw, raw_digest, workspace_id FROM intake_inbound ORDER BY id").fetchall()
    return [json.loads(raw if raw is not None else blobs.read(w, digest)) for raw, digest, w in rows]


def count(owner: Owner, table: str = "intake_inboundqueue") -> int:
    row = owner.execute(f"SELECT count(*) FROM {table}").fetchone()
    assert row
    return int(row[0])


def test_a_message_is_stored_before_it_is_accepted(door: Door, message: Any, owner: Owner) -> None:
    answer = door(message | {"subject": "Parcel", "thread": "T-1", "language": "en"})
    assert answer.status_code == 202
    body = answer.json()
    assert body["status"] == "accepted"
    assert answer.headers["location"] == f"/api/v1/messages/{body['id']}"
    row = owner.execute(
        "SELECT workspace_id, id, inbox_id, channel, envelope, size, length(raw) FROM intake_inbound"
    ).fetchone()
    assert row
    assert row[:4] == (door.shop.id, UUID(body["id"]), door.shop.forms.id, "api")
    assert row[5] == row[6]
    assert count(owner) == 1
    parsed = parse(json.dumps(stored(owner)[0]).encode())
    assert (parsed.sender.name, parsed.sender.address) == ("Amal", "customer-1042")
    assert (parsed.text, parsed.subject, parsed.language) == (message["text"], "Parcel", "en")


@pytest.mark.parametrize("pieces", [1, 2, 7])
@pytest.mark.parametrize("repeated", [1, 20_000])
def test_a_body_may_come_in_pieces(
    door: Door, message: Any, owner: Owner, pieces: int, repeated: int
) -> None:
    door.pieces = pieces
    text = "parcel " * repeated
    batch = [message | {"text": text[:100_000]}] * 12
    assert door(batch[0]).status_code == 202
    assert door.batch(batch).status_code == 202
    problem(door(content=b'{"from"' + b" " * 60 * repeated), 400, "not-json")
    assert [s["text"] for s in stored(owner)] == [text[:100_000]] * 13
    assert list((settings.ENV.run_dir / "uploads").iterdir()) == []


def test_small_requests_do_not_wait_for_one_another(door: Door, message: Any, monkeypatch: Any) -> None:
    """However many pieces they come in: what waits together goes to the database together."""
    sizes: list[int] = []
    insert = writer.insert

    async def counted(lane: Any, workspace: Any, payloads: Any) -> Any:
        sizes.append(len(payloads))
        return await insert(lane, workspace, payloads)

    monkeypatch.setattr(writer, "insert", counted)
    door.pieces = 2
    assert {a.status_code for a in door.together([message] * 40)} == {202}
    assert len(sizes) < 10


def test_who_hangs_up_halfway_leaves_nothing(door: Door, owner: Owner) -> None:
    line = Line(door.app, 1)

    async def half() -> None:
        sent = [{"type": "http.request", "body": b'{"from"', "more_body": True}, {"type": "http.disconnect"}]

        async def receive() -> Any:
            return sent.pop(0)

        async def answer(_message: Any) -> None:
            pass

        headers = {"Authorization": f"Bearer {door.secret}", "Content-Type": "application/json"}
        request = httpx.Request("POST", "http://testserver/api/v1/inboxes/forms/messages", headers=headers)
        await door.app(line.scope(request), receive, answer)

    door.runner.run(half())
    assert count(owner) == 0
    assert list((settings.ENV.run_dir / "uploads").iterdir()) == []


def test_an_inbox_goes_by_its_id_too(door: Door, message: Any) -> None:
    assert door(message, path=f"/api/v1/inboxes/{door.shop.forms.id}/messages").status_code == 202


@pytest.mark.parametrize("way", ["key", "id", "both"])
def test_the_same_again_gets_the_same_answer(door: Door, message: Any, owner: Owner, way: str) -> None:
    headers = {"Idempotency_Key": "order-7"} if way in ("key", "both") else {}
    body = message | ({"id": "order-7"} if way in ("id", "both") else {})
    first, second = door(body, **headers), door(body, **headers)
    assert (first.status_code, first.content) == (second.status_code, second.content)
    assert count(owner) == 1
    other = problem(door(body | {"text": "Something else"}, **headers), 422, "key-reused")
    assert "came before" in other["detail"]
    assert count(owner) == 1


def test_spelling_the_same_json_differently_is_the_same_body(door: Door, message: Any, owner: Owner) -> None:
    first = door(message, Idempotency_Key="k")
    text = json.dumps(dict(reversed(message.items())), indent=2, ensure_ascii=False)
    assert door(content=text.encode(), Idempotency_Key="k").json() == first.json()
    assert count(owner) == 1


def test_without_a_key_every_message_is_a_new_one(door: Door, message: Any, owner: Owner) -> None:
    assert door(message).json()["id"] != door(message).json()["id"]
    assert count(owner) == 2


def test_a_key_and_another_id_are_refused(door: Door, message: Any, owner: Owner) -> None:
    body = problem(door(message | {"id": "a"}, Idempotency_Key="b"), 422, "invalid")
    assert body["errors"] == [{"detail": body["detail"], "parameter": "Idempotency-Key"}]
    assert count(owner) == 0


def test_many_at_once_each_get_their_own_answer(door: Door, message: Any, owner: Owner) -> None:
    bodies = [message | {"id": f"m{n}", "text": f"Message {n}"} for n in range(60)]
    answers = door.together([*bodies, *bodies])
    assert [a.status_code for a in answers] == [202] * 120
    ids = [a.json()["id"] for a in answers]
    assert ids[:60] == ids[60:]
    assert len(set(ids)) == 60
    by_id = {str(row[0]): json.loads(row[1]) for row in owner.execute("SELECT id, raw FROM intake_inbound")}
    assert [by_id[id_]["text"] for id_ in ids[:60]] == [f"Message {n}" for n in range(60)]


def test_two_workspaces_at_once_stay_apart(door: Door, message: Any, owner: Owner) -> None:
    other = Shop.create("other", "help@other.example")
    secret = token_of(other)
    mine = door.together([message] * 5)
    theirs = door.together([message] * 5, Authorization=f"Bearer {secret}")
    assert {a.status_code for a in (*mine, *theirs)} == {202}
    found = owner.execute("SELECT workspace_id, count(*) FROM intake_inbound GROUP BY 1").fetchall()
    assert dict(found) == {door.shop.id: 5, other.id: 5}


def test_a_batch_answers_each_message(door: Door, message: Any, owner: Owner) -> None:
    answer = door.batch([message | {"id": f"b{n}"} for n in range(100)])
    assert answer.status_code == 202
    results = answer.json()["results"]
    assert [r["status"] for r in results] == ["accepted"] * 100
    assert len({r["id"] for r in results}) == 100
    assert count(owner) == 100


def test_a_batch_takes_what_is_right_and_says_what_is_wrong(door: Door, message: Any, owner: Owner) -> None:
    same = message | {"id": "same"}
    items = [
        message,
        7,
        message | {"colour": 1},
        same,
        same,
        same | {"text": "Another"},
        message | {"text": "\0"},
    ]
    answer = door.batch(items)
    assert answer.status_code == 207
    results = answer.json()["results"]
    assert [r["status"] for r in results] == [
        "accepted", "refused", "refused", "accepted", "accepted", "refused", "refused",
    ]  # fmt: skip
    assert results[3] == results[4]
    assert results[2]["problem"]["errors"][0]["pointer"] == "#/colour"
    assert results[5]["problem"]["type"].endswith("/key-reused")
    assert results[6]["problem"]["errors"][0]["pointer"] == "#/text"
    assert count(owner) == 2


def test_a_batch_can_be_sent_again_under_its_key(door: Door, message: Any, owner: Owner) -> None:
    items = [message | {"text": f"Line {n}"} for n in range(3)]
    first = door.batch(items, Idempotency_Key="night-1")
    assert door.batch(items, Idempotency_Key="night-1").content == first.content
    assert count(owner) == 3
    changed = door.batch([items[0], items[1] | {"text": "Changed"}, items[2]], Idempotency_Key="night-1")
    assert [r["status"] for r in changed.json()["results"]] == ["accepted", "refused", "accepted"]
    assert count(owner) == 3


@pytest.mark.parametrize("size", [0, 101])
def test_a_batch_has_1_to_100_messages(door: Door, message: Any, owner: Owner, size: int) -> None:
    body = problem(door.batch([message] * size), 422, "invalid")
    assert body["errors"][0]["pointer"] == "#/messages"
    assert count(owner) == 0


def test_files_come_along_and_large_ones_go_to_the_blob_store(door: Door, message: Any, owner: Owner) -> None:
    content = bytes(range(256)) * 2000
    files = [
        {
            "filename": "scan.pdf",
            "content_type": "application/pdf",
            "content": base64.b64encode(content).decode(),
        }
    ]
    assert door(message | {"attachments": files}).status_code == 202
    row = owner.execute("SELECT raw, raw_digest, size FROM intake_inbound").fetchone()
    assert row
    assert row[0] is None
    assert row[2] > INLINE
    raw = blobs.read(door.shop.id, row[1])
    assert len(raw) == row[2]
    (part,) = parse(raw).parts
    assert (part.filename, part.content_type, part.content) == ("scan.pdf", "application/pdf", content)


# Who may


@pytest.mark.parametrize(
    ("authorization", "challenge"),
    [
        ("", 'Bearer realm="wasl"'),
        ("Basic d2FzbDp3YXNs", 'Bearer realm="wasl", error="invalid_token"'),
        ("Bearer wasl_short", 'Bearer realm="wasl", error="invalid_token"'),
        ("Bearer wasl_" + "x" * 43, 'Bearer realm="wasl", error="invalid_token"'),
        ("Bearer \xe9\xff", 'Bearer realm="wasl", error="invalid_token"'),
    ],
)
def test_without_a_token_nothing_is_taken(
    door: Door, message: Any, owner: Owner, authorization: str, challenge: str
) -> None:
    answer = door(message, Authorization=authorization)
    problem(answer, 401, "no-token")
    assert answer.headers["www-authenticate"] == challenge
    assert count(owner) == 0


def test_a_revoked_token_is_dead_within_ten_seconds(door: Door, message: Any, monkeypatch: Any) -> None:
    assert door(message).status_code == 202
    with tenant(door.shop.id):
        tokens.revoke(door.shop.actor("admin"), ApiToken.objects.get().id)
    now = access._known._values[tokens.digest(door.secret) or b""][0]
    monkeypatch.setattr("wasl.kit.memory.time.monotonic", lambda: now + 0.001)
    problem(door(message), 401, "no-token")


def test_using_a_token_is_remembered(door: Door, message: Any) -> None:
    door(message)
    with tenant(door.shop.id):
        assert ApiToken.objects.get().used_at is not None


def test_a_token_that_only_reads_may_not_write(door: Door, message: Any, owner: Owner) -> None:
    door.secret = token_of(door.shop, Role.READONLY)
    problem(door(message), 403, "not-allowed")
    assert count(owner) == 0


def test_inboxes_a_token_cannot_post_into_are_not_there(door: Door, message: Any, owner: Owner) -> None:
    other = Shop.create("other", "help@other.example")
    with tenant(door.shop.id):
        off = Inbox.objects.create(
            workspace_id=door.shop.id, channel="api", name="Off", address="off", is_active=False
        )
        closed = Inbox.objects.create(workspace_id=door.shop.id, channel="api", name="Team", address="team")
        team = Team.objects.create(workspace_id=door.shop.id, name="Team")
        InboxTeam.objects.create(workspace_id=door.shop.id, inbox=closed, team=team)
    for wanted in (
        other.forms.id,
        other.id,
        door.shop.mail.id,
        off.id,
        "off",
        "team",
        "nothing",
        "a\0b",
        "é",
    ):
        problem(
            door(message, path=f"/api/v1/inboxes/{wanted}/messages".replace("\0", "%00")), 404, "not-found"
        )
    door.secret = token_of(door.shop, Role.ADMIN)
    assert door(message, path="/api/v1/inboxes/team/messages").status_code == 202
    assert count(owner) == 1


def test_whoever_is_too_fast_is_told_when_to_come_back(door: Door, message: Any, monkeypatch: Any) -> None:
    pace: Pace[UUID | None] = Pace(0.5, 2)
    monkeypatch.setattr(access, "_pace", lambda: pace)
    assert [door(message).status_code for _ in range(2)] == [202, 202]
    refused = door(message)
    problem(refused, 429, "too-many")
    assert refused.headers["retry-after"] == "2"


# Bad input


@pytest.mark.parametrize(
    ("content", "status", "slug"),
    [
        (b"", 400, "not-json"),
        (b"not json", 400, "not-json"),
        (b'{"from": {"address": "a"}, "text": "h', 400, "not-json"),
        (b'\xef\xbb\xbf{"from": {"address": "a"}, "text": "hi"}', 400, "not-json"),
        (b'{"from": {"address": "a"}, "text": "\xff\xfe"}', 400, "not-json"),
        (b'{"from": {"address": "a"}, "text": "\\ud800"}', 400, "not-json"),
        (b'{"from": {"address": "a"}, "text": "\\ud83d\\u0041"}', 400, "not-json"),
        (b'{"from": {"address": "a"}, "text": "hi\x00"}', 400, "not-json"),
        (b'{"from": {"address": "a"}, "text": NaN}', 400, "not-json"),
        (b'{"from": {"address": "a"}, "text": "hi"} {}', 400, "not-json"),
        (b"[" * 100_000, 422, "invalid"),
        (b'{"from":' * 50_000, 422, "invalid"),
        (b"null", 422, "invalid"),
        (b"[]", 422, "invalid"),
        (b'{"from": {"address": "a"}}', 422, "invalid"),
        (b'{"text": "hi"}', 422, "invalid"),
        (b'{"from": "a", "text": "hi"}', 422, "invalid"),
        (b'{"from": {"address": ""}, "text": "hi"}', 422, "invalid"),
        (b'{"from": {"address": "  "}, "text": "hi"}', 422, "invalid"),
        (b'{"from": {"address": "a"}, "text": 7}', 422, "invalid"),
        (b'{"from": {"address": "a"}, "text": " \\n "}', 422, "invalid"),
        (b'{"from": {"address": "a"}, "text": "hi", "to": "b"}', 422, "invalid"),
        (b'{"from": {"address": "a", "age": 4}, "text": "hi"}', 422, "invalid"),
        (b'{"from": {"address": "a"}, "text": "hi", "sent_at": "2026-03-01T09:30:00"}', 422, "invalid"),
        (b'{"from": {"address": "a"}, "text": "hi", "language": "english please"}', 422, "invalid"),
        (b'{"from": {"address": "a"}, "text": "\\u0000"}', 422, "invalid"),
        (b'{"from": {"address": "a\\u0000"}, "text": "hi"}', 422, "invalid"),
        (b'{"from": {"address": "a"}, "text": "x", "attachments": [{"filename": "f"}]}', 422, "invalid"),
    ],
)  # fmt: skip
def test_bad_bodies_are_explained(door: Door, owner: Owner, content: bytes, status: int, slug: str) -> None:
    problem(door(content=content), status, slug)
    assert count(owner) == 0


def test_an_error_says_where_it_is(door: Door, message: Any) -> None:
    files = [{"filename": "a", "content": "aGk="}, {"filename": "b", "content": 5}]
    body = problem(door(message | {"attachments": files}), 422, "invalid")
    assert body["errors"] == [
        {"detail": "This must be Base64 text, not a number.", "pointer": "#/attachments/1/content"}
    ]
    unknown = problem(door(message | {"a/b~c": 1}), 422, "invalid")
    assert unknown["errors"][0]["pointer"] == "#/a~1b~0c"


def test_text_has_a_limit(door: Door, message: Any) -> None:
    assert door(message | {"text": "م" * 100_000}).status_code == 202
    assert "100,000" in problem(door(message | {"text": "a" * 100_001}), 422, "invalid")["detail"]


def test_attachments_have_a_limit(door: Door, message: Any, monkeypatch: Any) -> None:
    monkeypatch.setattr("wasl.channels.api.schemas.MAX_FILE_BYTES", 1000)
    files = [{"filename": "f", "content": base64.b64encode(b"x" * 600).decode()}] * 2
    problem(door(message | {"attachments": files}), 413, "too-large")
    too_many = [{"filename": "f", "content": ""}] * 21
    problem(door(message | {"attachments": too_many}), 422, "invalid")


def test_a_body_over_the_limit_is_refused(door: Door, owner: Owner) -> None:
    body = problem(door(content=b" " * 2_000_001), 413, "too-large")
    assert "2 MB" in body["detail"] or "36 MB" in body["detail"]
    assert count(owner) == 0


@pytest.mark.parametrize(
    "kind", ["", "text/plain", "application/x-www-form-urlencoded", "multipart/form-data; boundary=x"]
)
def test_other_types_are_refused(door: Door, message: Any, kind: str) -> None:
    problem(door(message, Content_Type=kind), 415, "wrong-type")


def test_json_may_name_its_charset_but_not_be_compressed(door: Door, message: Any) -> None:
    assert door(message, Content_Type="application/JSON; charset=utf-8").status_code == 202
    problem(door(message, Content_Encoding="gzip"), 415, "wrong-type")


@pytest.mark.parametrize("key", ["x" * 256, "é", "a\tb"])
def test_keys_have_a_shape(door: Door, message: Any, key: str) -> None:
    body = problem(door(message, Idempotency_Key=key), 422, "invalid")
    assert body["errors"][0]["parameter"] == "Idempotency-Key"


@pytest.mark.parametrize("method", ["GET", "PUT", "DELETE", "PATCH", "OPTIONS"])
def test_other_methods_are_refused(door: Door, method: str) -> None:
    answer = door(method=method)
    problem(answer, 405, "wrong-method")
    assert answer.headers["allow"] == "POST"
