"""The pages of the search."""

from datetime import UTC, datetime
from urllib.parse import quote
from uuid import UUID

import pytest
from django.test import Client

from tests.conversations.searched import arrive, follow, letter
from tests.workspace.stage import Browser, Known
from tests.workspace.test_pages import whole
from tests.worlds import Shop
from wasl.conversations import searching
from wasl.conversations.models import Message
from wasl.kit.db import tenant
from wasl.workspace import paging

FRAGMENT = {"HX-Request": "true"}


def ask(client: Client, text: str, target: str = "") -> str:
    """The page of a search, or a part of it."""
    headers = FRAGMENT | {"HX-Target": target} if target else {}
    response = client.get(f"/search?q={quote(text)}", headers=headers)
    assert response.status_code == 200
    return response.text


@pytest.mark.parametrize("role", ["owner", "agent", "readonly"])
def test_every_state_of_the_page_is_whole(shop: Shop, known: Known, browser: Browser, role: str) -> None:
    follow()
    client = browser(shop, role)
    for text in (
        "",
        "facture",
        "nothing-like-it",
        "facture is:resolved",
        "is:wrong facture",
        "x" * 10_000,
        "camille",
    ):
        whole(ask(client, text))
    opened = client.get(f"/search/{known.conversation}?q=facture")
    whole(opened.text)
    assert 'href="/search?q=facture"' in opened.text
    assert "<mark>Facture</mark>" in opened.text
    thread = client.get(f"/search/{known.conversation}?q=facture", headers=FRAGMENT | {"HX-Target": "thread"})
    assert "<html" not in thread.text
    assert str(known.message) in thread.text


def test_it_says_what_is_true(shop: Shop, known: Known, browser: Browser) -> None:
    follow()
    client = browser(shop)
    assert "Search everything that was said" in ask(client, "")
    assert "That is more than one search" in ask(client, "word " * 2000)
    assert "Nothing found" in ask(client, "zebra")
    assert 'href="/search?q=facture"' in ask(client, "facture is:resolved")
    assert '<bdi class="id">is:wrong</bdi>' in ask(client, "facture is:wrong")
    assert f'href="/customers/{known.customer}"' in ask(client, "camille")


def test_what_is_shown_is_escaped(shop: Shop, browser: Browser) -> None:
    arrive(shop, letter("<script>alert(1)</script> & <b>red</b>", subject="<i>red words</i>"))
    text = ask(browser(shop), 'red <script> "><x')
    assert "<script>alert" not in text
    assert "<i>red" not in text
    assert "&lt;i&gt;<mark>red</mark> words" in ask(browser(shop), "red")


def test_older_results_follow(shop: Shop, browser: Browser) -> None:
    arrive(shop, *(letter("red", f"p{n}") for n in range(33)))
    client = browser(shop)
    page = ask(client, "red")
    assert page.count('<li id="c-') == 30
    address = page.partition('id="older"')[2].partition('hx-get="')[2].partition('"')[0].replace("&amp;", "&")
    older = client.get(address, headers=FRAGMENT | {"HX-Target": "older"})
    assert older.text.count('<li id="c-') == 3
    assert "<html" not in older.text
    assert client.get("/search?q=red&before=nonsense").status_code == 400


def test_a_search_that_takes_long_says_how_far_it_came_and_goes_on(
    shop: Shop, browser: Browser, monkeypatch: pytest.MonkeyPatch
) -> None:
    reached = datetime(2025, 3, 1, tzinfo=UTC), UUID(int=0)
    monkeypatch.setattr(searching, "search", lambda *_: searching.Found([], reached, True))
    text = ask(browser(shop), "red")
    assert "Looked back to" in text
    assert "1 Mar" in text
    assert f"before={paging.write(reached)}" in text


@pytest.mark.parametrize(
    ("typed", "expected"),
    [
        ("fr", 'data-text="from:"'),
        ("from:cam", "from:camille@atelier.example"),
        ("de:cam", "de:camille@atelier.example"),
        ("red is:", 'data-text="red is:resolved" data-whole'),
        ("is:un", "is:unread"),
        ("in:sup", "in:Support"),
        ("has:", "has:attachment"),
        ("lang:fr", "lang:french"),
        ("before:", "before:7d"),
        ("from:age", "from:Agent"),
        ("moreau", 'data-text="from:camille@atelier.example'),
        ("dz-203", "Facture DZ-20377"),
    ],
)
def test_it_suggests(shop: Shop, known: Known, browser: Browser, typed: str, expected: str) -> None:
    assert expected in browser(shop).get(f"/search/suggestions?q={quote(typed)}").text


@pytest.mark.parametrize("typed", ["", " ", '"', "from:", "x" * 5000, "tag:%", "is:\0", "-", ":::", "\\"])
def test_suggestions_take_anything(shop: Shop, browser: Browser, typed: str) -> None:
    assert browser(shop).get("/search/suggestions", {"q": typed}).status_code == 200


def test_suggestions_are_in_the_readers_language(shop: Shop, browser: Browser) -> None:
    user = shop.users["agent"]
    user.language = "ar"
    user.save()
    assert 'data-text="حالة:مفتوح"' in browser(shop).get(f"/search/suggestions?q={quote('حالة:')}").text


def test_the_thread_stays_with_the_search_after_an_act(shop: Shop, known: Known, browser: Browser) -> None:
    headers = FRAGMENT | {"HX-Current-URL": f"http://testserver/search/{known.conversation}?q=facture"}
    response = browser(shop).post(f"/conversations/{known.conversation}/resolve", headers=headers)
    assert "/search?q=facture" in response.text
    with tenant(shop.id):
        assert Message.objects.get().conversation.status == "resolved"
