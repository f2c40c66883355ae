"""A mail that an agent passes on becomes the conversation of whoever wrote it; nobody else's does."""

from typing import Any

import psycopg
import pytest

from tests.inbound import mail, take
from tests.worlds import Shop
from wasl.channels.email.auto import Quiet
from wasl.channels.models import Inbox
from wasl.conversations.auto import may_answer_automatically
from wasl.conversations.models import Conversation, Message
from wasl.customers.models import Customer
from wasl.kit.db import raw, tenant
from wasl.workspace.shapes.events import between

Owner = psycopg.Connection[Any]
AGENT = "Rana <agent@dar-zaytun.example>"
TEXT = (
    "Please take this\n\n---------- Forwarded message ---------\nFrom: Amal Khoury <amal@example.net>\n"
    "Date: Mon, 5 Jan 2026 10:12:00 +0100\nSubject: Lamp\nTo: <agent@dar-zaytun.example>\nCc: Omar <omar@example.org>\n"
    "\nThe lamp is broken.\n"
)
PROVED = "mx.shop.example; dmarc=pass header.from=dar-zaytun.example"


def configure(shop: Shop, **config: str) -> None:
    with tenant(shop.id):
        inbox = Inbox.objects.get(id=shop.mail.id)
        inbox.config |= config
        inbox.save()


def passed_on(
    shop: Shop, sender: str = AGENT, subject: str = "Fwd: Lamp", text: str = TEXT, **more: str
) -> Message:
    (message_id,) = take(shop, mail(text, sender=sender, subject=subject, **more))
    with tenant(shop.id):
        return Message.objects.select_related("customer", "conversation").get(id=message_id)


@pytest.mark.parametrize("how", ["proved", "always"])
def test_it_is_the_first_writers_conversation(shop: Shop, how: str) -> None:
    more = {"Authentication_Results": PROVED} if how == "proved" else {}
    configure(shop, **({"authserv": "mx.shop.example"} if how == "proved" else {"forwards": "always"}))
    message = passed_on(shop, **more)
    assert (message.customer.name, message.conversation.subject, message.text) == (
        "Amal Khoury",
        "Lamp",
        "The lamp is broken.",
    )
    assert message.meta["cc"] == ["omar@example.org"]
    assert "to" not in message.meta
    with tenant(shop.id):
        assert Customer.objects.count() == 1
        note = Message.objects.get(way="note")
        assert (note.text, note.author_id) == ("Please take this", shop.agents["agent"].id)
        assert note.conversation_id == message.conversation_id
        assert Conversation.objects.get().messages == 1
        told = [event.text for event in between(shop.actor(), message.conversation_id)]
        assert any("passed this on" in text for text in told)
        assert may_answer_automatically(raw(), shop.id, message.id) is Quiet.FORWARDED


@pytest.mark.parametrize(
    ("config", "more"),
    [
        ({}, {}),
        ({}, {"Authentication_Results": PROVED}),
        ({"authserv": "mx.shop.example"}, {}),
        ({"authserv": "mx.shop.example"}, {"Authentication_Results": PROVED.replace("pass", "fail")}),
        ({"authserv": "mx.shop.example", "forwards": "never"}, {"Authentication_Results": PROVED}),
    ],
)
def test_who_only_says_to_be_an_agent_puts_words_into_nobodys_mouth(
    shop: Shop, config: dict[str, str], more: dict[str, str]
) -> None:
    configure(shop, **config)
    message = passed_on(shop, **more)
    assert message.customer.name == "Rana"
    assert "amal@example.net" in message.text
    assert ("forward_unproved" in message.meta.get("defects", ())) is (config.get("forwards") != "never")


@pytest.mark.parametrize(
    "who",
    ["eve@elsewhere.example", "readonly@dar-zaytun.example"],
)
def test_only_agents_pass_on(shop: Shop, who: str) -> None:
    configure(shop, forwards="always")
    assert passed_on(shop, sender=who).text.startswith("Please take this")


def test_an_agent_who_left_passes_nothing_on(shop: Shop) -> None:
    configure(shop, forwards="always")
    with tenant(shop.id):
        shop.agents["agent"].is_active = False
        shop.agents["agent"].save()
    assert passed_on(shop).text.startswith("Please take this")


@pytest.mark.parametrize(
    "inner", ["support@dar-zaytun.example", "Support+x@dar-zaytun.example", "admin@dar-zaytun.example"]
)
def test_our_own_mail_makes_no_customer_of_us(shop: Shop, inner: str) -> None:
    configure(shop, forwards="always")
    message = passed_on(shop, text=TEXT.replace("amal@example.net", inner))
    assert message.customer.name == "Rana"


def test_what_an_agent_writes_is_left_alone(shop: Shop) -> None:
    configure(shop, forwards="always")
    assert passed_on(shop, subject="Hello", text="Just a test").customer.name == "Rana"
    assert passed_on(shop, subject="Fwd: nothing", text="Just a test").customer.name == "Rana"


def test_a_customer_who_passes_something_on_is_who_wrote(shop: Shop) -> None:
    configure(shop, forwards="always")
    assert passed_on(shop, sender="Camille <camille@atelier.example>").customer.name == "Camille"


def test_it_joins_what_the_customer_has_open(shop: Shop) -> None:
    configure(shop, forwards="always")
    (first,) = take(
        shop, mail("Hello", sender="Amal Khoury <amal@example.net>", Message_ID="<a@example.net>")
    )
    inner = mail(
        "The lamp", sender="amal@example.net", subject="Lamp", In_Reply_To="<a@example.net>"
    ).decode()
    raw_mail = (
        f"From: {AGENT}\nTo: support@dar-zaytun.example\nSubject: x\nMessage-ID: <w@dar-zaytun.example>\n"
        f"Content-Type: multipart/mixed; boundary=b\n\n--b\n\nsee\n--b\n"
        f"Content-Type: message/rfc822\n\n{inner}\n--b--\n"
    )
    (second,) = take(shop, raw_mail.encode())
    with tenant(shop.id):
        one, two = Message.objects.get(id=first), Message.objects.get(id=second)
    assert (two.conversation_id, two.text) == (one.conversation_id, "The lamp")
