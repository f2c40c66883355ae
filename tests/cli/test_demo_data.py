"""The demo texts hold together: keys resolve, nobody real is addressed, each language is written properly."""

import json
import re
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple
from zoneinfo import ZoneInfo

import pytest

import wasl

DATA = Path(wasl.__file__).parent / "cli" / "demo_data"
LANGUAGES = ("ar", "fr", "it", "en")

CONVERSATION_KEYS = {"key", "customer", "inbox", "subject", "assignee"}
CONVERSATION_KEYS |= {"status", "started_days_ago", "messages"}
MESSAGE_KEYS = {"from", "minutes_after", "text"}
MESSAGE_OPTIONAL = {"attachments", "reply_quoted"}

ARABIC_LETTER = re.compile(r"[\u0621-\u064a]")
LATIN_LETTER = re.compile(r"[A-Za-z\u00c0-\u024f]")
ADDRESS = re.compile(r"[\w.+-]+@[\w.-]+")
ORDER = re.compile(r"DZ-\w+(?:-R)?")
NUMBER = re.compile(r"(?<![\w-])\+?\d[\d ]{7,}\d")
# ARCEP's and Ofcom's numbers for fiction, and the VAT number everybody uses as an example.
FICTIONAL_NUMBER = re.compile(r"\+33 6 39 98 \d\d \d\d|07700 900\d{3}|020 7946 0\d{3}|32 123 456 789")
FRENCH_SPACES = "\u00a0\u202f"


class Text(NamedTuple):
    """One piece of prose and where it stands, so that a failure names it."""

    language: str
    where: str
    text: str


def load(name: str) -> Any:
    return json.loads((DATA / name).read_text(encoding="utf-8"))


PEOPLE = load("people.json")
CONVERSATIONS = {language: load(f"conversations.{language}.json") for language in LANGUAGES}
EVERY = [(language, conv) for language in LANGUAGES for conv in CONVERSATIONS[language]]
AGENTS = {agent["key"]: agent for agent in PEOPLE["agents"]}
CUSTOMERS = {customer["key"]: customer for customer in PEOPLE["customers"]}


def texts() -> Iterator[Text]:
    for language, conv in EVERY:
        yield Text(language, f"{conv['key']}/subject", conv["subject"])
        for number, message in enumerate(conv["messages"]):
            yield Text(language, f"{conv['key']}/{number}", message["text"])


def answering(conv: dict[str, Any]) -> set[str]:
    """Keys of the agents who own the conversation or wrote in it."""
    senders = {m["from"].removeprefix("agent:") for m in conv["messages"] if m["from"] != "customer"}
    return senders | ({conv["assignee"]} if conv["assignee"] else set())


def repeated(values: list[str]) -> list[str]:
    return [value for value, count in Counter(values).items() if count > 1]


def test_four_balanced_languages() -> None:
    sizes = {language: len(CONVERSATIONS[language]) for language in LANGUAGES}
    assert sum(sizes.values()) >= 40
    assert min(sizes.values()) >= 10
    assert max(sizes.values()) - min(sizes.values()) <= 2


@pytest.mark.parametrize("table", ["inboxes", "teams", "agents", "customers"])
def test_keys_of_people_are_unique(table: str) -> None:
    assert repeated([row["key"] for row in PEOPLE[table]]) == []


def test_people() -> None:
    ZoneInfo(PEOPLE["workspace"]["timezone"])
    teams = {team["key"] for team in PEOPLE["teams"]}
    for agent in AGENTS.values():
        assert set(agent) - {"interface"} == {"key", "name", "email", "role", "languages", "teams"}, agent
        assert agent.get("interface", "en") in LANGUAGES, agent
        assert set(agent["teams"]) <= teams, agent
        assert set(agent["languages"]) <= set(LANGUAGES), agent
    roles = Counter(agent["role"] for agent in AGENTS.values())
    assert set(roles) == {"owner", "admin", "agent", "readonly"}
    assert roles["owner"] == 1
    assert len(CUSTOMERS) >= 30
    for customer in CUSTOMERS.values():
        assert set(customer) == {"key", "name", "email", "language", "city", "timezone"}, customer
        assert customer["language"] in LANGUAGES, customer
        ZoneInfo(customer["timezone"])


