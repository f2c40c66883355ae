"""From stored bytes to a conversation on the customer's timeline."""

import json
import threading
from datetime import timedelta
from typing import Any
from uuid import UUID

import psycopg
import pytest

from tests.inbound import mail, receive, take, work
from tests.worlds import Shop
from wasl.channels.email.tokens import reply_address
from wasl.conversations import understand
from wasl.conversations.models import Attachment, Conversation, Message
from wasl.customers.models import Customer, Identity
from wasl.kit import blobs, signing
from wasl.kit.clock import now
from wasl.kit.db import pool, tenant

Owner = psycopg.Connection[Any]


def conversation_of(owner: Owner, message_id: UUID) -> UUID:
    row = owner.execute(
        "SELECT conversation_id FROM conversations_message WHERE id = %s", [message_id]
    ).fetchone()
    assert row, "the message was not understood"
    return UUID(str(row[0]))


def count(owner: Owner, table: str) -> int:
    row = owner.execute(f"SELECT count(*) FROM {table}").fetchone()  # type: ignore[call-overload]
    assert row
    return int(row[0])


def token_to(conversation_id: UUID) -> str:
    return reply_address("support@dar-zaytun.example", conversation_id, signing.key("reply-address"))


def test_a_mail_becomes_a_conversation_on_a_timeline(shop: Shop, owner: Owner) -> None:
    (message_id,) = take(shop, mail("Bonjour,\n\nLa facture ?"))
    with tenant(shop.id):
        message = Message.objects.select_related("conversation", "customer").get(id=message_id)
        identity = Identity.objects.get(id=message.identity_id)
        assert (message.way, message.channel, message.text) == ("in", "email", "Bonjour,\n\nLa facture ?")
        assert message.conversation.subject == "Facture"
        assert message.conversation.preview == "Bonjour, La facture ?"
        assert message.conversation.messages == 1
        assert message.customer.name == "Camille Moreau"
        assert identity.address == "camille@atelier.example"
        assert identity.customer_id == message.customer_id
    touch = owner.execute(
        "SELECT kind, customer_id, conversation_id, facts FROM timeline_touchpoint WHERE about_id = %s",
        [message_id],
    ).fetchone()
    assert touch
    assert touch[:3] == ("message.received", message.customer_id, message.conversation_id)
    assert touch[3]["opened"] == touch[3]["new_customer"] == 1
    assert count(owner, "intake_inboundqueue") == 0


def test_two_mails_of_a_new_customer_make_one_conversation(shop: Shop, owner: Owner) -> None:
    first, second = take(shop, mail("One"), mail("And another thing", subject="Re-think"))
    assert conversation_of(owner, first) == conversation_of(owner, second)
    assert count(owner, "customers_customer") == 1
    with tenant(shop.id):
        assert Conversation.objects.get().messages == 2


def test_a_later_mail_about_something_else_is_a_conversation_of_its_own(shop: Shop, owner: Owner) -> None:
    (first,) = take(shop, mail("One"), at=now() - timedelta(minutes=8))
    (second,) = take(shop, mail("Two", subject="Something else"))
    assert conversation_of(owner, first) != conversation_of(owner, second)
    assert count(owner, "customers_customer") == 1


def test_a_subject_never_joins_a_stranger(shop: Shop, owner: Owner) -> None:
    (first,) = take(shop, mail("Mine"))
    (second,) = take(shop, mail("Not yours", sender="Eve <eve@elsewhere.example>", subject="Re: Facture"))
    assert conversation_of(owner, first) != conversation_of(owner, second)


def test_a_reference_joins_its_own_writer_and_no_stranger(shop: Shop, owner: Owner) -> None:
    (first,) = take(shop, mail("One", Message_ID="<a@x.example>"), at=now() - timedelta(days=3))
    (second,) = take(shop, mail("Two", subject="Autre", In_Reply_To="<a@x.example>"))
    (third,) = take(shop, mail("Three", sender="eve@elsewhere.example", References="<b@y> <a@x.example>"))
    assert conversation_of(owner, first) == conversation_of(owner, second)
    assert conversation_of(owner, first) != conversation_of(owner, third)


def test_a_guest_in_copy_may_answer(shop: Shop, owner: Owner) -> None:
    (first,) = take(shop, mail("One", Message_ID="<a@x.example>", Cc="Paul <paul@atelier.example>"))
    (second,) = take(shop, mail("Two", sender="paul@atelier.example", In_Reply_To="<a@x.example>"))
    assert conversation_of(owner, first) == conversation_of(owner, second)
    assert count(owner, "customers_customer") == 2


def test_a_reply_token_joins_the_participant_only(shop: Shop, owner: Owner) -> None:
    (first,) = take(shop, mail("One"), at=now() - timedelta(days=3))
    there = conversation_of(owner, first)
    address = token_to(there)
    (second,) = take(shop, mail("Two", to=address, subject="New words"), to=address)
    (stranger,) = take(shop, mail("Me too", sender="eve@elsewhere.example", to=address), to=address)
    assert conversation_of(owner, second) == there
    assert conversation_of(owner, stranger) != there


def test_a_forged_token_counts_for_nothing(shop: Shop, owner: Owner) -> None:
    (first,) = take(shop, mail("One"), at=now() - timedelta(days=3))
    there = conversation_of(owner, first)
    forged = reply_address("support@dar-zaytun.example", there, b"another key, thirty-two bytes ok")
    (second,) = take(shop, mail("Two", to=forged, subject="Hm"), to=forged)
    assert conversation_of(owner, second) != there


