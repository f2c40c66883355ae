"""Reports about our own mail find the delivery they speak of."""

from typing import Any
from uuid import UUID

import psycopg
import pytest

from tests.inbound import mail, take
from tests.worlds import Shop
from wasl.channels.base import OutboundMessage
from wasl.channels.email.compose import compose
from wasl.conversations.models import Conversation, Message
from wasl.conversations.reply import reply
from wasl.customers.models import Identity
from wasl.customers.queries import customer, timeline
from wasl.delivery.models import Delivery
from wasl.delivery.payload import unpack
from wasl.delivery.queries import receipts
from wasl.kit.db import tenant
from wasl.sandbox.report import junk, undelivered
from wasl.workspace.shapes.card import ways
from wasl.workspace.shapes.events import between

Owner = psycopg.Connection[Any]
CAMILLE = "camille@atelier.example"


@pytest.fixture
def sent(shop: Shop, owner: Owner) -> OutboundMessage:
    """An answer that has left."""
    take(
        shop,
        mail("Où est ma facture ?", Message_ID="<first@atelier.example>", Cc="Paul <paul@atelier.example>"),
    )
    with tenant(shop.id):
        reply(shop.actor(), Conversation.objects.get().id, "La voici")
        delivery = Delivery.objects.get()
        out = unpack(shop.id, delivery.payload)
    owner.execute("UPDATE delivery_delivery SET state = 'sent', ended_at = now()")
    return out


def state(shop: Shop) -> tuple[str, str]:
    with tenant(shop.id):
        delivery = Delivery.objects.get()
        return delivery.state, delivery.reason


def kept(shop: Shop) -> list[str]:
    with tenant(shop.id):
        return [r.kind for r in receipts(shop.id, Delivery.objects.get().id)]


def works(shop: Shop) -> tuple[str, bool, str]:
    """What the customer's card says of the address."""
    with tenant(shop.id):
        actor = shop.actor()
        found = Identity.objects.get(address=CAMILLE)
        [way] = ways([found], timeline(actor, customer(actor, found.customer_id).customer.id).rows)
        return way.works, way.trouble, way.under


def report(sender: str, text: str, to: str = "support@dar-zaytun.example", **headers: str) -> bytes:
    return mail(text, sender=sender, to=to, subject="Undelivered Mail Returned to Sender", **headers)


def test_a_bounce_to_its_own_address(shop: Shop, sent: OutboundMessage, owner: Owner) -> None:
    raw = undelivered(compose(sent), sent.envelope_from, CAMILLE)
    take(shop, raw, to=sent.envelope_from)
    assert state(shop) == ("failed", "address_unknown")
    assert works(shop) == ("Fails", True, "The address does not exist")
    with tenant(shop.id):
        assert Conversation.objects.count() == 1
        assert Message.objects.count() == 2
    assert owner.execute("SELECT count(*) FROM intake_inboundqueue").fetchone() == (0,)


def test_a_bounce_that_names_the_message(shop: Shop, sent: OutboundMessage) -> None:
    take(
        shop,
        undelivered(compose(sent), "support@dar-zaytun.example", CAMILLE, "5.2.2", "552 5.2.2 Mailbox full"),
    )
    assert state(shop) == ("failed", "mailbox_full")


def test_a_bounce_that_names_only_the_recipient(shop: Shop, sent: OutboundMessage) -> None:
    take(shop, report("MAILER-DAEMON@mx.example", f"<{CAMILLE.upper()}>:\n550 5.1.1 no such user\n"))
    assert state(shop) == ("failed", "address_unknown")


@pytest.mark.parametrize("who", ["paul@elsewhere.example", "camille@elsewhere.example"])
def test_a_recipient_we_did_not_write_to(shop: Shop, sent: OutboundMessage, who: str) -> None:
    take(shop, report("MAILER-DAEMON@mx.example", f"<{who}>:\n550 5.1.1 no such user\n"))
    assert state(shop) == ("sent", "")


def test_a_report_about_a_mail_that_is_not_ours(shop: Shop, sent: OutboundMessage) -> None:
    """Somebody else wrote in our name: what came back says which mail, and that one we did not send."""
    text = (
        f"<{CAMILLE}>:\n550 5.1.1 no such user\n\n--- Original message ---\n\nMessage-ID: <x@spam.example>\n"
    )
    take(shop, report("MAILER-DAEMON@mx.example", text))
    assert state(shop) == ("sent", "")
    with tenant(shop.id):
        assert Conversation.objects.count() == 2


def test_an_old_mail_is_not_meant(shop: Shop, sent: OutboundMessage, owner: Owner) -> None:
    owner.execute("UPDATE conversations_message SET at = at - interval '8 days'")
    take(shop, report("MAILER-DAEMON@mx.example", f"<{CAMILLE}>:\n550 5.1.1 no such user\n"))
    assert state(shop) == ("sent", "")


def test_a_delay_is_kept_and_changes_nothing(shop: Shop, sent: OutboundMessage) -> None:
    text = f"Your message has not yet been delivered to:\n  {CAMILLE}\nIt will be retried.\n"
    take(shop, report("MAILER-DAEMON@mx.example", text), to=sent.envelope_from)
    assert state(shop) == ("sent", "")
    assert kept(shop) == ["delayed"]


def test_a_complaint_marks_the_address_for_good(shop: Shop, sent: OutboundMessage) -> None:
    raw = b"Return-Path: <" + sent.envelope_from.encode() + b">\r\n" + compose(sent)
    to, complaint = junk(raw, CAMILLE)
    take(shop, complaint, to=to)
    assert state(shop) == ("delivered", "")
    assert kept(shop) == ["complaint"]
    works_, trouble, under = works(shop)
    assert (works_, trouble) == ("Unwanted", True)
    assert under.startswith("They reported our mail as unwanted")
    with tenant(shop.id):
        assert Conversation.objects.count() == 1


def test_somebody_in_copy_who_is_not_reached_fails_nobody_else(shop: Shop, sent: OutboundMessage) -> None:
    assert [a.address for a in sent.cc] == ["paul@atelier.example"]
    take(shop, undelivered(compose(sent), sent.envelope_from, "paul@atelier.example"), to=sent.envelope_from)
    assert state(shop) == ("sent", "")
    assert kept(shop) == ["failed"]
    with tenant(shop.id):
        told = [event.text for event in between(shop.actor(), Conversation.objects.get().id)]
    assert any("paul@atelier.example" in text and "does not exist" in text for text in told)


def test_away_to_the_bounce_address_joins_the_conversation(shop: Shop, sent: OutboundMessage) -> None:
    with tenant(shop.id):
        conversation_id: UUID = Conversation.objects.get().id
        Conversation.objects.update(status="resolved")
    (echo,) = take(shop, mail("I am away", subject="Away", to=sent.envelope_from), to=sent.envelope_from)
    with tenant(shop.id):
        message = Message.objects.get(id=echo)
        assert (message.conversation_id, message.auto) == (conversation_id, "auto-replied")
        assert Conversation.objects.get().status == "resolved"
    assert state(shop) == ("sent", "")


def test_a_stranger_who_writes_to_a_bounce_address_joins_nothing(shop: Shop, sent: OutboundMessage) -> None:
    take(shop, mail("Hello", sender="eve@elsewhere.example", to=sent.envelope_from), to=sent.envelope_from)
    with tenant(shop.id):
        assert Conversation.objects.count() == 2
