"""The customers' pages: what a link opens, for whom, and what is written there."""

import re
from collections.abc import Callable
from datetime import timedelta
from typing import Any
from uuid import uuid4

import psycopg
import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client

from tests.inbound import mail, take, work
from tests.worlds import Shop
from wasl.accounts.models import Agent
from wasl.channels.models import Inbox
from wasl.conversations import link, notes
from wasl.conversations.link import written_here
from wasl.conversations.models import Attachment, Conversation, Message
from wasl.conversations.reply import Upload, reply
from wasl.customers.models import Identity
from wasl.delivery.models import Delivery
from wasl.desk.models import Promise
from wasl.intake.models import Inbound
from wasl.kit.clock import now, travel
from wasl.kit.db import raw, tenant
from wasl.portal import gate, shapes
from wasl.portal.views import masked

FRENCH = "Bonjour, je voudrais savoir où est ma commande, merci pour votre réponse."
KEY = "0123456789abcdef0123456789abcdef"


@pytest.fixture(autouse=True)
def unhurried(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("_reads", "_writes", "_strangers", "_renewals"):
        monkeypatch.setattr(gate, name, type(gate._reads)(1000, 1000))


@pytest.fixture
def talk(shop: Shop) -> Conversation:
    """Camille asked in French, and the shop's mails carry the link."""
    take(shop, mail(FRENCH, Message_ID="<first@atelier.example>"))
    with tenant(shop.id):
        Inbox.objects.filter(id=shop.mail.id).update(
            links=True, config=shop.mail.config | {"from_name": "Dar Zaytun"}
        )
        return Conversation.objects.get()


def address(shop: Shop, talk: Conversation, who: str = "camille@atelier.example") -> str:
    """The path of a fresh link."""
    with tenant(shop.id):
        identity = Identity.objects.get(address=who)
        return link.PATH + link.address(raw(), shop.id, talk.id, identity.id).partition(link.PATH)[2]


def answer(shop: Shop, talk: Conversation, text: str = "Elle part demain.", *files: Upload) -> Message:
    with tenant(shop.id):
        return Message.objects.get(id=reply(shop.actor(), talk.id, text, files))


def test_the_customer_reads_what_was_said_in_their_language(shop: Shop, talk: Conversation) -> None:
    answer(shop, talk)
    response = Client().get(address(shop, talk))
    assert response.status_code == 200
    assert '<html lang="fr" dir="ltr"' in response.text
    for words in ("Facture", "où est ma commande", "Elle part demain.", "Dar Zaytun", "Agent"):
        assert words in response.text
    assert response.headers["Content-Language"] == "fr"


@pytest.mark.parametrize(("code", "direction"), [("ar", "rtl"), ("fr", "ltr"), ("it", "ltr"), ("en", "ltr")])
def test_the_switch_changes_the_language_and_nothing_else(
    shop: Shop, talk: Conversation, code: str, direction: str
) -> None:
    response = Client().get(f"{address(shop, talk)}?lang={code}")
    assert f'<html lang="{code}" dir="{direction}"' in response.text
    assert "wasl_language" not in response.cookies


def test_every_answer_keeps_the_link_to_its_customer(shop: Shop, talk: Conversation) -> None:
    path = address(shop, talk)
    for response in (Client().get(path), Client().get(link.PATH + "x"), Client().get(f"{path}/news")):
        assert response.headers["Referrer-Policy"] == "no-referrer"
        assert response.headers["Cache-Control"] == "no-store"
        assert response.headers["X-Robots-Tag"].startswith("noindex")
        assert response.headers["Content-Security-Policy"].startswith("default-src 'none'; script-src 'self'")
        assert "unsafe" not in response.headers["Content-Security-Policy"]
        assert "data:" not in response.headers["Content-Security-Policy"]
    assert not re.search(r'(?:src|href|action)="(?!/|\?|#)', Client().get(path).text)


def test_what_is_internal_is_not_shown(shop: Shop, talk: Conversation) -> None:
    with tenant(shop.id):
        notes.note(shop.actor(), talk.id, "Il est difficile, celui-là.")
        Agent.objects.filter(id=shop.agents["agent"].id).update(name="Yusuf")
        reply(shop.actor(), talk.id, "Elle part demain.", hold=10)
    page = Client().get(address(shop, talk)).text
    assert "difficile" not in page
    assert "Elle part" not in page, "an answer that can still be taken back"
    assert str(shop.agents["agent"].id) not in page
    assert "agent@dar-zaytun.example" not in page


def test_a_guest_reads_neither_more_nor_the_customers_own(shop: Shop, talk: Conversation) -> None:
    """Someone who was written to in copy joins the conversation; neither sees what the other wrote to us."""
    take(
        shop, mail("Merci de me tenir au courant.", sender="Paul <paul@atelier.example>", Cc="guest@atelier.example",
                   subject="Autre"),
    )  # fmt: skip
    with tenant(shop.id):
        paul = Identity.objects.get(address="paul@atelier.example")
        Message.objects.filter(identity_id=paul.id).update(conversation_id=talk.id)
    assert "tenir au courant" not in Client().get(address(shop, talk)).text
    assert Client().get(address(shop, talk, "paul@atelier.example")).status_code == 404


def test_writing_on_takes_the_road_of_every_mail(shop: Shop, talk: Conversation) -> None:
    answer(shop, talk)
    path, client = address(shop, talk), Client()
    photo = SimpleUploadedFile("../reçu.png", b"\x89PNG" + b"x" * 90_000, "image/png")
    response = client.post(
        f"{path}/write", {"key": KEY, "text": " Merci !\r\nEt l’autre ?", "files": [photo]}
    )
    assert response.status_code == 303
    assert response.headers["Location"].startswith(f"{path}?sent=")
    with tenant(shop.id):
        inbound = Inbound.objects.latest("received_at")
        assert inbound.envelope["door"] == "portal"
        assert Message.objects.filter(way="in").count() == 1, "stored before it is understood"
    waiting = client.get(response.headers["Location"]).text
    assert "apparaît" in waiting or 'id="waiting"' in waiting
    work()
    with tenant(shop.id):
        message = Message.objects.filter(way="in").latest("at")
        assert message.id == inbound.id
        assert (message.conversation_id, message.text) == (talk.id, "Merci !\nEt l’autre ?")
        assert message.identity_id == Identity.objects.get().id
        assert written_here(message.rfc_id)
        file = Attachment.objects.get()
        assert (file.filename, file.size) == ("reçu.png", 90_004)
        assert Conversation.objects.get().last_way == "in"
    shown = client.get(response.headers["Location"]).text
    assert "Et l’autre ?" in shown
    assert 'id="waiting"' not in shown
    picture = client.get(f"{path}/files/{file.id}?show=1")
    assert (picture.headers["Content-Type"], picture.headers["Cache-Control"]) == (
        "image/png",
        "private, no-store",
    )
    assert len(b"".join(picture.streaming_content)) == 90_004  # type: ignore[attr-defined]


def test_the_same_form_sent_twice_is_one_message(shop: Shop, talk: Conversation) -> None:
    path = address(shop, talk)
    for _ in range(3):
        assert Client().post(f"{path}/write", {"key": KEY, "text": "Merci"}).status_code == 303
    work()
    with tenant(shop.id):
        assert Message.objects.filter(text="Merci").count() == 1


def test_a_settled_conversation_opens_again(shop: Shop, talk: Conversation) -> None:
    with tenant(shop.id):
        Conversation.objects.update(status="resolved")
    Client().post(f"{address(shop, talk)}/write", {"key": KEY, "text": "Encore une chose"})
    work()
    with tenant(shop.id):
        assert Conversation.objects.get().status == "open"


@pytest.mark.parametrize(
    ("form", "said"),
    [
        ({"text": "  "}, "portal-error"),
        ({"text": "x" * 20_001}, "portal-error"),
        ({"text": "Merci", "key": "nonsense"}, "Merci</textarea>"),
        (
            {"text": "Merci", "files": [SimpleUploadedFile(f"{n}.txt", b"x") for n in range(11)]},
            "Merci</textarea>",
        ),
    ],
)
def test_what_is_not_taken_is_said_and_the_words_stay(
    shop: Shop, talk: Conversation, form: dict[str, Any], said: str
) -> None:
    response = Client().post(f"{address(shop, talk)}/write", {"key": KEY} | form)
    assert response.status_code == 422
    assert said in response.text
    assert 'role="alert"' in response.text
    with tenant(shop.id):
        assert Inbound.objects.count() == 1


def test_news_are_asked_for_cheaply(shop: Shop, talk: Conversation) -> None:
    path, client = f"{address(shop, talk)}/news", Client()
    first = client.get(path)
    assert first.status_code == 200
    assert "<html" not in first.text
    tag = first.headers["ETag"]
    again = client.get(path, headers={"If-None-Match": tag})
    assert (again.status_code, again.content) == (304, b"")
    answer(shop, talk)
    changed = client.get(path, headers={"If-None-Match": tag})
    assert (changed.status_code, changed.headers["ETag"] != tag) == (200, True)
    assert "Elle part demain." in changed.text


def test_what_comes_later_is_said_in_the_language_of_the_page(shop: Shop, talk: Conversation) -> None:
    path, client = address(shop, talk), Client()
    page = client.get(path).text
    found = re.search(r'data-news="([^"]+)"', page)
    assert found
    assert '<html lang="fr"' in page
    with tenant(shop.id):
        Conversation.objects.update(language="ar")
    assert "Vous" in client.get(found[1].replace("&amp;", "&")).text
    assert '<html lang="ar"' in client.get(path).text


def test_our_mistakes_send_no_customer_to_the_desk(
    shop: Shop, talk: Conversation, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(shapes, "talk", lambda *_, **__: 1 / 0)
    path = address(shop, talk)
    page = Client(raise_request_exception=False, headers={"Accept-Language": "en"}).get(path)
    assert page.status_code == 500
    assert "Please try again in a moment." in page.text
    assert f'href="{path}"' in page.text
    assert "To the conversations" not in page.text
    assert "administrator" not in page.text


def test_the_promise_is_on_the_page_until_it_is_kept(shop: Shop, talk: Conversation) -> None:
    with tenant(shop.id):
        Promise.objects.create(
            workspace_id=shop.id, conversation=talk, customer_id=talk.customer_id, inbox=shop.mail,
            message_id=uuid4(), made_at=now(), due_at=now() + timedelta(days=3), basis="configured",
        )  # fmt: skip
    path = address(shop, talk)
    assert 'data-state="promised"' in Client().get(f"{path}?lang=en").text
    assert "We will answer you on " in Client().get(f"{path}?lang=en").text
    with travel(now() + timedelta(days=4)):
        late = Client().get(f"{path}?lang=en").text
    assert 'data-state="late"' in late
    assert "You should have heard from us by" in late
    with tenant(shop.id):
        Promise.objects.update(answered_at=now())
    assert "data-state" not in Client().get(path).text


def refused(shop: Shop, path: str) -> bool:
    """Whether it is closed to reading, writing and files alike."""
    pages = [Client().get(path), Client().get(f"{path}/news"), Client().get(f"{path}/files/{uuid4()}")]
    pages.append(Client().post(f"{path}/write", {"key": KEY, "text": "Ouvrez"}))
    assert len({page.status_code for page in pages}) == 1, [page.status_code for page in pages]
    assert all("Facture" not in page.text for page in pages)
    with tenant(shop.id):
        assert not Inbound.objects.filter(envelope__door="portal").exists()
    return pages[0].status_code == 404


def test_strangers_and_guesses_see_one_and_the_same_page(shop: Shop, talk: Conversation) -> None:
    path = address(shop, talk)
    changed = path[:-8] + ("A" if path[-8] != "A" else "B") + path[-7:]
    with travel(now() - timedelta(days=31)):
        old = address(shop, talk)
    with tenant(shop.id):
        link.revoke(raw(), shop.id, talk.id)
    texts = []
    for one in (changed, old, path, "/c/" + "A" * 96, "/c/x", "/c/é"):
        assert refused(shop, one), one
        text = Client().get(one).text
        texts.append(re.sub(r'value="[^"]{40,}"|/c/[^"]+', "", text))
    assert len(set(texts)) == 1, "nothing tells an old link from a guess"


def test_a_link_of_another_workspace_says_nothing_here(shop: Shop, talk: Conversation) -> None:
    other = Shop.create("elsewhere", "support@elsewhere.example")
    with tenant(shop.id):
        identity = Identity.objects.get()
        claim = link.read(link.address(raw(), shop.id, talk.id, identity.id).rpartition("/")[2])
    assert claim is not None
    from dataclasses import replace

    assert refused(shop, link.PATH + link.token(replace(claim, workspace_id=other.id)))


def test_an_erased_customer_has_no_way_in(shop: Shop, talk: Conversation) -> None:
    path = address(shop, talk)
    with tenant(shop.id):
        Identity.objects.all().delete()
    assert refused(shop, path)


def test_an_inbox_that_gives_out_no_links_opens_none(shop: Shop, talk: Conversation) -> None:
    path = address(shop, talk)
    with tenant(shop.id):
        Inbox.objects.update(links=False)
    assert refused(shop, path)


def test_reading_writes_nothing(shop: Shop, talk: Conversation, owner: psycopg.Connection[Any]) -> None:
    count = "SELECT sum(n_tup_ins + n_tup_upd + n_tup_del) FROM pg_stat_xact_user_tables"
    path = address(shop, talk)
    with tenant(shop.id):
        before = list(Conversation.objects.values()), Message.objects.count(), Inbound.objects.count()
    for one in (path, f"{path}/news", f"{path}?sent={uuid4()}", f"{path}/write", f"{path}/renew"):
        assert Client().get(one).status_code in (200, 302)
        Client().head(one)
    with tenant(shop.id):
        after = list(Conversation.objects.values()), Message.objects.count(), Inbound.objects.count()
    assert before == after
    assert owner.execute(count).fetchone() is not None


def test_forms_need_their_token_and_a_page_of_ours(shop: Shop, talk: Conversation) -> None:
    path, client = address(shop, talk), Client(enforce_csrf_checks=True)
    form = {"key": KEY, "text": "Merci"}
    assert client.post(f"{path}/write", form).status_code == 403
    token = re.search(r'name="csrfmiddlewaretoken" value="([^"]+)"', client.get(path).text)
    assert token
    form["csrfmiddlewaretoken"] = token[1]
    foreign = {"Origin": "null", "Sec-Fetch-Site": "cross-site"}
    assert client.post(f"{path}/write", form, headers=foreign).status_code == 403
    assert client.post(f"{path}/write", form, headers={"Origin": "https://evil.example"}).status_code == 403
    assert client.post(f"{path}/write", form, headers={"Origin": "null"}).status_code == 403
    ours = {"Origin": "null", "Sec-Fetch-Site": "same-origin"}
    assert client.post(f"{path}/write", form, headers=ours).status_code == 303


def renewed(shop: Shop) -> list[Delivery]:
    with tenant(shop.id):
        return list(Delivery.objects.filter(payload__auto=True).order_by("created_at"))


def test_a_new_link_goes_to_the_customers_own_address(shop: Shop, talk: Conversation) -> None:
    with travel(now() - timedelta(days=40)):
        old = address(shop, talk)
    client = Client()
    response = client.post(f"{old}/renew")
    assert (response.status_code, response.headers["Location"]) == (303, f"{old}?asked=1")
    (sent,) = renewed(shop)
    assert sent.address == "camille@atelier.example"
    assert "Bonjour Camille Moreau" in sent.payload["text"]
    fresh = re.search(r"/c/\S+", sent.payload["text"])
    assert fresh
    assert client.get(fresh[0]).status_code == 200
    assert client.get(f"{old}?asked=1&lang=en").text.count("Look into your mailbox") >= 1
    client.post(f"{old}/renew")
    assert len(renewed(shop)) == 1, "one in ten minutes"
    assert "nouveau lien" not in client.get(fresh[0]).text, (
        "what Wasl writes by itself is no part of the talk"
    )


def test_asking_for_what_does_not_exist_is_answered_alike(shop: Shop, talk: Conversation) -> None:
    with tenant(shop.id):
        link.revoke(raw(), shop.id, talk.id)
        identity = Identity.objects.get()
    revoked = link.Claim(shop.id, talk.id, identity.id, now() + timedelta(days=1), 1)
    nobody = link.Claim(uuid4(), uuid4(), uuid4(), now(), 1)
    for token in ("x", "A" * 96, link.token(nobody), link.token(revoked)):
        response = Client().post(f"/c/{token}/renew")
        assert (response.status_code, response.headers["Location"]) == (303, f"/c/{token}?asked=1")
    assert renewed(shop) == []


def test_who_tries_many_is_slowed_down(
    shop: Shop, talk: Conversation, monkeypatch: pytest.MonkeyPatch
) -> None:
    make: Callable[..., Any] = type(gate._reads)
    monkeypatch.setattr(gate, "_strangers", make(0.01, 3))
    found = [Client().get(f"/c/{n}").status_code for n in range(5)]
    assert found == [404, 404, 404, 429, 429]
    assert Client().get(address(shop, talk)).status_code == 200, "who has a link is not concerned"
    monkeypatch.setattr(gate, "_writes", make(0.01, 2))
    path = address(shop, talk)
    posts = [Client().post(f"{path}/write", {"key": f"{n:032x}", "text": "Merci"}) for n in range(4)]
    assert [p.status_code for p in posts] == [303, 303, 429, 429]
    assert int(posts[3].headers["Retry-After"]) > 0


def test_a_merged_conversation_opens_where_its_messages_went(shop: Shop, talk: Conversation) -> None:
    path = address(shop, talk)
    take(shop, mail("Une autre question", subject="Autre sujet", References="<other@atelier.example>"))
    with tenant(shop.id):
        target = Conversation.objects.exclude(id=talk.id).get()
        Conversation.objects.filter(id=talk.id).update(merged_into=target)
        Message.objects.filter(conversation=talk).update(conversation=target)
    page = Client().get(path)
    assert page.status_code == 200
    assert "Autre sujet" in page.text
    assert "où est ma commande" in page.text


def test_addresses_are_shown_half() -> None:
    assert masked("camille@atelier.example") == "c•••@atelier.example"
