"""Sign-in and all that stands before it."""

import re
import threading
from email import message_from_binary_file
from email.utils import parseaddr
from typing import Any

import psycopg
import pytest
from django.core.cache import cache
from django.test import Client

from tests.workspace.stage import Browser
from tests.worlds import PASSWORD, Shop
from wasl.accounts.models import User
from wasl.delivery.lines import Letter
from wasl.workspace import post, signin


@pytest.fixture(autouse=True)
def _fresh_limits() -> None:
    cache.clear()


def sign_in(shop: Shop, password: str = PASSWORD, **more: str) -> tuple[Client, Any]:
    client = Client()
    form = {"login": shop.users["agent"].email, "password": password} | more
    return client, client.post("/sign-in", form)


def test_signing_in_leads_to_the_workspace_and_out_again(shop: Shop) -> None:
    client, response = sign_in(shop, remember="on")
    assert (response.status_code, response.headers["Location"]) == (302, "/")
    assert client.cookies["wasl_session"]["max-age"] == 1_209_600
    assert client.cookies["wasl_session"]["httponly"]
    assert client.get("/mine").status_code == 200
    assert client.get("/sign-out").status_code == 200
    assert client.get("/mine").status_code == 200, "looking at the sign-out page signs nobody out"
    assert client.post("/sign-out").headers["Location"] == "/sign-in"
    assert client.get("/mine").headers["Location"] == "/sign-in?next=%2Fmine"


def test_not_staying_signed_in_lasts_as_long_as_the_browser(shop: Shop) -> None:
    client, _ = sign_in(shop)
    assert client.cookies["wasl_session"]["max-age"] == ""


def test_after_signing_in_one_is_where_one_wanted_to_be(shop: Shop) -> None:
    _, response = sign_in(shop, next="/customers?q=a")
    assert response.headers["Location"] == "/customers?q=a"
    _, response = sign_in(shop, next="https://evil.example/")
    assert response.headers["Location"] == "/"


def test_a_wrong_password_and_an_unknown_address_read_the_same(shop: Shop) -> None:
    said = []
    for address in (shop.users["agent"].email, "nobody@nowhere.example"):
        response = Client().post("/sign-in", {"login": address, "password": "wrong"})
        assert response.status_code == 200
        said.append(re.findall(r'role="alert">.*?<span>(.*?)</span>', response.text))
    assert said[0] == said[1] == ["The password does not match this address."]


def test_too_many_tries_must_wait(shop: Shop) -> None:
    for _ in range(6):
        _, response = sign_in(shop, "wrong")
    assert "Too many tries" in response.text
    _, response = sign_in(shop)
    assert response.status_code == 200, "even with the right password"


def test_trying_many_addresses_gives_no_more_tries_at_one(shop: Shop) -> None:
    for _ in range(5):
        sign_in(shop, "wrong")
    for number in range(400):
        cache.set(f"tries-at-another-address:{number}", [1.0], 300)
    _, response = sign_in(shop)
    assert "Too many tries" in response.text


def test_a_closed_account_does_not_open(shop: Shop) -> None:
    User.objects.filter(id=shop.users["agent"].id).update(is_active=False)
    client, _ = sign_in(shop)
    assert client.get("/mine").status_code == 302


def test_nobody_makes_an_account_for_themselves(db: None) -> None:
    assert Client().get("/signup/").status_code == 404
    assert Client().post("/signup", {"email": "a@b.example", "password1": "long enough"}).status_code == 404


@pytest.fixture
def letters(monkeypatch: pytest.MonkeyPatch) -> list[tuple[User, str, str]]:
    """What would have been sent; sending happens at once, not in a thread."""
    sent: list[tuple[User, str, str]] = []
    monkeypatch.setattr(post, "to_agent", lambda user, subject, body: sent.append((user, subject, body)))

    class Now:
        def __init__(self, target: Any, args: tuple[Any, ...], daemon: bool) -> None:
            self.run = lambda: target(*args)

        def start(self) -> None:
            self.run()

    monkeypatch.setattr(signin, "threading", type("threads", (), {"Thread": Now, "main": threading}))
    monkeypatch.setattr(signin.connection, "close", lambda: None)
    return sent


