"""Writing over HTTP: sent once, warned when it crossed, kept as a draft, taken back, noted beside."""

import json
import re
from typing import Any
from uuid import UUID, uuid4

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client

from tests.workspace.stage import PICTURE, Browser, Known
from tests.worlds import Shop
from wasl.accounts.models import Agent
from wasl.conversations import doubt, drafts, saved
from wasl.conversations.models import Attachment, Conversation, Mention, Message
from wasl.conversations.reply import reply
from wasl.delivery.models import Delivery
from wasl.kit.db import tenant
from wasl.kit.ids import uuid7

HTMX = {"HX-Request": "true"}


def token(shop: Shop) -> str:
    with tenant(shop.id):
        return doubt.token(Conversation.objects.get())


def sent(shop: Shop) -> list[str]:
    with tenant(shop.id):
        return list(Message.objects.filter(way="out").order_by("at").values_list("text", flat=True))


def test_an_answer_whose_response_was_lost_goes_once(shop: Shop, known: Known, browser: Browser) -> None:
    key, client = str(uuid7()), browser(shop)
    data = {"text": "La voici.", "key": key, "known": token(shop)}
    first, second = (
        client.post(f"/conversations/{known.conversation}/reply", data, headers=HTMX) for _ in range(2)
    )
    assert first.status_code == second.status_code == 200
    assert sent(shop) == ["La voici."]
    renewed = json.loads(second.headers["HX-Trigger"])["wasl:sent"]
    assert UUID(renewed["key"]) != UUID(key)
    assert renewed["known"] == token(shop)
    other = client.post(f"/conversations/{known.conversation}/reply", data | {"text": "Non"}, headers=HTMX)
    assert other.status_code == 409
    assert "Another version of this has already gone out" in other.text
    assert client.post(f"/conversations/{known.conversation}/reply", data | {"key": "x"}).status_code == 400


def test_a_crossing_answer_shows_what_came_between(shop: Shop, known: Known, browser: Browser) -> None:
    began = token(shop)
    with tenant(shop.id):
        reply(shop.actor("admin"), known.conversation, "Je m'en <b>occupe</b>.")
    client, data = browser(shop), {"text": "La voici.", "key": str(uuid7()), "known": began}
    asked = client.post(f"/conversations/{known.conversation}/reply", data, headers=HTMX)
    assert asked.status_code == 409
    assert "This came in while you were writing" in asked.text
    assert "&lt;b&gt;occupe&lt;/b&gt;" in asked.text
    assert f'data-known="{token(shop)}"' in asked.text
    assert len(sent(shop)) == 1
    sure = client.post(
        f"/conversations/{known.conversation}/reply", data | {"known": token(shop)}, headers=HTMX
    )
    assert sure.status_code == 200
    assert len(sent(shop)) == 2
    plain = client.post(f"/conversations/{known.conversation}/reply", data | {"key": str(uuid7())})
    assert plain.status_code == 302, "a page without scripts could not be asked, and loses nothing"


def test_an_answer_can_be_taken_back_and_is_a_draft_again(shop: Shop, known: Known, browser: Browser) -> None:
    client = browser(shop)
    page = client.post(f"/conversations/{known.conversation}/reply", {"text": "La voici."}, headers=HTMX)
    with tenant(shop.id):
        message_id = Message.objects.get(way="out").id
    undo = f"/messages/{message_id}/withdraw"
    assert page.text.count(f'hx-post="{undo}"') == 2, "on the message and on the toast"
    assert "Goes out" in page.text
    assert undo not in browser(shop, "admin").get(f"/all/{known.conversation}").text
    assert browser(shop, "admin").post(undo, headers=HTMX).status_code == 404
    here = HTMX | {"HX-Current-URL": f"http://testserver/all/{known.conversation}"}
    back = client.post(undo, headers=here)
    assert back.status_code == 200
    assert "La voici." not in back.text
    news = json.loads(back.headers["HX-Trigger"])["wasl:withdrawn"]
    assert news == {"conversation": str(known.conversation), "elsewhere": False}
    assert sent(shop) == []
    assert "La voici." in client.get(f"/all/{known.conversation}").text
    draft = client.get(f"/conversations/{known.conversation}/draft").json()
    assert draft["html"] == '<p dir="auto">La voici.</p>'


def test_what_has_left_says_so(shop: Shop, known: Known, browser: Browser) -> None:
    client = browser(shop)
    client.post(f"/conversations/{known.conversation}/reply", {"text": "La voici."}, headers=HTMX)
    with tenant(shop.id):
        Delivery.objects.update(state="sending")
        message_id = Message.objects.get(way="out").id
    late = client.post(f"/messages/{message_id}/withdraw", headers=HTMX)
    assert late.status_code == 422
    assert "on its way" in late.text
    assert sent(shop) == ["La voici."]


