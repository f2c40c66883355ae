"""WhatsApp's wire format: what a webhook brings, what each thing says, and what we send."""

import contextlib
import io
import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from wasl.channels.base import Address, ParsedMessage, Reason, Unparseable
from wasl.channels.port import (
    Change,
    Choice,
    Nothing,
    OutboundChat,
    Parsed,
    Report,
    Request,
    Settings,
    Template,
    Upload,
)
from wasl.channels.whatsapp.errors import reason_of
from wasl.channels.whatsapp.hook import Hook, sign
from wasl.channels.whatsapp.parse import parse
from wasl.channels.whatsapp.send import compose

FOLDER = "whatsapp"
# What each sample of the development data comes to, written down by reading it.
EXPECTED: dict[str, dict[str, tuple[str, str]]] = {
    "message": {
        "text": ("", "Body Text"),
        "image": ("image", ""),
        "media_with_url": ("image", ""),
        "video": ("video", "caption"),
        "document": ("document", "caption"),
        "audio": ("audio", ""),
        "voice": ("voice", ""),
        "static_sticker": ("sticker", ""),
        "animated_sticker": ("sticker", ""),
        "reaction": ("reacted", "😮"),
        "unreaction_empty": ("reacted", ""),
        "unreaction_no_emoji": ("reacted", ""),
        "current_location": ("location", "12.25089, 43.90539"),
        "chosen_location": ("location", "Facebook HQ\n1 Hacker Way, Menlo Park, CA 94025"),
        "contacts": (
            "contacts", "Chandler Bing: +1 555-555-5555\nMonica: +1 666-666-6666\nRachel Green: +1 777-777-7777"
        ),
        "order": ("order", "3 × HAMBURGER\n2 × FRENCH_FRIES\n2 × SODA"),
        "unsupported": ("unsupported", ""),
        "unsupported_with_type": ("unsupported", ""),
        "reply": ("", "replied text"),
        "forwarded": ("", "forwarded text"),
        "forwarded_many_times": ("", "text forwarded many times"),
        "interactive_message_with_err": ("unsupported", ""),
        "referral": ("", "BODY"),
    },
    "message_status": {
        "sent": ("sent", ""), "delivered": ("delivered", ""), "read": ("read", ""), "played": ("read", ""),
        "failed": ("failed", "130472"), "with_tracker": ("sent", ""), "group": ("read", ""),
    },
    "callback_button": {
        "button": ("choice", "title"), "quick_reply": ("choice", "title"),
        "quick_reply_without_context": ("choice", "title"),
    },
    "callback_selection": {"callback": ("choice", "title"), "description": ("choice", "title")},
    "deleted_message": {"revoke": ("deleted", "")},
    "edited_message": {"image": ("edited", "Updated image caption")},
    "outgoing_message": {
        "text": ("", "Test message"), "delete": ("deleted", ""), "edit": ("edited", "Text was edited"),
    },
    "system": {
        "phone_number_change": ("system", "User A changed from 972987654321 to 972912345678"),
        "identity_change": ("system", "User identity changed"),
    },
    "call_connect": {"business_initiated": ("nothing", ""), "user_initiated": ("call", "")},
    "call_permission_update": {"accept": ("permission", "accept"), "reject": ("permission", "reject")},
}  # fmt: skip


def came(body: bytes, **headers: str) -> Request:
    return Request("POST", "https://x.example/hooks/whatsapp/1", {}, headers, body)


def read(body: Any) -> list[Parsed]:
    return [parse(slip.content) for slip in Hook().split(came(json.dumps(body).encode()))]


def summary(said: Parsed) -> tuple[str, str]:
    match said:
        case ParsedMessage():
            return said.kind, said.text
        case Report():
            return said.kind, said.code
        case Change():
            return said.kind, said.emoji or said.text
        case Nothing():
            return "nothing", ""


