"""Which of an account's templates can be sent from Wasl."""

from typing import Any

import pytest

from tests.channels.standin import InTurn
from tests.channels.test_whatsapp_line import graph, settings, wrong
from wasl.channels.base import Unreached
from wasl.channels.port import Settings
from wasl.channels.whatsapp.approved import approved

__all__ = ["graph"]


def row(name: str, *components: dict[str, Any], status: str = "APPROVED") -> dict[str, Any]:
    return {"name": name, "language": "it", "status": status, "components": list(components)}


BODY = {"type": "BODY", "text": "Ciao {{1}}, il pacco {{2}} è arrivato."}


def with_account(graph: InTurn) -> Settings:
    known = settings(graph)
    return Settings(known.address, {**known.config, "account": "55"}, known.secrets, private=True)


def test_words_with_places_are_taken_and_nothing_that_wants_more(graph: InTurn) -> None:
    video = {"type": "HEADER", "format": "VIDEO"}
    link = {"type": "BUTTONS", "buttons": [{"type": "URL", "url": "https://x.example/{{1}}"}]}
    named = {"type": "BODY", "text": "Ciao {{name}}"}
    said = {
        "data": [
            row("arrived", BODY, {"type": "FOOTER", "text": "Bottega"}), row("film", BODY, video),
            row("link", BODY, link), row("named", named), row("rejected", BODY, status="REJECTED"), "nonsense",
        ]
    }  # fmt: skip
    graph.answers = {"message_templates": [(200, said, {})]}
    assert approved(with_account(graph)) == [{"name": "arrived", "language": "it", "text": BODY["text"]}]


def test_every_page_is_read(graph: InTurn) -> None:
    more = {"cursors": {"after": "abc"}, "next": "https://graph.facebook.com/next"}
    graph.answers = {
        "message_templates": [
            (200, {"data": [row("one", BODY)], "paging": more}, {}),
            (200, {"data": [row("two", BODY)], "paging": {"cursors": {"after": "def"}}}, {}),
        ]
    }
    assert [each["name"] for each in approved(with_account(graph))] == ["one", "two"]
    assert "after=abc" in graph.asked[1].query


def test_a_token_that_may_not_is_said(graph: InTurn) -> None:
    graph.answers = {"message_templates": [wrong(401, 190)]}
    with pytest.raises(Unreached):
        approved(with_account(graph))


def test_without_an_account_nobody_is_asked(graph: InTurn) -> None:
    with pytest.raises(Unreached):
        approved(settings(graph))
    assert graph.asked == []