def test_a_forgotten_password_is_replaced_by_a_link_that_works_once(
    shop: Shop, owner: psycopg.Connection[Any], letters: list[tuple[User, str, str]]
) -> None:
    client = Client()
    response = client.post("/password", {"email": shop.users["agent"].email})
    assert response.headers["Location"] == "/password/sent"
    assert client.get("/password/sent").status_code == 200
    ((user, subject, body),) = letters
    assert user == shop.users["agent"]
    assert "\n" not in subject
    link = re.search(r"http://\S+(/password/new/\S+)", body)
    assert link
    other = Client()
    opened = other.get(link[1])
    assert opened.status_code == 302, "the key leaves the address before the page is shown"
    assert "Choose a new password" in other.get(opened.headers["Location"]).text
    weak = other.post(opened.headers["Location"], {"password1": "password", "password2": "password"})
    assert 'aria-invalid="true"' in weak.text
    new = "olives and lamps and tables"
    owner.execute("LISTEN wasl_live")
    done = other.post(opened.headers["Location"], {"password1": new, "password2": new})
    (told,) = owner.notifies(timeout=10, stop_after=1)
    assert '"access"' in told.payload  # whoever is signed in with the old one is looked at
    assert done.headers["Location"] == "/password/changed"
    assert "Your password is changed" in other.get(done.headers["Location"]).text
    assert "This link no longer works" in Client().get(link[1], follow=True).text
    assert Client().post("/sign-in", {"login": user.email, "password": new}).status_code == 302


def test_asking_for_an_unknown_address_reads_the_same_and_sends_nothing(
    shop: Shop, letters: list[tuple[User, str, str]]
) -> None:
    response = Client().post("/password", {"email": "nobody@nowhere.example"})
    assert response.headers["Location"] == "/password/sent"
    assert letters == []


def test_letters_leave_by_the_workspaces_own_inbox(shop: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    sent: list[Any] = []

    class Line:
        def __init__(self, outlet: Any) -> None:
            self.outlet = outlet

        def send(self, letter: Letter) -> None:
            sent.append((self.outlet.address, message_from_binary_file(letter.file)))

        def close(self) -> None:
            sent.append("closed")

    monkeypatch.setattr(post, "SmtpLine", Line)
    post.to_agent(shop.users["agent"], "Subject", "Body")
    (address, letter), closed = sent
    assert closed == "closed"
    assert address == parseaddr(letter["From"])[1] == "support@dar-zaytun.example"
    assert parseaddr(letter["To"])[1] == "agent@dar-zaytun.example"
    assert letter["Auto-Submitted"] == "auto-generated"
    stranger = User.objects.create_user("s@elsewhere.example", name="Stranger")
    with pytest.raises(post.NoWayOut):
        post.to_agent(stranger, "Subject", "Body")


def test_a_password_is_changed_and_one_stays_signed_in(shop: Shop, browser: Browser) -> None:
    client = browser(shop)
    new = "lamps and tables and olives"
    form = {"oldpassword": "wrong", "password1": new, "password2": new}
    assert 'aria-invalid="true"' in client.post("/password/change", form).text
    done = client.post("/password/change", form | {"oldpassword": PASSWORD})
    assert done.headers["Location"] == "/settings?kept=1"
    assert client.get("/mine").status_code == 200
    _, response = sign_in(shop, new)
    assert response.headers["Location"] == "/"


@pytest.mark.parametrize(("code", "direction"), [("ar", "rtl"), ("fr", "ltr"), ("it", "ltr"), ("en", "ltr")])
def test_the_switch_speaks_four_languages(db: None, code: str, direction: str) -> None:
    client = Client()
    response = client.post("/language", {"language": code, "next": "/sign-in?next=/all"})
    assert response.headers["Location"] == "/sign-in?next=/all"
    page = client.get("/sign-in").text
    assert f'<html lang="{code}" dir="{direction}">' in page
    assert re.search(rf'value="{code}" lang="{code}" aria-current="true"', page)


def test_the_switch_knows_no_other_language_and_no_other_site(db: None) -> None:
    client = Client()
    response = client.post("/language", {"language": "xx", "next": "https://evil.example/"})
    assert response.headers["Location"] == "/"
    assert "wasl_language" not in response.cookies
    assert client.get("/language").status_code == 405


def test_the_browsers_language_is_heard(db: None) -> None:
    page = Client().get("/sign-in", headers={"Accept-Language": "ar-MA,ar;q=0.9,en;q=0.5"}).text
    assert '<html lang="ar" dir="rtl">' in page
    assert '<html lang="en" dir="ltr">' in Client().get("/sign-in", headers={"Accept-Language": "zz"}).text


def test_ones_own_settings_are_kept_and_followed(shop: Shop, browser: Browser) -> None:
    client = browser(shop)
    kept = client.post("/settings", {"language": "ar", "theme": "dark", "digits": "arab"})
    assert kept.headers["Location"] == "/settings?kept=1"
    page = client.get("/settings?kept=1")
    assert '<html lang="ar" dir="rtl" data-theme="dark">' in page.text
    assert page.headers["Content-Language"] == "ar"
    assert '<html lang="en"' in browser(shop, "owner").get("/settings").text
    assert client.post("/settings", {"language": "xx", "theme": "dark", "digits": "latn"}).status_code == 422


def test_asking_over_and_over_must_wait_too(shop: Shop) -> None:
    for _ in range(6):
        response = Client().post("/password", {"email": "nobody@nowhere.example"})
    assert response.status_code == 429
    assert "Wait five minutes" in response.text
    assert "To the conversations" in response.text, "a page of ours"
