"""An answer goes once, says when it crossed another's, and can be taken back until it begins to leave."""

import threading
from datetime import timedelta
from typing import Any
from uuid import UUID

import psycopg
import pytest
from django.db import connection

from tests.inbound import mail, take
from tests.worlds import Shop
from wasl.accounts.actor import Forbidden, NotFound
from wasl.conversations import actions, doubt, drafts, queries, undo
from wasl.conversations.doubt import Care, Doubt
from wasl.conversations.follow import rebuild
from wasl.conversations.models import Attachment, Conversation, Message
from wasl.conversations.reply import CannotReply, Upload, reply
from wasl.conversations.undo import TooLate
from wasl.delivery import claim
from wasl.delivery.models import Delivery
from wasl.delivery.payload import unpack
from wasl.kit.clock import now
from wasl.kit.db import pool, raw, tenant
from wasl.kit.ids import uuid7

Owner = psycopg.Connection[Any]


@pytest.fixture
def conversation(shop: Shop) -> Conversation:
    take(shop, mail("Où est ma facture ?", Message_ID="<first@atelier.example>"))
    with tenant(shop.id):
        return Conversation.objects.get()


def known(shop: Shop) -> str:
    with tenant(shop.id):
        return doubt.token(Conversation.objects.get())


def kinds(owner: Owner) -> list[str]:
    rows = owner.execute("SELECT kind FROM timeline_touchpoint ORDER BY epoch, tx, id").fetchall()
    return [row[0] for row in rows]


def test_the_same_key_is_the_same_answer(shop: Shop, conversation: Conversation, owner: Owner) -> None:
    key = uuid7()
    for _ in range(3):
        with tenant(shop.id):
            assert reply(shop.actor(), conversation.id, "La voici.", key=key) == key
    with tenant(shop.id):
        assert Message.objects.filter(way="out").count() == Delivery.objects.count() == 1
    assert kinds(owner).count("message.sent") == 1


def test_other_words_under_the_same_key_are_not_lost(shop: Shop, conversation: Conversation) -> None:
    key = uuid7()
    with tenant(shop.id):
        reply(shop.actor(), conversation.id, "La voici.", key=key)
        with pytest.raises(Doubt) as said:
            reply(shop.actor(), conversation.id, "La voici, pardon.", key=key)
    assert said.value.earlier
    assert said.value.earlier.text == "La voici."


def test_a_key_of_someone_else_is_refused(shop: Shop, conversation: Conversation) -> None:
    key = uuid7()
    with tenant(shop.id):
        reply(shop.actor("admin"), conversation.id, "La voici.", key=key)
        with pytest.raises(CannotReply, match="used_key"):
            reply(shop.actor(), conversation.id, "La voici.", key=key)


def test_an_answer_that_crosses_a_colleagues_is_held_back(shop: Shop, conversation: Conversation) -> None:
    began = known(shop)
    with tenant(shop.id):
        reply(shop.actor("admin"), conversation.id, "Je m'en occupe.", care=Care(began))
    with tenant(shop.id), pytest.raises(Doubt) as said:
        reply(shop.actor(), conversation.id, "La voici.", care=Care(began))
    assert [each.message.text for each in said.value.between] == ["Je m'en occupe."]
    with tenant(shop.id):
        assert Message.objects.filter(way="out").count() == 1
        reply(shop.actor(), conversation.id, "La voici.", care=Care(said.value.token))
        assert Message.objects.filter(way="out").count() == 2


def test_what_the_customer_wrote_meanwhile_counts_and_ones_own_does_not(
    shop: Shop, conversation: Conversation
) -> None:
    began, actor = known(shop), shop.actor()
    with tenant(shop.id):
        reply(actor, conversation.id, "Un instant.", care=Care(began))
        rfc_id = Message.objects.get(way="out").rfc_id
        reply(actor, conversation.id, "La voici.", care=Care(began))
    take(shop, mail("Trouvée !", subject="Re: Facture", In_Reply_To=f"<{rfc_id}>"))
    with tenant(shop.id), pytest.raises(Doubt) as said:
        reply(actor, conversation.id, "Autre chose ?", care=Care(began))
    assert [each.message.text for each in said.value.between] == ["Trouvée !"]


def test_a_message_written_down_late_is_noticed_by_its_number(shop: Shop, conversation: Conversation) -> None:
    with tenant(shop.id):
        late = mail("Avant tout autre chose", In_Reply_To="<first@atelier.example>")
    take(shop, mail("Encore moi", In_Reply_To="<first@atelier.example>"))
    began = known(shop)
    take(shop, late, at=now() - timedelta(seconds=30))
    with tenant(shop.id):
        assert Conversation.objects.get().messages == 3
        with pytest.raises(Doubt) as said:
            reply(shop.actor(), conversation.id, "La voici.", care=Care(began))
    assert said.value.between


