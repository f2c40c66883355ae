"""The customers' page, and one message there and back through every real part."""

import importlib
import re
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from django.conf import settings
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client
from django.urls import reverse
from django.utils import translation

from tests.delivery.road import FAST
from tests.inbound import mail, take, work
from tests.processes import free_port, role, wait_for_port
from tests.sandbox.stand import standing
from tests.worlds import Shop
from wasl.accounts.models import Access
from wasl.channels.email.parse import parse
from wasl.channels.models import Inbox
from wasl.config import urls
from wasl.conversations.models import Conversation, Message
from wasl.conversations.reply import reply
from wasl.delivery.queries import states
from wasl.delivery.work import Sender
from wasl.kit import db
from wasl.sandbox.network import Mode, Network
from wasl.sandbox.place import Place

SALMA = "salma.bennani@barid.example"
ANSWER = (
    b"From: Dar Zaytun <support@dar-zaytun.example>\r\nTo: <salma.bennani@barid.example>\r\n"
    b"Return-Path: <support@dar-zaytun.example>\r\nSubject: Re: Lamp\r\nMessage-ID: <one@dar-zaytun.example>\r\n"
    b"References: <first@barid.example>\r\nReply-To: <support+r123@dar-zaytun.example>\r\n"
    b"MIME-Version: 1.0\r\nContent-Type: multipart/mixed; boundary=b\r\n\r\n"
    b"--b\r\nContent-Type: text/html; charset=utf-8\r\n\r\n"
    b"<p>Hello Salma</p><script>alert(1)</script><img src=https://track.example/x.png><img src=cid:lamp>\r\n"
    b"--b\r\nContent-Type: image/png\r\nContent-ID: <lamp>\r\nContent-Disposition: inline\r\n\r\nPNG\r\n"
    b'--b\r\nContent-Type: application/pdf\r\nContent-Disposition: attachment; filename="bill.pdf"\r\n\r\nPDF\r\n'
    b"--b--\r\n"
)


@pytest.fixture(autouse=True)
def own_folder(tmp_path: Path, monkeypatch: Any) -> None:
    """The pages use a folder of the test's own, and a mail listener that is not there."""
    changed = replace(settings.ENV, data_dir=tmp_path, smtp_host="127.0.0.1", smtp_port=free_port())
    monkeypatch.setattr(settings, "ENV", changed)


@pytest.fixture
def place(tmp_path: Path) -> Place:
    return Place(tmp_path / "sandbox")


def browser(shop: Shop, who: str = "agent") -> Client:
    client = Client()
    client.force_login(shop.users[who], backend="allauth.account.auth_backends.AuthenticationBackend")
    return client


@pytest.fixture
def salma(shop: Shop) -> str:
    """The page of a customer who has written."""
    take(shop, mail("Bonjour", sender=f"Salma Bennani <{SALMA}>"))
    take(shop, mail("Ciao", sender="Giulia <giulia.ferri@posta.example>"))
    take(shop, mail("Hello", sender="Outside <someone@gmail.com>"))
    return address(browser(shop), "Salma Bennani")


def address(client: Client, name: str) -> str:
    text = client.get(reverse("sandbox")).content.decode()
    found = re.search(rf'href="(/sandbox/[0-9a-f-]+)"[^>]*><bdi>{name}</bdi>', text)
    assert found, name
    return found[1]


def test_only_customers_of_the_workspace_who_live_here_can_be_played(shop: Shop, salma: str) -> None:
    other = Shop.create("other", "support@other.example")
    text = browser(shop).get(reverse("sandbox")).content.decode()
    assert "Salma Bennani" in text
    assert "Giulia" in text
    assert "someone@gmail.com" not in text
    assert browser(other).get(salma).status_code == 404
    assert "Nobody to play yet" in browser(other).get(reverse("sandbox")).content.decode()


def test_whoever_got_mail_last_is_played_first(shop: Shop, salma: str, place: Place) -> None:
    client = browser(shop)
    for someone in ("giulia.ferri@posta.example", SALMA):
        place.deliver(someone, ANSWER)
        assert f"<bdi>{someone}</bdi></h2>" in client.get(reverse("sandbox")).content.decode()


