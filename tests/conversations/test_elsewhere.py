"""When what a customer writes on another channel carries on the conversation they have, and when it is another."""

import json
from datetime import timedelta
from typing import Any
from uuid import UUID

import psycopg
import pytest

from tests.conversations.test_ways import chat_inbox, merge, message, write
from tests.inbound import mail, take
from tests.worlds import Shop
from wasl.accounts.models import Team
from wasl.channels.models import Inbox, InboxTeam
from wasl.conversations import states
from wasl.conversations.models import Conversation
from wasl.kit.clock import now
from wasl.kit.db import tenant

Owner = psycopg.Connection[Any]


@pytest.fixture
def whatsapp(shop: Shop) -> Inbox:
    return chat_inbox(shop, "whatsapp", "111")


@pytest.fixture
def known(shop: Shop, whatsapp: Inbox) -> None:
    """Giulia is known by mail and on WhatsApp as one, and nothing of hers is open."""
    (first,) = take(shop, mail("Buongiorno", sender="Giulia <giulia@casa.example>", subject="Vecchio"))
    old = write(shop, whatsapp, "Ciao", ref="wamid.0")
    merge(shop, old, message(shop, first))
    with tenant(shop.id):
        for row in Conversation.objects.all():
            states.resolve(shop.actor("agent"), row.id)


def by_mail(shop: Shop, subject: str, **headers: str) -> UUID:
    (id_,) = take(
        shop, mail("Una domanda", sender="Giulia <giulia@casa.example>", subject=subject, **headers)
    )
    return message(shop, id_).conversation_id


def age(owner: Owner, conversation_id: UUID, by: timedelta) -> None:
    owner.execute(
        "UPDATE conversations_conversation SET last_at = last_at - %(by)s, last_in_at = last_in_at - %(by)s"
        " WHERE id = %(id)s",
        {"by": by, "id": conversation_id},
    )


def test_a_chat_carries_on_the_only_open_conversation(shop: Shop, whatsapp: Inbox, known: None) -> None:
    conversation_id = by_mail(shop, "Il mio ordine")
    said = write(shop, whatsapp, "Ecco la foto", ref="wamid.2")
    assert said.conversation_id == conversation_id
    with tenant(shop.id):
        row = Conversation.objects.get(id=conversation_id)
    assert (row.inbox_id, row.messages) == (shop.mail.id, 2)


def test_not_when_there_are_two_that_it_might_be(
    shop: Shop, whatsapp: Inbox, known: None, owner: Owner
) -> None:
    one = by_mail(shop, "Il mio ordine")
    age(owner, one, timedelta(hours=1))
    other = by_mail(shop, "La fattura")
    assert one != other
    assert write(shop, whatsapp, "Allora?", ref="wamid.2").conversation_id not in (one, other)


def test_not_after_a_day_unless_the_channel_was_used_there(
    shop: Shop, whatsapp: Inbox, known: None, owner: Owner
) -> None:
    first = by_mail(shop, "Il mio ordine")
    age(owner, first, timedelta(days=2))
    second = write(shop, whatsapp, "Allora?", ref="wamid.2").conversation_id
    assert second != first
    with tenant(shop.id):
        states.resolve(shop.actor("agent"), second)
    third = by_mail(shop, "La fattura")
    with tenant(shop.id):
        states.resolve(shop.actor("agent"), first)
    assert write(shop, whatsapp, "La fattura!", ref="wamid.3").conversation_id == third
    age(owner, third, timedelta(days=2))
    assert write(shop, whatsapp, "E dunque?", ref="wamid.4").conversation_id == third
    age(owner, third, timedelta(days=8))
    assert write(shop, whatsapp, "Ancora io", ref="wamid.5").conversation_id != third


def test_never_what_is_resolved(shop: Shop, whatsapp: Inbox, known: None) -> None:
    conversation_id = by_mail(shop, "Il mio ordine")
    with tenant(shop.id):
        states.resolve(shop.actor("agent"), conversation_id)
    assert write(shop, whatsapp, "Grazie", ref="wamid.2").conversation_id != conversation_id


def test_never_before_other_eyes(shop: Shop, whatsapp: Inbox, known: None) -> None:
    with tenant(shop.id):
        team = Team.objects.create(workspace_id=shop.id, name="Conti", created_at=now())
        InboxTeam.objects.create(workspace_id=shop.id, inbox=whatsapp, team=team)
    conversation_id = by_mail(shop, "Il mio ordine")
    assert write(shop, whatsapp, "Segreto", ref="wamid.2").conversation_id != conversation_id


def test_a_mail_joins_none_that_has_a_subject(shop: Shop, known: None) -> None:
    first = by_mail(shop, "Il mio ordine")
    with tenant(shop.id):
        bills = Inbox.objects.create(
            workspace_id=shop.id, channel="email", name="Bills", address="bills@dar-zaytun.example"
        )
    raw = mail("Una domanda", sender="giulia@casa.example", to=bills.address, subject="La fattura")
    (second,) = take(shop, raw, to=bills.address, inbox=bills)
    assert message(shop, second).conversation_id != first


def test_a_mail_joins_a_chat_which_has_none(shop: Shop, whatsapp: Inbox, known: None) -> None:
    chat = write(shop, whatsapp, "Dov’è?", ref="wamid.2").conversation_id
    assert by_mail(shop, "Ecco la ricevuta") == chat


def test_somebody_else_joins_nothing(shop: Shop, whatsapp: Inbox, known: None) -> None:
    conversation_id = by_mail(shop, "Il mio ordine")
    other = write(shop, whatsapp, "Salut", who="33611112222", ref="wamid.9")
    assert other.conversation_id != conversation_id


def test_a_first_short_message_from_their_number_is_theirs_at_once(shop: Shop, whatsapp: Inbox) -> None:
    sms = chat_inbox(shop, "sms", "+39000")
    said = write(shop, whatsapp, "Dov’è il pacco?")
    raw = {
        "kind": "message",
        "at": now().isoformat(),
        "said": {"From": "+393331112222", "Body": "Allora?", "MessageSid": "S1"},
    }
    (id_,) = take(shop, json.dumps(raw).encode(), inbox=sms)
    assert message(shop, id_).conversation_id == said.conversation_id
    other = {**raw, "said": {"From": "+393339998888", "Body": "Salve", "MessageSid": "S2"}}
    (id_,) = take(shop, json.dumps(other).encode(), inbox=sms)
    assert message(shop, id_).conversation_id != said.conversation_id
