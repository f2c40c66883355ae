"""Telegram's wire format: what an update says, and whether it is Telegram's."""

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from wasl.channels.base import Address, Media, ParsedMessage, Unparseable
from wasl.channels.port import Change, Nothing, Parsed, Request, Settings
from wasl.channels.telegram.hook import Hook, mark, number, ref, said, slip
from wasl.channels.telegram.parse import parse

SAMPLES = Path(__file__).parent / "samples" / "telegram"
ID = "0192f0aa-1111-7222-8333-abcdefabcdef"
PLACE = f"https://wasl.example/hooks/telegram/{ID}"
# What each sample comes to, written down by reading it.
EXPECTED: dict[str, dict[str, tuple[str, str]]] = {
    "messages": {
        "text": ("", "Buongiorno, dov'è il mio ordine?"),
        "start": ("start", "/start order-DZ1041"),
        "photo": ("image", "Ecco la scatola"),
        "document": ("document", ""),
        "voice": ("voice", ""),
        "audio": ("audio", ""),
        "video": ("video", "Si muove così"),
        "video_note": ("video", ""),
        "animation": ("video", ""),
        "sticker": ("sticker", "👍"),
        "location": ("location", "43.90539, 12.25089"),
        "venue": ("location", "Bar Torino\nVia Po 1, Torino"),
        "contact": ("contacts", "Marco Bianchi: +390111234567"),
        "poll": ("poll", "Quando?\n– Lunedì\n– Martedì"),
        "dice": ("", "🎲 5"),
        "reply": ("", "Sì, proprio quella"),
        "forwarded": ("", "Pacco in giacenza"),
        "story": ("unsupported", ""),
        "later_kind": ("unsupported", ""),
        "choice": ("choice", "Martedì"),
        "choice_of_an_old_message": ("choice", "slot-1"),
    },
    "changes": {
        "edited": ("edited", "Buongiorno, dov'è il mio ordine DZ-1041?"),
        "edited_caption": ("edited", "Ecco la scatola aperta"),
        "reacted": ("reacted", "❤"),
        "reacted_otherwise": ("reacted", "⭐"),
        "taken_back": ("reacted", ""),
    },
    "others": {
        "group": ("nothing", "from a group: a conversation is with one customer"),
        "edited_in_a_group": ("nothing", "from a group: a conversation is with one customer"),
        "channel": ("nothing", "from a channel: nobody there can be answered"),
        "channel_post": ("nothing", "an update of another kind: channel_post"),
        "blocked": ("nothing", "the customer has blocked the bot"),
        "unblocked": ("nothing", "the bot is now: member"),
        "poll_answer": ("nothing", "an update of another kind: poll_answer"),
    },
}  # fmt: skip
FILES = {
    "photo": ("AgAC-x", "image/jpeg", 150_000), "document": ("BQAC-1", "application/pdf", 48_211),
    "voice": ("AwAC-1", "audio/ogg", 30_111), "audio": ("CQAC-1", "audio/mpeg", 4_000_000),
    "video": ("BAAC-1", "video/mp4", 25_000_000), "video_note": ("DQAC-1", "video/mp4", 400_000),
    "animation": ("CgAC-1", "video/mp4", 90_000), "sticker": ("CAAC-1", "application/x-tgsticker", 11_000),
}  # fmt: skip


def sample(file: str, name: str) -> dict[str, Any]:
    found: dict[str, Any] = json.loads((SAMPLES / f"{file}.json").read_text())[name]
    return found


def came(update: Any, **headers: str) -> Request:
    body = update if isinstance(update, bytes) else json.dumps(update).encode()
    return Request("POST", PLACE, {}, headers, body)


def read(update: Any) -> Parsed:
    (found,) = Hook().split(came(update))
    return parse(found.content)


def message(name: str) -> ParsedMessage:
    found = read(sample("messages", name))
    assert isinstance(found, ParsedMessage)
    return found


def summary(found: Parsed) -> tuple[str, str]:
    match found:
        case ParsedMessage():
            return found.kind, found.text
        case Change():
            return found.kind, found.emoji or found.text
        case Nothing():
            return "nothing", found.why
    raise AssertionError(found)


@pytest.mark.parametrize("file", EXPECTED)
def test_the_samples_say_what_a_reader_reads(file: str) -> None:
    found = json.loads((SAMPLES / f"{file}.json").read_text())
    assert set(EXPECTED[file]) == set(found)
    for name, update in found.items():
        assert summary(read(update)) == EXPECTED[file][name], name
        assert Hook().split(came(update)) == Hook().split(came(update))


