"""First messages are acknowledged: in whose language, with which promise, and never twice or to a program."""

from datetime import datetime, timedelta
from typing import Any
from urllib.parse import urlencode
from uuid import UUID
from zoneinfo import ZoneInfo

import psycopg
import pytest

from tests.conversations.test_ways import chat_inbox, write
from tests.inbound import mail, receive, take, work
from tests.worlds import Shop
from wasl.accounts import calendars
from wasl.accounts.calendars import Wanted
from wasl.channels.models import Inbox
from wasl.channels.port import Request
from wasl.channels.sms.hook import Hook as SmsHook
from wasl.conversations import follow, link
from wasl.conversations.auto import AN_HOUR
from wasl.conversations.models import Conversation, Message
from wasl.conversations.reply import reply
from wasl.customers.models import Customer, Identity
from wasl.delivery import suppression
from wasl.delivery.models import Delivery
from wasl.desk import acknowledge, waits
from wasl.desk.models import Acknowledgement, AcknowledgementText, Promise
from wasl.kit.clock import now, travel
from wasl.kit.db import pool, raw, tenant
from wasl.timeline.actions import Touch, append
from wasl.timeline.follow import run_once
from wasl.timeline.models import Touchpoint

TUNIS = ZoneInfo("Africa/Tunis")
SHIFTS = [[(540, 780), (900, 1080)] for _ in range(6)] + [[]]


def at(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=TUNIS)


@pytest.fixture(autouse=True)
def fresh() -> None:
    waits.forget()


@pytest.fixture
def desk(shop: Shop) -> Shop:
    """A shop in Tunis that acknowledges and promises two hours."""
    with tenant(shop.id):
        calendars.keep(shop.actor("admin"), None, Wanted("Shop", "Africa/Tunis", SHIFTS, ()))
        Acknowledgement.objects.create(workspace_id=shop.id, inbox=shop.mail, is_on=True, minutes=120)
        named = shop.mail.config | {"from_name": "Dar Zaytun"}
        Inbox.objects.filter(id=shop.mail.id).update(config=named, links=True)
    return shop


def follow_on() -> int:
    """Let the follower read to the end."""
    read = 0
    with pool("queue", "test", 8).connection() as conn:
        while passed := run_once(conn, acknowledge.FOLLOWER):
            read += passed
    return read


def arrive(shop: Shop, *raws: bytes, moment: str = "2026-11-23 12:10", **more: Any) -> list[UUID]:
    """Mail that comes and is acknowledged at that moment."""
    with travel(at(moment)):
        ids = take(shop, *raws, **more)
        follow_on()
    return ids


def acknowledgements(shop: Shop) -> list[Message]:
    with tenant(shop.id):
        return list(Message.objects.filter(way="out", auto="auto-replied").order_by("at", "id"))


FRENCH = "Bonjour, je voudrais savoir où est ma commande, merci pour votre réponse."


def test_a_first_message_is_acknowledged_with_a_promise_and_a_link(desk: Shop) -> None:
    arrive(desk, mail(FRENCH, subject="Re: Facture DZ-20377", Message_ID="<first@atelier.example>"))
    (sent,) = acknowledgements(desk)
    assert "Bonjour Camille Moreau," in sent.text
    assert "Nous vous répondrons aujourd’hui avant 17\u00a0h." in sent.text
    assert "fermés" not in sent.text
    with tenant(desk.id):
        promise, conversation, delivery = (
            Promise.objects.get(),
            Conversation.objects.get(),
            Delivery.objects.get(),
        )
        touch = Touchpoint.objects.get(kind="promise.made")
    assert promise.due_at == at("2026-11-23 17:00")
    assert (promise.basis, promise.minutes, promise.message_id) == ("configured", 170, sent.id)
    due = int(at("2026-11-23 17:00").timestamp())
    expected = {"due": due, "minutes": 170, "basis": "configured", "samples": 0, "open": 1, "language": "fr"}
    assert touch.facts == expected
    assert (touch.about_id, touch.conversation_id) == (sent.id, conversation.id)
    payload = delivery.payload
    assert payload["auto"] is True
    assert payload["subject"] == "Re: Facture DZ-20377"
    assert payload["from"] == ["Dar Zaytun", "support@dar-zaytun.example"]
    assert payload["to"] == [["Camille Moreau", "camille@atelier.example"]]
    assert payload["in_reply_to"] == ["first@atelier.example"]
    assert payload["language"] == "fr"
    address = next(line for line in sent.text.splitlines() if line.startswith("http"))
    claim = link.read(address.rpartition("/")[2])
    assert claim is not None
    assert (claim.workspace_id, claim.conversation_id, claim.version) == (desk.id, conversation.id, 1)
    assert f'<a href="{address}">Ouvrir ma conversation</a>' in sent.html