def test_addresses_are_unique_and_under_example() -> None:
    programs = [row["address"] for row in PEOPLE["inboxes"] if row["kind"] == "api"]
    assert programs == ["forms"], "an API inbox has a slug, as in the API's addresses"
    mail = [row for row in PEOPLE["inboxes"] if row["kind"] == "email"]
    rows = [*mail, *PEOPLE["agents"], *PEOPLE["customers"]]
    addresses = [row.get("address") or row["email"] for row in rows]
    assert repeated([address.lower() for address in addresses]) == []
    addresses += [found for text in texts() for found in ADDRESS.findall(text.text)]
    fictional = re.compile(r"[\w.+-]+@[a-z0-9-]+\.example")
    assert [address for address in addresses if not fictional.fullmatch(address)] == []
    assert all(a["email"].endswith("@" + PEOPLE["workspace"]["domain"]) for a in AGENTS.values())


def test_no_web_addresses() -> None:
    assert [t.where for t in texts() if re.search(r"https?:|www\.", t.text)] == []


def test_numbers_are_reserved_for_fiction() -> None:
    found = [(t.where, n) for t in texts() for n in NUMBER.findall(t.text)]
    assert len(found) >= 4
    assert [hit for hit in found if not FICTIONAL_NUMBER.fullmatch(hit[1])] == []


def test_conversations_resolve() -> None:
    inboxes = {inbox["key"] for inbox in PEOPLE["inboxes"]}
    assert repeated([conv["key"] for _, conv in EVERY]) == []
    for language, conv in EVERY:
        key = conv["key"]
        assert set(conv) == CONVERSATION_KEYS, key
        assert CUSTOMERS[conv["customer"]]["language"] == language, key
        assert conv["inbox"] in inboxes, key
        assert conv["status"] in {"open", "resolved"}, key
        for agent in answering(conv):
            assert language in AGENTS[agent]["languages"], (key, agent)
            assert AGENTS[agent]["role"] != "readonly", (key, agent)


def test_everyone_has_something_to_do() -> None:
    assert {conv["customer"] for _, conv in EVERY} == set(CUSTOMERS)
    assert {conv["inbox"] for _, conv in EVERY} == {inbox["key"] for inbox in PEOPLE["inboxes"]}
    working = {key for key, agent in AGENTS.items() if agent["role"] != "readonly"}
    assert set().union(*(answering(conv) for _, conv in EVERY)) == working
    assert Counter(conv["status"] for _, conv in EVERY)["resolved"] >= 10
    assert sum(conv["assignee"] is None for _, conv in EVERY) >= 4


def test_messages_are_well_formed() -> None:
    for _, conv in EVERY:
        assert 1 <= len(conv["messages"]) <= 7, conv["key"]
        assert conv["messages"][0]["from"] == "customer", conv["key"]
        for number, message in enumerate(conv["messages"]):
            where = (conv["key"], number)
            assert MESSAGE_KEYS <= set(message) <= MESSAGE_KEYS | MESSAGE_OPTIONAL, where
            assert message["from"] == "customer" or message["from"].startswith("agent:"), where
            assert type(message["minutes_after"]) is int, where
            assert (message["minutes_after"] > 0) == (number > 0), where
            assert message["text"].strip() == message["text"] != "", where


def test_only_an_answer_to_an_agent_quotes() -> None:
    for _, conv in EVERY:
        senders = ["customer", *(m["from"] for m in conv["messages"])]
        for before, message in zip(senders, conv["messages"], strict=False):
            if "reply_quoted" in message:
                assert message["reply_quoted"] is True, conv["key"]
                assert message["from"] == "customer", conv["key"]
                assert before.startswith("agent:"), conv["key"]


def test_nothing_happens_in_the_future() -> None:
    for _, conv in EVERY:
        age = conv["started_days_ago"] * 24 * 60
        assert sum(m["minutes_after"] for m in conv["messages"]) < age, conv["key"]


