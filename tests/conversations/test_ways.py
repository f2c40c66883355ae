"""One customer, several channels: where an answer goes, and what it becomes there."""

import json
from dataclasses import replace
from typing import Any
from uuid import UUID

import psycopg
import pytest

from tests.inbound import mail, take
from tests.worlds import Shop
from wasl.channels.models import Inbox
from wasl.channels.port import Choice, Limits, Request
from wasl.channels.secret import seal_all
from wasl.channels.whatsapp.hook import Hook
from wasl.conversations.degrade import choices_of, degrade
from wasl.conversations.models import Conversation, Message
from wasl.conversations.reply import CannotReply, reply
from wasl.conversations.ways import Via, Way, ways
from wasl.customers import actions as customers
from wasl.customers.models import Claim, Identity, Known
from wasl.delivery.models import Delivery
from wasl.kit.clock import now
from wasl.kit.db import tenant
from wasl.kit.ids import uuid7
from wasl.kit.scenes import GLB


@pytest.fixture
def whatsapp(shop: Shop) -> Inbox:
    return chat_inbox(shop, "whatsapp", "111")


def chat_inbox(shop: Shop, channel: str, address: str) -> Inbox:
    with tenant(shop.id):
        made = Inbox(id=uuid7(), workspace_id=shop.id, channel=channel, name=channel.title(), address=address)
        made.secret = seal_all(
            shop.id, made.id, {"access_token": "t", "app_secret": "s", "verify_token": "v"}
        )
        made.save(force_insert=True)
    return made


def write(
    shop: Shop,
    inbox: Inbox,
    text: str,
    *,
    who: str = "393331112222",
    ref: str = "wamid.1",
    name: str = "Giulia",
) -> Message:
    """A customer writes on WhatsApp."""
    said = {
        "id": ref,
        "from": who,
        "timestamp": str(int(now().timestamp())),
        "type": "text",
        "text": {"body": text},
    }
    value = {
        "metadata": {"phone_number_id": "111"}, "messages": [said],
        "contacts": [{"profile": {"name": name}, "wa_id": who}],
    }  # fmt: skip
    entry = {"id": "9", "changes": [{"field": "messages", "value": value}]}
    body = json.dumps({"object": "whatsapp_business_account", "entry": [entry]}).encode()
    (slip,) = Hook().split(Request("POST", "https://wasl.example/hooks", {}, {}, body))
    (id_,) = take(shop, slip.content, inbox=inbox)
    return message(shop, id_)


def message(shop: Shop, id_: UUID) -> Message:
    with tenant(shop.id):
        return Message.objects.select_related("conversation__customer").get(id=id_)


def merge(shop: Shop, kept: Message, merged: Message) -> None:
    with tenant(shop.id):
        customers.merge(shop.actor("admin"), kept.conversation.customer_id, merged.conversation.customer_id)


def found(shop: Shop, conversation_id: UUID) -> list[Way]:
    with tenant(shop.id):
        row = Conversation.objects.select_related("customer").get(id=conversation_id)
        return ways(shop.actor("agent"), row)


def test_an_answer_leaves_where_the_customer_last_wrote(shop: Shop, whatsapp: Inbox) -> None:
    wrote = write(shop, whatsapp, "Dov’è il mio ordine?")
    (way,) = found(shop, wrote.conversation_id)
    assert (way.channel, way.why, way.wrote_ref) == ("whatsapp", "", "wamid.1")
    with tenant(shop.id):
        answer = Message.objects.get(id=reply(shop.actor("agent"), wrote.conversation_id, "Arriva domani"))
        sent = Delivery.objects.get(message_id=answer.id)
    assert (answer.channel, sent.channel, sent.payload["chat"]["mark_read"]) == (
        "whatsapp",
        "whatsapp",
        "wamid.1",
    )


