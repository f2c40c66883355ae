"""Mail of programs in conversations, and whether a program may answer."""

from typing import Any
from uuid import UUID

import psycopg
import pytest

from tests.inbound import mail, take
from tests.worlds import Shop
from wasl.channels.email.auto import Quiet
from wasl.conversations import auto
from wasl.conversations.auto import may_answer_automatically
from wasl.conversations.follow import rebuild
from wasl.conversations.models import Conversation, Message
from wasl.conversations.reply import reply
from wasl.kit.clock import now
from wasl.kit.db import as_tenant, pool, raw, tenant
from wasl.kit.ids import uuid7

Owner = psycopg.Connection[Any]
AWAY = {"Auto_Submitted": "auto-replied", "In_Reply_To": "<a@x.example>"}


def why_not(shop: Shop, message_id: UUID) -> Quiet | None:
    with tenant(shop.id):
        return may_answer_automatically(raw(), shop.id, message_id)


def acknowledge(shop: Shop, message_id: UUID) -> None:
    with tenant(shop.id):
        asked = Message.objects.get(id=message_id)
        Message.objects.create(
            id=uuid7(), workspace_id=shop.id, conversation_id=asked.conversation_id, customer_id=asked.customer_id,
            way="out", channel="email", identity_id=asked.identity_id, at=now(), auto="auto-replied", text="Got it",
        )  # fmt: skip


def test_a_person_may_be_answered(shop: Shop) -> None:
    (message_id,) = take(shop, mail())
    assert why_not(shop, message_id) is None


@pytest.mark.parametrize(
    ("headers", "quiet"),
    [
        ({"Auto_Submitted": "auto-replied"}, Quiet.AUTOMATIC),
        ({"List_Id": "<a.example>"}, Quiet.LIST),
        ({"X_Auto_Response_Suppress": "All"}, Quiet.ASKED),
        ({"subject": "Automatic reply: x"}, Quiet.SUBJECT),
        ({"sender": "no-reply@x.example"}, Quiet.NO_REPLY),
        ({"sender": "support@dar-zaytun.example"}, Quiet.OURSELVES),
        ({"sender": "Support+x@dar-zaytun.example"}, Quiet.OURSELVES),
    ],
)
def test_who_is_not_answered(shop: Shop, headers: dict[str, str], quiet: Quiet) -> None:
    (message_id,) = take(shop, mail(**headers))
    assert why_not(shop, message_id) is quiet


def test_an_envelope_without_a_sender_is_not_answered(shop: Shop, owner: Owner) -> None:
    from tests.inbound import receive, work

    (message_id,) = receive(shop, mail())
    owner.execute("""UPDATE intake_inbound SET envelope = '{"door": "smtp", "from": "", "to": []}'""")
    work()
    assert why_not(shop, message_id) is Quiet.NULL_SENDER


def test_what_is_no_incoming_mail_is_not_answered(shop: Shop) -> None:
    (message_id,) = take(shop, mail())
    with tenant(shop.id):
        sent = reply(shop.actor(), Message.objects.get(id=message_id).conversation_id, "Hello")
    assert why_not(shop, sent) is Quiet.NOT_MAIL
    assert why_not(shop, uuid7()) is Quiet.NOT_MAIL


def test_a_program_that_does_not_say_so_stops_being_answered(shop: Shop, owner: Owner) -> None:
    answered = 0
    for number in range(6):
        (message_id,) = take(shop, mail(subject=f"Ticket {number}", Message_ID=f"<t{number}@x.example>"))
        if why_not(shop, message_id) is None:
            answered += 1
            acknowledge(shop, message_id)
    assert answered == auto.AN_HOUR
    assert why_not(shop, message_id) is Quiet.TOO_OFTEN
    owner.execute("UPDATE conversations_message SET at = at - interval '2 hours' WHERE way = 'out'")
    assert why_not(shop, message_id) is None
    for _ in range(auto.A_DAY):
        acknowledge(shop, message_id)
    owner.execute("UPDATE conversations_message SET at = at - interval '2 hours' WHERE way = 'out'")
    assert why_not(shop, message_id) is Quiet.TOO_OFTEN


def test_another_customer_is_not_silenced_by_it(shop: Shop) -> None:
    (message_id,) = take(shop, mail())
    for _ in range(auto.AN_HOUR):
        acknowledge(shop, message_id)
    (other,) = take(shop, mail(sender="paul@elsewhere.example"))
    assert why_not(shop, other) is None


