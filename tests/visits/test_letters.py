"""An answer as a letter: the address an agent enters, what it will look like, the way to the printer and back."""

import json
import os
import time
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from threading import Event
from uuid import UUID

import pytest
from django.conf import settings

from tests.channels.pdf_text import runs
from tests.inbound import mail, take, work
from tests.workspace.stage import signed_in
from tests.worlds import Shop
from wasl.channels.chat_inboxes import ChatInbox, kind, open_inbox, settings_of
from wasl.channels.models import Inbox
from wasl.channels.post import watch
from wasl.channels.post.fonts import NoFont, faces
from wasl.conversations.models import Conversation
from wasl.conversations.reply import reply
from wasl.conversations.ways import Via
from wasl.customers.models import Customer, Identity
from wasl.delivery.models import Delivery
from wasl.delivery.work import Sender
from wasl.intake.store import Raw, store_in
from wasl.kit import db
from wasl.kit.clock import now
from wasl.kit.db import raw, tenant
from wasl.timeline.queries import of_customers
from wasl.visits import postal

try:
    faces("/usr/share/fonts:/usr/local/share/fonts")
except NoFont:
    if os.environ.get("CI"):
        raise
    pytest.skip("fonts are needed: apt-get install fonts-noto-core", allow_module_level=True)

LINES = "Camille Moreau\n12 rue Mercière\n69002 Lyon"


@pytest.fixture
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setattr(settings, "ENV", replace(settings.ENV, print_dir=str(tmp_path)))
    return tmp_path


@pytest.fixture
def post(shop: Shop, place: Path) -> Inbox:
    values = {"address": "Dar Zaytun; 5 place Carnot; 69002 Lyon", "country": "FR", "layout": "fr"}
    with tenant(shop.id):
        wanted = ChatInbox(name="Letters", language="fr", values=values)
        return open_inbox(shop.actor("admin"), kind("post"), wanted)


@pytest.fixture
def conversation(shop: Shop) -> Conversation:
    take(shop, mail())
    with tenant(shop.id):
        return Conversation.objects.select_related("customer").get()


def test_a_postal_address_is_one_of_the_customers_identities(
    shop: Shop, conversation: Conversation, post: Inbox
) -> None:
    agent, page = signed_in(shop, "agent"), f"/customers/{conversation.customer_id}/post"
    assert page in agent.get(f"/customers/{conversation.customer_id}").text
    assert "Camille Moreau" in agent.get(page).text, "the name stands there already"
    response = agent.post(page, {"lines": "Camille Moreau", "country": "FR"})
    assert response.status_code == 422
    assert "two lines at least" in response.text
    for lines in (LINES, "Camille Moreau\n9 rue Neuve\n38000 Grenoble", LINES):
        assert agent.post(page, {"lines": lines, "country": "fr"}).status_code == 302
    with tenant(shop.id):
        first, second = postal.addresses([conversation.customer_id])
        assert first.address == LINES + "\nFR", "the one that was entered last is written to"
        assert second.display == "Camille Moreau, 9 rue Neuve, 38000 Grenoble, FR"
        told = [each.kind for each in of_customers(raw(), shop.id, [conversation.customer_id])]
        assert told.count("identity.added") == 2
        other = Customer(workspace_id=shop.id, name="Somebody", created_at=now())
        other.root_id = other.id
        other.save(force_insert=True)
    assert "12 rue Mercière" in agent.get(f"/customers/{conversation.customer_id}").text
    taken = agent.post(f"/customers/{other.id}/post", {"lines": LINES, "country": "FR"})
    assert "belongs to another customer" in taken.text
    assert signed_in(shop, "readonly").post(page, {"lines": LINES, "country": "FR"}).status_code == 403


