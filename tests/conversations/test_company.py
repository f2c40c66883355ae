"""The people in copy: who takes part, whom an answer goes to, and that we never answer ourselves."""

from uuid import UUID

import pytest

from tests.inbound import mail, take
from tests.worlds import Shop
from wasl.channels.base import OutboundMessage
from wasl.channels.models import Inbox
from wasl.conversations import company
from wasl.conversations.models import Conversation, Message
from wasl.conversations.reply import CannotReply, reply
from wasl.delivery.models import Delivery
from wasl.delivery.payload import unpack
from wasl.kit.db import tenant

US = "support@dar-zaytun.example"
CC = "Paul <paul@atelier.example>, Salma <Salma@Barid.example>"


def arrive(shop: Shop, text: str = "One", **headers: str) -> UUID:
    headers.setdefault("Message_ID", "<a@x.example>")
    (message_id,) = take(shop, mail(text, **headers))
    with tenant(shop.id):
        return Message.objects.get(id=message_id).conversation_id


def answer(shop: Shop, conversation_id: UUID, cc: list[str] | None = None) -> OutboundMessage:
    with tenant(shop.id):
        message_id = reply(shop.actor(), conversation_id, "Hello", cc=cc)
        return unpack(shop.id, Delivery.objects.get(message_id=message_id).payload)


def addresses(out: OutboundMessage) -> tuple[list[str], list[str]]:
    return [a.address for a in out.to], [a.address for a in out.cc]


def test_an_answer_goes_to_everybody_who_takes_part(shop: Shop) -> None:
    out = answer(shop, arrive(shop, Cc=CC))
    assert addresses(out) == (["camille@atelier.example"], ["paul@atelier.example", "Salma@barid.example"])
    assert [a.name for a in out.cc] == ["Paul", "Salma"]


def test_never_to_an_inbox_of_ours(shop: Shop) -> None:
    with tenant(shop.id):
        Inbox.objects.create(
            workspace_id=shop.id, channel="email", name="Sales", address="sales@dar-zaytun.example"
        )
    token = "Support+rabc@dar-zaytun.example"
    there = arrive(shop, to=f"{US}, Sales@Dar-Zaytun.example, lea@atelier.example", Cc=f"{token}, {CC}")
    assert addresses(answer(shop, there))[1] == [
        "lea@atelier.example",
        "paul@atelier.example",
        "Salma@barid.example",
    ]
    out = answer(shop, there, [US, token, "sales@dar-zaytun.example", "paul@atelier.example"])
    assert addresses(out)[1] == ["paul@atelier.example"]


def test_whoever_was_taken_away_stays_away_until_a_customer_brings_them_back(shop: Shop) -> None:
    there = arrive(shop, Cc=CC)
    assert addresses(answer(shop, there, ["paul@atelier.example"]))[1] == ["paul@atelier.example"]
    assert addresses(answer(shop, there))[1] == ["paul@atelier.example"]
    arrive(shop, "Two", In_Reply_To="<a@x.example>", Message_ID="<b@x.example>", Cc=CC)
    assert len(addresses(answer(shop, there))[1]) == 2
    assert addresses(answer(shop, there, []))[1] == []
    assert addresses(answer(shop, there))[1] == []


def test_the_one_who_wrote_last_is_answered_and_the_first_stays_in_copy(shop: Shop) -> None:
    there = arrive(shop, Cc=CC)
    joined = arrive(
        shop, "Me too", sender="paul@atelier.example", In_Reply_To="<a@x.example>", Message_ID="<b@x.example>"
    )
    assert joined == there
    out = answer(shop, there)
    assert addresses(out) == (["paul@atelier.example"], ["camille@atelier.example", "Salma@barid.example"])
    assert out.in_reply_to == ("b@x.example",)


def test_a_program_is_not_answered_where_a_person_wrote(shop: Shop) -> None:
    there = arrive(shop, Cc=CC)
    away = {"Auto_Submitted": "auto-replied", "In_Reply_To": "<a@x.example>", "Message_ID": "<b@x.example>"}
    arrive(shop, "I am away", sender="paul@atelier.example", Cc="boss@atelier.example", **away)
    out = answer(shop, there)
    assert addresses(out) == (["camille@atelier.example"], ["paul@atelier.example", "Salma@barid.example"])


def test_addresses_nobody_reads_are_left_out(shop: Shop) -> None:
    there = arrive(shop, Cc="no-reply@forms.example, paul@atelier.example")
    assert addresses(answer(shop, there))[1] == ["paul@atelier.example"]


def test_somebody_new_may_be_added(shop: Shop) -> None:
    there = arrive(shop)
    out = answer(
        shop, there, [" <lea@atelier.example> ", "", "LEA@atelier.example", "camille@atelier.example"]
    )
    assert addresses(out)[1] == ["LEA@atelier.example"]
    joined = arrive(
        shop, "Yes", sender="lea@atelier.example", In_Reply_To=f"<{out.message_id}>", Message_ID="<c@x>"
    )
    assert joined == there


BAD = ["lea", "lea@", "a b@x.example", "lea@x", "lea@x.example\nBcc: eve@x.example", "x" * 330 + "@x.example"]


@pytest.mark.parametrize("bad", BAD)
def test_what_is_no_address_is_refused_and_nothing_goes_out(shop: Shop, bad: str) -> None:
    there = arrive(shop)
    with pytest.raises(CannotReply) as refused:
        answer(shop, there, ["paul@atelier.example", bad])
    assert refused.value.reason == "bad_address"
    with tenant(shop.id):
        assert Delivery.objects.count() == 0


def test_a_mail_of_an_inbox_of_ours_is_not_answered(shop: Shop) -> None:
    there = arrive(shop, sender=US, Cc="paul@atelier.example")
    with pytest.raises(CannotReply) as refused:
        answer(shop, there)
    assert refused.value.reason == "no_address"


def test_a_thousand_people_in_copy_are_not_all_written_to(shop: Shop) -> None:
    there = arrive(shop, Cc=", ".join(f"p{n}@many.example" for n in range(200)))
    assert len(answer(shop, there).cc) == company.MOST
    with tenant(shop.id):
        assert len(company.takes_part(there)) == company.MOST + 1
        assert Conversation.objects.count() == 1
