"""The phone's pages: who may play, what is shown of whom, and what happens while the sandbox is away."""

import json
import re
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

import pytest
from django.conf import settings
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client
from django.urls import reverse

from tests.inbound import mail, take
from tests.processes import free_port
from tests.sandbox.stand import standing
from tests.worlds import Shop
from wasl.channels import chat_inboxes
from wasl.channels.chat_inboxes import ChatInbox
from wasl.cli import demo_chats, demo_places
from wasl.kit.clock import now
from wasl.kit.db import tenant
from wasl.sandbox import phone
from wasl.sandbox.chats import Chats, Ends, Files, Item, Thread
from wasl.sandbox.network import Mode, Network
from wasl.sandbox.standins import standins
from wasl.sandbox.standins._calls import Course
from wasl.visits.models import Purpose
from wasl.widget import tokens

SALMA = "salma.bennani@barid.example"
NUMBER = "109000000000001"
PNG = b"\x89PNG\r\n\x1a\n" + bytes(40)


@pytest.fixture(autouse=True)
def own_folder(tmp_path: Path, monkeypatch: Any) -> None:
    """The pages use a folder and ports of the test's own."""
    changed = replace(settings.ENV, data_dir=tmp_path, sandbox_http_port=free_port())
    monkeypatch.setattr(settings, "ENV", changed)


@pytest.fixture
def salma(shop: Shop) -> str:
    """Her page, in a shop with a WhatsApp inbox that is pointed at the stand-in, and one that is not."""
    take(shop, mail("Bonjour", sender=f"Salma <{SALMA}>"))
    with tenant(shop.id):
        for address, base in ((NUMBER, phone.base("whatsapp")), ("2", "https://graph.example")):
            values = {"address": address, "access_token": "t", "app_secret": "s", "base_url": base}
            kind = chat_inboxes.kind("whatsapp")
            chat_inboxes.open_inbox(
                shop.actor("admin"), kind, ChatInbox(name="WA", language="", values=values)
            )
    text = browser(shop).get(reverse("sandbox")).content.decode()
    found = re.search(r'href="(/sandbox/[0-9a-f-]{36})"', text)
    assert found
    return found[1]


def browser(shop: Shop, who: str = "agent") -> Client:
    client = Client()
    client.force_login(shop.users[who], backend="allauth.account.auth_backends.AuthenticationBackend")
    return client


def thread(folder: Path) -> Thread:
    return Thread("whatsapp", NUMBER, phone.Numbers(folder).of(SALMA))


def test_only_inboxes_that_are_pointed_at_a_standin_are_apps(shop: Shop, salma: str, tmp_path: Path) -> None:
    text = browser(shop).get(salma).content.decode()
    assert text.count('id="phone"') == 1
    assert f"{salma}?app=whatsapp" in text
    [end] = Ends(tmp_path / "sandbox").all("whatsapp")
    assert (end.address, end.secrets["app_secret"], end.name) == (NUMBER, "s", "Dar-Zaytun")
    assert re.search(r"/hooks/whatsapp/[0-9a-f-]{36}$", end.webhook)


def test_without_an_inbox_there_is_no_phone(shop: Shop) -> None:
    take(shop, mail("Bonjour", sender=f"Salma <{SALMA}>"))
    assert 'id="phone"' not in browser(shop).get(reverse("sandbox")).content.decode()


def test_everybody_has_a_number_of_their_own_and_keeps_it(tmp_path: Path) -> None:
    numbers = phone.Numbers(tmp_path)
    numbers.give("Amal@home.example", "33639980101")
    found = [numbers.of(f"{n}@home.example") for n in range(5)]
    assert len({*found, numbers.of("amal@home.example")}) == 6
    assert all(re.fullmatch(r"3363998\d{4}", each) for each in found)
    assert [phone.Numbers(tmp_path).of(f"{n}@home.example") for n in range(5)] == found


def test_what_is_written_leaves_by_the_standin(shop: Shop, salma: str, tmp_path: Path) -> None:
    with standing(tmp_path / "sandbox", http=settings.ENV.sandbox_http_port) as stand:
        client = browser(shop)
        client.get(salma)
        answer = client.post(f"{salma}/phone/whatsapp", {"text": "Salam"}, headers={"HX-Request": "true"})
        assert answer["HX-Trigger"] == "sandbox:changed"
        assert 'value=""' in answer.content.decode()
        file = SimpleUploadedFile("plate.png", PNG, "image/png")
        assert client.post(f"{salma}/phone/whatsapp", {"text": "", "files": file}).status_code == 303
        first, picture = stand.provider.world.chats.items(thread(tmp_path / "sandbox"))
        assert (first.text, picture.kind) == ("Salam", "image")
        shown = client.get(f"{salma}/phone/whatsapp/{picture.files[0]}")
        assert (shown["Content-Type"], b"".join(shown.streaming_content)) == ("image/png", PNG)  # type: ignore[attr-defined]
        assert "sandbox" in shown["Content-Security-Policy"]
        gone = client.post(f"{salma}/phone/whatsapp", {"do": "delete", "of": first.id})
        assert gone.status_code == 303
        assert stand.provider.world.chats.items(thread(tmp_path / "sandbox"))[0].gone


