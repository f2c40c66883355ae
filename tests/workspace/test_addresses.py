"""An address that an agent enters for a channel on which customers do not write first; answers can go there."""

from collections.abc import Iterator

import pytest
from django.test import Client

from tests.channels.standin import StandIn, standing_in
from tests.workspace.stage import Browser, Known
from tests.worlds import Shop
from wasl.channels.models import Inbox
from wasl.channels.secret import seal_all
from wasl.conversations.models import Conversation
from wasl.conversations.ways import ways
from wasl.customers.models import Customer, Identity
from wasl.kit.clock import now
from wasl.kit.db import tenant
from wasl.kit.ids import uuid7
from wasl.timeline.models import Touchpoint


@pytest.fixture
def server() -> Iterator[StandIn]:
    with standing_in(lambda _: (200, b"", {})) as made:
        yield made


@pytest.fixture
def inbox(shop: Shop, server: StandIn) -> Inbox:
    with tenant(shop.id):
        made = Inbox(id=uuid7(), workspace_id=shop.id, channel="apprise", name="Rooms", address="rooms")
        made.secret = seal_all(shop.id, made.id, {"url": f"json://127.0.0.1:{server.port}/{{to}}"})
        made.save(force_insert=True)
    return made


@pytest.fixture
def client(shop: Shop, browser: Browser) -> Client:
    return browser(shop, "agent")


def page(known: Known) -> str:
    return f"/customers/{known.customer}/address"


def test_without_such_an_inbox_nothing_is_offered(client: Client, known: Known) -> None:
    assert client.get(page(known)).status_code == 404
    assert page(known) not in client.get(f"/customers/{known.customer}").text


def test_an_address_is_entered_and_can_be_answered_to(
    shop: Shop, client: Client, known: Known, inbox: Inbox
) -> None:
    assert page(known) in client.get(f"/customers/{known.customer}").text
    assert "Apprise" in client.get(page(known)).text
    for _again in range(2):
        answer = client.post(page(known), {"channel": "apprise", "address": " room 7\n"})
        assert (answer.status_code, answer.headers["Location"]) == (302, f"/customers/{known.customer}")
    with tenant(shop.id):
        identity = Identity.objects.get(channel="apprise")
        assert (identity.address, identity.customer_id) == ("room 7", known.customer)
        assert Touchpoint.objects.filter(kind="identity.added", channel="apprise").count() == 1
        conversation = Conversation.objects.filter(customer_id=known.customer).earliest("created_at")
        offered = [(way.inbox.id, way.address, way.why) for way in ways(shop.actor("agent"), conversation)]
    assert (inbox.id, "room 7", "") in offered
    assert "room 7" in client.get(f"/customers/{known.customer}").text


@pytest.mark.parametrize(
    ("values", "words"),
    [
        ({"channel": "apprise", "address": " "}, "This is no address of this channel."),
        ({"channel": "apprise", "address": "x" * 251}, "This is no address of this channel."),
        ({"channel": "email", "address": "a@b.example"}, "Choose a channel."),
        ({"channel": "webhook", "address": "x"}, "Choose a channel."),
        ({}, "Choose a channel."),
        ({"channel": "apprise", "address": "taken"}, "This address is another customer’s."),
    ],
)
def test_what_is_refused_says_why(
    shop: Shop, client: Client, known: Known, inbox: Inbox, values: dict[str, str], words: str
) -> None:
    with tenant(shop.id):
        id_ = uuid7()
        Customer.objects.create(id=id_, workspace_id=shop.id, name="Other", created_at=now(), root_id=id_)
        Identity.objects.create(
            workspace_id=shop.id, customer_id=id_, channel="apprise", address="taken", display="taken", created_at=now()
        )  # fmt: skip
    answer = client.post(page(known), values)
    assert answer.status_code == 422
    assert words in answer.text
    with tenant(shop.id):
        assert Identity.objects.filter(channel="apprise").count() == 1


def test_who_only_reads_enters_nothing(shop: Shop, browser: Browser, known: Known, inbox: Inbox) -> None:
    reader = browser(shop, "readonly")
    assert reader.post(page(known), {"channel": "apprise", "address": "room 7"}).status_code == 403
    assert page(known) not in reader.get(f"/customers/{known.customer}").text