def test_a_mail_is_read_safely(shop: Shop, salma: str, place: Place) -> None:
    name = place.deliver(SALMA, ANSWER)
    client = browser(shop)
    text = client.get(salma).content.decode()
    assert "Hello Salma" in text
    assert "alert(1)" not in text
    assert "track.example" not in re.sub(r'data-remote-src="[^"]*"', "", text)
    assert f'src="{salma}/inbox/{name}/0?show=1"' in text
    shown = client.get(f"{salma}/inbox/{name}/0?show=1")
    assert (shown["Content-Type"], b"".join(shown.streaming_content).strip()) == ("image/png", b"PNG")  # type: ignore[attr-defined]
    kept = client.get(f"{salma}/inbox/{name}/1")
    assert "attachment" in kept["Content-Disposition"]
    assert kept["Content-Security-Policy"].startswith("default-src 'none'")
    assert client.get(f"{salma}/inbox/{name}/7").status_code == 404


def test_opening_changes_nothing_by_itself(shop: Shop, salma: str, place: Place) -> None:
    name = place.deliver(SALMA, ANSWER)
    client = browser(shop)
    assert "data-unread" in client.get(salma).content.decode()
    assert not place.mail(SALMA, name).seen
    said = client.post(f"{salma}/mails/{name}/seen", {"seen": "1"}, headers={"HX-Request": "true"})
    assert (said.status_code, said["HX-Trigger"]) == (204, "sandbox:changed")
    assert place.mail(SALMA, name).seen
    assert "E-mail to <bdi>Salma</bdi>, read" in client.get(salma).content.decode()
    client.post(f"{salma}/mails/{name}/seen", {"seen": "0"})
    assert not place.mail(SALMA, name).seen


def test_who_may_only_read_changes_nothing(shop: Shop, salma: str, place: Place) -> None:
    name = place.deliver(SALMA, ANSWER)
    client = browser(shop, "readonly")
    assert client.get(salma).status_code == 200
    for target in ("send", "network", f"mails/{name}/seen", f"mails/{name}/junk"):
        assert client.post(f"{salma}/{target}").status_code == 403, target
    assert client.post(reverse("sandbox_somebody")).status_code == 403


def test_the_network_is_told(shop: Shop, salma: str, tmp_path: Path) -> None:
    client, network = browser(shop), Network(tmp_path / "sandbox")
    client.post(f"{salma}/network", {"mode": "refuse_now"})
    assert (network.rule(SALMA).mode, network.rule(SALMA).once) == (Mode.REFUSE_NOW, True)
    client.post(f"{salma}/network", {"mode": "bounce", "keep": "1"})
    assert (network.rule(SALMA).mode, network.rule(SALMA).once) == (Mode.BOUNCE, False)
    text = client.get(salma).content.decode()
    assert re.search(r'value="bounce" checked', text)
    client.post(f"{salma}/network", {"mode": "at_once"})
    assert network.rule(SALMA).mode == Mode.AT_ONCE
    assert client.post(f"{salma}/network", {"mode": "explode"}).status_code == 422


def test_a_mail_wasl_does_not_take_is_said_and_not_lost(shop: Shop, salma: str, place: Place) -> None:
    client = browser(shop)
    said = client.post(f"{salma}/send", {"to": "support@dar-zaytun.example", "subject": "x", "text": "Hello"})
    assert said.status_code == 422
    assert "Wasl did not take it" in said.content.decode()
    assert place.mails(SALMA, "sent") == []
    assert client.post(f"{salma}/send", {"to": "support@dar-zaytun.example", "text": " "}).status_code == 422
    assert client.post(f"{salma}/send", {"to": "someone@gmail.com", "text": "x"}).status_code == 422


def test_somebody_new_can_be_made_up(shop: Shop, salma: str, place: Place) -> None:
    client = browser(shop)
    for wrong in ("amal@gmail.com", "support@dar-zaytun.example", "a/b@x.example", "amal"):
        assert client.post(reverse("sandbox_somebody"), {"name": "A", "address": wrong}).status_code == 422
    said = client.post(reverse("sandbox_somebody"), {"name": "Amal K", "address": "Amal@Home.example"})
    page = client.get(said["Location"])
    assert "amal@home.example" in page.content.decode()
    known = client.post(reverse("sandbox_somebody"), {"name": "Twice", "address": SALMA})
    assert known["Location"].startswith(salma), "who is known already is played as themselves"
    with db.tenant(shop.id):
        assert not Access.objects.exists(), "these are nobody's customers"


