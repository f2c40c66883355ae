"""The customer's page: who they may be as well, how to reach them, the parts of the timeline."""

from datetime import UTC, datetime
from uuid import UUID

import psycopg
import pytest

from tests.workspace.stage import Browser, Known
from tests.worlds import Shop
from wasl.channels.models import Inbox
from wasl.conversations.models import Conversation, Message
from wasl.customers.follow import LINKING
from wasl.customers.models import Customer, Identity, Suggestion
from wasl.customers.points import CHANNEL
from wasl.customers.resolve import Sender, resolve
from wasl.delivery import suppression
from wasl.kit.clock import now
from wasl.kit.db import conninfo, prepare, raw, tenant
from wasl.timeline.actions import Touch, append
from wasl.timeline.follow import run_once

AT = datetime(2026, 3, 1, 9, 30, tzinfo=UTC)
MAIL = "mail:camille@atelier.example"


def write(
    shop: Shop, channel: str, address: str, name: str = "", *, known: str = CHANNEL, left: str = ""
) -> UUID:
    """Somebody writes on another channel, and the followers read it."""
    with tenant(shop.id):
        claimed = (left,) if left else ()
        sender = Sender(channel, address, address, name, "fr", AT, known=known, claimed=claimed)
        (found,) = resolve(raw(), shop.id, [sender])
        facts = {"new_customer": int(found.created), "learnt": int(found.learnt)}
        append(raw(), shop.id, [Touch(found.customer_id, "message.received", AT, channel, facts=facts)])
    with psycopg.connect(conninfo("queue", "test"), autocommit=True) as conn:
        prepare(conn)
        while run_once(conn, LINKING):
            pass
    return found.customer_id


@pytest.fixture
def twin(shop: Shop, known: Known) -> UUID:
    """A visitor of the web chat who left the address of the customer that is known."""
    return write(shop, "webchat", "v1", "Camille Moreau", left=MAIL)


def test_a_suggestion_stands_there_with_its_reasons(
    shop: Shop, known: Known, browser: Browser, twin: UUID
) -> None:
    page = browser(shop).get(f"/customers/{known.customer}").text
    assert "Is this one person?" in page
    assert "Very likely the same person" in page or "Almost certainly the same person" in page
    assert "camille@atelier.example\u2069, without proof" in page
    assert "The same name" in page
    assert "Is this one person?" in browser(shop).get(f"/customers/{twin}").text
    assert "Is this one person?" in browser(shop).get(f"/customers/{twin}/alike").text


def test_accepted_in_one_click(shop: Shop, known: Known, browser: Browser, twin: UUID) -> None:
    client = browser(shop)
    with tenant(shop.id):
        suggestion = Suggestion.objects.get().id
    answer = client.post(f"/customers/{twin}/alike/{suggestion}")
    there, _, made = answer.headers["Location"].partition("?joined=")
    assert there == f"/customers/{known.customer}"
    page = client.get(answer.headers["Location"]).text
    assert "Is this one person?" not in page
    assert "Make it two again" in page
    assert "Wasl made two customers one" not in page, "the agent did"
    assert f'action="/merges/{made}/undo" role="status"' in page
    assert "The two are one customer now." not in client.get(there).text
    again = client.post(f"/customers/{known.customer}/alike/{suggestion}")
    assert again.status_code == 302


def test_refused_in_one_click(shop: Shop, known: Known, browser: Browser, twin: UUID) -> None:
    client = browser(shop)
    with tenant(shop.id):
        suggestion = Suggestion.objects.get().id
    assert client.post(f"/customers/{twin}/alike/{suggestion}/no").status_code == 302
    assert "Is this one person?" not in client.get(f"/customers/{twin}").text
    with tenant(shop.id):
        assert Customer.objects.get(id=twin).root_id == twin
        assert Suggestion.objects.get().answered_by_id == shop.agents["agent"].id


def test_who_only_reads_sees_it_and_cannot_answer(
    shop: Shop, known: Known, browser: Browser, twin: UUID
) -> None:
    client = browser(shop, "readonly")
    page = client.get(f"/customers/{twin}").text
    assert "Is this one person?" in page
    assert "Two people" not in page
    with tenant(shop.id):
        suggestion = Suggestion.objects.get().id
    assert client.post(f"/customers/{twin}/alike/{suggestion}").status_code == 403


