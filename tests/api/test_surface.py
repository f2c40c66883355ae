"""The Django part: reading, changing, answering."""

import base64
from datetime import timedelta
from typing import Any
from uuid import UUID

import msgspec
import psycopg
import pytest

from tests.api.client import Caller, Door, problem, token_of
from tests.inbound import mail, receive, take, work
from tests.worlds import Shop
from wasl.accounts.models import Role, Team
from wasl.channels.models import Inbox, InboxTeam
from wasl.conversations.notes import note as write_note
from wasl.customers.actions import merge
from wasl.kit.clock import now
from wasl.kit.db import pool, tenant
from wasl.timeline import follow, log, note
from wasl.webhooks import actions as webhooks

Owner = psycopg.Connection[Any]


@pytest.fixture
def thread(shop: Shop) -> str:
    """A conversation with Camille; its id."""
    take(shop, mail("Bonjour, où est ma commande ?", subject="Commande 12"))
    return only(shop)


def only(shop: Shop) -> str:
    from wasl.conversations.models import Conversation

    with tenant(shop.id):
        return str(Conversation.objects.get().id)


def form(address: str = "c-1", **fields: Any) -> bytes:
    return msgspec.json.encode({"from": {"address": address, "name": "Amal"}, "text": "Hello"} | fields)


# Reading


def test_a_message_goes_from_accepted_to_received(door: Door, message: Any, call: Caller) -> None:
    accepted = door(message | {"subject": "Parcel", "language": "en"})
    place = accepted.headers["location"].removeprefix("/api/v1")
    waiting = call.get(place)
    assert (waiting["id"], waiting["status"], waiting["channel"]) == (
        accepted.json()["id"],
        "accepted",
        "api",
    )
    work()
    found = call.get(place)
    assert found["status"] == "received"
    assert (found["text"], found["subject"], found["way"]) == (message["text"], "Parcel", "in")
    conversation = call.get(f"/conversations/{found['conversation_id']}")
    assert conversation["customer"]["name"] == "Amal"
    assert (conversation["status"], conversation["messages"]) == ("open", 1)
    customer = call.get(f"/customers/{conversation['customer']['id']}")
    assert [(i["channel"], i["address"]) for i in customer["identities"]] == [("api", "customer-1042")]


def test_what_cannot_be_understood_says_so(shop: Shop, call: Caller, owner: Owner) -> None:
    (broken,) = receive(shop, b'{"from": 1}', inbox=shop.forms)
    work()
    found = call.get(f"/messages/{broken}")
    assert (found["status"], found["reason"]) == ("quarantined", "broken")
    owner.execute("UPDATE intake_quarantine SET outcome = 'discarded', settled_at = now()")
    assert call.get(f"/messages/{broken}")["status"] == "discarded"


def test_messages_of_a_thread_share_a_conversation(shop: Shop, call: Caller) -> None:
    take(shop, form(thread="A"), form(thread="B"), form(thread="A"), inbox=shop.forms)
    take(shop, form(thread="A"), form("c-2", thread="A"), inbox=shop.forms)
    found = call.get("/conversations")["items"]
    assert sorted((c["messages"], c["customer"]["name"]) for c in found) == [
        (1, "Amal"),
        (1, "Amal"),
        (3, "Amal"),
    ]


def test_a_thread_ends_at_its_inbox(shop: Shop, call: Caller) -> None:
    with tenant(shop.id):
        other = Inbox.objects.create(workspace_id=shop.id, channel="api", name="App", address="app")
    take(shop, form(thread="A"), inbox=shop.forms)
    take(shop, form(thread="A"), inbox=other)
    found = call.get("/conversations")["items"]
    assert {c["inbox_id"] for c in found} == {str(shop.forms.id), str(other.id)}
    assert {c["messages"] for c in found} == {1}