def test_taken_back_from_elsewhere_leads_back(shop: Shop, known: Known, browser: Browser) -> None:
    client = browser(shop)
    client.post(f"/conversations/{known.conversation}/reply", {"text": "La voici."}, headers=HTMX)
    with tenant(shop.id):
        message_id = Message.objects.get(way="out").id
    elsewhere = HTMX | {"HX-Current-URL": f"http://testserver/all/{uuid4()}"}
    back = client.post(f"/messages/{message_id}/withdraw", headers=elsewhere)
    assert back.status_code == 204, "the other conversation's messages stay where they are"
    news = json.loads(back.headers["HX-Trigger"])["wasl:withdrawn"]
    assert news["elsewhere"] is True


@pytest.mark.parametrize(("then", "status"), [("resolve", "resolved"), ("pending", "pending"), ("", "open")])
def test_sending_and_settling_are_taken_back_together(
    shop: Shop, known: Known, browser: Browser, then: str, status: str
) -> None:
    client = browser(shop)
    where = f"/conversations/{known.conversation}/reply"
    assert client.post(where, {"text": "Voilà.", "then": then}, headers=HTMX).status_code == 200
    with tenant(shop.id):
        assert Conversation.objects.get().status == status
        message_id = Message.objects.get(way="out").id
    client.post(f"/messages/{message_id}/withdraw", headers=HTMX)
    with tenant(shop.id):
        assert Conversation.objects.get().status == "open"


def test_a_note_is_marked_and_reaches_whom_it_names(shop: Shop, known: Known, browser: Browser) -> None:
    with tenant(shop.id):
        Agent.objects.filter(id=shop.agents["admin"].id).update(name="Leïla <Haddad>")
    client = browser(shop)
    data = {"text": "@Leïla <Haddad> regarde", "key": str(uuid7())}
    page = client.post(f"/conversations/{known.conversation}/note", data, headers=HTMX)
    assert page.status_code == 200
    assert '<bdi class="mention">@Leïla &lt;Haddad&gt;</bdi> regarde' in page.text
    assert "Only your team sees this" in page.text
    client.post(f"/conversations/{known.conversation}/note", data, headers=HTMX)
    with tenant(shop.id):
        assert Message.objects.filter(way="note").count() == 1
        assert Mention.objects.get().seen_at is None
    browser(shop, "admin").post(f"/conversations/{known.conversation}/seen")
    with tenant(shop.id):
        assert Mention.objects.get().seen_at is not None


def test_naming_someone_who_left_is_asked_about(shop: Shop, known: Known, browser: Browser) -> None:
    with tenant(shop.id):
        Agent.objects.filter(id=shop.agents["admin"].id).update(name="Hamid", is_active=False)
    client, data = browser(shop), {"text": "@Hamid, tu te souviens ?"}
    asked = client.post(f"/conversations/{known.conversation}/note", data, headers=HTMX)
    assert asked.status_code == 409
    assert "does not work here any more" in asked.text
    sure = client.post(f"/conversations/{known.conversation}/note", data | {"anyway": "left"}, headers=HTMX)
    assert sure.status_code == 200


def test_no_customer_side_page_shows_a_note(shop: Shop, known: Known, browser: Browser) -> None:
    client, secret = browser(shop), "entre nous seulement"
    client.post(f"/conversations/{known.conversation}/note", {"text": secret}, headers=HTMX)
    client.post(f"/conversations/{known.conversation}/reply", {"text": "La voici."}, headers=HTMX)
    with tenant(shop.id):
        assert secret not in json.dumps(Delivery.objects.get().payload)
        assert Conversation.objects.get().preview == "La voici."
    assert secret not in client.get("/all").text.partition('id="messages"')[0]


def keep(client: Client, known: Known, **data: Any) -> Any:
    return client.post(f"/conversations/{known.conversation}/draft", {"way": "out", **data})


def test_a_draft_is_kept_and_two_tabs_are_told_apart(shop: Shop, known: Known, browser: Browser) -> None:
    client, key = browser(shop), str(uuid7())
    first = keep(client, known, text="un", key=key, version=0).json()["version"]
    second = keep(client, known, html="<p><i>deux</i></p>", key=key, version=first).json()["version"]
    assert second > first
    lost = keep(client, known, text="trois", key=key, version=first)
    assert lost.status_code == 409
    assert lost.json()["draft"]["html"] == '<p dir="auto"><i>deux</i></p>'
    assert lost.json()["draft"]["version"] == second
    assert not lost.json()["sent"]
    page = client.get(f"/all/{known.conversation}").text
    assert ">Draft</span>" in re.sub(r"<svg.*?</svg>", "", page), "in the list"
    assert ">Draft</span>" not in re.sub(r"<svg.*?</svg>", "", browser(shop, "admin").get("/all").text)
    assert f'data-version="{second}"' in page
    assert '<p dir="auto"><i>deux</i></p>' in page
    assert f'name="key" value="{key}"' in page, "another device sends the same answer"
    client.post(f"/conversations/{known.conversation}/reply", {"text": "deux", "key": key}, headers=HTMX)
    gone = keep(client, known, text="deux", key=key, version=second)
    assert (gone.status_code, gone.json()["sent"]) == (409, True)
    too_long = keep(client, known, text="x" * 100_001, key=str(uuid7()), version=0)
    assert (too_long.status_code, "100,000" in too_long.text) == (422, True)