def test_an_answer_can_leave_by_mail_and_comes_back_to_the_same_conversation(
    shop: Shop, whatsapp: Inbox
) -> None:
    (first,) = take(shop, mail("Buongiorno", sender="Giulia <giulia@casa.example>"))
    wrote = write(shop, whatsapp, "Dov’è il mio ordine?")
    merge(shop, wrote, message(shop, first))
    by_mail = next(way for way in found(shop, wrote.conversation_id) if way.channel == "email")
    with tenant(shop.id):
        id_ = reply(shop.actor("agent"), wrote.conversation_id, "Ecco la fattura", via=by_mail.via)
        answer, sent = Message.objects.get(id=id_), Delivery.objects.get(message_id=id_)
    assert (answer.channel, answer.subject) == ("email", "Re: Dov’è il mio ordine?")
    assert sent.payload["to"] == [["Giulia", "giulia@casa.example"]]
    assert "wamid.1" not in sent.payload["references"]
    _, address = sent.payload["reply_to"]
    back = mail("Grazie", sender="giulia@casa.example", to=address, In_Reply_To=f"<{answer.rfc_id}>")
    (again,) = take(shop, back, to=address)
    assert message(shop, again).conversation_id == wrote.conversation_id
    assert found(shop, wrote.conversation_id)[0].channel == "email"


def test_a_closed_window_says_so_and_the_other_way_comes_first(
    shop: Shop, whatsapp: Inbox, owner: psycopg.Connection[Any]
) -> None:
    (first,) = take(shop, mail("Buongiorno", sender="Giulia <giulia@casa.example>"))
    wrote = write(shop, whatsapp, "Ciao")
    merge(shop, wrote, message(shop, first))
    owner.execute("UPDATE conversations_message SET at = at - interval '2 days' WHERE id = %s", [wrote.id])
    best, closed = found(shop, wrote.conversation_id)
    assert (best.channel, closed.channel, closed.why, closed.by_template) == (
        "email",
        "whatsapp",
        "window_closed",
        True,
    )
    with tenant(shop.id), pytest.raises(CannotReply, match="window_closed"):
        reply(shop.actor("agent"), wrote.conversation_id, "Ciao", via=closed.via)


def test_a_way_to_somebody_else_is_none(shop: Shop, whatsapp: Inbox) -> None:
    wrote = write(shop, whatsapp, "Ciao")
    other = write(shop, whatsapp, "Salut", who="33611112222", ref="wamid.2")
    with tenant(shop.id), pytest.raises(CannotReply, match="no_way"):
        reply(shop.actor("agent"), wrote.conversation_id, "Ciao", via=Via(whatsapp.id, other.identity_id))


def test_an_inbox_that_the_agent_may_not_see_is_no_way(shop: Shop, whatsapp: Inbox) -> None:
    wrote = write(shop, whatsapp, "Ciao")
    with tenant(shop.id):
        row = Conversation.objects.select_related("customer").get(id=wrote.conversation_id)
        actor = shop.actor("agent")
        blind = replace(actor, inboxes=actor.inboxes - {whatsapp.id})
        assert ways(blind, row) == []


def test_choices_go_by_mail_as_a_numbered_list(shop: Shop) -> None:
    (first,) = take(shop, mail("Buongiorno", sender="Giulia <giulia@casa.example>"))
    choices = choices_of(["Oggi <ore 9>", "Domani"])
    with tenant(shop.id):
        conversation_id = Message.objects.get(id=first).conversation_id
        plain = reply(shop.actor("agent"), conversation_id, "Quando?", choices=choices)
        rich = reply(shop.actor("agent"), conversation_id, "", html="<p><b>Quando?</b></p>", choices=choices)
        said = {each.id: each for each in Message.objects.filter(way="out")}
    assert said[plain].text == "Quando?\n\n1. Oggi <ore 9>\n2. Domani"
    assert said[plain].html == ""
    assert said[rich].html.endswith(
        '<ol dir="auto"><li dir="auto">Oggi &lt;ore 9&gt;</li><li dir="auto">Domani</li></ol>'
    )


