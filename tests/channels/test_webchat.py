"""Web chat as a channel: what the door stored is read, the settings are tried, an answer leaves."""

import json

import pytest

from wasl.channels.base import ParsedMessage, Unparseable
from wasl.channels.port import OutboundChat, Report, Settings
from wasl.channels.registry import channels
from wasl.channels.webchat.channel import Line, colour, origins, probe
from wasl.channels.webchat.parse import parse
from wasl.channels.webchat.slips import slip

AT = "2026-11-22T12:00:00+00:00"
COMMON = {"visitor": "v1", "number": "0815", "id": "m1", "at": AT, "name": "Visitor 1", "language": "it"}


def said(about: dict[str, object], file: bytes = b"") -> ParsedMessage:
    found = parse(slip("k", COMMON | about, file).content)
    assert isinstance(found, ParsedMessage)
    return found


def test_a_message() -> None:
    page = {"url": "https://www.example.com/", "title": "Lamps"}
    found = said({"kind": "message", "text": "Ciao", "page": page, "aliases": ["v0"]})
    assert (found.text, found.sender.address, found.sender.name) == ("Ciao", "v1", "Visitor 1")
    assert (found.message_id, found.language, found.aliases) == ("v1:m1", "it", ("v0",))
    assert found.content == {"page": page}
    assert found.shown == "0815"
    assert found.verified == ()


def test_a_file_comes_through_byte_by_byte() -> None:
    content = bytes(range(256)) + b"\n{}\n"
    found = said({"kind": "message", "text": "", "file": {"name": "a.bin", "type": "x/y"}}, content)
    assert [(part.filename, part.content) for part in found.parts] == [("a.bin", content)]


def test_a_choice_answers_what_it_was_offered_in() -> None:
    choice = {"key": "buy", "title": "Compra"}
    found = said({"kind": "message", "text": "Compra", "choice": choice, "answers": "d1"})
    assert (found.kind, dict(found.content), found.in_reply_to) == ("choice", choice, ("d1",))


def test_who_is_signed_in_brings_their_address() -> None:
    found = said({"kind": "message", "text": "x", "verified": {"account": "7", "email": "Sara@Home.example"}})
    assert found.verified == (("email", "sara@home.example"),)
    assert found.content == {"account": "7"}
    assert found.shown == "7"
    assert said({"kind": "message", "text": "x", "verified": {"account": "7", "email": ""}}).verified == ()


def test_an_address_that_is_left_proves_nothing() -> None:
    found = said({"kind": "address", "email": "sara@home.example"})
    assert (found.kind, found.text, found.verified) == ("address", "sara@home.example", ())


def test_receipts_name_the_delivery() -> None:
    found = parse(slip("k", {"kind": "read", "delivery": "d1", "at": AT}).content)
    assert isinstance(found, Report)
    assert (found.kind, found.delivery) == ("read", "d1")


@pytest.mark.parametrize(
    "raw", [b"", b"{}", b"{}\n", b"[1]\n", b"nonsense\n", b'{"kind":"read"}\n', b"\xff\n"]
)
def test_what_is_none_of_ours_goes_to_quarantine(raw: bytes) -> None:
    with pytest.raises(Unparseable):
        parse(raw)


def test_websites_are_read_as_browsers_name_them() -> None:
    inbox = Settings(
        "https://WWW.example.com/", {"origins": "http://localhost:80,https://a.example:8443 x ftp://b"}
    )
    assert origins(inbox) == {"https://www.example.com", "http://localhost", "https://a.example:8443"}
    assert [step.fine for step in probe(inbox)] == [False, True]
    fine = Settings("https://www.example.com", {"colour": "#0B6075"})
    assert colour(fine) == "#0b6075"
    assert all(step.fine for step in probe(fine))
    assert not all(step.fine for step in probe(Settings("www.example.com", {"colour": "blue"})))


def test_an_answer_is_there_at_once() -> None:
    inbox = Settings("https://www.example.com", {})
    assert Line(inbox).send(OutboundChat(delivery="d1", to="v1", text="Hi")).provider_ref == "d1"
    assert json.dumps(channels()["webchat"].snippet).count("{inbox}") == 1