def test_there_and_back(shop: Shop, tmp_path: Path, monkeypatch: Any) -> None:
    """A customer writes on the page; an agent answers; the answer arrives threaded; the customer answers again."""
    port = free_port()
    monkeypatch.setattr(settings, "ENV", replace(settings.ENV, smtp_port=port))
    listener = role("wasl.doors.mail:serve", WASL_SMTP_PORT=str(port), WASL_LMTP_PORT="off")
    provider = standing(tmp_path / "sandbox", wasl=("127.0.0.1", port))
    with listener as process, provider as stand:
        wait_for_port(port, process)
        with db.tenant(shop.id):
            Inbox.objects.filter(id=shop.mail.id).update(config=stand.config())
        client = browser(shop)
        said = client.post(reverse("sandbox_somebody"), {"name": "سلمى", "address": SALMA, "language": "ar"})
        salma = said["Location"].partition("?")[0]
        text = "مرحبًا، وصل المصباح مكسورًا."
        bill = SimpleUploadedFile("photo.txt", b"a broken lamp", "text/plain")
        form = {"to": shop.mail.address, "subject": "المصباح", "text": text, "files": [bill]}
        assert client.post(f"{salma}/send", form)["Location"].endswith("?box=sent")
        work()
        with db.tenant(shop.id):
            [conversation] = Conversation.objects.all()
            [first] = Message.objects.all()
        assert first.text.strip() == text
        salma = address(client, "سلمى")
        sent = deliver(shop, conversation.id, "نرسل لك زجاجًا جديدًا اليوم.")
        [arrived] = stand.place.mails(SALMA)
        answer = parse(arrived.path.read_bytes())
        assert answer.in_reply_to == (first.rfc_id,)
        assert "نرسل لك زجاجًا جديدًا اليوم." in client.get(salma).content.decode()

        client.post(f"{salma}/send", {"original": arrived.name, "subject": "رد: المصباح", "text": "شكرًا!"})
        work()
        with db.tenant(shop.id):
            last = Message.objects.order_by("at", "id").last()
            assert Conversation.objects.count() == 1
        assert last is not None
        assert last.text.startswith("شكرًا!")
        assert "> نرسل لك زجاجًا جديدًا اليوم." in last.text

        stand.behave(Mode.BOUNCE, SALMA, after=0.1)
        bounced = deliver(shop, conversation.id, "هل وصلك الطرد؟")
        until(lambda: state(shop, bounced) == "failed")
        client.post(f"{salma}/mails/{arrived.name}/junk")
        assert stand.place.mails(SALMA) == []
        until(lambda: state(shop, sent) == "delivered")


def deliver(shop: Shop, conversation: Any, text: str) -> Any:
    """Answer as an agent, and let the worker's sender hand it over."""
    with db.tenant(shop.id):
        message = reply(shop.actor("agent"), conversation, text)
    sender = Sender(db.pool("queue", "test", 8), senders=2, limits=FAST)
    until(lambda: sender.step() >= 0 and state(shop, message) in ("sent", "failed"), work_too=False)
    sender.close()
    return message


def state(shop: Shop, message: Any) -> str:
    with db.tenant(shop.id):
        return str(states(shop.id, [message])[message].state)


def until(done: Callable[[], bool], *, work_too: bool = True) -> None:
    end = time.monotonic() + 90
    while not done():
        assert time.monotonic() < end
        time.sleep(0.02)
        if work_too:
            work()


def test_fragments_leave_alone_what_is_being_written(shop: Shop, salma: str, place: Place) -> None:
    place.deliver(SALMA, ANSWER)
    client = browser(shop)
    news = client.get(
        f"{salma}?write=new", headers={"HX-Request": "true", "HX-Target": "mails"}
    ).content.decode()
    assert news.lstrip().startswith('<ul id="mails"')
    assert 'id="wire"' in news
    assert "hx-swap-oob" in news
    assert "<form" not in news
    box = client.get(f"{salma}?write=new", headers={"HX-Request": "true", "HX-Target": "mailbox"})
    assert box.content.decode().lstrip().startswith('<section class="panel mailbox"')


def test_without_the_setting_there_is_no_such_page(monkeypatch: Any) -> None:
    monkeypatch.setattr(settings, "ENV", replace(settings.ENV, sandbox=False))
    try:
        importlib.reload(urls)
        found = [str(p.pattern) for top in urls.urlpatterns for p in getattr(top, "url_patterns", [top])]
        assert found
        assert not [pattern for pattern in found if "sandbox" in pattern]
    finally:
        monkeypatch.undo()
        importlib.reload(urls)


@pytest.fixture(autouse=True)
def languages() -> Iterator[None]:
    """Pages leave the language of their reader behind in the thread."""
    yield
    translation.activate("en")