def test_while_the_sandbox_is_away_nothing_is_lost(shop: Shop, salma: str) -> None:
    client = browser(shop)
    kept = client.post(f"{salma}/phone/whatsapp", {"text": "Salam"}, headers={"HX-Request": "true"})
    assert 'value="Salam"' in kept.content.decode()
    assert 'role="alert"' in kept.content.decode()
    assert "HX-Trigger" not in kept
    empty = client.post(f"{salma}/phone/whatsapp", {"text": "  "}, headers={"HX-Request": "true"})
    assert "Écrivez d’abord quelque chose" in empty.content.decode(), "the phone speaks her language"
    assert client.post(f"{salma}/phone/whatsapp", {"do": "react", "of": "x", "text": "👍"}).status_code == 422


def test_who_only_reads_does_not_play(shop: Shop, salma: str) -> None:
    client = browser(shop, "readonly")
    page = client.get(f"{salma}?app=whatsapp").content.decode()
    assert 'id="screen"' in page
    assert 'id="say"' not in page
    assert client.post(f"{salma}/phone/whatsapp", {"text": "Salam"}).status_code == 403
    assert client.post(f"{salma}/phone/whatsapp/network", {"mode": "lose"}).status_code == 403


def test_what_is_not_there(shop: Shop, salma: str, tmp_path: Path) -> None:
    client = browser(shop)
    other = Files(tmp_path / "sandbox").put(PNG, "image/png")
    for path in ("phone/pigeon", "phone/sms", "phone/whatsapp/network"):
        assert client.post(f"{salma}/{path}", {"mode": "bounce", "end": "9"}).status_code == 404
    assert client.post(f"{salma}/phone/whatsapp", {"do": "fly"}).status_code == 404
    assert client.post(f"{salma}/phone/whatsapp/network", {"mode": "fly"}).status_code == 422
    assert client.get(f"{salma}/phone/whatsapp/{other}").status_code == 404, "a file of nobody's chat"
    stranger = Shop.create("other", "support@other.example")
    assert browser(stranger).post(f"{salma}/phone/whatsapp", {"text": "x"}).status_code == 404


def test_the_network_is_told_for_this_customer_alone(shop: Shop, salma: str, tmp_path: Path) -> None:
    client = browser(shop)
    client.get(salma)
    assert client.post(f"{salma}/phone/whatsapp/network", {"mode": "twice", "keep": "1"}).status_code == 303
    network, who = Network(tmp_path / "sandbox"), thread(tmp_path / "sandbox").person
    assert network.rule_on("whatsapp", who).mode == Mode.TWICE
    assert network.rule_on("whatsapp", "33639980000").mode == Mode.AT_ONCE
    assert network.rule(SALMA).mode == Mode.AT_ONCE, "mail is another road"
    page = client.get(f"{salma}?app=whatsapp").content.decode()
    assert re.search(r'value="twice" checked', page)
    assert re.search(r'name="keep" value="1" checked', page)


def test_the_screen_is_read_again_without_what_is_being_written(
    shop: Shop, salma: str, tmp_path: Path
) -> None:
    client = browser(shop)
    client.get(salma)
    chats = Chats(tmp_path / "sandbox")
    chats.add(thread(tmp_path / "sandbox"), Item("1", 1.0, False, "On its way", state="sent"))
    chats.add(thread(tmp_path / "sandbox"), Item("2", 2.0, False, "<b>Arrived</b>", state="delivered"))
    headers = {"HX-Request": "true", "HX-Target": "screen"}
    news = client.get(f"{salma}?app=whatsapp", headers=headers).content.decode()
    assert "&lt;b&gt;Arrived" in news
    assert "On its way" not in news, "it has not arrived"
    assert 'id="say"' not in news
    assert 'id="apps"' in news
    whole = client.get(f"{salma}?app=whatsapp", headers=headers | {"HX-Target": "phone"}).content.decode()
    assert whole.lstrip().startswith('<section class="phone"')
    assert '<section class="panel" id="network" hx-swap-oob="true">' in whole


def test_what_went_over_the_apps_is_told(shop: Shop, salma: str, tmp_path: Path) -> None:
    client = browser(shop)
    client.get(salma)
    chats = Chats(tmp_path / "sandbox")
    for number, state in enumerate(("sent", "delivered", "read", "failed")):
        for theirs in {state != "failed", False}:
            name = f"{number}{theirs}"
            chats.add(thread(tmp_path / "sandbox"), Item(name, 1.0 + number, theirs, "x", state=state))
    wire = client.get(salma).content.decode().partition('id="wire"')[2]
    plain = re.sub(r"<[^>]+>", "", wire)
    for words in ("to Salma, read", "to Salma, arrived", "to Salma, on its way", "to Salma, did not arrive"):
        assert f"WhatsApp {words}" in plain
    for words in ("not yet with Wasl", "taken by Wasl", "read by the shop"):
        assert f"WhatsApp from Salma, {words}" in plain


