"""The second step of signing in: from switching it on to losing the telephone."""

import re
from collections.abc import Iterator
from types import SimpleNamespace
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
from allauth.mfa.models import Authenticator
from allauth.mfa.totp.internal import auth as totp
from django.contrib.auth.hashers import make_password
from django.core.cache import cache
from django.test import Client, override_settings

from tests.workspace.stage import Browser
from tests.worlds import PASSWORD, Shop
from wasl.accounts import access_log, second_step
from wasl.accounts.access_log import Filter
from wasl.accounts.models import Access, Agent, Workspace
from wasl.cli import _parser
from wasl.kit.db import tenant
from wasl.workspace.views import people

ARABIC = str.maketrans("0123456789", "٠١٢٣٤٥٦٧٨٩")


class Telephone:
    """An app that makes codes, and the clock by which it and the server go."""

    def __init__(self) -> None:
        self.now, self.secret = 1_800_000_000, ""

    def scan(self, page: str) -> str:
        """Take the secret off the page of somebody's settings; returns what the page sends back with the code."""
        address = re.search(r'href="(otpauth://[^"]+)"', page)
        sealed = re.search(r'name="offer" value="([^"]+)"', page)
        assert address, page
        assert sealed
        self.secret = parse_qs(urlsplit(address[1].replace("&amp;", "&")).query)["secret"][0]
        return sealed[1]

    def code(self) -> str:
        """What it shows in the next half minute."""
        self.now += 30
        return totp.format_hotp_value(totp.hotp_value(self.secret, self.now // 30))


@pytest.fixture
def telephone(shop: Shop, monkeypatch: pytest.MonkeyPatch) -> Iterator[Telephone]:
    """Passwords are many here, and checking one is meant to be slow: these are checked quickly."""
    made = Telephone()
    monkeypatch.setattr(totp, "time", SimpleNamespace(time=lambda: made.now))
    cache.clear()
    with override_settings(PASSWORD_HASHERS=["django.contrib.auth.hashers.MD5PasswordHasher"]):
        for person in shop.users.values():
            person.password = make_password(PASSWORD)
            person.save()
        yield made


@pytest.fixture
def letters(monkeypatch: pytest.MonkeyPatch) -> list[tuple[Any, str, str]]:
    """What would have been sent, without the thread in which it is."""
    sent: list[tuple[Any, str, str]] = []
    monkeypatch.setattr(people, "_send_to", lambda *letter: sent.append(letter))

    class Now:
        def __init__(self, target: Any, args: tuple[Any, ...], daemon: bool) -> None:
            self.start = lambda: target(*args)

    monkeypatch.setattr(people.threading, "Thread", Now)
    return sent


def enter(shop: Shop, **more: str) -> tuple[Client, Any]:
    """Sign in with the password."""
    client = Client()
    return client, client.post("/sign-in", {"login": shop.users["agent"].email, "password": PASSWORD} | more)


def switch_on(client: Client, telephone: Telephone, **more: str) -> Any:
    offer = telephone.scan(client.get("/settings/second-step").text)
    return client.post("/settings/second-step", {"offer": offer, "code": telephone.code()} | more)


def recovery(page: Any) -> list[str]:
    return re.findall(r"<li><code>([\d ]+)</code>", page.text)


def confirm(client: Client, code: str) -> Any:
    return client.post("/sign-in/second-step", {"code": code})


def test_from_switching_it_on_to_switching_it_off(shop: Shop, telephone: Telephone) -> None:
    client, _ = enter(shop)
    page = client.get("/settings/second-step").text
    assert 'name="password"' not in page, "it was given a moment ago"
    offer = telephone.scan(page)
    wrong = client.post("/settings/second-step", {"offer": offer, "code": "000000"})
    assert (wrong.status_code, telephone.scan(wrong.text)) == (422, offer), (
        "the same code stays to be scanned"
    )
    assert client.post("/settings/second-step", {"offer": "made up", "code": "1"}).status_code == 422
    used = telephone.code()
    made = client.post("/settings/second-step", {"offer": offer, "code": used})
    codes = recovery(made)
    assert len(set(codes)) == 10
    assert made.headers["Cache-Control"] == "no-store"
    kept = str(list(Authenticator.objects.values_list("data", flat=True)))
    assert telephone.secret not in kept, "sealed"
    assert recovery(client.get("/settings/second-step")) == [], "shown once"
    assert "10 recovery codes are left" in client.get("/settings").text

    client, response = enter(shop, next="/customers?q=a")
    assert response.headers["Location"] == "/sign-in/second-step"
    assert client.get("/all").headers["Location"] == "/sign-in?next=%2Fall", "not in yet"
    assert client.get("/sign-in").headers["Location"] == "/sign-in/second-step"
    page = client.get("/sign-in/second-step").text
    assert 'autocomplete="one-time-code"' in page
    assert 'inputmode="numeric"' in page
    again = confirm(client, used)
    assert (again.status_code, "used already" in again.text) == (422, True), "a code is good once"
    assert confirm(client, telephone.code()).headers["Location"] == "/customers?q=a"
    assert client.get("/all").status_code == 200

    client, _ = enter(shop)
    assert confirm(client, codes[3].translate(ARABIC)).headers["Location"] == "/"
    assert "9 recovery codes are left" in client.get("/settings/second-step").text
    client, _ = enter(shop)
    assert confirm(client, codes[3]).status_code == 422, "each opens once"
    assert client.post("/sign-in/second-step", {"leave": ""}).headers["Location"] == "/sign-in"
    assert client.get("/sign-in/second-step").headers["Location"] == "/sign-in"

    client, _ = enter(shop)
    confirm(client, telephone.code())
    assert client.post("/settings/second-step/codes", {"password": "wrong"}).status_code == 422
    new = recovery(client.post("/settings/second-step/codes", {"password": PASSWORD}))
    assert (len(new), set(new) & set(codes)) == (10, set())
    assert not second_step.passes(shop.users["agent"].pk, codes[0])
    assert client.post("/settings/second-step/off", {"password": ""}).status_code == 422
    assert client.post("/settings/second-step/off", {"password": PASSWORD}).status_code == 302
    assert not Authenticator.objects.exists()
    assert enter(shop)[1].headers["Location"] == "/"
    with tenant(shop.id):
        verbs = list(Access.objects.filter(changed=True).order_by("at").values_list("verb", flat=True))
    assert verbs == ["second_step", "second_step_codes", "second_step_off"]


def test_who_tries_codes_has_to_wait(
    shop: Shop, telephone: Telephone, monkeypatch: pytest.MonkeyPatch
) -> None:
    switch_on(enter(shop)[0], telephone)
    for _attempt in range(5):
        cache.clear()  # another process, or this one after a start, remembers nothing
        client, _ = enter(shop)
        assert "not right" in confirm(client, "000000").text
    right = telephone.code()
    assert "Too many tries" in confirm(client, right).text, "even with the right code"
    with monkeypatch.context() as later:
        later.setattr(second_step, "WITHIN", 0)
        assert confirm(client, right).status_code == 302
    client, _ = enter(shop)
    assert confirm(client, telephone.code()).status_code == 302, "who is in begins afresh"
    Authenticator.objects.update(data={"secret": "sealed elsewhere", "seed": "", "used_mask": 0})
    client, _ = enter(shop)
    assert confirm(client, telephone.code()).status_code == 422, "what cannot be read opens nothing"


def test_a_workspace_asks_everybody(shop: Shop, browser: Browser, telephone: Telephone) -> None:
    agent, admin = browser(shop, "agent"), browser(shop, "admin")
    assert agent.post("/people/second-step", {"required": "on"}).status_code == 403
    assert agent.get("/all").status_code == 200
    assert admin.post("/people/second-step", {"required": "on"}).status_code == 302
    for path in ("/all", "/people", "/settings"):
        assert admin.get(path).headers["Location"] == "/settings/second-step"
    assert agent.get("/all", headers={"HX-Request": "true"}).headers["HX-Redirect"] == "/settings/second-step"
    assert agent.post("/settings", {"language": "ar"}).headers["Location"] == "/settings/second-step"
    page = agent.get("/settings/second-step").text
    assert "Dar-Zaytun asks everybody for it" in page
    assert 'class="rail"' not in page
    assert switch_on(agent, telephone).status_code == 422, (
        "who opened this browser long ago shows their password"
    )
    assert len(recovery(switch_on(agent, telephone, password=PASSWORD))) == 10
    assert agent.get("/all").status_code == 200
    anew = agent.post("/settings/second-step/off", {"password": PASSWORD})
    assert anew.headers["Location"] == "/settings/second-step"
    assert agent.get("/all").status_code == 302, "with another telephone, before anything else"
    with tenant(shop.id):
        assert Workspace.objects.get().second_step


def test_a_lost_telephone(
    shop: Shop, browser: Browser, telephone: Telephone, letters: list[tuple[Any, str, str]]
) -> None:
    path = f"/people/{shop.agents['agent'].id}/second-step"
    admin = browser(shop, "admin")
    assert admin.post(path).status_code == 404, "there is nothing to take"
    switch_on(enter(shop)[0], telephone)
    switch_on(browser(shop, "owner"), telephone, password=PASSWORD)
    listed = admin.get("/people").text
    assert listed.count("Second step</span>") == 2
    assert listed.count("Telephone lost") == 1, "an owner’s is not an administrator’s to take"
    assert admin.post(f"/people/{shop.agents['owner'].id}/second-step").status_code == 403
    assert browser(shop, "agent").post(path).status_code == 403

    other = Shop.create("elsewhere", "support@elsewhere.example")
    with tenant(other.id):
        guest = Agent.objects.create(
            workspace_id=other.id, user=shop.users["agent"], name="Guest", role="agent"
        )
    refused = admin.post(path)
    assert (refused.status_code, "another workspace too" in refused.text) == (422, True)
    with tenant(other.id):
        Agent.objects.filter(id=guest.id).update(is_active=False)

    assert admin.post(path, follow=True).status_code == 200
    assert not second_step.is_on(shop.users["agent"].pk)
    assert second_step.is_on(shop.users["owner"].pk)
    ((person, subject, body),) = letters
    assert (person, subject) == (shop.users["agent"], "Your sign-in no longer asks for a code")
    assert "Admin switched off" in body
    with tenant(shop.id):
        line = access_log.lines(shop.actor("owner"), Filter(changed=True))[0][0]
    assert (line.verb, line.who, line.detail) == ("second_step_take", "Admin", {"name": "Agent"})
    assert enter(shop)[1].headers["Location"] == "/"

    parsed = _parser().parse_args(["second-step", "off", shop.users["owner"].email.title()])
    assert (parsed.run(parsed), parsed.run(parsed)) == (0, 1), "an owner whom nobody else may let in"
    assert not second_step.is_on(shop.users["owner"].pk)
    with tenant(shop.id):
        line = access_log.lines(shop.actor("owner"), Filter(changed=True))[0][0]
    assert (line.verb, line.who, line.detail) == ("second_step_take", "", {"name": "Owner"})
