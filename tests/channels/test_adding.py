"""The page on adding a channel holds: its pigeon comes and goes as the page says."""

import hmac
import json
import re
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from wasl.channels import provider
from wasl.channels.base import ParsedMessage, PermanentFailure, TemporaryFailure, Unparseable, Unreached
from wasl.channels.port import Nothing, OutboundChat, Report, Request, Settings
from wasl.channels.provider import Said

PAGE = Path(__file__).parents[2] / "docs" / "channels" / "adding.md"
INBOX = Settings("7", {"base_url": "https://loft.example"}, {"token": "t", "hook_secret": "s"})
EVENTS = [
    {
        "id": "1",
        "type": "message",
        "ring": "FR-24-1",
        "name": "Amira",
        "text": "Coo",
        "at": "2026-02-16T08:00:00Z",
    },
    {"id": "2", "type": "receipt", "message": "m1", "at": "2026-02-16T08:01:00Z"},
    {"id": "3", "type": "moult", "at": "2026-02-16T08:02:00Z"},
]


@pytest.fixture(scope="module")
def pigeon() -> Any:
    found = re.search(r"```python\n(.*?)```", PAGE.read_text(), re.DOTALL)
    assert found
    made: dict[str, Any] = {"__name__": "pigeon"}
    exec(compile(found[1], str(PAGE), "exec"), made)
    return SimpleNamespace(**made)


def test_what_the_loft_posts_is_signed_split_and_understood(pigeon: Any) -> None:
    body = json.dumps({"events": EVENTS}).encode()
    signature = hmac.digest(b"s", body, "sha256").hex()
    request = Request(
        "POST", "https://wasl.example/hooks/pigeon/1", {}, {"x-loft-signature": signature}, body
    )
    hook = pigeon.CHANNEL.hook
    assert hook.genuine(request, INBOX)
    assert not hook.genuine(Request("POST", "", {}, {}, body), INBOX)
    slips = hook.split(request)
    assert [slip.key for slip in slips] == ["message:1", "receipt:2", "moult:3"]
    message, receipt, nothing = (pigeon.CHANNEL.parse(slip.content) for slip in slips)
    assert isinstance(message, ParsedMessage)
    assert (message.sender.address, message.text, message.message_id) == ("FR-24-1", "Coo", "1")
    assert isinstance(receipt, Report)
    assert (receipt.kind, receipt.ref) == ("delivered", "m1")
    assert isinstance(nothing, Nothing)
    with pytest.raises(Unparseable):
        pigeon.CHANNEL.parse(b"{}")


@pytest.mark.parametrize(
    ("status", "raised"),
    [
        (201, None),
        (429, TemporaryFailure),
        (401, Unreached),
        (404, PermanentFailure),
        (400, PermanentFailure),
    ],
)
def test_what_the_loft_answers_is_what_becomes_of_a_message(
    pigeon: Any, monkeypatch: pytest.MonkeyPatch, status: int, raised: type[Exception] | None
) -> None:
    monkeypatch.setattr(provider, "ask", lambda *_, **__: Said(status, {"id": "m1"}, {}))
    line = pigeon.CHANNEL.line(INBOX)
    if raised is None:
        assert line.send(OutboundChat(delivery="d", to="FR-24-1", text="Hello")).provider_ref == "m1"
        assert [step.fine for step in pigeon.CHANNEL.probe(INBOX)] == [True, False], "200 is what it wants"
        return
    with pytest.raises(raised):
        line.send(OutboundChat(delivery="d", to="FR-24-1", text="Hello"))
