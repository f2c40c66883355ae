"""The widget's parts: its laws (size, stylesheet, texts, policy), what it may ask, and who is who."""

import gzip
import json
import re
from datetime import timedelta
from pathlib import Path
from uuid import UUID

import pytest

from wasl.kit.problem import Problem
from wasl.widget import asks, files, script, visitors
from wasl.widget.place import Place
from wasl.widget.standing import rounded
from wasl.workspace import words

FOLDER = Path(script.__file__).parent / "static"
ONE, TWO = UUID(int=1), UUID(int=2)
PLACE = Place(ONE, TWO, "fr", "Dar </script> Zaytun", "#ffcc00", frozenset(), {"ar": "أهلًا"}, "secret")


def test_it_weighs_at_most_thirty_kilobytes() -> None:
    made = script.of(PLACE)
    assert len(made.gzipped) <= 30_000
    assert gzip.decompress(made.gzipped) == made.plain


def test_the_script_cannot_be_broken_out_of_and_keeps_the_secret() -> None:
    text = script.of(PLACE).plain.decode()
    assert "</script" not in text
    assert '"secret"' not in text.partition("const TEXTS")[0]


def test_nothing_in_it_needs_a_wider_policy() -> None:
    """No eval, no markup from text, no style attributes, no address of anybody else's."""
    for path in FOLDER.iterdir():
        text = path.read_text()
        assert not re.search(
            r"innerHTML|outerHTML|insertAdjacent|\beval\b|new Function|setAttribute\(.style", text
        ), path
        assert set(re.findall(r"https?://[\w.]+", text)) <= {"http://www.w3.org"}, path


def test_the_stylesheet_knows_no_left_and_right() -> None:
    text = (FOLDER / "chat.css").read_text()
    sides = "left|right|top|bottom"
    sizes, around = "(?:(?:max|min)-)?(?:width|height)", "(?:margin|padding|border)"
    physical = rf"(?<![\w-])(?:{sides}|{sizes}|{around}-(?:{sides})[\w-]*)\s*:"
    assert re.findall(physical, text.replace("@media (max-width:", "")) == []


def test_every_text_is_used_and_there_in_every_language() -> None:
    said = "".join(path.read_text() for path in FOLDER.glob("*.js"))
    for name, text in script.TEXTS.items():
        if name != "soon":  # the door's own word, of which the widget says whatever text has that name
            assert re.search(rf"[\"']{name}[\"']|\.{name}\b", said), f"{name} is said nowhere"
        spoken = {asks.told(language, text) for language in ("ar", "fr", "it")}
        assert len(spoken - {text}) >= 2, f"{name} is not translated"


@pytest.mark.parametrize(
    ("said", "kept"),
    [
        ("a\\b/c.pdf", "c.pdf"),
        ("..", ".."),
        ("x\u202efdp.txt", "xfdp.txt"),
        ("", "file"),
        ("a" * 300, "a" * 200),
    ],
)
def test_names_of_files(said: str, kept: str) -> None:
    assert asks.file_name(said, "en") == kept


@pytest.mark.parametrize(
    "said", ["a.exe", "a.PDF.Bat", "page.html", "drawing.svg", "a.js.", "x/y.lnk", "a.hta\u200b"]
)
def test_files_that_nobody_should_open(said: str) -> None:
    with pytest.raises(Problem):
        asks.file_name(said, "en")


def test_nothing_is_taken_that_no_database_keeps() -> None:
    """One such message would fail the whole batch that it is understood in."""
    whole = {"id": str(ONE), "choice": {"key": "k", "title": "yes"}, "answers": "a", "page": {"title": "p"}}
    assert asks.read(json.dumps(whole).encode(), asks.Message).answers == "a"
    for more in ({"answers": "\0"}, {"choice": {"key": "k", "title": "\0"}}, {"page": {"url": "\0"}}):
        with pytest.raises(Problem):
            asks.read(json.dumps(whole | more).encode(), asks.Message)
    for more in (b'"text": "\\ud800"', b'"more": ' + b"[" * 90_000):
        with pytest.raises(Problem):
            asks.read(b'{"id": "%s", %s}' % (str(ONE).encode(), more), asks.Message)


def test_addresses_of_pages_lose_what_may_be_secret() -> None:
    page = asks.Page("https://www.example.com/basket?token=1#x", "My\nbasket")
    assert asks.tidy(page) == {"url": "https://www.example.com/basket", "title": "My basket"}
    assert asks.tidy(asks.Page("javascript:alert(1)", "x")) == {}


def test_keys_are_of_one_inbox_and_one_kind() -> None:
    secret = "A" * 43
    assert visitors.is_secret(secret)
    assert not visitors.is_secret(secret + "A")
    assert not visitors.is_secret("A" * 42 + "=")
    keys = {
        visitors.browser_key(ONE, secret),
        visitors.browser_key(TWO, secret),
        visitors.account_key(ONE, secret),
        visitors.account_key(TWO, secret),
    }
    assert len(keys) == 4
    assert visitors.browser_key(ONE, secret) in keys


@pytest.mark.parametrize(
    ("minutes", "said"),
    [(0, 5), (5, 5), (5.1, 10), (16, 30), (61, 120), (60 * 23, 60 * 23), (60 * 25, 60 * 48)],
)
def test_waits_are_rounded_up_to_what_one_would_say(minutes: float, said: int) -> None:
    assert rounded(timedelta(minutes=minutes)) == said * 60


def test_links_to_files_end() -> None:
    link = files.link(ONE, TWO, 1_000_000.0)
    until, sign = link.partition("until=")[2].split("&sign=")
    assert link == files.link(ONE, TWO, 1_000_100.0), "the same all day, so that browsers keep the picture"
    assert files.genuine(ONE, TWO, until, sign, 1_000_000.0)
    assert not files.genuine(ONE, TWO, until, sign, float(until))
    assert not files.genuine(TWO, TWO, until, sign, 1_000_000.0)
    assert not files.genuine(ONE, ONE, until, sign, 1_000_000.0)
    assert not files.genuine(ONE, TWO, until + "0", sign, 1_000_000.0)
    assert not files.genuine(ONE, TWO, until, "é", 1_000_000.0)
    assert not files.genuine(ONE, TWO, "٣", sign, 1_000_000.0)


def test_agents_see_a_browser_by_the_number_of_its_visitor_and_not_by_its_key() -> None:
    key = UUID("4d611aa2-d35d-a235-1acf-591bb8f4a22e")
    assert words.address("webchat", str(key)) == f"Visitor {visitors.Who(key, (key,)).number}"
    assert words.address("webchat", "77") == "77"
    assert words.address("whatsapp", "393331112222") == "+393331112222"