@pytest.mark.parametrize("file", EXPECTED)
def test_the_samples_say_what_a_reader_reads(samples: Path, file: str) -> None:
    found = json.loads((samples / FOLDER / f"{file}.json").read_text())
    assert set(EXPECTED[file]) == set(found)
    for name, expected in EXPECTED[file].items():
        assert [summary(each) for each in read(found[name])] == [expected], name


def test_every_sample_goes_in_and_the_same_again_is_the_same(samples: Path) -> None:
    files = sorted((samples / FOLDER).glob("*.json"))
    assert len(files) >= 19
    for file in files:
        found = json.loads(file.read_text())
        for body in [found] if "object" in found else found.values():
            raw = json.dumps(body).encode()
            slips = Hook().split(came(raw))
            assert slips
            assert slips == Hook().split(came(raw))
            for slip in slips:
                parse(slip.content)


def message(number: int = 1, **parts: Any) -> dict[str, Any]:
    return {"from": "393331112222", "id": f"wamid.{number}", "timestamp": "1760000000", "type": "text",
            "text": {"body": "Ciao"}} | parts  # fmt: skip


def webhook(
    *messages: dict[str, Any], statuses: list[Any] | None = None, contacts: Any = None
) -> dict[str, Any]:
    value: dict[str, Any] = {
        "messaging_product": "whatsapp",
        "metadata": {"display_phone_number": "390612345", "phone_number_id": "111"},
        "contacts": [{"profile": {"name": "Giulia Neri"}, "wa_id": "393331112222"}]
        if contacts is None
        else contacts,
    }
    if messages:
        value["messages"] = list(messages)
    if statuses:
        value["statuses"] = statuses
    return {
        "object": "whatsapp_business_account",
        "entry": [{"id": "9", "changes": [{"field": "messages", "value": value}]}],
    }


def test_fifty_mixed_things_in_one_request_are_fifty() -> None:
    states = [
        {"id": f"wamid.s{n}", "status": "delivered", "timestamp": "1760000000", "recipient_id": "3933"}
        for n in range(20)
    ]
    body = webhook(*(message(n) for n in range(30)), statuses=states)
    slips = Hook().split(came(json.dumps(body).encode()))
    assert len(slips) == len({slip.key for slip in slips}) == 50
    assert {slip.to for slip in slips} == {"111"}
    kinds = [type(parse(slip.content)) for slip in slips]
    assert (kinds.count(ParsedMessage), kinds.count(Report)) == (30, 20)


def test_somebody_without_a_number_is_known_by_their_id() -> None:
    person = {"profile": {"name": "Giulia", "username": "giulia.n"}, "user_id": "IT.123abc"}
    said = read(webhook(message(**{"from": None, "from_user_id": "IT.123abc"}), contacts=[person]))[0]
    assert isinstance(said, ParsedMessage)
    assert (said.sender, said.aliases) == (Address("Giulia", "IT.123abc"), ())
    both = [{"profile": {"name": "Giulia"}, "wa_id": "393331112222", "user_id": "IT.123abc"}]
    said = read(webhook(message(), contacts=both))[0]
    assert isinstance(said, ParsedMessage)
    assert (said.sender.address, said.aliases) == ("393331112222", ("IT.123abc",))


def test_nobody_at_all_is_for_quarantine() -> None:
    with pytest.raises(Unparseable, match="no_sender"):
        read(webhook(message(**{"from": None}), contacts=[]))


def test_two_contacts_are_not_mixed_up() -> None:
    people = [{"profile": {"name": "A"}, "wa_id": "111"}, {"profile": {"name": "B"}, "wa_id": "222"}]
    said = read(webhook(message(1, **{"from": "222"}), message(2, **{"from": "333"}), contacts=people))
    names = [each.sender.name for each in said if isinstance(each, ParsedMessage)]
    assert names == ["B", ""]


