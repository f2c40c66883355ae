"""Whatever is sent to the door, it is stored or refused with reasons; the door never breaks."""

import json
from typing import Any

import psycopg
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.api.client import Door
from wasl.channels.api.parse import parse

FUZZ = settings(
    max_examples=150,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
NAMES = ["from", "text", "id", "subject", "html", "thread", "sent_at", "language", "attachments", "address", "name",
         "filename", "content", "content_type", "messages"]  # fmt: skip
TEXT = st.text(max_size=20) | st.sampled_from(
    ["", " ", "\0", "\ud800", "a\r\nb", "2026-03-01T09:30:00Z", "aGk=", "fr"]
)
SCALAR = st.none() | st.booleans() | st.integers() | st.floats() | TEXT
JUNK = st.recursive(
    SCALAR,
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(NAMES) | TEXT, inner, max_size=5)
    ),
    max_leaves=12,
)
SENDER = st.fixed_dictionaries({"address": TEXT}, optional={"name": TEXT | SCALAR})
FILE = st.fixed_dictionaries({"filename": TEXT, "content": TEXT}, optional={"content_type": TEXT})
NEARLY = st.fixed_dictionaries(
    {"from": SENDER | JUNK, "text": TEXT | JUNK},
    optional=dict.fromkeys(("id", "subject", "html", "thread", "sent_at", "language"), TEXT | JUNK)
    | {"attachments": st.lists(FILE, max_size=2) | JUNK},
)
HEADER = st.text(st.characters(min_codepoint=32, max_codepoint=255), max_size=30)


def is_problem(answer: Any) -> bool:
    body = answer.json()
    return (
        answer.headers["content-type"] == "application/problem+json"
        and body["status"] == answer.status_code
        and bool(body["detail"])
        and "Traceback" not in answer.text
    )


@FUZZ
@given(content=st.binary(max_size=300), batch=st.booleans())
def test_any_bytes(door: Door, content: bytes, batch: bool) -> None:
    answer = door(content=content, path=f"/api/v1/inboxes/forms/messages{'/batch' if batch else ''}")
    assert answer.status_code in (400, 422)
    assert is_problem(answer)


@FUZZ
@given(value=NEARLY | JUNK, batch=st.booleans(), key=st.none() | HEADER)
def test_any_json(
    door: Door, owner: psycopg.Connection[Any], value: Any, batch: bool, key: str | None
) -> None:
    owner.execute("TRUNCATE intake_inbound, intake_inboundqueue CASCADE")
    content = json.dumps({"messages": [value, value]} if batch else value).encode()
    path = f"/api/v1/inboxes/forms/messages{'/batch' if batch else ''}"
    answer = door(content=content, path=path, **({"Idempotency_Key": key} if key else {}))
    if batch and answer.status_code in (202, 207):
        results = answer.json()["results"]
        assert len(results) == 2
        assert (answer.status_code == 207) == any(r["status"] == "refused" for r in results)
    elif answer.status_code != 202:
        assert answer.status_code in (400, 413, 422)
        assert is_problem(answer)
    for (raw,) in owner.execute("SELECT raw FROM intake_inbound").fetchall():
        message = parse(bytes(raw))
        assert "\0" not in message.text + message.subject + message.sender.address


@FUZZ
@given(name=HEADER, authorization=HEADER, kind=HEADER, inbox=st.text(max_size=20))
def test_any_headers(door: Door, message: Any, name: str, authorization: str, kind: str, inbox: str) -> None:
    from urllib.parse import quote

    answer = door(message, Content_Type=kind, Content_Encoding=name)
    assert answer.status_code in (202, 415)
    answer = door(message, Authorization=authorization)
    assert answer.status_code in (202, 401)
    path = f"/api/v1/inboxes/{quote(inbox.encode('utf-8', 'replace'), safe='')}/messages"
    assert door(message, path=path).status_code == 404
