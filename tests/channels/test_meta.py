"""Messenger's, Instagram's and public comments' wire format: what a webhook brings and what each thing says."""

import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from wasl.channels.base import Address, ParsedMessage, Unparseable
from wasl.channels.meta.hook import Hook
from wasl.channels.meta.read import own_delivery, reader
from wasl.channels.meta.signed import sign
from wasl.channels.port import Change, Nothing, Parsed, Report, Request, Settings
from wasl.channels.registry import channels

SAMPLES = Path(__file__).parent / "samples"
OBJECTS = {"page": "messenger", "instagram": "instagram"}
# What each sample comes to, written down by reading it: kind, and words, code or reason.
EXPECTED: dict[str, dict[str, list[tuple[str, str]]]] = {
    "messenger/messages": {
        "text": [("", "Bonjour, où est ma commande ?")],
        "answer_to_a_message": [("", "Oui, celle-là")],
        "pictures": [("image", "")],
        "document": [("document", "")],
        "voice": [("audio", "")],
        "sticker": [("sticker", "")],
        "location": [("location", "Port de Tunis")],
        "link": [("share", "https://shop.example/lamp\nLampe")],
        "quick_reply": [("choice", "Livraison")],
        "postback": [("choice", "Démarrer")],
        "advertisement": [("", "Encore disponible ?")],
        "guest": [("", "Salut")],
        "unsupported": [("unsupported", "Quelle couleur ?")],
        "unknown_event": [("unsupported", "")],
        "standby": [("", "Au robot")],
    },
    "messenger/events": {
        "reaction": [("reacted", "❤️")],
        "reaction_taken_back": [("reacted", "")],
        "edit": [("edited", "Bonjour, où est mon colis ?")],
        "unsent": [("deleted", "")],
        "delivered": [("delivered", "m_out_1"), ("delivered", "m_out_2"), ("delivered", "")],
        "delivered_without_ids": [("delivered", "")],
        "read": [("read", "")],
        "echo_of_ours": [("sent", "m_out_1")],
        "echo_of_another": [("", "Écrit dans l’application")],
        "optin": [("nothing", "opt-in")],
        "referral": [("nothing", "referral")],
        "handed_over": [("nothing", "hand-over")],
        "nothing_in_it": [("nothing", "nothing of the customer's: ")],
    },
    "instagram/messages": {
        "text": [("", "Ciao! Spedite in Sicilia?")],
        "answer_to_a_story": [("story_reply", "Bellissima")],
        "story_mention": [("story_mention", "")],
        "post": [("share", "")],
        "reel": [("share", "Lampada fai da te")],
        "vanishing": [("unsupported", "")],
        "unsupported": [("unsupported", "")],
        "about_a_product": [("", "C'è in blu?")],
        "ice_breaker": [("choice", "Orari?")],
        "in_changes": [("", "Prova")],
    },
    "instagram/events": {
        "reaction": [("reacted", "❤️")],
        "edit": [("edited", "Ciao! Spedite in Sardegna?")],
        "unsent": [("deleted", "")],
        "seen": [("read", "aWdfOUT")],
        "echo": [("", "Sì, in 3 giorni")],
    },
    "comments/changes": {
        "comment": [("comment", "C’est encore en stock ?")],
        "answer_to_a_comment": [("comment", "Et en bleu ?")],
        "edited": [("edited", "C’est toujours en stock ?")],
        "hidden": [("hidden", "")],
        "shown": [("shown", "")],
        "removed": [("deleted", "")],
        "our_own": [("nothing", "our own comment")],
        "visitor_post": [("comment", "Toujours pas livrée")],
        "like": [("nothing", "reaction add")],
        "our_post": [("nothing", "photo add")],
        "mention": [("mention", "Vive Lampes")],
        "unknown_item": [("unsupported", "")],
        "instagram_comment": [("comment", "Quanto costa?")],
        "instagram_answer": [("comment", "Anche in verde?")],
        "instagram_our_own": [("nothing", "our own comment")],
        "instagram_mention": [("mention", "")],
    },
}  # fmt: skip


def load(name: str) -> dict[str, Any]:
    found: dict[str, Any] = json.loads((SAMPLES / f"{name}.json").read_text())
    return found


def came(body: bytes, **headers: str) -> Request:
    return Request("POST", "https://x.example/hooks/messenger/1", {}, headers, body)


def read(body: Any) -> list[Parsed]:
    slips = Hook(body["object"]).split(came(json.dumps(body).encode()))
    return [reader(OBJECTS[body["object"]])(slip.content) for slip in slips]


