"""One document for everything, and it is true."""

import json
import re
from collections.abc import Iterator
from typing import Any

import msgspec
import pytest
from django.test import Client
from django.urls import URLPattern, URLResolver

from tests.api.client import Caller, Door, problem
from tests.worlds import Shop
from wasl.api.document import document
from wasl.api.urls import urlpatterns
from wasl.channels.api.schemas import Incoming
from wasl.doors.api import routes
from wasl.kit.ids import uuid7


def test_every_address_is_in_the_document() -> None:
    public = {"/api/v1/openapi.json", "/api/v1/docs", "/api/v1/problems/{slug}", "/api/{path}", "/api/v1/"}
    django = {f"/api/{path}" for path in _paths(urlpatterns)}
    native = {route.path for route in routes}
    assert django | native == set(document()["paths"]) | public


def _paths(patterns: list[Any], before: str = "") -> Iterator[str]:
    for pattern in patterns:
        here = before + re.sub(r"\^?\(\?P<(\w+)>.*", r"{\1}", str(pattern.pattern))
        here = re.sub(r"<(?:\w+:)?(\w+)>", r"{\1}", here)
        if isinstance(pattern, URLResolver):
            yield from _paths(pattern.url_patterns, here)
        elif isinstance(pattern, URLPattern):
            yield here


def test_every_reference_leads_somewhere() -> None:
    text = json.dumps(document())
    for reference in set(re.findall(r'"\$ref": "#/([^"]+)"', text)):
        found: Any = document()
        for step in reference.split("/"):
            found = found[step]
        assert found


def test_every_operation_is_described_and_may_be_a_problem() -> None:
    ids = []
    for path, methods in document()["paths"].items():
        for method, operation in methods.items():
            ids.append(operation["operationId"])
            assert operation["summary"]
            assert operation["description"]
            assert operation["tags"]
            assert operation["responses"]["default"] == {"$ref": "#/components/responses/Problem"}
            names = [p["name"] for p in operation.get("parameters", [])]
            assert ("Idempotency-Key" in names) == (method in ("post", "patch")), path
            assert sorted(re.findall(r"{(\w+)}", path)) == sorted(
                p["name"] for p in operation.get("parameters", []) if p["in"] == "path"
            )
    assert len(ids) == len(set(ids))


def test_nothing_is_answered_without_a_token(door: Door) -> None:
    """Apart from the document itself and the explanations of problems."""
    nobody, id_ = Caller(""), str(uuid7())
    for path, methods in document()["paths"].items():
        address = re.sub(r"{\w+}", id_, path)
        for method in methods:
            if path in {route.path for route in routes}:
                problem(door({}, path=address, method=method.upper(), Authorization=""), 401, "no-token")
            else:
                answer = nobody(method.upper(), address.removeprefix("/api/v1"), {}, Authorization="")
                problem(answer, 401, "no-token")


def test_the_door_checks_what_the_document_says() -> None:
    schema = document()["components"]["schemas"]["Incoming"]
    assert schema["additionalProperties"] is False
    assert set(schema["properties"]) == {
        "from", "text", "id", "subject", "html", "thread", "sent_at", "language", "attachments",
    }  # fmt: skip
    assert schema["required"] == ["from", "text"]
    assert schema["properties"]["text"]["maxLength"] == 100_000
    example = {
        "from": {"address": schema_example("Sender", "address")},
        "text": schema["properties"]["text"]["examples"][0],
    }
    msgspec.convert(example, Incoming)


def schema_example(name: str, field: str) -> Any:
    return document()["components"]["schemas"][name]["properties"][field]["examples"][0]


def test_programs_and_people_can_read_it_without_a_token(shop: Shop) -> None:
    client = Client()
    answer = client.get("/api/v1/openapi.json")
    assert answer.status_code == 200
    found = answer.json()
    assert found["openapi"].startswith("3.1.")
    assert found == json.loads(json.dumps(document()))
    assert client.post("/api/v1/docs").status_code == 405


@pytest.fixture
def page(db: None) -> Any:
    return Client().get("/api/v1/docs")


def test_the_page_needs_nothing_from_elsewhere(page: Any) -> None:
    text = page.content.decode()
    assert page.status_code == 200
    assert "default-src 'none'" in page.headers["Content-Security-Policy"]
    assert not re.search(r"<script|style=|\son\w+=", text)
    assert not re.findall(r'(?:src|href)="(?:https?:)?//', text)
    for address in set(re.findall(r'<link[^>]+href="([^"]+)"', text)):
        style = Client().get(address)
        style.close()
        assert style.status_code == 200, address


def test_the_page_names_everything_and_its_links_lead_there(page: Any) -> None:
    text = page.content.decode()
    assert "<code>Idempotency-Key</code>" in text
    assert "&lt;code" not in text
    assert "`" not in re.sub(r"<pre.*?</pre>", "", text, flags=re.DOTALL)
    anchors = set(re.findall(r'id="([^"]+)"', text))
    assert set(re.findall(r'href="#([^"]+)"', text)) <= anchors
    for path, methods in document()["paths"].items():
        assert f"<code>{path}</code>" in text
        assert {operation["operationId"] for operation in methods.values()} <= anchors


def test_answers_are_what_the_document_says(shop: Shop, call: Caller) -> None:
    """Fields of a real answer are those of its structure, no more and no fewer."""
    schemas = document()["components"]["schemas"]
    from tests.inbound import mail, take

    take(shop, mail("Bonjour"))
    (conversation,) = call.get("/conversations")["items"]
    assert set(conversation) == set(schemas["Conversation"]["properties"])
    (message,) = call.get(f"/conversations/{conversation['id']}/messages")["items"]
    assert set(message) == set(schemas["Message"]["properties"])
    assert set(call.get(f"/customers/{message['customer_id']}")) == set(
        schemas["CustomerInFull"]["properties"]
    )