@pytest.mark.parametrize("token", ["", "x", "1", "1.zz", f"1.{'0' * 32}", "-1.", "9" * 50])
def test_a_token_that_says_nothing_holds_nobody_up(
    shop: Shop, conversation: Conversation, token: str
) -> None:
    with tenant(shop.id):
        reply(shop.actor(), conversation.id, "La voici.", care=Care(token))


def test_of_two_who_send_at_once_one_goes_and_one_is_asked(shop: Shop, conversation: Conversation) -> None:
    began, gate = known(shop), threading.Barrier(2)
    ends: list[str] = []

    def send(role: str) -> None:
        actor = shop.actor(role)
        gate.wait()
        try:
            with tenant(shop.id):
                reply(actor, conversation.id, f"de {role}", care=Care(began))
            ends.append("sent")
        except Doubt as said:
            ends.append(f"asked after {len(said.between)}")
        finally:
            connection.close()

    threads = [threading.Thread(target=send, args=(role,)) for role in ("agent", "admin")]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(ends) == ["asked after 1", "sent"]
    with tenant(shop.id):
        assert Message.objects.filter(way="out").count() == Delivery.objects.count() == 1


def test_a_variable_that_nothing_replaced_is_pointed_out(shop: Shop, conversation: Conversation) -> None:
    with tenant(shop.id):
        with pytest.raises(Doubt) as said:
            reply(shop.actor(), conversation.id, "Commande {{order.numbre}}", care=Care())
        assert said.value.unfilled == ["order.numbre"]
        reply(
            shop.actor(), conversation.id, "Commande {{order.numbre}}", care=Care("", frozenset({"unfilled"}))
        )
        reply(shop.actor(), conversation.id, "Le modèle {{order.numbre}}, d'un programme")


def test_rich_text_leaves_with_directions_signature_and_pictures(
    shop: Shop, conversation: Conversation
) -> None:
    with tenant(shop.id):
        shop.mail.config["signature"] = "Dar Zaytun\nCasablanca"
        shop.mail.save()
        picture = Upload("p.png", "image/png", content=b"png", content_id="a" * 32)
        html = f'<p onclick="x()">مرحبا <b>كميل</b></p><p>Voici <img data-cid="{"a" * 32}"></p><script>1</script>'
        message = Message.objects.get(
            id=reply(shop.actor(), conversation.id, "ignored", [picture], html=html)
        )
        mailed = unpack(shop.id, Delivery.objects.get().payload)
        file = Attachment.objects.get()
    assert message.text == "مرحبا كميل\n\nVoici\n\n-- \nDar Zaytun\nCasablanca"
    assert message.html.startswith('<p dir="auto">مرحبا <b>كميل</b></p>')
    assert "script" not in message.html
    assert "onclick" not in message.html
    assert '<p dir="rtl">مرحبا' in mailed.html
    assert '<p dir="ltr">Voici <img' in mailed.html
    assert f'src="cid:{"a" * 32}"' in mailed.html
    assert (file.inline, file.content_id) == (True, "a" * 32)
    assert [(part.inline, part.content_id) for part in mailed.parts] == [(True, "a" * 32)]


def test_plain_words_stay_plain(shop: Shop, conversation: Conversation) -> None:
    with tenant(shop.id):
        key = reply(shop.actor(), conversation.id, "", html="<p>Bonjour</p><p>La voici<br>Merci</p>")
        message = Message.objects.get(id=key)
    assert (message.text, message.html) == ("Bonjour\n\nLa voici\nMerci", "")


def held(shop: Shop, conversation: Conversation, text: str = "La voici.", **options: Any) -> UUID:
    with tenant(shop.id):
        return reply(shop.actor(), conversation.id, text, hold=10.0, **options)