def test_the_demo_speaks_to_people_who_are_not_there() -> None:
    told = demo_chats.texts()
    people = {each["key"]: each for each in told["customers"]}
    assert len({each["phone"] for each in people.values()}) == len(people) >= 8
    assert all(re.fullmatch(r"3363998\d{4}", each["phone"]) for each in people.values())
    assert all(each["email"].endswith(".example") for each in people.values())
    talks = told["conversations"]
    assert {people[each["customer"]]["language"] for each in talks} == {"ar", "fr", "it", "en"}
    assert {"whatsapp", "sms", "telegram"} <= {each["channel"] for each in talks}
    for each in talks:
        assert each["messages"][0]["from"] == "customer"
        spent = sum(message["minutes_after"] for message in each["messages"])
        assert spent < each["started_days_ago"] * 24 * 60, each["key"]
    assert not re.search(r"['\"]", "".join(m["text"] for each in talks for m in each["messages"]))


def test_a_call_a_letter_and_the_website_are_on_the_phone(shop: Shop, salma: str, tmp_path: Path) -> None:
    with tenant(shop.id):
        admin = shop.actor("admin")
        for name in ("voice", "post"):
            demo_chats._opened(admin, standins()[name])
        site = ChatInbox(name="Chat", language="", values={"address": "http://testserver"})
        chat = chat_inboxes.open_inbox(admin, chat_inboxes.kind("webchat"), site)
        secret = chat_inboxes.settings_of(chat).secrets["identity_secret"]
    here, client = tmp_path / "sandbox", browser(shop)
    assert f'href="{salma}/shop"' in client.get(salma).content.decode()
    page = client.get(f"{salma}/shop").content.decode()
    assert f'src="/widget/{chat.id}.js"' in page
    token = re.search(r' token="([^"]+)"', page)
    assert token
    assert tokens.read(token[1], secret, now()) == tokens.Account(salma.rpartition("/")[2], SALMA, "Salma")
    assert " token=" not in client.get(f"{salma}/shop?guest=1").content.decode()

    chats, [voice], [post] = Chats(here), Ends(here).all("voice"), Ends(here).all("post")
    calls = Thread("voice", voice.address, f"+{phone.Numbers(here).of(SALMA)}")
    ringing = Course(phase="ringing", legs=[["CA2", "+33639980081", "ringing"]], said=["Un instant."])
    chats.add(calls, Item("CA1", 1.0, True, kind="call", data=json.dumps(asdict(ringing))))
    text = client.get(salma).content.decode()
    assert 'class="oncall"' in text, "it lies over whatever is open"
    assert all(
        each in text for each in ("Un instant.", "+33639980081", 'value="turn_down"', 'value="hang_up"')
    )
    ended = Course(phase="ended", end="completed", seconds=75)
    chats.change(calls, "CA1", data=json.dumps(asdict(ended)))
    text = client.get(f"{salma}?app=voice").content.decode()
    assert "1:15" in text
    assert 'class="oncall"' not in text

    kept = Files(here).put(b"%PDF-1.7", "application/pdf", "letter.pdf")
    letter = Item("L1", 2.0, False, kind="letter", files=(kept,), state="delivered")
    chats.add(Thread("post", post.address, "salma"), letter)
    assert f"{salma}/phone/post/{kept}" in client.get(f"{salma}?app=post").content.decode()
    shown = client.get(f"{salma}/phone/post/{kept}")
    assert (shown["Content-Type"], shown["Content-Disposition"][:6]) == ("application/pdf", "inline")
    assert b"".join(shown.streaming_content) == b"%PDF-1.7"  # type: ignore[attr-defined]
    assert client.post(f"{salma}/phone/post", {"do": "write", "text": "x"}).status_code == 404


def test_the_demo_has_places_for_people_who_are_there() -> None:
    told, chats = demo_places.load(), demo_chats.texts()
    people = json.loads((demo_places._DATA / "people.json").read_text(encoding="utf-8"))
    known = {each["key"] for each in people["customers"]}
    agents = {each["key"] for each in people["agents"] if each["role"] != "readonly"}
    phones = {each["key"] for each in chats["customers"]}
    visits = [*told["visits"], *told["waiting"]]
    assert {each["customer"] for each in visits if "customer" in each} | {told["letter"]["customer"]} <= known
    assert {each["customer"] for each in told["calls"]} <= phones
    assert {each["chat"] for each in told["callbacks"]} <= {each["key"] for each in chats["conversations"]}
    acting = [each["agent"] for each in [*visits, *told["callbacks"], told["letter"]] if "agent" in each]
    assert {*acting, *told["telephones"]} <= agents
    assert {each["purpose"] for each in visits} <= set(Purpose.values)
    assert all(number.startswith("+3363998") for number in told["telephones"].values()), "kept for fiction"
