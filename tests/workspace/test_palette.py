"""The palette: acts, places and people by the words that are typed."""

import pytest

from tests.workspace.stage import Browser, Known
from tests.worlds import Shop
from wasl.workspace.views.palette import marked, matches


def test_without_words_it_offers_what_is_near(shop: Shop, browser: Browser) -> None:
    text = browser(shop, "agent").get("/palette").text
    assert 'data-act="e"' in text
    assert 'href="/mine"' in text
    assert "/access" not in text, "eight places are near"


def test_words_find_places_people_and_offer_a_search(shop: Shop, known: Known, browser: Browser) -> None:
    admin = browser(shop, "admin")
    assert 'href="/access"' in admin.get("/palette?q=acc lo").text
    assert 'href="/access"' not in browser(shop, "agent").get("/palette?q=access").text
    text = admin.get("/palette?q=sup").text
    assert f"/inbox/{shop.mail.id}" in text
    assert "/search?q=sup" in text
    person = admin.get("/customers").text.split("/customers/")[-1][:36]
    assert person
    assert "data-act" not in admin.get("/palette?q=zzzz").text


def test_who_only_reads_is_offered_nothing_to_change(shop: Shop, browser: Browser) -> None:
    text = browser(shop, "readonly").get("/palette").text
    assert 'data-act="e"' not in text
    assert 'data-act="?"' in text


@pytest.mark.parametrize(
    ("asked", "name", "found"),
    [
        ("", "All", True),
        ("ete", "Équipe d'été", True),
        ("equ", "Équipe", True),
        ("all x", "All", False),
        ("ll", "All", False),
        ("محادثات", "المحادثات", True),
        ("حادثات", "المحادثات", False),
    ],
)
def test_words_begin_words(asked: str, name: str, found: bool) -> None:
    assert matches(asked, name.replace("d'", "d' ")) is found


@pytest.mark.parametrize(
    ("asked", "name", "found"),
    [
        ("sno", "Snoozed", ["Sno"]),
        ("ete eq", "Équipe d' été", ["Éq", "été"]),
        ("محاد", "كلّ المحادثات", ["محاد"]),
        ("", "All", []),
    ],
)
def test_what_was_typed_is_marked(asked: str, name: str, found: list[str]) -> None:
    pieces = marked(asked, name)
    assert "".join(piece.text for piece in pieces) == name
    assert [piece.text for piece in pieces if piece.found] == found