def test_files_wait_in_the_draft_and_leave_with_the_answer(
    shop: Shop, known: Known, browser: Browser
) -> None:
    client, key = browser(shop), str(uuid7())
    where = f"/conversations/{known.conversation}/draft/files"
    one = client.post(where, {"file": SimpleUploadedFile("vue.png", PICTURE, "image/png"), "key": key}).json()
    two = client.post(
        where, {"file": SimpleUploadedFile("a.html", b"<script>", "text/html"), "key": key}
    ).json()
    assert two["version"] == one["version"] > 0
    words = keep(client, known, text="x", key=key, version=0)
    assert words.status_code == 200, "an upload that overtook the words is no conflict"
    picture = client.get(one["file"]["picture"])
    assert (picture.headers["Content-Type"], b"".join(picture.streaming_content)) == ("image/png", PICTURE)
    assert two["file"]["picture"] == ""
    page = client.get(f"/drafts/files/{two['file']['id']}")
    assert page.headers["Content-Type"] == "application/octet-stream"
    assert page.headers["Content-Disposition"].startswith("attachment")
    page.close()
    assert browser(shop, "admin").get(one["file"]["picture"]).status_code == 404
    client.post(f"/drafts/files/{two['file']['id']}/remove")
    cid = UUID(one["file"]["id"]).hex
    data = {"text": "x", "html": f'<p>Voici</p><img data-cid="{cid}">', "key": key}
    answered = client.post(f"/conversations/{known.conversation}/reply", data, headers=HTMX)
    with tenant(shop.id):
        file = Attachment.objects.get(message__way="out")
        assert (file.filename, file.inline) == ("vue.png", True)
        assert drafts.of(shop.actor(), known.conversation)["out"].files == ()
    assert f'src="/files/{file.id}?show=1"' in answered.text


def test_saved_replies_are_found_and_filled_in(shop: Shop, known: Known, browser: Browser) -> None:
    with tenant(shop.id):
        key = saved.save(
            shop.actor(), None, name="Merci", language="fr", text="Bonjour {{customer.first_name}}"
        )
    client = browser(shop)
    found = client.get(f"/conversations/{known.conversation}/saved?q=mer")
    assert "Merci" in found.text
    assert "No saved reply holds" in client.get(f"/conversations/{known.conversation}/saved?q=zzz").text
    filled = client.get(f"/conversations/{known.conversation}/saved/{key}").json()
    assert filled == {"html": '<p dir="auto">Bonjour Camille</p>', "missing": ""}


def test_saved_replies_are_kept_changed_removed_and_restored(
    shop: Shop, known: Known, browser: Browser
) -> None:
    client = browser(shop)
    assert "No saved replies yet" in client.get("/replies").text
    wrong = client.post("/replies/new", {"name": "Bye", "language": "en", "text": "Bye {{custmer.name}}"})
    assert wrong.status_code == 422
    assert "means nothing" in wrong.text
    assert "Bye {{custmer.name}}" in wrong.text, "nothing that was written is lost"
    kept = client.post("/replies/new", {"name": "Bye", "language": "en", "text": "Bye {{customer.name}}"})
    assert kept.status_code == 302
    with tenant(shop.id):
        row = saved.everything(shop.actor()).get()
    assert "Bye {{customer.name}}" in client.get(f"/replies/{row.id}").text
    removed = client.post(f"/replies/{row.id}/remove", follow=True)
    assert f'action="/replies/{row.id}/restore"' in removed.text
    client.post(f"/replies/{row.id}/restore")
    assert "Bye" in client.get("/replies").text
    for role in ("readonly",):
        assert browser(shop, role).get("/replies").status_code == 200
        assert browser(shop, role).get("/replies/new").status_code == 403
        assert browser(shop, role).post(f"/replies/{row.id}/remove").status_code == 403


def test_colleagues_are_offered(shop: Shop, known: Known, browser: Browser) -> None:
    found = browser(shop).get(f"/conversations/{known.conversation}/people?q=ad").json()["people"]
    assert [each["name"] for each in found] == ["Admin"]


@pytest.mark.parametrize("state", ["viewing", "typing", "gone", "x"])
def test_a_page_may_say_that_it_is_there(shop: Shop, known: Known, browser: Browser, state: str) -> None:
    for role in ("agent", "readonly"):
        response = browser(shop, role).post(
            f"/conversations/{known.conversation}/presence", {"tab": "t1", "state": state}
        )
        assert response.status_code == 204