def test_conversations_are_filtered(shop: Shop, call: Caller, thread: str) -> None:
    take(shop, form(), inbox=shop.forms)
    agent = shop.agents["agent"].id
    both = call.get("/conversations")["items"]
    (other,) = [c["id"] for c in both if c["id"] != thread]
    assert call("PATCH", f"/conversations/{other}", {"assignee_id": str(agent)}).status_code == 200
    assert call("PATCH", f"/conversations/{thread}", {"status": "resolved"}).status_code == 200

    def ids(query: str) -> list[str]:
        return [c["id"] for c in call.get(f"/conversations?{query}")["items"]]

    assert ids("status=open") == [other]
    assert ids("status=resolved") == [thread]
    assert ids("assignee=none") == [thread]
    assert ids(f"assignee={agent}") == [other]
    assert ids(f"inbox={shop.mail.id}") == [thread]
    assert ids(f"customer={both[0]['customer']['id']}") == [both[0]["id"]]
    assert ids(f"inbox={shop.mail.id}&status=open") == []


def test_lists_come_in_pages(shop: Shop, call: Caller) -> None:
    start = now()
    for n in range(7):
        sender = {"address": f"c-{n}", "name": f"N{n % 2}"}
        take(shop, form(**{"from": sender}), inbox=shop.forms, at=start + timedelta(seconds=n // 2))
    for path in ("/conversations", "/customers"):
        seen, address = [], f"{path}?limit=3"
        while address:
            answer = call("GET", address)
            page = answer.json()
            seen += [item["id"] for item in page["items"]]
            link = answer.headers.get("Link")
            assert link == (f'<{page["next"]}>; rel="next"' if page["next"] else None)
            address = (page["next"] or "").removeprefix("/api/v1")
        whole = [item["id"] for item in call.get(path)["items"]]
        assert len(seen) == 7
        assert seen == whole


def test_a_conversation_is_read_newest_first(shop: Shop, call: Caller) -> None:
    take(shop, *(form(thread="T", text=f"Line {n}") for n in range(5)), inbox=shop.forms)
    conversation = only(shop)
    first = call.get(f"/conversations/{conversation}/messages?limit=3")
    rest = call.get(first["next"].removeprefix("/api/v1"))
    texts = [m["text"] for m in (*first["items"], *rest["items"])]
    assert sorted(texts) == [f"Line {n}" for n in range(5)]
    assert rest["next"] is None


def test_notes_are_told_only_to_who_asks_for_them(shop: Shop, call: Caller, thread: str) -> None:
    with tenant(shop.id):
        write_note(shop.actor("agent"), UUID(thread), "Between us.")
    path = f"/conversations/{thread}/messages"
    assert [m["way"] for m in call.get(path)["items"]] == ["in"]
    assert [m["way"] for m in call.get(f"{path}?notes=true")["items"]] == ["note", "in"]


def test_customers_are_found_by_name_or_address(shop: Shop, call: Caller, thread: str) -> None:
    take(shop, form(), inbox=shop.forms)
    assert [c["name"] for c in call.get("/customers")["items"]] == ["Amal", "Camille Moreau"]
    assert [c["name"] for c in call.get("/customers?search=atelier")["items"]] == ["Camille Moreau"]
    assert call.get("/customers?search=%25")["items"] == []


def test_a_merged_customer_is_the_one_it_is_now(shop: Shop, call: Caller, thread: str) -> None:
    take(shop, form(), inbox=shop.forms)
    amal, camille = call.get("/customers")["items"]
    with tenant(shop.id):
        merge(shop.actor("agent"), UUID(camille["id"]), UUID(amal["id"]))
    (left,) = call.get("/customers")["items"]
    assert left["id"] == camille["id"]
    full = call.get(f"/customers/{amal['id']}")
    assert (full["id"], full["merged"]) == (camille["id"], [amal["id"]])
    assert {i["channel"] for i in full["identities"]} == {"email", "api"}
    assert len(call.get(f"/conversations?customer={amal['id']}")["items"]) == 2


def test_a_timeline_is_read_and_proved(shop: Shop, call: Caller, thread: str) -> None:
    customer = call.get(f"/conversations/{thread}")["customer"]["id"]
    found = call.get(f"/customers/{customer}/timeline")["items"]
    received = next(t for t in found if t["kind"] == "message.received")
    assert received["conversation_id"] == thread
    assert received["detail"]["subject"] == "Commande 12"
    problem(call("GET", f"/touchpoints/{received['id']}/proof"), 404, "not-found")
    problem(call("GET", "/log/checkpoint"), 404, "not-found")
    grow()
    key = call.get("/log/checkpoint")["verifier_key"]
    proof = call.get(f"/touchpoints/{received['id']}/proof")
    stated = note.read(proof["checkpoint"], key)
    path = [base64.b64decode(step) for step in proof["path"]]
    assert stated.includes(base64.b64decode(proof["leaf"]), proof["index"], path)
    assert not stated.includes(bytes(32), proof["index"], path)


def grow() -> None:
    """Let the log follow to the end, and sign."""
    with pool("queue", "test", 8).connection() as conn:
        conn.commit()
        conn.autocommit = True
        while follow.run_once(conn, log.LOG):
            pass
        log.sign_due(conn)
        conn.autocommit = False


def test_inboxes_and_agents_are_listed(shop: Shop, call: Caller) -> None:
    inboxes = call.get("/inboxes")
    assert [(i["name"], i["channel"], i["address"]) for i in inboxes] == [
        ("Forms", "api", "forms"),
        ("Support", "email", "support@dar-zaytun.example"),
    ]
    assert {a["name"] for a in call.get("/agents")} == {agent.name for agent in shop.agents.values()}


def test_files_are_downloaded_and_never_shown(shop: Shop, call: Caller) -> None:
    content = base64.b64encode(b"<script>alert(1)</script>").decode()
    name = 'a"\r\nb;é.html'
    files = [{"filename": name, "content_type": "text/html", "content": content}]
    (message,) = take(shop, form(attachments=files), inbox=shop.forms)
    (file,) = call.get(f"/messages/{message}")["attachments"]
    assert (file["content_type"], file["size"]) == ("text/html", 25)
    answer = call("GET", file["url"].removeprefix("/api/v1"))
    assert b"".join(answer.streaming_content) == b"<script>alert(1)</script>"
    assert answer.headers["Content-Disposition"].startswith("attachment; filename*=UTF-8''a%22")
    assert "sandbox" in answer.headers["Content-Security-Policy"]
    assert answer.headers["X-Content-Type-Options"] == "nosniff"


# Changing


def test_a_conversation_is_assigned_resolved_and_reopened(shop: Shop, call: Caller, thread: str) -> None:
    agent = shop.agents["agent"]
    path = f"/conversations/{thread}"
    changed = call("PATCH", path, {"assignee_id": str(agent.id), "status": "resolved"}).json()
    assert (changed["status"], changed["assignee"]) == ("resolved", {"id": str(agent.id), "name": agent.name})
    assert call("PATCH", path, {"status": "open"}).json()["assignee"]["id"] == str(agent.id)
    assert call("PATCH", path, {"assignee_id": None}).json()["assignee"] is None
    assert call("PATCH", path, {}).json()["status"] == "open"
    customer = call.get(path)["customer"]["id"]
    kinds = [t["kind"] for t in call.get(f"/customers/{customer}/timeline")["items"]]
    assert kinds.count("conversation.assigned") == 2
    assert kinds.count("conversation.resolved") == kinds.count("conversation.reopened") == 1


def test_a_change_is_made_whole_or_not_at_all(shop: Shop, call: Caller, thread: str) -> None:
    other = Shop.create("other", "help@other.example")
    stranger = str(other.agents["agent"].id)
    body = problem(
        call("PATCH", f"/conversations/{thread}", {"status": "resolved", "assignee_id": stranger}),
        422,
        "invalid",
    )
    assert body["errors"][0]["pointer"] == "#/assignee_id"
    assert call.get(f"/conversations/{thread}")["status"] == "open"


def test_an_answer_is_on_its_way(shop: Shop, call: Caller, thread: str, owner: Owner) -> None:
    content = base64.b64encode(b"x" * 99).decode()
    files = [{"filename": "guide.pdf", "content_type": "application/pdf", "content": content}]
    answer = call("POST", f"/conversations/{thread}/messages", {"text": "Demain !", "attachments": files})
    assert answer.status_code == 201
    sent = answer.json()
    assert answer.headers["Location"] == f"/api/v1/messages/{sent['id']}"
    assert (sent["way"], sent["status"], sent["text"]) == ("out", "queued", "Demain !")
    assert sent["delivery"]["address"] == "camille@atelier.example"
    assert [(f["filename"], f["size"]) for f in sent["attachments"]] == [("guide.pdf", 99)]
    delivery = call.get(f"/messages/{sent['id']}/delivery")
    assert (delivery["state"], delivery["calls"], delivery["receipts"]) == ("queued", [], [])
    again = call("POST", f"/messages/{sent['id']}/retry")
    assert again.status_code == 200
    row = owner.execute("SELECT count(*) FROM delivery_delivery").fetchone()
    assert row == (1,)


def test_answers_of_an_api_inbox_wait_to_be_fetched(shop: Shop, call: Caller) -> None:
    take(shop, form(), inbox=shop.forms)
    sent = call.post(f"/conversations/{only(shop)}/messages", {"text": "Tomorrow"})
    assert (sent["status"], sent["delivery"]) == ("ready", None)
    problem(call("GET", f"/messages/{sent['id']}/delivery"), 404, "not-found")


@pytest.mark.parametrize(
    ("body", "pointer"),
    [
        ({"text": 5}, "#/text"),
        ({"text": "a" * 100_001}, "#/text"),
        ({"text": "hi", "cc": "x"}, "#/cc"),
        ({"text": "hi", "attachments": {}}, "#/attachments"),
        ({"text": "hi", "attachments": [{"filename": "", "content": ""}]}, "#/attachments/0/filename"),
        ({"text": "hi", "attachments": [{"filename": "a", "content": "*"}]}, "#/attachments/0/content"),
        ({"text": "hi", "attachments": [{"filename": "a", "content": 1}]}, "#/attachments/0/content"),
        ({"text": "hi", "attachments": [{"content": ""}]}, "#/attachments/0/filename"),
        ({"text": "hi\0"}, "#/text"),
        (["text"], "#"),
        (None, "#"),
    ],
)
def test_wrong_answers_are_explained(call: Caller, thread: str, body: Any, pointer: str) -> None:
    found = problem(call("POST", f"/conversations/{thread}/messages", body), 422, "invalid")
    assert found["errors"][0]["pointer"] == pointer


def test_an_empty_answer_is_refused(call: Caller, thread: str) -> None:
    problem(call("POST", f"/conversations/{thread}/messages", {"text": "  "}), 422, "invalid")
    problem(call("POST", f"/conversations/{thread}/messages", {}), 422, "invalid")


def test_an_answer_with_large_files_comes_through(call: Caller, thread: str, monkeypatch: Any) -> None:
    content = base64.b64encode(bytes(3_000_000)).decode()
    body = {"text": "hi", "attachments": [{"filename": "a.bin", "content": content}]}
    sent = call.post(f"/conversations/{thread}/messages", body)
    assert sent["attachments"][0]["size"] == 3_000_000
    monkeypatch.setattr("wasl.api.views.conversations.MAX_FILE_BYTES", 2_000_000)
    problem(call("POST", f"/conversations/{thread}/messages", body), 413, "too-large")


# Who may see what


def test_a_token_that_only_reads_changes_nothing(shop: Shop, call: Caller, thread: str) -> None:
    reader = Caller(token_of(shop, Role.READONLY))
    assert reader.get(f"/conversations/{thread}")["id"] == thread
    for method, path, body in (
        ("PATCH", f"/conversations/{thread}", {"status": "resolved"}),
        ("POST", f"/conversations/{thread}/messages", {"text": "hi"}),
        ("POST", f"/messages/{thread}/retry", None),
    ):
        problem(reader(method, path, body), 403, "not-allowed")
    assert call.get(f"/conversations/{thread}")["messages"] == 1


def test_closed_inboxes_are_not_there(shop: Shop, call: Caller, thread: str) -> None:
    message = call.get(f"/conversations/{thread}/messages")["items"][0]["id"]
    customer = call.get(f"/conversations/{thread}")["customer"]["id"]
    touchpoint = next(
        t["id"]
        for t in call.get(f"/customers/{customer}/timeline")["items"]
        if t["conversation_id"] == thread
    )
    (waiting,) = receive(shop, mail("Encore"))
    with tenant(shop.id):
        team = Team.objects.create(workspace_id=shop.id, name="Closed")
        InboxTeam.objects.create(workspace_id=shop.id, inbox=shop.mail, team=team)
    closed = Caller(token_of(shop))
    assert closed.get("/conversations")["items"] == []
    assert [i["name"] for i in closed.get("/inboxes")] == ["Forms"]
    assert closed.get(f"/conversations?inbox={shop.mail.id}")["items"] == []
    for path in (
        f"/conversations/{thread}",
        f"/conversations/{thread}/messages",
        f"/messages/{message}",
        f"/messages/{message}/delivery",
        f"/messages/{waiting}",
        f"/touchpoints/{touchpoint}/proof",
    ):
        problem(closed("GET", path), 404, "not-found")
    timeline = closed.get(f"/customers/{customer}/timeline")["items"]
    assert not [t for t in timeline if t["conversation_id"] == thread]
    problem(closed("PATCH", f"/conversations/{thread}", {"status": "resolved"}), 404, "not-found")
    problem(closed("POST", f"/conversations/{thread}/messages", {"text": "x"}), 404, "not-found")
    assert Caller(token_of(shop, Role.ADMIN)).get(f"/conversations/{thread}")["id"] == thread


_BODIES: dict[Any, Any] = {
    "post": {"text": "x"},
    "patch": {"status": "open"},
    ("{webhook_id}", "patch"): {"description": "x"},
    ("replay", "post"): {},
    ("secret", "post"): None,
    ("test", "post"): None,
}


def test_another_workspace_is_not_there(shop: Shop, call: Caller, thread: str) -> None:
    """Every address with an id: what belongs to others is answered like what does not exist."""
    files = [{"filename": "a", "content": "aGk="}]
    (message,) = take(shop, form(attachments=files), inbox=shop.forms)
    seen = call.get(f"/messages/{message}")
    touchpoint = call.get(f"/customers/{seen['customer_id']}/timeline")["items"][0]["id"]
    with tenant(shop.id):
        hook, _ = webhooks.create(
            shop.actor("owner"), "https://receiver.example/hook", "", ["message.created"]
        )
        told = webhooks.test(shop.actor("owner"), hook.id)
    other = Shop.create("other", "help@other.example")
    stranger = Caller(token_of(other, Role.OWNER))
    mine = {
        "webhook_id": str(hook.id),
        "delivery_id": str(told.id),
        "conversation_id": seen["conversation_id"],
        "message_id": str(message),
        "customer_id": seen["customer_id"],
        "attachment_id": seen["attachments"][0]["id"],
        "touchpoint_id": touchpoint,
        "number": "DZ-20377",
    }
    from wasl.api.document import document

    asked = 0
    for path, methods in document()["paths"].items():
        for method in methods:
            if "{inbox}" in path or "{" not in path or method == "put":  # a PUT makes one's own
                continue
            address = path.removeprefix("/api/v1").format(**mine)
            body = _BODIES.get((path.rsplit("/", 1)[-1], method), _BODIES.get(method))
            problem(stranger(method.upper(), address, body), 404, "not-found")
            asked += 1
    assert asked >= 11
    for path in ("/conversations", "/customers"):
        assert stranger.get(path)["items"] == []
    assert stranger.get(f"/conversations?inbox={shop.mail.id}")["items"] == []
    assert stranger.get(f"/conversations?customer={seen['customer_id']}")["items"] == []