class _File:
    def __init__(self, filename: str = "scan.pdf", content_type: str = "application/pdf") -> None:
        self.filename, self.content_type, self.size = filename, content_type, 10


def test_choices_become_numbers_where_there_are_no_buttons() -> None:
    choices = choices_of(["Domani", " Dopodomani ", "", "Domani"])
    assert [each.title for each in choices] == ["Domani", "Dopodomani"]
    buttons = degrade("Quando?", choices, [], Limits(choices=3))
    assert (buttons.text, buttons.choices) == ("Quando?", choices)
    numbers = degrade("Quando?", choices, [], Limits())
    assert (numbers.text, numbers.choices, numbers.numbered) == (
        "Quando?\n\n1. Domani\n2. Dopodomani",
        (),
        True,
    )


def test_files_become_a_link_where_they_cannot_go() -> None:
    said = degrade("Ecco", [], [_File()], Limits(files=0), "https://wasl.example/c/x")
    assert (said.text, said.linked) == ("Ecco\n\nscan.pdf\nhttps://wasl.example/c/x", ("scan.pdf",))
    assert degrade("Ecco", [], [_File()], Limits(files=1), "https://wasl.example/c/x").linked == ()
    assert degrade("a" * 11, [Choice("1", "b")], [], Limits(text=5)).too_long == 11 + 6 - 5


def test_a_model_goes_as_its_picture_and_a_link() -> None:
    link, chair = "https://wasl.example/c/x", _File("chair.glb", GLB)
    poster, other = _File("front.png", "image/png"), _File("back.png", "image/png")

    def said(*files: _File, limits: Limits) -> tuple[tuple[str, ...], tuple[int, ...]]:
        shown = degrade("Ecco", [], files, limits, link)
        assert (link in shown.text) is bool(shown.linked)
        return shown.linked, shown.along

    assert said(chair, poster, limits=Limits(files=1)) == (("chair.glb",), (1,))
    assert said(chair, poster, other, limits=Limits(files=1)) == (("chair.glb",), (1, 2))
    assert said(chair, poster, other, limits=Limits(files=2)) == (("chair.glb",), (1, 2))
    assert said(poster, chair, limits=Limits(files=0)) == (("front.png", "chair.glb"), ())
    assert said(chair, poster, limits=Limits(files=2, models=True)) == ((), (0, 1))


def test_a_mailbox_that_was_only_left_is_offered_last_and_gets_no_link(shop: Shop, whatsapp: Inbox) -> None:
    wrote = write(shop, whatsapp, "Scrivetemi a giulia@casa.example")
    customer_id = wrote.conversation.customer_id
    with tenant(shop.id):
        Inbox.objects.filter(id=shop.mail.id).update(links=True)
        for at, mailbox in enumerate(("giulia@casa.example", "taken@casa.example")):
            Claim.objects.create(
                workspace_id=shop.id, customer_id=customer_id, point=f"mail:{mailbox}", known=Known.CLAIMED,
                at=now(), folded=str(at),
            )  # fmt: skip
    take(shop, mail("Sono io", sender="taken@casa.example"))
    first, left = found(shop, wrote.conversation_id)
    assert (first.channel, left.channel, left.address, left.warning) == (
        "whatsapp",
        "email",
        "giulia@casa.example",
        "unproved",
    )
    for text in ("Eccoci", "E ancora"):
        way = next(each for each in found(shop, wrote.conversation_id) if each.channel == "email")
        with tenant(shop.id):
            sent = Delivery.objects.get(
                message_id=reply(shop.actor("agent"), wrote.conversation_id, text, via=way.via)
            )
        assert (sent.address, sent.payload["text"]) == ("giulia@casa.example", text)
    with tenant(shop.id):
        kept = Identity.objects.get(channel="email", address="giulia@casa.example")
    assert (kept.customer_id, kept.known, way.warning) == (customer_id, Known.CLAIMED, "")