def test_a_token_of_another_workspace_leads_nowhere(shop: Shop, owner: Owner) -> None:
    other = Shop.create("other", "help@other.example")
    (theirs,) = take(other, mail("Theirs", to="help@other.example"), to="help@other.example")
    address = token_to(conversation_of(owner, theirs))
    (ours,) = take(shop, mail("Ours", to=address), to=address)
    assert conversation_of(owner, ours) != conversation_of(owner, theirs)
    assert count(owner, "customers_customer") == 2


def test_an_answer_opens_a_resolved_conversation_again(shop: Shop, owner: Owner) -> None:
    (first,) = take(shop, mail("One", Message_ID="<a@x.example>"))
    owner.execute("UPDATE conversations_conversation SET status = 'resolved'")
    (second,) = take(shop, mail("Two", In_Reply_To="<a@x.example>"))
    (third,) = take(shop, mail("Three", In_Reply_To="<a@x.example>"))
    assert conversation_of(owner, first) == conversation_of(owner, second) == conversation_of(owner, third)
    with tenant(shop.id):
        assert Conversation.objects.get().status == "open"
    rows = owner.execute("SELECT facts->'reopened' FROM timeline_touchpoint ORDER BY id").fetchall()
    assert [r[0] for r in rows] == [0, 1, 0]


def test_files_are_kept_by_content(shop: Shop) -> None:
    raw = (
        b"From: a@b.example\r\nSubject: photo\r\nContent-Type: multipart/mixed; boundary=x\r\n\r\n"
        b"--x\r\nContent-Type: text/plain\r\n\r\nsee\r\n--x\r\nContent-Type: image/png\r\n"
        b"Content-Disposition: attachment; filename=lamp.png\r\nContent-Transfer-Encoding: base64\r\n\r\n"
        b"iVBORw0KGgo=\r\n--x--\r\n"
    )
    take(shop, raw)
    with tenant(shop.id):
        file = Attachment.objects.get()
        assert (file.filename, file.size) == ("lamp.png", 8)
        assert blobs.read(shop.id, bytes(file.digest)) == b"\x89PNG\r\n\x1a\n"


def test_what_cannot_be_parsed_waits_in_quarantine_and_the_rest_goes_on(shop: Shop, owner: Owner) -> None:
    deep = b"".join(
        b"Content-Type: multipart/mixed; boundary=b%d\r\n\r\n--b%d\r\n" % (n, n) for n in range(100)
    )
    bad, good = receive(shop, b"From: a@b.example\r\n" + deep, mail("fine"))
    work()
    conversation_of(owner, good)
    row = owner.execute("SELECT id, reason, outcome FROM intake_quarantine").fetchone()
    assert row == (bad, "nested_too_deep", "")
    assert count(owner, "intake_inboundqueue") == 0


def test_a_row_that_breaks_the_batch_is_alone_in_quarantine(
    shop: Shop, owner: Owner, monkeypatch: pytest.MonkeyPatch
) -> None:
    ids = receive(shop, *(mail(f"number {n}", sender=f"c{n}@x.example") for n in range(9)))
    whole = understand.parse

    def breaks(item: Any) -> Any:
        if item.id == ids[5]:
            raise RuntimeError("a mistake of ours")
        return whole(item)

    monkeypatch.setattr(understand, "parse", breaks)
    work()
    assert count(owner, "conversations_message") == 8
    assert owner.execute("SELECT id, reason, detail FROM intake_quarantine").fetchall() == [
        (ids[5], "broken", "RuntimeError")
    ]


def test_a_replay_after_a_fix_is_understood(
    shop: Shop, owner: Owner, monkeypatch: pytest.MonkeyPatch
) -> None:
    from wasl.intake.actions import replay

    def breaks(item: Any) -> Any:
        raise RuntimeError

    with monkeypatch.context() as patch:
        patch.setattr(understand, "parse", breaks)
        (message_id,) = take(shop, mail("late but whole"))
    with tenant(shop.id):
        replay(shop.actor("admin"), message_id)
    work()
    conversation_of(owner, message_id)
    assert owner.execute("SELECT outcome FROM intake_quarantine").fetchone() == ("replayed",)


def test_many_new_customers_writing_twice_at_once_on_two_workers(shop: Shop, owner: Owner) -> None:
    people = 200
    for _ in range(2):
        receive(shop, *(mail(f"from {n}", sender=f"c{n}@x.example", subject="x") for n in range(people)))
    errors: list[BaseException] = []

    def worker() -> None:
        try:
            while True:
                with pool("queue", "test", 8).connection() as conn:
                    if not understand.step(conn, 23):
                        return
        except BaseException as error:
            errors.append(error)

    threads = [threading.Thread(target=worker) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert errors == []
    assert count(owner, "customers_customer") == people
    assert count(owner, "conversations_conversation") == people
    assert count(owner, "conversations_message") == 2 * people


def test_a_form_ties_messages_by_its_own_thread(shop: Shop, owner: Owner) -> None:
    def form(text: str, thread: str = "") -> bytes:
        body = {"from": {"address": "u-1", "name": "Sami"}, "text": text}
        return json.dumps(body | ({"thread": thread} if thread else {})).encode()

    one, two = take(shop, form("a", "order-1"), form("b", "order-2"), inbox=shop.forms)
    (three,) = take(shop, form("c", "order-1"), inbox=shop.forms)
    assert conversation_of(owner, one) == conversation_of(owner, three) != conversation_of(owner, two)
    with tenant(shop.id):
        assert Customer.objects.count() == 1