def test_another_workspace_s_suggestion_is_not_there(
    shop: Shop, known: Known, elsewhere: Known, browser: Browser, twin: UUID
) -> None:
    client = browser(shop)
    assert client.post(f"/customers/{elsewhere.customer}/alike/{known.conversation}").status_code == 404
    assert client.get(f"/customers/{elsewhere.customer}/alike").status_code == 404


def test_every_address_says_how_it_is_known_and_whether_it_is_wanted(
    shop: Shop, known: Known, browser: Browser, twin: UUID
) -> None:
    with tenant(shop.id):
        identity = Identity.objects.get(customer_id=known.customer)
        point = (identity.channel, identity.address)
        assert suppression.stop(raw(), shop.id, point, suppression.Why.WORD, now())
    page = browser(shop).get(f"/customers/{known.customer}").text
    assert "Claimed, not proved" in page
    assert "They do not want messages here" in page
    other = browser(shop).get(f"/customers/{twin}").text
    assert "Verified: they wrote from it" in other
    assert "They left it and never wrote from it" in other


def test_a_closed_window_is_told(shop: Shop, known: Known, browser: Browser) -> None:
    with tenant(shop.id):
        inbox = Inbox.objects.create(
            workspace_id=shop.id, channel="whatsapp", name="WhatsApp", address="1555", config={}
        )
    customer = write(shop, "whatsapp", "213550123456", "Salma Bennani")
    with tenant(shop.id):
        identity = Identity.objects.get(customer_id=customer)
        talk = Conversation.objects.create(
            workspace_id=shop.id, customer_id=customer, inbox=inbox, subject="", created_at=AT, last_at=AT
        )
        Message.objects.create(
            workspace_id=shop.id, conversation=talk, customer_id=customer, identity_id=identity.id,
            way="in", channel="whatsapp", at=AT, text="Salam",
        )  # fmt: skip
    page = browser(shop, "admin").get(f"/customers/{customer}").text
    assert "Only an approved text may be sent now" in page
    assert "Verified: they wrote from it" in page


def test_documents_and_matters_are_collected(shop: Shop, known: Known, browser: Browser) -> None:
    page = browser(shop).get(f"/customers/{known.customer}").text
    assert f'href="/files/{known.file}"' in page
    assert "from them" in page
    assert "Open matters" in page
    assert "Earlier conversations" not in page


def test_the_timeline_is_narrowed_by_kind_and_by_channel(shop: Shop, known: Known, browser: Browser) -> None:
    client = browser(shop)
    here = f"/customers/{known.customer}"
    assert "Où est ma facture" in client.get(here).text
    assert "Où est ma facture" in client.get(f"{here}?kind=messages").text
    assert "Où est ma facture" in client.get(f"{here}?kind=files").text
    assert "Où est ma facture" in client.get(f"{here}?kind=nonsense").text
    orders = client.get(f"{here}?kind=orders").text
    assert "Où est ma facture" not in orders
    assert "Nothing of this kind" in orders
    assert "Nothing of this kind" in client.get(f"{here}?channel=whatsapp").text
    assert f'hx-get="{here}?kind=messages"' in client.get(f"{here}?kind=messages").text


def open_another(shop: Shop, known: Known, subject: str, owner: str = "") -> UUID:
    """A second open conversation of the customer that is known."""
    with tenant(shop.id):
        made = Conversation.objects.create(
            workspace_id=shop.id,
            customer_id=known.customer,
            inbox=shop.mail,
            subject=subject,
            created_at=AT,
            last_at=AT,
            assignee_id=shop.agents[owner].id if owner else None,
        )
    return made.id


def test_one_matter_that_is_open_twice_is_told(shop: Shop, known: Known, browser: Browser) -> None:
    client, bands = browser(shop), f"/conversations/{known.conversation}/crossings"
    assert "open twice" not in client.get(bands).text
    other = open_another(shop, known, "RE: facture  dz-20377")
    shown = client.get(bands).text
    assert "The same matter is open twice" in shown
    assert f'<a href="/conversations/{other}"' in shown
    with tenant(shop.id):
        Conversation.objects.filter(id=other).update(status="resolved")
    assert "open twice" not in client.get(bands).text


def test_two_agents_on_one_customer_are_told_of_each_other(
    shop: Shop, known: Known, browser: Browser
) -> None:
    bands = f"/conversations/{known.conversation}/crossings"
    open_another(shop, known, "Quite another thing", owner="admin")
    assert "is talking with this customer too" in browser(shop, "agent").get(bands).text
    assert "is talking with this customer too" not in browser(shop, "admin").get(bands).text