def test_who_writes_when_and_in_answer_to_what() -> None:
    first, reply, choice = message("text"), message("reply"), message("choice")
    assert first.sender == Address("Giulia Neri", "700100")
    assert first.sent_at == datetime(2025, 10, 9, 8, 53, 20, tzinfo=UTC)
    assert first.message_id == "700100:1:abcdefabcdef"
    assert first.language == "it"
    assert reply.in_reply_to == (first.message_id,)
    assert reply.content == {"quote": "il mio ordine"}
    assert choice.in_reply_to == ("700100:20:abcdefabcdef",)
    assert choice.content == {"key": "slot-2", "title": "Martedì"}
    assert message("start").content == {"payload": "order-DZ1041"}
    assert message("forwarded").content == {"forwarded": "once"}
    assert message("location").content == {"latitude": 43.90539, "longitude": 12.25089}
    assert message("dice").language == "it"  # what the app is set to, where words say nothing


@pytest.mark.parametrize("name", FILES)
def test_files_are_named_and_wait(name: str) -> None:
    (media,) = message(name).media
    id_, content_type, size = FILES[name]
    assert (media.ref["id"], media.content_type, media.size) == (id_, content_type, size)
    assert "/" not in media.filename


def test_a_file_has_the_name_its_sender_gave_it() -> None:
    assert message("document").media == (
        Media(
            {"id": "BQAC-1", "size": "48211", "type": "application/pdf"},
            "application/pdf",
            "fattura_2025.pdf",
            48_211,
        ),
    )
    assert message("photo").media[0].filename == "image-20251009-085322.jpg"


def test_what_nobody_knows_is_kept_with_all_it_holds() -> None:
    found = message("later_kind")
    assert found.content["type"] == "hologram"
    assert json.loads(found.content["raw"])["hologram"] == {"depth": 3}


def test_of_changes_in_one_second_the_later_update_is_the_later() -> None:
    edited = sample("changes", "edited")
    first, second = read(edited), read(edited | {"update_id": edited["update_id"] + 1})
    assert isinstance(first, Change)
    assert isinstance(second, Change)
    assert second.at - first.at == timedelta(microseconds=1)


def test_two_bots_messages_are_not_taken_for_one_another() -> None:
    other = PLACE.replace("abcdefabcdef", "fedcbafedcba")
    assert ref(7, 1, mark(PLACE)) != ref(7, 1, mark(other))
    assert number(ref(7, 1, mark(PLACE))) == number(ref(7, 1, "")) == 1
    assert (number("choice:9:x"), number(""), number("wamid.1"), number("7:x:y")) == (None, None, None, None)


def test_only_who_knows_the_secret_is_believed() -> None:
    inbox = Settings("shop_bot", {}, {"secret_token": "s3cret"})
    name = "x-telegram-bot-api-secret-token"
    assert Hook().genuine(came({}, **{name: "s3cret"}), inbox)
    for wrong in ("", "s3cre", "s3cret ", "é", "\udcff"):
        assert not Hook().genuine(came({}, **{name: wrong}), inbox)
    assert not Hook().genuine(came({}), inbox)
    assert not Hook().genuine(came({}, **{name: ""}), Settings("shop_bot", {}, {}))
    assert Hook().challenge(came({}), inbox) is None


def test_a_button_that_was_pressed_stops_waiting() -> None:
    kind, answer = said(came(sample("messages", "choice")))
    assert kind == "application/json"
    assert json.loads(answer) == {"method": "answerCallbackQuery", "callback_query_id": "4382bfdwdsb323b2d9"}
    for other in (sample("messages", "text"), b"no json", {"update_id": 1, "callback_query": 7}):
        assert said(came(other))[1] == b"{}"


@pytest.mark.parametrize("body", [b"", b"[]", b"{", b'{"update_id": "1"}', b"[" * 100_000, b'"x"'])
def test_what_is_no_update_says_so(body: bytes) -> None:
    with pytest.raises(ValueError, match="not"):
        Hook().split(came(body))


ANY = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=6,
)
NAMES = ("message_id", "from", "chat", "date", "text", "caption", "photo", "document", "location", "venue", "contact",
         "poll", "dice", "sticker", "quote", "reply_to_message", "edit_date", "new_reaction", "user", "data",
         "reply_markup", "message", "new_chat_member")  # fmt: skip
KINDS = ("message", "edited_message", "message_reaction", "callback_query", "my_chat_member")


@given(st.sampled_from(KINDS), st.dictionaries(st.sampled_from(NAMES), ANY))
def test_whatever_comes_is_read_or_set_aside(kind: str, parts: dict[str, Any]) -> None:
    for thing in (parts, sample("messages", "text")["message"] | parts):
        try:
            found = parse(slip({"update_id": 5, kind: thing}, "abc").content)
        except Unparseable:
            continue
        if isinstance(found, ParsedMessage):
            for words in (found.text, found.sender.name, found.sender.address, found.message_id):
                assert "\0" not in words
                words.encode()