def test_resolved_conversations_have_an_answer() -> None:
    for _, conv in EVERY:
        if conv["status"] == "resolved":
            assert conv["assignee"] is not None, conv["key"]
            assert any(m["from"] != "customer" for m in conv["messages"]), conv["key"]


def test_attachments_are_small_real_files() -> None:
    used = {name for _, conv in EVERY for m in conv["messages"] for name in m.get("attachments", ())}
    assert used == {path.name for path in (DATA / "files").iterdir()}
    magic = {".png": b"\x89PNG\r\n\x1a\n", ".pdf": b"%PDF-1."}
    for name in used:
        content = (DATA / "files" / name).read_bytes()
        assert content.startswith(magic[Path(name).suffix]), name
        assert len(content) <= 30_000, name


def test_no_text_is_written_twice() -> None:
    assert repeated([t.text for t in texts()]) == []


def test_order_numbers() -> None:
    owner: dict[str, str] = {}
    for _, conv in EVERY:
        for text in (conv["subject"], *(m["text"] for m in conv["messages"])):
            for order in ORDER.findall(text):
                assert re.fullmatch(r"DZ-\d{5}(-R)?", order), (conv["key"], order)
                assert owner.setdefault(order[:8], conv["customer"]) == conv["customer"], (conv["key"], order)
    assert len(owner) >= 20


def test_no_control_or_direction_characters() -> None:
    stray = re.compile(r"[\x00-\x09\x0b-\x1f\x7f\u200e\u200f\u202a-\u202e\u2066-\u2069\ufeff]")
    assert [t.where for t in texts() if stray.search(t.text)] == []


def test_arabic_is_arabic() -> None:
    for conv in CONVERSATIONS["ar"]:
        whole = "".join(m["text"] for m in conv["messages"]) + conv["subject"]
        arabic, latin = len(ARABIC_LETTER.findall(whole)), len(LATIN_LETTER.findall(whole))
        assert arabic > 4 * latin, conv["key"]
    # An Arabic sentence takes the Arabic comma, semicolon and question mark.
    wrong = re.compile(r"(?<=[\u0600-\u06ff])\s*[,;?]")
    assert [t.where for t in texts() if t.language == "ar" and wrong.search(t.text)] == []


def test_other_languages_hold_no_arabic_script() -> None:
    assert [t.where for t in texts() if t.language != "ar" and ARABIC_LETTER.search(t.text)] == []


def test_apostrophes_and_quotation_marks_are_typographic() -> None:
    assert [t.where for t in texts() if "'" in t.text or '"' in t.text] == []


def test_french_punctuation_is_spaced() -> None:
    wrong = re.compile(rf"[^{FRENCH_SPACES}][?!;»]|[^{FRENCH_SPACES}]:|«[^{FRENCH_SPACES}]")
    assert [t.where for t in texts() if t.language == "fr" and wrong.search(t.text)] == []


def test_italian_and_english_punctuation_is_not_spaced() -> None:
    wrong = re.compile(r"\s[?!;:](?!\))")
    assert [t.where for t in texts() if t.language in {"it", "en"} and wrong.search(t.text)] == []


@pytest.mark.parametrize(
    ("language", "words"),
    [
        ("fr", r"\b(?:le|la|les|de|une?|et|est|vous|je|pour|mes|merci)\b"),
        ("it", r"\b(?:il|lo|la|di|che|un|una|è|per|mi|grazie|sì|da)\b"),
        ("en", r"\b(?:the|a|to|of|and|is|you|i|for|in|it)\b"),
    ],
)
def test_texts_are_in_their_language(language: str, words: str) -> None:
    for conv in CONVERSATIONS[language]:
        whole = " ".join(m["text"] for m in conv["messages"]).lower()
        assert len(re.findall(words, whole)) >= len(whole.split()) * 0.1, conv["key"]


def test_english_is_british() -> None:
    american = re.compile(r"\b(?:colors?|favorite|gray|center|zip code|apologize)\b", re.IGNORECASE)
    assert [t.where for t in texts() if t.language == "en" and american.search(t.text)] == []