def test_a_kind_nobody_knows_is_kept_with_all_it_holds() -> None:
    said = read(webhook(message(type="hologram", hologram={"depth": 3})))[0]
    assert isinstance(said, ParsedMessage)
    assert said.kind == "unsupported"
    assert said.content["type"] == "hologram"
    assert json.loads(said.content["raw"])["hologram"] == {"depth": 3}


def test_the_signature_is_over_the_very_bytes() -> None:
    inbox = Settings("111", {}, {"app_secret": "s3cret"})
    body = b'{"a":"\\u00e9"}'
    right = f"sha256={sign(body, 's3cret')}"
    # As `openssl dgst -sha256 -hmac s3cret` says of these 14 bytes.
    assert right == "sha256=c3ca0fb49979b2e4a1a98b38f392947751f1db1d6b5e13a95ca81cb8b965366e"
    assert Hook().genuine(came(body, **{"x-hub-signature-256": right}), inbox)
    assert not Hook().genuine(came(b'{"a":"\xc3\xa9"}', **{"x-hub-signature-256": right}), inbox)
    assert not Hook().genuine(came(body, **{"x-hub-signature-256": right[7:]}), inbox)
    assert not Hook().genuine(came(body), inbox)
    assert not Hook().genuine(came(body, **{"x-hub-signature-256": "sha256=é"}), inbox)
    assert not Hook().genuine(
        came(body, **{"x-hub-signature-256": f"sha256={sign(body, '')}"}), Settings("111", {}, {})
    )


def test_the_challenge_is_for_whoever_knows_the_token() -> None:
    inbox = Settings("111", {}, {"verify_token": "tok"})

    def asked(**query: str) -> str | None:
        query = {name.replace("_", ".", 1): value for name, value in query.items()}
        return Hook().challenge(Request("GET", "", query, {}, b""), inbox)

    assert asked(hub_mode="subscribe", hub_verify_token="tok", hub_challenge="42") == "42"
    assert asked(hub_mode="subscribe", hub_verify_token="no", hub_challenge="42") is None
    assert asked(hub_mode="unsubscribe", hub_verify_token="tok", hub_challenge="42") is None
    assert Hook().challenge(Request("GET", "", {"hub.mode": "subscribe", "hub.verify_token": ""}, {}, b""),
                            Settings("1", {}, {})) is None  # fmt: skip


ANY = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=6,
)
NAMES = ("from", "id", "timestamp", "type", "text", "image", "context", "location", "contacts", "interactive", "button",
         "order", "system", "reaction", "edit", "revoke", "referral", "errors")  # fmt: skip


KINDS = (
    "text",
    "image",
    "location",
    "contacts",
    "order",
    "edit",
    "interactive",
    "button",
    "system",
    "reaction",
)


@example({}, "order", {"product_items": [{"product_retailer_id": "a", "quantity": "\0"}]})
@given(st.dictionaries(st.sampled_from(NAMES), ANY), st.sampled_from(KINDS), ANY)
def test_whatever_comes_is_read_or_set_aside(parts: dict[str, Any], kind: str, part: Any) -> None:
    body = webhook(message(**{**parts, "type": kind, kind: part}), contacts=[parts] if parts else None)
    for slip in Hook().split(came(json.dumps(body).encode())):
        try:
            said = parse(slip.content)
        except Unparseable:
            continue
        if isinstance(said, ParsedMessage):
            for text in (said.text, said.sender.name, said.sender.address, said.message_id):
                assert "\0" not in text
                text.encode()


@given(st.binary(max_size=60) | ANY.map(lambda value: json.dumps(value).encode()))
def test_what_is_no_webhook_says_so(body: bytes) -> None:
    with pytest.raises(ValueError, match=r"no|brings"):
        Hook().split(came(body))


def chat(**parts: Any) -> OutboundChat:
    return OutboundChat(**({"delivery": "d-1", "to": "393331112222", "text": "Buongiorno"} | parts))


