"""The composer's choice of channel, over the pages."""

from html import unescape

import pytest

from tests.conversations.test_ways import chat_inbox, merge, message, write
from tests.inbound import mail, take
from tests.workspace.stage import Browser
from tests.worlds import Shop
from wasl.accounts.models import Access
from wasl.channels.models import Inbox
from wasl.conversations.models import Message
from wasl.customers.models import Identity
from wasl.delivery.models import Delivery
from wasl.kit.db import tenant

HX = {"HX-Request": "true"}
TEXT = {"name": "arrived", "language": "it", "text": "Ciao {{1}}, il pacco è arrivato."}


@pytest.fixture
def whatsapp(shop: Shop) -> Inbox:
    return chat_inbox(shop, "whatsapp", "111")


@pytest.fixture
def wrote(shop: Shop, whatsapp: Inbox) -> Message:
    """Giulia wrote by mail and then on WhatsApp."""
    (first,) = take(shop, mail("Buongiorno", sender="Giulia <giulia@casa.example>"))
    said = write(shop, whatsapp, "Ciao")
    merge(shop, said, message(shop, first))
    return said


def via(shop: Shop, inbox: Inbox) -> str:
    """The way to Giulia through that inbox, as a form says it."""
    with tenant(shop.id):
        identity = Identity.objects.get(channel=inbox.channel, name="Giulia")
    return f"{inbox.id}:{identity.id}"


def test_the_page_offers_every_way_the_last_used_first(
    shop: Shop, browser: Browser, wrote: Message, whatsapp: Inbox
) -> None:
    page = browser(shop, "agent").get(f"/all/{wrote.conversation_id}").content.decode()
    offered = [part.partition('"')[0] for part in page.split('data-via="')[1:]]
    assert offered == [via(shop, whatsapp), via(shop, shop.mail)]
    assert f'name="via" value="{offered[0]}"' in page
    assert page.count("They last wrote here") == 1, "the reason of the one that is preselected"


def test_an_answer_goes_the_way_that_was_chosen(shop: Shop, browser: Browser, wrote: Message) -> None:
    client = browser(shop, "agent")
    form = {"text": "Ecco la fattura", "via": via(shop, shop.mail)}
    assert client.post(f"/conversations/{wrote.conversation_id}/reply", form, headers=HX).status_code == 200
    with tenant(shop.id):
        assert Delivery.objects.get().channel == "email"


def test_a_way_that_is_none_is_refused_and_nothing_is_lost(
    shop: Shop, browser: Browser, wrote: Message, whatsapp: Inbox
) -> None:
    other = write(shop, whatsapp, "Salut", who="33611112222", ref="wamid.2", name="Camille")
    form = {"text": "Ecco", "via": f"{whatsapp.id}:{other.identity_id}"}
    answer = browser(shop, "agent").post(f"/conversations/{wrote.conversation_id}/reply", form, headers=HX)
    assert (answer.status_code, "Choose another channel" in answer.content.decode()) == (422, True)
    assert (
        browser(shop, "agent")
        .post(f"/conversations/{wrote.conversation_id}/reply", {"text": "x", "via": "nonsense"})
        .status_code
        == 400
    )
    with tenant(shop.id):
        assert not Delivery.objects.exists()


def test_the_composer_shows_what_becomes_of_it(
    shop: Shop, browser: Browser, wrote: Message, whatsapp: Inbox
) -> None:
    client, at = browser(shop, "agent"), f"/conversations/{wrote.conversation_id}/looks"
    form = {"text": "Quando?", "choice": ["Oggi", "Domani", ""], "via": via(shop, shop.mail)}
    assert "1. Oggi\n2. Domani" in client.post(at, form).content.decode()
    buttons = client.post(at, form | {"via": via(shop, whatsapp)}).content.decode()
    assert 'class="chip"' in buttons
    assert "1. Oggi" not in buttons
    assert client.post(at, {"text": "Quando?", "via": via(shop, whatsapp)}).content.decode().strip() == ""
    long = client.post(at, {"text": "a" * 4100, "via": via(shop, whatsapp)}).content.decode()
    assert "4 letters too long" in unescape(long)
    with tenant(shop.id):
        assert not Access.objects.exists(), "nothing was done that the access log had to know"


def test_an_approved_text_is_filled_in_and_sent(
    shop: Shop, browser: Browser, wrote: Message, whatsapp: Inbox
) -> None:
    with tenant(shop.id):
        whatsapp.config = {"templates": [TEXT, "nonsense"]}
        whatsapp.save(update_fields=["config"])
    client, way = browser(shop, "agent"), via(shop, whatsapp)
    assert (
        "il pacco"
        in client.get(f"/conversations/{wrote.conversation_id}/approved?via={way}").content.decode()
    )
    form = {"via": way, "template": "arrived|it", "value": [""]}
    assert client.post(f"/conversations/{wrote.conversation_id}/reply", form, headers=HX).status_code == 422
    form["value"] = ["Giulia"]
    assert client.post(f"/conversations/{wrote.conversation_id}/reply", form, headers=HX).status_code == 200
    with tenant(shop.id):
        sent = Delivery.objects.get()
        said = Message.objects.get(id=sent.message_id)
    assert said.text == "Ciao Giulia, il pacco è arrivato."
    assert sent.payload["chat"]["template"] == ["arrived", "it", ["Giulia"]]