def test_the_conversation_stands_where_it_stood(desk: Shop) -> None:
    arrive(desk, mail(FRENCH))
    with tenant(desk.id):
        row = Conversation.objects.get()
        assert (row.status, row.last_way, row.messages, row.assignee_id) == ("open", "in", 2, None)
        assert row.preview.startswith("Bonjour, je voudrais")
    with tenant(desk.id):
        before = Conversation.objects.values().get()
        follow.rebuild(raw(), desk.id)
        assert Conversation.objects.values().get() == before


@pytest.mark.parametrize(
    ("text", "known", "inboxs", "said"),
    [
        (
            "مرحبا، أين طلبي رقم 20377؟ لم يصلني شيء بعد، شكرا لكم",
            "fr",
            "en",
            "سنجيبكم اليوم قبل الساعة الخامسة مساءً.",
        ),
        (
            "Buongiorno, vorrei sapere dove è il mio ordine, grazie",
            "fr",
            "en",
            "Le risponderemo oggi entro le 17.",
        ),
        ("DZ-20377", "it", "ar", "Le risponderemo oggi entro le 17."),
        ("DZ-20377", "", "ar", "سنجيبكم اليوم قبل الساعة الخامسة مساءً."),
    ],
)
def test_in_the_messages_language_else_the_customers_else_the_inboxs(
    desk: Shop, text: str, known: str, inboxs: str, said: str
) -> None:
    with tenant(desk.id):
        Inbox.objects.filter(id=desk.mail.id).update(language=inboxs)
    with travel(at("2026-11-23 12:10")):
        take(desk, mail(text))
        with tenant(desk.id):
            Customer.objects.update(language=known)
        follow_on()
    assert said in acknowledgements(desk)[0].text


def test_when_closed_it_says_when_we_open(desk: Shop) -> None:
    arrive(desk, mail(FRENCH), moment="2026-11-21 21:00")
    text = acknowledgements(desk)[0].text
    assert "Nous sommes fermés en ce moment et rouvrons lundi à 9\u00a0h." in text
    assert "Nous vous répondrons lundi avant midi." in text