def one(body: Any) -> ParsedMessage:
    (found,) = read(body)
    assert isinstance(found, ParsedMessage)
    return found


def summary(said: Parsed) -> tuple[str, str]:
    match said:
        case ParsedMessage():
            return said.kind, said.text
        case Report():
            return said.kind, said.ref
        case Change():
            return said.kind, said.emoji or said.text
        case Nothing():
            return "nothing", said.why


@pytest.mark.parametrize("name", EXPECTED)
def test_the_samples_say_what_a_reader_reads(name: str) -> None:
    found = load(name)
    assert set(found) == set(EXPECTED[name])
    for each, body in found.items():
        assert [summary(said) for said in read(body)] == EXPECTED[name][each], each


@pytest.mark.parametrize("name", EXPECTED)
def test_the_same_again_is_the_same_and_nothing_else_is(name: str) -> None:
    keys: dict[str, str] = {}
    for each, body in load(name).items():
        raw = json.dumps(body).encode()
        slips = Hook(body["object"]).split(came(raw))
        assert slips == Hook(body["object"]).split(came(raw))
        for slip in slips:
            assert slip.to == body["entry"][0]["id"]
            assert keys.setdefault(slip.key, each) == each
    assert len(keys) >= len(load(name))


def test_a_batch_of_fifty_brings_fifty() -> None:
    every = [body for name in ("messenger/messages", "messenger/events") for body in load(name).values()]
    entries = [entry for body in every for entry in body["entry"]]
    more = [
        {"id": "1001", "messaging": [
            {"sender": {"id": f"{n}"}, "recipient": {"id": "1001"}, "timestamp": n, "message": {"mid": f"m{n}"}}
        ]}
        for n in range(1, 21)
    ]  # fmt: skip
    slips = Hook("page").split(came(json.dumps({"object": "page", "entry": [*entries, *more]}).encode()))
    assert len({slip.key for slip in slips}) == len(slips) == 15 + 13 + 2 + 20


def test_who_wrote_when_and_to_what() -> None:
    said = one(load("messenger/messages")["answer_to_a_message"])
    assert said.sender == Address("", "7001")
    assert said.sent_at == datetime(2025, 10, 9, 8, 53, 21, tzinfo=UTC)
    assert (said.message_id, said.in_reply_to) == ("m_quote", ("m_earlier",))
    assert one(load("messenger/messages")["guest"]).sender.address == "guest-9"


def test_files_are_named_and_lie_where_the_webhook_says() -> None:
    messages = load("messenger/messages")
    assert [m.filename for m in one(messages["pictures"]).media] == ["one.jpg", "two.png"]
    (file,) = one(messages["document"]).media
    assert (file.filename, dict(file.ref)) == (
        "facture mars.pdf",
        {"url": "https://cdn.example/facture%20mars.pdf?x=1"},
    )
    assert one(messages["voice"]).media[0].filename == "audio-20251009-085324.m4a"
    story = one(load("instagram/messages")["answer_to_a_story"])
    assert (story.content, [m.filename for m in story.media]) == ({"story": "18099"}, ["story.jpg"])


def test_what_was_chosen_keeps_its_key() -> None:
    messages = load("messenger/messages")
    assert one(messages["quick_reply"]).content == {"key": "topic:delivery", "title": "Livraison"}
    assert one(messages["postback"]).content == {"key": "START", "title": "Démarrer"}
    assert one(messages["advertisement"]).content["referral"]["headline"] == "Lampes de printemps"
    assert one(messages["location"]).content == {
        "latitude": 36.8,
        "longitude": 10.18,
        "name": "Port de Tunis",
    }


def test_what_is_not_known_is_kept_as_it_came() -> None:
    said = one(load("messenger/messages")["unknown_event"])
    assert json.loads(said.content["raw"])["hologram"] == {"shape": "cube"}
    assert "poll" in one(load("messenger/messages")["unsupported"]).content["raw"]


def test_an_echo_is_ours_by_what_we_said() -> None:
    events = load("messenger/events")
    (ours,) = read(events["echo_of_ours"])
    assert isinstance(ours, Report)
    assert (ours.delivery, ours.recipient) == ("0199b2a4-1111-7000-8000-000000000001", "7001")
    other = one(events["echo_of_another"])
    assert (other.written_by_us, other.sender.address) == (True, "7001")
    assert own_delivery("wasl:nonsense") == own_delivery("other:0199b2a4-1111-7000-8000-000000000001") == ""


def test_watermarks_speak_of_a_person_and_a_moment() -> None:
    events = load("messenger/events")
    (read_,) = read(events["read"])
    assert isinstance(read_, Report)
    assert (read_.ref, read_.recipient) == ("", "7001")
    assert read_.upto == datetime.fromtimestamp(1760000105.9, UTC)


