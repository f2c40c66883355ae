"""The signed link: what is ours opens, what was changed by one bit does not; and where it stands in an answer."""

from base64 import urlsafe_b64decode, urlsafe_b64encode
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from uuid import uuid4

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.inbound import mail, take
from tests.worlds import Shop
from wasl.channels.models import Inbox
from wasl.conversations import footer, link
from wasl.conversations.link import LENGTH, Claim
from wasl.conversations.models import Conversation, Message
from wasl.conversations.reply import reply
from wasl.customers.models import Identity
from wasl.delivery.models import Delivery
from wasl.kit.clock import now
from wasl.kit.db import raw, tenant

CLAIM = Claim(uuid4(), uuid4(), uuid4(), datetime(2027, 1, 1, tzinfo=UTC), 1)


@given(st.uuids(), st.uuids(), st.uuids(), st.integers(0, 2**32 - 1), st.integers(0, 2**16 - 1))
def test_what_is_written_is_read(workspace, conversation, identity, until, version) -> None:  # type: ignore[no-untyped-def]
    claim = Claim(workspace, conversation, identity, datetime.fromtimestamp(until, UTC), version)
    text = link.token(claim)
    assert len(text) == LENGTH
    assert link.read(text) == claim


@given(st.integers(0, 72 * 8 - 1))
@settings(max_examples=300)
def test_a_changed_bit_opens_nothing(bit: int) -> None:
    data = bytearray(urlsafe_b64decode(link.token(CLAIM)))
    data[bit // 8] ^= 1 << bit % 8
    assert link.read(urlsafe_b64encode(bytes(data)).decode()) is None


@given(st.text(max_size=120))
def test_nothing_else_is_a_token(text: str) -> None:
    assert link.read(text) is None
    assert link.read(link.token(CLAIM)[:-1] + text) is None or text == link.token(CLAIM)[-1]


@pytest.mark.parametrize(
    "change", [{"identity_id": uuid4()}, {"version": 2}, {"until": datetime(2028, 1, 1, tzinfo=UTC)}]
)
def test_another_claim_is_another_token(change: dict[str, object]) -> None:
    assert link.token(replace(CLAIM, **change)) != link.token(CLAIM)  # type: ignore[arg-type]


def test_it_opens_for_thirty_days_and_all_can_be_taken_back(shop: Shop) -> None:
    take(shop, mail("Bonjour"))
    with tenant(shop.id):
        conversation, message = Conversation.objects.get(), Message.objects.get()
        assert message.identity_id
        address = link.address(raw(), shop.id, conversation.id, message.identity_id)
        claim = link.read(address.rpartition("/")[2])
        assert claim is not None
        assert abs(claim.until - now() - timedelta(days=30)) < timedelta(minutes=1)
        assert (claim.version, claim.expired) == (conversation.link_version, False)
        link.revoke(raw(), shop.id, conversation.id)
        conversation.refresh_from_db()
        assert conversation.link_version == 2
        with pytest.raises(LookupError):
            link.address(raw(), shop.id, uuid4(), message.identity_id)


def test_answers_carry_it_where_the_inbox_says_so(shop: Shop) -> None:
    take(shop, mail("Bonjour, je voudrais savoir où est ma commande, merci"))
    with tenant(shop.id):
        conversation = Conversation.objects.get()
        plain = reply(shop.actor(), conversation.id, "La voici.")
        assert "/c/" not in Delivery.objects.get(message_id=plain).payload["text"]
        Inbox.objects.filter(id=shop.mail.id).update(links=True)
        linked = reply(shop.actor(), conversation.id, "La voilà.", html="<p>La <b>voilà</b>.</p>")
        payload = Delivery.objects.get(message_id=linked).payload
        message = Message.objects.get(id=linked)
    text = payload["text"]
    assert text.startswith("La voilà.\n\nVotre conversation jusqu’ici, et de quoi la compléter\u00a0:\nhttp")
    assert link.read(text.rpartition("/")[2]) is not None
    assert "voilà" in payload["html"]
    assert "Ouvrir ma conversation</a>" in payload["html"]
    assert "/c/" not in message.text + message.html, "agents read what they wrote"


def test_who_gets_a_copy_gets_no_link(shop: Shop) -> None:
    take(shop, mail("Bonjour"))
    with tenant(shop.id):
        Inbox.objects.update(links=True)
        message = Message.objects.get()
        identity = Identity.objects.get(id=message.identity_id)
        row = Conversation.objects.select_related("inbox").get()
        assert footer.of_answer(row.inbox, row, identity.id, "fr", others=True) is None
        assert footer.of_answer(row.inbox, row, identity.id, "de", others=False) is not None
