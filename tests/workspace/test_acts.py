"""What agents do in the browser, as whole pages without scripts and as fragments with them."""

from uuid import UUID, uuid4

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile

from tests.workspace.stage import Browser, Known
from tests.worlds import Shop
from wasl.conversations.models import Attachment, Conversation, Message
from wasl.delivery.models import Attempt, Delivery
from wasl.kit.clock import now
from wasl.kit.db import raw, tenant
from wasl.timeline.actions import Touch, append

HTMX = {"HX-Request": "true"}


def state(shop: Shop, key: UUID) -> Conversation:
    with tenant(shop.id):
        return Conversation.objects.get(id=key)


def test_a_reply_with_files_is_sent_and_shown(shop: Shop, known: Known, browser: Browser) -> None:
    files = [
        SimpleUploadedFile("Écran 1.txt", b"hello", "text/plain"),
        SimpleUploadedFile("b.bin", b"\x00" * 400_000),
    ]
    response = browser(shop).post(
        f"/conversations/{known.conversation}/reply", {"text": "La voici.", "files": files}, headers=HTMX
    )
    assert response.status_code == 200
    assert "wasl:sent" in response.headers["HX-Trigger"]
    assert "La voici." in response.text
    assert "Goes out" in response.text
    assert "Écran 1.txt" in response.text
    with tenant(shop.id):
        message = Message.objects.get(way="out")
        assert [
            (a.filename, a.size) for a in Attachment.objects.filter(message=message).order_by("position")
        ] == [
            ("Écran 1.txt", 5),
            ("b.bin", 400_000),
        ]


def test_a_reply_without_scripts_leads_back_to_the_thread(shop: Shop, known: Known, browser: Browser) -> None:
    response = browser(shop).post(f"/conversations/{known.conversation}/reply", {"text": "Oui"}, follow=True)
    assert response.redirect_chain == [(f"/all/{known.conversation}", 302)]
    assert '<p dir="auto">Oui</p>' in response.text


@pytest.mark.parametrize(
    ("text", "said"),
    [("", "Write something first"), (" \n", "Write something first"), ("x" * 100_001, "100,000")],
)
def test_a_reply_that_cannot_go_says_why_and_stores_nothing(
    shop: Shop, known: Known, browser: Browser, text: str, said: str
) -> None:
    response = browser(shop).post(f"/conversations/{known.conversation}/reply", {"text": text}, headers=HTMX)
    assert response.status_code == 422
    assert response.headers["Content-Type"].startswith("text/plain")
    assert said in response.text
    with tenant(shop.id):
        assert not Message.objects.filter(way="out").exists()


def test_resolving_offers_to_take_it_back(shop: Shop, known: Known, browser: Browser) -> None:
    client = browser(shop)
    response = client.post(f"/conversations/{known.conversation}/resolve", headers=HTMX)
    assert state(shop, known.conversation).status == "resolved"
    assert "Open again" in response.text
    assert f'hx-post="/conversations/{known.conversation}/reopen"' in response.text.partition("toast")[2]
    client.post(f"/conversations/{known.conversation}/reopen", headers=HTMX)
    assert state(shop, known.conversation).status == "open"


def test_assigning_to_someone_and_to_nobody(shop: Shop, known: Known, browser: Browser) -> None:
    client = browser(shop)
    for agent in (str(shop.agents["owner"].id), ""):
        response = client.post(f"/conversations/{known.conversation}/assign", {"agent": agent}, headers=HTMX)
        assert response.status_code == 200
        assert str(state(shop, known.conversation).assignee_id or "") == agent
    assert client.post(f"/conversations/{known.conversation}/assign", {"agent": "x"}).status_code == 400
    assert (
        client.post(f"/conversations/{known.conversation}/assign", {"agent": str(uuid4())}).status_code == 404
    )


def test_nothing_changes_by_looking(shop: Shop, known: Known, browser: Browser) -> None:
    client = browser(shop)
    for verb in ("reply", "assign", "resolve", "reopen", "seen"):
        assert client.get(f"/conversations/{known.conversation}/{verb}").status_code == 405
    assert client.get(f"/messages/{known.message}/retry").status_code == 405
    assert client.get("/workspace").status_code == 405


def test_what_did_not_arrive_says_why_and_can_be_tried_again(
    shop: Shop, known: Known, browser: Browser
) -> None:
    client = browser(shop)
    client.post(f"/conversations/{known.conversation}/reply", {"text": "Oui"})
    with tenant(shop.id):
        delivery = Delivery.objects.get()
        Delivery.objects.update(state="failed", reason="address_unknown", ended_at=now(), attempts=1)
        Attempt.objects.create(
            workspace_id=shop.id,
            delivery=delivery,
            number=1,
            started_at=now(),
            finished_at=now(),
            outcome="permanent",
            reason="address_unknown",
            code="550",
            detail="5.1.1 <b>unknown</b>",
        )
        message = Message.objects.get(way="out").id
    page = client.get(f"/all/{known.conversation}").text
    assert "Did not arrive: the address does not exist. Ask for another address." in page
    assert "5.1.1" not in page, "a provider's code is for the detail view only"
    detail = client.get(f"/messages/{message}/attempts", headers=HTMX).text
    assert "550 5.1.1 &lt;b&gt;unknown&lt;/b&gt;" in detail
    assert "Refused: the address does not exist" in detail
    assert browser(shop, "readonly").post(f"/messages/{message}/retry").status_code == 403
    again = client.post(f"/messages/{message}/retry", headers=HTMX)
    assert "Sending" in again.text
    with tenant(shop.id):
        assert Delivery.objects.get().state == "queued"
    assert client.get(f"/messages/{known.message}/attempts").status_code == 404


def test_the_card_says_which_address_works(shop: Shop, known: Known, browser: Browser) -> None:
    client = browser(shop)
    assert "Works" not in client.get(f"/customers/{known.customer}").text
    for kind, works, under in (
        ("delivery.sent", "Works", "Last sent"),
        ("delivery.failed", "Fails", "Their mailbox is full"),
        ("delivery.delivered", "Works", "Last arrived"),
    ):
        facts: dict[str, int | str] = {"reason": "mailbox_full"} if kind == "delivery.failed" else {}
        detail = {"to": "camille@atelier.example"}
        touch = Touch(known.customer, kind, now(), "email", facts=facts, detail=detail)
        with tenant(shop.id):
            append(raw(), shop.id, [touch])
        for path in (f"/customers/{known.customer}", f"/all/{known.conversation}"):
            page = client.get(path).text
            assert works in page, (kind, path)
            assert under in page, (kind, path)


def test_an_undo_from_elsewhere_does_not_bring_its_messages_along(
    shop: Shop, known: Known, browser: Browser
) -> None:
    agent = browser(shop, "agent")
    agent.post(f"/conversations/{known.conversation}/resolve")
    path = f"/conversations/{known.conversation}/reopen"
    elsewhere = {
        "HX-Request": "true",
        "HX-Current-URL": "http://testserver/all/01980000-0000-7000-8000-000000000000",
    }
    assert agent.post(path, headers=elsewhere).status_code == 204
    here = elsewhere | {"HX-Current-URL": f"http://testserver/all/{known.conversation}"}
    assert agent.post(path, headers=here).status_code == 200
    with tenant(shop.id):
        assert Conversation.objects.get(id=known.conversation).status == "open"