def test_the_promise_follows_what_the_team_has_done(desk: Shop) -> None:
    """Fourteen conversations of the last weeks were answered after about five hours of work."""
    for number in range(14):
        began = at("2026-11-02 09:00") + timedelta(days=number // 5 * 7 + number % 5)
        with travel(began):
            take(desk, mail(FRENCH, sender=f"Someone <someone{number}@atelier.example>"))
        with travel(began + timedelta(hours=6, minutes=50)), tenant(desk.id):
            found = Conversation.objects.order_by("-created_at")[0]
            reply(desk.actor(), found.id, "Bonjour")
    with travel(at("2026-11-23 08:00")):
        follow_on()
    arrive(desk, mail(FRENCH), moment="2026-11-23 09:00")
    with tenant(desk.id):
        promise = Promise.objects.get(answered_at=None)
    assert (promise.basis, promise.samples) == ("median", 14)
    assert promise.due_at == at("2026-11-23 16:00")


def test_what_nobody_answers_makes_the_promise_longer(desk: Shop) -> None:
    for number in range(14):
        began = at("2026-11-16 09:00") + timedelta(days=number % 5)
        with travel(began):
            take(desk, mail(FRENCH, sender=f"Someone <someone{number}@atelier.example>"))
    arrive(desk, mail(FRENCH), moment="2026-11-23 09:00")
    with tenant(desk.id):
        promise = Promise.objects.latest("made_at")
    assert promise.basis == "median"
    assert promise.due_at is not None
    assert promise.due_at > at("2026-11-25 09:00")


def test_an_own_text_with_variables(desk: Shop) -> None:
    with tenant(desk.id):
        AcknowledgementText.objects.create(
            workspace_id=desk.id, inbox=desk.mail, language="fr",
            text="{{ greeting }}\n\nOn s’occupe de « {{conversation.subject}} » {{promise}}.\n\nOuvert {{opening}}.",
        )  # fmt: skip
    arrive(desk, mail(FRENCH, subject="Lampe <b>cassée</b>"))
    (sent,) = acknowledgements(desk)
    expected = (
        "Bonjour Camille Moreau,\n\nOn s’occupe de « Lampe <b>cassée</b> » aujourd’hui avant 17\u00a0h."
    )
    assert sent.text == expected
    assert "<b>" not in sent.html


def test_a_name_that_is_an_advertisement_is_not_repeated(desk: Shop) -> None:
    arrive(desk, mail(FRENCH, sender='"Gagnez sur casino.example" <victim@atelier.example>'))
    text = acknowledgements(desk)[0].text
    assert text.startswith("Bonjour,\n")
    assert "casino" not in text


def test_without_links_nothing_is_said_of_one(desk: Shop) -> None:
    with tenant(desk.id):
        Inbox.objects.update(links=False)
    arrive(desk, mail(FRENCH))
    text = acknowledgements(desk)[0].text
    assert "Nous vous répondrons" in text
    assert "http" not in text
    assert "Relisez" not in text


def test_only_the_first_message_of_a_conversation(desk: Shop) -> None:
    arrive(desk, mail(FRENCH, Message_ID="<a@atelier.example>"))
    arrive(desk, mail("Et encore", In_Reply_To="<a@atelier.example>"), moment="2026-11-23 12:30")
    assert len(acknowledgements(desk)) == 1


def test_not_what_was_answered_already(desk: Shop) -> None:
    with travel(at("2026-11-23 12:10")):
        take(desk, mail(FRENCH))
        with tenant(desk.id):
            reply(desk.actor(), Conversation.objects.get().id, "Bonjour")
        follow_on()
    assert acknowledgements(desk) == []


def test_not_what_came_long_ago(desk: Shop) -> None:
    with travel(at("2026-11-23 05:10")):
        take(desk, mail(FRENCH))
    with travel(at("2026-11-23 12:10")):
        follow_on()
    assert acknowledgements(desk) == []


def test_programs_lists_and_our_own_inboxes_are_not_answered(desk: Shop) -> None:
    with tenant(desk.id):
        Inbox.objects.create(
            workspace_id=desk.id, channel="email", name="Sales", address="sales@dar-zaytun.example"
        )
    arrive(
        desk,
        mail(FRENCH, Auto_Submitted="auto-replied", sender="a@atelier.example"),
        mail(FRENCH, List_Id="<news.example>", sender="b@atelier.example"),
        mail(FRENCH, Precedence="bulk", sender="c@atelier.example"),
        mail(FRENCH, sender="no-reply@atelier.example"),
        mail(FRENCH, sender="Sales <sales@dar-zaytun.example>"),
        mail(FRENCH, X_Auto_Response_Suppress="All", sender="d@atelier.example"),
    )
    assert acknowledgements(desk) == []


@pytest.mark.parametrize("together", [False, True])
def test_one_address_is_not_answered_without_end(desk: Shop, together: bool) -> None:
    for number in range(6):
        take(
            desk,
            mail(FRENCH, subject=f"Sujet {number}", Message_ID=f"<s{number}@a>", References=f"<r{number}@a>"),
        )
        if not together:
            follow_on()
    follow_on()
    with tenant(desk.id):
        assert Conversation.objects.count() == 6
    assert len(acknowledgements(desk)) == AN_HOUR


def test_switched_off_and_other_channels_stay_silent(desk: Shop) -> None:
    with tenant(desk.id):
        Acknowledgement.objects.create(workspace_id=desk.id, inbox=desk.forms, is_on=True)
    arrive(desk, b'{"from": {"address": "c-1"}, "text": "Bonjour"}', inbox=desk.forms)
    with tenant(desk.id):
        assert Conversation.objects.count() == 1
        Acknowledgement.objects.update(is_on=False)
    arrive(desk, mail(FRENCH))
    assert acknowledgements(desk) == []


def by_sms(shop: Shop, inbox: Inbox, text: str, who: str = "+33612345678", ref: str = "SM1") -> None:
    said = urlencode({"MessageSid": ref, "From": who, "To": inbox.address, "Body": text}).encode()
    (slip,) = SmsHook().split(Request("POST", "https://wasl.example/hooks", {}, {}, said))
    arrive(shop, slip.content, inbox=inbox)


def test_a_chat_is_acknowledged_shortly_unless_switched_off(desk: Shop) -> None:
    whatsapp = chat_inbox(desk, "whatsapp", "111")
    with travel(at("2026-11-23 12:10")):
        write(desk, whatsapp, FRENCH)
        follow_on()
        write(desk, whatsapp, "Et ma lampe ?", ref="wamid.2")
        follow_on()
    (sent,) = acknowledgements(desk)
    promised = "Nous vous répondrons demain avant 16\u00a0h."
    assert sent.text == f"Merci, votre message nous est bien parvenu.\n{promised}"
    assert (sent.channel, sent.html, sent.rfc_id, sent.language) == ("whatsapp", "", "", "fr")
    with tenant(desk.id):
        promise, delivery = Promise.objects.get(), Delivery.objects.get()
        assert (promise.message_id, promise.minutes) == (sent.id, 530)
        assert (delivery.channel, delivery.payload["chat"]["to"]) == ("whatsapp", "393331112222")
        assert (delivery.payload["chat"]["text"], delivery.payload["chat"]["mark_read"]) == (sent.text, "")
        assert Touchpoint.objects.get(kind="promise.made").channel == "whatsapp"
        Acknowledgement.objects.create(workspace_id=desk.id, inbox=whatsapp, is_on=False)
    with travel(at("2026-11-23 12:20")):
        write(desk, whatsapp, FRENCH, who="393334445555", ref="wamid.3")
        follow_on()
    assert len(acknowledgements(desk)) == 1


def test_a_short_message_costs_so_it_is_asked_for_and_stop_is_kept(desk: Shop) -> None:
    sms = chat_inbox(desk, "sms", "+33700000000")
    by_sms(desk, sms, FRENCH)
    assert acknowledgements(desk) == []
    with tenant(desk.id):
        Acknowledgement.objects.create(workspace_id=desk.id, inbox=sms, is_on=True, minutes=120)
        Inbox.objects.filter(id=sms.id).update(links=True)
    by_sms(desk, sms, FRENCH, "+33612345679", "SM2")
    (sent,) = acknowledgements(desk)
    first, then, link_line = sent.text.split("\n")
    assert (first, then) == (
        "Merci, votre message nous est bien parvenu.", "Nous vous répondrons aujourd'hui avant 17 h.",
    )  # fmt: skip
    assert link_line.startswith("Votre conversation : http")
    by_sms(desk, sms, "STOP", "+33612345670", "SM3")
    with tenant(desk.id):
        suppression.stop(raw(), desk.id, ("smpp", "+33612345671"), suppression.Why.WORD, now())
    by_sms(desk, sms, FRENCH, "+33612345671", "SM4")
    assert [each.id for each in acknowledgements(desk) if "Merci" in each.text] == [sent.id]


def test_an_answer_keeps_the_promise_until_it_is_taken_back(desk: Shop) -> None:
    arrive(desk, mail(FRENCH))
    with travel(at("2026-11-23 15:30")):
        with tenant(desk.id):
            written = reply(desk.actor(), Conversation.objects.get().id, "Bonjour")
        follow_on()
    with tenant(desk.id):
        promise = Promise.objects.get()
        assert promise.answered_at == Message.objects.get(id=written).at
        Message.objects.filter(id=written).update(way="note")
        conversation = Conversation.objects.get()
        touch = Touch(conversation.customer_id, "message.withdrawn", now(), "email", conversation.id, written)
        append(raw(), desk.id, [touch])
    follow_on()
    with tenant(desk.id):
        assert Promise.objects.get().answered_at is None


def test_a_worker_that_dies_in_between_acknowledges_once(desk: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    """Whatever statement is the last, the transaction takes the reader's place back with it."""
    with travel(at("2026-11-23 12:10")):
        take(desk, mail(FRENCH), mail(FRENCH, sender="Other <other@atelier.example>"))
        real = acknowledge.append

        def dies(*args: Any) -> Any:
            real(*args)
            raise psycopg.OperationalError("killed")

        monkeypatch.setattr(acknowledge, "append", dies)
        with pool("queue", "test", 8).connection() as conn, pytest.raises(psycopg.OperationalError):
            run_once(conn, acknowledge.FOLLOWER)
        assert acknowledgements(desk) == []
        monkeypatch.undo()
        follow_on()
        follow_on()
    assert len(acknowledgements(desk)) == 2
    with tenant(desk.id):
        assert Promise.objects.count() == 2
        assert Delivery.objects.count() == 2
        assert Touchpoint.objects.filter(kind="promise.made").count() == 2


def test_reading_again_from_the_beginning_acknowledges_nothing_twice(
    desk: Shop, owner: psycopg.Connection[Any]
) -> None:
    arrive(desk, mail(FRENCH))
    owner.execute("DELETE FROM timeline_follower WHERE name = 'desk.acknowledge'")
    with travel(at("2026-11-23 12:20")):
        assert follow_on() > 0
    assert len(acknowledgements(desk)) == 1


def test_other_workspaces_are_other_desks(desk: Shop) -> None:
    other = Shop.create("elsewhere", "support@elsewhere.example")
    with travel(at("2026-11-23 12:10")):
        receive(desk, mail(FRENCH))
        receive(other, mail(FRENCH, to="support@elsewhere.example"), to="support@elsewhere.example")
        work()
        follow_on()
    assert len(acknowledgements(desk)) == 1
    assert acknowledgements(other) == []
    with tenant(desk.id):
        assert Identity.objects.count() == 1