def test_an_answer_taken_back_leaves_a_draft_and_two_touchpoints(
    shop: Shop, conversation: Conversation, owner: Owner
) -> None:
    with tenant(shop.id):
        shop.mail.config["signature"] = "Dar Zaytun"
        shop.mail.save()
        before = Conversation.objects.values().get()
    files = [Upload("facture.pdf", "application/pdf", content=b"%PDF-1.7")]
    message_id = held(shop, conversation, files=files)
    with tenant(shop.id):
        assert Delivery.objects.get().due_at > now() + timedelta(seconds=8)
        assert undo.withdraw(shop.actor(), message_id) == conversation.id
        assert not Message.objects.filter(way="out").exists()
        assert not Delivery.objects.exists()
        assert Conversation.objects.values().get() == before
        kept = drafts.of(shop.actor(), conversation.id)["out"]
        assert (kept.text, [f.filename for f in kept.files]) == ("La voici.", ["facture.pdf"])
        assert kept.key != message_id
        again = drafts.uploads(shop.actor(), conversation.id, "out")
        reply(shop.actor(), conversation.id, kept.text, again, key=kept.key)
        assert Attachment.objects.get(message_id=kept.key).filename == "facture.pdf"
    assert kinds(owner)[1:] == ["message.sent", "message.withdrawn", "message.sent"]


def test_taking_back_restores_what_was_settled(shop: Shop, conversation: Conversation) -> None:
    actor = shop.actor()
    with tenant(shop.id):
        actions.resolve(actor, conversation.id)
    message_id = held(shop, conversation)
    with tenant(shop.id):
        assert Conversation.objects.get().status == "open"
        undo.withdraw(actor, message_id)
        assert Conversation.objects.get().status == "resolved"
    message_id = held(shop, conversation)
    with tenant(shop.id):
        actions.resolve(actor, conversation.id)
        undo.withdraw(actor, message_id)
        assert Conversation.objects.get().status == "resolved"
        lived = Conversation.objects.values().get()
        rebuild(raw(), shop.id)
        assert Conversation.objects.values().get() == lived


def test_what_was_begun_since_stays_behind_what_comes_back(shop: Shop, conversation: Conversation) -> None:
    actor = shop.actor()
    message_id = held(shop, conversation, html="<p><b>La</b> voici.</p>")
    with tenant(shop.id):
        drafts.save(actor, conversation.id, "out", "Autre chose", key=uuid7())
        undo.withdraw(actor, message_id)
        kept = drafts.of(actor, conversation.id)["out"]
    assert kept.text == "La voici.\n\nAutre chose"
    assert kept.html == '<p dir="auto"><b>La</b> voici.</p>\n<p dir="auto">Autre chose</p>'


def test_only_the_writer_takes_an_answer_back_and_only_before_it_leaves(
    shop: Shop, conversation: Conversation
) -> None:
    message_id = held(shop, conversation)
    with tenant(shop.id):
        for other, refusal in (("admin", NotFound), ("readonly", Forbidden)):
            with pytest.raises(refusal):
                undo.withdraw(shop.actor(other), message_id)
    with pool("queue", "test", 8).connection() as conn:
        key = claim.Key(shop.id, shop.mail.id)
        assert claim.take(conn, {key: 5}, now(), now()) == []
        assert len(claim.take(conn, {key: 5}, now() + timedelta(seconds=11), now())) == 1
    with tenant(shop.id):
        with pytest.raises(TooLate):
            undo.withdraw(shop.actor(), message_id)
        assert Message.objects.filter(id=message_id).exists()


def test_undo_and_the_worker_never_both_have_their_way(shop: Shop, conversation: Conversation) -> None:
    """The worker claims while the agent takes back: whoever holds the row first decides, and both agree."""
    ends = []
    for turn in range(6):
        message_id = held(shop, conversation, f"n {turn}")
        gate = threading.Barrier(2)
        taken: list[int] = []

        def work(gate: threading.Barrier = gate, taken: list[int] = taken) -> None:
            gate.wait()
            with pool("queue", "test", 8).connection() as conn:
                later = now() + timedelta(seconds=11)
                taken.append(len(claim.take(conn, {claim.Key(shop.id, shop.mail.id): 5}, later, later)))

        worker = threading.Thread(target=work)
        worker.start()
        gate.wait()
        try:
            with tenant(shop.id):
                undo.withdraw(shop.actor(), message_id)
            back = 1
        except TooLate:
            back = 0
        worker.join()
        ends.append((back, taken[0]))
        with tenant(shop.id):
            assert Delivery.objects.filter(message_id=message_id).count() == 1 - back
    assert all(back + sent == 1 for back, sent in ends), ends


def test_an_answer_without_a_delivery_cannot_be_taken_back(shop: Shop) -> None:
    take(shop, b'{"from": {"address": "c-1", "name": "Amal"}, "text": "Bonjour"}', inbox=shop.forms)
    with tenant(shop.id):
        conversation = Conversation.objects.get()
        message_id = reply(shop.actor(), conversation.id, "Oui", hold=10.0)
        assert queries.message(shop.actor(), message_id).delivery is None
        with pytest.raises(TooLate):
            undo.withdraw(shop.actor(), message_id)
