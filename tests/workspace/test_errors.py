"""When something cannot be done: words, never a trace."""

import re

import psycopg
import pytest
from django.db import OperationalError
from django.test import Client

from tests.workspace.stage import Browser
from tests.worlds import Shop
from wasl.workspace.shapes import rail


def test_what_is_not_there(shop: Shop, browser: Browser) -> None:
    response = browser(shop).get("/nothing-here")
    assert response.status_code == 404
    assert "There is nothing here" in response.text
    assert "To the conversations" in response.text
    assert "Content-Security-Policy" in response.headers


def test_an_address_of_forms_opened_by_itself_says_so(shop: Shop, browser: Browser) -> None:
    answer = browser(shop, "admin").get("/people/invite")
    assert (answer.status_code, answer.headers["Allow"]) == (405, "POST")
    assert "Opening it again changed nothing." in answer.text


@pytest.mark.parametrize(
    ("error", "status", "said"),
    [
        (RuntimeError("secret-detail"), 500, "That went wrong on our side"),
        (OperationalError("secret-detail"), 503, "The database is not answering"),
        (psycopg.OperationalError("secret-detail"), 503, "The database is not answering"),
    ],
)
def test_our_mistakes_say_nothing_of_their_inside(
    shop: Shop, browser: Browser, monkeypatch: pytest.MonkeyPatch, error: Exception, status: int, said: str
) -> None:
    def fail(*_: object) -> None:
        raise error

    monkeypatch.setattr(rail, "places", fail)
    client = browser(shop, raise_request_exception=False)
    response = client.get("/all")
    assert response.status_code == status
    assert said in response.text
    assert "secret-detail" not in response.text
    assert "Traceback" not in response.text
    assert 'href="/all"' in response.text, "the page offers to try again"
    assert response.headers.get("Retry-After") == ("5" if status == 503 else None)
    fragment = client.get("/all", headers={"HX-Request": "true"})
    assert fragment.status_code == status
    assert fragment.headers["Content-Type"].startswith("text/plain")
    assert "<" not in fragment.text


def test_errors_speak_the_readers_language(shop: Shop, browser: Browser) -> None:
    client = browser(shop)
    client.post("/settings", {"language": "ar", "theme": "light", "digits": "latn"})
    page = client.get("/nothing-here").text
    assert '<html lang="ar" dir="rtl" data-theme="light">' in page


def test_every_answer_carries_the_strict_headers(shop: Shop, browser: Browser) -> None:
    for response in (
        Client().get("/sign-in"),
        browser(shop).get("/all"),
        browser(shop).get("/nothing"),
        Client().post("/all"),
    ):
        policy = response.headers["Content-Security-Policy"]
        assert policy.startswith("default-src 'none'")
        assert "unsafe" not in policy
        assert "http" not in policy
        assert response.headers["X-Frame-Options"] == "DENY"
        assert response.headers["X-Content-Type-Options"] == "nosniff"
        assert response.headers["Referrer-Policy"] == "same-origin"
        assert response.headers["Cross-Origin-Opener-Policy"] == "same-origin"
    client = browser(shop, "owner")
    for private in ("/all", "/access.csv", "/export?part=", "/tags/found?name=%00"):
        response = client.get(private)
        assert (response.status_code, response.headers["Cache-Control"]) == (200, "no-store"), private
    assert client.post("/views", {"name": "a\0b"}).status_code == 302


@pytest.mark.parametrize(
    ("came", "offered"),
    [
        ("http://testserver/settings?kept=1", "/settings?kept=1"),
        ("http://evil.example/settings", ""),
        ("http://testserver//evil.example", ""),
        ("javascript:alert(1)", ""),
        ("", ""),
    ],
)
def test_a_form_that_is_too_old_leads_back_to_its_page(
    shop: Shop, browser: Browser, came: str, offered: str
) -> None:
    response = browser(shop, enforce_csrf_checks=True).post("/settings", {}, headers={"Referer": came})
    assert response.status_code == 403
    assert "open too long" in response.text
    links = re.findall(r'<a class="btn primary" href="([^"]*)"', response.text)
    assert links == ([offered] if offered else [])