def test_what_is_sent() -> None:
    text = compose(chat())
    assert text == {
        "messaging_product": "whatsapp", "recipient_type": "individual", "to": "393331112222", "type": "text",
        "biz_opaque_callback_data": "d-1", "text": {"body": "Buongiorno", "preview_url": False},
    }  # fmt: skip
    assert compose(chat(to="IT.123abc"))["recipient"] == "IT.123abc"
    assert compose(chat(answers="wamid.1"))["context"] == {"message_id": "wamid.1"}
    template = compose(chat(text="", template=Template("order_sent", "it", ("DZ-1", "lunedì"))))["template"]
    assert (template["name"], template["language"]) == ("order_sent", {"code": "it"})
    assert [value["text"] for value in template["components"][0]["parameters"]] == ["DZ-1", "lunedì"]
    few = compose(chat(choices=(Choice("a", "Sì"), Choice("b", "No"))))["interactive"]
    assert (few["type"], len(few["action"]["buttons"])) == ("button", 2)
    many = compose(chat(choices=tuple(Choice(str(n), f"Opzione {n}", "detail") for n in range(7))))[
        "interactive"
    ]
    assert (many["type"], len(many["action"]["sections"][0]["rows"])) == ("list", 7)
    reaction = compose(chat(text="", answers="wamid.1", reaction="👍"))
    assert reaction["reaction"] == {"message_id": "wamid.1", "emoji": "👍"}
    assert "context" not in reaction
    with pytest.raises(ValueError, match="without"):
        compose(chat(text=""))


@pytest.mark.parametrize(
    ("kind", "part", "caption"),
    [("image/jpeg", "image", True), ("video/mp4", "video", True), ("audio/ogg", "audio", False),
     ("application/pdf", "document", True), ("image/webp", "document", True)],
)  # fmt: skip
def test_files_go_as_what_they_are(kind: str, part: str, caption: bool) -> None:
    file = Upload("a.bin", kind, 3, lambda: io.BytesIO(b"abc"))
    body = compose(chat(files=(file,)), "media-1")
    assert body["type"] == part
    assert body[part]["id"] == "media-1"
    assert body[part].get("caption") == ("Buongiorno" if caption else None)


def test_codes_are_what_people_are_told() -> None:
    assert reason_of("131047") == (Reason.WINDOW_CLOSED, "final")
    assert reason_of("190") == (Reason.SIGN_IN, "settings")
    assert reason_of("132015") == (Reason.TEMPLATE, "final")
    assert reason_of("130429")[1] == "wait"
    assert reason_of("what") == (Reason.OTHER, "final")


def test_moments_are_utc() -> None:
    said = read(webhook(message()))[0]
    assert isinstance(said, ParsedMessage)
    assert said.sent_at == datetime(2025, 10, 9, 8, 53, 20, tzinfo=UTC)


@pytest.mark.parametrize("field", [b"messages", b"calls", b"other"])
def test_what_is_nested_is_read_or_refused_whole(field: bytes) -> None:
    body = b'{"object":"whatsapp_business_account","entry":[{"changes":[{"value":{"%s":[{"x":%s}]}}]}]}'
    for depth in (20, *range(975, 1000), 50_000):
        said = came(body % (field, b"[" * depth + b"]" * depth))
        if depth == 20:
            assert len(Hook().split(said)) == 1
        elif depth == 50_000:
            with pytest.raises(ValueError, match="nested too deeply"):
                Hook().split(said)
        else:  # where the limit lies depends on who calls
            with contextlib.suppress(ValueError):
                Hook().split(said)


def test_unusual_json_is_read_as_before() -> None:
    body = {"object": "whatsapp_business_account", "entry": [{"changes": [{"value": {"messages": [
        {"id": "a\ud800", "from": "1", "type": "text", "text": {"body": "\u00e9 \ud83d"}, "n": 10**30}
    ]}}]}]}  # fmt: skip
    (slip,) = Hook().split(came(json.dumps(body).encode()))
    assert json.loads(slip.content)["message"] == body["entry"][0]["changes"][0]["value"]["messages"][0]