def test_what_is_public_says_so_and_where() -> None:
    said = one(load("comments/changes")["comment"])
    assert said.content == {
        "public": True,
        "post": "1001_55",
        "permalink": "https://www.facebook.com/lampes/posts/55",
    }
    assert (said.subject, said.sender, said.message_id) == (
        "facebook:1001_55",
        Address("Camille Moreau", "7001"),
        "55_901",
    )
    answer = one(load("comments/changes")["answer_to_a_comment"])
    assert (answer.in_reply_to, [m.filename for m in answer.media]) == (("55_901",), ["blue.jpg"])
    there = one(load("comments/changes")["instagram_comment"])
    assert (there.subject, there.sender) == ("instagram:18001", Address("giulia.neri", "8001"))


@pytest.mark.parametrize("who", [{}, None, {"id": None}, {"id": ""}])
def test_without_any_id_it_is_set_aside(who: Any) -> None:
    event = {"sender": who, "recipient": {"id": "1"}, "timestamp": 1, "message": {"mid": "m", "text": "x"}}
    with pytest.raises(Unparseable):
        read({"object": "page", "entry": [{"id": "1", "messaging": [event]}]})


@pytest.mark.parametrize(
    "body", [b"[]", b"no", b'{"object":"user"}', b'{"object":"page","entry":[{}]}', b"\xff"]
)
def test_what_is_no_such_webhook_is_said_to_be_none(body: bytes) -> None:
    with pytest.raises(ValueError, match=r"webhook|JSON"):
        Hook("page").split(came(body))


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=8,
)
NAMES = st.sampled_from(
    ["message", "postback", "reaction", "delivery", "read", "message_edit", "attachments", "payload", "sender",
     "recipient", "timestamp", "text", "mid", "reply_to", "story", "from", "item", "verb", "comment_id", "media",
     "coordinates", "quick_reply", "referral", "is_echo", "is_deleted", "watermark", "mids", "type", "url", "id"]
)  # fmt: skip
THINGS = st.recursive(
    JSON, lambda i: st.dictionaries(NAMES, i, max_size=5) | st.lists(i, max_size=3), max_leaves=20
)


def strings(value: Any) -> list[str]:
    """Every text in it, however deep."""
    if isinstance(value, dict):
        return strings([*value, *value.values()])
    if isinstance(value, list | tuple):
        return [text for each in value for text in strings(each)]
    return [value] if isinstance(value, str) else []


@given(
    THINGS,
    st.sampled_from(["page", "instagram"]),
    st.sampled_from(["feed", "mention", "comments", "mentions"]),
)
def test_whatever_comes_is_read_or_set_aside(thing: Any, object_: str, field: str) -> None:
    event = thing if isinstance(thing, dict) else {"message": thing}
    entry = {"id": "1", "time": 1, "messaging": [event], "changes": [{"field": field, "value": thing}]}
    for slip in Hook(object_).split(came(json.dumps({"object": object_, "entry": [entry]}).encode())):
        try:
            said = reader(OBJECTS[object_])(slip.content)
        except Unparseable:
            continue
        assert isinstance(said, ParsedMessage | Report | Change | Nothing)
        if isinstance(said, ParsedMessage):
            files = [dict(file.ref) | {"name": file.filename} for file in said.media]
            for each in strings(
                [said.text, said.sender.name, said.message_id, said.subject, said.content, files]
            ):
                assert "\x00" not in each
                each.encode()


@pytest.mark.parametrize("name", ["messenger", "instagram"])
def test_only_what_meta_signed_is_genuine(name: str) -> None:
    hook = channels()[name].hook
    assert hook
    inbox = Settings("1", {}, {"app_secret": "s", "verify_token": "v"})
    body = '{"object":"page","text":"é"}'.encode()
    good = f"sha256={sign(body, 's')}"
    assert hook.genuine(came(body, **{"x-hub-signature-256": good}), inbox)
    assert not hook.genuine(came(body + b" ", **{"x-hub-signature-256": good}), inbox)
    assert not hook.genuine(came(body, **{"x-hub-signature": good}), inbox)
    assert not hook.genuine(came(body, **{"x-hub-signature-256": good}), Settings("1", {}, {}))
    asked = {"hub.mode": "subscribe", "hub.verify_token": "v", "hub.challenge": "77"}
    assert hook.challenge(Request("GET", "", asked, {}, b""), inbox) == "77"
    assert hook.challenge(Request("GET", "", asked | {"hub.verify_token": "é"}, {}, b""), inbox) is None