@pytest.mark.parametrize("status", ["resolved", "pending", "snoozed", "open"])
def test_an_echo_wakes_nothing(shop: Shop, owner: Owner, status: str) -> None:
    take(shop, mail("One", Message_ID="<a@x.example>"))
    owner.execute("UPDATE conversations_conversation SET status = %s, last_way = 'out'", [status])
    with tenant(shop.id):
        before = Conversation.objects.get()
    (echo,) = take(shop, mail("I am away", **AWAY))
    with tenant(shop.id):
        after = Conversation.objects.get()
        assert Message.objects.get(id=echo).conversation_id == after.id
    assert (after.status, after.last_way) == (status, "out")
    assert (after.last_in_at, after.last_at, after.preview) == (before.last_in_at, before.last_at, "One")
    assert after.messages == 2
    facts = owner.execute("SELECT facts FROM timeline_touchpoint WHERE about_id = %s", [echo]).fetchone()
    assert facts
    assert (facts[0]["reopened"], facts[0]["auto"]) == (0, "auto-replied")


def test_a_person_behind_an_echo_in_the_same_batch_wakes_it(shop: Shop, owner: Owner) -> None:
    take(shop, mail("One", Message_ID="<a@x.example>"))
    owner.execute("UPDATE conversations_conversation SET status = 'resolved', last_way = 'out'")
    take(
        shop, mail("I am away", **AWAY), mail("I am back", In_Reply_To="<a@x.example>"), mail("Away", **AWAY)
    )
    with tenant(shop.id):
        found = Conversation.objects.get()
        assert (found.status, found.last_way, found.preview, found.messages) == ("open", "in", "I am back", 4)


def test_generated_mail_is_news(shop: Shop, owner: Owner) -> None:
    take(shop, mail("One", Message_ID="<a@x.example>"))
    owner.execute("UPDATE conversations_conversation SET status = 'resolved'")
    take(shop, mail("Your parcel left", Auto_Submitted="auto-generated", In_Reply_To="<a@x.example>"))
    with tenant(shop.id):
        assert Conversation.objects.get().status == "open"


def test_rebuilding_gives_what_living_gave(shop: Shop) -> None:
    take(shop, mail("One", Message_ID="<a@x.example>"))
    take(shop, mail("Away", **AWAY))
    take(
        shop,
        mail("Opened by an echo", sender="eve@x.example", Auto_Submitted="auto-replied", Message_ID="<b@x>"),
    )
    take(shop, mail("Again", sender="eve@x.example", Auto_Submitted="auto-replied", In_Reply_To="<b@x>"))
    with tenant(shop.id):
        lived = list(Conversation.objects.order_by("id").values())
    with pool("queue", "test", 8).connection() as conn, conn.transaction(), as_tenant(conn, shop.id):
        rebuild(conn, shop.id)
    with tenant(shop.id):
        assert list(Conversation.objects.order_by("id").values()) == lived


def test_a_mail_of_ours_that_comes_round_is_set_aside(shop: Shop, owner: Owner) -> None:
    (_, value), rfc_id = auto.mark(shop.id, "o1@dar-zaytun.example")[0], "o1@dar-zaytun.example"
    take(
        shop, mail("Hello", sender="support@dar-zaytun.example", X_Wasl_Loop=value, Message_ID=f"<{rfc_id}>")
    )
    assert owner.execute("SELECT reason, settled_at FROM intake_quarantine").fetchall() == [("ours", None)]
    take(shop, mail("Hello", X_Wasl_Loop=value, Message_ID="<another@x.example>"))
    with tenant(shop.id):
        assert Conversation.objects.count() == 1


@pytest.mark.parametrize(("days", "joins"), [(1, True), (5, False)])
def test_an_echo_that_names_nothing_joins_what_we_wrote_last(
    shop: Shop, owner: Owner, days: int, joins: bool
) -> None:
    (first,) = take(shop, mail("One", Message_ID="<a@x.example>"))
    with tenant(shop.id):
        there = Message.objects.get(id=first).conversation_id
        reply(shop.actor(), there, "Hello")
    owner.execute("UPDATE conversations_message SET at = at - make_interval(days => %s)", [days])
    owner.execute(
        "UPDATE conversations_conversation SET status = 'resolved', last_in_at = now() - interval '9 days'"
    )
    (echo,) = take(shop, mail("I am away", subject="Away", Auto_Submitted="auto-replied"))
    (person,) = take(shop, mail("A question", subject="New"))
    with tenant(shop.id):
        found = [Message.objects.get(id=id_).conversation_id == there for id_ in (echo, person)]
        assert found == [joins, False]
        assert Conversation.objects.get(id=there).status == "resolved"