def test_a_letter_is_seen_before_it_is_sent(shop: Shop, conversation: Conversation, place: Path) -> None:
    agent, path = signed_in(shop, "agent"), f"/conversations/{conversation.id}/letter"
    assert "There is no inbox for letters yet" in agent.post(path, {"text": "Bonjour"}).text
    with tenant(shop.id):
        values = {"address": "Dar Zaytun; 5 place Carnot; 69002 Lyon", "country": "FR"}
        inbox = open_inbox(
            shop.actor("admin"), kind("post"), ChatInbox(name="Letters", language="fr", values=values)
        )
    response = agent.post(path, {"text": "Bonjour"})
    assert (response.status_code, response.text) == (
        422,
        "The customer has no postal address yet. Enter one on their page.",
    )
    with tenant(shop.id):
        identity = postal.keep(shop.actor(), conversation.customer_id, LINES, "FR")
    response = agent.post(path, {"text": "Chère Madame,\n\nvotre facture suit.", "inbox": str(inbox.id)})
    assert response.headers["Content-Type"] == "application/pdf"
    assert response.headers["Content-Disposition"].startswith("inline")
    assert {"Camille Moreau", "votre facture suit."} <= {run.text for run in runs(response.content)}
    assert agent.post(path, {"text": "x", "to": str(conversation.id)}).status_code == 404
    assert agent.post(path, {"text": "x", "to": str(identity.id), "inbox": "x"}).status_code == 400
    assert "cannot be printed" in agent.post(path, {"text": "\U0001f600"}).text
    assert agent.get(path).status_code == 405


@pytest.fixture
def sender() -> Iterator[Sender]:
    made = Sender(db.pool("queue", "test", 8), senders=2, lease=30.0)
    yield made
    made.close()


def _until(sender: Sender, delivery_id: UUID, shop: Shop, *states: str) -> Delivery:
    for _ in range(400):
        sender.step()
        with tenant(shop.id):
            found = Delivery.objects.get(id=delivery_id)
        if found.state in states:
            return found
        time.sleep(0.02)
    raise AssertionError(found.state)


def test_a_mail_is_answered_by_letter_and_the_letter_comes_back(
    shop: Shop, conversation: Conversation, post: Inbox, place: Path, sender: Sender
) -> None:
    with tenant(shop.id):
        identity = postal.keep(shop.actor(), conversation.customer_id, LINES, "FR")
    with tenant(shop.id):
        reply(
            shop.actor(), conversation.id, "Chère Madame, voici votre facture.", via=Via(post.id, identity.id)
        )
        delivery = Delivery.objects.get(inbox_id=post.id)
    _until(sender, delivery.id, shop, "sent")
    here = watch.folder(settings_of(post))
    assert here.parent == place
    job = json.loads((here / "jobs" / f"{delivery.id}.json").read_text())
    assert job["address"]["lines"] == LINES.splitlines()
    assert "voici votre facture" in " ".join(
        run.text for run in runs((here / "jobs" / job["file"]).read_bytes())
    )

    for state, kept in (("posted", "sent"), ("returned", "failed"), ("posted", "failed")):
        _receipt(here, delivery.id, state)
        _fetch(shop, post)
        work()
        with tenant(shop.id):
            assert Delivery.objects.get(id=delivery.id).state == kept, state
    with tenant(shop.id):
        told = of_customers(raw(), shop.id, [conversation.customer_id])
        failed = [each for each in told if each.kind == "delivery.failed"]
        assert [each.facts["reason"] for each in failed] == ["address_unknown"]
        assert Identity.objects.filter(channel="post").count() == 1


def _receipt(here: Path, delivery_id: UUID, state: str) -> None:
    (here / "receipts").mkdir(exist_ok=True)
    said = {"id": str(delivery_id), "state": state, "at": datetime.now(UTC).isoformat()}
    (here / "receipts" / f"{state}.json").write_text(json.dumps(said))


def _fetch(shop: Shop, inbox: Inbox) -> None:
    """As the worker does: what the channel brings is stored before it is taken."""
    stop = Event()

    def keep(slips: object) -> None:
        payloads = [
            Raw(inbox.id, "post", slip.content, slip.key.encode()[:32])
            for slip in slips  # type: ignore[attr-defined]
        ]
        with tenant(shop.id):
            store_in(raw(), shop.id, payloads)
        stop.set()

    watch.listen(settings_of(inbox), keep, stop)
